"""Pieces of emitted source: text with its precedence.

Operations write themselves with these few functions; parentheses follow from the precedence
table, and the layout (spaces, hugging powers) is the one that ``ruff format`` leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from symgraph.graph.sizes import Dim, Shape

if TYPE_CHECKING:
    from symgraph.graph.node import Node

__all__ = [
    "HELPERS",
    "Code",
    "Scope",
    "attribute",
    "atom",
    "call",
    "infix",
    "method",
    "prefix",
    "subscript",
    "tuple_text",
]

HELPERS: dict[str, str] = {}
"""Source of functions that a module may have to hold, by name; no variable is called so.

The operations that NumPy has no function for enter theirs when they are imported.
"""

ATOM, POWER, UNARY = 15, 13, 12
LEVELS = {
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 5),
    "|": 6,
    "^": 7,
    "&": 8,
    "<<": 9,
    ">>": 9,
    "+": 10,
    "-": 10,
    **dict.fromkeys(("*", "/", "//", "%", "@"), 11),
    "**": POWER,
}


@dataclass(frozen=True, slots=True)
class Code:
    """An expression as text.

    Attributes
    ----------
    text : str
        The expression on one line.
    level : int
        Precedence of its outermost operator.
    depth : int
        How deeply operations are nested in it.
    literal : bool
        A Python number: weak in NumPy's promotion, and without NumPy's division by zero.
    parts : tuple of str
        Where it may be broken: ``(head, argument, ...)`` of a call,
        ``("", operand, "op operand", ...)`` of a chain of infix operators.
    """

    text: str
    level: int = ATOM
    depth: int = 0
    literal: bool = False
    parts: tuple[str, ...] = ()

    def at_least(self, level: int) -> str:
        """The text, in parentheses if it binds less tightly than `level`."""
        return self.text if self.level >= level else f"({self.text})"

    def __str__(self) -> str:
        return self.text


class Scope(Protocol):
    """What an operation may ask of the emitter while it writes itself."""

    def dim(self, dim: Dim) -> str:
        """Source of a size."""
        ...

    def shape(self, shape: Shape) -> str:
        """Source of a tuple of sizes."""
        ...

    def helper(self, name: str) -> str:
        """Make the module hold that function of `HELPERS`; returns the name to call it by."""
        ...

    def imports(self, module: str) -> str:
        """Make the module import `module` (``scipy.special``); returns the name to use."""
        ...

    def fresh(self, name: str) -> str:
        """A variable like `name` that nothing else in the function has."""
        ...

    def release(self, name: str) -> None:
        """Let another variable have a name that `fresh` gave: that of a loop that is over."""
        ...

    def body(
        self, inputs: Sequence[Node], outputs: Sequence[Node], args: Sequence[str]
    ) -> tuple[list[str], list[str]]:
        """Statements of a branch, and the source of its results.

        `args` are the variables that stand for `inputs`; they are not written to. The sources
        of the results stay valid until one of `args` is assigned.
        """
        ...

    def round(
        self, inputs: Sequence[Node], outputs: Sequence[Node], args: Sequence[str], carries: range
    ) -> tuple[list[str], list[str], list[int]]:
        """As `body`, for a round of a loop that hands its first results to the next.

        `carries` are their places among `inputs`. Given as well: which of them the round
        overwrites, so that the loop must start with memory of its own for them.
        """
        ...


def atom(text: str) -> Code:
    """A name or anything else that never needs parentheses."""
    return Code(text)


def _depth(codes: Sequence[Code]) -> int:
    return 1 + max((code.depth for code in codes), default=0)


def _hugs(code: Code) -> bool:
    """Whether ``ruff format`` writes ``**`` without spaces next to this operand."""
    text = code.text.removeprefix("-")
    return text.replace(".", "").replace("_", "").isalnum() and code.level >= UNARY


def infix(symbol: str, left: Code, right: Code) -> Code:
    """``left symbol right`` with the parentheses that keep the meaning.

    Examples
    --------
    >>> a, b = atom("a"), atom("b")
    >>> infix("*", infix("+", a, b), infix("**", infix("*", a, b), b)).text
    '(a + b) * (a * b) ** b'
    """
    level = LEVELS[symbol]
    if symbol == "**":
        first, second = left.at_least(ATOM), right.at_least(UNARY)
        space = "" if _hugs(left) and _hugs(right) and first == left.text else " "
        return Code(f"{first}{space}**{space}{second}", level, _depth((left, right)))
    # Comparisons would chain; the right operand of the others would associate to the left.
    first = left.at_least(level + 1 if level == LEVELS["<"] else level)
    second = right.at_least(level + 1)
    same = left.level == level and first == left.text and left.parts[:1] == ("",)
    parts = (*left.parts, f"{symbol} {second}") if same else ("", first, f"{symbol} {second}")
    # A chain such as a + b + c nests no parentheses: it is one level deep.
    depth = max(left.depth, right.depth + 1) if same else _depth((left, right))
    return Code(f"{first} {symbol} {second}", level, depth, parts=parts)


def prefix(symbol: str, operand: Code) -> Code:
    """A unary operator."""
    return Code(f"{symbol}{operand.at_least(UNARY)}", UNARY, _depth((operand,)))


def call(function: str, *args: Code | str, **keywords: Code | str) -> Code:
    """A function call; keywords whose value is empty text are left out.

    Examples
    --------
    >>> call("np.sum", atom("x"), axis="0", keepdims="").text
    'np.sum(x, axis=0)'
    """
    texts = [str(arg) for arg in args]
    texts += [f"{name}={value}" for name, value in keywords.items() if str(value)]
    codes = [a for a in (*args, *keywords.values()) if isinstance(a, Code)]
    return Code(
        f"{function}({', '.join(texts)})", ATOM, _depth(codes), parts=(f"{function}(", *texts)
    )


def method(owner: Code, name: str, *args: Code | str, **keywords: Code | str) -> Code:
    """A method call."""
    inner = call(f"{owner.at_least(ATOM)}.{name}", *args, **keywords)
    return Code(inner.text, ATOM, max(inner.depth, owner.depth + 1), parts=inner.parts)


def attribute(owner: Code, name: str) -> Code:
    """``owner.name``."""
    return Code(f"{owner.at_least(ATOM)}.{name}", ATOM, owner.depth)


def subscript(owner: Code, *indices: str) -> Code:
    """``owner[indices]``."""
    return Code(f"{owner.at_least(ATOM)}[{', '.join(indices)}]", ATOM, owner.depth + 1)


def tuple_text(items: Sequence[str]) -> str:
    """Source of a tuple."""
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
