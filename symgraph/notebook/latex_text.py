"""Pieces of LaTeX: text with its precedence, names made safe, numbers.

Only commands that MathJax, KaTeX and LaTeX with amsmath share are used.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from symgraph.notebook.picture import plain_text

__all__ = ["ATOM", "MUL", "POWER", "SUM", "UNARY", "Tex", "function", "name_text", "number_text"]

RELATION, SUM, MUL, UNARY, POWER, ATOM = range(6)


@dataclass(frozen=True, slots=True)
class Tex:
    """A formula on one line.

    Attributes
    ----------
    text : str
        In math mode.
    level : int
        Precedence of its outermost operator.
    width : int
        Roughly the number of characters that are seen.
    height : int
        How many fractions, roots and powers are nested in it.
    depth : int
        How many function calls are nested in it.
    """

    text: str
    level: int = ATOM
    width: int = 1
    height: int = 0
    depth: int = 0

    @property
    def size(self) -> int:
        """How much it takes to read."""
        return self.width + 5 * self.height + 5 * self.depth

    def at_least(self, level: int) -> str:
        """The text, in parentheses if its operator binds less than that."""
        return self.text if self.level >= level else self.braced("(", ")")

    def braced(self, opening: str = "(", closing: str = ")") -> str:
        """The text in parentheses that are as high as it is."""
        if self.height:
            return rf"\left{opening}{self.text}\right{closing}"
        return f"{opening}{self.text}{closing}"


def function(name: str, *args: Tex, below: str = "", above: str = "") -> Tex:
    r"""A function call.

    Examples
    --------
    >>> function(r"\log", Tex("x")).text
    '\\log(x)'
    """
    height = max((arg.height for arg in args), default=0)
    depth = 1 + max((arg.depth for arg in args), default=0)
    inner = Tex(", ".join([arg.text for arg in args]), height=height)
    script = (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    width = len(re.sub(r"\\\w+", "", name)) + 2 + sum(arg.width + 1 for arg in args)
    return Tex(f"{name}{script}{inner.braced()}", ATOM, max(width, 4), height, depth)


GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)

_SPECIAL = {
    "\\": r"\backslash{}",
    "^": r"\wedge{}",
    "~": r"\sim{}",
    " ": r"\ ",
    "<": r"\lt{}",
    ">": r"\gt{}",
    **{c: f"\\{c}" for c in "_%&#{}$"},
}
_LONGEST_NAME = 40


def name_text(name: str) -> str:
    r"""A user's name in math mode: letters and Greek as such, a subscript after ``_`` or a digit.

    Examples
    --------
    >>> [name_text(n) for n in ("x", "W1", "lambda", "w_out", "log_probs", "a$b")]
    ['x', 'W_{1}', '\\lambda', 'w_{\\mathrm{out}}', '\\mathrm{log\\_probs}', '\\mathrm{a\\$b}']
    """
    found = re.fullmatch(r"([A-Za-z]+?)_?([0-9]+)|([A-Za-z]+)_([A-Za-z0-9]+)", name)
    if found is not None:
        base, script = (found[1], found[2]) if found[1] else (found[3], found[4])
        head = _letter(base)
        if head:
            tail = script if script.isdigit() else _letter(script) or rf"\mathrm{{{script}}}"
            return f"{head}_{{{tail}}}"
    return _letter(name) or rf"\mathrm{{{escaped(name)}}}"


def _letter(name: str) -> str:
    if len(name) == 1 and name.isalpha() and name.isascii():
        return name
    return f"\\{name}" if name in GREEK else ""


def escaped(text: str) -> str:
    """Any text, so that it can do nothing in math mode but be seen."""
    text = plain_text(text)
    if len(text) > _LONGEST_NAME:
        text = text[: _LONGEST_NAME - 1] + "…"
    return "".join(_SPECIAL.get(c, c) for c in text)


def number_text(value: Any) -> Tex:
    r"""A number.

    Examples
    --------
    >>> [number_text(v).text for v in (2.0, -0.5, 1e-8, 1.5e20, float("inf"), True)]
    ['2', '-0.5', '10^{-8}', '1.5 \\times 10^{20}', '\\infty', '\\mathrm{True}']
    """
    if isinstance(value, bool):
        return Tex(rf"\mathrm{{{value}}}", width=4)
    if isinstance(value, complex):
        real, imaginary = number_text(value.real), number_text(value.imag)
        return Tex(f"({real.text} + {imaginary.at_least(POWER)} i)", ATOM, real.width + 8)
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return Tex(r"\mathrm{NaN}", width=3)
        return Tex(r"\infty") if value > 0 else Tex(r"-\infty", UNARY, 2)
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    mantissa, _, exponent = text.partition("e")
    level = UNARY if text.startswith("-") else ATOM
    if not exponent:
        return Tex(text, level, len(text))
    power = f"10^{{{int(exponent)}}}"
    if mantissa in ("1", "-1"):
        return Tex(mantissa[:-1] + power, min(level, POWER), 4)
    return Tex(rf"{mantissa} \times {power}", MUL, len(text) + 2)
