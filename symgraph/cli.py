"""The command ``symgraph``: demo, export, show, check."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from symgraph import __version__
from symgraph.compile import Function, compile_graph
from symgraph.demo import run_demo
from symgraph.differentiate import grad
from symgraph.errors import SymgraphError
from symgraph.exported import run_check, write_text
from symgraph.graph.graph import Graph
from symgraph.graph.side import NAMES
from symgraph.pair import ForwardBackward, forward_backward
from symgraph.pipeline import Options
from symgraph.sentence import CommandError, printable, sentence
from symgraph.target import Model, Target, load, parse_spec, parse_target, read_model

__all__ = ["main"]

STANDARD_OUTPUT = "-"
CLOSED_PIPE = 141
"""What a shell reports of a program that ended because nobody reads its output."""
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        By default what the process was started with.

    Returns
    -------
    int
        The exit code: 0, or 1 with one sentence on standard error. A mistake in the usage exits
        with 2.
    """
    # Python has no standard output at all where the descriptor was closed before it started.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - to the end
    parser = _parser()
    arguments = parser.parse_args(argv)
    if getattr(arguments, "pair", False) and not arguments.wrt:
        parser.error("--pair needs --wrt")
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return CLOSED_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except UnicodeEncodeError as error:
        text = f"standard output is in {error.encoding}, which cannot show it all: set PYTHONUTF8=1"
        return _fail(CommandError(text), arguments)
    except (CommandError, SymgraphError, OSError) as error:
        return _fail(error, arguments)
    return code


def _drop_output() -> None:
    """Write what is still in the buffer nowhere: the interpreter must not try again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(error: Exception, arguments: argparse.Namespace) -> int:
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()
    target: Target | None = getattr(arguments, "target", None)
    model = None if target is None or isinstance(error, OSError) else target.path
    print(f"symgraph {arguments.command}: {sentence(error, model)}", file=sys.stderr)
    return 1


# The commands ------------------------------------------------------------------------------------


def _demo(arguments: argparse.Namespace) -> int:
    run_demo(Path.cwd(), force=arguments.force)
    return 0


def _export(arguments: argparse.Namespace) -> int:
    target: Target = arguments.target
    text = _module_text(target, arguments)
    if arguments.output == STANDARD_OUTPUT:
        sys.stdout.write(text)
        return 0
    path = Path(arguments.output)
    _write(path, text, target, arguments)
    again = shlex.quote(str(path))
    print(f"wrote {path}; symgraph check {again} compares its gradients with differences")
    return 0


def _module_text(target: Target, arguments: argparse.Namespace) -> str:
    value = load(target)
    if isinstance(value, Function | ForwardBackward) and not (arguments.wrt or arguments.spec):
        return value.module()
    model = read_model(value, target, dict(arguments.spec))
    if arguments.pair:
        graph = model.graph
        wrt = model.pick(arguments.wrt)
        for node, name in graph.names.items():
            NAMES.setdefault(node, name)  # what is compiled is another graph, of the same nodes
        return forward_backward(graph.input, graph.output, wrt).module()
    name = arguments.name or (f"{target.name}_and_grad" if arguments.wrt else None)
    return compile_graph(
        _with_gradients(model, arguments.wrt), name=name, options=Options()
    ).module()


def _with_gradients(model: Model, wrt: Sequence[str]) -> Graph:
    """The graph whose outputs are the value and its gradients by what is named."""
    graph = model.graph
    if not wrt:
        return graph
    if len(graph.outputs) != 1:
        raise CommandError(f"--wrt needs one output to differentiate, not {len(graph.outputs)}")
    (value,) = graph.outputs
    return Graph(graph.input, [value, *grad(value, model.pick(wrt))], graph.names)


def _show(arguments: argparse.Namespace) -> int:
    target: Target = arguments.target
    model = read_model(load(target), target, dict(arguments.spec))
    graph = _with_gradients(model, arguments.wrt)
    wanted = [(view, getattr(arguments, name)) for name, view in _VIEWS.items()]
    wanted = [(view, place) for view, place in wanted if place is not None]
    if not wanted:
        print(printable(str(graph)))
    for view, place in wanted:
        text = f"{view(graph).rstrip()}\n"
        if place == STANDARD_OUTPUT:
            sys.stdout.write(text)
        else:
            _write(Path(place), text, target, arguments)
            print(f"wrote {place}")
    return 0


_VIEWS: dict[str, Callable[[Graph], str]] = {
    "svg": Graph.to_svg,
    "dot": Graph.to_dot,
    "mermaid": Graph.to_mermaid,
    "latex": Graph.to_latex,
}


def _check(arguments: argparse.Namespace) -> int:
    verdict = run_check(arguments.file)
    print(verdict.text)
    return 0 if verdict.passed else 1


def _write(path: Path, text: str, target: Target, arguments: argparse.Namespace) -> None:
    if path.exists() and path.samefile(target.path):
        raise CommandError(f"{path} is the model itself: it would be lost")
    write_text(path, text, force=arguments.force)


# The arguments -----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="symgraph",
        description="Symbolic graphs of NumPy expressions, and their gradients as NumPy source.",
    )
    parser.add_argument("--version", action="version", version=f"symgraph {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo", help="train a network on handwritten digits, and write digits_grad.py here"
    )
    demo.add_argument("--force", action="store_true", help="replace another's digits_grad.py")
    demo.set_defaults(run=_demo)
    _add_export(commands)
    _add_show(commands)
    check = commands.add_parser(
        "check", help="compare an exported file's gradients with differences"
    )
    check.add_argument("file", type=Path, metavar="FILE.py", help="what symgraph export wrote")
    check.set_defaults(run=_check)
    return parser


def _usage(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """A parser whose errors argparse shows."""

    def convert(text: str) -> Any:
        try:
            return parse(text)
        except SymgraphError as error:
            raise argparse.ArgumentTypeError(sentence(error)) from None
        except (ValueError, TypeError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def _path(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("expected the name of a file, or -, got ''")
    return text


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(f"expected names of placeholders: w,b, got {text!r}")
    return names


def _add_export(commands: Any) -> None:
    export = commands.add_parser("export", help="write a module of plain NumPy")
    _add_target(export)
    export.add_argument(
        "-o",
        "--output",
        type=_path,
        default=STANDARD_OUTPUT,
        metavar="FILE",
        help="by default, and for -, standard output",
    )
    export.add_argument(
        "--pair",
        action="store_true",
        help="two functions, forward and backward, instead of one; needs --wrt",
    )
    export.add_argument("--name", help="of the function; by default after the target")
    export.set_defaults(run=_export)


def _add_show(commands: Any) -> None:
    show = commands.add_parser("show", help="list a graph, or draw it")
    _add_target(show)
    for name, what in {
        "svg": "a picture",
        "dot": "Graphviz's language",
        "mermaid": "Mermaid's language",
        "latex": "the formulas",
    }.items():
        show.add_argument(
            f"--{name}",
            nargs="?",
            const=STANDARD_OUTPUT,
            metavar="FILE",
            help=f"{what}, to a file; to standard output without one, and for -",
        )
    show.set_defaults(run=_show)


def _add_target(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "target",
        type=_usage(parse_target),
        metavar="MODEL.py:NAME",
        help="a node, a graph, a compiled function or a plain function in a Python file, which "
        "is run",
    )
    command.add_argument(
        "--wrt",
        type=_names,
        default=[],
        action="extend",
        metavar="NAMES",
        help="placeholders to differentiate by: w,b",
    )
    command.add_argument(
        "--spec",
        type=_usage(parse_spec),
        default=[],
        action="append",
        metavar="X=DTYPE[SIZES]",
        help='an argument of a plain function: "x=float64[n,3]"; may be repeated',
    )
    command.add_argument("--force", action="store_true", help="replace a file that exists")
