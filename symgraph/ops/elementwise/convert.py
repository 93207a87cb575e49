"""Conversion of the dtype, and the barrier that no derivative passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError
from symgraph.graph.code import Code, Scope, call, method
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.types import TensorType, Type, as_dtype
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.elementwise.parts import real
from symgraph.ops.kinds import Linear, any_node


@record
class AsType(OnTrailingAxes, Linear):
    """Conversion of the dtype."""

    dtype: np.dtype[Any]
    name: ClassVar[str] = "astype"
    core: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *types: TensorType) -> Type:
        """The same shape."""
        return types[0].with_dtype(self.dtype)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """The method; Python's numbers have none."""
        if args[0].literal or (node.ndim == 0 and node.inputs[0].dtype.kind == "b"):
            return call(f"np.{self.dtype.name}", *args)
        dtype = "bool" if self.dtype.kind == "b" else f"np.{self.dtype.name}"
        return method(args[0], "astype", dtype)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Back to the operand's dtype; of what became complex only the real part varied."""
        dtype = node.inputs[0].dtype
        narrowed = real(cotangent) if dtype.kind != "c" else cotangent
        return (astype(narrowed, dtype),)

    def support(self, node: Node, masks: Sequence[Node | None]) -> Node | None:
        """A mask is its own support."""
        return node.inputs[0] if node.inputs[0].dtype.kind == "b" else masks[0]

    def work(self, node: Node) -> float:
        """A copy."""
        return 0.4


@builder(np.astype)
def astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    """The values in another dtype.

    Parameters
    ----------
    x : array_like
    dtype : data-type
    copy : bool, optional
        Accepted as NumPy does; values are immutable, so it makes no difference.
    """
    wanted = as_dtype(dtype)
    if not any_node(x):
        return np.asarray(x).astype(wanted)
    node = as_node(x)
    if node.dtype == wanted:
        return node
    if node.dtype.kind == "c" and wanted.kind != "c":
        raise DTypeError(
            "a complex value cannot become real by astype",
            expected="a complex dtype",
            got=str(wanted),
            hint="np.real(x).astype(...)",
        )
    return make(AsType(wanted), node)


@record
class StopGradient(OnTrailingAxes, Linear):
    """The value itself, with derivative zero."""

    name: ClassVar[str] = "stop_gradient"
    core: ClassVar[tuple[int, ...]] = (0,)
    linear: ClassVar[tuple[int, ...] | None] = ()
    views: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """Nothing to write."""
        return args[0]

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """No operand varies."""
        return ()

    def decompose(self, *inputs: Node) -> Node | None:
        """The operand: after differentiation the barrier has done its work."""
        return inputs[0]


@builder()
def stop_gradient(x: Any) -> Any:
    """`x`, treated as a constant by every derivative.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x")
    >>> f = sg.function([x], sg.grad(x * sg.stop_gradient(x), x))
    >>> float(f(3.0))
    3.0
    """
    return make(StopGradient(), as_node(x))
