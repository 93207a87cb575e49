"""The demonstration: a network for handwritten digits, from its formula to a trained model."""

from __future__ import annotations

import linecache
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgraph.compile import Function, compile_graph
from symgraph.data import Digits, load_digits, split_digits
from symgraph.differentiate import grad
from symgraph.exported import is_exported, run_check, write_text
from symgraph.graph.graph import Graph
from symgraph.graph.node import Node
from symgraph.pipeline import Options
from symgraph.sentence import CommandError

__all__ = ["MODEL", "run_demo"]

FILE = "digits_grad.py"
MODEL_FILE = "digits_model.py"
MODEL: str = """\
import numpy as np
import symgraph as sg

x = sg.placeholder("x", ("n", 64))
labels = sg.placeholder("labels", ("n",), dtype="int64")
w1 = sg.placeholder("w1", (64, 64))
b1 = sg.placeholder("b1", (64,))
w2 = sg.placeholder("w2", (64, 10))
b2 = sg.placeholder("b2", (10,))

hidden = np.tanh(x @ w1 + b1)
logits = hidden @ w2 + b2
log_p = sg.nn.log_softmax(logits, axis=1)
loss = -np.mean(np.take_along_axis(log_p, labels[:, None], axis=1))
"""
"""The network as a user writes it."""

WEIGHTS = ("w1", "b1", "w2", "b2")
EPOCHS, BATCH, RATE = 40, 64, 3e-3

Weights = dict[str, NDArray[np.float64]]


def run_demo(folder: Path, *, force: bool = False) -> float:
    """Define, differentiate, export, train, report; everything is printed.

    Parameters
    ----------
    folder : Path
        Where ``digits_grad.py`` is written.
    force : bool, optional
        Whether a file of that name which symgraph did not write is replaced.

    Returns
    -------
    float
        The accuracy on the digits that were held out.

    Raises
    ------
    CommandError
        If that file is somebody else's, or its check fails.
    """
    path = folder / FILE
    if path.exists() and not force and not is_exported(path):
        raise CommandError(f"{FILE} exists, and symgraph did not write it: --force replaces it")
    nodes = define()
    function = compile_loss(nodes)
    _show_definition(nodes, function)
    accuracy = _train_and_report(function, nodes)
    write_text(path, function.module(), force=True)
    _show_check(path)
    _show_next()
    return accuracy


def define() -> dict[str, Node]:
    """The nodes of `MODEL` by name."""
    # Under a name of its own, so that the emitted source quotes the lines of the definition.
    lines = MODEL.splitlines(keepends=True)
    linecache.cache[MODEL_FILE] = (len(MODEL), None, lines, MODEL_FILE)
    space: dict[str, Any] = {"__name__": "digits_model"}
    exec(compile(MODEL, MODEL_FILE, "exec", dont_inherit=True), space)
    return {name: value for name, value in space.items() if isinstance(value, Node)}


def compile_loss(nodes: dict[str, Node]) -> Function:
    """The loss and its gradients."""
    arguments = [nodes[name] for name in ("x", "labels", *WEIGHTS)]
    gradients = grad(nodes["loss"], [nodes[name] for name in WEIGHTS])
    names = {node: name for name, node in nodes.items()}
    graph = Graph(arguments, [nodes["loss"], *gradients], names)
    return compile_graph(graph, name="loss_and_grad", options=Options())


# Training ----------------------------------------------------------------------------------------


def train(
    function: Function, digits: Digits, progress: Callable[[int, float], None], seed: int = 0
) -> Weights:
    """Fit the weights with Adam on mini-batches.

    Parameters
    ----------
    function : Function
        Loss and gradients.
    digits : Digits
        To learn from.
    progress : callable
        Called after each epoch with its number and its mean loss.
    seed : int, optional
        Of the first weights and of the order of the examples.
    """
    rng = np.random.default_rng(seed)
    weights = initial_weights(rng)
    moments = {name: (np.zeros_like(w), np.zeros_like(w)) for name, w in weights.items()}
    step = 0
    for epoch in range(1, EPOCHS + 1):
        order = rng.permutation(len(digits.labels))
        losses: list[float] = []
        for batch in np.split(order, range(BATCH, len(order), BATCH)):
            loss, *gradients = function(digits.images[batch], digits.labels[batch], **weights)
            losses.append(float(loss))
            step += 1
            for name, gradient in zip(WEIGHTS, gradients, strict=True):
                weights[name] -= adam_step(gradient, *moments[name], step)
        progress(epoch, float(np.mean(losses)))
    return weights


def initial_weights(rng: np.random.Generator) -> Weights:
    """Weights that keep the spread of what they multiply; biases zero."""
    return {
        "w1": rng.standard_normal((64, 64)) / 8.0,
        "b1": np.zeros(64),
        "w2": rng.standard_normal((64, 10)) / 8.0,
        "b2": np.zeros(10),
    }


def adam_step(
    gradient: NDArray[np.float64],
    mean: NDArray[np.float64],
    square: NDArray[np.float64],
    step: int,
) -> NDArray[np.float64]:
    """The step of Kingma and Ba (2015); the running moments are changed in place."""
    mean += 0.1 * (gradient - mean)
    square += 0.001 * (gradient**2 - square)
    return RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)


def accuracy_of(nodes: dict[str, Node], weights: Weights, digits: Digits) -> float:
    """The part of the digits that are recognised."""
    inputs = [nodes[name] for name in ("x", *WEIGHTS)]
    predict = compile_graph(Graph(inputs, nodes["logits"]), name="predict", options=Options())
    guesses: NDArray[np.int64] = np.argmax(predict(digits.images, **weights), axis=1)
    return np.count_nonzero(guesses == digits.labels) / len(digits.labels)


# Telling -----------------------------------------------------------------------------------------


def _show_definition(nodes: dict[str, Node], function: Function) -> None:
    _title("A network for handwritten digits, in NumPy on placeholders")
    print(MODEL)
    _title("Its formula, in LaTeX")
    print(nodes["loss"].to_latex(), end="\n\n")
    _title("Its graph: every value with its type and its line")
    print(Graph(function.graph.inputs, nodes["loss"], function.graph.names), end="\n\n")
    _title("Its value and its gradient: plain NumPy, emitted")
    print(function.source)


def _train_and_report(function: Function, nodes: dict[str, Node]) -> float:
    digits = split_digits(load_digits())
    _title("Training")
    print("Handwritten digits of 8 × 8 pixels: E. Alpaydin and C. Kaynak (1998), UCI Machine")
    print("Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0.")
    start = time.perf_counter()
    weights = train(function, digits.train, _progress)
    seconds = time.perf_counter() - start
    accuracy = accuracy_of(nodes, weights, digits.test)
    print(f"{EPOCHS} epochs of {len(digits.train.labels)} digits took {seconds:.1f} s.")
    print(f"Accuracy on {len(digits.test.labels)} held-out digits: {accuracy:.1%}\n")
    return accuracy


def _progress(epoch: int, loss: float) -> None:
    if not sys.stdout.isatty():
        return
    text = f"epoch {epoch:2} of {EPOCHS}, loss {loss:.4f}"
    # The last call clears the line, which is for waiting only.
    print("\r" + (" " * len(text) + "\r" if epoch == EPOCHS else text), end="", flush=True)


def _show_check(path: Path) -> None:
    _title(f"Wrote {FILE}; its own check: python {FILE} --check")
    verdict = run_check(path)
    print(verdict.text, end="\n\n")
    if not verdict.passed:
        raise CommandError(
            f"the check of {FILE} failed: this is a defect of symgraph, please report it"
        )


def _show_next() -> None:
    _title("Next")
    print(f"* {FILE} needs NumPy only: from digits_grad import loss_and_grad, anywhere.")
    print(f"* Save the definition above as {MODEL_FILE}, change it, and run")
    print(f"    symgraph show {MODEL_FILE}:loss --svg digits.svg")
    print(f"    symgraph export {MODEL_FILE}:loss --wrt {','.join(WEIGHTS)} -o {FILE} --force")
    print("* In Python: sg.grad(loss, [w1, b1]) and sg.function(inputs, outputs).")


def _title(text: str) -> None:
    print(f"{text}\n{'-' * len(text)}\n")
