"""Lines of at most 88 columns, broken where ``ruff format`` breaks them."""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.graph.code import Code

__all__ = ["WIDTH", "assign", "bracketed", "broken", "comment", "returned"]

WIDTH = 88


def bracketed(
    head: str,
    items: Sequence[str],
    tail: str,
    indent: str,
    solo: bool = False,
    explode: bool = False,
) -> list[str]:
    """``head items tail`` on one line, or all items on a second, or one a line.

    Parameters
    ----------
    head, tail : str
        With the opening and the closing bracket.
    solo : bool
        A comma also after a single item that fits (a tuple).
    explode : bool
        Not all items on a second line (a list).
    """
    one = f"{indent}{head}{', '.join(items)}{',' if solo and len(items) == 1 else ''}{tail}"
    if len(one) <= WIDTH or not items:
        return [one]
    inner = f"{indent}    {', '.join(items)}"
    if len(inner) <= WIDTH and not explode and not (solo and len(items) == 1):
        return [f"{indent}{head}", inner, f"{indent}{tail}"]
    return [f"{indent}{head}", *[f"{indent}    {item}," for item in items], f"{indent}{tail}"]


def assign(target: str, value: Code, indent: str, symbol: str = "=") -> list[str]:
    """``target = value``, broken at its outermost call or operators if it is too long."""
    head = f"{target} {symbol} "
    one = f"{indent}{head}{value.text}"
    if len(one) <= WIDTH or "\n" in one:
        return one.split("\n")
    if value.parts and value.parts[0]:
        return bracketed(head + value.parts[0], value.parts[1:], ")", indent)
    inner = f"{indent}    {value.text}"
    if len(inner) <= WIDTH:
        return [f"{indent}{head}(", inner, f"{indent})"]
    if not value.parts:
        return [one]
    operands = [f"{indent}    {part}" for part in value.parts[1:]]
    return [f"{indent}{head}(", *operands, f"{indent})"]


def broken(statement: str, indent: str) -> list[str]:
    """A statement that is a call or an assignment, its last brackets broken if it is too long."""
    if len(indent) + len(statement) <= WIDTH:
        return [indent + statement]
    if statement.endswith("):"):
        *lines, last = broken(statement[:-1], indent)
        return [*lines, f"{last}:"]
    head, sign, value = statement.partition("= ")
    if sign and "(" not in head:
        items = _split(value, (", ",))
        if len(items) > 1:
            rows = [f"{indent}    {item}," for item in items]
            return [f"{indent}{head}= (", *rows, f"{indent})"]
        if statement[-1] not in ")]":
            rows = [f"{indent}    {term}" for term in _terms(value, indent)]
            return [f"{indent}{head}= (", *rows, f"{indent})"]
    if statement[-1] not in ")]":
        return [indent + statement]
    pieces: list[str] = []
    depth, stop = 0, len(statement) - 1
    for place in range(len(statement) - 1, -1, -1):
        depth += (statement[place] in ")]}") - (statement[place] in "([{")
        if depth == 0:
            pieces.insert(0, statement[place + 1 : stop])
            if len(pieces) == 1 and statement[place] == "(" and not _is_call(statement[:place]):
                # Brackets round a formula: a comma in them would make it a tuple.
                rows = [f"{indent}    {term}" for term in _terms(pieces[0], indent)]
                return [f"{indent}{statement[: place + 1]}", *rows, f"{indent})"]
            return bracketed(statement[: place + 1], pieces, statement[-1], indent)
        if depth == 1 and statement.startswith(", ", place):
            pieces.insert(0, statement[place + 2 : stop])
            stop = place
    return [indent + statement]


def _is_call(before: str) -> bool:
    """Whether a bracket behind this text begins arguments; else it groups a formula."""
    return bool(before) and (before[-1].isalnum() or before[-1] in "_)]")


def _terms(formula: str, indent: str) -> list[str]:
    """A formula as one line, or as a line for each term if it is too long."""
    fits = len(indent) + 4 + len(formula) <= WIDTH
    return [formula] if fits else _split(formula, (" + ", " - "))


def _split(text: str, signs: tuple[str, ...]) -> list[str]:
    """The parts of an expression between signs outside all brackets; operators lead theirs.

    Examples
    --------
    >>> _split("f(a, b) + c - d[e - 1]", (" + ", " - ")), _split("(a, b), c", (", ",))
    (['f(a, b)', '+ c', '- d[e - 1]'], ['(a, b)', 'c'])
    """
    parts: list[str] = []
    depth, start = 0, 0
    for place, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and text.startswith(signs, place):
            parts.append(text[start:place].strip())
            start = place + (2 if character == "," else 1)
    return [*parts, text[start:].strip()]


def returned(values: Sequence[str], indent: str) -> list[str]:
    """A ``return`` statement; without values it gives an empty tuple."""
    if not values:
        return [f"{indent}return ()"]
    one = f"{indent}return {', '.join(values)}"
    if len(one) <= WIDTH or len(values) == 1:
        return [one]
    rows = [row for value in values for row in _row(value, indent + "    ")]
    return [f"{indent}return (", *rows, f"{indent})"]


def _row(value: str, indent: str) -> list[str]:
    """One of several results, with its comma; a tuple that is too long has its own rows."""
    items = _split(value[1:-1], (", ",)) if value.startswith("(") else []
    if len(indent) + len(value) < WIDTH or len(items) < 2:
        return [f"{indent}{value},"]
    return [f"{indent}(", *[f"{indent}    {item}," for item in items], f"{indent}),"]


def comment(text: str, indent: str) -> str:
    """A comment of one line; what does not fit is cut, control characters are dropped."""
    clean = "".join(c for c in " ".join(text.split()) if c.isprintable())
    line = f"{indent}# {clean}"
    return line if len(line) <= WIDTH else line[: WIDTH - 3].rstrip() + "..."
