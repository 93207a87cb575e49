"""Operands made safe where a choice drops the result.

``where(x > 0, sqrt(x), 0)`` computes roots of negative numbers, drops them, and NumPy warns. Where
every use of a value lies behind the same conditions, what it is computed from may be anything
where they do not hold: a number for which the operation is finite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import inf

import numpy as np

from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import rebuild
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant, make, topological
from symgraph.graph.registry import apply
from symgraph.graph.side import ORIGINS, origin_as, set_origin
from symgraph.graph.types import TupleType
from symgraph.ops.conditions import ALWAYS, NEVER, Condition, Conditions, weaker
from symgraph.ops.elementwise import WHERE, Where, is_zero
from symgraph.ops.facts import Limit
from symgraph.ops.kinds import Elementwise
from symgraph.transforms.masks import bounds, support

__all__ = ["guard"]


def guard(outputs: Sequence[Node]) -> tuple[list[Node], dict[Node, Node]]:
    """Replace operands of singular operations where their results are not taken.

    Parameters
    ----------
    outputs : sequence of Node

    Returns
    -------
    outputs : list of Node
    image : dict
        From every node to what stands for it.
    """
    order = topological(outputs)
    masks = [node.inputs[0] for node in order if isinstance(node.op, Where)]
    if not masks:
        return list(outputs), {}
    order = _masks_first(order, masks, outputs)
    conditions = Conditions()
    needs = _needs(order, outputs, conditions)
    risks = {node: found for node in order if needs[node] != ALWAYS and (found := _risks(node))}
    if not risks:
        return list(outputs), {}
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


def _masks_first(
    order: Sequence[Node], masks: Sequence[Node], outputs: Sequence[Node]
) -> list[Node]:
    """An order in which masks come early: what comes before a node cannot depend on it."""
    level: dict[Node, int] = {}
    for node in order:
        level[node] = 1 + max([level[x] for x in node.inputs], default=0)
    return topological([*sorted(dict.fromkeys(masks), key=lambda m: level[m]), *outputs])


def _needs(
    order: Sequence[Node], outputs: Sequence[Node], conditions: Conditions
) -> dict[Node, Condition]:
    """For each node the condition without which no output depends on its value."""
    needs: dict[Node, Condition] = dict.fromkeys(outputs, ALWAYS)
    position = {node: i for i, node in enumerate(order)}
    for node in reversed(order):
        need = needs[node]
        taken = _taken(node, conditions, position) if isinstance(node.op, Where) else None
        for place, operand in enumerate(node.inputs):
            known = need if taken is None else conditions.both(need, taken[place])
            if known.atoms:
                known = conditions.moved(known, _axes_onto(node, place))
            before = needs.get(operand)
            needs[operand] = known if before is None else conditions.either(before, known)
    return needs


def _taken(
    node: Node, conditions: Conditions, position: Mapping[Node, int]
) -> tuple[Condition, Condition, Condition]:
    """Where each operand of a choice counts."""
    mask, first, second = node.inputs
    asked = conditions.of(mask)
    taken = (ALWAYS, asked, conditions.opposite(asked))
    for place, other in ((1, second), (2, first)):
        where = support(node.inputs[place]) if is_zero(other) else None
        if where is None:
            continue
        found = conditions.of(where)
        atoms = [conditions.atoms[a].mask for a in found.atoms]
        apart = not {*found.atoms} & {*asked.atoms}
        if apart and all(position.get(atom, inf) < position[mask] for atom in atoms):
            # A choice between zeros is none, as long as they are zeros.
            zeros = conditions.combined("or", taken[place], conditions.opposite(found))
            if zeros is not None:
                return (found, zeros, ALWAYS) if place == 1 else (found, ALWAYS, zeros)
    return taken


def _axes_onto(node: Node, operand: int) -> tuple[int | None, ...]:
    """For each axis of a result the axis of an operand along with it, counted from the last."""
    x = node.inputs[operand]
    if isinstance(node.result_type, TupleType):
        return (None,) * _MOST_AXES
    if isinstance(x.result_type, TupleType):
        return (None,) * node.ndim
    axes = node.op.apart(node, operand)
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
        if limit is None or operand.dtype.kind != "f" or isinstance(operand.op, Constant):
            continue
        if not limit.holds(*bounds(operand)):
            found.append((i, limit))
    return found


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
        self.guards: dict[tuple[Node, Limit], Condition] = {}
        """Where an operand must lie inside a limit: for any of the nodes that have it."""
        self.first: dict[tuple[Node, Limit], int] = {}
        self.outside: dict[Node, tuple[Condition, float]] = {}
        for node, found in risks.items():
            for i, limit in found:
                key = (node.inputs[i], limit)
                self.first.setdefault(key, self.position[node])
                need = conditions.moved(needs[node], _axes_onto(node, i))
                self.guards[key] = conditions.either(self.guards.get(key, NEVER), need)
        for key, need in self.guards.items():
            kept = [a for a in need.atoms if self._usable(conditions.atoms[a].mask, key)]
            self.guards[key] = weaker(need, kept)

    def _usable(self, mask: Node, key: tuple[Node, Limit]) -> bool:
        """A mask that comes later may depend on the node itself."""
        return self.position.get(mask, inf) < self.first[key]

    def required(self, node: Node) -> list[Node]:
        """What must be rebuilt before a node."""
        found = [*node.inputs]
        for i, limit in self.risks.get(node, ()):
            key = (node.inputs[i], limit)
            need = self.guards[key]
            found += [self.conditions.atoms[a].mask for a in need.atoms]
            for form in (need, self.conditions.opposite(need)):
                written = self.conditions.written.get(form, ())
                found += [mask for mask in written if self._usable(mask, key)][:1]
        return found

    def rebuilt(self, node: Node) -> Node:
        """The node with safe operands."""
        inputs = [self.image[operand] for operand in node.inputs]
        for place, limit in self.risks.get(node, ()):
            key = (node.inputs[place], limit)
            if self.guards[key] != ALWAYS and not self._is_safe(inputs[place], key):
                inputs[place] = self._guarded(inputs[place], key)
        same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        result = node if same else rebuild(node, inputs)
        self._note(result)
        return result

    def _is_safe(self, operand: Node, key: tuple[Node, Limit]) -> bool:
        known, limit = self.outside.get(operand), key[1]
        if known is None or not limit.holds(known[1], known[1]):
            return False
        return self.conditions.implies(known[0], self.guards[key])

    def _guarded(self, operand: Node, key: tuple[Node, Limit]) -> Node:
        need, limit = self.guards[key], key[1]
        safe = constant(np.asarray(limit.safe, operand.dtype))
        if need == NEVER:
            return apply("broadcast_to", safe, operand.shape)
        usable = partial(self._usable, key=key)
        mask, wanted = self.conditions.mask(need, self.image, usable)
        result = make(WHERE, mask, *((operand, safe) if wanted else (safe, operand)))
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
