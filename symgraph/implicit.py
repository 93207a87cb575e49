"""Values given by an equation: found by a loop, differentiated by the implicit function theorem.

If F(x, p) = 0 then F_x dx + F_p dp = 0: the derivative is the solution of one linear system at the
root, however many steps the loop took (A. Griewank and A. Walther, Evaluating Derivatives, 2008,
chapter 15).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.differentiate import jacobian, jvp
from symgraph.errors import DTypeError, InputError, ShapeError
from symgraph.graph.code import Scope
from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import replace
from symgraph.graph.node import Node, make, placeholder
from symgraph.graph.record import record
from symgraph.graph.refusal import public
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, product
from symgraph.graph.tree import flatten
from symgraph.graph.types import TensorType, Type
from symgraph.ops.bodies import (
    INDENT,
    Body,
    Slots,
    assigned,
    close,
    nodes_of,
    repeated,
    stand_ins,
    tree_of,
)
from symgraph.ops.kinds import BatchWalk, ControlFlow, any_node
from symgraph.simplify import simplify
from symgraph.transforms.custom import custom_derivative

__all__ = ["fixed_point", "root"]


@record
class Iterate(ControlFlow):
    """Repeat a step until nothing changes any more; the first operand is where it begins.

    Attributes
    ----------
    body : Body
        From the value and the other operands to the next value.
    tolerance : float
        What the change at the end is less than, relative to one plus the largest element.
    most : int
        After how many steps it gives up, with an error.
    what : str
        Who asked, for the error.
    """

    body: Body
    tolerance: float
    most: int
    what: str
    name: ClassVar[str] = "iterate"

    @property
    def label(self) -> str:
        """Who asked."""
        return self.what

    def infer(self, *types: TensorType) -> Type:
        """The type of the value."""
        return types[0]

    def flops(self, node: Node) -> Dim:
        """Those of a step: how many there are is not known."""
        return self.body.flops()

    def block(
        self, node: Node, targets: Sequence[str], args: Sequence[str], scope: Scope
    ) -> list[str] | None:
        """A ``for`` loop that ends by ``break``, or by an error."""
        (target,) = targets
        before = scope.fresh("before")
        inner, (after,) = scope.body(self.body.inputs, self.body.outputs, [before, *args[1:]])
        most = ".max(initial=0.0)" if node.ndim else ""
        change = scope.fresh("change")
        lines = [
            f"{before} = {target}",
            *inner,
            *assigned([target], [after]),
            f"{change} = np.abs({target} - {before}){most}",
            f"if {change} < {self.tolerance} * (1.0 + np.abs({target}){most}):",
            f"{INDENT}break",
        ]
        message = f"{self.what}: no convergence in {self.most} steps"
        return [
            *assigned([target], [args[0]]),
            f"for _ in range({self.most}):",
            *[INDENT + line for line in lines],
            "else:",
            f'{INDENT}raise RuntimeError("{message}")',
        ]

    def batch_bodies(
        self,
        node: Node,
        operands: Sequence[Node],
        mapped: Sequence[bool],
        size: Dim,
        push_batch: BatchWalk,
    ) -> Any:
        """All at once, until none of them changes any more."""
        slots = Slots(self.body.inputs)
        first, *others = self.body.inputs
        moving = [first, *[x for x, many in zip(others, mapped[1:], strict=True) if many]]
        stacks = [slots.new(x.op.label, x.type.with_shape((size, *x.shape))) for x in moving]
        found = push_batch(self.body.outputs, moving, stacks, size)
        known = dict(zip(moving, stacks, strict=True))
        inputs = tuple([known.get(x, x) for x in self.body.inputs])
        outputs = tuple(
            [repeated(y, stack, size) for y, stack in zip(self.body.outputs, found, strict=True)]
        )
        start = operands[0]
        if not mapped[0]:
            start = apply("broadcast_to", start, (size, *start.shape))
        op = Iterate(Body(inputs, outputs), self.tolerance, self.most, self.what)
        return make(op, start, *operands[1:])


class _Equation:
    """A function of an unknown tree, closed, and as a function of one flat vector.

    Attributes
    ----------
    start : Node
        Where the search begins, flat; 0-d if the unknown is one number.
    others : list of Node
        The parameters, and what the function takes from around it.
    """

    def __init__(
        self, function: Callable[..., Any], x0: Any, params: Sequence[Any], what: str
    ) -> None:
        leaves, self.form, self.there = nodes_of(x0)
        leaves = [leaf if leaf.type.inexact else leaf.astype(np.float64) for leaf in leaves]
        dtypes = {leaf.dtype for leaf in leaves}
        if len(dtypes) != 1 or next(iter(dtypes)).kind != "f":
            raise DTypeError(
                f"{what}: the unknown has one real dtype", got=", ".join(sorted(map(str, dtypes)))
            )
        self.types = [leaf.type for leaf in leaves]
        self.start = self._flat(leaves)
        unknown = placeholder("x", self.start.shape, self.start.dtype)
        given, forms = [unknown], list[Any]()
        operands: list[Node] = []
        for i, param in enumerate(params):
            nodes, form, there = nodes_of(param)
            own = stand_ins(f"p{i}", param, [node.type for node in nodes])
            given += own
            operands += nodes
            forms.append(tree_of(form, there, own))
        result, form, there = nodes_of(function(self.tree(unknown), *forms))
        if len(result) != len(leaves) or (form, there) != (self.form, self.there):
            raise DTypeError(f"{what}: the function does not give the form of the unknown")
        for node, type_ in zip(result, self.types, strict=True):
            if node.shape != type_.shape:
                raise ShapeError(
                    f"{what}: the function does not give the shapes of the unknown",
                    expected=str(type_.shape),
                    got=str(node.shape),
                )
        flat = self._flat([y.astype(t.dtype) for y, t in zip(result, self.types, strict=True)])
        (self._body,), around = close(given, [[flat]])
        self.around = len(around)
        self.others = [*around, *operands]

    def _flat(self, leaves: Sequence[Node]) -> Node:
        if len(leaves) == 1 and not leaves[0].ndim:
            return leaves[0]
        parts = [apply("ravel", leaf) for leaf in leaves]
        return parts[0] if len(parts) == 1 else apply("concatenate", parts)

    def tree(self, flat: Node) -> Any:
        """The unknown in the user's form."""
        if not flat.ndim:
            return tree_of(self.form, self.there, [flat])
        leaves: list[Node] = []
        begin: Dim = 0
        for type_ in self.types:
            end = begin + product(type_.shape)
            part = flat if len(self.types) == 1 else flat[begin:end]
            leaves.append(apply("reshape", part, type_.shape))
            begin = end
        return tree_of(self.form, self.there, leaves)

    def at(self, x: Node, others: Sequence[Node]) -> Node:
        """The function of a flat unknown."""
        first, rest = others[: self.around], others[self.around :]
        mapping = dict(zip(self._body.inputs, [*first, x, *rest], strict=True))
        return replace(self._body.outputs, mapping)[0]


def _solved(
    equation: _Equation,
    step: Callable[[Node, Sequence[Node]], Node],
    residual: Callable[[Node, Sequence[Node]], Node],
    what: str,
    tolerance: float,
    most: int,
) -> Any:
    """The value at which a loop ends, with the derivative that the residual gives it."""

    def value(start: Node, *others: Node) -> Node:
        own = [placeholder("x", start.shape, start.dtype)]
        own += [placeholder(x.op.label, x.shape, x.dtype) for x in others]
        # Of the laws only those that tidy up: `explain` shows the others, as the body is written.
        tidy = simplify([step(own[0], own[1:])], "bitwise").outputs
        (body,), around = close(own, [tidy])
        count = len(around)
        hoisted, first, rest = body.inputs[:count], body.inputs[count], body.inputs[count + 1 :]
        body = Body((first, *hoisted, *rest), body.outputs)
        return make(Iterate(body, tolerance, most, what), start, *around, *others)

    def rule(result: Node, arguments: tuple[Node, ...], tangents: tuple[Any, ...]) -> Node:
        others = arguments[1:]
        pairs = [(p, t) for p, t in zip(others, tangents[1:], strict=True) if t is not None]
        if not pairs:
            return apply("zeros_like", result)
        f = residual(result, others)
        by, moves = [p for p, _ in pairs], [t for _, t in pairs]
        moved = jvp(f, by, moves, unconnected="zero")
        return -_divided(moved, jacobian(f, result, unconnected="zero"))

    solved = custom_derivative(value, jvp=rule)(equation.start, *equation.others)
    return equation.tree(solved)


def _divided(vector: Node, matrix: Node) -> Node:
    return apply("solve", matrix, vector) if vector.ndim else vector / matrix


def _settings(tolerance: Any, usual: float, most: Any, equation: _Equation, what: str) -> float:
    if not isinstance(most, int) or most < 1:
        raise InputError(f"{what}: max_steps", expected="a positive integer", got=repr(most))
    if tolerance is None:
        return usual if equation.start.dtype == np.float64 else 1e-5
    if not tolerance > 0:
        raise InputError(f"{what}: tol", expected="a positive number", got=repr(tolerance))
    return float(tolerance)


@public
def root(
    residual: Callable[..., Any],
    x0: Any,
    *params: Any,
    tol: float | None = None,
    max_steps: int = 50,
) -> Any:
    """A root of a system of equations, by Newton's method from `x0`.

    The derivative by the parameters is that of the implicit function theorem: one linear solve
    at the root. That by `x0` is zero.

    Parameters
    ----------
    residual : callable
        From the unknown and the parameters to as many numbers, in the unknown's form. It may use
        values from around it.
    x0 : tree of array_like
        Where the search begins; real, of one dtype.
    *params : tree of array_like
        The other arguments of `residual`.
    tol : float, optional
        The last step is less than ``tol * (1 + max(abs(x)))``: 1e-10, or 1e-5 in single
        precision.
    max_steps : int, optional
        Then the compiled function raises ``RuntimeError``.

    Returns
    -------
    tree of Node
        In the form of `x0`; arrays, if no argument is a node.

    Raises
    ------
    ShapeError, DTypeError
        If the residual has not the form and shapes of the unknown.

    Examples
    --------
    >>> import symgraph as sg
    >>> a = sg.placeholder("a")
    >>> x = sg.root(lambda x, a: x**2 - a, 1.0, a)
    >>> value, slope = sg.function([a], [x, sg.grad(x, a)])(4.0)
    >>> float(value), float(slope)
    (2.0, 0.25)
    """
    equation = _Equation(residual, x0, params, "root")
    tolerance = _settings(tol, 1e-10, max_steps, equation, "root")

    def newton(x: Node, others: Sequence[Node]) -> Node:
        f = equation.at(x, others)
        return x - _divided(f, jacobian(f, x, unconnected="zero"))

    found = _solved(equation, newton, equation.at, "root", tolerance, max_steps)
    return _evaluated(found, x0, params, equation)


@public
def fixed_point(
    function: Callable[..., Any],
    x0: Any,
    *params: Any,
    tol: float | None = None,
    max_steps: int = 1000,
) -> Any:
    """A value that a function leaves as it is, by applying it again and again from `x0`.

    The derivative by the parameters is that of the implicit function theorem: one linear solve
    with the identity minus the function's Jacobian. That by `x0` is zero.

    Parameters
    ----------
    function : callable
        From a value and the parameters to the next value, in its form. It may use values from
        around it.
    x0 : tree of array_like
        Where the search begins; real, of one dtype.
    *params : tree of array_like
        The other arguments of `function`.
    tol : float, optional
        The last change is less than ``tol * (1 + max(abs(x)))``: 1e-12, or 1e-5 in single
        precision.
    max_steps : int, optional
        Then the compiled function raises ``RuntimeError``.

    Returns
    -------
    tree of Node
        In the form of `x0`; arrays, if no argument is a node.

    Raises
    ------
    ShapeError, DTypeError
        If the function's result has not the form and shapes of `x0`.

    Examples
    --------
    >>> import symgraph as sg
    >>> a = sg.placeholder("a")
    >>> x = sg.fixed_point(lambda x, a: 0.5 * (x + a / x), 1.0, a)
    >>> value, slope = sg.function([a], [x, sg.grad(x, a)])(4.0)
    >>> float(value), float(slope)
    (2.0, 0.25)
    """
    equation = _Equation(function, x0, params, "fixed_point")
    tolerance = _settings(tol, 1e-12, max_steps, equation, "fixed_point")

    def residual(x: Node, others: Sequence[Node]) -> Node:
        return equation.at(x, others) - x

    found = _solved(equation, equation.at, residual, "fixed_point", tolerance, max_steps)
    return _evaluated(found, x0, params, equation)


def _evaluated(found: Any, x0: Any, params: Sequence[Any], equation: _Equation) -> Any:
    """Arrays, if nothing that was given is a node."""
    if any_node(*flatten(x0)[0], *flatten(list(params))[0], *equation.others[: equation.around]):
        return found
    nodes, form, there = nodes_of(found)
    return tree_of(form, there, interpret(nodes, {}))
