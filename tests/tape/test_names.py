"""PyTorch's names: against what NumPy gives; names that mean two things, and that there are not."""

import copy
import pickle

import numpy as np
import pytest
import scipy.special
from scipy.spatial.distance import cdist

import symgraph as sg
from symgraph import tape
from symgraph.tape.spaces import SPACES
from symgraph.tape.words import FUNCTIONS

X = np.sin(np.arange(12.0)).reshape(3, 4) * 2
Y = np.cos(np.arange(12.0)).reshape(3, 4) + 2
I = np.array([[0, 2, 1, 1], [2, 0, 0, 1]])
ORDER = np.argsort(-X, axis=1)

SAME = {
    "x.chunk(3, dim=1)[1]": X[:, 2:],
    "x.split(3, dim=1)[1]": X[:, 3:],
    "x.split([1, 3], dim=1)[1]": X[:, 1:],
    "tape.split(x, 3, dim=0)[0]": X,
    "x.split(3, axis=0)[1]": X[1:2],
    "x.flatten(1)": X,
    "tape.flatten(x[None], 0, 1)": X,
    "x.select(1, 2)": X[:, 2],
    "x.narrow(1, 1, 2)": X[:, 1:3],
    "x.unbind(1)[3]": X[:, 3],
    "x.unfold(1, 2, 2)": np.stack([X[:, :2], X[:, 2:]], 1),
    "x.index_select(1, [0, 0, 3])": X[:, [0, 0, 3]],
    "x.gather(0, i)": np.take_along_axis(X, I, 0),
    "x[:2].scatter(1, i % 2, y)": [[Y[0, 1], Y[0, 3], *X[0, 2:]], [Y[1, 2], Y[1, 3], *X[1, 2:]]],
    "(x * 0).scatter_(1, i, 1.0)[:2]": [[1, 1, 1, 0], [1, 1, 1, 0]],
    "(x * 0).scatter_add(0, i, y)": [
        [Y[0, 0], Y[1, 1], Y[1, 2], 0],
        [0, 0, Y[0, 2], Y[0, 3] + Y[1, 3]],
        [Y[1, 0], Y[0, 1], 0, 0],
    ],
    "x.index_add(0, [1, 1], y[:2])": X + np.stack([Y[0] * 0, Y[0] + Y[1], Y[0] * 0]),
    "x.masked_fill(x > 0, -1.0)": np.where(X > 0, -1, X),
    "x.masked_select(x > 0)": X[X > 0],
    "x.sort(dim=1)[0]": np.sort(X, 1),
    "x.sort(dim=1, descending=True).values": -np.sort(-X, 1),
    "x.sort(axis=-1)": np.sort(X),
    "tape.topk(x, 2).values": -np.sort(-X, 1)[:, :2],
    "x.topk(2, dim=0, largest=False)[0]": np.sort(X, 0)[:2],
    "x.gather(1, x.argsort(dim=1, descending=True))": np.take_along_axis(X, ORDER, 1),
    "x.add(y, alpha=2)": X + 2 * Y,
    "tape.sub(x, 1)": X - 1,
    "x.div(y, rounding_mode='floor') + x * 0": X // Y,
    "x.div(y, rounding_mode='trunc') + x * 0": np.trunc(X / Y),
    "y.rsqrt() + y.frac()": 1 / np.sqrt(Y) + Y % 1,
    "tape.lerp(x, y, 0.3)": X + 0.3 * (Y - X),
    "tape.addcmul(x, x, y, value=2) + x.addcdiv(x, y)": 2 * X + 2 * X * Y + X / Y,
    "tape.addmm(tape.ones(3, 3), x, y.t(), beta=2, alpha=3)": 2 + 3 * X @ Y.T,
    "x.norm() + x.norm(1)": np.linalg.norm(X) + np.abs(X).sum(),
    "x.norm(dim=1, keepdim=True)": np.linalg.norm(X, axis=1, keepdims=True),
    "tape.dist(x, y)": np.linalg.norm(X - Y),
    "tape.cdist(x, y)": cdist(X, Y),
    "tape.cosine_similarity(x, y)": 1 - np.diag(cdist(X, Y, "cosine")),
    "tape.logdet(y[:, :3] + 2 * tape.eye(3))": np.log(np.linalg.det(Y[:, :3] + 2 * np.eye(3))),
    "(y[:, :3] + 2 * tape.eye(3)).inverse()": np.linalg.inv(Y[:, :3] + 2 * np.eye(3)),
    "x.clamp(-1, 1) + x.clamp_min(0) + x.clamp_max(0)": np.clip(X, -1, 1) + X,
    "tape.einsum('ij,kj->ik', [x, y])": X @ Y.T,
    "tape.tensordot(x, y, dims=([1], [1]))": X @ Y.T,
    "y.lgamma()": scipy.special.gammaln(Y),
    "x.repeat(2, 1, 1)": np.tile(X, (2, 1, 1)),
    "x.repeat(2, axis=0)": np.repeat(X, 2, 0),
    "tape.roll(x, 1, 0)": np.roll(X, 1, 0),
    "x.max(y)": np.maximum(X, Y),
    "x.max(dim=1).values": X.max(1),
    "x.var(dim=1, unbiased=False) + x.std(dim=1, correction=1)": X.var(1) + X.std(1, ddof=1),
    "tape.triu(x, diagonal=1)": np.triu(X, 1),
    "x.type_as(y).type(tape.float64).to(y)": X,
    "tape.linalg.norm(x, dim=0)": np.linalg.norm(X, axis=0),
    "tape.special.expit(x)": scipy.special.expit(X),
    "tape.nn.functional.linear(x, y, tape.ones(3))": X @ Y.T + 1,
    "tape.nn.functional.gelu(x)": X * scipy.special.ndtr(X),
    "tape.nn.functional.mse_loss(x, y)": ((X - Y) ** 2).mean(),
    "F.layer_norm(x, (4,), y[0], y[1], 1e-3)": (X - X.mean(1, keepdims=True))
    / np.sqrt(X.var(1, keepdims=True) + 1e-3)
    * Y[0]
    + Y[1],
    "F.rms_norm(x, [4])": X / np.sqrt((X**2).mean(1, keepdims=True) + 2.0**-52),
    "F.softmax(x) + F.log_softmax(x)": scipy.special.softmax(X, 1)
    + scipy.special.log_softmax(X, 1),
    "F.softplus(x, beta=2)": np.logaddexp(0, 2 * X) / 2,
    "F.dropout(x, 0.5, training=False) + F.dropout(x, p=0)": 2 * X,
    "F.pad(x, (1, 0, 0, 2), value=3.0)": np.pad(X, ((0, 2), (1, 0)), constant_values=3),
    "F.normalize(x, dim=0)": X / np.linalg.norm(X, axis=0),
    "F.cross_entropy(x[:2], tape.tensor([1, 0]), y[0], reduction='sum')": -(
        scipy.special.log_softmax(X[:2], 1)[[0, 1], [1, 0]] * Y[0, [1, 0]]
    ).sum(),
    "F.huber_loss(x, y, reduction='sum', delta=9.0)": ((X - Y) ** 2).sum() / 2,
    "tape.transpose(x, 0, 1) + tape.max(x, 1, keepdim=True)[0].t()": X.T + X.max(1),
    "x.sum(1, True) + x.logsumexp(1, True) * 0": X.sum(1, keepdims=True),
    "x.median(dim=1).values": np.sort(X)[:, 1],
    "x.std(0, unbiased=True) + tape.var(x, 0, False)": X.std(0, ddof=1) + X.var(0),
    "tape.meshgrid(x[0], y[0], indexing='ij')[0]": np.repeat(X[0], 4).reshape(4, 4),
}


@pytest.mark.parametrize("text", SAME)
def test_what_numpy_gives(text):
    x, y = tape.tensor(X, requires_grad=True), tape.tensor(Y, requires_grad=True)
    result = eval(
        text, {"tape": tape, "x": x, "y": y, "i": tape.tensor(I), "F": tape.nn.functional}
    )
    np.testing.assert_allclose(result.numpy(), SAME[text], 1e-12, 1e-12)
    assert result.requires_grad


def test_what_has_no_gradient():
    x = tape.tensor(X, requires_grad=True)
    np.testing.assert_array_equal(x.topk(1)[1].numpy(), ORDER[:, :1])
    np.testing.assert_array_equal((x > 0).nonzero(as_tuple=False).numpy(), np.argwhere(X > 0))
    np.testing.assert_array_equal(
        tape.nonzero(x > 0, as_tuple=True)[1].numpy(), np.nonzero(X > 0)[1]
    )
    F = tape.nn.functional
    np.testing.assert_array_equal(F.one_hot(tape.tensor([1, 0]), 2).numpy(), [[0, 1], [1, 0]])
    assert x.new_ones(2).shape == x.new_zeros(2).shape == (2,)
    assert (x * 2).grad_fn == "multiply"
    assert x.grad_fn is None


def test_names_that_mean_two_things_are_refused():
    x = tape.tensor(X, requires_grad=True)
    with pytest.raises(sg.UnsupportedError, match="size of each"):
        x.split(1)
    with pytest.raises(sg.UnsupportedError, match="number for each axis"):
        x.repeat(2, 1)
    for call in (x.var, lambda: x.std(1), lambda: x.var(dim=0), lambda: tape.std(x)):
        with pytest.raises(sg.UnsupportedError, match="n - 1"):
            call()
    for call in ("max(1)", "min(0)", "sort()", "sort(1)", "median()", "median(0)", "nonzero()"):
        with pytest.raises(sg.UnsupportedError, match="as in NumPy, or as in PyTorch"):
            eval(f"x.{call}", {"x": x})
    for call in ("meshgrid(x[0], x[1])", "cross(x[:, :3], x[:, :3])", "tril_indices(3, 3)"):
        with pytest.raises(sg.UnsupportedError, match="as in NumPy, or as in PyTorch"):
            eval(f"tape.{call}", {"x": x, "tape": tape})
    np.testing.assert_array_equal(np.max(x, 1).numpy(), x.max(axis=1).numpy())


def test_normalisation_and_dropout_as_in_pytorch():
    x, F = tape.tensor(X, requires_grad=True), tape.nn.functional
    mean, var = tape.zeros(4), tape.ones(4)
    y = F.batch_norm(x, mean, var, training=True)
    np.testing.assert_allclose(y.numpy(), (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-5))
    np.testing.assert_allclose(mean.numpy(), 0.1 * X.mean(0))
    np.testing.assert_allclose(var.numpy(), 0.9 + 0.1 * X.var(0, ddof=1))
    y = F.dropout(tape.ones(1000), 0.25)
    assert set(y.tolist()) == {0.0, 1 / 0.75}
    assert y.mean().item() == pytest.approx(1, abs=0.2)
    with pytest.raises(sg.ShapeError, match="normalized_shape"):
        F.layer_norm(x, 3)
    for labels in ([0, 1, -1], [0, 4, 1]):  # the last class, and an error of NumPy's, otherwise
        with pytest.raises(sg.InputError, match="no class"):
            F.cross_entropy(x, tape.tensor(labels))


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("tape.nn.Module", "any object that holds tensors"),
        ("tape.save", "np.savez"),
        ("tape.cummprod", "cumprod"),
        ("x.cuda", "processor"),
        ("tape.autograd.Function", "custom_derivative"),
    ],
)
def test_names_that_there_are_not(text, instead):
    with pytest.raises(AttributeError, match=instead):
        eval(text, {"tape": tape, "x": tape.ones(1)})


def test_no_other_name_hides_an_operation():
    own = {name for name in vars(tape) if name in FUNCTIONS} - set(tape.__all__)
    assert all(callable(getattr(tape, name)) for name in FUNCTIONS if name not in SPACES)
    assert all(hasattr(getattr(tape, name), "__wrapped__") for name in own if name not in SPACES)


def test_autograd_and_its_functions():
    x = tape.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y, z = (x**2).sum(), (x * x).sum()
    tape.autograd.backward([y, z])
    np.testing.assert_array_equal(x.grad.numpy(), 4 * x.detach().numpy())
    (slope,) = tape.autograd.grad((x**3).sum(), x, create_graph=True)
    assert tape.autograd.grad(slope.sum(), [x], allow_unused=True)[0].tolist() == [6, 12, 18]

    def cube(v):
        return (v**3).sum() * v[0]

    at = tape.tensor([1.0, 2.0, 3.0])
    n = sg.placeholder("v", 3)
    value = (n**3).sum() * n[0]
    rows, hessian = sg.function([n], [sg.jacobian(n * n[0], n), sg.hessian(value, n)])(at.numpy())
    functional = tape.autograd.functional
    np.testing.assert_allclose(functional.jacobian(lambda v: v * v[0], at).numpy(), rows)
    np.testing.assert_allclose(functional.hessian(cube, at).numpy(), hessian)
    v = tape.tensor([1.0, -1.0, 2.0])
    np.testing.assert_allclose(functional.hvp(cube, at, v)[1].numpy(), hessian @ v.numpy())
    np.testing.assert_allclose(
        functional.jvp(lambda w: w * w[0], at, v)[1].numpy(), rows @ v.numpy()
    )
    np.testing.assert_allclose(
        functional.vjp(lambda w: w * w[0], at, v)[1].numpy(), v.numpy() @ rows
    )
    blocks = functional.hessian(lambda a, b: (a * a * b).sum(), (at, v))
    np.testing.assert_allclose(blocks[0][1].numpy(), np.diag(2 * at.numpy()))
    np.testing.assert_allclose(blocks[1][1].numpy(), np.zeros((3, 3)))
    assert not at.requires_grad


def test_the_rate_of_an_optimizer_may_be_changed_in_its_group():
    w = tape.tensor([1.0], requires_grad=True)
    optimizer = tape.optim.SGD([w], lr=1.0)
    for group in optimizer.param_groups:
        group["lr"] = 0.5
    (w * 1).sum().backward()
    optimizer.step()
    assert w.item() == 0.5
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.item() == 0
    with pytest.raises(sg.InputError, match="groups of parameters"):
        tape.optim.SGD([{"params": [w]}])


def test_numpys_words_for_changes():
    x = tape.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    np.add.at(y, [0, 0, 1], x)
    np.multiply(y, x, out=y)
    y.sum().backward()
    np.testing.assert_array_equal(y.numpy(), [4, 10, 9])
    np.testing.assert_array_equal(x.grad.numpy(), [6, 8, 8])
    assert np.add(x, 1, dtype=np.float32).dtype == np.float32
    assert [v.tolist() for v in divmod(x, 2)] == [[0, 1, 1], [1, 0, 1]]
    assert round(x * 1.26, 1).tolist() == [1.3, 2.5, 3.8]
    assert (x == None, x != None) == (False, True)  # noqa: E711 - as people write it
    with pytest.raises(sg.UnsupportedError, match="out= of a tensor"):
        np.sum(x, out=np.zeros(()))
    with pytest.raises(sg.UnsupportedError, match="a tensor to change"):
        np.add.at(np.zeros(3), [0], x[0])
    with pytest.raises(sg.InputError, match="no other device"):
        x.to("cuda:0")


def test_variables_stay_variables():
    v = tape.Variable([1.0, 2.0], trainable=False)
    for twin in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert isinstance(twin, tape.Variable)
        assert (twin.trainable, twin.assign([3.0, 4.0]).tolist()) == (False, [3, 4])
    assert v.tolist() == [1, 2]
