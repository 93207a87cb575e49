"""Forward and backward as two functions, with an honest choice of what is saved between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, cast

from symgraph.calling import (
    Argument,
    ArgumentChecker,
    ArgumentCollector,
    describe_tree,
    flatten_like,
)
from symgraph.compile import caller_names, describe, requirements, user_locations
from symgraph.differentiate import vjp
from symgraph.emit.document import CheckPlan, self_check
from symgraph.emit.function import ModuleParts
from symgraph.emit.module import Signature, emit_backward, emit_function, emit_module
from symgraph.errors import InputError
from symgraph.explanation import Explanation
from symgraph.graph.graph import Graph, flatten_nodes
from symgraph.graph.node import Node, apply_view, placeholder, topological
from symgraph.graph.refusal import public
from symgraph.graph.sizes import Dim
from symgraph.graph.tree import Tree, unflatten
from symgraph.graph.types import TensorType
from symgraph.loading import constant_arguments, load_source, write_module
from symgraph.pipeline import Options, Prepared, Strictness, prepare, wishes
from symgraph.plan.plan import make_plan
from symgraph.plan.residuals import choose_residuals

__all__ = ["ForwardBackward", "forward_backward"]


@dataclass
class CompiledPair:
    """Everything a `ForwardBackward` needs to be made again elsewhere."""

    source: str
    arguments: list[Argument]
    cotangents: list[Argument]
    input_tree: Tree
    output_tree: Tree
    wrt_tree: Tree
    wrt: list[int]
    signatures: list[Signature]
    saved: list[tuple[str, TensorType]]
    saved_sizes: list[str]
    requirements: list[Dim] = field(default_factory=list[Dim])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    explanation: Explanation = field(default_factory=Explanation)


@public
def forward_backward(
    inputs: Any,
    output: Any = None,
    wrt: Any = None,
    *,
    strictness: Strictness = "accurate",
    without: Collection[str] = (),
) -> ForwardBackward:
    """Compile a value and its reverse derivative as two functions.

    Parameters
    ----------
    inputs : tree of placeholder
        Arguments of ``forward``; or a whole `Graph`.
    output : tree of Node, optional
        What ``forward`` returns; of any shape. Left out where `inputs` is a graph.
    wrt : tree of Node, optional
        What ``backward`` gives the cotangents of, in this form; by default all inputs.
    strictness : {"accurate", "bitwise", "real"}
    without : collection of str, optional
        As for `function`.

    Returns
    -------
    ForwardBackward

    Raises
    ------
    InputError, DerivativeError, DisconnectedError
        As `function` and `grad`.

    Examples
    --------
    >>> import numpy as np
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", "n")
    >>> pair = sg.forward_backward([x], np.exp(x), wrt=x)
    >>> value, saved = pair.forward(np.zeros(2))
    >>> pair.backward(saved, np.array([1.0, 2.0]))
    array([1., 2.])
    """
    if isinstance(inputs, Graph):
        graph = Graph(inputs.input, inputs.output if output is None else output, inputs.names)
    else:
        graph = Graph(inputs, output)
    for node, text in caller_names().items():
        graph.names.setdefault(node, text)
    by, wrt_tree = flatten_nodes(graph.input if wrt is None else wrt, "wrt")
    places = {node: i for i, node in enumerate(graph.inputs)}
    cotangents = _cotangents(graph)
    gradients = vjp(graph.outputs, by, cotangents)
    options = Options.of(strictness, without)
    # With the seed out of the products, forward would compute gradients that nobody may ask for.
    joint_options = Options(options.strictness, options.without | {"scale_of_operand"})
    prepared = prepare([*graph.outputs, *gradients], joint_options)
    joint = Graph([*graph.inputs, *cotangents], [*graph.outputs, *gradients], graph.names)
    names = wishes(joint, prepared.image)
    compiled = _compile(
        options, graph, prepared, cotangents, names, wrt_tree, [places.get(node, -1) for node in by]
    )
    compiled.explanation.graph = joint
    return ForwardBackward(compiled)


def _cotangents(graph: Graph) -> list[Node]:
    result: list[Node] = []
    for place, node in enumerate(graph.outputs):
        name = graph.name(node)
        many = len(graph.outputs) > 1
        text = f"d_{name}" if name else (f"cotangent_{place}" if many else "cotangent")
        result.append(placeholder(text, node.shape, node.dtype))
    return result


def _compile(
    options: Options,
    graph: Graph,
    prepared: Prepared,
    cotangents: list[Node],
    names: dict[Node, str],
    wrt_tree: Tree,
    places: list[int],
) -> CompiledPair:
    count = len(graph.outputs)
    values, gradients = prepared.outputs[:count], prepared.outputs[count:]
    saved = choose_residuals(gradients, cotangents, values)
    parts = ModuleParts(options.strictness, options.without)
    parts.locations |= user_locations(graph)
    parts.names.fresh("forward")
    parts.names.fresh("backward")
    scalar = count == 1 and cotangents[0].shape == ()
    plan = make_plan(graph.inputs, [*values, *saved], names.__contains__, kept=len(saved))
    draft = emit_function(parts, "forward", plan, names, kept=len(saved))
    back = emit_backward(
        parts,
        "backward",
        make_plan([*saved, *cotangents], gradients, names.__contains__),
        names,
        # A value has one name in both functions.
        saved=[
            text if text.isidentifier() else names.get(node, node.op.name)
            for node, text in zip(saved, draft.kept, strict=True)
        ],
        defaults={cotangents[0]: "1.0"} if scalar else {},
    )
    fore = emit_function(
        parts, "forward", plan, names, kept=len(saved), saved_sizes=back.saved_sizes
    )
    emitted = emit_module(parts, [fore, back], describe(parts, [fore, back]))
    return CompiledPair(
        source=emitted.source,
        arguments=[Argument(n.op.label, n.type) for n in graph.inputs],
        cotangents=[Argument(n.op.label, n.type) for n in cotangents],
        input_tree=graph.input_tree,
        output_tree=graph.output_tree,
        wrt_tree=wrt_tree,
        wrt=places,
        signatures=[fore.signature, back.signature],
        saved=[(text, n.type) for n, text in zip(saved, fore.kept, strict=True)],
        saved_sizes=back.saved_sizes,
        requirements=requirements([*graph.nodes, *topological(prepared.outputs)]),
        extra=emitted.extra,
        explanation=Explanation(
            before=len(graph.nodes),
            after=len(plan.steps),
            firings=prepared.firings + parts.firings,
            source=emitted.source,
            results=prepared.outputs,
            origins=parts.origins,
        ),
    )


class ForwardBackward:
    """Two functions and what goes from one to the other; made by `forward_backward`.

    ``saved`` holds references, to arguments as well: do not change those between the calls.

    Attributes
    ----------
    source : str
        The module that runs: plain NumPy.
    saved : list of (str, TensorType)
        What forward keeps for backward.
    """

    def __init__(self, compiled: CompiledPair) -> None:
        self._compiled = compiled
        functions = load_source(compiled.source, compiled.extra)
        self._forward, self._backward = functions["forward"], functions["backward"]
        self._collect = ArgumentCollector("forward", compiled.arguments, compiled.input_tree)
        self._check = ArgumentChecker(compiled.arguments, compiled.requirements)
        self._check_cotangents = ArgumentChecker(compiled.cotangents, [])
        self._sizes = self._size_readers()

    def _size_readers(self) -> dict[str, Callable[[Any], int]]:
        """How to read the symbolic sizes off what forward saved."""
        readers: dict[str, Callable[[Any], int]] = {}
        for place, (_, kind) in enumerate(self._compiled.saved):
            for axis, dim in enumerate(kind.shape):
                if not isinstance(dim, int) and dim.names == {str(dim)}:
                    readers.setdefault(
                        str(dim), lambda saved, i=place, axis=axis: saved[i].shape[axis]
                    )
        for place, name in enumerate(self._compiled.saved_sizes, len(self._compiled.saved)):
            readers[name] = lambda saved, i=place: saved[i]
        return readers

    @property
    def source(self) -> str:
        """The text of the module."""
        return self._compiled.source

    @property
    def saved(self) -> list[tuple[str, TensorType]]:
        """Names and types of what is kept."""
        return self._compiled.saved

    def explain(self) -> Explanation:
        """The rewrites that fired."""
        return self._compiled.explanation

    def forward(self, *args: Any, **keywords: Any) -> tuple[Any, Any]:
        """The value, and what backward needs.

        Raises
        ------
        InputError
            If an argument is not as declared.
        """
        *values, saved = self._forward(*self._check(self._collect(args, keywords)))
        return unflatten(self._compiled.output_tree, values), saved

    def backward(self, saved: Any, cotangent: Any = None) -> Any:
        """Cotangents of the variables.

        Parameters
        ----------
        saved : tuple
            From `forward`.
        cotangent : tree of array_like, optional
            In the form of the output; 1.0 by default for a scalar.

        Raises
        ------
        InputError
            If the cotangent has not the output's shape, or is missing, or `saved` is not what
            forward returned.
        """
        count = len(self._compiled.saved) + len(self._compiled.saved_sizes)
        if not isinstance(saved, tuple) or len(cast("tuple[Any, ...]", saved)) != count:
            raise InputError(
                "saved is not what forward returned",
                expected=f"a tuple of {count}",
                got=type(cast("Any", saved)).__name__,
                hint="value, saved = pair.forward(...); pair.backward(saved)",
            )
        declared = self._compiled.cotangents
        if cotangent is None:
            if len(declared) != 1 or declared[0].type.shape != ():
                raise InputError(
                    "a cotangent is needed: the output is not a scalar",
                    expected=", ".join(a.describe() for a in declared),
                    got="nothing",
                )
            cotangent = 1.0
        leaves, found = flatten_like(cotangent, self._compiled.output_tree)
        if leaves is None:
            raise InputError(
                "the cotangent has not the form of the output",
                expected=describe_tree(self._compiled.output_tree),
                got=found,
            )
        sizes = {name: (int(read(saved)), "forward") for name, read in self._sizes.items()}
        gradients = self._backward(saved, *self._check_cotangents(leaves, sizes))
        single = len(self._compiled.wrt) == 1
        return unflatten(self._compiled.wrt_tree, (gradients,) if single else gradients)

    @public
    def export(self, path: str | os.PathLike[str], *, force: bool = True) -> str:
        """Write a standalone module with ``forward`` and ``backward`` and its own check."""
        return write_module(path, self.module(), force)

    def module(self) -> str:
        """The text that `export` writes."""
        compiled = self._compiled
        several = "*" if len(compiled.wrt) > 1 else ""
        count = len(compiled.arguments)
        constants = [f"$arguments[{count + i}]" for i in range(len(self._backward_constants()))]
        kept = "".join([f", {constant}" for constant in constants])
        lines = [
            "def $_results(*$arguments):",
            "    *$values, saved = forward(*$arguments)",
            f"    $gradients = backward(saved{kept}, *[np.ones_like(v) for v in $values])",
            f"    return [sum([np.sum(v) for v in $values]), {several}$gradients]",
        ]
        real = all(cotangent.type.dtype.kind == "f" for cotangent in compiled.cotangents)
        compared = real and not compiled.extra
        plan = CheckPlan(
            [*compiled.signatures[0].arguments, *constant_arguments(compiled.extra)],
            "$_results($arguments)",
            [(i, 1 + k, 0) for k, i in enumerate(compiled.wrt) if i >= 0 and compared],
            "$_results($arguments)",
            "\n".join(lines),
        )

        def run(*args: Any) -> Any:
            *values, _ = self._forward(*args)
            return tuple(values)

        tail = self_check(plan, compiled.source, run, compiled.requirements)
        return f"{compiled.source}\n\n{tail}\n"

    def _backward_constants(self) -> list[str]:
        """The constant arrays that ``backward`` takes."""
        shown = self._compiled.signatures[1].shown
        return [name for name in self._compiled.extra if name in shown]

    def __repr__(self) -> str:
        kept = ", ".join(f"{name}: {kind}" for name, kind in self.saved)
        return f"<ForwardBackward, saves ({kept})>"

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        return apply_view("card", self)

    def __reduce__(self) -> tuple[object, ...]:
        return (ForwardBackward, (self._compiled,))
