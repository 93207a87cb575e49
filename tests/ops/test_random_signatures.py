"""NumPy's functions called at random, as their signatures allow, with arrays and with nodes.

Both give the same shape, dtype and values, or the graph says in an error of ours why not; what
fails in our depths, or gives another number, is a bug. The calls of a function are always the same.
"""

import inspect
import random
import warnings
import zlib

import numpy as np
import pytest

from symgraph.errors import SymgraphError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import Node, placeholder
from symgraph.graph.registry import NUMPY_FUNCTIONS, complete
from symgraph.graph.tree import flatten, unflatten

complete()
CALLS = 12
SHAPES = [(), (1,), (3,), (0,), (2, 3), (3, 3), (3, 1), (0, 3), (2, 3, 4), (2, 1, 3)]
DTYPES = ["f8", "f8", "f8", "f4", "f2", "i8", "i4", "u1", "?", "c16", "c8"]
ARRAYS = set("a x x1 x2 arr ary m array b y v element elements condition p z val real".split())
NUMBERS = [0, 1, 2, -1, 0.5, True, np.float32(1.5), np.int64(2), 1 + 2j, None, np.inf, np.nan]
INTEGERS = [0, 1, 2, 3, -1, 5, None, 1.5]
CHOICES = {
    "axis": [None, 0, -1, 1, -2, (0,), (0, 1), (-1, 0), (), (0, 0), 5, np.int64(0)],
    "keepdims": [True, False],
    "dtype": [None, float, "float32", int, complex, bool, "i4"],
    "initial": NUMBERS,
    "ddof": [0, 1, 2, 0.5, 10],
    "order": ["C", "F", "A", "K", None],
    "mode": "raise wrap clip full same valid edge reflect constant symmetric mean".split(),
    "norm": [None, "ortho", "forward", "backward", "x"],
    "q": [0.5, 0.25, [0.1, 0.9], 0, 1, 50, 1.5],
    "method": "linear lower higher nearest midpoint hazen inverted_cdf strange".split(),
    "ord": [None, 1, 2, -1, np.inf, "fro", "nuc", 3, "x"],
    "shape": [None, 3, (3, 2), (6,), -1, (-1, 2), ()],
    "repeats": [2, 0, [1, 2, 0], -1],
    "indices": [0, [0, 1], [1, 0, 2], np.array([[0, 1], [1, 0]]), 7, [True, False, True], []],
    "kind": [None, "stable", "quicksort", "x"],
    "side": ["left", "right", "x"],
    "UPLO": ["L", "U", "x"],
    "out": [None, None, np.zeros(3)],
}
CHOICES |= dict.fromkeys(("n", "k", "N", "decimals", "offset", "num"), INTEGERS)
CHOICES |= dict.fromkeys(("axes", "axis1", "axis2", "source", "destination"), CHOICES["axis"])
CHOICES |= dict.fromkeys(("s", "reps", "shift", "pad_width", "newshape"), CHOICES["shape"])
CHOICES |= dict.fromkeys(("kth", "indices_or_sections", "obj"), CHOICES["indices"])
LEFT_OUT = {"like", "device", "where", "weights", "fweights", "aweights", "sorter"}

OTHERWISE = {
    "empty_like": "what lies in memory",
    "eig": "complex, whatever the values are",
    "eigvals": "the same",
    "lstsq": "residuals of a shape that is known",
    "svd": "the signs of singular vectors",
    "bincount": "values below minlength",
    "cond": "an error for singular matrices",
    "cov": "NumPy has other dtypes for no observations",
    "corrcoef": "the same",
    "searchsorted": "unsorted arrays",
    "digitize": "the same",
    "interp": "the same",
    "take_along_axis": "lists as indices",
    "unravel_index": "positions beyond the end",
    "pinv": "NumPy gives the dtype of an empty array back",
    "partition": "the order within the parts",
    "argpartition": "the same",
    "argsort": "the order of equal elements",
    "broadcast_shapes": "of shapes, not of arrays",
}


def arrays_of(rng, shape, dtype):
    values = rng.uniform(-3, 3, shape)
    if dtype == "?":
        return values > 0
    if dtype == "u1":
        values = np.abs(values)
    return np.asarray(values + 1j * values if dtype[0] == "c" else values).astype(dtype)


def arguments(parameters, seed):
    """Positional arguments and keywords: arrays, numbers, and what the names suggest."""
    choose, rng = random.Random(seed), np.random.default_rng(seed)
    same = choose.choice(SHAPES) if choose.random() < 0.7 else None
    args, keywords = [], {}
    for p in parameters:
        if p.name in LEFT_OUT or p.kind == p.VAR_KEYWORD:
            continue
        if p.default is not p.empty and choose.random() > 0.35:
            continue
        shape = choose.choice(SHAPES) if same is None else same
        if p.name in CHOICES:
            value = choose.choice(CHOICES[p.name])
        elif p.name in ("arrays", "tup", "seq", "choices"):
            value = [arrays_of(rng, shape, choose.choice(DTYPES)) for _ in range(2)]
        elif p.name in ARRAYS or p.default is p.empty or choose.random() < 0.3:
            value = arrays_of(rng, shape, choose.choice(DTYPES))
        else:
            value = choose.choice(NUMBERS)
        if p.default is p.empty and p.kind != p.KEYWORD_ONLY:
            args.append(value)
        else:
            keywords[p.name] = value
    return args, keywords


def signatures():
    for theirs in NUMPY_FUNCTIONS:
        if theirs.__name__ in OTHERWISE or not hasattr(theirs, "_implementation"):
            continue
        try:
            parameters = list(inspect.signature(theirs).parameters.values())
        except ValueError:
            continue
        yield pytest.param(theirs, parameters, id=f"{theirs.__module__}.{theirs.__name__}")


@pytest.mark.parametrize(("theirs", "parameters"), list(signatures()))
def test_a_call_means_the_same_with_nodes(theirs, parameters):
    for call in range(CALLS):
        args, keywords = arguments(parameters, zlib.crc32(theirs.__name__.encode()) + call)
        leaves, form = flatten([args, keywords])
        nodes = [
            placeholder("x", v.shape, v.dtype) if isinstance(v, np.ndarray) else v for v in leaves
        ]
        if not any(isinstance(node, Node) for node in nodes):
            continue
        plain, named = unflatten(form, nodes)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                wanted = theirs(*args, **keywords)
            except Exception as error:  # noqa: BLE001 - whatever NumPy says
                wanted = error
            try:
                found = theirs(*plain, **named)
                outputs = [leaf for leaf in flatten(found)[0] if isinstance(leaf, Node)]
                known = {n: v for n, v in zip(nodes, leaves, strict=True) if isinstance(n, Node)}
                given = interpret(outputs, known)
            except SymgraphError:
                continue
            except Exception:
                if isinstance(wanted, Exception):  # NumPy's own check came first, or late
                    continue
                raise
        if isinstance(wanted, Exception) or len(given) != len(flatten(wanted)[0]):
            continue
        for got, right in zip(given, flatten(wanted)[0], strict=True):
            text = f"{theirs.__name__}: {args} {keywords}"
            assert np.shape(got) == np.shape(right), text
            assert np.asarray(got).dtype == np.asarray(right).dtype, text
            wide = np.asarray(right).astype(complex)
            rough = {2: 5e-3, 4: 1e-3}.get(min(np.asarray(v).itemsize for v in leaves), 1e-3)
            rtol = 1e-7 if np.asarray(right).dtype in ("f8", "c16", "i8") else rough
            np.testing.assert_allclose(got, wide, rtol=rtol, atol=rtol, err_msg=text)
