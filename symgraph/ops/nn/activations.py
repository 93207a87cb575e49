"""Activations: element by element, gated halves, and the softmax family."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Size
from symgraph.graph.types import normalize_axis
from symgraph.ops import create, normalised
from symgraph.ops.arrange import moveaxis
from symgraph.ops.elementwise import (
    absolute,
    clip,
    exp,
    expm1,
    minimum,
    relu,
    sigmoid,
    softplus,
    square,
    tanh,
    where,
)
from symgraph.ops.kinds import Example, elementwise
from symgraph.ops.nn.common import array_of, function
from symgraph.ops.products import array
from symgraph.ops.shape import shape_text

# Element by element ------------------------------------------------------------------------------

prelu = elementwise(
    "prelu",
    dtypes=np.fmod,  # of two real operands
    arity=2,
    partials=(
        lambda r, x, slope: where(x > 0, 1.0, slope),
        lambda r, x, slope: minimum(x, 0.0),
    ),
    formula="Piecewise((x, x > 0), (y * x, True))",
    cost=2.0,
    decompose=lambda x, slope: where(x > 0, x, slope * x),
    doc="""``x`` where it is positive, ``weight * x`` elsewhere, as ``torch...prelu``.

Parameters
----------
x, weight : array_like
    Broadcast against each other: one weight, or one for each channel along the last axis. At 0
    the derivative is the weight.
""",
)
_elu = elementwise(
    "elu",
    dtypes=np.logaddexp,  # of two operands, and always floating
    arity=2,
    partials=(
        lambda r, x, alpha: where(x > 0, 1.0, alpha * exp(minimum(x, 0.0))),
        lambda r, x, alpha: expm1(minimum(x, 0.0)),
    ),
    formula="Piecewise((x, x > 0), (y * (exp(x) - 1), True))",
    cost=3.0,
    decompose=lambda x, alpha: where(x > 0, x, alpha * expm1(minimum(x, 0.0))),
)
softsign = elementwise(
    "softsign",
    dtypes=np.cbrt,  # of real numbers
    partials=(lambda r, x: 1.0 / square(1.0 + absolute(x)),),
    formula="x / (1 + Abs(x))",
    cost=1.0,
    decompose=lambda x: x / (1.0 + absolute(x)),
    doc="``x / (1 + |x|)``, as ``jax.nn.soft_sign`` and ``torch...softsign``.",
)
tanhshrink = elementwise(
    "tanhshrink",
    dtypes=np.cbrt,  # of real numbers
    partials=(lambda r, x: square(tanh(x)),),
    formula="x - tanh(x)",
    cost=2.0,
    decompose=lambda x: x - tanh(x),
    doc="``x - tanh(x)``, as ``torch...tanhshrink``.",
)


@function
def elu(x: Any, alpha: Any = 1.0) -> Any:
    """``x`` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere, as ``jax.nn.elu``.

    Clevert et al. 2015, arXiv:1511.07289.

    Parameters
    ----------
    x, alpha : array_like
    """
    return _elu(x, alpha)


@function
def celu(x: Any, alpha: Any = 1.0) -> Any:
    """``max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)``, as ``jax.nn.celu``.

    Barron 2017, arXiv:1704.07483: its slope at 0 is 1 for every positive alpha.

    Parameters
    ----------
    x, alpha : array_like
    """
    return alpha * _elu(array_of(x) / alpha, 1.0)


_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


@function
def selu(x: Any) -> Any:
    """`elu` with the two constants that keep mean 0 and variance 1, as ``jax.nn.selu``.

    Klambauer et al. 2017, arXiv:1706.02515.
    """
    return _SELU_SCALE * _elu(x, _SELU_ALPHA)


@function
def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """``x`` where it is positive, ``negative_slope * x`` elsewhere, as ``jax.nn.leaky_relu``."""
    return prelu(x, negative_slope)


@function
def relu6(x: Any) -> Any:
    """``min(max(x, 0), 6)``, as ``jax.nn.relu6``; its derivative is 0 at 0 and 1 at 6."""
    return clip(relu(x), max=6.0)


@function
def threshold(x: Any, threshold: Any, value: Any) -> Any:
    """``x`` where it is above a threshold, `value` elsewhere, as ``torch...threshold``."""
    values = array_of(x)
    return where(values > threshold, values, value)


@function
def hard_tanh(x: Any, min_val: Any = -1.0, max_val: Any = 1.0) -> Any:
    """``x`` limited to an interval, as ``jax.nn.hard_tanh``; a bound belongs to the inside."""
    return clip(array_of(x), min_val, max_val)


@function
def hard_sigmoid(x: Any) -> Any:
    """``min(max(x + 3, 0), 6) / 6``, as ``jax.nn.hard_sigmoid``; bounds belong to the inside."""
    return clip(array_of(x) + 3.0, 0.0, 6.0) / 6.0


@function
def hard_swish(x: Any) -> Any:
    """``x * hard_sigmoid(x)``, as ``jax.nn.hard_swish``; Howard et al. 2019, arXiv:1905.02244."""
    return array_of(x) * hard_sigmoid(x)


@function
def softshrink(x: Any, lambd: Any = 0.5) -> Any:
    """``x`` moved towards 0 by `lambd`, and 0 inside, as ``torch...softshrink``."""
    values = array_of(x)
    return values - clip(values, -lambd, lambd)


@function
def hardshrink(x: Any, lambd: Any = 0.5) -> Any:
    """``x`` where ``|x| > lambd`` and 0 inside, as ``torch...hardshrink``."""
    values = array_of(x)
    return where(absolute(values) > lambd, values, 0.0)


@builder()
def silu(x: Any) -> Any:
    """``x * sigmoid(x)``, as ``jax.nn.silu``; also called swish."""
    return x * sigmoid(x)


@function
def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))``, as ``jax.nn.mish``; Misra 2019, arXiv:1908.08681."""
    return x * tanh(softplus(x))


@builder()
def log_sigmoid(x: Any) -> Any:
    """``log(sigmoid(x))``, accurate in both tails, as ``jax.nn.log_sigmoid``."""
    return -softplus(-array_of(x))


@builder()
def gelu(x: Any, approximate: bool = True) -> Any:
    """Gaussian error linear unit, as ``jax.nn.gelu``; Hendrycks and Gimpel 2016, arXiv:1606.08415.

    Parameters
    ----------
    x : array_like
    approximate : bool, optional
        ``0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`` if true, as in JAX by default;
        otherwise ``x`` times the normal distribution function, which needs SciPy.
    """
    value = array_of(x)
    if not isinstance(approximate, bool):
        raise UnsupportedError("gelu: approximate", expected="True or False", got=repr(approximate))
    if not approximate:
        return value * apply("ndtr", value)
    # (1 + tanh(u)) / 2 is the logistic function of 2 u, which loses nothing where tanh nears -1.
    slope = 2.0 * float(np.sqrt(2.0 / np.pi))
    return value * sigmoid(value * (slope + 0.044715 * slope * (value * value)))


# Gated halves ------------------------------------------------------------------------------------


def _halves(x: Any, axis: int, what: str) -> tuple[Any, Any]:
    values = array_of(x)
    place = normalize_axis(axis, values.ndim, what)
    half, rest = values.shape[place] // 2, values.shape[place] % 2
    if isinstance(rest, Size) or rest:
        raise ShapeError(
            f"{what}: the axis has no two halves",
            expected="an even size, such as '2 * d'",
            got=f"{shape_text(values.shape)}, axis={axis}",
        )
    before = (slice(None),) * place
    return values[(*before, slice(None, half))], values[(*before, slice(half, None))]


@function
def glu(x: Any, axis: int = -1) -> Any:
    """First half of an axis times the sigmoid of the second, as ``jax.nn.glu``.

    Parameters
    ----------
    x : array_like
    axis : int, optional
        Of even size.

    Raises
    ------
    ShapeError
        If the size is odd, or not known to be even.
    """
    value, gate = _halves(x, axis, "glu")
    return value * sigmoid(gate)


@function
def swiglu(x: Any, axis: int = -1) -> Any:
    """`silu` of the first half of an axis times the second.

    Shazeer 2020, arXiv:2002.05202.

    Parameters
    ----------
    x : array_like
    axis : int, optional
        Of even size.

    Raises
    ------
    ShapeError
        If the size is odd, or not known to be even.
    """
    gate, value = _halves(x, axis, "swiglu")
    return silu(gate) * value


# The softmax family ------------------------------------------------------------------------------


def softmax(x: Any, axis: Any = -1) -> Any:
    """``exp(x) / sum(exp(x))`` over an axis, by default the last; nothing overflows.

    As ``jax.nn.softmax``.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional

    Raises
    ------
    ShapeError
        If there is no such axis, or no element along it.
    """
    return normalised.softmax(x, axis)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Logarithm of `softmax`, by default over the last axis: right where that underflows.

    As ``jax.nn.log_softmax``.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional

    Raises
    ------
    ShapeError
        If there is no such axis, or no element along it.
    """
    return normalised.log_softmax(x, axis)


def logsumexp(x: Any, axis: Any = -1, *, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` over an axis, by default the last; nothing overflows.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
    keepdims : bool, optional
        Whether the axis stays, with size one.

    Raises
    ------
    ShapeError
        If there is no such axis, or no element along it.
    """
    return normalised.logsumexp(x, axis, keepdims=keepdims)


@function
def softmin(x: Any, axis: Any = -1) -> Any:
    """`softmax` of ``-x``, as ``torch...softmin``."""
    return normalised.softmax(-array_of(x), axis)


@function
def one_hot(x: Any, num_classes: Any, *, dtype: Any = "float64", axis: int = -1) -> Any:
    """1 where the position along a new axis is the class, 0 elsewhere, as ``jax.nn.one_hot``.

    Parameters
    ----------
    x : array_like of int
        A class outside ``0 … num_classes - 1`` gives zeros only.
    num_classes : size
    dtype : data-type, optional
    axis : int, optional
        Where the new axis stands in the result.

    Examples
    --------
    >>> one_hot(np.array([2, 0]), 3, axis=0)
    array([[0., 1.],
           [0., 0.],
           [1., 0.]])
    """
    return moveaxis(create.one_hot(x, num_classes, dtype), -1, axis)


# Examples for the tests --------------------------------------------------------------------------

_X = array(4, 3, shift=0.5) * 2.5
_X32 = _X.astype(np.float32)
_CLASSES = np.array([0, 2, 2, 1])


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _log_softmax(x: Any) -> Any:
    return x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True))


EXAMPLES: dict[str, list[Example]] = {
    "nn.softmax": [Example(softmax, (_X,), lambda x: np.exp(_log_softmax(x)))],
    "nn.log_softmax": [Example(log_softmax, (_X,), _log_softmax)],
    "nn.logsumexp": [Example(logsumexp, (_X,), lambda x: np.log(np.sum(np.exp(x), axis=-1)))],
    "nn.softmin": [Example(softmin, (_X,), lambda x: np.exp(_log_softmax(-x)))],
    "silu": [Example(silu, (_X,), lambda x: x / (1 + np.exp(-x)))],
    "log_sigmoid": [Example(log_sigmoid, (_X,), lambda x: -np.log1p(np.exp(-x)))],
    "gelu": [
        Example(
            gelu,
            (_X32,),
            lambda x: (
                x * (1 + np.tanh(np.float32(0.7978846) * (x + np.float32(0.044715) * x**3))) / 2
            ),
        ),
        Example(gelu, (_X,)),
        Example(
            lambda x: gelu(x, approximate=False),
            (_X,),
            lambda x: x * (1 + np.vectorize(math.erf)(x / 2**0.5)) / 2,
        ),
    ],
    "nn.mish": [Example(mish, (_X,), lambda x: x * np.tanh(np.log1p(np.exp(x))))],
    "nn.elu": [
        Example(lambda x: elu(x, 0.5), (_X,), lambda x: where(x > 0, x, 0.5 * np.expm1(x))),
        Example(elu, (_X32,), lambda x: where(x > 0, x, np.expm1(x))),
    ],
    "nn.celu": [
        Example(lambda x: celu(x, 2.0), (_X,), lambda x: where(x > 0, x, 2 * np.expm1(x / 2)))
    ],
    "nn.selu": [
        Example(
            selu,
            (_X,),
            lambda x: 1.0507009873554805 * where(x > 0, x, 1.6732632423543773 * np.expm1(x)),
        )
    ],
    "nn.leaky_relu": [
        Example(leaky_relu, (_X32,), lambda x: where(x > 0, x, np.float32(0.01) * x)),
        Example(lambda x: leaky_relu(x, 0.2), (_X,), lambda x: np.maximum(x, 0.2 * x)),
    ],
    "nn.relu6": [Example(relu6, (_X + 4,), lambda x: np.clip(x, 0, 6))],
    "nn.threshold": [
        Example(lambda x: threshold(x, 0.5, 20.0), (_X,), lambda x: where(x > 0.5, x, 20.0))
    ],
    "nn.hard_tanh": [Example(hard_tanh, (_X,), lambda x: np.clip(x, -1, 1))],
    "nn.hard_sigmoid": [Example(hard_sigmoid, (2 * _X,), lambda x: np.clip(x / 6 + 0.5, 0, 1))],
    "nn.hard_swish": [
        Example(hard_swish, (2 * _X32,), lambda x: x * np.clip(x / 6 + np.float32(0.5), 0, 1))
    ],
    "nn.softshrink": [
        Example(softshrink, (_X,), lambda x: where(abs(x) > 0.5, x - 0.5 * np.sign(x), 0.0))
    ],
    "nn.hardshrink": [Example(hardshrink, (_X,), lambda x: where(abs(x) > 0.5, x, 0.0))],
    "nn.glu": [
        Example(lambda x: glu(x, 0), (_X,), lambda x: x[:2] * _sigmoid(x[2:])),
        Example(glu, (_X.T,), lambda x: x[:, :2] * _sigmoid(x[:, 2:])),
    ],
    "nn.swiglu": [Example(swiglu, (_X.T,), lambda x: x[:, :2] * _sigmoid(x[:, :2]) * x[:, 2:])],
    "nn.one_hot": [
        Example(lambda x: x * one_hot(_CLASSES, 3), (_X,), lambda x: x * np.eye(3)[_CLASSES]),
        Example(
            lambda x: x * one_hot(_CLASSES, 3, dtype="float32", axis=0),
            (_X32.T,),
            lambda x: x * np.eye(3, dtype=np.float32)[_CLASSES].T,
        ),
    ],
}
