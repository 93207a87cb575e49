"""Loops over leading axes that carry values from round to round."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.amounts import nbytes
from symgraph.graph.code import Scope
from symgraph.graph.evaluate import interpret
from symgraph.graph.leaves import Placeholder
from symgraph.graph.node import Node, make, topological
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim, as_dim
from symgraph.graph.tree import flatten
from symgraph.graph.types import TensorType, TupleType, Type
from symgraph.ops.arrange import moveaxis
from symgraph.ops.bodies import (
    INDENT,
    Body,
    Slots,
    assigned,
    close,
    items,
    memory_of,
    nodes_of,
    or_zeros,
    repeated,
    same_types,
    stand_ins,
    tree_of,
)
from symgraph.ops.create import dtype_text
from symgraph.ops.elementwise import zeros_like
from symgraph.ops.kinds import BatchWalk, ControlFlow, Example, Walk, any_node

__all__ = ["scan"]

_T = TypeVar("_T")
_NEW = ("np.zeros(", "np.ones(", "np.full(")


@record
class Scan(ControlFlow):
    """A loop that carries values from round to round, and stacks others.

    The body's inputs, like the operands, are `constants`, then `carries`, then rows of arrays;
    its results are the new carries, then the rows to stack.
    """

    body: Body
    constants: int
    carries: int
    length: Dim
    reverse: bool = False
    note: str = ""  # pyright: ignore[reportIncompatibleVariableOverride]
    name: ClassVar[str] = "scan"

    @property
    def views(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """What the carries start with, and what a round may hand on of what it was given."""
        seen = set[Node]().union(*self._memories())
        return tuple([i for i, x in enumerate(self.body.inputs) if x in seen])

    def views_of(self, index: int) -> Collection[int] | None:
        """Rows are new; carries are apart unless a round hands one on as another."""
        if index >= self.carries:
            return ()
        memories = self._memories()
        own = memories.pop(index)
        if any(own & other for other in memories):
            return None
        return [i for i, x in enumerate(self.body.inputs) if x in own]

    def _memories(self) -> list[set[Node]]:
        """For each carry the nodes whose memory it may be in, at the start and after a round."""
        own = self.body.inputs[self.constants : self.constants + self.carries]
        after = self.body.outputs[: self.carries]
        return [memory_of(result) | {carry} for carry, result in zip(own, after, strict=True)]

    def opening(self, node: Node) -> Collection[int]:
        """Those of the carries."""
        return range(self.constants, self.constants + self.carries)

    @property
    def label(self) -> str:
        """The name with the number of rounds."""
        return f"scan[length={self.length}{', reverse' * self.reverse}]"

    def variable(self, index: int) -> str:
        """A carry by its own name; rows by what they are rows of."""
        if index < self.carries:
            return self.body.inputs[self.constants + index].op.label
        row = self.body.outputs[index]
        carried = isinstance(row.op, Placeholder) and row.op.label.startswith("carry")
        return f"carries{row.op.label[5:]}" if carried else "rows"

    def infer(self, *types: TensorType) -> Type:
        """The carries, and the stacked rows."""
        results = self.body.types
        stacked = [t.with_shape((self.length, *t.shape)) for t in results[self.carries :]]
        return TupleType((*results[: self.carries], *stacked))

    def flops(self, node: Node) -> Dim:
        """Those of a round, as often as there are rounds."""
        return self.length * self.body.flops()

    def allocated(self, node: Node) -> Dim:
        """The stacked rows, and what each round makes."""
        stacked = TupleType(self.body.types[self.carries :])
        return self.length * (nbytes(stacked) + self.body.allocated())

    def parts(self, values: Sequence[_T]) -> tuple[list[_T], list[_T], list[_T]]:
        """Constants, carries and rows among the operands, or what belongs to them."""
        first, second = self.constants, self.constants + self.carries
        return list(values[:first]), list(values[first:second]), list(values[second:])

    def block(
        self, node: Node, targets: Sequence[str], args: Sequence[str], scope: Scope
    ) -> list[str] | None:
        """A ``for`` loop; rows are written into arrays made before it."""
        constants, starts, arrays = self.parts(args)
        _, carried, rows = self.parts(self.body.inputs)
        names = [
            scope.fresh(x.op.label) if target == "_" else target
            for target, x in zip(targets[: self.carries], carried, strict=True)
        ]
        stacked = [
            (i, target)
            for i, target in enumerate(targets[self.carries :], self.carries)
            if target != "_"
        ]
        lines: list[str] = []
        for i, target in stacked:
            type_ = self.body.types[i]
            dtype = "" if type_.dtype == np.float64 else f", dtype={dtype_text(type_.dtype)}"
            lines.append(f"{target} = np.empty({scope.shape((self.length, *type_.shape))}{dtype})")
        row_names = [scope.fresh(row.op.label) for row in rows]
        index = scope.fresh("i") if stacked or self.reverse else ""
        inner, sources, changed = scope.round(
            self.body.inputs,
            self.body.outputs,
            [*constants, *names, *row_names],
            range(self.constants, self.constants + self.carries),
        )
        own = [
            f"{start}.copy()" if i in changed and not start.startswith(_NEW) else start
            for i, start in enumerate(starts)
        ]
        lines = assigned(names, own) + lines
        inner += [f"{target}[{index}] = {sources[i]}" for i, target in stacked]
        inner += assigned(names, sources[: self.carries])
        lines += self._head(scope, index, row_names, arrays)
        return [*lines, *[INDENT + line for line in inner or ["pass"]]]

    def _head(
        self, scope: Scope, index: str, rows: Sequence[str], arrays: Sequence[str]
    ) -> list[str]:
        length = scope.dim(self.length)
        if self.reverse:
            fetched = [
                f"{INDENT}{row} = {array}[{index}]" for row, array in zip(rows, arrays, strict=True)
            ]
            return [f"for {index} in reversed(range({length})):", *fetched]
        if not rows:
            return [f"for {index or '_'} in range({length}):"]
        several = len(rows) > 1
        each = ", ".join(rows)
        over = f"zip({', '.join(arrays)}, strict=True)" if several else arrays[0]
        if index:
            each = f"({each})" if several else each
            return [f"for {index}, {each} in enumerate({over}):"]
        return [f"for {each} in {over}:"]

    def jvp(
        self, node: Node, tangents: Sequence[Node | None], push_forward: Walk
    ) -> Sequence[Node | None]:
        """A loop over values and tangents together."""
        inputs, outputs = self.body.inputs, self.body.outputs
        slots = Slots(inputs)
        given = [t is not None for t in tangents]
        first = self.constants
        seeds = [slots.like("d_", x) if x.type.inexact else None for x in inputs]
        while True:  # a carry varies if it starts to, or if a round makes it
            active = [i for i, varies in enumerate(given) if varies]
            by, d_by = zip(*[(inputs[i], seeds[i]) for i in active], strict=True)
            found = push_forward(outputs, by, d_by)
            grown = [
                i for i in range(self.carries) if found[i] is not None and not given[first + i]
            ]
            if not grown:
                break
            for i in grown:
                given[first + i] = True
        changes = [
            or_zeros(t, x) if varies else None
            for t, x, varies in zip(tangents, node.inputs, given, strict=True)
        ]
        moving = [i for i in range(self.carries) if given[first + i]]
        rows = [i for i in range(self.carries, len(outputs)) if found[i] is not None]
        results = make_scan(
            self,
            (
                paired(self.parts(inputs)[k], self.parts(node.inputs)[k])
                + paired(self.parts(seeds)[k], self.parts(changes)[k])
                for k in range(3)
            ),
            [*outputs[: self.carries], *[or_zeros(found[i], outputs[i]) for i in moving]],
            [or_zeros(found[i], outputs[i]) for i in rows],
        )
        places = [*moving, *rows]
        taken = results[self.carries :]
        answer: list[Node | None] = [None] * len(outputs)
        for place, item in zip(places, taken, strict=True):
            answer[place] = item
        return answer

    def vjp(
        self,
        node: Node,
        cotangents: Sequence[Node | None],
        wanted: Sequence[int],
        pull_back: Walk,
    ) -> Sequence[Node | None]:
        """A loop in the other direction, over the carries with which each round began."""
        return _Reversal(self, node, cotangents, wanted).run(pull_back)

    def batch_bodies(
        self,
        node: Node,
        operands: Sequence[Node],
        mapped: Sequence[bool],
        size: Dim,
        push_batch: BatchWalk,
    ) -> Sequence[Node]:
        """A loop over stacks: what a round makes of one carry may make stacks of others."""
        inputs, outputs = self.body.inputs, self.body.outputs
        first, second = self.constants, self.constants + self.carries
        slots = Slots(inputs)
        moving = list(mapped)
        stacks = [slots.new(x.op.label, x.type.with_shape((size, *x.shape))) for x in inputs]
        while True:
            active = [i for i, is_mapped in enumerate(moving) if is_mapped]
            by, own = [inputs[i] for i in active], [stacks[i] for i in active]
            found = push_batch(outputs, by, own, size)
            grown = [
                i for i in range(self.carries) if found[i] is not None and not moving[first + i]
            ]
            if not grown:
                break
            for i in grown:
                moving[first + i] = True
        given = list(operands)
        for i, operand in enumerate(operands):
            if mapped[i] and i >= second:
                given[i] = moveaxis(operand, 0, 1)
            elif moving[i] and not mapped[i]:
                given[i] = repeated(operand, None, size)
        body_inputs = [s if m else x for x, s, m in zip(inputs, stacks, moving, strict=True)]
        ends = [
            repeated(output, found[i], size) if moving[first + i] else output
            for i, output in enumerate(outputs[: self.carries])
        ]
        rows = [x if stack is None else stack for x, stack in zip(outputs, found, strict=True)]
        results = make_scan(
            self,
            (paired(self.parts(body_inputs)[k], self.parts(given)[k]) for k in range(3)),
            ends,
            rows[self.carries :],
        )
        return [
            repeated(result, None, size)
            if not (moving[first + i] if i < self.carries else found[i] is not None)
            else moveaxis(result, 1, 0)
            if i >= self.carries
            else result
            for i, result in enumerate(results)
        ]


def paired(
    inputs: Sequence[Node | None], operands: Sequence[Node | None]
) -> list[tuple[Node, Node]]:
    pairs = zip(inputs, operands, strict=True)
    return [(x, operand) for x, operand in pairs if x is not None and operand is not None]


def make_scan(
    like: Scan, groups: Any, carries: Sequence[Node], rows: Sequence[Node], *, turned: bool = False
) -> list[Node]:
    """All results of a loop as long as another.

    `groups` holds constants, carries and rows as pairs of the body's input and the operand.
    Constants and rows that the body does not use are left out.
    """
    constants, carried, arrays = (list(group) for group in groups)
    outputs = (*carries, *rows)
    used = set(topological(outputs))
    constants, arrays = ([p for p in group if p[0] in used] for group in (constants, arrays))
    pairs = [*constants, *carried, *arrays]
    op = Scan(
        Body(tuple([x for x, _ in pairs]), outputs),
        len(constants),
        len(carried),
        like.length,
        like.reverse != turned,
        like.note,
    )
    return items(make(op, *[operand for _, operand in pairs]))


def looped(
    node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim
) -> Node | tuple[Node, ...]:
    """`node` for each row of its operands, one after the other: what has no batched form."""
    slots = Slots()
    inputs = [slots.like("", operand) for operand in node.inputs]
    row = make(node.op, *inputs)
    several = isinstance(node.result_type, TupleType)
    rows = items(row) if several else [row]
    pairs = list(zip(inputs, operands, strict=True))
    constants = [p for p, is_mapped in zip(pairs, mapped, strict=True) if not is_mapped]
    stacks = [p for p, is_mapped in zip(pairs, mapped, strict=True) if is_mapped]
    note = f"{node.op.name} has no batched form: a loop over the batch"
    like = Scan(Body((), ()), 0, 0, size, False, note)
    results = make_scan(like, (constants, (), stacks), [], rows)
    return tuple(results) if several else results[0]


class _Reversal:
    """The reverse rule of one loop."""

    def __init__(
        self, op: Scan, node: Node, cotangents: Sequence[Node | None], wanted: Sequence[int]
    ) -> None:
        self.op, self.node, self.cotangents = op, node, cotangents
        self.inputs, self.outputs = op.body.inputs, op.body.outputs
        first, second = op.constants, op.constants + op.carries
        self.wanted = list(wanted)
        self.sums = [i for i in wanted if i < first]
        self.rows = [i for i in wanted if i >= second]
        self.moving = [i for i in range(op.carries) if self.inputs[first + i].type.inexact]

    def run(self, pull_back: Walk) -> list[Node | None]:
        op, slots = self.op, Slots(self.inputs)
        constants, carries, arrays = op.parts(self.inputs)
        _, starts, _ = op.parts(self.node.inputs)
        ends = [slots.like("d_", carries[i]) for i in self.moving]
        sums = [slots.like("d_", self.inputs[i]) for i in self.sums]
        stacked = [
            i for i in range(op.carries, len(self.outputs)) if self.cotangents[i] is not None
        ]
        seeds = [slots.new(f"d_row_{i}", self.outputs[i].type) for i in stacked]
        by = [
            *[carries[i] for i in self.moving],
            *[self.inputs[i] for i in (*self.sums, *self.rows)],
        ]
        found = [
            or_zeros(ct, x)
            for ct, x in zip(
                pull_back([self.outputs[i] for i in (*self.moving, *stacked)], [*ends, *seeds], by),
                by,
                strict=True,
            )
        ]
        begun, terms = found[: len(ends)], found[len(ends) : len(ends) + len(sums)]
        rows = found[len(ends) + len(sums) :]
        totals = [total + term for total, term in zip(sums, terms, strict=True)]
        needed = [x for x in carries if x in set(topological([*begun, *totals, *rows]))]
        final = [or_zeros(self.cotangents[i], starts[i]) for i in self.moving]
        zeros = [zeros_like(self.node.inputs[i]) for i in self.sums]
        results = make_scan(
            op,
            (
                paired(constants, op.parts(self.node.inputs)[0]),
                [*zip(ends, final, strict=True), *zip(sums, zeros, strict=True)],
                [
                    *zip(needed, self._history(needed), strict=True),
                    *paired(arrays, op.parts(self.node.inputs)[2]),
                    *paired(seeds, [self.cotangents[i] for i in stacked]),
                ],
            ),
            [*begun, *totals],
            rows,
            turned=True,
        )
        places = [*[op.constants + i for i in self.moving], *self.sums, *self.rows]
        answer = dict(zip(places, results, strict=True))
        return [answer.get(i) for i in self.wanted]

    def _history(self, needed: Sequence[Node]) -> list[Node]:
        """The carries with which each round began, stacked by running the loop once more."""
        if not needed:
            return []
        op, node = self.op, self.node
        groups = (
            paired(inputs, operands)
            for inputs, operands in zip(op.parts(self.inputs), op.parts(node.inputs), strict=True)
        )
        return make_scan(op, groups, self.outputs[: op.carries], needed)[op.carries :]


@builder()
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: Any = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """A loop over leading axes that carries values from round to round, as ``jax.lax.scan``.

    In plain Python: ``for x in xs: carry, y = f(carry, x)``, where `y` is stacked.

    Parameters
    ----------
    f : callable
        From the carry and the rows of this round to the new carry, in form, shapes and dtypes
        like the old one, and rows to be stacked (``None`` for none). Called once, with nodes; it
        may use values from around it.
    init : tree of array_like
        The first carry.
    xs : tree of array_like, optional
        Arrays of one length; round i takes row i of each.
    length : size, optional
        Number of rounds; needed without `xs`.
    reverse : bool, optional
        Whether rounds go from the last row to the first. Rows are stacked at their places.

    Returns
    -------
    carry, ys : tree of Node
        Arrays, if no argument is a node.

    Raises
    ------
    ShapeError, DTypeError
        If the lengths differ, or the new carry is not like the old one.

    Examples
    --------
    >>> scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(6.0), array([0., 1., 3.]))
    """
    starts, form, there = nodes_of(init)
    arrays, xs_form, xs_there = nodes_of(xs)
    rounds = _rounds(arrays, length)
    carried = stand_ins("carry", init, [node.type for node in starts])
    rows = stand_ins("x", xs, [node.type.with_shape(node.shape[1:]) for node in arrays])
    result = f(tree_of(form, there, carried), tree_of(xs_form, xs_there, rows))
    if not isinstance(result, tuple) or len(result) != 2:
        raise DTypeError("scan: f must return a pair (carry, y)", got=type(result).__name__)
    ends, end_form, end_there = nodes_of(result[0])
    if (end_form, end_there) != (form, there):
        raise DTypeError("scan: the new carry has not the form of the old one")
    same_types("scan: init and f", "init", starts, "f", ends)
    stacked, ys_form, ys_there = nodes_of(result[1])
    (body,), around = close([*carried, *rows], [[*ends, *stacked]])
    pairs = list(zip(body.inputs, [*around, *starts, *arrays], strict=True))
    first, second = len(around), len(around) + len(starts)
    groups = (pairs[:first], pairs[first:second], pairs[second:])
    like = Scan(body, first, len(starts), rounds, bool(reverse))
    outputs = body.outputs
    values: list[Any] = make_scan(like, groups, outputs[: len(ends)], outputs[len(ends) :])
    if not any_node(*flatten(init)[0], *flatten(xs)[0]) and not _open(values):
        values = interpret(values, {})
    return (
        tree_of(end_form, end_there, values[: len(ends)]),
        tree_of(ys_form, ys_there, values[len(ends) :]),
    )


def _open(nodes: Sequence[Node]) -> bool:
    return any(isinstance(node.op, Placeholder) for node in topological(nodes))


def _rounds(arrays: Sequence[Node], length: Any) -> Dim:
    lengths: list[Dim] = [] if length is None else [as_dim(length)]
    for node in arrays:
        if not node.ndim:
            raise ShapeError("scan: xs must have a leading axis", got=repr(node.type))
        lengths.append(node.shape[0])
    if not lengths:
        raise ShapeError("scan: the number of rounds is not known", expected="xs, or length=")
    for other in lengths[1:]:
        if other != lengths[0]:
            raise ShapeError("scan: the lengths differ", expected=str(lengths[0]), got=str(other))
    return lengths[0]


# Examples for the tests ------------------------------------------------------------------------

_X = np.sin(np.arange(12.0)).reshape(4, 3)
_W = np.cos(np.arange(9.0)).reshape(3, 3)


def _loop(x: Any, w: Any) -> Any:
    state: Any = np.zeros(3)
    states = np.empty_like(x)
    for i, row in enumerate(x):
        states[i] = state = np.tanh(w @ state + row)
    return [state, states]


def _recurrent(x: Any, w: Any) -> Any:
    def step(state: Any, row: Any) -> Any:
        state = np.tanh(w @ state + row)
        return state, state

    return list(scan(step, np.zeros(3), x))


def _powers(x: Any) -> Any:
    return scan(
        lambda c, _: ({"a": c["a"] * x, "b": c["b"] + c["a"]}, None),
        {"a": x, "b": x * 0.0},
        length=3,
    )[0]


def _backwards(x: Any) -> Any:
    return scan(lambda c, row: (c * 0.5 + row, c), x[0] * 0, x, reverse=True)[1]


def _backwards_loop(x: Any) -> Any:
    carry, rows = x[0] * 0, np.empty_like(x)
    for i in reversed(range(len(x))):
        rows[i] = carry
        carry = carry * 0.5 + x[i]
    return rows


def _nested(x: Any) -> Any:
    def outer(total: Any, row: Any) -> Any:
        inner, _ = scan(lambda c, v: (np.sin(c) * v + total, None), total, row)
        return inner, inner * row

    return list(scan(outer, np.sum(x) * 0, x))


def _nested_loop(x: Any) -> Any:
    total: Any = 0.0
    rows = np.empty_like(x)
    for i, row in enumerate(x):
        inner = total
        for v in row:
            inner = np.sin(inner) * v + total
        total = inner
        rows[i] = inner * row
    return [total, rows]


EXAMPLES: dict[str, list[Example]] = {
    "scan": [
        Example(_recurrent, (_X, _W), _loop),
        Example(_recurrent, (_X[:0], _W), _loop),
        Example(_powers, (np.float64(1.1),), lambda x: {"a": x**4, "b": x + x**2 + x**3}),
        Example(_backwards, (_X.astype(np.float32),), _backwards_loop),
        Example(_nested, (_X,), _nested_loop),
    ],
}
