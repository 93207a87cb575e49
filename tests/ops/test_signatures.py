"""The same call means the same with nodes and with arrays: names, order and defaults of NumPy's."""

import inspect

import numpy as np
import pytest

from symgraph.errors import SymgraphError
from symgraph.graph.node import Node, placeholder
from symgraph.graph.registry import NUMPY_FUNCTIONS
from symgraph.ops import refused

# What says where and how an array lies in memory means nothing to a node; nor does an output.
MEMORY = {"out", "order", "subok", "device", "copy", "casting", "writeable", "signature"}
# `np.linalg.tensordot` has other names, `np.pad` spells its keywords out, and of ufuncs on vectors
# the axes are not supported.
OTHERWISE = {"tensordot", "pad", "clip", "einsum", "einsum_path", "matmul", "vecdot"}


def signatures():
    for theirs, ours in NUMPY_FUNCTIONS.items():
        if theirs.__name__ in OTHERWISE or inspect.getmodule(ours) is refused:
            continue
        try:
            expected = inspect.signature(theirs).parameters
        except ValueError:  # written in C, without a signature
            continue
        found = inspect.signature(ours).parameters
        if not any(p.kind == p.VAR_POSITIONAL for p in found.values()):
            yield pytest.param(expected, found, id=f"{theirs.__module__}.{theirs.__name__}")


@pytest.mark.parametrize(("expected", "found"), list(signatures()))
def test_parameters_are_numpys(expected, found):
    assert [name for name in found if name not in expected] == []
    assert [name for name in expected if name not in found and name not in MEMORY] == []
    order = [name for name in expected if name in found]
    positional = [n for n in found if found[n].kind != inspect.Parameter.KEYWORD_ONLY]
    assert positional == order[: len(positional)]
    for name in order:
        theirs, ours = expected[name].default, found[name].default
        # NumPy's mark for "not given" is False for keepdims, True for where, None otherwise.
        if theirs is not np._NoValue or ours is theirs:
            assert ours == theirs or repr(ours) == repr(theirs), name
        else:
            assert ours is {"keepdims": False, "where": True}.get(name), name


@pytest.mark.parametrize("name", [*refused._SHAPES, *refused._IN_PLACE])
def test_what_cannot_be_recorded_says_what_takes_its_place(name):
    x = placeholder("x", 3)
    count = {"histogram2d": 2, "intersect1d": 2, "setdiff1d": 2, "setxor1d": 2, "union1d": 2}
    count |= {"copyto": 2, "place": 3, "putmask": 3, "put": 3, "put_along_axis": 4}
    count |= {"fill_diagonal": 2}
    with pytest.raises(SymgraphError, match="try: "):
        getattr(np, name)(*[x] * count.get(name, 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, out=np.zeros(())),
        lambda x: x.sum(out=np.zeros(())),
        lambda x: np.add.reduce(x, out=np.zeros(())),
        lambda x: np.sort(x, order="f"),
        lambda x: np.quantile(x, 0.5, weights=[1, 2, 3]),
        lambda x: np.quantile(x, 0.5, method="strange"),
        lambda x: np.quantile(x, 1.5),
        lambda x: np.max(x, where=x > 0),
        lambda x: np.partition(x, x.astype(int)),
        lambda x: np.bincount(x.astype(int)),
        lambda x: np.linspace(0.0, x, x[0]),
        lambda x: np.subtract.accumulate(x),
        lambda x: np.add.at(x, 0, 1.0),
        lambda x: np.add.reduceat(x, [0, 1]),
        lambda x: np.convolve(placeholder("a", "n"), placeholder("b", "m"), "same"),
        lambda x: np.unstack(placeholder("a", "n")),
        lambda x: np.delete(x, x.astype(int)),
        lambda x: np.apply_along_axis(np.sum, 0, placeholder("a", (3, "n"))),
    ],
)
def test_what_is_not_supported_is_an_error_with_advice(call):
    with pytest.raises(SymgraphError, match=r"expected:|try:"):
        call(placeholder("x", 3))


@pytest.mark.parametrize("name", ["item", "tolist", "sort", "fill", "nonzero", "put"])
def test_methods_that_nodes_cannot_have_say_what_takes_their_place(name):
    x = placeholder("x", 3)
    assert not hasattr(x, name)
    with pytest.raises(AttributeError, match=r"node|sg\.function|np\."):
        getattr(x, name)


def test_out_none_is_no_output():
    x = placeholder("x", 3)
    assert isinstance(np.sum(x, out=None), Node)
    assert x.sum(out=None) is np.sum(x)
