"""Emitted modules as real files: compared, formatted, imported, run, checked, read back.

``pytest tests/emit --update-golden`` writes them anew; read the difference before you commit it.
"""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symgraph as sg
from tests.emit.models import MODELS

FOLDER = Path(__file__).parent / "golden"
FILES = [FOLDER / f"{model.__name__}.py" for model in MODELS]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sample(arguments):
    rng = np.random.default_rng(0)
    sizes = {"n": 5, "m": 4, "d": 3, "k": 2, "e": 6, "h": 4, "2 * m": 8, "parameters": 7}
    values = []
    for argument in arguments:
        shape = [sizes.get(str(dim), dim) for dim in argument.type.shape]
        value = rng.integers(0, 3, shape) if argument.type.dtype.kind == "i" else rng.random(shape)
        values.append(value.astype(argument.type.dtype)[()])
    return values


@every_model
def test_source_is_the_golden_one(model, update_golden):
    path = FOLDER / f"{model.__name__}.py"
    text = model().module()
    if update_golden:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_golden_file_has_a_model():
    assert sorted(FOLDER.glob("*.py")) == sorted(FILES)


def test_files_are_formatted_and_hold_nothing_unused():
    for command in (
        ["format", "--check", "--diff", "--line-length", "88", "--isolated"],
        ["check", "--select", "F,E501", "--line-length", "88", "--isolated"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *FILES],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_they_import_numpy_and_nothing_else():
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
                 for alias in node.names}  # fmt: skip
        assert names <= {"numpy", "sys"}
        assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))


def test_the_same_text_in_another_process():
    """Neither the order of sets nor the folder it runs in may show."""
    code = (
        "from tests.emit.models import MODELS\n"
        "print('\\0'.join(model().module() for model in MODELS), end='')"
    )
    root = str(Path(__file__).parents[2])
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root},
            capture_output=True, check=True,
        )  # fmt: skip
        texts = done.stdout.decode("utf-8").replace("\r\n", "\n").split("\0")
        assert texts == [path.read_text(encoding="utf-8") for path in FILES]


@pytest.fixture(scope="module")
def numpy_only(tmp_path_factory):
    """A folder for the path on which NumPy is all that can be imported besides the library."""
    folder = tmp_path_factory.mktemp("only")
    package = Path(np.__file__).parent
    for name in ("numpy", "numpy.libs"):
        if (package.parent / name).exists():
            (folder / name).symlink_to(package.parent / name, target_is_directory=True)
    return folder


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_check_of_the_file_where_only_numpy_is(path, numpy_only):
    code = (
        "import runpy, sys\n"
        f"sys.path[:0] = [{str(numpy_only)!r}]\n"
        f"sys.argv = [{str(path)!r}, '--check']\n"
        f"runpy.run_path({str(path)!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", code],
        capture_output=True, text=True, check=False, cwd=numpy_only, env={"PYTHONPATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_usage_of_a_file(tmp_path):
    done = subprocess.run([sys.executable, FILES[0]], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--check" in done.stderr


def test_check_of_a_wrong_file_fails(tmp_path):
    text = FILES[0].read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.py"
    changed = text.replace("return loss, ", "return 1.01 * loss, ")
    assert changed != text
    wrong.write_text(changed, encoding="utf-8")
    done = subprocess.run([sys.executable, wrong, "--check"], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"FAILED" in done.stdout


def flat(result):
    return sg.graph.tree.flatten(result)[0]


@every_model
def test_the_file_computes_what_the_function_computes(model):
    compiled = model()
    module = load(FOLDER / f"{model.__name__}.py")
    args = sample(compiled._compiled.arguments)
    if isinstance(compiled, sg.Function):
        found = getattr(module, compiled.__name__)(*args)
        expected = flat(compiled(*args))
        found = found if isinstance(found, tuple) else (found,)
    else:
        *values, saved = module.forward(*args)
        seeds = [np.ones_like(value) for value in values]
        found = module.backward(saved, *seeds)
        found = found if isinstance(found, tuple) else (found,)
        _, kept = compiled.forward(*args)
        tree = dict(zip(["hidden", "norm"], seeds, strict=True)) if len(seeds) > 1 else seeds[0]
        expected = flat(compiled.backward(kept, tree))
    for value, wanted in zip(found, expected, strict=True):
        assert value.dtype == wanted.dtype
        np.testing.assert_array_equal(value, wanted)


@every_model
def test_the_file_is_read_back(model):
    """Values and gradients, forward and backward, are what the module gives."""
    compiled = model()
    module = load(FOLDER / f"{model.__name__}.py")
    arguments = compiled._compiled.arguments
    args, types = sample(arguments), [argument.type for argument in arguments]
    if isinstance(compiled, sg.Function):
        calls = [(getattr(module, compiled.__name__), types, args)]
    else:
        *values, saved = sg.trace(module.forward, *types).output
        *results, kept = module.forward(*args)
        seeds = [np.ones_like(result) for result in results]
        given = [tuple(node.type for node in saved), *[value.type for value in values]]
        calls = [(module.forward, types, args), (module.backward, given, [kept, *seeds])]
    for function, specs, given in calls:
        graph = sg.trace(function, *specs)
        again = sg.function(graph.inputs, graph.outputs)
        found = again(*flat(given))
        for value, wanted in zip(found, flat([function(*given)]), strict=True):
            assert value.dtype == wanted.dtype
            np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-13)


@every_model
def test_what_is_read_back_can_be_differentiated(model):
    compiled = model()
    if not isinstance(compiled, sg.Function):
        return
    module = load(FOLDER / f"{model.__name__}.py")
    arguments = compiled._compiled.arguments
    graph = sg.trace(getattr(module, compiled.__name__), *[a.type for a in arguments])
    own = compiled.graph

    def slopes(inputs, outputs):
        wrt = [node for node in inputs if node.type.inexact]
        real = [np.sum(np.real(out)) for out in outputs[:2] if out.type.inexact]
        return sg.function(inputs, sg.grad(sum(real), wrt, unconnected="zero"))

    found = slopes(graph.inputs, graph.outputs)(*sample(arguments))
    expected = slopes(own.inputs, own.outputs)(*sample(arguments))
    for value, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-9, atol=1e-11)
