"""Operands made safe where a choice drops the result.

``where(x > 0, sqrt(x), 0)`` computes roots of negative numbers, drops them, and NumPy warns. Where
every use of a value lies behind the same conditions, what it is computed from may be anything
where they do not hold: a number for which the operation is finite.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TypeAlias

import numpy as np

from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import rebuild
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant, make, topological
from symgraph.graph.registry import apply
from symgraph.graph.side import ORIGINS, origin_as, set_origin
from symgraph.graph.types import broadcast_shapes
from symgraph.ops.elementwise import WHERE, Where
from symgraph.ops.facts import Limit
from symgraph.ops.kinds import Elementwise
from symgraph.transforms.masks import bounds

__all__ = ["guard"]

Condition: TypeAlias = "frozenset[tuple[Node, bool]]"
"""Masks and what they must be, all of them."""

Conditions: TypeAlias = "frozenset[Condition]"
"""Conditions of which one must hold."""

_ALWAYS: Conditions = frozenset([frozenset()])


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
    if not any(isinstance(node.op, Where) for node in order):
        return list(outputs), {}
    needs = _conditions(order, outputs)
    risks = {node: _risks(node) for node in order if needs[node] != _ALWAYS}
    if not any(risks.values()):
        return list(outputs), {}
    guarding = _Guarding(needs, order)
    image = guarding.image
    stack = list(reversed(outputs))
    with origin_as(None):
        while stack:
            node = stack[-1]
            if node in image:
                stack.pop()
                continue
            required = [*node.inputs]
            if risks.get(node):
                required += [mask for part in guarding.chosen(node) for mask, _ in part]
            missing = [x for x in required if x not in image]
            if missing:
                stack += reversed(missing)
                continue
            set_origin(ORIGINS.get(node))
            image[node] = guarding.rebuilt(node, risks.get(node) or [])
            stack.pop()
    return [image[node] for node in outputs], image


def _conditions(order: Sequence[Node], outputs: Sequence[Node]) -> dict[Node, Conditions]:
    """For each node the conditions without which no output depends on its value."""
    needs: dict[Node, Conditions] = dict.fromkeys(outputs, _ALWAYS)
    inside = set(order)
    for node in reversed(order):
        need = needs[node]
        for place, operand in enumerate(node.inputs):
            known = need
            if isinstance(node.op, Where) and place:
                literal = _literal(node.inputs[0], place == 1, inside)
                known = frozenset([_with(condition, literal) for condition in need])
            if known != _ALWAYS:
                known = frozenset([_reaching(condition, node, operand) for condition in known])
            before = needs.get(operand)
            needs[operand] = known if before is None else _either(before, known)
    return needs


_MOST_CONDITIONS = 8
"""Of nested choices: more are not kept, which is no mistake, and keeps the walk linear."""
_MOST_USES = 4
"""Conditions of which one must hold; of more, what they have in common."""


def _with(condition: Condition, literal: tuple[Node, bool]) -> Condition:
    return condition | {literal} if len(condition) < _MOST_CONDITIONS else condition


def _reaching(condition: Condition, node: Node, operand: Node) -> Condition:
    return frozenset([entry for entry in condition if _reaches(entry[0], node, operand)])


def _either(first: Conditions, second: Conditions) -> Conditions:
    """That one of two sets of conditions holds."""
    if first == second:
        return first
    both = first | second
    # a or (a and b) is a.
    least = frozenset([c for c in both if not any(other < c for other in both)])
    few = len(least) <= _MOST_USES
    return least if few else frozenset([next(iter(least)).intersection(*least)])


def _literal(mask: Node, wanted: bool, inside: set[Node]) -> tuple[Node, bool]:
    """A condition without negations, so that the same one is recognised."""
    while mask.op.name == "logical_not" and mask.inputs[0].dtype.kind == "b":
        mask, wanted = mask.inputs[0], not wanted
    if mask.op.name == "not_equal":
        opposite = apply("equal", *mask.inputs)
        if opposite in inside:
            return opposite, not wanted
    return mask, wanted


def _reaches(mask: Node, node: Node, operand: Node) -> bool:
    """Whether elements that a mask drops of a node drop those of an operand with them."""
    if not mask.ndim:
        return True
    if not isinstance(node.op, Elementwise | Where) or mask.ndim > operand.ndim:
        return False
    if operand.shape == node.shape:
        return True
    return broadcast_shapes(mask.shape, operand.shape, what="where") == operand.shape


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

    def __init__(self, needs: dict[Node, Conditions], order: Sequence[Node]) -> None:
        self.needs = needs
        self.position = {node: i for i, node in enumerate(order)}
        self.image: dict[Node, Node] = {}
        self.outside: dict[Node, tuple[Condition, float]] = {}

    def rebuilt(self, node: Node, risks: Sequence[tuple[int, Limit]]) -> Node:
        """The node with safe operands."""
        inputs = [self.image[operand] for operand in node.inputs]
        need = self._condition(node, made=bool(risks))
        for place, limit in risks if need else ():
            if not self._is_safe(inputs[place], need, limit):
                inputs[place] = self._guarded(inputs[place], need, limit)
        same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        result = node if same else rebuild(node, inputs)
        self._note(result, need)
        return result

    def chosen(self, node: Node) -> Conditions:
        """What its uses have in common, or the conditions of which one must hold."""
        needs = self.needs[node]
        common = next(iter(needs)).intersection(*needs)
        here = self.position[node]
        if common or any(self.position[mask] > here for part in needs for mask, _ in part):
            # A mask that comes later may depend on the node itself.
            return frozenset([common])
        return needs

    def _condition(self, node: Node, *, made: bool) -> Condition:
        """One condition for a node, which may be made: that one of several holds."""
        needs = self.chosen(node)
        if len(needs) == 1 or not made:
            return next(iter(needs)).intersection(*needs)
        parts = [self._mask(part) for part in _resolved(needs)]
        mask = reduce(_or, sorted(parts, key=lambda part: self.position.get(part, 0)))
        self.image.setdefault(mask, mask)
        self.position.setdefault(mask, len(self.position))
        return frozenset([(mask, True)])

    def _mask(self, condition: Condition) -> Node:
        masks = sorted(condition, key=lambda entry: self.position[entry[0]])
        holding = [self.image[mask] for mask, wanted in masks if wanted]
        failing = [self.image[mask] for mask, wanted in masks if not wanted]
        outside = [apply("logical_not", reduce(_or, failing))] if failing else []
        return reduce(_and, [*holding, *outside])

    def _is_safe(self, operand: Node, need: Condition, limit: Limit) -> bool:
        known = self.outside.get(operand)
        return known is not None and need <= known[0] and limit.holds(known[1], known[1])

    def _guarded(self, operand: Node, need: Condition, limit: Limit) -> Node:
        masks = sorted(need, key=lambda entry: self.position[entry[0]])
        holding = [self.image[mask] for mask, wanted in masks if wanted]
        failing = [self.image[mask] for mask, wanted in masks if not wanted]
        safe = constant(np.asarray(limit.safe, operand.dtype))
        if failing and not holding:
            result = make(WHERE, reduce(_or, failing), safe, operand)
        else:
            outside = [apply("logical_not", reduce(_or, failing))] if failing else []
            result = make(WHERE, reduce(_and, [*holding, *outside]), operand, safe)
        self.outside[result] = (need, limit.safe)
        return result

    def _note(self, node: Node, need: Condition) -> None:
        """The value where the condition fails, if it follows from those of the operands."""
        if isinstance(node.op, Where):
            mask, first, second = node.inputs
            for wanted, other in ((True, second), (False, first)):
                if isinstance(other.op, Constant) and not other.ndim and other.dtype.kind == "f":
                    self.outside.setdefault(
                        node, (frozenset([(mask, wanted)]), float(other.op.value))
                    )
        if not need or not isinstance(node.op, Elementwise) or node in self.outside:
            return
        values: list[Node] = []
        for operand in node.inputs:
            known = self.outside.get(operand)
            if isinstance(operand.op, Constant) and not operand.ndim:
                values.append(operand)
            elif known is not None and need <= known[0]:
                values.append(constant(np.asarray(known[1], operand.dtype)))
            else:
                return
        (value,) = interpret([make(node.op, *values)], {})
        self.outside[node] = (need, float(value))


def _resolved(needs: Conditions) -> list[Condition]:
    """The same with fewer masks: a or (not a and b) is a or b."""
    single = {next(iter(condition)) for condition in needs if len(condition) == 1}
    return [
        condition
        if len(condition) == 1
        else frozenset(
            [(mask, wanted) for mask, wanted in condition if (mask, not wanted) not in single]
        )
        for condition in needs
    ]


def _and(a: Node, b: Node) -> Node:
    return apply("logical_and", a, b)


def _or(a: Node, b: Node) -> Node:
    return apply("logical_or", a, b)
