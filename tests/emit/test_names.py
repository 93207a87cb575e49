"""Names of every kind: made safe, never run, never raw outside a string or comment."""

import ast
import builtins
import functools
import io
import keyword
import os
import re
import subprocess
import sys
import tokenize

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symgraph as sg
from symgraph.emit.names import Names, safe_name

EVIL = '''""";import os;os.system("touch PWNED")#'''
NAMES = [
    "class",
    "lambda",
    "None",
    "True",
    "print",
    "abs",
    "sum",
    "match",
    "type",
    "_",
    "__",
    "np",
    "scipy",
    "sys",
    "saved",
    "forward",
    "backward",
    "compute",
    "loss",
    "loss_and_grad",
    "_check",
    "_results",
    "_value",
    "rng",
    "arguments",
    "results",
    "error",
    "name",
    "seed",
    "values",
    "self",
    "n",
    "m",
    "n_2",
    "d_x",
    "CONSTANT",
    "constant",
    "__import__",
    "__name__",
    "__doc__",
    "__debug__",
    "__class__",
    "x y",
    "a'b",
    'a"b',
    "a\nb",
    "\r\nimport os",
    "\x00",
    "\\",
    "a\\",
    '"""',
    "'''",
    EVIL,
    "a'); exit(1)#",
    "{0}",
    "%s",
    "${x}",
    "$_check",
    "#",
    "1",
    "2x",
    "1e5",
    "",
    "  ",
    "θ",
    "ﬁ",
    "ª",
    "²",
    "😀",
    "\u202e",
    "x" * 300,
    "_" * 300,
    "\ud800",
    "É",
    "d_" + "y" * 60,
]


@pytest.mark.parametrize("text", NAMES)
def test_safe_names_are_identifiers_that_hide_nothing(text):
    name = safe_name(text)
    assert name.isidentifier()
    assert not keyword.iskeyword(name)
    assert not hasattr(builtins, name)
    assert name not in ("np", "scipy", "sys", "saved")
    assert len(name) <= 41
    assert ast.parse(name, mode="eval").body.id == name  # what Python reads is what we wrote
    assert safe_name(name) == name or text in ("d_" + "y" * 60,)


@given(st.text())
def test_any_text_makes_a_safe_name(text):
    name = safe_name(text)
    assert name.isidentifier()
    assert not keyword.iskeyword(name)
    assert ast.parse(name, mode="eval").body.id == name


@given(st.lists(st.text(max_size=5), max_size=20))
def test_fresh_names_differ(texts):
    names = Names()
    found = [names.fresh(text) for text in texts]
    assert len(set(found)) == len(found)
    child = names.child()
    assert child.fresh("a") not in found


def test_many_equal_names_are_quick():
    names = Names()
    assert len({names.fresh("x") for _ in range(20_000)}) == 20_000


def model(first, second):
    x, w = sg.placeholder(first, ("n", 3)), sg.placeholder(second, 3)
    y = sg.placeholder("y", "n")
    z = np.sum(x * w, axis=1) - y
    loss = np.sum(z * z) + np.sum(sg.constant(np.arange(40.0)) * w[0])
    if first:
        z.named(first)
        loss.named(first)
    return [x, w, y], loss, [w, x]


def values():
    rng = np.random.default_rng(0)
    return rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal(4)


@functools.cache
def expected():
    inputs, loss, wrt = model("x", "w")
    return sg.function(inputs, [loss, *sg.grad(loss, wrt)])(*values())


@pytest.mark.parametrize("name", NAMES)
def test_every_name_everywhere(name):
    """As placeholder (twice), value, result and function; in functions and pairs."""
    inputs, loss, wrt = model(name, name)
    f = sg.function(inputs, [loss, *sg.grad(loss, wrt)], name=name or None)
    for found, wanted in zip(f(*values()), expected(), strict=True):
        np.testing.assert_allclose(found, wanted)
    inputs, loss, wrt = model(name, "other")
    pair = sg.forward_backward(inputs, loss, wrt=wrt)
    _, saved = pair.forward(*values())
    np.testing.assert_allclose(pair.backward(saved)[0], expected()[1])
    for source in (f.module(), pair.module()):
        assert_harmless(source, name)


def assert_harmless(source, name):
    tree = ast.parse(source)
    assert max(map(len, source.splitlines())) < 200
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    builtins = set("abs bool enumerate list max min print range sum".split())
    parameters = {"value"}  # what the numerical derivative is of
    assert called <= defined | builtins | parameters
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= {"numpy", "sys"}
    if re.fullmatch(r"[\w\s]*", name):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (tokenize.STRING, tokenize.COMMENT):
            assert name not in token.string


HARD = [
    "class",
    "np",
    "rng",
    "results",
    "_check",
    "error",
    "saved",
    "n",
    EVIL,
    "a\nb",
    "θ",
    "x" * 300,
]


@pytest.mark.parametrize("name", HARD)
def test_exported_modules_check_themselves(name, tmp_path):
    inputs, loss, wrt = model(name, name)
    sg.function(inputs, [loss, *sg.grad(loss, wrt)], name=name).export(tmp_path / "a.py")
    sg.function(inputs, sg.grad(loss, wrt[0]), name=name).export(tmp_path / "b.py")
    sg.forward_backward(inputs, loss, wrt=wrt).export(tmp_path / "c.py")
    for file in "abc":
        done = subprocess.run(
            [sys.executable, "-W", "error", f"{file}.py", "--check"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "passed" in done.stdout
    assert sorted(os.listdir(tmp_path)) == ["a.py", "b.py", "c.py"]


@pytest.mark.parametrize("size", ["np", "rng", "x", "class_", "saved", "arguments", "θ", "_check"])
def test_sizes_of_every_name(size, tmp_path):
    x, np_ = sg.placeholder("x", (size, 2)), sg.placeholder("y", (size,))
    loss = np.sum(x.sum(axis=1) * np_) / x.shape[0]
    path = tmp_path / "module.py"
    sg.function([x, np_], [loss, *sg.grad(loss, [x, np_])]).export(path)
    done = subprocess.run([sys.executable, path, "--check"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@settings(max_examples=60)
@given(st.text(max_size=12), st.text(min_size=1, max_size=12))
def test_any_names(first, second):
    x, y = sg.placeholder(first, "n"), sg.placeholder(second, "n")
    loss = np.sum((x * y).named(second)).named(second)
    f = sg.function([x, y], [loss, sg.grad(loss, x)], name=second)
    ast.parse(f.module())
    assert f([1.0, 2.0], [3.0, 4.0])[0] == 11.0
    pickled = f.module().encode("utf-8")
    assert compile(pickled, "module.py", "exec")


def test_the_users_line_in_a_comment_stays_a_comment(tmp_path):
    lines = [
        'y = np.sin(x) # """ \\',
        "z = np.exp(y); '''a\u2028b'''; \x0c w = 1",
        "loss = np.sum(z * y)",
    ]
    source = "\n".join(
        ["import numpy as np", "def f(x):", *[f"    {line}" for line in lines], "    return loss"]
    )
    path = tmp_path / "users.py"
    path.write_text(source, encoding="utf-8")
    space = {}
    exec(compile(source, str(path), "exec"), space)
    x = sg.placeholder("x", "n")
    loss = space["f"](x)
    f = sg.function([x], [loss, sg.grad(loss, x)])
    ast.parse(f.source)
    for token in tokenize.generate_tokens(io.StringIO(f.source).readline):
        assert "w = 1" not in token.string or token.type == tokenize.COMMENT


def test_no_name_of_another_graph():
    x, w = sg.placeholder("x", (3,)), sg.placeholder("w", (3,))
    shared = np.tanh(w)
    gradient = sg.grad(np.sum(x * shared), x)
    assert gradient is shared
    other = sg.function([x, w], np.exp(x @ shared) / (1 + shared**2).sum())
    assert "d_x" not in other.source
    assert "d_x" in sg.function([x, w], [np.sum(x * shared), gradient]).source


def test_variables_assigned_together_keep_their_names():
    def loss(q, r):
        first, last, again = np.exp(q), np.exp(r), q
        return np.sum(last * np.tanh(last) + first * np.tanh(first) + again)

    q, r = sg.placeholder("q", "n"), sg.placeholder("r", "n")
    source = sg.function([q, r], sg.grad(loss(q, r), [q, r])).source
    assert "first = np.exp(q)" in source
    assert "last = np.exp(r)" in source
