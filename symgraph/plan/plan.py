"""A plan: which nodes become statements, which stand inside them, which memory is reused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from symgraph.graph.leaves import Constant, Item, Placeholder, SizeValue
from symgraph.graph.node import Node, topological
from symgraph.graph.op import Op
from symgraph.graph.record import record
from symgraph.graph.types import TupleType
from symgraph.ops.kinds import Elementwise

__all__ = ["Plan", "Step", "changed_carries", "has_block", "is_operator", "make_plan"]

DEPTH = 5
"""Operations nested in one statement; CPython's parser stops at 200 parentheses, readers at 6."""

OPERATIONS = 8
"""Operations in one statement."""

MOVED = 3
"""Other uses of a value that may be moved before the one that overwrites it."""

SMALL = 4096
"""Elements below which a temporary array costs nothing."""


@record
class Step:
    """One statement.

    Attributes
    ----------
    node : Node
        What it computes.
    reuse : int or None
        The operand whose memory takes the result: nothing needs its value any more.
    continues : bool
        Whether that operand is for this statement alone, and so may have its name from the start.
    """

    node: Node
    reuse: int | None = None
    continues: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run a graph; the emitter writes down what it says.

    Attributes
    ----------
    inputs, outputs : list of Node
        Arguments and results.
    steps : list of Step
        Statements in order.
    inline : set of Node
        Nodes that are written inside the statement that uses them.
    copied : set of int
        Positions of outputs that must be copied, because they would share memory with an
        argument, a constant, or another output.
    """

    inputs: Sequence[Node]
    outputs: Sequence[Node]
    steps: list[Step]
    inline: set[Node]
    copied: set[int] = field(default_factory=set[int])

    def describe(self) -> str:
        """One line a statement, for tests and for reading."""
        rows: list[str] = []
        for step in self.steps:
            reuse = "" if step.reuse is None else f" into operand {step.reuse}"
            rows.append(f"{step.node!r}{reuse}")
        return "\n".join(rows)


def is_leaf(node: Node) -> bool:
    """Whether a node is not computed in the function."""
    return isinstance(node.op, Placeholder | Constant | SizeValue)


def make_plan(
    inputs: Sequence[Node],
    outputs: Sequence[Node],
    named: Callable[[Node], bool],
    kept: int = 0,
    last: int = 0,
    owned: Collection[Node] = (),
) -> Plan:
    """Order the nodes, decide what is assigned, what memory is reused and what is copied.

    Parameters
    ----------
    inputs, outputs : sequence of Node
        `inputs` may be any nodes: they are not computed.
    named : callable
        Whether the user gave a node a name; such values are assigned.
    kept : int, optional
        How many of the last outputs are not the caller's, but kept for backward: they may be
        arguments, and no other output may share memory with them.
    last : int, optional
        How many of the last outputs stand in a statement of their own, after all others.
    owned : collection of Node, optional
        Inputs whose memory nothing else reads: it may be overwritten.
    """
    given = set(inputs)
    order = topological(outputs, stop=lambda node: node in given)
    computed = [node for node in order if node not in given and not is_leaf(node)]
    lent = set(owned)
    apart = [x for x in outputs[len(outputs) - last :] if not _accumulated(x, lent)]
    inline = _choose_inline(computed, outputs, named, apart, last > len(apart))
    statements = [node for node in computed if node not in inline and not isinstance(node.op, Item)]
    statements = _free_first(statements, inline, set(outputs), named)
    uses = _Uses(statements, inline, outputs, given, owned)
    steps = [uses.step(place, node, named) for place, node in enumerate(statements)]
    return Plan(inputs, outputs, steps, inline, _shared_outputs(outputs, given, kept, inline))


# What is written inside what uses it --------------------------------------------------------------


def _choose_inline(
    computed: Sequence[Node],
    outputs: Sequence[Node],
    named: Callable[[Node], bool],
    last: Sequence[Node],
    added: bool,
) -> set[Node]:
    count = _count_uses(computed, outputs)
    # A single result without a name stands in the return statement.
    needs_name: set[Node] = set(outputs) - set(last) if len(outputs) > 1 or added else set()
    grown: set[Node] = set()
    for node in computed:
        if has_block(node):
            opening = node.op.opening(node)
            needs_name.update(
                x for i, x in enumerate(node.inputs) if i not in opening or not x.op.is_blank(x)
            )
        start = _grown_in_place(node, count, named, grown)
        if start is not None:
            grown.add(node)
            needs_name |= {node, start}
    needs_name |= _changed_last(computed, named)
    inline: set[Node] = set()
    measure: dict[Node, tuple[int, int]] = {}  # nested depth, operations
    for node in computed:
        depth, operations = _measure(node, measure)
        if depth > DEPTH or operations > OPERATIONS:
            _assign_deepest(node, measure, inline)
            depth, operations = _measure(node, measure)
        measure[node] = (0, 0)
        # Items are targets of their operation's statement.
        if node in needs_name or _is_statement(node) or isinstance(node.op, Item):
            continue
        single = count.get(node, 0) == 1 and not named(node)
        again = node.op.free or node.op.is_blank(node)
        if single or (again and depth <= DEPTH and not named(node)):
            measure[node] = (depth, operations)
            inline.add(node)
    return inline


def _count_uses(computed: Sequence[Node], outputs: Sequence[Node]) -> dict[Node, int]:
    """How often each value is written, where what is free is written again and again."""
    count: dict[Node, int] = dict(Counter(outputs))
    for node in computed:
        for operand in node.inputs:
            count[operand] = count.get(operand, 0) + 1
    for node in reversed(computed):
        if node.op.free and count.get(node, 0) > 1:
            # It will be written more than once, so what it is taken of must have a name.
            for operand in node.inputs:
                count[operand] = max(count[operand], 2)
    return count


def _measure(node: Node, measure: dict[Node, tuple[int, int]]) -> tuple[int, int]:
    """Depth and operations of a statement of this node with what stands inside it."""
    inside = [measure.get(operand, (0, 0)) for operand in node.inputs]
    return 1 + max((d for d, _ in inside), default=0), 1 + sum(n for _, n in inside)


def _assign_deepest(node: Node, measure: dict[Node, tuple[int, int]], inline: set[Node]) -> None:
    """Make the deepest operand a statement of its own."""
    inside = [operand for operand in node.inputs if operand in inline and not operand.op.free]
    if inside:
        deepest = max(inside, key=lambda operand: measure.get(operand, (0, 0)))
        inline.discard(deepest)
        measure[deepest] = (0, 0)


def _grown_in_place(
    node: Node, count: dict[Node, int], named: Callable[[Node], bool], grown: set[Node]
) -> Node | None:
    """The operand that a statement should change instead of making a new array.

    NumPy reuses a temporary in ``a @ b + c`` by itself, except where c must be broadcast; then
    ``z = a @ b`` and ``z += c`` save an array, and the time to get its memory. What follows on
    such a variable goes on in the same memory. Functions never reuse a temporary by themselves.
    """
    for place in _overwritable(node):
        start = node.inputs[place]
        if (
            (not is_operator(node) or start in grown or _broadcasts(node))
            and count.get(start, 0) == 1
            and not (is_leaf(start) or named(start) or start.op.views or _is_statement(start))
            and not isinstance(start.op, Item)
        ):
            return start
    return None


def _changed_last(computed: Sequence[Node], named: Callable[[Node], bool]) -> set[Node]:
    """Sums and products with smaller arrays that may be the last that needs an operand.

    ``d -= (p * d).sum(axis=1, keepdims=True)`` instead of one more array.
    """
    users: dict[Node, list[Node]] = {}
    for node in computed:
        for operand in set(node.inputs):
            users.setdefault(operand, []).append(node)
    place_of = {node: i for i, node in enumerate(computed)}
    found: set[Node] = set()
    for node in computed:
        if not isinstance(node.op, Elementwise) or not _is_matrix(node) or not _broadcasts(node):
            continue
        for place in node.op.augmented:
            start = node.inputs[place]
            if start.result_type != node.result_type or is_leaf(start) or named(node):
                continue
            others = [user for user in users[start] if user is not node]
            if 0 < len(others) <= MOVED and all(
                _leads_to(user, node, users)
                or all(place_of.get(x, -1) < place_of[node] for x in user.inputs)
                for user in others
            ):
                found.add(node)
    return found


def _leads_to(node: Node, end: Node, users: Mapping[Node, Sequence[Node]]) -> bool:
    """Whether a value is there for another only, a few steps on."""
    for _ in range(DEPTH):
        following = users.get(node, ())
        if len(following) != 1:
            return False
        (node,) = following
        if node is end:
            return True
    return False


def _overwritable(node: Node) -> list[int]:
    """The operands whose memory it pays to take for the result."""
    if not isinstance(node.op, Elementwise) or node.ndim == 0 or _is_small(node):
        return []
    return _places(node)


def _places(node: Node) -> list[int]:
    """The operands whose memory the result could take."""
    if not isinstance(node.op, Elementwise) or node.ndim == 0:
        return []
    places = [*node.op.augmented]
    if node.op.takes_out and _is_matrix(node):
        places += [place for place in range(len(node.inputs)) if place not in places]
    return [place for place in places if node.inputs[place].result_type == node.result_type]


def _augmented(node: Node) -> tuple[int, ...]:
    return node.op.augmented if isinstance(node.op, Elementwise) else ()


def _broadcasts(node: Node) -> bool:
    return any(other.ndim and other.shape != node.shape for other in node.inputs)


def is_operator(node: Node) -> bool:
    """Whether a statement of an operation is an expression with an operator."""
    op = node.op
    return isinstance(op, Elementwise) and bool(op.symbol or op.assignment)


def _is_matrix(node: Node) -> bool:
    """Whether an array has the rank of large ones: for a vector ``out=`` is not worth reading."""
    return node.ndim > 1 and 1 not in node.shape and not _is_small(node)


def _is_small(node: Node) -> bool:
    """Whether an array is known to be too small for its memory to matter."""
    size = 1
    for dim in node.shape:
        if not isinstance(dim, int):
            return False
        size *= dim
    return size <= SMALL


def _is_statement(node: Node) -> bool:
    """Whether an operation cannot be an expression inside another."""
    return node.op.mutates or isinstance(node.result_type, TupleType) or has_block(node)


def has_block(node: Node) -> bool:
    """Whether an operation is written as several statements."""
    return type(node.op).block is not Op.block


# The order ------------------------------------------------------------------------------------


def _free_first(
    statements: Sequence[Node], inline: set[Node], outputs: set[Node], named: Callable[[Node], bool]
) -> list[Node]:
    """Move other uses of a value before the one that could overwrite it.

    ``d_s = q.sum(axis=0)`` before ``q *= -0.5`` saves an array the size of q.
    """
    place = {node: i for i, node in enumerate(statements)}
    reads = [{made(x) for x in variables(node, inline)} & place.keys() for node in statements]
    readers: dict[Node, list[Node]] = {}
    for node, used in zip(statements, reads, strict=True):
        for variable in used:
            readers.setdefault(variable, []).append(node)
    order: dict[Node, None] = {}
    for i, node in enumerate(statements):
        for start in [node.inputs[i] for i in _overwritable(node)]:
            if start not in place or start in outputs or start.op.views:
                continue
            if named(start) and not _is_matrix(node):
                continue
            later = [reader for reader in readers[start] if place[reader] > i]
            if 0 < len(later) <= MOVED and all(
                place[used] < i for reader in later for used in reads[place[reader]]
            ):
                order.update(dict.fromkeys(_with_changes(later, readers, reads, place)))
        order[node] = None
    return list(order)


def _with_changes(
    moved: Sequence[Node],
    readers: Mapping[Node, Sequence[Node]],
    reads: Sequence[set[Node]],
    place: Mapping[Node, int],
) -> list[Node]:
    """Moved statements, and after each those that only change what it makes."""
    found: list[Node] = []
    for node in moved:
        found.append(node)
        while len(readers.get(node, ())) == 1:
            (change,) = readers[node]
            changed = [change.inputs[i] for i in _overwritable(change)]
            if len(reads[place[change]]) > 1 or not any(item is node for item in changed):
                break
            found.append(change)
            node = change
    return found


def made(variable: Node) -> Node:
    """The node whose statement assigns a variable: one of several results has none of its own."""
    return variable.inputs[0] if isinstance(variable.op, Item) else variable


def variables(node: Node, inline: set[Node]) -> list[Node]:
    """The variables that a statement reads, once for each occurrence."""
    found: list[Node] = []
    stack = list(node.inputs)
    while stack:
        operand = stack.pop()
        if operand in inline:
            stack.extend(operand.inputs)
        else:
            found.append(operand)
    return found


# Which memory may be overwritten ------------------------------------------------------------------


class _Uses:
    """Last use of every variable, and which variables may share memory."""

    def __init__(
        self,
        statements: Sequence[Node],
        inline: set[Node],
        outputs: Sequence[Node],
        given: set[Node],
        owned: Collection[Node],
    ) -> None:
        self.inline = inline
        self.given = given
        self.lent = set(owned)
        self.last: dict[Node, int] = {}
        self.bases: dict[Node, set[Node]] = {}
        self.sharing: dict[Node, set[Node]] = {}
        self.readonly: set[Node] = set()
        self.variables: list[Counter[Node]] = []
        self.total: Counter[Node] = Counter()
        for place, node in enumerate(statements):
            used = Counter(variables(node, self.inline))
            self.variables.append(used)
            self.total.update(used)
            for variable in used:
                self._read(variable, place)
            self._note_sharing(node)
        for output in outputs:
            # What the return statement reads, in place of an output that stands there itself.
            for variable in variables(output, inline) if output in inline else [output]:
                self._read(variable, len(statements))

    def _read(self, variable: Node, place: int) -> None:
        """Note a use, and that all of several results live on in the memory of one of them."""
        self.last[variable] = self.last[made(variable)] = place

    def _note_sharing(self, node: Node) -> None:
        bases: set[Node] = set()
        stack = _viewed(node)
        if node.op.readonly:
            self.readonly.add(node)
        while stack:
            operand = stack.pop()
            # A view of what cannot be written to cannot be written to either.
            if operand.op.readonly:
                self.readonly.add(node)
            if operand in self.inline:
                stack.extend([operand.inputs[i] for i in operand.op.views])
            else:
                bases |= {operand} | self.bases.get(operand, set())
        self.bases[node] = bases
        for base in bases:
            self.sharing.setdefault(base, set()).add(node)

    def step(self, place: int, node: Node, named: Callable[[Node], bool]) -> Step:
        """The statement of a node."""
        reuse = self.reusable(place, node, named)
        if reuse is None:
            return Step(node)
        return Step(node, reuse, self.total[node.inputs[reuse]] == 1)

    def reusable(self, place: int, node: Node, named: Callable[[Node], bool]) -> int | None:
        """The operand whose memory the result can take, if there is one."""
        if isinstance(node.result_type, TupleType) or node.ndim == 0 or node.op.views:
            return None
        if node.op.mutates:
            # A scatter, unlike a ufunc, may write before it has read what overlaps.
            (start, *others) = node.inputs
            once = start not in self.inline and not self._is_seen(start, others)
            fits = start.result_type == node.result_type and not named(start)
            return 0 if once and fits and self._owned(start, place) else None
        found = [i for i in _places(node) if self._may_take(place, node, i, named)]
        # Best is a variable that is there for this statement only.
        return min(found, key=lambda i: self._is_shared(node.inputs[i], named), default=None)

    def _is_seen(self, variable: Node, operands: Sequence[Node]) -> bool:
        """Whether operands that are written inside a statement are views of a variable."""
        stack = list(operands)
        while stack:
            operand = stack.pop()
            if operand is variable:
                return True
            if operand in self.inline:
                stack += [operand.inputs[i] for i in operand.op.views]
        return False

    def _may_take(self, place: int, node: Node, i: int, named: Callable[[Node], bool]) -> bool:
        operand = node.inputs[i]
        if operand in self.inline or not self._owned(operand, place):
            return False
        if named(operand) and not _is_matrix(node):
            return False
        if _is_small(node) and self.variables[place][operand] > 1:
            return False
        grows = i in _augmented(node) and not named(operand)
        if grows and (self.total[operand] == 1 or not named(node)):
            return True
        return not self._has_temporary(node)

    def _is_shared(self, operand: Node, named: Callable[[Node], bool]) -> bool:
        return named(operand) or self.total[operand] > 1

    def _has_temporary(self, node: Node) -> bool:
        """Whether NumPy takes the memory of an operand for the result by itself."""
        if not is_operator(node) or _broadcasts(node):
            return False
        return any(
            operand in self.inline
            and not operand.op.views
            and operand.result_type == node.result_type
            for operand in [node.inputs[i] for i in (0, *_augmented(node))]
        )

    def _owned(self, variable: Node, place: int) -> bool:
        """Whether nothing reads this variable's memory after the statement at `place`."""
        lent = variable in self.lent
        if not lent and (variable in self.given or is_leaf(variable) or self.bases.get(variable)):
            return False
        if variable in self.readonly:
            return False
        if isinstance(variable.op, Item) or self.last.get(variable, -1) != place:
            return False
        return all(self.last.get(other, -1) < place for other in self.sharing.get(variable, ()))


def changed_carries(pairs: Sequence[tuple[Node, Node]], outputs: Sequence[Node]) -> list[Node]:
    """Of a loop's carries those that a round only changes: their memory can stay the same.

    Parameters
    ----------
    pairs : sequence of (Node, Node)
        What a round is given, and what it hands on.
    outputs : sequence of Node
        All results of a round.
    """
    found: list[Node] = []
    uses = Counter([*outputs, *(x for node in topological(outputs) for x in node.inputs)])
    for i, (carry, after) in enumerate(pairs):
        node = after
        while node.op.mutates:
            node = node.inputs[0]
        others = [other for k, (_, other) in enumerate(pairs) if k != i]
        grows = node is carry is not after or (uses[carry] == 1 and _accumulated(after, {carry}))
        if grows and not any(after in _memory(x, set()) for x in others):
            found.append(carry)
    return found


def _accumulated(node: Node, carries: set[Node]) -> bool:
    """Whether a value is a carry with something added: ``d_w += x``."""
    if not node.ndim or not isinstance(node.op, Elementwise):
        return False
    places = [i for i in node.op.augmented if node.inputs[i] in carries]
    return any(node.inputs[i].result_type == node.result_type for i in places)


# What must be copied before it is returned --------------------------------------------------------


def _shared_outputs(
    outputs: Sequence[Node], given: set[Node], kept: int, inline: set[Node]
) -> set[int]:
    """Outputs that may share memory with an argument, a constant or another output."""
    own = outputs[: len(outputs) - kept]
    copied: set[int] = set()
    taken: set[Node] = set()
    for output in outputs[len(own) :]:
        taken |= _memory(output, given)
    for place, output in enumerate(own):
        if isinstance(output.result_type, TupleType) or output.ndim == 0:
            continue
        # What is written anew wherever it is wanted is in no other's memory.
        roots = {x for x in _memory(output, given) if x not in inline or not x.op.is_blank(x)}
        if any(
            root in given or is_leaf(root) or root in taken or (root.op.readonly and _viewed(root))
            for root in roots
        ):
            copied.add(place)
        else:
            taken |= roots
    return copied


def _memory(node: Node, given: set[Node]) -> set[Node]:
    """The nodes whose memory a value may be a view of, itself included if it has its own."""
    found: set[Node] = set()
    seen: set[Node] = set()
    stack = [node]
    while stack:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        found.add(current)
        if current not in given:
            stack.extend(_viewed(current))
    return found


def _viewed(node: Node) -> list[Node]:
    """The operands whose memory a value may share."""
    if isinstance(node.op, Item):
        (several,) = node.inputs
        own = several.op.views_of(node.op.index)
        if own is None:
            return [several] if several.op.views else []
        return [several.inputs[i] for i in own]
    viewed = [node.inputs[i] for i in node.op.views]
    # A number has no memory: what repeats it is an array of its own.
    return [x for x in viewed if not isinstance(x.op, Constant) or x.ndim]
