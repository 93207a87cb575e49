"""Functions: a graph compiled to NumPy source that runs, checks its arguments, and travels."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from symgraph.calling import Argument, ArgumentChecker, ArgumentCollector
from symgraph.check import CheckReport, GradientEntry, check_function, gradient_entries
from symgraph.emit.document import CheckPlan, describe_module, self_check
from symgraph.emit.function import ModuleParts
from symgraph.emit.module import (
    Emitted,
    FunctionText,
    Signature,
    emit_function,
    emit_module,
    large_constants,
)
from symgraph.emit.names import safe_name
from symgraph.errors import PACKAGE_FOLDER, InputError, Location
from symgraph.explanation import Explanation
from symgraph.flat import FlatFunction
from symgraph.graph.collect import without_collection
from symgraph.graph.graph import Graph
from symgraph.graph.leaves import Placeholder
from symgraph.graph.node import Node, apply_view, as_node, topological
from symgraph.graph.refusal import public
from symgraph.graph.side import ORIGINS
from symgraph.graph.sizes import Dim
from symgraph.graph.tree import Tree, flatten, unflatten
from symgraph.graph.types import TensorType, TupleType
from symgraph.loading import constant_arguments, load_source, write_module
from symgraph.pipeline import Options, Prepared, Strictness, prepare, wishes
from symgraph.plan.plan import is_leaf, make_plan
from symgraph.plan.updates import plan_updates

__all__ = ["Function", "GradientEntry", "caller_names", "function"]


@dataclass
class Compiled:
    """Everything a `Function` needs, so that it can be sent elsewhere and made again.

    Attributes
    ----------
    name : str
        Of the function in the source.
    source : str
        The module's text.
    graph : Graph or None
        The user's graph; ``None`` where it could not be sent.
    arguments : list of Argument
    input_tree, output_tree : Tree
    results : list of TensorType
    requirements : list of Dim
    extra : dict
        Constant arrays that are too large for text.
    gradients : list of GradientEntry
    explanation : Explanation
    options : Options
    """

    name: str
    source: str
    graph: Graph | None
    arguments: list[Argument]
    input_tree: Tree
    output_tree: Tree
    results: list[TensorType]
    signatures: list[Signature]
    requirements: list[Dim] = field(default_factory=list[Dim])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    gradients: list[GradientEntry] = field(default_factory=list[GradientEntry])
    explanation: Explanation = field(default_factory=Explanation)
    options: Options = field(default_factory=Options)
    updated: list[int] = field(default_factory=list[int])
    """Positions of the arguments that a call changes."""


def caller_names(graph_inputs: Sequence[Node] = ()) -> dict[Node, str]:
    """The variables of the user's frame that are bound to nodes."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE_FOLDER):
        frame = frame.f_back
    names: dict[Node, str] = {}
    if frame is None:
        return names
    for name, value in list(frame.f_locals.items()):
        if isinstance(value, Node) and not name.startswith("_"):
            names.setdefault(value, name)
    return names


@public
def function(
    inputs: Any,
    outputs: Any = None,
    *,
    name: str | None = None,
    strictness: Strictness = "accurate",
    updates: Mapping[Node, Node] | None = None,
    without: Collection[str] = (),
) -> Function:
    """Compile nodes to a function of arrays.

    Parameters
    ----------
    inputs : tree of placeholder
        The arguments, in order; or a dict whose keys name them; or a whole `Graph`.
    outputs : tree of Node
        The results come back in this form. Not needed with a graph.
    name : str, optional
        Of the function in the source; by default after its outputs.
    strictness : {"accurate", "bitwise", "real"}
        Which rewrites may be used: those that keep every bit, those that also make values more
        accurate, or those that drop conditions (``x / x = 1``) as well.
    updates : mapping, optional
        From inputs to new values, which a call writes into the arrays that it was given, after
        all else is computed: a whole step of training is one function. This is the one exception
        from the rule that a function leaves its arguments alone; such an argument must be a
        writable array of exactly the declared dtype, and share memory with no other.
    without : collection of str, optional
        Names of rules that are not used, as `explain` shows them.

    Returns
    -------
    Function

    Raises
    ------
    InputError
        If an input is not a placeholder, or one that the outputs need is missing; if what is
        updated is no input, or its new value has another shape or dtype; if there is no such rule.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", "n")
    >>> loss = np.sum(x**2)
    >>> f = sg.function([x], [loss, sg.grad(loss, x)])
    >>> f(np.array([1.0, 2.0]))
    [np.float64(5.0), array([2., 4.])]
    >>> step = sg.function([x], loss, updates={x: x - 0.5 * sg.grad(loss, x)})
    >>> start = np.array([1.0, 2.0])
    >>> step(start), start
    (np.float64(5.0), array([0., 0.]))
    """
    if isinstance(inputs, Graph):
        graph = Graph(inputs.input, inputs.output if outputs is None else outputs, inputs.names)
    else:
        graph = Graph(inputs, [] if outputs is None and updates else outputs)
    for node, text in caller_names().items():
        graph.names.setdefault(node, text)
    return compile_graph(graph, name=name, options=Options.of(strictness, without), updates=updates)


@without_collection
def compile_graph(
    graph: Graph,
    *,
    name: str | None,
    options: Options,
    updates: Mapping[Node, Node] | None = None,
) -> Function:
    """Compile a graph."""
    updates = checked_updates(graph, updates)
    for place, node in enumerate(graph.outputs):
        if isinstance(node.result_type, TupleType):
            raise InputError(f"output {place} has several results; take one of them")
    if name is not None and not issubclass(type(name), str):
        raise InputError("the name of a function must be a text", expected="str", got=repr(name))
    gradients = gradient_entries(graph)
    parts = ModuleParts(options.strictness, options.without)
    title = parts.names.fresh(safe_name(name) if name else default_name(graph, gradients))
    text, prepared = emit_graph(parts, graph, title, options, updates)
    emitted = emit_module(parts, [text], describe(parts, [text]))
    order = topological(prepared.outputs)
    compiled = Compiled(
        name=title,
        source=emitted.source,
        graph=graph,
        arguments=[Argument(n.op.label, n.type) for n in graph.inputs],
        input_tree=graph.input_tree,
        output_tree=graph.output_tree,
        results=[node.type for node in graph.outputs],
        signatures=emitted.signatures,
        requirements=requirements([*graph.nodes, *order]),
        extra=emitted.extra,
        gradients=gradients,
        explanation=explain(graph, prepared, len(order), emitted, parts),
        options=options,
        updated=[i for i, node in enumerate(graph.inputs) if node in updates],
    )
    return Function(compiled)


def checked_updates(graph: Graph, updates: Mapping[Node, Node] | None) -> dict[Node, Node]:
    """New values of inputs, as nodes.

    Raises
    ------
    InputError
        If a key is no input, or a value has not its type.
    """
    found: dict[Node, Node] = {}
    known = set(graph.inputs)
    for target, value in (updates or {}).items():
        if not isinstance(target, Node) or target not in known:
            raise InputError(
                "updates: only inputs can be updated", expected="an input", got=repr(target)
            )
        new = as_node(value)
        if new.result_type != target.result_type:
            raise InputError(
                f"updates: the new value of {target.op.label} has another type",
                expected=repr(target.type),
                got=repr(new.result_type),
                hint="new.astype(w.dtype), or np.broadcast_to(new, w.shape)",
            )
        found[target] = new
    Graph(graph.inputs, list(found.values()))  # all that they need must be given
    return found


def emit_graph(
    parts: ModuleParts,
    graph: Graph,
    title: str,
    options: Options,
    updates: Mapping[Node, Node] | None = None,
) -> tuple[FunctionText, Prepared]:
    """Run the passes over a graph and write its function."""
    targets = list(updates or {})
    if updates:
        graph = Graph(graph.inputs, [*graph.outputs, *updates.values()], graph.names)
    prepared = prepare(graph.outputs, options)
    names = wishes(graph, prepared.image)
    parts.locations |= user_locations(graph)
    own = len(prepared.outputs) - len(targets)
    outputs, new = prepared.outputs[:own], prepared.outputs[own:]
    changes = plan_updates(targets, new, outputs)
    for change in changes:
        if change.place is None and not is_leaf(change.node):
            names.setdefault(change.node, f"new_{change.target.op.label}")
    needed = [*outputs, *[change.value for change in changes]]
    plan = make_plan(graph.inputs, needed, names.__contains__, last=len(changes))
    return emit_function(parts, title, plan, names, updates=changes), prepared


def user_locations(graph: Graph) -> set[Location]:
    """The lines on which the user wrote a graph."""
    origins = [ORIGINS.get(node) for node in graph.nodes]
    return {o.location for o in origins if o is not None and not o.gradient}


def describe(parts: ModuleParts, texts: Sequence[FunctionText]) -> list[str]:
    """The docstring of a module."""
    large = list(large_constants(parts).values())
    return describe_module([text.signature for text in texts], parts.imports, large)


def explain(
    graph: Graph, prepared: Prepared, after: int, emitted: Emitted, parts: ModuleParts
) -> Explanation:
    """What happened to a graph on its way to source."""
    return Explanation(
        before=len(graph.nodes),
        after=after,
        firings=prepared.firings + parts.firings,
        source=emitted.source,
        graph=graph,
        results=prepared.outputs,
        origins=parts.origins,
    )


def requirements(nodes: Sequence[Node]) -> list[Dim]:
    """Symbolic sizes that a call must not make negative."""
    found: dict[Dim, None] = {}
    for node in nodes:
        if isinstance(node.op, Placeholder):
            dims: Sequence[Dim] = node.shape
        else:
            dims = node.op.requirements(*[i.result_type for i in node.inputs])  # pyright: ignore[reportArgumentType]
            kind = node.result_type
            for item in kind.items if isinstance(kind, TupleType) else (kind,):
                dims = (*dims, *item.shape)
        for dim in dims:
            if not isinstance(dim, int) and any(c < 0 for _, c in dim.terms):
                found[dim] = None
    return list(found)


def default_name(graph: Graph, gradients: Sequence[GradientEntry]) -> str:
    """A name after what is computed: ``loss_and_grad``."""
    first = graph.outputs[0] if graph.outputs else None
    label = graph.name(first) if first is not None else None
    if label and gradients and any(entry.value == 0 for entry in gradients):
        return safe_name(f"{label}_and_grad")
    if label and not gradients:
        return safe_name(f"compute_{label}")
    return "gradient" if gradients and len(gradients) == len(graph.outputs) else "compute"


class Function:
    """A compiled function.

    Called with arrays, by position or by name, it checks dtype, rank and sizes of each before it
    computes. What it returns is the caller's own: no result shares memory with an argument or
    with another result. It may be called from many threads; it pickles by its source.

    Attributes
    ----------
    source : str
        The module that runs: plain NumPy.
    graph : Graph
        What was compiled.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._function = load_source(compiled.source, compiled.extra)[compiled.name]
        self.__wrapped__ = self._function
        self.__name__ = compiled.name
        self.__doc__ = f"Compiled by symgraph: see {compiled.name}.source."
        self._check = ArgumentChecker(compiled.arguments, compiled.requirements)
        self._collect = ArgumentCollector(compiled.name, compiled.arguments, compiled.input_tree)
        form = compiled.input_tree
        self._flat = bool(form.children) and all(child.kind is None for child in form.children)
        output = compiled.output_tree
        self._plain = output.kind is list and all(child.kind is None for child in output.children)
        self._types = [(t.dtype.type, t.ndim) for t in compiled.results]
        self._tree = compiled.output_tree
        self._count = len(compiled.arguments)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Check the arguments and compute.

        Raises
        ------
        InputError
            If an argument is missing, unknown, or not as declared. Nothing is computed then.
        """
        if keywords or not self._flat or len(args) != self._count:
            args = tuple(self._collect(args, keywords))
        values = self._check(args)
        for place in self._compiled.updated:
            values[place] = self._own(args[place], place)
        return self._finish(self._function(*values))

    def _own(self, value: Any, place: int) -> Any:
        """An argument that will be changed: the caller's array itself."""
        argument = self._compiled.arguments[place]
        if type(value) is not np.ndarray:
            came = type(value).__name__
        elif value.dtype != argument.type.dtype:
            came = value.dtype.name
        elif not value.flags.writeable:
            came = "a read-only array"
        else:
            return value
        raise InputError(
            f"argument {argument.name} is changed in place",
            expected=f"a writable array: {argument.describe()}",
            got=came,
            hint="np.array(value, dtype) makes one",
        )

    def trusted(self, *args: Any) -> Any:
        """Compute without checks: arrays of exactly the declared dtypes and shapes, flat."""
        return self._finish(self._function(*args))

    def trusted_flat(self, *args: Any) -> list[Any]:
        """Results as a flat list, without checks."""
        return flatten(self.trusted(*args))[0]

    def _finish(self, results: Any) -> Any:
        types = self._types
        if not types:
            return unflatten(self._tree, [])
        if len(types) == 1:
            results = (results,)
        values = [
            result if ndim else (result if type(result) is kind else _scalar(result, kind))
            for result, (kind, ndim) in zip(results, types, strict=True)
        ]
        form = self._tree
        if form.kind is None:
            return values[0]
        if self._plain:
            return values
        return unflatten(form, values)

    # Looking ------------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The text of the module that runs."""
        return self._compiled.source

    @property
    def graph(self) -> Graph:
        """The graph that was compiled, as the user wrote it."""
        if self._compiled.graph is None:
            raise InputError("this function was loaded without its graph")
        return self._compiled.graph

    @property
    def gradients(self) -> list[GradientEntry]:
        """Which outputs are gradients, and of what."""
        return self._compiled.gradients

    @property
    def compiled(self) -> Compiled:
        """What the function was made from."""
        return self._compiled

    def explain(self) -> Explanation:
        """The rewrites that fired, each with its law, before and after."""
        return self._compiled.explanation

    def __repr__(self) -> str:
        arguments = ", ".join(f"{a.name}: {a.type}" for a in self._compiled.arguments)
        return f"<Function {self.__name__}({arguments})>"

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        return apply_view("card", self)

    @public
    def export(self, path: str | os.PathLike[str], *, force: bool = True) -> str:
        """Write a standalone module that needs NumPy only.

        ``python <path> --check`` compares its gradients with differences.

        Parameters
        ----------
        path : str or path-like
        force : bool, optional
            Whether an existing file is replaced.

        Returns
        -------
        str
            The path.

        Raises
        ------
        InputError
            If the file exists and `force` is false.
        """
        return write_module(path, self.module(), force)

    def module(self) -> str:
        """The text that `export` writes: the source and its own check."""
        compiled = self._compiled
        values = list(dict.fromkeys([entry.of for entry in compiled.gradients]))
        if any(entry.value is None for entry in compiled.gradients):
            source, call = self._source_with_values(values)
        else:
            source, call = compiled.source, ""
        results = f"{compiled.name}($arguments)"
        single = len(compiled.results) == 1
        plan = CheckPlan(
            [*compiled.signatures[0].arguments, *constant_arguments(compiled.extra)],
            f"[{results}]" if single else results,
            [
                (entry.input, entry.output, values.index(entry.of) if call else entry.value or 0)
                for entry in compiled.gradients
                # Stand-ins for constants that belong together prove nothing, and a function that
                # changes its arguments cannot be called twice at one point.
                if not (compiled.extra or compiled.updated)
            ],
            call or (f"[{results}]" if single else results),
        )
        tail = self_check(plan, source, self._function, compiled.requirements)
        return f"{source}\n\n{tail}\n"

    def _source_with_values(self, values: Sequence[Node]) -> tuple[str, str]:
        """The module with a function for the values, which the gradients are compared with."""
        compiled, graph = self._compiled, self.graph
        parts = ModuleParts(compiled.options.strictness, compiled.options.without)
        parts.names.fresh(compiled.name)
        name = parts.names.fresh("_value")
        texts = [
            emit_graph(parts, graph, compiled.name, compiled.options)[0],
            emit_graph(parts, Graph(graph.inputs, values), name, compiled.options)[0],
        ]
        emitted = emit_module(parts, texts, describe(parts, texts[:1]))
        call = f"{name}($arguments)"
        return emitted.source, f"[{call}]" if len(values) == 1 else call

    @public
    def check(self, *args: Any, **keywords: Any) -> CheckReport:
        """Compare every gradient with numerical ones of the graph as it was written.

        See `symgraph.check_gradients`.

        Parameters
        ----------
        *args, **keywords
            A point, as for a call.

        Returns
        -------
        CheckReport
            Prints as a table; ``report.ok`` is the verdict.
        """
        return check_function(
            self.graph,
            self.gradients,
            self._check(self._collect(args, keywords)),
            self._on_copies if self._compiled.updated else self.trusted_flat,
        )

    def _on_copies(self, *args: Any) -> list[Any]:
        """Results without a change of the arguments."""
        return self.trusted_flat(*[np.array(arg) for arg in args])

    @public
    def flat(self, example: Any, **fixed: Any) -> FlatFunction:
        """The same function of one flat float64 vector, for `scipy.optimize.minimize`.

        Parameters
        ----------
        example : tree
            Values of the arguments that vary: a dict by name, or a list of all of them.
        **fixed
            The other arguments.

        Returns
        -------
        FlatFunction
            Call it with a vector; ``x0`` is the example as one, ``tree(vector)`` the way back.

        Examples
        --------
        >>> import symgraph as sg
        >>> x = sg.placeholder("x", 2)
        >>> loss = np.sum((x - 1.0) ** 2)
        >>> f = sg.function([x], [loss, sg.grad(loss, x)]).flat([np.zeros(2)])
        >>> f(f.x0)
        (2.0, array([-2., -2.]))
        """
        compiled = self._compiled
        gradients = {entry.input: entry.output for entry in self.gradients}
        return FlatFunction(
            self,
            compiled.arguments,
            compiled.input_tree,
            gradients if len(compiled.results) > 1 else None,
            example,
            fixed,
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (Function, (self._compiled,))


def _scalar(value: Any, kind: type) -> Any:
    return kind(value[()] if isinstance(value, np.ndarray) else value)
