"""What distributions share: parameters, location and scale, the support and its outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeAlias, cast

import numpy as np

from symgraph.errors import DTypeError, InputError
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node
from symgraph.ops.calls import evaluated
from symgraph.ops.elementwise import astype, exp, floor, log, log1p, where
from symgraph.ops.kinds import Example
from symgraph.ops.promotion import promote, weak_nodes

__all__ = ["Continuous", "Discrete", "Distribution", "Frozen", "Function", "example"]

# One form for each number of operands, so that the types of lambda's parameters are known.
Function: TypeAlias = (
    Callable[[Node], Node]
    | Callable[[Node, Node], Node]
    | Callable[[Node, Node, Node], Node]
    | Callable[[Node, Node, Node, Node], Node]
)
"""Of the standardised variable and of the shape parameters."""

Conditions: TypeAlias = (
    Callable[[Node], list[Node | None]]
    | Callable[[Node, Node], list[Node | None]]
    | Callable[[Node, Node, Node], list[Node | None]]
)
"""From the shape parameters to what they must fulfil; ``None`` for what they do."""

_Any: TypeAlias = "Callable[..., Any]"

_SUMMARIES = {
    "pdf": "Density",
    "logpdf": "Logarithm of the density",
    "pmf": "Probability of a value",
    "logpmf": "Logarithm of the probability of a value",
    "cdf": "Probability of a value that is not larger",
    "logcdf": "Logarithm of the probability of a value that is not larger",
    "sf": "Probability of a larger value",
    "logsf": "Logarithm of the probability of a larger value",
    "ppf": "Value that is not exceeded with a given probability: the inverse of `cdf`",
    "isf": "Value that is exceeded with a given probability: the inverse of `sf`",
}


class Distribution:
    """A distribution with the methods, parameters and defaults that SciPy gives it.

    Each method takes the variable, the shape parameters, `loc` and, for a continuous variable,
    `scale`, which broadcast against each other. Called with parameters alone a distribution
    remembers them: ``norm(2.0, 3.0).logpdf(x)``. Parameters outside their range give NaN.

    A density is the exponential of its logarithm: where that is -inf at a bound of the support,
    the derivative of the density is NaN there.

    Attributes
    ----------
    name : str
    shapes : tuple of str
        Names of the shape parameters, in their order.
    methods : tuple of str
    """

    methods: tuple[str, ...] = ()
    located: tuple[tuple[str, float], ...] = ()

    def __init__(self, name: str, shapes: str, methods: tuple[str, ...] = ()) -> None:
        self.name = name
        self.methods = methods or self.methods
        self.shapes = tuple(shapes.split())
        self.__doc__ = f"{name}: {', '.join(self.methods)}, as ``scipy.stats.{name}``."
        for method in self.methods:
            setattr(self, method, self._public(method))

    def _public(self, method: str) -> Callable[..., Any]:
        def function(x: Any, *args: Any, **keywords: Any) -> Any:
            return self._compute(method, x, self.parameters(args, keywords))

        function.__name__ = method
        function.__qualname__ = f"{self.name}.{method}"
        function.__doc__ = (
            f"{_SUMMARIES[method]}, as ``scipy.stats.{self.name}.{method}``.\n\n"
            "Parameters\n----------\n"
            f"x : array_like\n*args, **keywords\n    {', '.join(self.parameters_text())}.\n"
        )
        return evaluated(name=f"{self.name}_{method}")(function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"{self.name} has no {name!r}: a graph has {', '.join(self.methods)}; "
            f"scipy.stats.{self.name} has the rest"
        )

    def __call__(self, *args: Any, **keywords: Any) -> Frozen:
        """This distribution with its parameters."""
        return Frozen(self, self.parameters(args, keywords))

    def __repr__(self) -> str:
        return f"<distribution {self.name}({', '.join(self.parameters_text())})>"

    def parameters_text(self) -> list[str]:
        """The parameters as a signature shows them."""
        return [*self.shapes, *[f"{name}={value:g}" for name, value in self.located]]

    def parameters(self, args: Sequence[Any], keywords: dict[str, Any]) -> list[Any]:
        """The values of all parameters, in their order.

        Raises
        ------
        InputError
            If one is missing, given twice, or has no such name.
        """
        names = [*self.shapes, *[name for name, _ in self.located]]
        given = dict(zip(names, args, strict=False))
        wrong = [*[n for n in keywords if n not in names or n in given], *args[len(names) :]]
        missing = [n for n in self.shapes if n not in given and n not in keywords]
        if wrong or missing:
            raise InputError(
                f"{self.name}: parameters",
                expected=", ".join(self.parameters_text()),
                got=", ".join(map(str, [*given, *keywords, *args[len(names) :]])) or "none",
            )
        values = {**dict(self.located), **given, **keywords}
        return [values[name] for name in names]

    def _compute(self, method: str, x: Any, parameters: list[Any]) -> Any:
        raise NotImplementedError(type(self).__name__)


class Frozen:
    """A distribution with its parameters: ``norm(2.0, 3.0).logpdf(x)``."""

    def __init__(self, distribution: Distribution, parameters: list[Any]) -> None:
        self._distribution = distribution
        self._parameters = parameters

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        method = getattr(self._distribution, name)
        return lambda x: method(x, *self._parameters)

    def __repr__(self) -> str:
        return f"<{self._distribution!r} of {', '.join(map(repr, self._parameters))}>"


def floats(values: Sequence[Any], what: str) -> list[Node]:
    """Nodes of one floating dtype: that of the floating values; integers adapt to it.

    Raises
    ------
    DTypeError
        For complex values.
    """
    nodes = weak_nodes([float(v) if type(v) is int else v for v in values], what)
    known = [n.dtype for n, v in zip(nodes, values, strict=True) if not isinstance(v, int | float)]
    floating = [dtype for dtype in known if dtype.kind not in "biu"]
    dtype = promote(floating) if floating else np.dtype(np.float64)
    if dtype.kind != "f":
        raise DTypeError(f"{what} of complex values", expected="real ones", got=str(dtype))
    return [node if node.dtype == dtype else astype(node, dtype) for node in nodes]


def _all(conditions: Sequence[Node | None]) -> Node | None:
    found: Node | None = None
    for condition in conditions:
        if condition is not None:
            found = condition if found is None else found & condition
    return found


def positive(node: Node) -> Node | None:
    """The condition that a parameter is positive; ``None`` if it is known to be."""
    known = isinstance(node.op, Constant) and bool(np.all(node.op.value > 0))
    return None if known else node > 0


def _valid(condition: Node | None, result: Node) -> Node:
    return result if condition is None else where(condition, result, np.nan)


def _log_of(p: Node, rest: Node) -> Node:
    """The logarithm of a probability p = 1 - rest, without loss where it is next to 1."""
    return where(p < 0.5, log(p), log1p(-rest))


class Continuous(Distribution):
    """With a density.

    Parameters
    ----------
    logpdf, cdf, sf : callable
        Of the standardised variable and the shape parameters.
    low, high : float
        The support of the standardised variable.
    inner : float
        A number inside.
    open : bool
        Whether `low` itself has no density, and the formula no value there.
    valid : callable, optional
        From the shape parameters to the conditions that they must fulfil; by default each is
        positive.
    logcdf, logsf : callable, optional
        Where there is more than the logarithms of `cdf` and `sf`.
    ppf, isf : callable, optional
        The inverses of `cdf` and `sf`, of a probability and the shape parameters.
    bounds : callable, optional
        The support of the standardised variable, where it depends on the shape parameters.
    """

    methods = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")
    located = (("loc", 0.0), ("scale", 1.0))

    def __init__(
        self,
        name: str,
        shapes: str,
        logpdf: Function,
        cdf: Function | None = None,
        sf: Function | None = None,
        *,
        low: float = -np.inf,
        high: float = np.inf,
        inner: float = 0.5,
        open: bool = False,
        valid: Conditions | None = None,
        logcdf: Function | None = None,
        logsf: Function | None = None,
        ppf: Function | None = None,
        isf: Function | None = None,
        bounds: Callable[[Node, Node], tuple[Node, Node]] | None = None,
    ) -> None:
        methods = ("pdf", "logpdf") if cdf is None else self.methods
        methods += () if ppf is None else ("ppf",)
        super().__init__(name, shapes, methods + (() if isf is None else ("isf",)))
        self._inverse = cast("dict[str, _Any | None]", {"ppf": ppf, "isf": isf})
        self._bounds = bounds
        self._log_density, self._cdf, self._sf = (cast("_Any", f) for f in (logpdf, cdf, sf))
        self._low, self._high, self._inner = low, high, inner
        self._open, self._conditions = open, cast("_Any | None", valid)
        self._special = cast("dict[str, _Any | None]", {"logcdf": logcdf, "logsf": logsf})

    def _compute(self, method: str, x: Any, parameters: list[Any]) -> Any:
        value, *shapes, loc, scale = floats([x, *parameters], f"{self.name}.{method}")
        unshifted = isinstance(parameters[-2], int | float) and parameters[-2] == 0
        unscaled = isinstance(parameters[-1], int | float) and parameters[-1] == 1
        checks = self._conditions(*shapes) if self._conditions else [positive(s) for s in shapes]
        inverse = self._inverse.get(method)
        if inverse is not None:
            inside = (value >= 0) & (value <= 1)
            y = inverse(where(inside, value, 0.5), *shapes)
            y = y if unscaled else y * scale
            y = y if unshifted else y + loc
            return _valid(_all([*checks, positive(scale), inside]), y)
        y = value if unshifted else value - loc
        y = y if unscaled else y / scale
        if method in ("pdf", "logpdf"):
            density = self._inside(y, shapes, None if unscaled else scale)
            # The logarithm of a scale that is not positive is NaN already, but for the outside.
            checks += [positive(scale)] if self._bounded else []
            return _valid(_all(checks), exp(density) if method == "pdf" else density)
        return _valid(_all([*checks, positive(scale)]), self._cumulative(method, y, shapes))

    @property
    def _bounded(self) -> bool:
        return bool(np.isfinite(self._low) or np.isfinite(self._high) or self._bounds)

    def _ends(self, shapes: list[Node]) -> list[Any]:
        """The ends of the support; ``None`` for one that is infinite."""
        if self._bounds is not None:
            first, second = shapes
            return list(self._bounds(first, second))
        return [end if np.isfinite(end) else None for end in (self._low, self._high)]

    def _inside(self, y: Node, shapes: list[Node], scale: Node | None) -> Node:
        outside: Node | None = None
        below = y.__le__ if self._open else y.__lt__
        for beyond, bound in zip((below, y.__gt__), self._ends(shapes), strict=True):
            if bound is not None:
                outside = beyond(bound) if outside is None else outside | beyond(bound)
        safe = y if outside is None else where(outside, self._inner, y)
        found = self._log_density(safe, *shapes)
        found = found if scale is None else found - log(scale)
        return found if outside is None else where(outside, -np.inf, found)

    def _cumulative(self, method: str, y: Node, shapes: list[Node]) -> Node:
        low, high = self._ends(shapes)
        y = y if low is None else where(y < low, low, y)
        y = y if high is None else where(y > high, high, y)
        special = self._special.get(method)
        if special is not None:
            return special(y, *shapes)
        p = (self._cdf if method.endswith("cdf") else self._sf)(y, *shapes)
        if not method.startswith("log"):
            return p
        return _log_of(p, (self._sf if method == "logcdf" else self._cdf)(y, *shapes))


class Discrete(Distribution):
    """Of integers, from `low` to what `high` makes of the shape parameters."""

    methods = ("pmf", "logpmf", "cdf", "logcdf", "sf", "logsf")
    located = (("loc", 0.0),)

    def __init__(
        self,
        name: str,
        shapes: str,
        logpmf: Function,
        cdf: Function | None = None,
        sf: Function | None = None,
        *,
        valid: Conditions,
        low: float = 0.0,
        high: Function | None = None,
        logsf: Function | None = None,
    ) -> None:
        super().__init__(name, shapes, ("pmf", "logpmf") if cdf is None else ())
        self._log_sf, self._low = cast("_Any | None", logsf), low
        self._log_probability, self._cdf, self._sf = (cast("_Any", f) for f in (logpmf, cdf, sf))
        self._high, self._conditions = cast("_Any | None", high), cast("_Any", valid)

    def _compute(self, method: str, x: Any, parameters: list[Any]) -> Any:
        value, *shapes, loc = floats([x, *parameters], f"{self.name}.{method}")
        unshifted = isinstance(parameters[-1], int | float) and parameters[-1] == 0
        k = value if unshifted else value - loc
        whole = as_node(x).dtype.kind in "biu" and unshifted
        condition = _all(self._conditions(*shapes))
        if method in ("pmf", "logpmf"):
            found = self._inside(k, shapes, whole)
            return _valid(condition, exp(found) if method == "pmf" else found)
        found = self._cumulative(method, k if whole else floor(k), shapes)
        return _valid(condition, found)

    def _inside(self, k: Node, shapes: list[Node], whole: bool) -> Node:
        outside = k < self._low
        if self._high is not None:
            outside = outside | (k > self._high(*shapes))
        if not whole:
            # NaN is no integer, but neither is it outside.
            outside = outside | ((k != floor(k)) & (k == k))
        found = self._log_probability(where(outside, self._low, k), *shapes)
        return where(outside, -np.inf, found)

    def _cumulative(self, method: str, k: Node, shapes: list[Node]) -> Node:
        upper = method.endswith("sf")
        below = k < self._low
        end = None if self._high is None else k >= self._high(*shapes)
        outside = below if end is None else below | end
        safe = where(outside, self._low, k)
        p = (self._sf if upper else self._cdf)(safe, *shapes)
        if method == "logsf" and self._log_sf is not None:
            p = self._log_sf(safe, *shapes)
        elif method.startswith("log"):
            p = _log_of(p, (self._cdf if upper else self._sf)(safe, *shapes))
        nothing = -np.inf if method.startswith("log") else 0.0
        everything = 0.0 if method.startswith("log") else 1.0
        found = where(below, everything if upper else nothing, p)
        return found if end is None else where(end, nothing if upper else everything, found)


# Examples for the tests ------------------------------------------------------------------------


def example(
    found: Distribution, method: str, x: Any, shapes: tuple[Any, ...], held: int = 0
) -> Example:
    """A method at `x`, with a location and a scale, against SciPy's.

    The first `held` shapes are no operands.
    """
    name = found.name
    ends = (np.float64(-0.25), np.array([1.5, 1.25, 2.0])) if isinstance(found, Continuous) else ()
    known = shapes[:held]

    def call(x: Any, *rest: Any) -> Any:
        return getattr(found, method)(x, *known, *rest)

    def expected(x: Any, *rest: Any) -> Any:
        theirs = getattr(import_module("scipy.stats"), name)
        return np.asarray(getattr(theirs, method)(x, *known, *rest))

    return Example(call, (x, *shapes[held:], *ends), expected)
