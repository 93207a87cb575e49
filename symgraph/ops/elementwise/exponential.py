"""Exponentials and logarithms."""

from __future__ import annotations

import numpy as np

from symgraph.ops.elementwise.arithmetic import (
    EPSILON,
    MOST_EXPONENT,
    NOT_NEGATIVE,
    POSITIVE,
    REAL,
    absolute,
)
from symgraph.ops.elementwise.extremes import maximum, minimum
from symgraph.ops.facts import UNBOUNDED, Facts, Limit
from symgraph.ops.kinds import elementwise

LN2, LN10 = float(np.log(2.0)), float(np.log(10.0))

exp = elementwise(
    "exp",
    ufunc=np.exp,
    partials=(lambda r, x: r,),
    formula="exp(x)",
    facts=Facts(inverse="log"),
    cost=0.7,
    limits=(Limit(-np.inf, MOST_EXPONENT, 0.0),),
    bounds=lambda b: (1.0 if b[0][0] >= 0 else 0.0, 1.0 if b[0][1] <= 0 else np.inf),
)
exp2 = elementwise(
    "exp2",
    ufunc=np.exp2,
    partials=(lambda r, x: LN2 * r,),
    formula="2**x",
    facts=Facts(inverse="log2"),
    cost=1.5,
    limits=(Limit(-np.inf, MOST_EXPONENT, 0.0),),
    bounds=NOT_NEGATIVE,
)
expm1 = elementwise(
    "expm1",
    ufunc=np.expm1,
    partials=(lambda r, x: exp(x),),
    formula="exp(x) - 1",
    facts=Facts(inverse="log1p"),
    cost=4.0,
    limits=(Limit(-np.inf, MOST_EXPONENT, 0.0),),
    bounds=(-1.0, np.inf),
)
log = elementwise(
    "log",
    ufunc=np.log,
    partials=(lambda r, x: 1.0 / x,),
    formula="log(x)",
    facts=Facts(inverse="exp"),
    cost=0.9,
    domain=(0.1, 4.0),
    limits=(POSITIVE,),
)
log2 = elementwise(
    "log2",
    ufunc=np.log2,
    partials=(lambda r, x: (1.0 / LN2) / x,),
    formula="log(x) / log(2)",
    facts=Facts(inverse="exp2"),
    cost=4.0,
    domain=(0.1, 4.0),
    limits=(POSITIVE,),
)
log10 = elementwise(
    "log10",
    ufunc=np.log10,
    partials=(lambda r, x: (1.0 / LN10) / x,),
    formula="log(x) / log(10)",
    cost=5.0,
    domain=(0.1, 4.0),
    limits=(POSITIVE,),
)
log1p = elementwise(
    "log1p",
    ufunc=np.log1p,
    partials=(lambda r, x: 1.0 / (1.0 + x),),
    formula="log(1 + x)",
    facts=Facts(inverse="expm1"),
    cost=5.0,
    domain=(-0.5, 3.0),
    limits=(Limit(-1.0 + EPSILON, np.inf, 0.0),),
    bounds=lambda b: NOT_NEGATIVE if b[0][0] >= 0 else UNBOUNDED,
)
logaddexp = elementwise(
    "logaddexp",
    ufunc=np.logaddexp,
    # exp(x - r) would lose the digits that r = x + small has lost.
    partials=(lambda r, x, y: sigmoid(x - y), lambda r, x, y: sigmoid(y - x)),
    formula="log(exp(x) + exp(y))",
    facts=Facts(commutative=True, associative=True),
    cost=17.0,
)
logaddexp2 = elementwise(
    "logaddexp2",
    ufunc=np.logaddexp2,
    partials=(lambda r, x, y: sigmoid(LN2 * (x - y)), lambda r, x, y: sigmoid(LN2 * (y - x))),
    formula="log(2**x + 2**y) / log(2)",
    facts=Facts(commutative=True, associative=True),
    cost=17.0,
)
sigmoid = elementwise(
    "sigmoid",
    dtypes=REAL,
    partials=(lambda r, x: r * sigmoid(-x),),
    formula="1 / (1 + exp(-x))",
    cost=3.0,
    decompose=lambda x: exp(minimum(x, 0.0)) / (1.0 + exp(-absolute(x))),
    doc="Logistic function ``1 / (1 + exp(-x))``, without overflow and accurate in both tails.",
    bounds=(0.0, 1.0),
)
softplus = elementwise(
    "softplus",
    dtypes=REAL,
    partials=(lambda r, x: sigmoid(x),),
    formula="log(1 + exp(x))",
    cost=6.0,
    decompose=lambda x: maximum(x, 0.0) + log1p(exp(-absolute(x))),
    doc="``log(1 + exp(x))``, without overflow and accurate in both tails.",
    bounds=NOT_NEGATIVE,
)
