"""Every operation's example through the tape: the graph's value, and the graph's gradient."""

import re

import numpy as np
import pytest

from symgraph import tape
from symgraph.errors import DerivativeError, DTypeError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import Node, as_node, constant
from symgraph.graph.tree import flatten
from symgraph.transforms.vjp import vjp
from tests.ops.test_every_op import EXAMPLES, placeholders


def nodes_of(result):
    kinds = Node | tape.Tensor | np.ndarray
    return [leaf for leaf in flatten(result)[0] if isinstance(leaf, kinds)]


@pytest.mark.parametrize("example", EXAMPLES)
def test_tape_is_the_graph(example, request):
    inputs = placeholders(example.args)
    outputs = [as_node(leaf) for leaf in nodes_of(example.call(*inputs))]
    arrays = [np.asarray(a) for a in example.args]
    values = interpret(outputs, dict(zip(inputs, arrays, strict=True)))
    tensors = [tape.tensor(a) for a in arrays]
    smooth = [i for i, a in enumerate(arrays) if a.dtype.kind in "fc"]
    for i in smooth:
        tensors[i].requires_grad_()
    try:
        results = nodes_of(example.call(*tensors))
    except DTypeError as error:
        # Examples that hold nodes of their own, and products that NumPy promotes.
        if re.match("a tensor and a node|.*: the operands have different", str(error)):
            return
        raise
    for value, result in zip(values, results, strict=True):
        np.testing.assert_allclose(result.numpy(), value, 1e-14, 1e-15)
        assert result.dtype == np.asarray(value).dtype
    taken = [i for i, result in enumerate(results) if result.requires_grad]
    if not taken or any(a.dtype.kind == "c" for a in (*arrays, *results)):
        return
    seeds = [np.cos(np.arange(results[i].numel())).reshape(results[i].shape) for i in taken]
    seeds = [s.astype(results[i].dtype) for s, i in zip(seeds, taken, strict=True)]
    leaves = [tensors[i] for i in smooth]
    try:
        wanted = vjp(
            [outputs[i] for i in taken],
            [inputs[i] for i in smooth],
            [constant(s) for s in seeds],
            unconnected="zero",
        )
    except DerivativeError:  # by a parameter, for which there is no formula
        with pytest.raises(DerivativeError):
            tape.grad([results[i] for i in taken], leaves, seeds, allow_unused=True)
        return
    expected = interpret(wanted, dict(zip(inputs, arrays, strict=True)))
    # Operation by operation, which create_graph asks for; the first of each compiled as well.
    passes = (True, False) if request.node.callspec.id.endswith("-0") else (True,)
    found = [
        tape.grad(
            [results[i] for i in taken],
            leaves,
            seeds,
            allow_unused=True,
            retain_graph=True,
            create_graph=create_graph,
        )
        for create_graph in passes
    ]
    for grads in found:
        for leaf, gradient, value in zip(leaves, grads, expected, strict=True):
            if gradient is None:
                assert not np.any(value)
                continue
            assert gradient.shape == leaf.shape
            assert gradient.dtype == leaf.dtype
            tolerance = 1e-4 if leaf.dtype.itemsize == 4 else 1e-9
            np.testing.assert_allclose(gradient.numpy(), value, tolerance, tolerance)
