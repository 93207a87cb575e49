"""What a graph costs: operations and memory, as polynomials in the symbolic sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symgraph.errors import InputError
from symgraph.graph.amounts import greatest, nbytes
from symgraph.graph.node import Node, apply_view
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim, dim_names, evaluate

__all__ = ["Cost", "Share", "cost_of"]


@record
class Share:
    """What the applications of one operation cost together.

    Attributes
    ----------
    operation : str
    count : int
        How often it is applied.
    flops, bytes : int or Size
    """

    operation: str
    count: int
    flops: Dim
    bytes: Dim


@record
class Cost:
    """What a graph costs when every node is computed once; prints as a table, shows as HTML.

    Attributes
    ----------
    flops : int or Size
        Operations on numbers. Arithmetic, comparisons and what NumPy computes as fast (``exp``,
        ``sqrt``) count 1 an element, slower functions as many as they take nanoseconds; a matrix
        product ``2 m n k``; factorisations their leading terms; a sort ``n log2 n``, where a
        symbolic length counts as a million. Moving elements is none. Of a branch the costlier
        side counts.
    bytes : int or Size
        Of the arrays that are made; views, arguments and constants are none. Compiled functions
        use memory again, and need less.
    peaks : tuple of int or Size
        Bytes that are alive at once are at most the greatest of these: all results that a later
        one needs, and the outputs.
    by_operation : dict
        A `Share` for each operation by name, the costliest first.

    Examples
    --------
    >>> import symgraph as sg
    >>> X, w = sg.placeholder("X", ("n", "d")), sg.placeholder("w", "d")
    >>> cost = sg.Graph([X, w], sg.sum(X @ w)).cost()
    >>> cost.flops, cost.bytes
    (2 * d * n + n, 8 * n + 8)
    >>> print(cost.at(n=100, d=10))
    operation  count  flops  bytes
    matmul         1   2000    800
    sum            1    100      8
    total          2   2100    808
    at most 808 bytes alive at once
    """

    flops: Dim
    bytes: Dim
    peaks: tuple[Dim, ...]
    by_operation: dict[str, Share]

    def at(self, **sizes: int) -> Cost:
        """The cost for given sizes.

        Parameters
        ----------
        **sizes : int
            A value for each symbolic size.

        Raises
        ------
        InputError
            If one is missing.
        """
        shares = list(self.by_operation.values())
        dims = [self.flops, self.bytes, *self.peaks, *[share.bytes for share in shares]]
        names = {name for dim in dims for name in dim_names(dim)}
        missing = sorted(names - set(sizes))
        if missing:
            raise InputError(
                "cost: sizes are missing",
                expected=", ".join(sorted(names)),
                got=", ".join(sorted(sizes)) or "none",
            )
        return Cost(
            evaluate(self.flops, sizes),
            evaluate(self.bytes, sizes),
            (max([evaluate(dim, sizes) for dim in self.peaks], default=0),),
            _sorted(
                Share(s.operation, s.count, evaluate(s.flops, sizes), evaluate(s.bytes, sizes))
                for s in shares
            ),
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        """The table: a heading, a row for each operation, and the total."""
        shares = list(self.by_operation.values())
        total = Share("total", sum(share.count for share in shares), self.flops, self.bytes)
        return [
            ("operation", "count", "flops", "bytes"),
            *[(s.operation, str(s.count), str(s.flops), str(s.bytes)) for s in (*shares, total)],
        ]

    @property
    def peak_text(self) -> str:
        """How much memory is alive at once, in words."""
        texts = list(map(str, self.peaks or (0,)))
        most = texts[0] if len(texts) == 1 else f"max({', '.join(texts)})"
        return f"at most {most} bytes alive at once"

    def __str__(self) -> str:
        rows = self.rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]).rstrip()
            for first, *rest in rows
        ]
        return "\n".join([*lines, self.peak_text])

    def _repr_html_(self) -> str:
        return apply_view("cost", self)


_GUESS = 1000


def _sorted(shares: Iterable[Share]) -> dict[str, Share]:
    """The costliest first, as they are where every size is a thousand."""

    def key(share: Share) -> tuple[int, int]:
        dims = (share.flops, share.bytes)
        guess = {name: _GUESS for dim in dims for name in dim_names(dim)}
        return -evaluate(dims[0], guess), -evaluate(dims[1], guess)

    return {share.operation: share for share in sorted(shares, key=key)}


def cost_of(nodes: Sequence[Node], outputs: Sequence[Node]) -> Cost:
    """The cost of nodes in an order in which they can be computed."""
    shares: dict[str, Share] = {}
    flops: Dim = 0
    memory: Dim = 0
    for node in nodes:
        if not node.inputs and node.op.work(node) == 0:
            continue
        name = node.op.name
        own, made = node.op.flops(node), node.op.allocated(node)
        known = shares.get(name) or Share(name, 0, 0, 0)
        shares[name] = Share(name, known.count + 1, known.flops + own, known.bytes + made)
        flops, memory = flops + own, memory + made
    used = (share for share in shares.values() if share.operation != "item")
    return Cost(flops, memory, _peaks(nodes, outputs), _sorted(used))


def _peaks(nodes: Sequence[Node], outputs: Sequence[Node]) -> tuple[Dim, ...]:
    """The bytes alive after each step, without those that another step exceeds."""
    holders: dict[Node, frozenset[Node]] = {}
    last: dict[Node, int] = {}
    for place, node in enumerate(nodes):
        below = [holders[operand] for operand in node.inputs]
        for held in below:
            last |= dict.fromkeys(held, place)
        is_view = isinstance(made := node.op.allocated(node), int) and made == 0
        # A view keeps alive what it is a view of.
        holders[node] = frozenset[Node]().union(*below) if is_view else frozenset((node,))
    for node in outputs:
        last |= dict.fromkeys(holders[node], len(nodes))
    ending: dict[int, list[Node]] = {}
    for node, place in last.items():
        ending.setdefault(place, []).append(node)
    alive: Dim = 0
    found: dict[Dim, None] = {}
    for place, node in enumerate(nodes):
        if node in holders[node]:
            alive = alive + nbytes(node.result_type)
            found[alive] = None
        for ended in ending.get(place, ()):
            alive = alive - nbytes(ended.result_type)
    return greatest(found)
