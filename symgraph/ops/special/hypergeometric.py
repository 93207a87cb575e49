"""Hypergeometric functions, and the orthogonal polynomials.

Derivatives by the argument: DLMF 15.5, 13.3, 16.3, 18.9. By the parameters, degrees included, they
have no closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from symgraph.graph.node import Node
from symgraph.ops.elementwise import maximum, where
from symgraph.ops.facts import Limit
from symgraph.ops.kinds import NoDerivative
from symgraph.ops.special.common import special, whole

__all__ = [
    "eval_chebyt",
    "eval_chebyu",
    "eval_gegenbauer",
    "eval_genlaguerre",
    "eval_hermite",
    "eval_hermitenorm",
    "eval_jacobi",
    "eval_laguerre",
    "eval_legendre",
    "hyp0f1",
    "hyp1f1",
    "hyp2f1",
    "hyperu",
]

_PARAMETERS = (0.5, 3.0)

hyp0f1 = special(
    "hyp0f1",
    arity=2,
    partials=(
        NoDerivative("the parameter of hyp0f1"),
        lambda r, v, x: hyp0f1(v + 1.0, x) / v,
    ),
    formula="hyper([], [x], y)",
    domain=(_PARAMETERS, (-2.0, 2.0)),
    limits=(Limit(1e-3, 80.0, 1.0), Limit(-80.0, 80.0, 0.0)),
    cost=200.0,
    accuracy=2e-14,
)
hyp1f1 = special(
    "hyp1f1",
    arity=3,
    partials=(
        NoDerivative("a parameter of hyp1f1"),
        NoDerivative("a parameter of hyp1f1"),
        lambda r, a, b, x: a / b * hyp1f1(a + 1.0, b + 1.0, x),
    ),
    formula="hyper([x], [y], z)",
    domain=(_PARAMETERS, _PARAMETERS, (-2.0, 2.0)),
    limits=(Limit(0.0, 10.0, 1.0), Limit(1e-3, 10.0, 1.0), Limit(-40.0, 40.0, 0.0)),
    cost=200.0,
    accuracy=2e-14,
)
hyp2f1 = special(
    "hyp2f1",
    arity=4,
    partials=(
        NoDerivative("a parameter of hyp2f1"),
        NoDerivative("a parameter of hyp2f1"),
        NoDerivative("a parameter of hyp2f1"),
        lambda r, a, b, c, x: a * b / c * hyp2f1(a + 1.0, b + 1.0, c + 1.0, x),
    ),
    formula="hyper([x, y], [z], w)",
    domain=(_PARAMETERS, _PARAMETERS, _PARAMETERS, (-0.9, 0.7)),
    limits=(
        Limit(0.0, 10.0, 1.0),
        Limit(0.0, 10.0, 1.0),
        Limit(1e-3, 10.0, 1.0),
        Limit(-1e3, 0.9, 0.0),
    ),
    cost=300.0,
    accuracy=2e-13,
)

hyperu = special(
    "hyperu",
    arity=3,
    partials=(
        NoDerivative("a parameter of hyperu"),
        NoDerivative("a parameter of hyperu"),
        lambda r, a, b, x: -a * hyperu(a + 1.0, b + 1.0, x),
    ),
    domain=(_PARAMETERS, (1.2, 1.8), (0.5, 3.0)),
    limits=(Limit(0.0, 10.0, 1.0), Limit(-10.0, 10.0, 0.5), Limit(1e-3, 100.0, 1.0)),
    cost=300.0,
)

# Orthogonal polynomials: eval_name(n, parameters ..., x) -----------------------------------------


# One form for each number of operands, so that the types of lambda's parameters are known.
_Slope: TypeAlias = (
    Callable[[Node, Node, Node], Node]
    | Callable[[Node, Node, Node, Node], Node]
    | Callable[[Node, Node, Node, Node, Node], Node]
)


def _polynomial(
    name: str,
    slope: _Slope,
    formula: str,
    parameters: int = 0,
) -> Any:
    """`slope` gives the derivative by x from the degree below and the operands."""
    by_lower = cast("Callable[..., Node]", slope)

    def partial(r: Node, n: Node, *rest: Node) -> Node:
        # Of degree 0 the derivative is 0, and there is none below.
        return where(n == 0, 0.0, by_lower(maximum(n - 1, 0), whole(rest[-1], n), *rest))

    missing = [NoDerivative(f"the degree of {name}")]
    missing += [NoDerivative(f"a parameter of {name}")] * parameters
    return special(
        name,
        arity=parameters + 2,
        partials=(*missing, partial),
        formula=formula,
        kinds="i" + "f" * (parameters + 1),
        domain=((0.0, 5.0), *[_PARAMETERS] * parameters, (-0.9, 0.9)),
        limits=(
            Limit(0.0, 50.0, 0.0),
            *[Limit(0.0, 50.0, 1.0)] * parameters,
            Limit(-1.0, 1.0, 0.0),
        ),
        cost=100.0,
        accuracy=2e-14,
    )


eval_legendre = _polynomial(
    "eval_legendre",
    lambda below, n, x: eval_gegenbauer(below, 1.5, x),
    "legendre(x, y)",
)
eval_chebyt = _polynomial(
    "eval_chebyt",
    lambda below, n, x: n * eval_chebyu(below, x),
    "chebyshevt(x, y)",
)
eval_chebyu = _polynomial(
    "eval_chebyu",
    lambda below, n, x: 2.0 * eval_gegenbauer(below, 2.0, x),
    "chebyshevu(x, y)",
)
eval_hermite = _polynomial(
    "eval_hermite",
    lambda below, n, x: 2.0 * n * eval_hermite(below, x),
    "hermite(x, y)",
)
eval_hermitenorm = _polynomial(
    "eval_hermitenorm",
    lambda below, n, x: n * eval_hermitenorm(below, x),
    "hermite(x, y / sqrt(2)) / 2**(x / 2)",
)
eval_laguerre = _polynomial(
    "eval_laguerre",
    lambda below, n, x: -eval_genlaguerre(below, 1.0, x),
    "hyper([-x], [1], y)",
)
eval_genlaguerre = _polynomial(
    "eval_genlaguerre",
    lambda below, n, a, x: -eval_genlaguerre(below, a + 1.0, x),
    "binomial(x + y, x) * hyper([-x], [y + 1], z)",
    parameters=1,
)
eval_gegenbauer = _polynomial(
    "eval_gegenbauer",
    lambda below, n, a, x: 2.0 * a * eval_gegenbauer(below, a + 1.0, x),
    "gegenbauer(x, y, z)",
    parameters=1,
)
eval_jacobi = _polynomial(
    "eval_jacobi",
    lambda below, n, a, b, x: 0.5 * (n + a + b + 1.0) * eval_jacobi(below, a + 1.0, b + 1.0, x),
    "jacobi(x, y, z, w)",
    parameters=2,
)
