"""Element-wise functions with several results: ``modf``, ``frexp``, and SciPy's of the kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np

from symgraph.graph.code import Code, Scope, call
from symgraph.graph.leaves import Item
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.registry import builder, complete
from symgraph.graph.types import TensorType, TupleType, Type, broadcast_shapes
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.elementwise.choice import full_like
from symgraph.ops.elementwise.rounding import floor_divide, ldexp, remainder
from symgraph.ops.kinds import (
    Example,
    Structured,
    any_node,
    library_ufunc,
    loop_dtypes,
)

Slope: TypeAlias = Callable[[Sequence[Node], Node], Node]
"""From the results and the operand to the derivative of one result."""


class Several(OnTrailingAxes, Structured):
    """A ufunc of one operand with several results.

    Parameters
    ----------
    path : str
        Its full name: ``"np.modf"``, ``"scipy.special.sici"``.
    slopes : sequence of callable
        For each result, from ``(results, operand)`` to its derivative; ``None`` for zero.
    """

    core: ClassVar[tuple[int, ...]] = (0,)

    def __init__(self, path: str, slopes: Sequence[Slope | None]) -> None:
        self.path = path
        self.name = path.rpartition(".")[2]  # pyright: ignore[reportAttributeAccessIssue]
        self.slopes = slopes

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<elementwise {self.name}>"

    def __reduce__(self) -> tuple[object, ...]:
        return (_by_name, (self.name,))

    @cached_property
    def ufunc(self) -> np.ufunc:
        """The function; SciPy's is imported now."""
        module, _, name = self.path.rpartition(".")
        return library_ufunc(self.path if module != "np" else f"numpy.{name}")

    def infer(self, *types: TensorType) -> Type:
        """The same shape for each result."""
        shape = broadcast_shapes(*[t.shape for t in types], what=self.name)
        loop = loop_dtypes(self.ufunc, tuple([t.dtype for t in types]), self.name)
        return TupleType(tuple([TensorType(dtype, shape) for dtype in loop[self.ufunc.nin :]]))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """A call."""
        module, _, name = self.path.rpartition(".")
        return call(f"{module if module == 'np' else scope.imports(module)}.{name}", *args)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """Each result's derivative times the tangent."""
        (tangent,) = tangents
        assert tangent is not None
        results = items(node)
        found: list[Node | None] = []
        for result, slope in zip(results, self.slopes, strict=True):
            change = None if slope is None else slope(results, node.inputs[0]) * tangent
            if change is not None and change.dtype != result.dtype:
                change = change.astype(result.dtype)
            found.append(change)
        return found


def items(node: Node) -> tuple[Node, ...]:
    """The results of a node that has several."""
    kind = node.result_type
    assert isinstance(kind, TupleType)
    return tuple([make(Item(i), node) for i in range(len(kind.items))])


SEVERAL: dict[str, Several] = {}
"""Every such operation by name."""


def _by_name(name: str) -> Several:
    if name not in SEVERAL:
        complete()
    return SEVERAL[name]


def several(path: str, *slopes: Slope | None, doc: str) -> Callable[[Any], Any]:
    """Declare an element-wise function with several results, and get the public function."""
    op = Several(path, slopes)
    SEVERAL[op.name] = op

    def function(x: Any) -> Any:
        return items(make(op, as_node(x))) if any_node(x) else op.ufunc(x)

    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = (
        f"{doc}\n\nParameters\n----------\nx : array_like\n\n"
        f"Returns\n-------\ntuple of Node\n    As ``{path}``.\n"
    )
    return builder(name=op.name)(function)


modf = several(
    "np.modf",
    lambda r, x: full_like(r[0], 1),
    None,
    doc="Fractional and integral part; the derivative of the second is 0.",
)
frexp = several(
    "np.frexp",
    lambda r, x: ldexp(full_like(x, 1), -r[1]),
    None,
    doc="Mantissa and exponent with ``x = mantissa * 2**exponent``; the exponent is constant.",
)


@builder(name="divmod")
def divmod(x1: Any, x2: Any) -> Any:
    """Quotient and remainder, as ``np.divmod``: `floor_divide` and `remainder`.

    Parameters
    ----------
    x1, x2 : array_like
        Broadcast against each other.
    """
    if not any_node(x1, x2):
        return np.divmod(x1, x2)
    return floor_divide(x1, x2), remainder(x1, x2)


# Examples for the tests ------------------------------------------------------------------------

_VALUES = np.array([[1.25, -2.5, 0.3], [7.0, -0.125, 100.7]])

EXAMPLES: dict[str, list[Example]] = {
    "modf": [
        Example(np.modf, (_VALUES,)),
        Example(np.modf, (_VALUES.astype(np.float32),)),
        Example(lambda x: np.modf(x)[0], (np.float64(-2.75),)),
        Example(np.modf, (np.arange(3),)),
    ],
    "frexp": [Example(np.frexp, (_VALUES,)), Example(np.frexp, (_VALUES.astype(np.float32),))],
    "divmod": [
        Example(np.divmod, (_VALUES, np.array([0.7, -0.7, 3.0]))),
        Example(divmod, (np.array([7, -7, 5]), np.array([2, 3, -3])), np.divmod),
    ],
}
