"""Every operation against NumPy, against differences, and against its own formula.

The list of calls is the registry: ``EXAMPLES`` of each module of `symgraph.ops`, and for the
element-wise operations their declared arity and domain. A new operation is tested by existing.
"""

import contextlib
import importlib
import inspect
import itertools
import pkgutil
import sys
import zlib

import mpmath
import numpy as np
import pytest
import sympy

import symgraph.ops
from symgraph.errors import SymgraphError, UnsupportedError
from symgraph.graph.amounts import nbytes
from symgraph.graph.evaluate import evaluate_node, interpret
from symgraph.graph.graph import Graph
from symgraph.graph.node import Node, constant, make, placeholder, topological
from symgraph.graph.op import Op
from symgraph.graph.registry import BUILDERS, apply
from symgraph.graph.sizes import as_dim, dim_names, evaluate
from symgraph.graph.tree import flatten
from symgraph.graph.types import TensorType, TupleType
from symgraph.ops.kinds import (
    ELEMENTWISE,
    ControlFlow,
    Discrete,
    Elementwise,
    Example,
    NoDerivative,
)
from symgraph.simplify import simplify
from symgraph.transforms.families import known_of
from symgraph.transforms.jacobian import jacobian
from symgraph.transforms.jvp import jvp
from symgraph.transforms.parametric import by_products, coordinates
from symgraph.transforms.vjp import vjp
from symgraph.transforms.vmap import vmap

MODULES = [
    importlib.import_module(info.name)
    for info in pkgutil.walk_packages(symgraph.ops.__path__, "symgraph.ops.")
]


def elementwise_examples(op):
    """Sizes and dtypes of every kind, in the operation's domain."""
    rng = np.random.default_rng(zlib.crc32(op.name.encode()))
    builder = BUILDERS[op.name]
    shapes = [((3, 4), (4,), (), (1, 4)), ((2, 1), (3,), (1, 1), ()), ((), (), (), ())]
    shapes += [((0, 2), (2,), (), ())]
    kinds = op.kinds or "f" * op.arity

    def sample(kind, interval, shape, precision):
        values = rng.uniform(*interval, shape)
        if kind == "f":
            return np.asarray(values, precision)
        return np.asarray(values > 0 if kind == "b" else np.round(values), {"i": int}.get(kind))

    for precision, some in ((np.float64, shapes), (np.float32, shapes[1:3])):
        for shape in some:
            places = zip(kinds, op.intervals(), shape, strict=False)
            args = [sample(*place, precision) for place in places]
            yield Example(builder, tuple(args), reference_of(op))
    if "i" not in kinds and "b" not in kinds and takes_complex(op):
        places = zip(op.intervals(), shapes[0], strict=False)
        args = [rng.uniform(*i, s) + 1j * rng.uniform(-1, 1, s) for i, s in places]
        yield Example(builder, tuple(args), reference_of(op))


def takes_complex(op):
    """Whether there is a result for complex operands, the same function of them."""
    try:
        op.infer(*[TensorType.of((), complex)] * op.arity)
    except SymgraphError:
        return False
    return True


def reference_of(op):
    """NumPy's function; where there is none, the one that SciPy or a formula gives."""
    if op.numpy or op.ufunc:
        return op.numpy or op.ufunc
    known = {
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "softplus": lambda x: np.log1p(np.exp(x)),
        "relu": lambda x: np.maximum(x, 0),
        "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
        "clip_low": np.maximum,
        "clip_high": np.minimum,
    }
    return known.get(op.name) or numeric(op.sympy_formula, op.arity)


def numeric(formula, arity):
    function = sympy.lambdify(sympy.symbols(f"x0:{arity}", real=True), formula, ["scipy", "numpy"])
    return lambda *args: np.asarray(function(*args), np.result_type(*args))


MATRIX = np.arange(6.0).reshape(2, 3) / 7

MORE = {
    "where": [
        Example(np.where, (MATRIX > 0.3, MATRIX, np.float64(2.0))),
        Example(np.where, (np.array([True, False, True]), MATRIX, MATRIX.astype(np.float32))),
        Example(np.where, (np.array([0, 2, 1]), MATRIX[:, :1], MATRIX)),
    ],
    "astype": [
        Example(lambda x: x.astype(np.float32), (MATRIX,)),
        Example(lambda x: np.astype(x, np.int64), (MATRIX,)),
        Example(lambda x: x.astype(bool), (MATRIX,)),
    ],
    "stop_gradient": [
        Example(lambda x: x * apply("stop_gradient", 2.0), (MATRIX,), lambda x: x * 2.0),
    ],
    "filled": [
        Example(lambda x: x + apply("zeros", np.shape(x)) + apply("ones", np.shape(x)), (MATRIX,)),
        Example(lambda x: x + apply("full", np.shape(x), 2.5), (MATRIX,)),
        Example(lambda x: x + np.empty_like(x) * 0, (np.ones((2, 3), np.int32),)),
        Example(lambda x: x @ apply("identity", 3), (MATRIX,)),
        Example(lambda x: x + apply("eye", as_dim(2), 3), (MATRIX,)),
        Example(lambda x: np.copy(x) * np.size(x) + np.size(x, 0), (MATRIX,)),
    ],
    "shapes": [
        Example(lambda x: apply("permute_dims", x, (1, 0)), (MATRIX,)),
        Example(lambda x: np.broadcast_arrays(x, x[0])[1], (MATRIX,)),
        Example(lambda x: np.compress([True, False, True], x, axis=1), (MATRIX,)),
        Example(lambda x: np.flipud(np.fliplr(x)), (MATRIX,)),
        Example(lambda x: np.vsplit(x, 2)[1], (MATRIX,)),
    ],
}
"""What is not the property of one module, or has no operand of its own."""


def all_examples():
    groups = [getattr(module, "EXAMPLES", {}) for module in MODULES]
    for name, examples in itertools.chain(*[group.items() for group in groups], MORE.items()):
        for number, example in enumerate(examples):
            yield pytest.param(example, id=f"{name}-{number}")
    for name, op in ELEMENTWISE.items():
        if name in BUILDERS:
            for number, example in enumerate(elementwise_examples(op)):
                yield pytest.param(example, id=f"{name}-{number}")


EXAMPLES = list(all_examples())
every_example = pytest.mark.parametrize("example", EXAMPLES)


def placeholders(args):
    return [placeholder(f"x{i}", np.shape(a), np.asarray(a).dtype) for i, a in enumerate(args)]


def symbolic(args):
    """Placeholders with a name for every size above 1, the same for equal sizes."""
    return [
        placeholder(f"x{i}", [f"n{d}" if d > 1 else d for d in np.shape(a)], np.asarray(a).dtype)
        for i, a in enumerate(args)
    ]


def results(example, inputs):
    """The nodes that a call gives, one or several."""
    found, _ = flatten(example.call(*inputs))
    return [node for node in found if isinstance(node, Node)]


def values(nodes, inputs, args):
    with np.errstate(all="ignore"):
        return interpret(nodes, dict(zip(inputs, args, strict=True)))


def tolerance(dtype):
    return (
        {"rtol": 2e-5, "atol": 1e-5}
        if dtype in (np.float32, np.complex64)
        else {"rtol": 1e-9, "atol": 1e-12}
    )


@every_example
def test_value_dtype_and_shape_are_numpys(example):
    inputs = placeholders(example.args)
    nodes = results(example, inputs)
    Graph(inputs, nodes).verify()
    with np.errstate(all="ignore"):
        expected, _ = flatten((example.reference or example.call)(*example.args))
    assert len(nodes) == len(expected)
    for node, value, wanted in zip(
        nodes, values(nodes, inputs, example.args), expected, strict=True
    ):
        assert node.shape == np.shape(wanted) == np.shape(value)
        assert node.dtype == np.asarray(wanted).dtype == np.asarray(value).dtype
        np.testing.assert_allclose(value, wanted, **tolerance(node.dtype))


@every_example
def test_cost_is_that_of_the_arrays(example):
    inputs = placeholders(example.args)
    nodes = [n for n in topological(results(example, inputs)) if n.op.work(n) or n.op.views]
    for node in nodes:
        op, flops, memory = node.op, node.op.flops(node), node.op.allocated(node)
        assert isinstance(flops, int)
        assert flops >= 0
        if isinstance(op, Elementwise):
            assert flops == max(1, round(op.cost)) * node.size
        if not isinstance(op, ControlFlow):
            assert memory == (0 if op.views and not memory else nbytes(node.result_type))
    # What is counted as made is what NumPy makes.
    made = [n for n in nodes if n.op.allocated(n) and isinstance(n.result_type, TensorType)]
    for node, value in zip(made, values(made, inputs, example.args), strict=True):
        assert isinstance(node.op, ControlFlow) or np.asarray(value).nbytes == node.op.allocated(
            node
        )


@pytest.mark.parametrize("example", [p for p in EXAMPLES if p.id.rsplit("-")[0] not in ELEMENTWISE])
def test_nothing_elsewhere_along_an_axis_counts(example):
    inputs = placeholders(example.args)
    order = topological(results(example, inputs))
    known = dict(zip(order, values(order, inputs, example.args), strict=True))
    for node in order:
        if any(isinstance(x.result_type, TupleType) for x in (node, *node.inputs)):
            continue
        operands = [np.asarray(known[x]) for x in node.inputs]
        for place, x in enumerate(operands):
            for axis, own in enumerate(node.op.apart(node, place, node.type)):
                if own is None or x.dtype.kind not in "fc" or not x.size:
                    continue
                assert node.shape[axis] == x.shape[own]
                changed = np.moveaxis(x.copy(), own, 0)
                with np.errstate(all="ignore"):
                    changed[1:] *= 0.75  # shares stay between 0 and 1
                others = [*operands[:place], np.moveaxis(changed, 0, own), *operands[place + 1 :]]
                found = evaluate_node(node, others, {})
                before, after = (np.take(value, 0, axis) for value in (known[node], found))
                np.testing.assert_allclose(after, before, **tolerance(node.dtype))


@every_example
def test_arrays_give_arrays(example):
    with np.errstate(all="ignore"):
        found, _ = flatten(example.call(*example.args))
        expected, _ = flatten((example.reference or example.call)(*example.args))
    if example.reference and any(isinstance(value, Node) for value in found):
        pytest.skip("arrays have no such method: it is ours")
    for value, wanted in zip(found, expected, strict=True):
        assert not isinstance(value, Node)
        np.testing.assert_allclose(value, wanted, **tolerance(np.asarray(wanted).dtype))


@every_example
def test_constants_give_what_placeholders_give(example):
    inputs = placeholders(example.args)
    nodes = results(example, inputs)
    folded = results(example, [constant(a) for a in example.args])
    for value, wanted in zip(
        values(folded, [], []), values(nodes, inputs, example.args), strict=True
    ):
        np.testing.assert_allclose(value, wanted, **tolerance(np.asarray(wanted).dtype))


@every_example
def test_symbolic_sizes_give_the_same(example):
    """Value and cotangents, in a graph that knows no size above 1."""
    inputs = symbolic(example.args)
    try:
        nodes = results(example, inputs)
    except (SymgraphError, TypeError):
        pytest.skip("the call names sizes")
    fixed = placeholders(example.args)
    known = results(example, fixed)
    pairs = [(nodes, inputs), (known, fixed)]
    if all(node.dtype.kind == "f" for node in (*nodes, *inputs)):
        try:
            for ys, xs in pairs:
                ys += vjp(ys, [x for x in xs if not refuses(ys, x)], unconnected="zero")
        except UnsupportedError:
            pytest.skip("its derivative needs known sizes, and says so")
    found, wanted = (values(ys, xs, example.args) for ys, xs in pairs)
    for node, value, reference in zip(nodes, found, wanted, strict=True):
        assert node.ndim == np.ndim(value)
        np.testing.assert_allclose(value, reference, **tolerance(node.dtype))


# Derivatives -----------------------------------------------------------------------------------


def differentiable(example):
    """Placeholders, the results that depend on real ones of them, and the places of those."""
    inputs = placeholders(example.args)
    outputs = [node for node in results(example, inputs) if node.type.inexact]
    places = [i for i, x in enumerate(inputs) if x.type.inexact and not refuses(outputs, x)]
    varied = {inputs[i] for i in places}
    outputs = [node for node in outputs if set(topological([node])) & varied]
    if not outputs or not places:
        pytest.skip("integers and booleans have no derivative")
    if any(np.size(args) and not np.all(np.isfinite(args)) for args in example.args):
        pytest.skip("no derivative at infinity")
    return inputs, places, outputs


def refuses(outputs, x):
    """Whether an operation declares that it has no derivative by this operand."""
    return any(
        operand is x and isinstance(rule, NoDerivative)
        for node in topological(outputs)
        for operand, rule in zip(
            node.inputs, getattr(node.op, "partials", None) or (), strict=False
        )
    )


def random_like(nodes, seed):
    rng = np.random.default_rng(seed)

    def one(node):
        value = rng.standard_normal(node.shape)
        if node.dtype.kind == "c":
            value = value + 1j * rng.standard_normal(node.shape)
        return np.asarray(value, node.dtype)

    return [one(node) for node in nodes]


def tangents_of(example, outputs, inputs, places, tangents):
    wrt = [inputs[i] for i in places]
    return jvp(outputs, wrt, [constant(t) for t in tangents], unconnected="zero")


def in_double(example):
    """The same example with float64 operands."""
    args = tuple(
        np.asarray(a, {"f": float, "c": complex}.get(np.asarray(a).dtype.kind))
        for a in example.args
    )
    return Example(example.call, args, example.reference)


def central_differences(nodes, inputs, args, places, tangents, step):
    """Fourth-order differences of values along a direction."""

    def shifted(h):
        moved = list(args)
        for i, t in zip(places, tangents, strict=True):
            moved[i] = args[i] + h * t
        return values(nodes, inputs, moved)

    near = zip(shifted(step), shifted(-step), shifted(2 * step), shifted(-2 * step), strict=True)
    return [(8 * (a - b) - (c - d)) / (12 * step) for a, b, c, d in near]


def smooth_here(nodes, inputs, args, places, tangents):
    """Whether halving the step leaves the differences: no kink or jump lies in the way."""
    coarse = central_differences(nodes, inputs, args, places, tangents, 1e-3)
    fine = central_differences(nodes, inputs, args, places, tangents, 2.5e-4)
    return all(
        np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)
        for a, b in zip(coarse, fine, strict=True)
    )


@every_example
def test_forward_mode_is_the_limit_of_differences(example):
    example = in_double(example)
    inputs, places, outputs = differentiable(example)
    tangents = random_like([inputs[i] for i in places], 1)
    found = tangents_of(example, outputs, inputs, places, tangents)
    got = values(found, inputs, example.args)
    if not smooth_here(outputs, inputs, example.args, places, tangents):
        pytest.skip("at a kink the convention holds: see the tests of conventions")
    wanted = central_differences(outputs, inputs, example.args, places, tangents, 1e-3)
    for value, limit, node in zip(got, wanted, outputs, strict=True):
        assert np.shape(value) == node.shape
        np.testing.assert_allclose(value, limit, rtol=2e-7, atol=2e-7)


@every_example
def test_reverse_mode_is_the_transpose_of_forward_mode(example):
    inputs, places, outputs = differentiable(example)
    wrt = [inputs[i] for i in places]
    tangents = random_like(wrt, 2)
    cotangents = random_like(outputs, 3)
    forward = tangents_of(example, outputs, inputs, places, tangents)
    reverse = vjp(outputs, wrt, [constant(c) for c in cotangents], unconnected="zero")
    Graph(inputs, [forward, reverse]).verify()
    for node, gradient in zip(wrt, reverse, strict=True):
        assert gradient.type == node.type
    found = values([*forward, *reverse], inputs, example.args)
    jv, vj = found[: len(forward)], found[len(forward) :]
    # The real part of the product, not conjugated: see symgraph/ops/elementwise/parts.py.
    left = sum(np.sum(c * t, dtype=complex).real for c, t in zip(cotangents, jv, strict=True))
    right = sum(np.sum(g * t, dtype=complex).real for g, t in zip(vj, tangents, strict=True))
    size = sum(np.sum(np.abs(c * t)) for c, t in zip(cotangents, jv, strict=True)) + 1.0
    single = any(x.dtype in (np.float32, np.complex64) for x in (*wrt, *outputs))
    assert abs(left - right) <= (1e-4 if single else 1e-11) * size


@every_example
def test_second_derivatives(example):
    """The tangent of the gradient is the limit of its differences."""
    example = in_double(example)
    inputs, places, outputs = differentiable(example)
    wrt = [inputs[i] for i in places]
    tangents = random_like(wrt, 4)
    cotangents = [constant(c) for c in random_like(outputs, 5)]
    gradients = vjp(outputs, wrt, cotangents, unconnected="zero")
    second = jvp(gradients, wrt, [constant(t) for t in tangents], unconnected="zero")
    got = values(second, inputs, example.args)
    if not smooth_here([*outputs, *gradients], inputs, example.args, places, tangents):
        pytest.skip("at a kink")
    wanted = central_differences(gradients, inputs, example.args, places, tangents, 1e-3)
    for value, limit in zip(got, wanted, strict=True):
        np.testing.assert_allclose(value, limit, rtol=1e-6, atol=1e-6)


# Element-wise operations and their formulas -----------------------------------------------------


def formulas():
    return [
        pytest.param(op, id=name)
        for name, op in ELEMENTWISE.items()
        if op.formula and name in BUILDERS
    ]


def sample(op, seed=7):
    rng = np.random.default_rng(seed)
    drawn = [rng.uniform(*interval, 12) for interval in op.intervals()]
    kinds = op.kinds or "f" * op.arity
    return [x if k == "f" else np.round(x).astype(int) for k, x in zip(kinds, drawn, strict=True)]


def at_sample(expression, op, args, digits=50):
    """An expression in ``x0, x1, ...`` by mpmath, to many digits, rounded at the end."""
    symbols = sympy.symbols(f"x0:{op.arity}", real=True)
    function = sympy.lambdify(symbols, expression, "mpmath")
    with mpmath.workdps(digits):
        rows = zip(*args, strict=True)
        return np.array([float(function(*map(mpmath.mpf, map(float, row)))) for row in rows])


@pytest.mark.parametrize("op", formulas())
def test_value_is_that_of_the_formula(op):
    args = sample(op)
    inputs = placeholders(args)
    (value,) = values([make(op, *inputs)], inputs, args)
    np.testing.assert_allclose(
        value.astype(float), at_sample(op.sympy_formula, op, args), rtol=op.accuracy, atol=1e-15
    )


@pytest.mark.parametrize("op", formulas())
def test_partials_are_the_derivatives_of_the_formula(op):
    args = sample(op)
    inputs = placeholders(args)
    node = make(op, *inputs)
    if not node.type.inexact:
        pytest.skip("its result is boolean")
    symbols = sympy.symbols(f"x0:{op.arity}", real=True)
    for i, (x, symbol) in enumerate(zip(inputs, symbols, strict=True)):
        if not x.type.inexact or (op.partials and isinstance(op.partials[i], NoDerivative)):
            continue
        derivative = sympy.diff(op.sympy_formula, symbol).doit()
        # In between its jumps a step does not change: SymPy leaves the derivative open.
        derivative = derivative.replace(
            lambda e: isinstance(e, sympy.Derivative | sympy.Subs | sympy.DiracDelta),
            lambda e: sympy.Integer(0),
        )
        (got,) = values(vjp([node], [x], unconnected="zero"), inputs, args)
        wanted = at_sample(derivative, op, args)
        np.testing.assert_allclose(got, wanted, rtol=max(1e-13, 25 * op.accuracy), atol=1e-14)


# The list is complete ---------------------------------------------------------------------------


def subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def classes_of(example, inputs):
    """Names of the classes in the graph of an example and of its reverse mode."""
    nodes = results(example, inputs)
    real = [node for node in nodes if node.dtype.kind == "f"]
    wrt = [x for x in inputs if x.dtype.kind == "f" and not refuses(nodes, x)]
    if real and wrt:
        nodes += vjp(real, wrt, unconnected="zero")
    return {type(node.op).__qualname__ for node in topological(nodes)}


def test_every_class_of_operation_has_an_example():
    used = set()
    for parameter in EXAMPLES:
        example = parameter.values[0]
        used |= classes_of(example, placeholders(example.args))
        with contextlib.suppress(SymgraphError, TypeError):  # the call names sizes
            used |= classes_of(example, symbolic(example.args))
    # By name: a dataclass with slots is made anew, and the class it was made from lives on.
    ours = {
        kind.__qualname__
        for kind in subclasses(Op)
        if kind.__module__.startswith("symgraph.ops") and kind.name and kind is not Elementwise
    }
    assert ours - used == set()


def test_every_builder_is_called_by_an_example():
    called = set()

    def note(frame, event, argument):
        if event == "call":
            called.add(frame.f_code)

    for parameter in EXAMPLES:
        example = parameter.values[0]
        inputs = placeholders(example.args)
        sys.setprofile(note)
        try:
            example.call(*inputs)
        finally:
            sys.setprofile(None)
    missing = [
        name
        for name, function in BUILDERS.items()
        if name not in ELEMENTWISE
        and function.__module__.startswith("symgraph.ops")
        and inspect.unwrap(function).__code__ not in called
    ]
    assert missing == []


def test_discrete_operations_give_integers_or_booleans_or_arrays_without_operands():
    for parameter in EXAMPLES:
        example = parameter.values[0]
        for node in topological(results(example, placeholders(example.args))):
            if isinstance(node.op, Discrete) and node.inputs:
                assert node.dtype.kind in "biu"


# Batching --------------------------------------------------------------------------------------


def mapped_choices(count):
    """Each operand alone, and all together."""
    return [(i,) for i in range(count)] + [tuple(range(count))] * (count > 1)


def stacks_of(args, mapped, size=3):
    """Copies of the mapped arguments that differ where they are floating, the batch in front."""
    factors = 1.0 + 0.05 * np.arange(size)
    stacked = list(args)
    for i in mapped:
        rows = [
            np.asarray(args[i] * f if np.asarray(args[i]).dtype.kind in "fc" else args[i])
            for f in factors
        ]
        stacked[i] = np.stack(rows).astype(np.asarray(args[i]).dtype)
    return stacked


def rows_of(stacks, mapped, i):
    return [x[i] if k in mapped else x for k, x in enumerate(stacks)]


def check_batching(function, args, mapped):
    """The batched function against a loop over the rows."""
    stacks = stacks_of(args, mapped)
    inputs = placeholders(stacks)
    axes = tuple(0 if i in mapped else None for i in range(len(args)))
    found = vmap(function, in_axes=axes)(*inputs)
    one = placeholders(args)
    single = function(*one)
    Graph(inputs, found).verify()
    got = values(found, inputs, stacks)
    for i in range(len(stacks[mapped[0]])):
        wanted = values(single, one, rows_of(stacks, mapped, i))
        for node, batch, value in zip(found, got, wanted, strict=True):
            assert np.shape(batch) == node.shape == (len(stacks[mapped[0]]), *np.shape(value))
            np.testing.assert_allclose(batch[i], value, **tolerance(node.dtype))


def test_every_operation_says_what_it_is_for_a_stack():
    """What has no rule is put in a loop; of ours nothing is."""
    looped = {
        kind.__name__
        for kind in subclasses(Op)
        if kind.__module__.startswith("symgraph.ops")
        and kind.name
        and kind.batch is Op.batch
        and getattr(kind, "batch_bodies", None) in (None, ControlFlow.batch_bodies)
    }
    assert looped == {"Arange", "Eye", "Tri"}  # these have no operands


@every_example
def test_batching_is_a_stacked_loop(example):
    for mapped in mapped_choices(len(example.args)):
        check_batching(lambda *xs: results(example, xs), example.args, mapped)


@every_example
def test_batching_the_gradient(example):
    inputs, places, outputs = differentiable(example)
    cotangents = [constant(c) for c in random_like(outputs, 6)]

    def gradients(*xs):
        ys = [y for y in results(example, xs) if y.type.inexact]
        ys = [y for y in ys if set(topological([y])) & {xs[i] for i in places}]
        return vjp(ys, [xs[i] for i in places], cotangents, unconnected="zero")

    check_batching(gradients, example.args, tuple(range(len(inputs))))


# Whole derivatives -----------------------------------------------------------------------------


CLOSE = {"rtol": 1e-8, "atol": 1e-9}


@every_example
def test_jacobians_are_stacked_products(example):
    """Rows and columns give one Jacobian, and it times a tangent is the tangent of the result."""
    inputs, places, outputs = differentiable(in_double(example))
    wrt = [inputs[i] for i in places]
    if any(node.dtype.kind == "c" for node in (*wrt, *outputs)):
        pytest.skip("Jacobians of complex values are refused: see test_jacobian.py")
    if sum(np.prod(x.shape) * np.prod(y.shape) for x in wrt for y in outputs) > 1000:
        pytest.skip("large: smaller examples of the operation say the same")
    tangents = random_like(wrt, 8)
    by_rows, by_columns = (
        jacobian(outputs, wrt, mode=mode, unconnected="zero") for mode in ("reverse", "forward")
    )
    products = jvp(outputs, wrt, [constant(t) for t in tangents], unconnected="zero")
    args = in_double(example).args
    for y, rows, columns, product in zip(outputs, by_rows, by_columns, products, strict=True):
        got, others, (wanted,) = (values(n, inputs, args) for n in (rows, columns, [product]))
        total = 0.0
        for x, t, one, two in zip(wrt, tangents, got, others, strict=True):
            assert one.shape == two.shape == y.shape + x.shape
            np.testing.assert_allclose(one, two, **CLOSE)
            total = total + np.tensordot(one, t, x.ndim)
        single = y.dtype == np.float32
        np.testing.assert_allclose(total, wanted, **tolerance(y.dtype) if single else CLOSE)


@every_example
def test_simplified_jacobians_are_equal(example):
    """Of squares, so that slices, bands and diagonals meet factors and sums."""
    inputs, places, outputs = differentiable(in_double(example))
    wrt = [inputs[i] for i in places]
    outputs = [y for y in outputs if y.dtype == np.float64]
    if not outputs or any(x.dtype != np.float64 for x in wrt):
        pytest.skip("one tolerance for one dtype")
    if sum(np.prod(x.shape) * np.prod(y.shape) for x in wrt for y in outputs) > 500:
        pytest.skip("large: smaller examples of the operation say the same")
    rows = jacobian([y * y for y in outputs], wrt, unconnected="zero")
    plain = [node for row in rows for node in row]
    args = in_double(example).args
    simple = values(simplify(plain).outputs, inputs, args)
    for found, wanted in zip(simple, values(plain, inputs, args), strict=True):
        np.testing.assert_allclose(found, wanted, **CLOSE)


# Sparse derivatives ----------------------------------------------------------------------------


MOVING = [p for p in EXAMPLES if p.id.rpartition("-")[0] not in ELEMENTWISE]


@pytest.mark.parametrize("example", MOVING)
def test_entries_at_symbolic_sizes_are_those_of_the_jacobian(example):
    """By what an operation says of its elements: its links, and the axes that stay apart."""
    example = in_double(example)
    inputs = symbolic(example.args)
    if sum(np.size(a) for a in example.args) > 12:
        pytest.skip("large: smaller examples of the operation say the same")
    try:
        outputs = results(example, inputs)
    except (SymgraphError, TypeError):
        pytest.skip("the call names sizes")
    for x, y in itertools.product(inputs, outputs):
        if x.dtype != np.float64 or y.dtype != np.float64 or refuses([y], x):
            continue
        names = set().union(*[dim_names(dim) for node in inputs for dim in node.shape])
        sizes = {name: int(name[1:]) for name in names}
        for entries in (coordinates(y, x), by_products(y, x)):
            if any(evaluate(fact, sizes) < 0 for fact in known_of([y, x, *entries]).facts):
                continue  # a call would say so
            wanted = jacobian(y, x, unconnected="zero")
            data, *places, wanted = values([*entries, wanted], inputs, example.args)
            columns = evaluate(x.size, sizes)
            dense = np.zeros((np.size(wanted) // max(columns, 1), columns))
            np.add.at(dense, tuple(places), data)
            np.testing.assert_allclose(dense.ravel(), np.ravel(wanted), **CLOSE)
