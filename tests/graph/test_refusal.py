"""Wrong calls: what Python and NumPy refuse below a public function, in our words."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgraph as sg
from symgraph import tape
from symgraph.graph.refusal import short

x = sg.placeholder("x", (2, 4, 3))
square = sg.placeholder("a", (3, 3))
tensor = tape.tensor([1.0, 2.0], requires_grad=True)
masked = np.ma.array(np.ones(3), mask=[True, False, False])
double = sg.function([square], square * 2.0)

WRONG: dict[str, tuple[Callable[[], Any], type[sg.SymgraphError], str]] = {
    "an argument is missing": (lambda: sg.nn.dropout(x), sg.DTypeError, "p: float = 0.5"),
    "an unknown keyword": (lambda: sg.mean(x, foo=1), sg.DTypeError, "foo=1"),
    "a number of no use": (lambda: sg.nn.group_norm(x, 0), sg.InputError, "num_groups: int"),
    "None": (lambda: sg.linalg.lu_solve(None, x), sg.DTypeError, "lu_solve(None, <x: float64"),
    "an array without nodes": (lambda: sg.mean(np.ones(3), axis=7), sg.ShapeError, "axis=7"),
    "too few axes": (lambda: sg.linalg.inv(np.ones(3)), sg.ShapeError, "two-dimensional"),
    "text": (lambda: sg.nn.relu("abc"), sg.DTypeError, "'abc'"),
    "by NumPy's name": (lambda: np.linalg.eigh(square, UPLO=x), sg.DTypeError, "NumPy refuses"),
    "a tensor": (lambda: sg.mean(tensor, foo=1), sg.DTypeError, "mean(tensor(["),
    "a random tensor": (lambda: tape.randn("a"), sg.SymgraphError, "'a'"),
    "a seed": (lambda: tape.manual_seed(np.ones(2)), sg.DTypeError, "integer"),
    "a method of a tensor": (lambda: tensor.chunk(None), sg.DTypeError, "tensor.chunk(tensor(["),
    "a function of tensors": (
        lambda: tape.chunk(tensor, None),
        sg.DTypeError,
        "tape.chunk(tensor(",
    ),
    "a size that is a name": (lambda: np.fft.fft(tensor, "k"), sg.ShapeError, "(k,)"),
    "no number": (lambda: tensor.new_full(3, None), sg.DTypeError, "object"),
    "a number of tensors": (lambda: tape.optim.SGD(3), sg.DTypeError, "SGD(3)"),
    "a missing folder": (lambda: double.export("/no/such/folder/f.py"), sg.InputError, "No such"),
    "a masked array": (lambda: x * masked, sg.DTypeError, "filled"),
    "a masked tensor": (lambda: tape.tensor(masked), sg.DTypeError, "filled"),
    "a tensor with a masked array": (lambda: tensor * masked, sg.DTypeError, "filled"),
    "no vector": (lambda: sg.hvp(np.sum(x**2), x, None), sg.DTypeError, "None"),
    "a keyword of another mode": (lambda: np.pad(x, 1, end_values=3), sg.UnsupportedError, "ramp"),
    "too many pieces": (lambda: np.array_split(x, 10**30), sg.ShapeError, "1000000"),
    "an order that is none": (
        lambda: np.linalg.norm(x[0, 0], np.nan),
        sg.UnsupportedError,
        "nan",
    ),
    "an optimizer": (lambda: sg.optim.clip_by_value([x], None), sg.DTypeError, "None"),
    "names": (lambda: sg.Graph([x], [x], names="abc"), sg.DTypeError, "'abc'"),
    "a rank": (lambda: sg.nn.scaled_dot_product_attention(tensor, 1, 2), sg.ShapeError, ", 1, 2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_says_what_is_taken_what_came_and_where(name: str) -> None:
    call, kind, words = WRONG[name]
    with pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value)
    assert caught.value.where is not None
    assert caught.value.where.file == __file__
    assert caught.value.expected
    assert caught.value.got


def test_by_nothing_there_are_no_derivatives() -> None:
    assert sg.grad(np.sum(x), []) == []
    assert sg.jacobian([x, x], {}) == [{}, {}]
    assert sg.jacobian([x], (), mode="forward") == [()]


def test_errors_of_the_user_pass() -> None:
    def body(*_: Any) -> Any:
        return {}["their own"]

    for call in (
        lambda: sg.scan(body, 0.0, x),
        lambda: sg.cond(x[0, 0, 0] > 0, body, body, x),
        lambda: sg.vmap(body)(x),
        lambda: sg.trace(body, sg.spec(3)),
    ):
        with pytest.raises(KeyError, match="their own"):
            call()


def test_errors_of_values_pass() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        sg.linalg.cholesky(-np.eye(3))


def test_values_in_messages_are_short_and_never_by_the_repr_of_the_user() -> None:
    class Loud:
        def __repr__(self) -> str:
            raise AssertionError

    nested: list[Any] = []
    nested.append(nested)
    for value in (Loud(), [Loud()], {"a": Loud()}, "a" * 999, np.ones(9), nested, Loud, inspect):
        assert len(short(value)) < 80
    assert short([1, (2,), {"a": None}]) == "[1, (2,), {'a': None}]"
