"""Elements taken from one of several arrays."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import DTypeError, InputError, ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type, broadcast_shapes
from symgraph.ops.batching import in_front
from symgraph.ops.calls import of_numpy
from symgraph.ops.elementwise import astype, clip, remainder, where, zeros_like
from symgraph.ops.kinds import Example, Linear, promote, weak_nodes
from symgraph.ops.reduce import broadcast_to

__all__ = ["choose", "piecewise", "select"]


@record
class Choose(Linear):
    """For each element the choice whose number it is; the choices are the later operands."""

    mode: str = "raise"
    name: ClassVar[str] = "choose"

    def positions(self, node: Node) -> tuple[int, ...]:
        """The choices."""
        return tuple(range(1, len(node.inputs)))

    def infer(self, *types: TensorType) -> Type:
        """All operands broadcast; the common dtype of the choices."""
        shape = broadcast_shapes(*[t.shape for t in types], what="choose")
        return TensorType(promote([t.dtype for t in types[1:]]), shape)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.choose``."""
        # A number in the list is no weak one.
        texts = [
            call(f"np.{x.dtype.name}", arg).text if arg.literal else arg.text
            for x, arg in zip(node.inputs[1:], args[1:], strict=True)
        ]
        mode = "" if self.mode == "raise" else f'"{self.mode}"'
        return call("np.choose", args[0], f"[{', '.join(texts)}]", mode=mode)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """To each choice the cotangent where it was taken."""
        count = len(node.inputs) - 1
        number = node.inputs[0]
        if self.mode == "wrap":
            number = remainder(number, count)
        elif self.mode == "clip":
            number = clip(number, 0, count - 1)
        zero = constant(np.zeros((), cotangent.dtype))
        return [where(number == i, cotangent, zero) for i in range(count)]

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself: it broadcasts."""
        return make(
            self,
            *[
                in_front(x, node.ndim) if stack else x
                for x, stack in zip(operands, mapped, strict=True)
            ],
        )

    def work(self, node: Node) -> float:
        """Random access."""
        return 5.0

    def flops(self, node: Node) -> Dim:
        """None: it copies."""
        return 0


@of_numpy(np.choose)
def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """For each element of `a` the choice whose number it is, as ``np.choose``.

    Parameters
    ----------
    a : array_like of int
    choices : sequence of array_like
        Broadcast against each other and `a`.
    out : None
        Not supported.
    mode : {"raise", "wrap", "clip"}
        What is done with other numbers.
    """
    if out is not None:
        raise DTypeError("choose: out= is not supported on nodes", hint="y = np.choose(...)")
    if mode not in ("raise", "wrap", "clip"):
        raise UnsupportedError("choose: mode", expected="'raise', 'wrap' or 'clip'", got=repr(mode))
    number = as_node(a)
    if number.dtype.kind not in "iub":
        raise DTypeError("choose: the first argument must be integers", got=repr(number.type))
    nodes = [as_node(choice) for choice in choices]
    if not nodes:
        raise ShapeError("choose needs at least one choice")
    return make(Choose(mode), number, *nodes)


def _condition(value: Any, what: str) -> Node:
    node = as_node(value)
    if node.dtype.kind != "b":
        raise DTypeError(f"{what}: a condition must be boolean", got=repr(node.type))
    return node


@of_numpy(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """For each element the choice whose condition is the first to be true, as ``np.select``.

    Parameters
    ----------
    condlist : sequence of array_like of bool
    choicelist : sequence of array_like
        As many; all broadcast against each other.
    default : array_like
        Where no condition is true.

    Raises
    ------
    InputError, DTypeError
        If there are not as many choices as conditions, or none; if a condition is not boolean.
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise InputError(
            "select: one choice is needed for each condition",
            expected=f"{len(condlist)} choices" if len(condlist) else "at least one condition",
            got=str(len(choicelist)),
        )
    conditions = [_condition(value, "select") for value in condlist]
    *choices, result = weak_nodes([*choicelist, default], "select")
    dtype = promote([node.dtype for node in (*choices, result)])
    shape = broadcast_shapes(
        *[node.shape for node in (*conditions, *choices, result)], what="select"
    )
    for condition, choice in zip(conditions[::-1], choices[::-1], strict=True):
        result = where(condition, choice, result)
    return broadcast_to(astype(result, dtype), shape)


@of_numpy(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Functions of `x`, each where its condition is true, as ``np.piecewise``.

    Every function is given all of `x`, and must be element-wise; what it makes of elements that
    are not its own never reaches the result or a derivative.

    Parameters
    ----------
    x : array_like
    condlist : sequence of array_like of bool, or one
        Of several that are true the last counts.
    funclist : sequence of callable or scalar
        One more than there are conditions, if the last is for where none is true; there it is 0
        otherwise.
    *args, **kw
        Further arguments of the functions.

    Raises
    ------
    InputError, DTypeError
        If the numbers do not fit; if a condition is not boolean.
    """
    node = as_node(x)
    single = not isinstance(condlist, list | tuple) and np.ndim(condlist) <= 1
    given: list[Any] = [condlist] if single else list(cast("Any", condlist))
    conditions = [_condition(c, "piecewise") for c in given]
    functions = list(cast("Sequence[Any]", funclist))
    if len(functions) - len(conditions) not in (0, 1):
        raise InputError(
            "piecewise: one function is needed for each condition, or one more",
            expected=f"{len(conditions)} or {len(conditions) + 1}",
            got=str(len(functions)),
        )

    def piece(function: Any) -> Node:
        value = as_node(function(node, *args, **kw) if callable(function) else function)
        if value.ndim and not callable(function):
            raise UnsupportedError(
                "piecewise: an array of values, which NumPy puts in one after the other",
                expected="functions and scalars",
                got=repr(value.type),
                hint="np.where(condition, values, x) takes them at their positions",
            )
        return astype(value, node.dtype)

    result = zeros_like(node) if len(functions) == len(conditions) else piece(functions.pop())
    for condition, function in zip(conditions, functions, strict=True):
        result = where(condition, piece(function), result)
    return broadcast_to(result, node.shape)


# Examples for the tests ------------------------------------------------------------------------

_MATRIX = np.sin(np.arange(12.0) * 1.3).reshape(3, 4)
_NUMBERS = np.array([2, 0, 1, 1])

EXAMPLES: dict[str, list[Example]] = {
    "choose": [
        Example(lambda i, x, y: np.choose(i, [x, y, -1.0]), (_NUMBERS, _MATRIX, _MATRIX[:1] * 2)),
        Example(lambda x: np.choose(_NUMBERS, x), (_MATRIX.astype(np.float32),)),
        Example(lambda i, x: np.choose(i, [x, 2 * x], mode="wrap"), (_NUMBERS - 3, _MATRIX)),
        Example(lambda i, x: i.choose([x, 2 * x], mode="clip"), (_NUMBERS - 1, _MATRIX)),
    ],
    "select": [
        Example(lambda x: np.select([x > 0.5, x > 0], [x**2, -x], 1.5), (_MATRIX,)),
        Example(lambda x: np.select([x > 0], [np.sqrt(x)]), (_MATRIX.astype(np.float32) + 2,)),
        Example(lambda x: np.select([x > 0, x > True], [[1, 2, 3, 4], x[0]]), (_MATRIX,)),
    ],
    "piecewise": [
        Example(lambda x: np.piecewise(x, [x < 0, x > 0.5], [np.exp, 2.5, np.cos]), (_MATRIX,)),
        Example(lambda x: np.piecewise(x, x < 0, [np.multiply, 1.5], 3.0), (_MATRIX[0],)),
    ],
}
