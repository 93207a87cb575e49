"""The base of all operations: what the layers above may ask of any of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from symgraph.graph.amounts import elements, nbytes
from symgraph.graph.code import Code, Scope
from symgraph.graph.links import Link
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type

if TYPE_CHECKING:
    from symgraph.graph.node import Node

__all__ = ["Op"]


class Op:
    """An operation with its static attributes.

    A subclass is a frozen dataclass whose fields are the attributes; two operations are one if
    class and fields are equal. A subclass gives, in this order: type inference, its NumPy text,
    derivative (see the kinds in `symgraph.ops.kinds`), batching, facts, cost and formula.
    """

    name: ClassVar[str] = ""
    """The name in listings, rules and error messages: NumPy's where NumPy has one."""

    views: ClassVar[tuple[int, ...]] = ()
    """Operands whose memory the result may share."""

    def infer(self, *types: TensorType) -> Type:
        """Type of the result; raises `ShapeError` or `DTypeError`."""
        raise NotImplementedError(type(self).__name__)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """The NumPy expression for `node`, an application of this operation."""
        raise NotImplementedError(type(self).__name__)

    def in_place(
        self, node: Node, operand: int, target: str, args: Sequence[Code], scope: Scope
    ) -> str | None:
        """A statement that leaves the result in `target`, which holds the operand's values.

        ``None`` where the operation cannot do that with this operand. `target` has the type of
        the result, and nothing else refers to its memory.
        """
        return None

    def into(self, node: Node, target: str, args: Sequence[Code], scope: Scope) -> Code | None:
        """The expression of `code` that leaves its result in `target` as well (``out=target``).

        ``None`` where the operation cannot. `target` is an array of the result's type that may
        be an operand, or overlap one.
        """
        return None

    def block(
        self, node: Node, targets: Sequence[str], args: Sequence[str], scope: Scope
    ) -> list[str] | None:
        """Statements that assign the results to `targets`, for what is no expression (a loop).

        ``None`` where `code` or `in_place` says it all.
        """
        return None

    readonly: ClassVar[bool] = False
    """Whether the result is a view that cannot be written to (``np.broadcast_to``)."""

    free: ClassVar[bool] = False
    """Costs nothing and reads like a name (``x.T``): written again wherever it is used."""

    def is_blank(self, node: Node) -> bool:
        """Whether it makes an array of one known number: made anew wherever one is wanted."""
        return False

    def opening(self, node: Node) -> Collection[int]:
        """The operands that a block writes once, before all else: they need no name."""
        return ()

    def views_of(self, index: int) -> Collection[int] | None:
        """The operands whose memory one of several results may share.

        ``None`` if it may share that of another result, and of what `views` says.
        """
        return None

    analytic: ClassVar[bool] = False
    """Whether its text, given complex operands, computes the analytic continuation."""

    shift: ClassVar[str] = ""
    """What a number does that is added to all elements along the axes it works along: it is
    ``"added"`` to the result, or does ``"nothing"``; empty where no such law is known."""

    wraps: ClassVar[bool] = False
    """Only stands for its expansion until derivatives are taken: what it hides is simplified with
    the rest of the graph."""

    mutates: ClassVar[bool] = False
    """Written only with `in_place` on a copy of its first operand (scatter)."""

    note: ClassVar[str] = ""
    """What `explain` has to say of it."""

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """`node`, with some of its operands replaced by stacks of them.

        Parameters
        ----------
        node : Node
            The application to one set of operands; tells their types.
        operands : sequence of Node
            Those that are mapped have one axis more than ``node.inputs`` has, in front.
        mapped : sequence of bool
            For each operand whether it is a stack; at least one is.
        size : size
            The length of the stacks, an int or symbolic.

        Returns
        -------
        node, or tuple of node for an operation with several results
            Each with the batch as its first axis. ``None`` where there is no batched form: a
            loop takes its place.
        """
        return None

    def support(self, node: Node, masks: Sequence[Node | None]) -> Node | None:
        """A mask outside which the value of `node` is exactly zero; ``None`` if none is known.

        Parameters
        ----------
        node : Node
        masks : sequence of Node or None
            Such masks of the operands, of their shapes or of shapes that broadcast to them.
        """
        return None

    def links(self, node: Node, operand: int) -> Sequence[Link] | None:
        """Which elements of an operand go to which of the result, where that is all it does.

        Parameters
        ----------
        node : Node
        operand : int

        Returns
        -------
        sequence of Link
            Every element of the result is the sum of what is linked to it, each times its
            factors. ``None`` where that does not describe it, or not in places that are affine.
        """
        return None

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """For each axis of a result the axis of an operand that it runs along with, if any.

        Slices along such axes are computed each by itself. `result` is the type of the result,
        or of one of several.
        """
        return (None,) * result.ndim

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Two values between which the elements lie, from those of the operands."""
        return -inf, inf

    def mirrored(self, node: Node) -> Node | None:
        """The same value by the same operation of other operands: where both are, one is enough."""
        return None

    def decompose(self, *inputs: Node) -> Node | None:
        """The same value by other operations, or ``None`` if NumPy has this one itself."""
        return None

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """Sizes that must not be negative for a call to be valid (``n - 1`` of ``x[1:]``)."""
        return ()

    def work(self, node: Node) -> float:
        """Cost in nanoseconds an element of the result, roughly; 0 for a view."""
        return 0.0 if self.views else 1.0

    def flops(self, node: Node) -> Dim:
        """How many operations on numbers it takes: see `Cost`. By default one an element."""
        return 0 if self.work(node) == 0 else elements(node.result_type)

    def allocated(self, node: Node) -> Dim:
        """The bytes of the arrays that it makes: none for a view, and for what exists before."""
        return 0 if self.work(node) == 0 else nbytes(node.result_type)

    def variable(self, index: int) -> str:
        """What a variable should be called that takes one of several results."""
        return f"{self.name}_{index}"

    suffix: ClassVar[str] = ""
    """What the name of the result has behind that of the operand: ``x_0`` for ``x[0]``."""

    @property
    def label(self) -> str:
        """The name with the attributes that a reader needs, as listings show it."""
        defaults: dict[str, object] = getattr(self, "record_defaults", {})
        shown = [
            f"{name}={getattr(self, name)}"
            for name in getattr(self, "__match_args__", ())
            if name not in defaults or getattr(self, name) != defaults[name]
        ]
        return f"{self.name}[{', '.join(shown)}]" if shown else self.name
