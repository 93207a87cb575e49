"""Branches whose choice is known only when the function runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.amounts import greatest
from symgraph.graph.code import Scope
from symgraph.graph.graph import replace
from symgraph.graph.node import Node, as_node, made_since, make, placeholder
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, TupleType, Type
from symgraph.ops.batching import in_front
from symgraph.ops.bodies import (
    INDENT,
    Body,
    Slots,
    assigned,
    close,
    items,
    nodes_of,
    or_zeros,
    repeated,
    same_types,
    stand_ins,
    tree_of,
)
from symgraph.ops.elementwise import where
from symgraph.ops.kinds import BatchWalk, ControlFlow, Example, Walk, any_node

__all__ = ["cond"]

_T = TypeVar("_T")


@record
class Cond(ControlFlow):
    """One of two bodies, by the first operand; the others are their inputs."""

    if_true: Body
    if_false: Body
    name: ClassVar[str] = "cond"

    @property
    def views(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """A branch may hand on what it was given."""
        return tuple(range(1, len(self.if_true.inputs) + 1))

    def infer(self, *types: TensorType) -> Type:
        """The results of the branches, which agree."""
        if types[0].shape != ():
            raise ShapeError(
                "cond: the condition must be a scalar",
                expected="shape ()",
                got=str(types[0].shape),
                hint="np.where chooses element by element",
            )
        return TupleType(self.if_true.types)

    def flops(self, node: Node) -> Dim:
        """Those of the costlier branch; of both, where the sizes decide which that is."""
        return sum(greatest([self.if_true.flops(), self.if_false.flops()]), start=0)

    def allocated(self, node: Node) -> Dim:
        """As for operations."""
        return sum(greatest([self.if_true.allocated(), self.if_false.allocated()]), start=0)

    def block(
        self, node: Node, targets: Sequence[str], args: Sequence[str], scope: Scope
    ) -> list[str] | None:
        """``if`` and ``else``."""
        lines = [f"if {args[0]}:"]
        for body, between in ((self.if_true, ["else:"]), (self.if_false, [])):
            inner, sources = scope.body(body.inputs, body.outputs, args[1:])
            inner = [*inner, *assigned(targets, sources)] or ["pass"]
            lines += [*[INDENT + line for line in inner], *between]
        return lines

    def jvp(
        self, node: Node, tangents: Sequence[Node | None], push_forward: Walk
    ) -> Sequence[Node | None]:
        """The tangents of the branch that is taken."""
        inputs = self.if_true.inputs
        slots = Slots(inputs)
        given = [(x, t) for x, t in zip(inputs, tangents[1:], strict=True) if t is not None]
        by = [x for x, _ in given]
        seeds = [slots.like("d_", x) for x in by]
        found = [push_forward(body.outputs, by, seeds) for body in (self.if_true, self.if_false)]
        operands = [*node.inputs[1:], *[t for _, t in given]]
        return _chosen(
            self, node.inputs[0], (*inputs, *seeds), found, self.if_true.outputs, operands
        )

    def vjp(
        self,
        node: Node,
        cotangents: Sequence[Node | None],
        wanted: Sequence[int],
        pull_back: Walk,
    ) -> Sequence[Node | None]:
        """The cotangents of the branch that is taken."""
        inputs = self.if_true.inputs
        slots = Slots(inputs)
        given = [(i, ct) for i, ct in enumerate(cotangents) if ct is not None]
        seeds = [slots.like("d_", self.if_true.outputs[i]) for i, _ in given]
        by = [inputs[i - 1] for i in wanted]
        found = [
            pull_back([body.outputs[i] for i, _ in given], seeds, by)
            for body in (self.if_true, self.if_false)
        ]
        operands = [*node.inputs[1:], *[ct for _, ct in given]]
        return _chosen(self, node.inputs[0], (*inputs, *seeds), found, by, operands)

    def batch_bodies(
        self,
        node: Node,
        operands: Sequence[Node],
        mapped: Sequence[bool],
        size: Dim,
        push_batch: BatchWalk,
    ) -> Sequence[Node]:
        """Both branches, and a choice for each row, if the condition is one of many."""
        bodies, inputs = (self.if_true, self.if_false), self.if_true.inputs
        condition, *values = operands
        moving = [i for i, is_mapped in enumerate(mapped[1:]) if is_mapped]
        slots = Slots(inputs)
        stacks = {
            i: values[i] if mapped[0] else slots.new(inputs[i].op.label, values[i].type)
            for i in moving
        }
        by = [inputs[i] for i in moving]
        found = [
            [
                repeated(output, stack, size)
                for output, stack in zip(
                    body.outputs,
                    push_batch(body.outputs, by, list(stacks.values()), size),
                    strict=True,
                )
            ]
            for body in bodies
        ]
        if not mapped[0]:
            own = tuple([stacks.get(i, x) for i, x in enumerate(inputs)])
            return _make_cond(condition, [Body(own, tuple(rows)) for rows in found], values)
        around = dict(zip(inputs, values, strict=True))
        first, second = (replace(rows, around) for rows in found)
        return [
            where(in_front(condition, a.ndim - 1), a, b) for a, b in zip(first, second, strict=True)
        ]


def _chosen(
    op: Cond,
    condition: Node,
    inputs: tuple[Node, ...],
    found: Sequence[Sequence[Node | None]],
    like: Sequence[Node],
    operands: Sequence[Node],
) -> list[Node | None]:
    """The derivative branches as one more choice; ``None`` where both have zero."""
    kept = [i for i in range(len(like)) if any(results[i] is not None for results in found)]
    result: list[Node | None] = [None] * len(like)
    if kept:
        bodies = [
            Body(inputs, tuple([or_zeros(results[i], like[i]) for i in kept])) for results in found
        ]
        for i, item in zip(kept, _make_cond(condition, bodies, operands), strict=True):
            result[i] = item
    return result


def _make_cond(condition: Node, bodies: Sequence[Body], operands: Sequence[Node]) -> list[Node]:
    used = bodies[0].used() | bodies[1].used()
    inputs = bodies[0].inputs
    kept = [i for i, x in enumerate(inputs) if x in used]
    first, second = (Body(tuple([inputs[i] for i in kept]), body.outputs) for body in bodies)
    return items(make(Cond(first, second), condition, *[operands[i] for i in kept]))


@builder()
def cond(
    pred: Any, true_fun: Callable[..., _T], false_fun: Callable[..., _T], *operands: Any
) -> _T:
    """One of two functions of the operands, chosen when the compiled function runs.

    Only the branch that is taken is computed. For a choice element by element use ``np.where``.

    Parameters
    ----------
    pred : array_like
        A scalar; numbers are true where they are not 0.
    true_fun, false_fun : callable
        Called once each, with nodes. They may use values from around them; their results are
        trees of one form, with the same shapes and dtypes.
    *operands : tree of array_like
        Their arguments.

    Returns
    -------
    tree of Node
        In the form of the functions' results. What the one function gives, if `pred` is not a
        node.

    Raises
    ------
    ShapeError, DTypeError
        If `pred` is not a scalar, or the results of the functions differ in form or type.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", 3)
    >>> y = cond(x.sum() > 0, lambda v: v * 2.0, lambda v: v - 1.0, x)
    >>> y.shape
    (3,)
    """
    if not any_node(pred):
        return true_fun(*operands) if pred else false_fun(*operands)
    condition = as_node(pred)
    if condition.dtype.kind != "b":
        condition = condition != 0
    arguments, form, there = nodes_of(operands)
    own = stand_ins("operand", operands, [node.type for node in arguments])
    given = tree_of(form, there, own)
    marker = placeholder("marker")
    (first, first_form, shown), (second, second_form, other) = (
        nodes_of(function(*given)) for function in (true_fun, false_fun)
    )
    if (first_form, shown) != (second_form, other):
        raise DTypeError("cond: the results of the two functions differ in form")
    same_types("cond: the two functions", "true_fun", first, "false_fun", second)
    # What a function makes is computed only if it is taken.
    bodies, around = close(own, [first, second], made_since(marker))
    return tree_of(first_form, shown, _make_cond(condition, bodies, [*around, *arguments]))


# Examples for the tests ------------------------------------------------------------------------

_X = np.sin(np.arange(6.0)).reshape(2, 3)


def _chosen_above(limit: float) -> Example:
    def sine(v: Any, y: Any) -> Any:
        return np.sin(v) * y

    def same(v: Any, y: Any) -> Any:
        return v

    return Example(
        lambda x, y: cond(np.sum(x) > limit, sine, same, x, y),
        (_X[0], _X[1]),
        lambda x, y: sine(x, y) if np.sum(x) > limit else x,
    )


EXAMPLES: dict[str, list[Example]] = {
    "cond": [
        _chosen_above(0.0),
        _chosen_above(9.0),
        Example(
            lambda x: cond(x[0], lambda: {"a": x, "b": 1.0}, lambda: {"a": -x, "b": 0.5}),
            (_X[1],),
            lambda x: {"a": x, "b": np.float64(1.0)},
        ),
    ],
}
