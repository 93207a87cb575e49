"""Trees: nested dicts, lists, tuples and named tuples of leaves, taken apart and put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from symgraph.errors import InputError
from symgraph.graph.record import record

__all__ = ["Tree", "flatten", "leaf_paths", "tree_map", "unflatten"]


@record
class Tree:
    """The form of a tree without its leaves.

    Attributes
    ----------
    kind : type or None
        Class of the container, or ``None`` for a leaf.
    keys : tuple
        Keys of a dict, in its order.
    children : tuple of Tree
    """

    kind: type[Any] | None = None
    keys: tuple[Any, ...] = ()
    children: tuple[Tree, ...] = ()

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return 1 if self.kind is None else sum(child.leaves for child in self.children)


LEAF = Tree()


def flatten(value: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Tree]:
    """The leaves of a tree, in order, and its form.

    Parameters
    ----------
    value : tree
        Anything that is not a dict, list or tuple is a leaf; so is ``None``.
    is_leaf : callable, optional
        What else is a leaf, although it is a container.

    Examples
    --------
    >>> leaves, form = flatten({"w": [1, 2], "b": (3,)})
    >>> leaves, unflatten(form, [x * 10 for x in leaves])
    ([1, 2, 3], {'w': [10, 20], 'b': (30,)})
    """
    if is_leaf is not None and is_leaf(value):
        return [value], LEAF
    kind = cast("type[Any]", type(value))
    if isinstance(value, dict):
        table = cast("dict[Any, Any]", value)
        keys: tuple[Any, ...] = tuple(table)
        items: Iterable[Any] = table.values()
    elif isinstance(value, list | tuple):
        keys, items = (), cast("Iterable[Any]", value)
    else:
        return [value], LEAF
    leaves: list[Any] = []
    children: list[Tree] = []
    for item in items:
        below, form = flatten(item, is_leaf)
        leaves += below
        children.append(form)
    return leaves, Tree(kind, keys, tuple(children))


def unflatten(form: Tree, leaves: Iterable[Any]) -> Any:
    """A tree of this form with these leaves.

    Raises
    ------
    InputError
        If the number of leaves is wrong.
    """
    stream = iter(leaves)
    result = _build(form, stream)
    if next(stream, stream) is not stream:
        raise InputError("too many leaves for a tree", expected=f"{form.leaves} leaves")
    return result


def _build(form: Tree, stream: Iterator[Any]) -> Any:
    if form.kind is None:
        for leaf in stream:
            return leaf
        raise InputError("too few leaves for a tree")
    items = [_build(child, stream) for child in form.children]
    kind: Any = form.kind
    if issubclass(kind, dict):
        return cast("Any", kind)(zip(form.keys, items, strict=True))
    if hasattr(kind, "_fields"):
        return kind(*items)
    return kind(items)


def leaf_paths(form: Tree, prefix: str = "") -> list[str]:
    """A readable path for every leaf: ``w``, ``layers_0_b``.

    Examples
    --------
    >>> leaf_paths(flatten({"w": [1, 2], "b": 3})[1])
    ['w_0', 'w_1', 'b']
    """
    if form.kind is None:
        return [prefix]
    names = getattr(form.kind, "_fields", None) or form.keys or range(len(form.children))
    paths: list[str] = []
    for name, child in zip(names, form.children, strict=True):
        paths += leaf_paths(child, f"{prefix}_{name}" if prefix else str(name))
    return paths


def tree_map(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with `function` applied to every leaf."""
    leaves, form = flatten(tree)
    return unflatten(form, [function(leaf) for leaf in leaves])
