"""The notation of each operation; what has none of its own is a function of its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from symgraph.graph.leaves import Constant, Item, SizeValue
from symgraph.graph.node import Node
from symgraph.notebook.latex_text import (
    ATOM,
    MUL,
    POWER,
    RELATION,
    SUM,
    UNARY,
    Tex,
    escaped,
    function,
    name_text,
    number_text,
)

__all__ = ["notation", "size_text"]

_HIGHEST = 2
"""How deeply fractions are nested before they are written with a slash."""


def notation(node: Node, args: Sequence[Tex]) -> Tex:
    """The formula of a node from the formulas of its operands."""
    op = node.op
    if isinstance(op, Constant):
        return _constant(op)
    if isinstance(op, SizeValue):
        return size_text(op.size)
    if isinstance(op, Item):
        return Tex(f"{args[0].at_least(ATOM)}_{{[{op.index}]}}", ATOM, args[0].width + 2)
    text = NOTATIONS.get(op.name, _generic)(node, args)
    depth = max([text.depth, *[arg.depth for arg in args]])
    return text if depth == text.depth else replace(text, depth=depth)


def size_text(size: Any) -> Tex:
    """A size: names as they are, products without a sign."""
    text = str(size)
    if text.isidentifier() or text.isdigit():
        return Tex(name_text(text) if text.isidentifier() else text, ATOM, len(text))
    words = text.replace("//", " / ").split()
    shown = [r"\cdot" if w == "*" else name_text(w) if w.isidentifier() else w for w in words]
    return Tex(" ".join(shown), SUM, len(text))


def _constant(op: Constant) -> Tex:
    if op.value.ndim == 0:
        return number_text(op.value.item())
    if op.value.ndim == 1 and 0 < op.value.size <= 4:
        items = [number_text(v) for v in op.value.tolist()]
        width = sum(item.width + 2 for item in items)
        return Tex(rf"[{', '.join([item.text for item in items])}]", ATOM, width)
    shape = r" \times ".join(map(str, op.value.shape))
    return Tex(rf"\mathrm{{const}}_{{{shape}}}", ATOM, 8)


# Operators --------------------------------------------------------------------------------------


def _joined(symbol: str, level: int, left: str, right: str, args: Sequence[Tex]) -> Tex:
    gap = f" {symbol} " if symbol else r"\, "
    width = sum(arg.width for arg in args) + 3
    return Tex(f"{left}{gap}{right}", level, width, max(arg.height for arg in args))


def _infix(symbol: str, level: int) -> Callable[[Node, Sequence[Tex]], Tex]:
    def rule(node: Node, args: Sequence[Tex]) -> Tex:
        left, right = args
        first = left.at_least(level if level > RELATION else level + 1)
        # A term that begins with a minus needs parentheses after an operator.
        second = right.at_least(level + 1) if right.level != UNARY else right.braced()
        return _joined(symbol, level, first, second, args)

    return rule


def _multiply(node: Node, args: Sequence[Tex]) -> Tex:
    """Numbers and scalars stand before; between arrays of one rank it is Hadamard's product."""
    inputs = list(node.inputs)
    left, right = args
    if _is_number(inputs[1]) and not _is_number(inputs[0]):
        left, right, inputs = right, left, inputs[::-1]
    if inputs[0] is inputs[1]:
        return _raised(left, Tex("2"))
    first = left.at_least(MUL)
    second = right.at_least(MUL) if right.level != UNARY else right.braced()
    if all(map(_is_array, inputs)):
        symbol = r"\odot"
    else:
        symbol = r"\cdot" if second[:1].isdigit() else ""
    return _joined(symbol, MUL, first, second, args)


def _is_array(node: Node) -> bool:
    while node.op.name == "broadcast_to":
        (node,) = node.inputs
    return node.ndim > 0


def _is_number(node: Node) -> bool:
    return isinstance(node.op, Constant | SizeValue) and node.ndim == 0


def _divide(node: Node, args: Sequence[Tex]) -> Tex:
    above, below = args
    if max(above.height, below.height) >= _HIGHEST:
        return _joined("/", MUL, above.at_least(MUL), below.at_least(POWER), args)
    height = 1 + max(above.height, below.height)
    width = max(above.width, below.width) + 1
    return Tex(rf"\frac{{{above.text}}}{{{below.text}}}", MUL, width, height)


def _matmul(node: Node, args: Sequence[Tex]) -> Tex:
    left, right = args
    second = right.at_least(POWER if right.level == UNARY else MUL)
    return _joined("", MUL, left.at_least(MUL), second, args)


def _negative(node: Node, args: Sequence[Tex]) -> Tex:
    (x,) = args
    inner = x.braced() if x.level == UNARY else x.at_least(MUL)
    return Tex(f"-{inner}", UNARY, x.width + 1, x.height)


def _raised(base: Tex, exponent: Tex) -> Tex:
    level = ATOM if "^" not in base.text else ATOM + 1
    text = rf"{base.at_least(level)}^{{{exponent.text}}}"
    return Tex(text, POWER, base.width + exponent.width, base.height)


def _power(node: Node, args: Sequence[Tex]) -> Tex:
    return _raised(*args)


def _exp(node: Node, args: Sequence[Tex]) -> Tex:
    (x,) = args
    if x.height or x.width > 12:
        return function(r"\exp", x)
    return Tex(f"e^{{{x.text}}}", POWER, x.width + 1, x.height)


def _fenced(left: str, right: str) -> Callable[[Node, Sequence[Tex]], Tex]:
    def rule(node: Node, args: Sequence[Tex]) -> Tex:
        (x,) = args
        return Tex(rf"\left{left}{x.text}\right{right}", ATOM, x.width + 2, x.height)

    return rule


def _overlined(node: Node, args: Sequence[Tex]) -> Tex:
    (x,) = args
    return Tex(rf"\overline{{{x.text}}}", ATOM, x.width, x.height)


def _indexed(name: str) -> Callable[[Node, Sequence[Tex]], Tex]:
    """A function whose first operand is its order."""
    return lambda node, args: function(name, *args[1:], below=args[0].text)


def _sqrt(node: Node, args: Sequence[Tex]) -> Tex:
    (x,) = args
    return Tex(rf"\sqrt{{{x.text}}}", ATOM, x.width + 1, x.height + 1)


# Functions --------------------------------------------------------------------------------------


def _call(command: str) -> Callable[[Node, Sequence[Tex]], Tex]:
    return lambda node, args: function(command, *args)


def _axes(node: Node) -> str:
    """The axes as a subscript; nothing where it is all of them."""
    op: Any = node.op
    axes = getattr(op, "axes", getattr(op, "axis", None))
    if axes is None:
        return ""
    axes = (axes,) if isinstance(axes, int) else tuple(axes)
    if axes == tuple(range(node.inputs[0].ndim)):
        return ""
    return ",".join(map(str, axes))


def _reduction(command: str) -> Callable[[Node, Sequence[Tex]], Tex]:
    def rule(node: Node, args: Sequence[Tex]) -> Tex:
        axes = _axes(node)
        return function(command, *args, below=rf"\text{{axis }}{axes}" if axes else "")

    return rule


def _big(command: str) -> Callable[[Node, Sequence[Tex]], Tex]:
    def rule(node: Node, args: Sequence[Tex]) -> Tex:
        (x,) = args
        axes = _axes(node)
        script = rf"_{{\text{{axis }}{axes}}}" if axes else ""
        inner = x.braced() if x.level in (UNARY, SUM, RELATION) else x.text
        return Tex(rf"\sum{script} {inner}".replace(r"\sum", command), SUM, x.width + 3, x.height)

    return rule


def _generic(node: Node, args: Sequence[Tex]) -> Tex:
    axes = _axes(node)
    name = rf"\operatorname{{{escaped(node.op.name)}}}"
    return function(name, *args, below=rf"\text{{axis }}{axes}" if axes else "")


def _where(node: Node, args: Sequence[Tex]) -> Tex:
    condition, first, second = args
    rows = rf"{first.text} & {condition.text} \\ {second.text} & \text{{otherwise}}"
    width = max(first.width, second.width) + condition.width + 4
    return Tex(rf"\begin{{cases}} {rows} \end{{cases}}", ATOM, width, 2)


def _transpose(node: Node, args: Sequence[Tex]) -> Tex:
    op: Any = node.op
    (x,) = args
    if op.axes == tuple(reversed(range(node.ndim))):
        mark = r"\mathsf{T}"
    else:
        mark = rf"\mathsf{{T}}({', '.join(map(str, op.axes))})"
    return _raised(x, Tex(mark))


def _operand(node: Node, args: Sequence[Tex]) -> Tex:
    """What changes only the form or the dtype is not seen in a formula."""
    return args[0]


def _index(node: Node, args: Sequence[Tex]) -> Tex:
    x, *arrays = args
    text = node.op.label.removeprefix(node.op.name).strip("[]")
    pieces = [escaped(piece) for piece in text.split("·")]
    shown = pieces[0]
    for piece, array in zip(pieces[1:], arrays, strict=False):
        shown += array.text + piece
    width = x.width + sum(a.width for a in arrays) + 2
    inner = x.at_least(ATOM)
    return Tex(rf"{{{inner}}}_{{[{shown}]}}", ATOM, width, max(a.height for a in args))


def _einsum(node: Node, args: Sequence[Tex]) -> Tex:
    op: Any = node.op
    script = rf"{','.join(map(escaped, op.operands))} \to {escaped(op.output)}"
    return function(r"\operatorname{einsum}", *args, below=script)


def _astype(node: Node, args: Sequence[Tex]) -> Tex:
    source = node.inputs[0].dtype.kind
    if source == "b":
        # Iverson's bracket.
        return Tex(rf"[{args[0].text}]", ATOM, args[0].width + 2, args[0].height)
    return _operand(node, args)


NOTATIONS: dict[str, Callable[[Node, Sequence[Tex]], Tex]] = {
    "add": _infix("+", SUM),
    "subtract": _infix("-", SUM),
    "multiply": _multiply,
    "divide": _divide,
    "matmul": _matmul,
    "negative": _negative,
    "reciprocal": lambda node, args: _divide(node, (Tex("1"), *args)),
    "power": _power,
    "square": lambda node, args: _raised(args[0], Tex("2")),
    "sqrt": _sqrt,
    "exp": _exp,
    "absolute": _fenced("|", "|"),
    "fabs": _fenced("|", "|"),
    "conjugate": _overlined,
    "real": _call(r"\operatorname{Re}"),
    "imag": _call(r"\operatorname{Im}"),
    "angle": _call(r"\arg"),
    "floor": _fenced(r"\lfloor ", r"\rfloor "),
    "ceil": _fenced(r"\lceil ", r"\rceil "),
    "remainder": _infix(r"\bmod", MUL),
    "equal": _infix("=", RELATION),
    "not_equal": _infix(r"\ne", RELATION),
    "less": _infix(r"\lt", RELATION),
    "less_equal": _infix(r"\le", RELATION),
    "greater": _infix(r"\gt", RELATION),
    "greater_equal": _infix(r"\ge", RELATION),
    "logical_and": _infix(r"\land", RELATION),
    "logical_or": _infix(r"\lor", RELATION),
    "logical_xor": _infix(r"\oplus", RELATION),
    "logical_not": lambda node, args: Tex(rf"\lnot {args[0].at_least(ATOM)}", UNARY, 2),
    "where": _where,
    "transpose": _transpose,
    "astype": _astype,
    "broadcast_to": _operand,
    "expand_dims": _operand,
    "squeeze": _operand,
    "getitem": _index,
    "select": _index,
    "gather": _index,
    "einsum": _einsum,
    "sum": _big(r"\sum"),
    "prod": _big(r"\prod"),
    "max": _reduction(r"\max"),
    "min": _reduction(r"\min"),
    "max_from": _reduction(r"\max"),
    "min_from": _reduction(r"\min"),
    "argmax": _reduction(r"\operatorname{arg\,max}"),
    "argmin": _reduction(r"\operatorname{arg\,min}"),
    "maximum": _call(r"\max"),
    "minimum": _call(r"\min"),
    "relu": lambda node, args: function(r"\max", *args, Tex("0")),
    "sigmoid": _call(r"\sigma"),
    "arctan2": _call(r"\operatorname{atan2}"),
    "inv": lambda node, args: _raised(args[0], Tex("-1")),
    "det": _call(r"\det"),
    "gamma": _call(r"\Gamma"),
    "gammaln": _call(r"\log\Gamma"),
    "digamma": _call(r"\psi"),
    "polygamma": _indexed(r"\psi"),
    "beta": _call(r"\mathrm{B}"),
    "riemann_zeta": _call(r"\zeta"),
    "zeta": _call(r"\zeta"),
    **{f"{letter}v": _indexed(letter.upper()) for letter in "jyik"},
    **{
        f"{letter}{order}": _call(f"{letter.upper()}_{order}")
        for letter in "jyik"
        for order in (0, 1)
    },
    **{
        name: _call(f"\\{name}")
        for name in "log sin cos tan sinh cosh tanh arcsin arccos arctan".split()
    },
}
"""By the operation's name; an axis that is not all of them stands below."""
