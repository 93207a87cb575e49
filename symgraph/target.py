"""What ``model.py:loss`` names: a node, a graph, a compiled function, or a plain function."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from symgraph.compile import Function
from symgraph.graph.graph import Graph
from symgraph.graph.leaves import Placeholder
from symgraph.graph.node import Node, topological
from symgraph.graph.tree import flatten
from symgraph.graph.types import TensorType
from symgraph.pair import ForwardBackward
from symgraph.pipeline import assigned_names
from symgraph.sentence import CommandError, sentence
from symgraph.trace import trace

__all__ = ["Model", "Target", "load", "parse_spec", "parse_target", "read_model"]

MODULE = "_symgraph_model"


@dataclass(frozen=True, slots=True)
class Target:
    """A file and a name in it."""

    path: Path
    name: str

    def __str__(self) -> str:
        return f"{self.path}:{self.name}"


@dataclass(frozen=True, slots=True)
class Model:
    """A graph and the names by which its inputs may be asked for.

    Attributes
    ----------
    graph : Graph
    arguments : dict
        Placeholders by name; an argument that is a tree names all of its leaves.
    """

    graph: Graph
    arguments: dict[str, list[Node]]

    def pick(self, names: Sequence[str]) -> list[Node]:
        """The placeholders of these names.

        Raises
        ------
        CommandError
            If there is none, or several, of a name.
        """
        picked: dict[Node, None] = {}
        for name in names:
            found = self.arguments.get(name)
            if found is None:
                known = ", ".join(self.arguments) or "no placeholders"
                raise CommandError(f"--wrt: there is no {name!r}; the graph has {known}")
            if len(found) > 1 and len({node.op.label for node in found}) < len(found):
                raise CommandError(f"--wrt: {len(found)} placeholders are named {name!r}")
            picked.update(dict.fromkeys(found))
        return list(picked)


def parse_target(text: str) -> Target:
    """A target from ``model.py:loss``.

    Raises
    ------
    ValueError
        If it does not have that form.

    Examples
    --------
    >>> parse_target("models/linear.py:loss").name
    'loss'
    """
    path, _, name = text.rpartition(":")
    if not path or not name.isidentifier():
        raise ValueError(f"expected FILE.py:NAME, got {text!r}")
    return Target(Path(path), name)


def parse_spec(text: str) -> tuple[str, TensorType]:
    """A name and a type from ``x=float64[n,3]``; float64 where no dtype is given.

    Raises
    ------
    ValueError, TypeError
        If it does not have that form.

    Examples
    --------
    >>> parse_spec("x=float32[n, m]"), parse_spec("rate=float64"), parse_spec("w=[3]")
    (('x', float32[n, m]), ('rate', float64[]), ('w', float64[3]))
    """
    name, equals, kind = text.partition("=")
    dtype, bracket, sizes = kind.strip().partition("[")
    if not equals or not name.strip().isidentifier() or (bracket and not sizes.endswith("]")):
        raise ValueError(f"expected NAME=DTYPE[SIZES], such as x=float64[n,3]; got {text!r}")
    shape = [size.strip() for size in sizes.removesuffix("]").split(",")]
    if shape[-1] == "":
        shape.pop()  # nothing between the brackets, or a comma at the end as in (3,)
    return name.strip(), TensorType.of(
        tuple(int(size) if size.isdecimal() else size for size in shape),
        dtype.strip() or "float64",
    )


# Loading -----------------------------------------------------------------------------------------


def load(target: Target) -> Any:
    """The value that a target names.

    Raises
    ------
    CommandError
        If the file cannot be run, or has no such name.
    """
    module = _run_file(target.path)
    try:
        return getattr(module, target.name)
    except AttributeError:
        names = [name for name, value in vars(module).items() if _is_usable(name, value)]
        raise CommandError(
            f"{target.path} has no {target.name!r}; it has {', '.join(names) or 'nothing to use'}"
        ) from None


def _is_usable(name: str, value: object) -> bool:
    return not name.startswith("_") and (
        isinstance(value, Node | Graph | Function)
        or (inspect.isfunction(value) and value.__module__ == MODULE)
    )


def _run_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise CommandError(f"{path} {'is not a file' if path.exists() else 'does not exist'}")
    module = ModuleType(MODULE)
    module.__file__ = str(path.resolve())
    sys.modules[MODULE] = module
    # As `python model.py` does, so that the model can import what lies beside it.
    sys.path.insert(0, str(path.resolve().parent))
    with users_code(path):
        # Not by a loader: that would leave a __pycache__ beside the user's file.
        code = compile(path.read_bytes(), module.__file__, "exec", dont_inherit=True)
        exec(code, vars(module))
    return module


@contextmanager
def users_code(path: Path) -> Generator[None]:
    """Run what the user wrote: its errors become one sentence, its prints go to standard error."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except SystemExit as error:
        raise CommandError(f"{path} ended with sys.exit({error.code!r}) when it was run") from None
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises is theirs to read
        raise CommandError(sentence(error, path)) from None


# Graphs ------------------------------------------------------------------------------------------


def read_model(value: Any, target: Target, specs: Mapping[str, TensorType]) -> Model:
    """The graph of a loaded value.

    Parameters
    ----------
    value
        A node, a tree of nodes, a graph, a compiled function or a plain function.
    target : Target
        What named it.
    specs : mapping
        For the arguments of a plain function; they come before its defaults and annotations.

    Raises
    ------
    CommandError
        If the value is nothing of that kind, or an argument has no spec.
    """
    if isinstance(value, Function):
        value = value.graph
    if isinstance(value, ForwardBackward):
        raise CommandError(f"{target} is a compiled pair; name its output instead")
    if not isinstance(value, Node | Graph | list | tuple | dict) and callable(value):
        return _traced(value, target, specs)
    if specs:
        raise CommandError(f"--spec is for plain functions; {target} has its own placeholders")
    graph = value if isinstance(value, Graph) else _graph_of(value, target)
    by_name: dict[str, list[Node]] = {}
    for node in graph.inputs:
        by_name.setdefault(node.op.label, []).append(node)
    return Model(graph, by_name)


def _graph_of(value: Any, target: Target) -> Graph:
    leaves, _ = flatten(value)
    if not leaves or not all(isinstance(leaf, Node) for leaf in leaves):
        raise CommandError(
            f"{target} is of type {type(value).__name__}; "
            "expected a node, a graph, or a function of arrays"
        )
    found = [node for node in topological(leaves) if isinstance(node.op, Placeholder)]
    # In the order in which they were declared, which is the order the user thinks in.
    inputs = sorted(found, key=lambda node: cast("Placeholder", node.op).key)
    return _named(Graph(inputs, value), target)


def _traced(function: Callable[..., Any], target: Target, specs: Mapping[str, TensorType]) -> Model:
    declared = _declared(function, target, specs)
    parameters = list(_parameters(function))
    given: dict[str, Any] = {}
    positional: list[Any] = []
    for place, name in enumerate(parameters):
        if name in declared and place == len(positional):
            positional.append(declared[name])
        elif name in declared:
            given[name] = declared[name]
    with users_code(target.path):
        graph = trace(function, *positional, **given)
    order = [name for name in parameters if name in declared]
    by_name: dict[str, list[Node]] = {node.op.label: [node] for node in graph.inputs}
    for name, branch in zip(order, graph.input, strict=True):
        by_name[name] = flatten(branch)[0]
    return Model(_named(graph, target), by_name)


def _named(graph: Graph, target: Target) -> Graph:
    """The names of the lines that assign; a lone output is called what the user asked for."""
    graph.names.update(assigned_names(graph))
    if len(graph.outputs) == 1 and graph.outputs[0].inputs:
        graph.names[graph.outputs[0]] = target.name
    return graph


def _declared(
    function: Callable[..., Any], target: Target, specs: Mapping[str, TensorType]
) -> dict[str, Any]:
    """A spec for every argument that has one or needs one."""
    parameters = _parameters(function)
    unknown = [name for name in specs if name not in parameters]
    if unknown:
        raise CommandError(
            f"--spec: {target.name} has no argument {', '.join(unknown)}; "
            f"it has {', '.join(parameters) or 'none'}"
        )
    declared: dict[str, Any] = {}
    for name, parameter in parameters.items():
        places = (specs.get(name), parameter.default, *_annotated(parameter.annotation))
        spec = next((place for place in places if _is_spec(place)), None)
        if spec is not None:
            declared[name] = spec
        elif parameter.default is parameter.empty:
            raise CommandError(
                f"{target.name} does not say what its argument {name} is: give --spec "
                f'"{name}=float64[n,3]", or annotate it with sg.spec(shape)'
            )
    return declared


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        signature = inspect.signature(function, eval_str=True)
    except Exception:  # noqa: BLE001 - annotations as text may be anything, and may name anything
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            raise CommandError(f"{function!r} does not say what its arguments are") from None
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: p for name, p in signature.parameters.items() if p.kind not in several}


def _annotated(annotation: Any) -> Sequence[Any]:
    """The annotation, or what ``Annotated[NDArray, sg.spec(...)]`` carries."""
    if typing.get_origin(annotation) is typing.Annotated:
        return annotation.__metadata__
    return (annotation,)


def _is_spec(value: Any) -> bool:
    leaves, _ = flatten(value)
    return bool(leaves) and all(isinstance(leaf, TensorType) for leaf in leaves)
