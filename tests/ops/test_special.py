"""Special functions at the edges: derivatives against mpmath, dtypes against SciPy."""

import mpmath
import numpy as np
import pytest
import scipy.special
from mpmath import mp

import symgraph as sg
from symgraph.ops.kinds import ELEMENTWISE, NoDerivative

HALF = mp.mpf(1) / 2


def log_ndtr(x):
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def boxcox(x, p):
    return mp.log(x) if p == 0 else mp.expm1(p * mp.log(x)) / p


# Name, operands, the place of the one to differentiate by, the same by mpmath, order.
CASES = [
    *[("erfcx", (x,), 0, lambda x: mp.exp(x * x) * mp.erfc(x), 1) for x in (-5.0, 24.9, 1e4, 1e9)],
    *[
        ("dawsn", (x,), 0, lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x), 1)
        for x in (0.0, 5.0, -24.9, 26.0, -80.0)
    ],
    *[("log_ndtr", (x,), 0, log_ndtr, 1) for x in (-1e5, -30.0, 0.0, 20.0)],
    *[("rgamma", (x,), 0, mp.rgamma, k) for x in (0.0, -2.0, -2.5, 0.5, 30.0) for k in (1, 2)],
    *[
        ("exprel", (x,), 0, lambda x: mp.expm1(x) / x if x else mp.mpf(1), k)
        for x in (1e-9, -0.999, 1.0, -1e6, 690.0)
        for k in (1, 2)
    ],
    *[("spence", (x,), 0, lambda x: mp.polylog(2, 1 - x), k) for x in (0.9, 1.3) for k in (1, 2)],
    *[("sinc", (x,), 0, lambda x: mp.sincpi(x), k) for x in (0.0, 1e-9, 0.3) for k in (1, 2)],
    *[("boxcox", (3.0, p), 1, boxcox, k) for p in (1e-9, 0.5, -2.0) for k in (1, 2)],
    *[("ellipk", (m,), 0, mp.ellipk, 1) for m in (-1e4, -1e-9, 0.0, 0.999999)],
    *[("ellipe", (m,), 0, mp.ellipe, 2) for m in (-1e4, -1e-9, 0.0, 0.999)],
    *[("logaddexp2", (x, 1999.0), 0, lambda x, y: mp.log(2**x + 2**y, 2), 1) for x in (2e3, 2.0)],
    ("gammaincc", (2.0, 600.0), 1, lambda a, x: mp.gammainc(a, x, regularized=True), 1),
    ("gammainc", (30.0, 0.01), 1, lambda a, x: mp.gammainc(a, 0, x, regularized=True), 1),
    ("gammaln", (1e10,), 0, mp.loggamma, 2),
    ("erfinv", (1 - 1e-12,), 0, lambda x: mp.erfinv(x), 1),
    ("kl_div", (1e200, 1e-200), 0, lambda x, y: x * mp.log(x / y) - x + y, 1),
    ("rel_entr", (1.0, 1.0 + 1e-9), 0, lambda x, y: x * mp.log(x / y), 1),
    ("pseudo_huber", (1.0, 1e-9), 1, lambda d, x: d * d * (mp.sqrt(1 + (x / d) ** 2) - 1), 1),
    ("pseudo_huber", (2.0, 1e-3), 0, lambda d, x: d * d * (mp.sqrt(1 + (x / d) ** 2) - 1), 1),
    ("i0e", (500.0,), 0, lambda x: mp.exp(-x) * mp.besseli(0, x), 1),
    ("k1e", (1e-3,), 0, lambda x: mp.exp(x) * mp.besselk(1, x), 1),
    ("eval_legendre", (7, 1.0), 1, lambda n, x: mp.legendre(n, x), 2),
    ("spherical_jn", (0, 0.5), 1, lambda n, x: mp.sin(x) / x, 2),
    ("cosm1", (1e-9,), 0, lambda x: mp.cos(x) - 1, 1),
]


@pytest.mark.parametrize(
    ("name", "args", "place", "exact", "order"), CASES, ids=[f"{c[0]}{c[1]}-{c[4]}" for c in CASES]
)
def test_derivatives_at_the_edges(name, args, place, exact, order):
    x = sg.placeholder("x")
    operands = [x if i == place else a for i, a in enumerate(args)]
    slope = sg.special.__dict__.get(name, sg.__dict__.get(name))(*operands)
    for _ in range(order):
        slope = sg.grad(slope, x)
    with mpmath.workdps(60):
        exact_args = [mp.mpf(a) for a in args]

        def along(t):
            return exact(*[t if i == place else a for i, a in enumerate(exact_args)])

        h = mp.mpf(10) ** -20 * max(1, abs(exact_args[place]))
        point = exact_args[place]
        if order == 1:
            wanted = (along(point + h) - along(point - h)) / (2 * h)
        else:
            wanted = (along(point + h) - 2 * along(point) + along(point - h)) / h**2
        wanted = float(wanted)
    got = float(sg.function([x], slope)(args[place]))
    assert got == pytest.approx(wanted, rel=1e-8, abs=1e-300 if abs(wanted) > 1e-30 else 1e-15)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        (name, i)
        for name, op in ELEMENTWISE.items()
        for i, rule in enumerate(op.partials or ())
        # These two polynomials take integer degrees only.
        if isinstance(rule, NoDerivative) and not name.startswith("eval_hermite")
    ],
)
def test_a_derivative_without_closed_form_is_an_error_that_says_by_what(name, place):
    op = ELEMENTWISE[name]
    kinds = [{"i": int}.get(kind, float) for kind in op.kinds or "f" * op.arity]
    kinds[place] = float
    inputs = [sg.placeholder(f"x{i}", (), kind) for i, kind in enumerate(kinds)]
    node = sg.graph.node.make(op, *inputs)
    with pytest.raises(sg.DerivativeError, match="has no closed form") as caught:
        sg.grad(node, inputs[place])
    assert "test_special.py" in str(caught.value)


UFUNCS = sorted(
    name
    for name in sg.special.__all__
    if isinstance(getattr(scipy.special, name), np.ufunc) and name not in ("expit", "log_expit")
)


@pytest.mark.parametrize("name", UFUNCS)
def test_scipys_own_functions_take_nodes_and_the_dtypes_are_theirs(name):
    ufunc = getattr(scipy.special, name)
    for dtype in ("int32", "float32", "float64"):
        inputs = [sg.placeholder(f"x{i}", (), dtype) for i in range(ufunc.nin)]
        if name.startswith("eval_hermite"):
            inputs[0] = sg.placeholder("n", (), "int64")
        node, again = ufunc(*inputs), getattr(sg.special, name)(*inputs)
        value = ufunc(*[np.ones((), x.dtype) for x in inputs])
        if isinstance(node, tuple):
            node, again, value = node[0], again[0], value[0]
        assert node is again
        assert node.dtype == value.dtype, dtype


def test_scipy_is_imported_only_where_numpy_has_no_such_function():
    x = sg.placeholder("x", "n")
    f = sg.function([x], np.sinc(x) + np.i0(x) + sg.special.log_softmax(x))
    assert "scipy" not in f.source
    f = sg.function([x], scipy.special.erf(x))
    assert "import scipy.special\n" in f.source
    assert "scipy.special.erf(x)" in f.source


def test_branches_and_orders_are_numbers():
    x = sg.placeholder("x", "n")
    f = sg.function(
        [x], [sg.special.polygamma(2, x), sg.special.lambertw(x, 1), sg.special.jv(0, x)]
    )
    points = np.array([0.5, 2.0])
    for got, wanted in zip(
        f(points),
        [
            scipy.special.polygamma(2, points),
            scipy.special.lambertw(points, 1),
            scipy.special.j0(points),
        ],
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-13)
    with pytest.raises(sg.DTypeError, match="integer"):
        sg.special.multigammaln(x, 2.5)
