"""Values whose derivative the user declares, by one rule; and functions of cotangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, ClassVar

from symgraph.errors import DerivativeError, InputError, ShapeError
from symgraph.graph.graph import Graph, replace
from symgraph.graph.leaves import Placeholder
from symgraph.graph.node import Node, as_node, make, topological
from symgraph.graph.record import record
from symgraph.graph.refusal import public
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.graph.tree import flatten
from symgraph.graph.types import TensorType, Type
from symgraph.ops.bodies import Body, Slots, nodes_of, or_zeros, repeated, stand_ins, tree_of
from symgraph.ops.elementwise import zeros_like
from symgraph.ops.kinds import BatchWalk, ControlFlow, Walk, any_node
from symgraph.transforms.local import fit
from symgraph.transforms.vjp import pull_back

__all__ = ["clip_gradient", "cotangent_map", "custom_derivative"]


@record
class Custom(ControlFlow):
    """One result of a closed graph, with rules for its derivative.

    Attributes
    ----------
    title : str
        The name of the user's function.
    value : Body
        From the operands to all results.
    forward : Body
        From the operands, the results and a tangent for each real operand to those of the results.
    backward : Body
        From the operands, the results and a cotangent for each real result to those of the real
        operands.
    index : int
        Which result this is.
    """

    title: str
    value: Body
    forward: Body
    backward: Body
    index: int
    name: ClassVar[str] = "custom"
    wraps: ClassVar[bool] = True

    @property
    def views(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """A result may be an operand."""
        return tuple(range(len(self.value.inputs)))

    @property
    def label(self) -> str:
        """The user's name."""
        return self.title if len(self.value.outputs) == 1 else f"{self.title}[{self.index}]"

    def infer(self, *types: TensorType) -> Type:
        """That of the result."""
        return self.value.outputs[self.index].type

    def decompose(self, *inputs: Node) -> Node:
        """The graph itself."""
        mapping = dict(zip(self.value.inputs, inputs, strict=True))
        return replace([self.value.outputs[self.index]], mapping)[0]

    def flops(self, node: Node) -> Dim:
        """Those of the graph."""
        return self.value.flops()

    def allocated(self, node: Node) -> Dim:
        """What the graph makes."""
        return self.value.allocated()

    def _places(self, nodes: Sequence[Node]) -> list[int]:
        """The positions of what has a derivative."""
        return [i for i, node in enumerate(nodes) if node.type.inexact]

    def _inlined(self, rule: Body, node: Node, seeds: Sequence[Node]) -> list[Node]:
        results = [
            make(Custom(self.title, self.value, self.forward, self.backward, i), *node.inputs)
            for i in range(len(self.value.outputs))
        ]
        mapping = dict(zip(rule.inputs, [*node.inputs, *results, *seeds], strict=True))
        return replace(rule.outputs, mapping)

    def jvp(self, node: Node, tangents: Sequence[Node | None], push_forward: Walk) -> Any:
        """The forward rule."""
        real = self._places(self.value.inputs)
        if all(tangents[i] is None for i in real):
            return None
        seeds = [or_zeros(tangents[i], node.inputs[i]) for i in real]
        found = self._inlined(self.forward, node, seeds)
        place = self._places(self.value.outputs).index(self.index)
        return fit(found[place], node.type)

    def vjp(
        self, node: Node, cotangents: Any, wanted: Sequence[int], pull_back: Walk
    ) -> Sequence[Node | None]:
        """The reverse rule, for this result alone."""
        outputs = self.value.outputs
        seeds = [
            cotangents if i == self.index else zeros_like(outputs[i]) for i in self._places(outputs)
        ]
        found = self._inlined(self.backward, node, seeds)
        answer = dict(zip(self._places(self.value.inputs), found, strict=True))
        return [answer[i] for i in wanted]

    def batch_bodies(
        self,
        node: Node,
        operands: Sequence[Node],
        mapped: Sequence[bool],
        size: Dim,
        push_batch: BatchWalk,
    ) -> Any:
        """The same of stacks: each of the three graphs is batched."""
        batching = _Batching(self, operands, mapped, size, push_batch)
        return make(batching.custom(), *operands)


class _Batching:
    """The three graphs of a custom derivative made graphs of stacks."""

    def __init__(
        self,
        op: Custom,
        operands: Sequence[Node],
        mapped: Sequence[bool],
        size: Dim,
        push_batch: BatchWalk,
    ) -> None:
        self.op, self.mapped, self.size, self.push_batch = op, mapped, size, push_batch
        slots = Slots([*op.forward.inputs, *op.backward.inputs])
        self.stack = {
            x: slots.new(x.op.label, x.type.with_shape((size, *x.shape)))
            for body in (op.value, op.forward, op.backward)
            for x in body.inputs
        }
        self.shared = {x for x, many in zip(op.value.inputs, mapped, strict=True) if not many}

    def _body(self, rule: Body, shared: set[Node]) -> Body:
        """A graph of stacks; what all elements share keeps its type."""
        by = [x for x in rule.inputs if x not in shared]
        stacks = [self.stack[x] for x in by]
        found = self.push_batch(rule.outputs, by, stacks, self.size)
        outputs = [
            repeated(y, stack, self.size) for y, stack in zip(rule.outputs, found, strict=True)
        ]
        inputs = [x if x in shared else self.stack[x] for x in rule.inputs]
        return Body(tuple(inputs), tuple(outputs))

    def custom(self) -> Custom:
        """The operation on stacks."""
        op = self.op
        count, results = len(op.value.inputs), len(op.value.outputs)
        real = [i for i, x in enumerate(op.value.inputs) if x.type.inexact]
        tangents = op.forward.inputs[count + results :]
        alone = {t for i, t in zip(real, tangents, strict=True) if not self.mapped[i]}
        backward = self._body(op.backward, self.shared)
        # What all elements share gets the sum of their cotangents.
        pulled = [
            ct if self.mapped[i] else ct.sum(axis=0)
            for i, ct in zip(real, backward.outputs, strict=True)
        ]
        return Custom(
            op.title,
            self._body(op.value, self.shared),
            self._body(op.forward, self.shared | alone),
            Body(backward.inputs, tuple(pulled)),
            op.index,
        )


@public
def custom_derivative(
    function: Callable[..., Any] | Graph | None = None,
    *,
    jvp: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
) -> Any:
    """A function with a derivative of its own: one rule, forward or reverse.

    The rule is written with NumPy's functions on nodes; it is simplified, emitted, batched and
    differentiated again like anything else. The mode that has no rule is derived from the other:
    both are linear in the tangents. If both are given, `check_gradients` compares them.

    Parameters
    ----------
    function : callable or Graph
        A function of nodes. It takes all that its derivative depends on as arguments. Without it
        the result is a decorator.
    jvp : callable, optional
        ``jvp(result, arguments, tangents)`` gives the tangent of the result, in its form. The
        tuple `tangents` has the form of the tuple `arguments`; integers have ``None``.
    vjp : callable, optional
        ``vjp(result, arguments, cotangent)`` gives a tuple with the cotangent of each argument
        (``None`` for zero); for the only argument the cotangent itself will do.

    Returns
    -------
    callable
        Takes nodes, arrays, and trees of them.

    Raises
    ------
    InputError
        If there is no rule; or, when it is called, if the function or a rule uses nodes from
        around it.
    ShapeError
        If a rule gives a derivative that has not the shape of what it belongs to.

    Examples
    --------
    >>> import numpy as np
    >>> import symgraph as sg
    >>> @sg.custom_derivative(vjp=lambda result, arguments, cotangent: cotangent * result)
    ... def exponential(x):
    ...     return np.exp(x)
    >>> x = sg.placeholder("x")
    >>> float(sg.function([x], sg.hvp(exponential(x), x, 1.0))(0.0))
    1.0
    """
    if jvp is None and vjp is None:
        raise InputError("custom_derivative needs a rule", expected="jvp= or vjp=")
    if function is None:
        return partial(custom_derivative, jvp=jvp, vjp=vjp)
    if isinstance(function, Graph):
        return _custom(_of_graph(function), "graph", jvp, vjp)
    return wraps(function)(_custom(function, function.__name__, jvp, vjp))


def _of_graph(graph: Graph) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        mapping = dict(zip(graph.inputs, flatten(list(arguments))[0], strict=True))
        nodes = replace(graph.outputs, {x: as_node(value) for x, value in mapping.items()})
        return tree_of(graph.output_tree, [True] * len(nodes), nodes)

    return run


def _custom(
    function: Callable[..., Any],
    title: str,
    jvp: Callable[..., Any] | None,
    vjp: Callable[..., Any] | None,
) -> Callable[..., Any]:
    title = title if title.isidentifier() else "custom"

    def call(*arguments: Any) -> Any:
        if not any_node(*flatten(arguments)[0]):
            return function(*arguments)
        operands = nodes_of(arguments)[0]
        tracing = _Tracing(function, title, arguments, [node.type for node in operands])
        op = tracing.custom(jvp, vjp)
        results = [
            make(Custom(title, op.value, op.forward, op.backward, i), *operands)
            for i in range(len(op.value.outputs))
        ]
        return tree_of(tracing.result_form, tracing.result_there, results)

    return call


class _Tracing:
    """A function and its rules, run on stand-ins."""

    def __init__(
        self, function: Callable[..., Any], title: str, arguments: Any, types: Sequence[TensorType]
    ) -> None:
        self.title = title
        self.own = stand_ins("argument", arguments, types)
        _, self.form, self.there = nodes_of(arguments)
        self.arguments = tree_of(self.form, self.there, self.own)
        result = function(*self.arguments)
        self.outputs, self.result_form, self.result_there = nodes_of(result)
        self.results = stand_ins("result", result, [node.type for node in self.outputs])
        self.tangents = self._seeds("tangent", self.own)
        self.cotangents = self._seeds("cotangent", self.outputs)

    @staticmethod
    def _seeds(name: str, nodes: Sequence[Node]) -> list[Node | None]:
        seeds = stand_ins(name, list(nodes), [node.type for node in nodes])
        pairs = zip(nodes, seeds, strict=True)
        return [seed if node.type.inexact else None for node, seed in pairs]

    def custom(self, jvp: Any, vjp: Any) -> Custom:
        """The operation, first result."""
        result = tree_of(self.result_form, self.result_there, self.results)
        tangents = [t for t in self.tangents if t is not None]
        cotangents = [ct for ct in self.cotangents if ct is not None]
        forward: list[Node] = []
        backward: list[Node] = []
        if jvp is not None:
            given = jvp(result, self.arguments, tree_of(self.form, self.there, self.tangents))
            forward = self._derivatives("jvp", given, self.outputs)
        if vjp is not None:
            cotangent = tree_of(self.result_form, self.result_there, self.cotangents)
            given = vjp(result, self.arguments, cotangent)
            if len(self.form.children) == 1 and not isinstance(given, tuple):
                given = (given,)
            backward = self._derivatives("vjp", given, self.own)
        if vjp is None:
            real = [x for x in self.own if x.type.inexact]
            found = pull_back(forward, cotangents, tangents)
            backward = [or_zeros(ct, x) for ct, x in zip(found, real, strict=True)]
        if jvp is None:
            real = [y for y in self.outputs if y.type.inexact]
            found = pull_back(backward, tangents, cotangents)
            forward = [or_zeros(t, y) for t, y in zip(found, real, strict=True)]
        known = [*self.own, *self.results]
        return Custom(
            self.title,
            self._body(self.own, self.outputs),
            self._body([*known, *tangents], forward),
            self._body([*known, *cotangents], backward),
            0,
        )

    def _derivatives(self, rule: str, given: Any, like: Sequence[Node]) -> list[Node]:
        """What a rule gives, a node for everything that has a derivative."""
        leaves = flatten(given)[0]
        if len(leaves) != len(like):
            raise ShapeError(
                f"{self.title}: the rule {rule}= gives another number of derivatives",
                expected=str(len(like)),
                got=str(len(leaves)),
                hint="None stands for a derivative that is zero",
            )
        found: list[Node] = []
        for leaf, node in zip(leaves, like, strict=True):
            if not node.type.inexact:
                if leaf is not None:
                    raise DerivativeError(
                        f"{self.title}: the rule {rule}= gives a derivative of {node.dtype}",
                        expected="None",
                    )
                continue
            value = zeros_like(node) if leaf is None else as_node(leaf)
            if value.shape != node.shape:
                raise ShapeError(
                    f"{self.title}: a derivative that the rule {rule}= gives has the wrong shape",
                    expected=str(node.shape),
                    got=str(value.shape),
                )
            found.append(fit(value, node.type))
        return found

    def _body(self, inputs: Sequence[Node], outputs: Sequence[Node]) -> Body:
        """A closed graph with numbered inputs, so that equal ones are one operation."""
        own = set(inputs)
        for node in topological(outputs, stop=own.__contains__):
            if isinstance(node.op, Placeholder) and node not in own:
                raise InputError(
                    f"{self.title} uses {node.op.label} from around it, whose derivative is lost",
                    hint="make it an argument of the function",
                )
        slots = Slots()
        numbered = [slots.new(x.op.label, x.type) for x in inputs]
        mapping = dict(zip(inputs, numbered, strict=True))
        return Body(tuple(numbered), tuple(replace(outputs, mapping)))


# Cotangents on their way back ------------------------------------------------------------------


@public
def cotangent_map(x: Any, function: Callable[[Node], Any]) -> Any:
    """`x` itself, whose cotangent goes through a function on its way back.

    Values and tangents pass unchanged: the function sees the sum of all contributions to the
    cotangent of `x`, and what it returns is handed on. It clips, scales, or names gradients.

    Parameters
    ----------
    x : array_like
    function : callable
        From a node of the shape of `x` to one of that shape.

    Returns
    -------
    Node
        An array, if `x` is one.

    Raises
    ------
    ShapeError
        If the function changes the shape.

    Examples
    --------
    >>> import numpy as np
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", 2)
    >>> loss = np.sum(sg.cotangent_map(x, lambda ct: np.clip(ct, -1.0, 1.0)) ** 2)
    >>> sg.function([x], sg.grad(loss, x))(np.array([0.25, 7.0]))
    array([0.5, 1. ])
    """

    def forward(result: Any, arguments: Any, tangents: Any) -> Any:
        return tangents[0]

    def backward(result: Any, arguments: Any, cotangent: Node) -> Any:
        return function(cotangent)

    return custom_derivative(_same, jvp=forward, vjp=backward)(x)


def _same(x: Any) -> Any:
    return x


@public
def clip_gradient(x: Any, limit: Any = None, *, norm: Any = None) -> Any:
    """`x` itself, whose cotangent is kept within bounds on its way back.

    Parameters
    ----------
    x : array_like
    limit : float, optional
        No element becomes larger in size.
    norm : float, optional
        If the root of the sum of squares is larger, the cotangent is scaled down to it.

    Raises
    ------
    InputError
        Unless one of the two is given.

    Examples
    --------
    >>> import numpy as np
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", 2)
    >>> gradient = sg.grad(np.sum(sg.clip_gradient(x, norm=1.0) * np.array([3.0, 4.0])), x)
    >>> sg.function([x], gradient)(np.zeros(2))
    array([0.6, 0.8])
    """
    if (limit is None) == (norm is None):
        raise InputError("clip_gradient", expected="limit or norm=, one of them")
    if limit is not None:
        return cotangent_map(x, lambda ct: apply("clip", ct, -limit, limit))

    def scaled(ct: Node) -> Node:
        return ct * (norm / apply("maximum", apply("sqrt", (ct * ct).sum()), norm))

    return cotangent_map(x, scaled)
