"""The kinds of operations: what each declares, so that the rest can be derived.

==============  =============================  ==================================================
kind            declares                       derived
==============  =============================  ==================================================
`Elementwise`   ``partials`` or a formula      forward and reverse mode, batching
`Linear`        ``transpose``                  forward mode is the operation itself
`Multilinear`   ``transpose`` in each factor   forward mode is the product rule
`Structured`    ``jvp``                        reverse mode, by transposing the forward rule
`ControlFlow`   ``jvp``, ``vjp``, batching     nothing: all are deliberate
`Discrete`      nothing                        integer-valued: it has no derivative
==============  =============================  ==================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from inspect import Parameter, Signature
from typing import Any, ClassVar, TypeAlias, TypedDict, Unpack, cast

import numpy as np

from symgraph.errors import DerivativeError, DTypeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call, infix, prefix
from symgraph.graph.evaluate import interpret
from symgraph.graph.links import Link
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.op import Op
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder, complete
from symgraph.graph.sizes import Dim
from symgraph.graph.types import DType, TensorType, Type, broadcast_shapes
from symgraph.ops.batching import broadcast_apart, in_front
from symgraph.ops.facts import UNBOUNDED, Bounds, Facts, Limit, Limits, both, either
from symgraph.ops.formula import derivative, recognise, to_node
from symgraph.ops.lettered import lettered
from symgraph.ops.promotion import (
    any_node,
    library_ufunc,
    loop_dtypes,
    promote,
    weak_constant,
    weak_kind,
    weak_nodes,
)

__all__ = [
    "ELEMENTWISE",
    "BatchWalk",
    "ControlFlow",
    "Discrete",
    "Elementwise",
    "Example",
    "Linear",
    "Multilinear",
    "NoDerivative",
    "Structured",
    "any_node",
    "elementwise",
    "library_ufunc",
    "loop_dtypes",
    "promote",
    "weak_nodes",
]

# One form for each number of operands, so that the types of lambda's parameters are known.
Partial: TypeAlias = (
    Callable[[Node, Node], Node]
    | Callable[[Node, Node, Node], Node]
    | Callable[[Node, Node, Node, Node], Node]
    | Callable[[Node, Node, Node, Node, Node], Node]
)
"""From the result and the operands to the derivative by one operand."""
Expansion: TypeAlias = (
    Callable[[Node], Node] | Callable[[Node, Node], Node] | Callable[[Node, Node, Node], Node]
)
"""From the operands to the same value by other operations."""
Writer: TypeAlias = (
    Callable[[Code], Code] | Callable[[Code, Code], Code] | Callable[[Code, Code, Code], Code]
)
"""From the source of the operands to the source of the result."""
Promotion: TypeAlias = (
    Callable[[DType], DType]
    | Callable[[DType, DType], DType]
    | Callable[[DType, DType, DType], DType]
)
"""From the dtypes of the operands to that of the result."""


Domain: TypeAlias = tuple[float, float] | tuple[tuple[float, float], ...]

Call: TypeAlias = (
    "Callable[[Any], Any] | Callable[[Any, Any], Any] | Callable[[Any, Any, Any], Any]"
)


@record
class Example:
    """A call for the tests: a function of arrays or nodes, and arrays to call it with.

    Attributes
    ----------
    call : callable
        Must run on NumPy arrays with NumPy's own functions (`reference`) and on nodes.
    args : tuple of array
    reference : callable, optional
        NumPy's or SciPy's spelling of the same, if `call` is not one that runs on arrays.
    """

    call: Call
    args: tuple[Any, ...]
    reference: Call | None = None


class Declared(TypedDict, total=False):
    """What may be said of an element-wise operation: see `Elementwise`."""

    ufunc: np.ufunc | str
    numpy: Callable[..., Any]
    dtypes: np.ufunc | Promotion
    arity: int
    symbol: str
    text: Writer
    assignment: str
    out: bool
    partials: Sequence[Partial | None]
    formula: str | Callable[..., Any]
    facts: Facts
    cost: float
    kinds: str
    domain: Domain
    accuracy: float
    decompose: Expansion
    why: str
    limits: Limits
    bounds: Bounds
    mask: Callable[..., Node]


class NoDerivative:
    """A partial that does not exist in closed form.

    Parameters
    ----------
    what : str
        By what: "the order of jv".
    hint : str, optional
    """

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = what
        self.hint = hint or "sg.stop_gradient(x) treats an operand as constant"

    def __call__(self, *_: Node) -> Node:
        """Refuse."""
        raise DerivativeError(f"the derivative by {self.what} has no closed form", hint=self.hint)


class Elementwise(Op):
    """A scalar function, applied element by element with broadcasting.

    Parameters
    ----------
    name : str
        NumPy's or SciPy's name.
    **declared
        The attributes below, without underscores; `decompose` is the expansion in other operations
        that is emitted where NumPy has no function for it.
    """

    source: np.ufunc | str | None = None
    """The ufunc that computes it, which gives dtypes, arity and text; SciPy's by its full name,
    so that it is imported only where it is used."""
    numpy: Callable[..., Any] | None = None
    """NumPy's function where it is no ufunc."""
    dtypes: np.ufunc | Promotion | None = None
    """What decides the result's dtype where no ufunc does."""
    arity: int = 1
    symbol: str = ""
    """Its operator in Python."""
    text: Writer | None = None
    """Writes it from the operands' code, where it is neither an operator nor a function."""
    assignment: str = ""
    """What stands behind a variable in the statement that does it in place (``**= 2``)."""
    out: bool = False
    """Whether what `text` calls takes ``out=``."""
    partials: Sequence[Partial | None] | None = None
    """For each operand, from ``(result, *operands)`` to the derivative; ``None`` for zero
    everywhere. By default the derivative of the formula."""
    formula: str | Callable[..., Any] = ""
    """SymPy's spelling in x, y, z, w."""
    facts: Facts = Facts()
    """What rewrites may use."""
    cost: float = 1.0
    """Nanoseconds an element, roughly."""
    kinds: str = ""
    """The kinds of dtype that the tests sample, one letter (b, i, f) for each operand; floats by
    default."""
    domain: Domain = (-3.0, 3.0)
    """Where the tests sample the operands: one interval, or one for each."""
    accuracy: float = 4e-15
    """How far the library's function may be from the formula, relatively."""
    decomposed: Expansion | None = None
    why: str = ""
    """Why that branches, for a comment in the emitted source."""
    _limits: Limits = ()
    """For each operand where it must lie for the value to be finite; empty: everywhere."""
    _bounds: Bounds = UNBOUNDED
    """Between what values the result lies, or a function of such pairs of the operands."""
    _mask: Callable[..., Node] | None = None
    """From the operands to a mask outside which the result is exactly zero."""

    def __init__(self, name: str, **declared: Unpack[Declared]) -> None:
        self.name = name  # pyright: ignore[reportAttributeAccessIssue] - a name for each instance
        self.source = declared.pop("ufunc", None)
        self.decomposed = declared.pop("decompose", None)
        if isinstance(self.source, np.ufunc):
            self.arity = self.source.nin
        for key, value in declared.items():
            setattr(self, f"_{key}" if key in ("limits", "bounds", "mask") else key, value)
        zeros = self.facts.zeros or (range(self.arity) if self.facts.absorbing == 0 else ())
        self.zeros = tuple(zeros) or ((0,) if self.facts.odd else ())

    @cached_property
    def ufunc(self) -> np.ufunc | None:
        """The ufunc that computes it; SciPy's is imported now."""
        if not isinstance(self.source, str):
            return self.source
        return library_ufunc(self.source)

    @property
    def loops(self) -> np.ufunc | None:
        """The ufunc whose loops decide the dtypes, if one does."""
        if self.dtypes is None:
            return self.ufunc
        return self.dtypes if isinstance(self.dtypes, np.ufunc) else None

    def intervals(self) -> tuple[tuple[float, float], ...]:
        """For each operand where the tests sample it."""
        low, high = self.domain[0], self.domain[1]
        if isinstance(low, int | float) and isinstance(high, int | float):
            return ((low, high),) * self.arity
        return cast("tuple[tuple[float, float], ...]", self.domain)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<elementwise {self.name}>"

    def __reduce__(self) -> tuple[object, ...]:
        return (_by_name, (self.name,))

    def infer(self, *types: TensorType) -> Type:
        """Broadcast shape; dtype by NumPy's promotion for this ufunc."""
        shape = broadcast_shapes(*[t.shape for t in types], what=self.name)
        dtypes = tuple([t.dtype for t in types])
        if self.loops is not None:
            return TensorType(loop_dtypes(self.loops, dtypes, self.name)[-1], shape)
        return TensorType(cast("Callable[..., DType]", self.dtypes)(*dtypes), shape)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """The operator, or a call of the ufunc."""
        # NumPy's scalars of booleans are Python's to its operators: np.True_ ** 2 is an int64.
        operator = self.ufunc is None or any(x.dtype.kind != "b" for x in node.inputs)
        if self.text is not None and operator:
            return self.text(*args)
        function = self._function(scope)
        if all(arg.literal for arg in args):
            if self.symbol in _SAFE_ON_NUMBERS and node.dtype.kind == "f":
                bare = prefix(self.symbol, *args) if self.arity == 1 else infix(self.symbol, *args)
                return replace(bare, literal=True)
            # Python's numbers raise on 1 / 0 and 0 ** -1, and their integers do not wrap.
            if self.symbol == "/" and node.dtype.kind == "f":
                return infix("/", call(f"np.{node.dtype.name}", args[0]), args[1])
            return call(function, *args)
        if self.symbol and self.arity == 1:
            return prefix(self.symbol, args[0])
        if self.symbol:
            return infix(self.symbol, *args)
        return call(function, *args)

    def _function(self, scope: Scope) -> str:
        if isinstance(self.source, str):
            module, _, name = self.source.rpartition(".")
            return f"{scope.imports(module)}.{name}"
        return f"np.{_NUMPY_NAMES.get(self.name, self.name)}"

    def in_place(
        self, node: Node, operand: int, target: str, args: Sequence[Code], scope: Scope
    ) -> str | None:
        """An augmented assignment, which nodes understand as well as arrays."""
        if operand not in self.augmented:
            return None
        if self.assignment:
            return f"{target} {self.assignment}"
        return f"{target} {self.symbol}= {args[1 - operand].text}"

    def into(self, node: Node, target: str, args: Sequence[Code], scope: Scope) -> Code | None:
        """A call of the ufunc with ``out=``."""
        if not self.takes_out:
            return None
        if self.out and self.text is not None:
            head, *rest = self.text(*args).parts
            return call(head.removesuffix("("), *rest, out=target)
        return call(self._function(scope), *args, out=target)

    @property
    def takes_out(self) -> bool:
        """Whether it is written, or can be, as the call of a function that takes ``out=``."""
        return self.out or self.source is not None

    @property
    def augmented(self) -> tuple[int, ...]:
        """The operands that an augmented assignment can change."""
        if self.assignment:
            return (0,)
        if self.arity != 2 or self.text is not None:
            return ()
        return (0, 1) if self.symbol in ("+", "*") else (0,) if self.symbol in ("-", "/") else ()

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself, with axes of length one between the batch and operands of lower rank."""
        return make(
            self,
            *[
                in_front(operand, node.ndim) if is_mapped else operand
                for operand, is_mapped in zip(operands, mapped, strict=True)
            ],
        )

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """All axes that are not repeated."""
        x = node.inputs[operand]
        return broadcast_apart(node, x, x.ndim, node.ndim)

    def decompose(self, *inputs: Node) -> Node | None:
        """By the declared expansion, if NumPy has no function for it."""
        return None if self.decomposed is None else self.decomposed(*inputs)

    def work(self, node: Node) -> float:
        """Nanoseconds an element."""
        return self.cost

    def flops(self, node: Node) -> Dim:
        """One an element; of slow functions as many as nanoseconds."""
        return max(1, round(self.cost)) * node.size

    @property
    def analytic(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Where NumPy has it for complex numbers, unless the facts deny it."""
        types = () if self.ufunc is None else self.ufunc.types
        return self.facts.analytic and f"{'D' * self.arity}->D" in types

    def limits(self, operands: Sequence[Node]) -> Sequence[Limit | None]:
        """Where each operand must lie for the value to be finite; empty if that is everywhere."""
        return self._limits(operands) if callable(self._limits) else self._limits

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Between what values the result lies, from those of the operands."""
        return self._bounds(operands) if callable(self._bounds) else self._bounds

    def support(self, node: Node, masks: Sequence[Node | None]) -> Node | None:
        """By what is declared, and by the facts that make zeros of zeros."""
        if self._mask is not None:
            return self._mask(*node.inputs)
        if self.facts.unit == 0:
            return either(*masks)
        return both(*[masks[i] for i in self.zeros])

    @property
    def label(self) -> str:
        """The name."""
        return self.name

    @cached_property
    def sympy_formula(self) -> Any:
        """The formula as a SymPy expression in ``x0, x1, ...`` (imports SymPy)."""
        sympy: Any = import_module("sympy")
        if callable(self.formula):
            return sympy.sympify(self.formula(*self.symbols))
        if not self.formula:
            raise UnsupportedError(f"{self.name} has no formula")
        names = dict(zip("xyzw", self.symbols, strict=False))
        return sympy.sympify(self.formula, locals=names)

    @cached_property
    def symbols(self) -> tuple[Any, ...]:
        """The real SymPy symbols that stand for the operands in the formula."""
        sympy: Any = import_module("sympy")
        return sympy.symbols(f"x0:{self.arity}", real=True)

    def derive_partials(self) -> list[Partial | None]:
        """The partials that the formula gives, by SymPy.

        Raises
        ------
        UnsupportedError, DerivativeError
            If there is no formula, or SymPy cannot differentiate it.
        """
        formula = recognise(self.sympy_formula)
        slopes = [derivative(formula, symbol) for symbol in self.symbols]
        return [None if slope == 0 else self._partial(slope) for slope in slopes]

    def _partial(self, slope: Any) -> Partial:
        def partial(r: Node, *xs: Node) -> Node:
            return to_node(slope, dict(zip(self.symbols, xs, strict=True)), r.dtype)

        return partial


_NUMPY_NAMES = {"absolute": "abs"}
_SAFE_ON_NUMBERS = frozenset(("+", "-", "*"))

ELEMENTWISE: dict[str, Elementwise] = {}
"""Every element-wise operation by name."""


def _by_name(name: str) -> Elementwise:
    found = ELEMENTWISE.get(name)
    if found is None and complete():
        found = ELEMENTWISE.get(name)
    if found is None:
        raise UnsupportedError(
            f"the operation {name} does not exist here",
            hint="it was declared with sg.elementwise where this was pickled: declare it first",
        )
    return found


def operands(op: Elementwise, args: Sequence[Any]) -> list[Node]:
    """Nodes for the arguments; Python scalars take the dtype that NumPy computes in."""
    weak = [weak_kind(arg) for arg in args]
    if op.loops is None:
        return weak_nodes(args, op.name)
    if all(weak) or not any(weak):
        return [as_node(arg) for arg in args]
    nodes = [None if kind else as_node(arg) for kind, arg in zip(weak, args, strict=True)]
    dtypes = tuple([kind if n is None else n.dtype for kind, n in zip(weak, nodes, strict=True)])
    wanted = loop_dtypes(op.loops, dtypes, op.name)
    return [
        weak_constant(arg, dtype, op.name) if node is None else node
        for arg, dtype, node in zip(args, wanted, nodes, strict=False)
    ]


def elementwise(name: str, doc: str = "", **declared: Unpack[Declared]) -> Callable[..., Any]:
    """Declare an element-wise operation and get the public function that applies it.

    Parameters
    ----------
    name : str
        NumPy's or SciPy's name.
    doc : str, optional
        Its docstring.
    **declared
        See `Elementwise`.
    """
    op = ELEMENTWISE[name] = Elementwise(name, **declared)
    arity = op.arity

    def function(*args: Any, **keywords: Any) -> Any:
        if keywords and op.ufunc is not None:
            return op.ufunc(*args, **keywords)  # it comes back by NumPy's protocol
        if keywords:
            raise TypeError(f"{name}() got an unexpected keyword argument {min(keywords)!r}")
        if len(args) != arity:
            raise DTypeError(
                f"{name} takes {arity} argument{'s' if arity > 1 else ''}",
                expected=f"{name}({', '.join(_names(op))})",
                got=f"{len(args)}",
            )
        if any_node(*args):
            return make(op, *operands(op, args))
        computed = op.numpy or op.ufunc
        if computed is not None:
            return computed(*args)
        return interpret([make(op, *operands(op, args))], {})[0]

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc or _docstring(op)
    names = [Parameter(each, Parameter.POSITIONAL_ONLY) for each in _names(op)]
    function.__signature__ = Signature(names)  # pyright: ignore[reportFunctionMemberAccess]
    return builder(*[op.numpy] if op.numpy else [], name=name)(function)


def _names(op: Elementwise) -> list[str]:
    return [f"x{i + 1}" for i in range(op.arity)] if op.arity > 1 else ["x"]


def _docstring(op: Elementwise) -> str:
    law = f"\n\nThe function is ``{op.formula}``." if isinstance(op.formula, str) else ""
    library = op.source if isinstance(op.source, str) else f"np.{op.name}"
    numpy = f"As ``{library}``" if op.source or op.numpy else op.name
    return (
        f"{numpy}, element by element, on nodes and arrays.{law}\n\n"
        f"Parameters\n----------\n{', '.join(_names(op))} : array_like\n"
        "    Broadcast against each other.\n\n"
        "Returns\n-------\nNode\n    A NumPy array if no argument is a node.\n\n"
        "Raises\n------\nShapeError, DTypeError\n    If the operands do not fit.\n"
    )


class Linear(Op):
    """Linear in the operands `linear` together, the others held fixed."""

    linear: ClassVar[tuple[int, ...] | None] = (0,)
    """Positions; ``None`` for all of them."""

    moves: ClassVar[bool] = False
    """Whether every element of the result is an element of the first operand, or zero."""

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Cotangents of the linear operands, in their order."""
        raise NotImplementedError(type(self).__name__)

    def flops(self, node: Node) -> Dim:
        """None where elements only move."""
        return 0 if self.moves else super().flops(node)

    def positions(self, node: Node) -> tuple[int, ...]:
        """The positions of the linear operands of `node`."""
        return tuple(range(len(node.inputs))) if self.linear is None else self.linear

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Those of elements that only move, and zero."""
        low, high = operands[0] if self.moves else UNBOUNDED
        return min(low, 0.0), max(high, 0.0)

    def support(self, node: Node, masks: Sequence[Node | None]) -> Node | None:
        """Elements that only move take their mask along; 0-d masks hold for the whole."""
        if self.moves and masks[0] is not None and masks[0].ndim:
            whole = apply("broadcast_to", masks[0], node.inputs[0].shape)
            return make(self, whole, *node.inputs[1:])
        found = [masks[i] for i in self.positions(node)]
        return either(*found) if all(m is not None and not m.ndim for m in found) else None


class Multilinear(Op):
    """Linear in each operand, the others held fixed."""

    analytic: ClassVar[bool] = True

    def support(self, node: Node, masks: Sequence[Node | None]) -> Node | None:
        """That of one operand, if it is 0-d."""
        return next((mask for mask in masks if mask is not None and not mask.ndim), None)

    def transpose(self, node: Node, operand: int, cotangent: Node) -> Node:
        """Cotangent of one operand."""
        raise NotImplementedError(type(self).__name__)

    def letters(self, node: Node) -> tuple[Sequence[str], str] | None:
        """As of an einsum: letters for the axes of each operand, and those of the result.

        ``None`` where it is no einsum.
        """
        return None

    def links(self, node: Node, operand: int) -> Sequence[Link] | None:
        """Each element times those of the other operands with the same letters."""
        found = self.letters(node)
        if found is None:
            return None
        return lettered(node, *found, operand)


class Structured(Op):
    """Differentiated by a forward rule in other operations; reverse mode is derived from it."""

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """Tangent of the result (a tuple of them for several results); ``None`` for zero.

        `tangents` has ``None`` for an operand that does not vary. The answer must be linear in
        the tangents.
        """
        raise NotImplementedError(type(self).__name__)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """Cotangents of the operands, where the derived rule would read or run worse.

        `cotangent` is a list with ``None`` for zero where there are several results.
        """
        return None


Walk: TypeAlias = (
    "Callable[[Sequence[Node], Sequence[Node], Sequence[Node]], Sequence[Node | None]]"
)
"""A walk over a whole graph, which lies a layer above: ``push_forward(outputs, by, tangents)`` or
``pull_back(outputs, cotangents, by)``; ``None`` stands for zero."""


BatchWalk: TypeAlias = (
    "Callable[[Sequence[Node], Sequence[Node], Sequence[Node], Dim], Sequence[Node | None]]"
)
"""The walk that batches a whole graph: ``push_batch(outputs, by, stacks, size)``; ``None`` stands
for a result that does not depend on `by`."""


class ControlFlow(Op):
    """Branches and loops over graphs, with several results: its rules are declared."""

    def jvp(
        self, node: Node, tangents: Sequence[Node | None], push_forward: Walk
    ) -> Sequence[Node | None]:
        """Tangents of the results, ``None`` for zero."""
        raise NotImplementedError(type(self).__name__)

    def vjp(
        self,
        node: Node,
        cotangents: Sequence[Node | None],
        wanted: Sequence[int],
        pull_back: Walk,
    ) -> Sequence[Node | None]:
        """Cotangents of the operands at the positions `wanted`, ``None`` for zero."""
        raise NotImplementedError(type(self).__name__)

    def batch_bodies(
        self,
        node: Node,
        operands: Sequence[Node],
        mapped: Sequence[bool],
        size: Dim,
        push_batch: BatchWalk,
    ) -> Sequence[Node]:
        """As `Op.batch`, with the walk for the bodies."""
        raise NotImplementedError(type(self).__name__)


class Discrete(Op):
    """Its results are integers or booleans: it has no derivative."""
