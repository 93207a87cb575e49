"""The gamma function and what belongs to it: logarithm, polygamma, beta, incomplete functions.

Derivatives: DLMF 5.2, 5.12, 5.15, 8.8, 8.17. By the parameters of the incomplete functions they
have no closed form.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import DTypeError, UnsupportedError
from symgraph.graph.node import Node, as_node
from symgraph.graph.registry import builder
from symgraph.graph.types import as_count
from symgraph.ops.calls import evaluated
from symgraph.ops.elementwise import cos, exp, sin, where
from symgraph.ops.facts import Limit
from symgraph.ops.kinds import Example, NoDerivative, any_node, elementwise, library_ufunc
from symgraph.ops.promotion import weak_nodes
from symgraph.ops.special.common import ABOVE_ZERO, PROBABILITY, floating, special
from symgraph.ops.special.entropy import xlog1py, xlogy

__all__ = [
    "beta",
    "betainc",
    "betaincc",
    "betainccinv",
    "betaincinv",
    "betaln",
    "binom",
    "comb",
    "digamma",
    "factorial",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammainccinv",
    "gammaincinv",
    "gammaln",
    "gammasgn",
    "loggamma",
    "multigammaln",
    "perm",
    "poch",
    "polygamma",
    "psi",
    "rgamma",
    "zeta",
]

_POSITIVE = (0.3, 4.0)
_MODERATE = Limit(1e-150, 170.0, 1.0)

gammaln = special(
    "gammaln",
    partials=(lambda r, x: digamma(x),),
    formula="loggamma(x)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO,),
)
loggamma = special(
    "loggamma",
    dtypes=floating,
    partials=(lambda r, x: digamma(x),),
    formula="loggamma(x)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO,),
)
gamma = special(
    "gamma",
    dtypes=floating,
    partials=(lambda r, x: r * digamma(x),),
    formula="gamma(x)",
    domain=_POSITIVE,
    limits=(_MODERATE,),
)


def _rgamma_slope(r: Node, x: Node) -> Node:
    """By reflection for small x: ``r * digamma(x)`` is 0 * inf at 0, -1, -2 ..."""
    mirrored = where(x < 0.5, 1.0 - x, 0.5)
    turn = np.pi * where(x < 0.5, x, 0.5)
    left = gamma(mirrored) * (cos(turn) - sin(turn) * digamma(mirrored) / np.pi)
    return where(x < 0.5, left, -r * digamma(where(x < 0.5, 0.5, x)))


rgamma = special(
    "rgamma",
    dtypes=floating,
    partials=(_rgamma_slope,),
    formula="1 / gamma(x)",
    domain=_POSITIVE,
    limits=(Limit(-100.0, np.inf, 1.0),),
)
gammasgn = special("gammasgn", partials=(None,), domain=(-3.0, 3.0), bounds=(-1.0, 1.0))


digamma = special(
    "digamma",
    dtypes=floating,
    partials=(lambda r, x: zeta(2.0, x),),
    formula="digamma(x)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO,),
)
_polygamma = special(
    "polygamma",
    arity=2,
    dtypes=lambda n, x: np.dtype(np.float64),
    partials=(NoDerivative("the order of polygamma"), lambda r, n, x: polygamma(n + 1, x)),
    formula="polygamma(x, y)",
    kinds="if",
    domain=((0.0, 3.0), _POSITIVE),
    limits=(None, Limit(1e-10, 1e100, 1.0)),
    cost=150.0,
)
_zeta = special(
    "zeta",
    arity=2,
    dtypes=floating,
    partials=(
        NoDerivative("the exponent of zeta"),
        lambda r, s, q: -s * zeta(s + 1.0, q),
    ),
    formula="zeta(x, y)",
    domain=((1.5, 4.0), _POSITIVE),
    limits=(Limit(1.0 + 1e-10, 20.0, 2.0), Limit(1e-10, 1e100, 1.0)),
    cost=100.0,
)
_riemann_zeta = elementwise(
    "riemann_zeta",
    ufunc="scipy.special.zeta",
    dtypes=floating,
    partials=(NoDerivative("the argument of Riemann's zeta function"),),
    formula="zeta(x)",
    domain=(1.5, 4.0),
    limits=(Limit(1.0 + 1e-10, 1e300, 2.0),),
    cost=100.0,
    doc="Riemann's zeta function: `zeta` with one argument.",
)


@builder(name="psi")
def psi(x: Any) -> Any:
    """Logarithmic derivative of the gamma function, as ``scipy.special.psi``: `digamma`."""
    return digamma(x)


@builder(name="polygamma")
def polygamma(n: Any, x: Any) -> Any:
    """Derivative of order `n` of `digamma`, as ``scipy.special.polygamma``; always float64.

    Parameters
    ----------
    n : array_like of int
    x : array_like

    Raises
    ------
    DerivativeError
        When differentiated by a floating `n`.
    """
    return _polygamma(as_node(n), x) if any_node(n, x) else _polygamma(n, x)


@builder(name="zeta")
def zeta(x: Any, q: Any = None) -> Any:
    """Hurwitz's zeta function, or Riemann's without `q`, as ``scipy.special.zeta``.

    Parameters
    ----------
    x : array_like
    q : array_like, optional

    Raises
    ------
    DerivativeError
        When differentiated by `x`.
    """
    return _riemann_zeta(x) if q is None else _zeta(x, q)


@builder(name="_riemann_zeta")
@builder(name="_zeta")
def _called_by_scipy(*args: Any) -> Any:
    """The ufuncs that SciPy's ``zeta``, a function of Python, calls."""
    return zeta(*args)


@builder()
def multigammaln(a: Any, d: Any) -> Any:
    """Logarithm of the gamma function of dimension `d`, as ``scipy.special.multigammaln``.

    Parameters
    ----------
    a : array_like
        Above ``(d - 1) / 2``, which SciPy checks and a graph cannot.
    d : int
        The dimension: known when the graph is built.

    Raises
    ------
    DTypeError
        If `d` is not an integer.
    """
    if any_node(d) or d != int(d):
        raise DTypeError("multigammaln: the dimension", expected="an integer", got=repr(d))
    count = as_count(int(d), "multigammaln: the dimension")
    total = count * (count - 1) / 4.0 * float(np.log(np.pi))
    for j in range(count):
        total = gammaln(a - 0.5 * j) + total
    return total


beta = special(
    "beta",
    arity=2,
    partials=(
        lambda r, a, b: r * (digamma(a) - digamma(a + b)),
        lambda r, a, b: r * (digamma(b) - digamma(a + b)),
    ),
    formula="gamma(x) * gamma(y) / gamma(x + y)",
    domain=_POSITIVE,
    limits=(_MODERATE, _MODERATE),
    accuracy=1e-14,
)
betaln = special(
    "betaln",
    arity=2,
    partials=(
        lambda r, a, b: digamma(a) - digamma(a + b),
        lambda r, a, b: digamma(b) - digamma(a + b),
    ),
    formula="loggamma(x) + loggamma(y) - loggamma(x + y)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO, ABOVE_ZERO),
    accuracy=1e-13,
)
binom = special(
    "binom",
    arity=2,
    partials=(
        lambda r, n, k: r * (digamma(n + 1.0) - digamma(n - k + 1.0)),
        lambda r, n, k: r * (digamma(n - k + 1.0) - digamma(k + 1.0)),
    ),
    formula="gamma(x + 1) / gamma(y + 1) / gamma(x - y + 1)",
    domain=((3.2, 6.0), (0.3, 2.5)),
    limits=(Limit(0.0, 150.0, 1.0), Limit(0.0, 150.0, 1.0)),
    accuracy=1e-13,
)
poch = special(
    "poch",
    arity=2,
    partials=(
        lambda r, x, m: r * (digamma(x + m) - digamma(x)),
        lambda r, x, m: r * digamma(x + m),
    ),
    formula="gamma(x + y) / gamma(x)",
    domain=_POSITIVE,
    limits=(Limit(1e-150, 80.0, 1.0), Limit(0.0, 80.0, 1.0)),
    accuracy=1e-13,
)


@evaluated()
def factorial(n: Any, exact: bool = False) -> Any:
    """``gamma(n + 1)``, and 0 of negative numbers, as ``scipy.special.factorial``.

    Parameters
    ----------
    n : array_like
    exact : False
        Not supported: integers of any size are no array's.
    """
    _refuse_exact(exact, "factorial")
    node = as_node(n)
    value = node if node.type.inexact else node.astype(np.float64)
    return where(value < 0, 0.0, gamma(where(value < 0, 0.0, value) + 1.0))


@evaluated()
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """In how many ways k of N can be chosen, as ``scipy.special.comb``: `binom`, or 0.

    Parameters
    ----------
    N, k : array_like
        The result is 0 where one is negative, or k is larger than N.
    exact : False
        Not supported: integers of any size are no array's.
    repetition : bool, optional
        Whether one may be chosen several times.
    """
    _refuse_exact(exact, "comb")
    many, few = (_inexact(v) for v in weak_nodes((N, k), "comb"))
    if repetition:
        return where((many == 0) & (few == 0), 1.0, comb(many + few - 1.0, few))
    possible = (few <= many) & (few >= 0) & (many >= 0)
    return where(possible, binom(where(possible, many, 1.0), where(possible, few, 1.0)), 0.0)


@evaluated()
def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """In how many orders k of N can be taken, as ``scipy.special.perm``: a `poch`, or 0.

    Parameters
    ----------
    N, k : array_like
    exact : False
        Not supported: integers of any size are no array's.
    """
    _refuse_exact(exact, "perm")
    many, few = (_inexact(v) for v in weak_nodes((N, k), "perm"))
    possible = (few <= many) & (few >= 0) & (many >= 0)
    many, few = where(possible, many, 1.0), where(possible, few, 1.0)
    return where(possible, poch(many - few + 1.0, few), 0.0)


def _inexact(node: Node) -> Node:
    return node if node.type.inexact else node.astype(np.float64)


def _refuse_exact(exact: Any, what: str) -> None:
    if exact:
        raise UnsupportedError(f"{what}: exact=True", hint="math.comb and math.factorial of ints")


# Incomplete functions ---------------------------------------------------------------------------


def _gamma_density(a: Node, x: Node) -> Node:
    return exp(xlogy(a - 1.0, x) - x - gammaln(a))


def _beta_density(a: Node, b: Node, x: Node) -> Node:
    return exp(xlogy(a - 1.0, x) + xlog1py(b - 1.0, -x) - betaln(a, b))


_PROBABILITIES = (0.1, 0.9)
_UNTIL_ONE = Limit(0.0, 1.0, 0.5)
_NOT_NEGATIVE = Limit(0.0, np.inf, 1.0)

gammainc = special(
    "gammainc",
    arity=2,
    partials=(NoDerivative("the parameter a of gammainc"), lambda r, a, x: _gamma_density(a, x)),
    formula="lowergamma(x, y) / gamma(x)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO, _NOT_NEGATIVE),
    bounds=(0.0, 1.0),
    accuracy=2e-14,
    cost=100.0,
)
gammaincc = special(
    "gammaincc",
    arity=2,
    partials=(NoDerivative("the parameter a of gammaincc"), lambda r, a, x: -_gamma_density(a, x)),
    formula="uppergamma(x, y) / gamma(x)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO, _NOT_NEGATIVE),
    bounds=(0.0, 1.0),
    accuracy=2e-14,
    cost=100.0,
)
gammaincinv = special(
    "gammaincinv",
    arity=2,
    partials=(
        NoDerivative("the parameter a of gammaincinv"),
        lambda r, a, y: 1.0 / _gamma_density(a, r),
    ),
    domain=(_POSITIVE, _PROBABILITIES),
    limits=(ABOVE_ZERO, PROBABILITY),
    cost=500.0,
)
gammainccinv = special(
    "gammainccinv",
    arity=2,
    partials=(
        NoDerivative("the parameter a of gammainccinv"),
        lambda r, a, y: -1.0 / _gamma_density(a, r),
    ),
    domain=(_POSITIVE, _PROBABILITIES),
    limits=(ABOVE_ZERO, PROBABILITY),
    cost=500.0,
)
_BETA_PARAMETERS = (
    NoDerivative("the parameter a of an incomplete beta function"),
    NoDerivative("the parameter b of an incomplete beta function"),
)
_BETA_DOMAIN = (_POSITIVE, _POSITIVE, _PROBABILITIES)

betainc = special(
    "betainc",
    arity=3,
    partials=(*_BETA_PARAMETERS, lambda r, a, b, x: _beta_density(a, b, x)),
    formula="betainc(x, y, 0, z) / beta(x, y)",
    domain=_BETA_DOMAIN,
    limits=(ABOVE_ZERO, ABOVE_ZERO, _UNTIL_ONE),
    bounds=(0.0, 1.0),
    accuracy=2e-14,
    cost=200.0,
)
betaincc = special(
    "betaincc",
    arity=3,
    partials=(*_BETA_PARAMETERS, lambda r, a, b, x: -_beta_density(a, b, x)),
    formula="betainc(x, y, z, 1) / beta(x, y)",
    domain=_BETA_DOMAIN,
    limits=(ABOVE_ZERO, ABOVE_ZERO, _UNTIL_ONE),
    bounds=(0.0, 1.0),
    accuracy=2e-14,
    cost=200.0,
)
betaincinv = special(
    "betaincinv",
    arity=3,
    partials=(*_BETA_PARAMETERS, lambda r, a, b, y: 1.0 / _beta_density(a, b, r)),
    domain=_BETA_DOMAIN,
    limits=(ABOVE_ZERO, ABOVE_ZERO, PROBABILITY),
    cost=1000.0,
)
betainccinv = special(
    "betainccinv",
    arity=3,
    partials=(*_BETA_PARAMETERS, lambda r, a, b, y: -1.0 / _beta_density(a, b, r)),
    domain=_BETA_DOMAIN,
    limits=(ABOVE_ZERO, ABOVE_ZERO, PROBABILITY),
    cost=1000.0,
)

# Examples for the tests ------------------------------------------------------------------------

_VALUES = np.array([[2.25, 3.5, 4.3], [2.0, 3.125, 5.7]])


def _scipy(name: str, *args: Any) -> Any:
    return library_ufunc(f"scipy.special.{name}")(*args)


EXAMPLES: dict[str, list[Example]] = {
    "zeta": [Example(lambda q: _scipy("zeta", 2.5, q), (_VALUES,))],
    "factorial": [Example(factorial, (_VALUES,), lambda x: _scipy("factorial", x))],
    "comb": [
        Example(comb, (_VALUES, _VALUES[:1] / 2), lambda n, k: _scipy("comb", n, k)),
        Example(
            lambda n: comb(n, 2, repetition=True),
            (np.array([0, 1, 4]),),
            lambda n: np.array([0.0, 1.0, 10.0]),
        ),
    ],
    "perm": [Example(perm, (_VALUES, _VALUES[:1] / 2), lambda n, k: _scipy("perm", n, k))],
    "multigammaln": [
        Example(
            lambda a: multigammaln(a, 3),
            (_VALUES,),
            lambda a: library_ufunc("scipy.special.multigammaln")(a, 3),
        )
    ],
    "psi": [Example(psi, (_VALUES,))],
}
