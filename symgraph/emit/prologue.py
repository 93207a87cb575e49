"""The head of a function: names of its arguments, and the sizes that their shapes tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symgraph.emit.names import Names
from symgraph.graph.node import Node
from symgraph.graph.sizes import Dim, Size, as_product, dim_names

__all__ = ["argument_names", "size_prologue"]


def size_prologue(
    inputs: Sequence[tuple[Node, str]], sizes: Mapping[str, str], indent: str
) -> tuple[list[str], list[str]]:
    """Statements that read the symbolic sizes off the arguments' shapes.

    Returns
    -------
    lines : list of str
    missing : list of str
        Sizes that no argument fixes.
    """
    bound: set[str] = set()
    lines: list[str] = []
    for node, name in inputs:
        dims = node.shape
        plain = [str(dim) if str(dim) in sizes else "" for dim in dims]
        new = [text for text in plain if text in sizes and text not in bound]
        if len(new) == len(dims) == len(set(plain)) and len(dims) > 1:
            lines.append(f"{indent}{', '.join(sizes[text] for text in plain)} = {name}.shape")
        else:
            for axis, text in enumerate(plain):
                if text in sizes and text not in bound:
                    lines.append(f"{indent}{sizes[text]} = {name}.shape[{axis}]")
                    bound.add(text)
        bound |= set(new)
    lines += [f"{indent}{line}" for line in _solved(inputs, sizes, bound)]
    return lines, sorted(set(sizes) - bound)


def _solved(
    inputs: Sequence[tuple[Node, str]], sizes: Mapping[str, str], bound: set[str]
) -> list[str]:
    """Sizes that stand only inside expressions such as ``2 * n + 1``; adds them to `bound`."""
    pending = [
        (f"{name}.shape[{i}]", dim) for node, name in inputs for i, dim in enumerate(node.shape)
    ]
    lines: list[str] = []
    found = True
    while found:
        found = False
        for text, dim in pending:
            unknown = dim_names(dim) - bound
            if len(unknown) != 1 or not unknown <= sizes.keys():
                continue
            (name,) = unknown
            solution = solve_linear(dim, name, text, sizes)
            if solution is not None:
                lines.append(f"{sizes[name]} = {solution}")
                bound.add(name)
                found = True
    return lines


def solve_linear(dim: Dim, name: str, value: str, sizes: Mapping[str, str]) -> str | None:
    """Source of the `name` for which ``dim == value``, if `dim` is linear in it."""
    if isinstance(dim, int):
        return None
    if not dim_names(dim) <= {*sizes}:
        return None
    factor: Dim = 0
    rest: Dim = 0
    for monomial, coefficient in dim.terms:
        others = tuple([item for item in monomial if item != (name, 1)])
        if len(others) < len(monomial):
            factor = factor + as_product(others, coefficient)
        else:
            rest = rest + as_product(monomial, coefficient)
    if factor == 0 or name in dim_names(factor) | dim_names(rest):
        return None
    texts = [part.render(sizes) if isinstance(part, Size) else str(part) for part in (factor, rest)]
    factor_text, rest_text = [f"({text})" if " " in text else text for text in texts]
    if rest_text != "0":
        value = f"({value} - {rest_text})" if factor_text != "1" else f"{value} - {rest_text}"
    return value if factor_text == "1" else f"{value} // {factor_text}"


def argument_names(names: Names, inputs: Sequence[Node]) -> list[str]:
    """A safe name for every placeholder: its own wherever that is possible."""
    wishes = [node.op.label for node in inputs]
    return [names.fresh(wish) for wish in wishes]
