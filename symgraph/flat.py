"""A compiled function as one of a flat vector, as optimizers take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from symgraph.calling import Argument, top_names
from symgraph.errors import InputError
from symgraph.graph.tree import Tree, flatten, unflatten

__all__ = ["FlatFunction"]


class FlatFunction:
    """A function of one flat float64 vector; see `Function.flat`.

    Parameters
    ----------
    inner : callable
        Takes the arguments, and returns the value or the value and gradients.
    arguments : sequence of Argument
    form : Tree
        Of the arguments.
    gradients : mapping or None
        Which result is the gradient by which argument; ``None`` if the value is the only result.
    example : tree
        Values of the arguments that vary.
    fixed : mapping
        The other arguments.
    """

    def __init__(
        self,
        inner: Callable[..., Any],
        arguments: Sequence[Argument],
        form: Tree,
        gradients: Mapping[int, int] | None,
        example: Any,
        fixed: Mapping[str, Any],
    ) -> None:
        self._inner = inner
        names = top_names(arguments, form)
        table = cast("dict[Any, Any]", example) if isinstance(example, dict) else None
        self._keys: list[str] | None = None
        branches: list[Any]
        if table is not None and set(table) <= set(names):
            self._keys = list(table)
            branches = list(table.values())
        else:
            several = isinstance(example, list | tuple)
            branches = list(cast("Sequence[Any]", example)) if several else [example]
        flat = [flatten(branch) for branch in branches]
        self._forms = [form for _, form in flat]
        arrays = [np.asarray(leaf, dtype=np.float64) for leaves, _ in flat for leaf in leaves]
        self._shapes = [array.shape for array in arrays]
        self._fixed = dict(fixed)
        self.x0 = np.concatenate([array.ravel() for array in arrays]) if arrays else np.zeros(0)
        self._order: list[int] = []
        if gradients is not None:
            self._order = self._gradient_order(arguments, form, gradients)

    def _gradient_order(
        self, arguments: Sequence[Argument], form: Tree, gradients: Mapping[int, int]
    ) -> list[int]:
        """Positions of the gradients among the results, in the order of the vector."""
        names = top_names(arguments, form)
        children = form.children if form.kind is not None else (form,)
        starts = np.cumsum([0, *[child.leaves for child in children]])
        picked = (
            range(len(children)) if self._keys is None else [names.index(k) for k in self._keys]
        )
        leaves = [i for p in picked for i in range(starts[p], starts[p + 1])]
        missing = [arguments[i].name for i in leaves if i not in gradients]
        if missing:
            raise InputError(
                f"the results hold no gradient by {', '.join(missing)}",
                hint="fix it by keyword, or compile its gradient as well",
            )
        return [gradients[i] for i in leaves]

    def tree(self, vector: Any) -> Any:
        """The arguments that a vector stands for, in the form of the example."""
        vector = np.asarray(vector, dtype=np.float64)
        if vector.shape != self.x0.shape:
            raise InputError(
                "the vector has the wrong length",
                expected=str(self.x0.shape),
                got=str(vector.shape),
            )
        leaves: list[Any] = []
        start = 0
        for shape in self._shapes:
            stop = start + int(np.prod(shape))
            leaves.append(vector[start:stop].reshape(shape))
            start = stop
        branches: list[Any] = []
        for form in self._forms:
            branches.append(unflatten(form, leaves[: form.leaves]))
            leaves = leaves[form.leaves :]
        return branches if self._keys is None else dict(zip(self._keys, branches, strict=True))

    def __call__(self, vector: Any) -> Any:
        """The value, or ``(value, gradient)`` if gradients are among the results."""
        values = self.tree(vector)
        result = (
            self._inner(*values, **self._fixed)
            if self._keys is None
            else self._inner(**values, **self._fixed)
        )
        leaves, _ = flatten(result)
        if not self._order:
            return float(leaves[0]) if np.ndim(leaves[0]) == 0 else np.ravel(leaves[0])
        gradient = [np.ravel(leaves[place]) for place in self._order]
        return float(leaves[0]), np.concatenate(gradient).astype(np.float64, copy=False)
