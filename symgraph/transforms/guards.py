"""Operands made safe where a choice drops the result.

``where(x > 0, sqrt(x), 0)`` computes roots of negative numbers, drops them, and NumPy warns. Where
every use of a value lies behind the same conditions, what it is computed from may be anything
where they do not hold: a number for which the operation is finite.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from math import inf
from typing import NamedTuple, TypeAlias

import numpy as np

from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import rebuild
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant, make, topological
from symgraph.graph.registry import apply
from symgraph.graph.side import ORIGINS, origin_as, set_origin
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, TupleType
from symgraph.ops.conditions import ALWAYS, NEVER, Condition, Conditions, difference, weaker
from symgraph.ops.elementwise import WHERE, Where, is_zero
from symgraph.ops.facts import Limit
from symgraph.ops.kinds import Elementwise
from symgraph.transforms.masks import bounds, support

__all__ = ["Choices", "choices", "decide", "guard"]


class Choices(NamedTuple):
    """What a graph with choices needs of each of its nodes.

    Attributes
    ----------
    outputs, order : list of Node
        Masks come early in the order.
    conditions : Conditions
        Those of its masks.
    needs : dict
        For each node the condition without which no output depends on its value.
    risks : dict
        For each node the operands that may lie where the operation is not finite.
    """

    outputs: list[Node]
    order: list[Node]
    conditions: Conditions
    needs: dict[Node, Condition]
    risks: dict[Node, list[tuple[int, Limit]]]


def choices(outputs: Sequence[Node]) -> Choices | None:
    """What is needed of the nodes of a graph; ``None`` if nothing is chosen in it."""
    order = topological(outputs)
    masks = [node.inputs[0] for node in order if isinstance(node.op, Where)]
    if not masks:
        return None
    risks = {node: found for node in order if (found := _risks(node))}
    order = _masks_first(order, masks, outputs, risks)
    conditions = Conditions()
    return Choices(list(outputs), order, conditions, _needs(order, outputs, conditions), risks)


def decide(known: Choices) -> tuple[list[Node], dict[Node, Node]]:
    """Leave out choices of which one branch is never wanted, and make each condition one mask.

    Returns
    -------
    outputs : list of Node
    image : dict
        From every node to what stands for it; empty if nothing changed.
    """
    image = _decided(known.order, known.needs, known.conditions)
    if all(image[node] is node for node in known.outputs):
        return known.outputs, {}
    return [image[node] for node in known.outputs], image


def guard(known: Choices) -> tuple[list[Node], dict[Node, Node]]:
    """Replace operands of singular operations where their results are not taken.

    Returns
    -------
    outputs : list of Node
    image : dict
        From every node to what stands for it.
    """
    outputs, order, conditions, needs, risks = known
    risks = {node: found for node, found in risks.items() if needs[node] != ALWAYS}
    if not risks:
        return outputs, {}
    guarding = _Guarding(conditions, needs, risks, order)
    image = guarding.image
    stack = list(reversed(outputs))
    with origin_as(None):
        while stack:
            node = stack[-1]
            if node in image:
                stack.pop()
                continue
            missing = [x for x in guarding.required(node) if x not in image]
            if missing:
                stack += reversed(missing)
                continue
            set_origin(ORIGINS.get(node))
            image[node] = guarding.rebuilt(node)
            stack.pop()
    return [image[node] for node in outputs], image


def _decided(
    order: Sequence[Node], needs: Mapping[Node, Condition], conditions: Conditions
) -> dict[Node, Node]:
    """What stands for each node."""
    image: dict[Node, Node] = {}
    first: dict[tuple[Condition, TensorType], Node] = {}
    with origin_as(None):
        for node in order:
            set_origin(ORIGINS.get(node))
            taken = _taken(node, needs, conditions)
            known = conditions.known(node)
            if known is not None and known in (ALWAYS, NEVER):
                taken = constant(np.asarray(known == ALWAYS))
            elif known is not None:
                taken = first.setdefault((known, node.type), node)
            if taken is not None and taken is not node and taken.dtype == node.dtype:
                image[node] = apply("broadcast_to", image.get(taken, taken), node.shape)
                continue
            inputs = [image[operand] for operand in node.inputs]
            same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
            image[node] = node if same else rebuild(node, inputs)
    return image


def _taken(node: Node, needs: Mapping[Node, Condition], conditions: Conditions) -> Node | None:
    """The branch of a choice that is taken wherever the choice matters."""
    if not isinstance(node.op, Where) or node not in needs:
        return None
    mask, first, second = node.inputs
    asked = conditions.of(mask)
    if conditions.implies(needs[node], asked):
        return first
    return second if conditions.implies(needs[node], conditions.opposite(asked)) else None


def _masks_first(
    order: Sequence[Node],
    masks: Sequence[Node],
    outputs: Sequence[Node],
    risks: Collection[Node],
) -> list[Node]:
    """An order in which masks come early, first those that need no guards themselves.

    What comes before a node cannot depend on it.
    """
    level: dict[Node, int] = {}
    for node in order:
        level[node] = max([level[x] for x in node.inputs], default=0) + (node in risks)
    return topological([*sorted(dict.fromkeys(masks), key=lambda m: level[m]), *outputs])


def _needs(
    order: Sequence[Node], outputs: Sequence[Node], conditions: Conditions
) -> dict[Node, Condition]:
    """For each node the condition without which no output depends on its value."""
    found = _Needs(order, conditions)
    for node in outputs:
        found.add(node, ALWAYS)
    for node in reversed(order):
        need = found.needs.get(node)
        if need is None:
            continue  # a mask of others, each of which has been asked for itself
        if isinstance(node.op, Where):
            found.add_choice(node, need)
            continue
        for place, operand in enumerate(node.inputs):
            found.add(operand, conditions.moved(need, _axes_onto(node, place)))
    return found.needs


class _Needs:
    """What is known so far, from the results to their operands."""

    def __init__(self, order: Sequence[Node], conditions: Conditions) -> None:
        self.position = {node: i for i, node in enumerate(order)}
        self.conditions = conditions
        self.needs: dict[Node, Condition] = {}
        for node in order:
            if isinstance(node.op, Where):
                conditions.of(node.inputs[0])  # atoms are masks of the graph, if they can

    def add(self, node: Node, need: Condition) -> None:
        """One more use of a node."""
        known = self.needs.get(node)
        self.needs[node] = need if known is None else self.conditions.either(known, need)

    def add_choice(self, node: Node, need: Condition) -> None:
        """The operands of a choice."""
        mask, *values = node.inputs
        conditions = self.conditions
        asked = conditions.of(mask)
        wanted = [asked, conditions.opposite(asked)]
        taken = need
        for i, (value, other) in enumerate(zip(values, values[::-1], strict=True)):
            where = support(value) if is_zero(other) else None
            if where is None:
                continue
            known = conditions.of(where)
            known = self._before(weaker(known, {*known.atoms} - {*asked.atoms}), mask)
            # A choice between zeros is none, as long as they are zeros.
            zeros = conditions.combined("or", wanted[i], conditions.opposite(known))
            if known != ALWAYS and zeros is not None:
                wanted[i] = zeros
                taken = conditions.both(need, known)
        for place, value in enumerate(values, 1):
            reached = conditions.both(need, wanted[place - 1])
            self.add(value, conditions.moved(reached, _axes_onto(node, place)))
        self._add_mask(node, asked, taken)

    def _add_mask(self, node: Node, asked: Condition, need: Condition) -> None:
        """The atoms of a mask: each counts where the others leave it to decide.

        Of these only those that come before it, so that not all wait for each other.
        """
        for number in asked.atoms:
            mask, axes = self.conditions.atoms[number]
            decides = self._before(difference(asked, number), mask)
            places: list[int | None] = [None] * node.ndim
            for i, axis in enumerate(axes):
                if axis is not None:
                    places[axis] = i - mask.ndim
            here = self.conditions.both(need, decides)
            self.add(mask, self.conditions.moved(here, tuple(places)))

    def _before(self, condition: Condition, mask: Node) -> Condition:
        """What is left of a condition if only masks count that come before this one."""
        here = self.position[mask]
        masks = {a: self.conditions.atoms[a].mask for a in condition.atoms}
        kept = [a for a, earlier in masks.items() if self.position.get(earlier, inf) < here]
        return weaker(condition, kept)


def _axes_onto(node: Node, operand: int) -> tuple[int | None, ...]:
    """For each axis of a result the axis of an operand along with it, counted from the last."""
    x = node.inputs[operand]
    if isinstance(node.result_type, TupleType):
        return (None,) * _MOST_AXES
    if isinstance(x.result_type, TupleType):
        return (None,) * node.ndim
    axes = node.op.apart(node, operand, node.type)
    return tuple([None if axis is None else axis - x.ndim for axis in axes])


_MOST_AXES = 64
"""Of any array of NumPy's."""


def _risks(node: Node) -> list[tuple[int, Limit]]:
    """The operands that may lie where the operation is not finite."""
    op = node.op
    if not isinstance(op, Elementwise) or node.dtype.kind != "f":
        return []
    found: list[tuple[int, Limit]] = []
    for i, limit in enumerate(op.limits(node.inputs)):
        operand = node.inputs[i]
        if limit is None or operand.dtype.kind != "f":
            continue
        if not limit.holds(*bounds(operand)):
            found.append((i, limit))
    return found


def _goes_into(dim: Dim, other: Dim) -> bool:
    """Whether an axis of a mask broadcasts to one of an operand."""
    return dim == 1 or dim == other


_Key: TypeAlias = "tuple[Node, Limit, Node | None]"
"""An operand and its limit; and whose, unless all who have the limit need the same."""


def _key(node: Node, operand: int, limit: Limit) -> _Key:
    x = node.inputs[operand]
    return x, limit, None if limit.sharp and not isinstance(x.op, Constant) else node


def _guarded_as(key: _Key) -> Node:
    """What has the shape of a guarded operand: a number is made as large as the result."""
    operand, _, user = key
    return user if isinstance(operand.op, Constant) and user is not None else operand


class _Guarding:
    """The graph with its guards, and what is known of values where conditions do not hold."""

    def __init__(
        self,
        conditions: Conditions,
        needs: Mapping[Node, Condition],
        risks: Mapping[Node, Sequence[tuple[int, Limit]]],
        order: Sequence[Node],
    ) -> None:
        self.conditions = conditions
        self.risks = risks
        self.position = {node: i for i, node in enumerate(order)}
        self.image: dict[Node, Node] = {}
        self.guards: dict[_Key, Condition] = {}
        """Where an operand must lie inside a limit: for any of the nodes that share it."""
        self.first: dict[_Key, int] = {}
        self.outside: dict[Node, tuple[Condition, float]] = {}
        for node, found in risks.items():
            for i, limit in found:
                key = _key(node, i, limit)
                self.first.setdefault(key, self.position[node])
                need = needs[node]
                if not isinstance(node.inputs[i].op, Constant):
                    need = conditions.moved(need, _axes_onto(node, i))
                self.guards[key] = conditions.either(self.guards.get(key, NEVER), need)
        for key, need in self.guards.items():
            kept = [a for a in need.atoms if self._usable(conditions.atoms[a].mask, key)]
            self.guards[key] = weaker(need, kept)

    def _usable(self, mask: Node, key: _Key) -> bool:
        """A mask that comes later may depend on the node itself."""
        return self.position.get(mask, inf) < self.first[key]

    def _fits(self, mask: Node, key: _Key) -> bool:
        """Whether a mask is usable as it is written, and no larger than the operand."""
        operand = _guarded_as(key)
        own = operand.shape[operand.ndim - mask.ndim :] if mask.ndim <= operand.ndim else ()
        fits = len(own) == mask.ndim and all(map(_goes_into, mask.shape, own))
        return fits and self._usable(mask, key)

    def required(self, node: Node) -> list[Node]:
        """What must be rebuilt before a node."""
        found = [*node.inputs]
        for i, limit in self.risks.get(node, ()):
            key = _key(node, i, limit)
            need = self.guards[key]
            found += [self.conditions.atoms[a].mask for a in need.atoms]
            for form in (need, self.conditions.opposite(need)):
                written = self.conditions.written.get(form, ())
                found += [mask for mask in written if self._fits(mask, key)][:1]
        return found

    def rebuilt(self, node: Node) -> Node:
        """The node with safe operands."""
        inputs = [self.image[operand] for operand in node.inputs]
        for place, limit in self.risks.get(node, ()):
            key = _key(node, place, limit)
            if self.guards[key] != ALWAYS and not self._is_safe(inputs[place], key):
                inputs[place] = self._guarded(inputs[place], key)
        same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        result = node if same else rebuild(node, inputs)
        self._note(result)
        return result

    def _is_safe(self, operand: Node, key: _Key) -> bool:
        known, limit = self.outside.get(operand), key[1]
        if known is None or not limit.holds(known[1], known[1]):
            return False
        return self.conditions.implies(known[0], self.guards[key])

    def _guarded(self, operand: Node, key: _Key) -> Node:
        need, limit = self.guards[key], key[1]
        safe = constant(np.asarray(limit.safe, operand.dtype))
        if need == NEVER:
            return apply("broadcast_to", safe, operand.shape)
        like = _guarded_as(key)
        mask, wanted = self.conditions.mask(need, self.image, partial(self._fits, key=key))
        if mask.ndim > like.ndim:  # by axes of size one
            mask = apply("squeeze", mask, tuple(range(mask.ndim - like.ndim)))
        result = make(WHERE, mask, *((operand, safe) if wanted else (safe, operand)))
        if not isinstance(operand.op, Constant) and result.shape != operand.shape:
            return operand  # the mask lies along axes that the operand does not have
        self.outside[result] = (need, limit.safe)
        return result

    def _note(self, node: Node) -> None:
        """The value where a condition fails, if it follows from those of the operands."""
        if isinstance(node.op, Where):
            mask, first, second = node.inputs
            for wanted, other in ((True, second), (False, first)):
                if isinstance(other.op, Constant) and not other.ndim and other.dtype.kind == "f":
                    asked = self.conditions.of(mask)
                    asked = asked if wanted else self.conditions.opposite(asked)
                    self.outside.setdefault(node, (asked, float(other.op.value)))
        if not isinstance(node.op, Elementwise) or node in self.outside:
            return
        values: list[Node] = []
        whole: Condition = NEVER
        for operand in node.inputs:
            known = self.outside.get(operand)
            if isinstance(operand.op, Constant) and not operand.ndim:
                values.append(operand)
            elif known is not None:
                values.append(constant(np.asarray(known[1], operand.dtype)))
                whole = self.conditions.either(whole, known[0])
            else:
                return
        if whole == NEVER:
            return
        (value,) = interpret([make(node.op, *values)], {})
        self.outside[node] = (whole, float(value))
