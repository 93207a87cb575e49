r"""LaTeX of graphs: short lines that stop at named values.

``L = \operatorname{mean}(l)``, *where* ``l = (z - y)^{2}``, *where* ``z = X w + b``: never one
line that nobody can read. What is used twice and has no name gets a letter, and so does what
would make a line too long; the walk does not recurse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from symgraph.graph.graph import Graph
from symgraph.graph.leaves import Constant, Placeholder, SizeValue
from symgraph.graph.node import Node
from symgraph.graph.side import NAMES
from symgraph.graph.types import TensorType
from symgraph.notebook.latex_ops import notation, size_text
from symgraph.notebook.latex_text import MUL, POWER, Tex, escaped, name_text
from symgraph.notebook.views import (
    Viewable,
    gradient_of,
    graph_of,
    is_gradient,
    source_names,
    user_names,
)
from symgraph.ops.declared import FORMULAS
from symgraph.ops.formula import load_sympy

__all__ = ["latex"]

WIDEST = 46
"""About how many characters the operands of one operation may have together."""
HIGHEST, DEEPEST = 3, 4
MOST_LINES = 24
SHARED_ABOVE = 5
"""An unnamed value that is used twice gets a letter if it has more characters than that."""


def latex(value: Viewable) -> str:
    r"""LaTeX of a node, a graph or a function, without the dollars.

    Examples
    --------
    >>> import symgraph as sg
    >>> X, w, y = sg.placeholder("X", ("n", 3)), sg.placeholder("w", 3), sg.placeholder("y", "n")
    >>> print(latex((X @ w).named("z") - y))
    \begin{aligned}
    & z - y \\
    \text{where}\quad z &= X\, w
    \end{aligned}
    """
    graph = graph_of(value)
    lines = _Writer(graph).lines()
    if not isinstance(value, Node):
        lines += _domains(graph)
    lines = _elided(lines)
    if len(lines) == 1:
        ((left, right),) = lines
        return f"{left} = {right}" if left else right
    shown = [f"{left} &{'= ' if left and right else ' '}{right}".strip() for left, right in lines]
    body = " \\\\\n".join(shown)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


Line = tuple[str, str]


def _elided(lines: list[Line]) -> list[Line]:
    if len(lines) <= MOST_LINES:
        return lines
    missing = len(lines) - MOST_LINES + 1
    return [*lines[: MOST_LINES - 1], ("", rf"\;\vdots\quad\text{{({missing} more lines)}}")]


class _Writer:
    """Formulas of all nodes, operands first, and which of them have a line of their own."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.symbols = _symbols(graph)
        self.texts: dict[Node, Tex] = {}
        self.seen: dict[Node, Tex] = {}
        self.letters: dict[Node, str] = {}

    def lines(self) -> list[Line]:
        """The outputs, then what they stop at, then the formulas of declared operations."""
        for node in self.graph.nodes:
            self._write(node)
        outputs = dict.fromkeys(self.graph.outputs)
        own = [node for node in reversed(self.graph.nodes) if self._has_line(node)]
        rows: list[tuple[str, str]] = [self._output(node) for node in outputs]
        rest = [(self._symbol(node), self.texts[node].text) for node in own if node not in outputs]
        rows += [*rest, *_definitions(self.graph)]
        first = len(outputs)
        numbered = self._numbered(rows)
        if len(numbered) > first:
            left, right = numbered[first]
            numbered[first] = (rf"\text{{where}}\quad {left}", right)
        return numbered

    def _has_line(self, node: Node) -> bool:
        return not isinstance(node.op, Placeholder) and (
            node in self.symbols or node in self.letters
        )

    def _output(self, node: Node) -> Line:
        if not isinstance(node.op, Placeholder):
            return self.symbols.get(node, self.letters.get(node, "")), self.texts[node].text
        return "", self.seen[node].text

    def _symbol(self, node: Node) -> str:
        return self.symbols.get(node) or self.letters[node]

    def _write(self, node: Node) -> None:
        if isinstance(node.op, Placeholder):
            self.seen[node] = _as_symbol(self.symbols[node])
            return
        operands = node.inputs
        while self._too_wide(operands):
            self._give_letter(max(operands, key=lambda i: self.seen[i].size))
        text = notation(node, [self.seen[i] for i in operands])
        self.texts[node] = self.seen[node] = text
        if node in self.symbols:
            self.seen[node] = _as_symbol(self.symbols[node])
        elif self._is_shared(node, text):
            self._give_letter(node)

    def _too_wide(self, operands: tuple[Node, ...]) -> bool:
        open_ = [i for i in operands if i in self.texts and not self._has_line(i) and i.inputs]
        if not open_:
            return False
        wide = sum(self.seen[i].width for i in operands) > WIDEST
        long = wide and max(self.seen[i].width for i in open_) > 3
        deep = max(self.seen[i].depth for i in open_) > DEEPEST
        return long or deep or max(self.seen[i].height for i in open_) > HIGHEST

    def _is_shared(self, node: Node, text: Tex) -> bool:
        many = len(self.graph.users[node]) > 1 and bool(node.inputs)
        return many and text.width > SHARED_ABOVE

    def _give_letter(self, node: Node) -> None:
        # The number is known when the lines are in order: until then a mark stands for it.
        self.letters[node] = f"\x02{len(self.letters)}\x03"
        self.seen[node] = Tex(self.letters[node], width=2)

    def _numbered(self, rows: list[Line]) -> list[Line]:
        letter = _free_letter(self.symbols)
        numbers: dict[str, int] = {}

        def number(match: re.Match[str]) -> str:
            return f"{letter}_{{{numbers.setdefault(match[1], len(numbers) + 1)}}}"

        mark = re.compile("\x02(\\d+)\x03")
        return [(mark.sub(number, left), mark.sub(number, right)) for left, right in rows]


def _as_symbol(text: str) -> Tex:
    visible = re.sub(r"\\[a-z]+|[{}_\\]", "", text)
    return Tex(text, POWER if "^" in text else POWER + 1, max(1, len(visible)))


def _free_letter(symbols: Mapping[Node, str]) -> str:
    taken = {text[:1] for text in symbols.values()}
    return next((letter for letter in "vtuqsrc" if letter not in taken), r"\tau")


def _symbols(graph: Graph) -> dict[Node, str]:
    """A symbol for all that has a name, and for gradients of named values; no two are the same."""
    names = user_names(graph)
    symbols: dict[Node, str] = {}
    taken: set[str] = set()

    def enter(node: Node, *candidates: str) -> None:
        fresh = (text for text in _endless(*candidates) if text not in taken)
        symbols[node] = next(fresh)
        taken.add(symbols[node])

    for node in graph.inputs + graph.nodes:
        if node in symbols or isinstance(node.op, Constant | SizeValue) or node not in names:
            continue
        if not is_gradient(node) or NAMES.get(node):
            enter(node, name_text(names[node]), rf"\mathrm{{{escaped(names[node])}}}")
    values, derived = _values(graph, names), source_names(graph)
    for node in graph.nodes:
        if node in symbols or isinstance(node.op, Constant | SizeValue):
            continue
        of = [(values.get(v), by) for v, by in gradient_of(node) if by in symbols]
        if of and of[0][0] and (is_gradient(node) or node in graph.outputs):
            (value, by), *_ = of
            enter(node, rf"\nabla_{{\!{symbols[by]}}}\, {value}")
        elif node in derived:
            enter(node, name_text(derived[node]), rf"\mathrm{{{escaped(derived[node])}}}")
    return symbols


def _values(graph: Graph, names: Mapping[Node, str]) -> dict[Node | None, str]:
    """Symbols of what is differentiated; under None that of a value which exists no more.

    What is differentiated is the simplified value: where the graph has gradients of one value
    only, the inner ones are of that.
    """
    found: dict[Node | None, str] = {}
    for node in graph.outputs:
        for value, _ in gradient_of(node):
            if value is not None and value in names:
                found[value] = name_text(names[value])
    if len(found) == 1:
        found[None] = next(iter(found.values()))
    return found


def _endless(*candidates: str) -> Iterator[str]:
    yield from candidates
    number = 2
    while True:
        yield f"{candidates[-1]}^{{({number})}}"
        number += 1


def _definitions(graph: Graph) -> list[Line]:
    """The formulas of the operations that the user has declared."""
    names = dict.fromkeys(node.op.name for node in graph.nodes if node.op.name in FORMULAS)
    return [_definition(name) for name in names]


def _definition(name: str) -> Line:
    sympy = load_sympy()
    symbols: list[Any] = sorted(FORMULAS[name].free_symbols, key=str)
    letters = "xyz" if len(symbols) <= 3 else [f"x_{i}" for i in range(len(symbols))]
    shown = dict(zip(symbols, sympy.symbols(list(letters[: len(symbols)]), real=True), strict=True))
    arguments = ", ".join([sympy.latex(shown[symbol]) for symbol in symbols])
    right: Any = sympy.latex(FORMULAS[name].xreplace(shown))
    return rf"\operatorname{{{escaped(name)}}}({arguments})", right


_FIELDS: Mapping[str, str] = {"f": "R", "i": "Z", "u": "N", "c": "C"}


def _domains(graph: Graph) -> list[Line]:
    r"""What the arguments are: ``X \in \mathbb{R}^{n \times 3}``."""
    symbols = _symbols(graph)
    pieces = [f"{symbols[node]} \\in {_set(node.type)}" for node in graph.inputs[:12]]
    if len(graph.inputs) > 12:
        pieces.append(r"\ldots")
    rows = [pieces[i : i + 4] for i in range(0, len(pieces), 4)]
    return [("", r",\;\; ".join(row)) for row in rows]


def _set(kind: TensorType) -> str:
    field = _FIELDS.get(kind.dtype.kind)
    letters = rf"\mathbb{{{field}}}" if field else r"\{0, 1\}"
    shape = r" \times ".join([size_text(dim).at_least(MUL) for dim in kind.shape])
    return f"{letters}^{{{shape}}}" if shape else letters
