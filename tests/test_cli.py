"""The command: every subcommand, and what it says when it cannot do its work."""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symgraph as sg
from symgraph.cli import main

MODEL = '''\
"""A model to export."""
from typing import Annotated, Any

import numpy as np
import symgraph as sg

x = sg.placeholder("x", ("n", 3))
y = sg.placeholder("y", ("n",))
w = sg.placeholder("w", (3,))
b = sg.placeholder("b")

z = x @ w + b
loss = np.mean((z - y) ** 2)
both = {"loss": loss, "z": z}
graph = sg.Graph([x, y, w, b], loss)
compiled = sg.function([x, y, w, b], [loss, *sg.grad(loss, [w, b])])
pair = sg.forward_backward([x, y, w, b], loss, [w, b])
number = 3
text = "loss"
empty = []
twin = x[:, 0].sum() + sg.placeholder("x", ("n",)).sum()
count = sg.placeholder("count", ("n",), "int64")
counted = np.mean(count * 1.0)


def plain(X, w, rate=0.5):
    r = X @ w
    return rate * np.sum(r**2)


def defaults(X=sg.spec(("n", 3)), w=sg.spec(3), rate=0.5):
    return rate * np.sum((X @ w) ** 2)


def annotated(X: sg.spec(("n", 3)), w: Annotated[Any, sg.spec(3)]):
    return np.sum((X @ w) ** 2)


def late(X: "sg.spec(('n', 3))", w: "sg.spec(3)"):
    return np.sum((X @ w) ** 2)


def of_tree(X=sg.spec(("n", 3)), params={"w": sg.spec(3), "b": sg.spec()}):
    return np.sum((X @ params["w"] + params["b"]) ** 2)


def positional(X, w, /):
    return np.sum((X @ w) ** 2)


def fn(fn, w):
    print("while it is traced")
    return np.sum(fn @ w)


def broken(X, w):
    return X @ w @ w


def raises(X):
    raise KeyError("no\\nsuch key")


def nothing(X):
    pass
'''


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with a model in it, where the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "model.py").write_text(MODEL)
    return tmp_path


def run(capsys, *argv):
    """The exit code, standard output and standard error of a command run here."""
    try:
        code = main(argv)
    except SystemExit as exit_:
        code = exit_.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(capsys, *argv):
    """The one sentence with which a command refuses its work."""
    code, out, err = run(capsys, *argv)
    assert code == 1, err
    assert not out
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert "Traceback" not in err
    assert err.isprintable() or err.strip().isprintable()
    return err


def process(*argv, **keywords):
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "symgraph", *argv],
        capture_output=True, text=True, check=False, encoding="utf-8", **keywords,
    )  # fmt: skip


def functions_of(source):
    """What a module's text defines."""
    space = {"__name__": "exported"}
    exec(source, space)
    return space


# export


@pytest.mark.parametrize("name", ["loss", "graph"])
def test_export_of_a_node_and_of_a_graph(capsys, name, rng):
    code, out, err = run(capsys, "export", f"model.py:{name}", "--wrt", "w,b")
    assert (code, err) == (0, "")
    x, y = rng.standard_normal((5, 3)), rng.standard_normal(5)
    w, b = rng.standard_normal(3), np.float64(0.5)
    value, d_w, d_b = functions_of(out)[f"{name}_and_grad"](x, y, w, b)
    residual = x @ w + b - y
    np.testing.assert_allclose(value, np.mean(residual**2))
    np.testing.assert_allclose(d_w, 2 * residual @ x / 5)
    np.testing.assert_allclose(d_b, 2 * residual.sum() / 5)


def test_export_is_the_same_on_every_run(capsys):
    argv = ("export", "model.py:loss", "--wrt", "w,b")
    assert run(capsys, *argv)[1] == run(capsys, *argv)[1] == process(*argv).stdout


def test_export_has_the_users_names_and_lines_but_no_path(capsys, folder):
    _, out, _ = run(capsys, "export", "model.py:loss", "--wrt", "w,b")
    assert "# z = x @ w + b" in out
    assert "d_w" in out
    assert "d_b" in out
    assert str(folder) not in out
    assert "import symgraph" not in out


def test_export_without_wrt_is_the_value(capsys):
    code, out, _ = run(capsys, "export", "model.py:loss")
    assert code == 0
    assert "def compute_loss(x, y, w, b):" in out


def test_export_of_a_tree(capsys):
    code, out, _ = run(capsys, "export", "model.py:both", "--name", "forward")
    assert code == 0
    assert len(functions_of(out)["forward"](np.ones((2, 3)), np.ones(2), np.ones(3), 0.0)) == 2


@pytest.mark.parametrize("name", ["compiled", "pair"])
def test_export_of_what_is_compiled(capsys, name):
    code, out, _ = run(capsys, "export", f"model.py:{name}")
    assert code == 0
    assert "def _check(" in out


def test_export_of_a_pair(capsys, rng):
    code, out, _ = run(capsys, "export", "model.py:loss", "--wrt", "w,b", "--pair")
    assert code == 0
    module = functions_of(out)
    value, saved = module["forward"](rng.standard_normal((4, 3)), np.ones(4), np.ones(3), 0.5)
    assert np.ndim(value) == 0
    assert [np.shape(g) for g in module["backward"](saved)] == [(3,), ()]
    assert "def backward(saved, d_loss=1.0):" in out


def test_a_pair_of_a_function_is_named_after_it(capsys):
    _, out, _ = run(capsys, "export", "model.py:defaults", "--wrt", "w", "--pair")
    assert "def backward(saved, d_defaults=1.0):" in out


def test_pair_needs_wrt(capsys):
    code, _, err = run(capsys, "export", "model.py:loss", "--pair")
    assert code == 2
    assert "--pair needs --wrt" in err


SPECS = ("--spec", "X=float64[n,3]", "--spec", "w=[3]")


@pytest.mark.parametrize(
    ("name", "specs"),
    [
        ("plain", SPECS),
        ("positional", SPECS),
        ("defaults", ()),
        ("annotated", ()),
        ("late", ()),
        ("defaults", ("--spec", "X=float64[m, 3]")),
    ],
)
def test_export_of_a_function(capsys, name, specs):
    code, out, err = run(capsys, "export", f"model.py:{name}", "--wrt", "w", *specs)
    assert (code, err) == (0, "")
    function = functions_of(out)[f"{name}_and_grad"]
    factor = 1.0 if name in ("annotated", "late", "positional") else 0.5
    x, w = np.arange(6.0).reshape(2, 3), np.ones(3)
    value, d_w = function(x, w)
    np.testing.assert_allclose(value, factor * np.sum((x @ w) ** 2))
    np.testing.assert_allclose(d_w, factor * 2 * x.T @ (x @ w))


def test_what_was_exported_is_exported_again(capsys, folder, rng):
    x = sg.placeholder("x", "n")
    f = sg.function([x], sg.grad(np.sum(x[1:] * x[:-1]), x), name="slope")
    (folder / "written.py").write_text(f.module(), encoding="utf-8")
    _, source, _ = run(
        capsys, "export", "written.py:slope", "--spec", "x=float64[n]", "--name", "again"
    )
    values = rng.random(4)
    np.testing.assert_allclose(functions_of(source)["again"](values), f(values), rtol=1e-15)


def test_an_argument_that_is_a_tree_names_its_leaves(capsys):
    _, whole, _ = run(capsys, "export", "model.py:of_tree", "--wrt", "params")
    _, leaves, _ = run(capsys, "export", "model.py:of_tree", "--wrt", "params_w,params_b")
    assert whole == leaves
    assert "def of_tree_and_grad(X, params_w, params_b):" in whole


def test_what_the_model_prints_goes_to_standard_error(capsys):
    specs = ("--spec", "fn=[n,3]", "--spec", "w=[3]")
    code, out, err = run(capsys, "export", "model.py:fn", *specs)
    assert code == 0
    assert err == "while it is traced\n"
    assert "while" not in out


def test_a_model_may_import_what_lies_beside_it(capsys, folder):
    (folder / "beside_the_model.py").write_text("POWER = 2\n")
    (folder / "other.py").write_text(
        f"from beside_the_model import POWER\n{MODEL}\nloss = loss**POWER\n"
    )
    assert run(capsys, "export", "other.py:loss")[0] == 0
    assert not (folder / "__pycache__" / "other.cpython-311.pyc").exists()


def test_a_models_main_block_does_not_run(capsys, folder):
    (folder / "script.py").write_text(f"{MODEL}\nif __name__ == '__main__':\n    1 / 0\n")
    assert run(capsys, "export", "script.py:loss")[0] == 0


# files


def test_export_writes_a_file_that_checks_itself(capsys, folder):
    code, out, _ = run(capsys, "export", "model.py:loss", "--wrt", "w,b", "-o", "grad.py")
    assert code == 0
    assert out.startswith("wrote grad.py")
    code, out, err = run(capsys, "check", "grad.py")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"gradient by w: .*\ngradient by b: .*\npassed\n", out)


def test_a_file_is_not_overwritten_without_force(capsys, folder):
    path = folder / "grad.py"
    path.write_text("mine")
    argv = ("export", "model.py:loss", "--wrt", "w", "-o", "grad.py")
    assert "grad.py exists: --force replaces it" in refused(capsys, *argv)
    assert path.read_text() == "mine"
    assert run(capsys, *argv, "--force")[0] == 0
    assert "def loss_and_grad" in path.read_text()


def test_the_model_is_never_overwritten(capsys, folder):
    for path in ("model.py", "./model.py", str(folder / "model.py")):
        argv = ("export", "model.py:loss", "-o", path, "--force")
        assert "is the model itself" in refused(capsys, *argv)
    assert (folder / "model.py").read_text() == MODEL


@pytest.mark.parametrize("output", ["no/such/folder/g.py", ".", "model.py/g.py"])
def test_a_place_that_cannot_be_written(capsys, output):
    err = refused(capsys, "export", "model.py:loss", "-o", output, "--force")
    assert output.partition("/")[0] in err


# show


def test_show_lists_the_graph(capsys):
    code, out, err = run(capsys, "show", "model.py:loss")
    assert (code, err) == (0, "")
    assert "x: float64[n, 3] = placeholder" in out
    assert out.endswith("return loss\n")


def test_show_the_graph_of_a_gradient(capsys):
    _, out, _ = run(capsys, "show", "model.py:loss", "--wrt", "w,b")
    assert out.splitlines()[-1].startswith("return loss, ")
    assert "gradient of model.py:12" in out


VIEWS = {"svg": "<svg", "dot": "digraph", "mermaid": "flowchart", "latex": ""}


@pytest.mark.parametrize("view", VIEWS)
def test_show_as_a_picture_and_as_text(capsys, folder, view):
    code, out, err = run(capsys, "show", "model.py:loss", f"--{view}")
    assert (code, err) == (0, "")
    assert VIEWS[view] in out
    code, message, _ = run(capsys, "show", "model.py:loss", f"--{view}", "g.txt")
    assert (code, message) == (0, "wrote g.txt\n")
    assert (folder / "g.txt").read_text() == out
    assert "g.txt exists" in refused(capsys, "show", "model.py:loss", f"--{view}", "g.txt")


def test_show_what_is_compiled(capsys):
    _, out, _ = run(capsys, "show", "model.py:compiled")
    assert out.splitlines()[-1].startswith("return loss, ")


# check


def test_check_reports_a_wrong_gradient(capsys, folder):
    run(capsys, "export", "model.py:loss", "--wrt", "w,b", "-o", "grad.py")
    path = folder / "grad.py"
    right = path.read_text()
    wrong = re.sub(r"\n    return loss, ", "\n    return 1.001 * loss, ", right)
    assert wrong != right
    path.write_text(wrong)
    code, out, err = run(capsys, "check", "grad.py")
    assert (code, err) == (1, "")
    assert out.endswith("FAILED\n")


def test_check_of_a_file_that_breaks(capsys, folder):
    run(capsys, "export", "model.py:loss", "--wrt", "w,b", "-o", "grad.py")
    path = folder / "grad.py"
    path.write_text(path.read_text().replace("\n    return loss, ", "\n    return missing, "))
    err = refused(capsys, "check", "grad.py")
    assert "the check of grad.py broke: NameError" in err


@pytest.mark.parametrize(
    "content",
    [
        "print('not ours')",
        "def (:",
        "\x00",
        '"""Written by symgraph."""\nprint("only the docstring")',
        "",
        "(" * 10_000,
    ],
)
def test_check_runs_no_other_file(capsys, folder, content):
    (folder / "other.py").write_text(content)
    assert "other.py is not a module that symgraph exported" in refused(capsys, "check", "other.py")


@pytest.mark.parametrize("path", ["absent.py", "."])
def test_check_of_what_is_no_file(capsys, path):
    assert refused(capsys, "check", path).startswith(f"symgraph check: {path}: ")


# errors


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("model.py:loss", "--wrt", "v"), "there is no 'v'; the graph has x, y, w, b"),
        (("model.py:lost",), "model.py has no 'lost'; it has x, y, w, b, z, loss"),
        (("model.py:number",), "model.py:number is of type int; expected a node"),
        (("model.py:text",), "model.py:text is of type str"),
        (("model.py:empty",), "model.py:empty is of type list"),
        (("model.py:both", "--wrt", "w"), "--wrt needs one output to differentiate, not 2"),
        (("model.py:z", "--wrt", "w"), "symgraph export: the gradient of <"),
        (("model.py:counted", "--wrt", "count"), "count"),
        (("model.py:twin", "--wrt", "x"), "2 placeholders are named 'x'"),
        (("model.py:loss", "--spec", "x=[n]"), "--spec is for plain functions"),
        (("model.py:pair", "--wrt", "w"), "is a compiled pair"),
        (("model.py:plain",), 'does not say what its argument X is: give --spec "X=float64[n,3]"'),
        (("model.py:defaults", "--spec", "Y=[n]"), "has no argument Y; it has X, w, rate"),
        (("model.py:broken", *SPECS), "model.py:57: matmul: the inner sizes differ"),
        (("model.py:raises", "--spec", "X=[n]"), r"model.py:61: KeyError: 'no\nsuch key'"),
        (("model.py:nothing", "--spec", "X=[n]"), "the function returned None"),
        (("absent.py:loss",), "absent.py does not exist"),
        ((".:loss",), ". is not a file"),
    ],
)
def test_export_refuses_in_one_sentence(capsys, argv, says):
    err = refused(capsys, "export", *argv)
    assert err.startswith("symgraph export: ")
    assert says in err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1 / 0", "bad.py:2: ZeroDivisionError: division by zero"),
        ("import no_such_module", "bad.py:2: ModuleNotFoundError: No module named"),
        ("def f(:", "bad.py:2: SyntaxError: "),
        ("  indented", "bad.py:2: IndentationError: "),
        ("raise SystemExit(3)", "bad.py ended with sys.exit(3)"),
        ("raise ValueError('\\x1b[31mred\\nlines')", "bad.py:2: ValueError: [31mred lines"),
        ("import symgraph as sg; sg.placeholder('a', 'n') + sg.placeholder('b', 'm')",
         "bad.py:2: add: shapes do not broadcast: expected equal sizes, or 1, got (n,) and (m,)"),
        ("x = 'é'.encode('ascii')", "bad.py:2: UnicodeEncodeError"),
        ("raise BrokenPipeError", "bad.py:2: BrokenPipeError"),
        ("def f(): return f()\nf()", "bad.py:2: RecursionError"),
        ("class E(Exception):\n    pass\nraise E", "bad.py:4: E"),
    ],
)  # fmt: skip
def test_errors_of_the_model_name_file_and_line(capsys, folder, line, says):
    (folder / "bad.py").write_text(f"import sys\n{line}\nloss = 1\n")
    assert f"symgraph show: {says}" in refused(capsys, "show", "bad.py:loss")


def test_an_error_in_a_module_beside_the_model(capsys, folder):
    (folder / "helper_that_fails.py").write_text("\n\nanswer = unknown\n")
    (folder / "bad.py").write_text("import helper_that_fails\n")
    assert "helper_that_fails.py:3: NameError" in refused(capsys, "show", "bad.py:loss")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x = '\x00'", b"# coding: nonsense\n"])
def test_a_model_that_is_no_text(capsys, folder, content):
    (folder / "bad.py").write_bytes(content)
    assert "bad.py" in refused(capsys, "show", "bad.py:loss")


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("train",),
        ("export",),
        ("export", "model.py"),
        ("export", "model.py:"),
        ("export", ":loss"),
        ("export", "model.py:not a name"),
        ("export", "model.py:loss", "--spec", "x"),
        ("export", "model.py:loss", "--spec", "x=float64[n"),
        ("export", "model.py:loss", "--spec", "x=object[n]"),
        ("export", "model.py:loss", "--spec", "x=nonsense"),
        ("export", "model.py:loss", "--spec", "x=[__import__('os').getcwd()]"),
        ("export", "model.py:loss", "--spec", "x=[-1]"),
        ("export", "model.py:loss", "--spec", "1x=[n]"),
        ("show", "model.py:loss", "--png", "g.png"),
        ("check",),
    ],
)
def test_a_mistake_in_the_usage_exits_with_2(capsys, argv):
    code, out, err = run(capsys, *argv)
    assert code == 2
    assert not out
    assert err.startswith("usage: symgraph")
    assert "Traceback" not in err


HOSTILE = [
    "a'); __import__('os').system('touch hacked')  #",
    'a"""\nimport os\nos.system("touch hacked")\n"""',
    "a\nb",
    "class",
    "np",
    "print",
    "with space",
    "\x1b[31mred",
    "\u202etxet",
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("where", ["placeholder", "named"])
def test_hostile_names_are_made_safe(capsys, folder, name, where):
    made = f"sg.placeholder({name!r}, 3)" if where == "placeholder" else "sg.placeholder('x', 3)"
    named = f".named({name!r})" if where == "named" and name else ""
    (folder / "hostile.py").write_text(
        "import numpy as np\nimport symgraph as sg\n"
        f"x = {made}\ny = np.exp(x){named}\nloss = np.sum(y * y)\n"
    )
    for argv in (("export", "hostile.py:loss"), ("show", "hostile.py:loss")):
        code, out, err = run(capsys, *argv)
        assert (code, err) == (0, "")
        assert "\x1b" not in out
        if argv[0] == "export":
            module = functions_of(out)
            np.testing.assert_allclose(module["compute_loss"](np.zeros(3)), 3.0)
    if where == "placeholder" and name.strip():
        assert run(capsys, "export", "hostile.py:loss", "--wrt", name)[0] in (0, 1)
    assert sorted(path.name for path in folder.iterdir()) == ["hostile.py", "model.py"]


def test_hostile_file_names(capsys, folder):
    name = "mo\ndel\x1b[31m.py"
    (folder / name).write_text("1 / 0\n")
    assert "ZeroDivisionError" in refused(capsys, "show", f"{name}:loss")
    (folder / "-o.py").write_text(MODEL)
    assert run(capsys, "show", "--", "-o.py:loss")[0] == 0
    (folder / "a:b.py").write_text(MODEL)
    assert run(capsys, "show", "a:b.py:loss")[0] == 0


def test_a_function_without_its_graph(capsys, folder):
    x = sg.placeholder("x", 3)
    (folder / "f.pickle").write_bytes(pickle.dumps(sg.function([x], np.sum(x**2))))
    (folder / "loaded.py").write_text("import pickle\nf = pickle.load(open('f.pickle', 'rb'))\n")
    assert run(capsys, "export", "loaded.py:f")[0] == 0


# the process


def test_python_m_symgraph_is_the_command():
    result = process("--version")
    assert (result.returncode, result.stdout) == (0, f"symgraph {sg.__version__}\n")
    result = process("export", "model.py:lost")
    assert result.returncode == 1
    assert result.stderr.startswith("symgraph export: model.py has no 'lost'")
    assert result.stderr.count("\n") == 1


def test_help_names_every_command():
    out = process("--help").stdout
    for command in ("demo", "export", "show", "check"):
        assert command in out
        assert process(command, "--help").returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="pipes of a shell")
def test_a_reader_that_leaves_early(folder):
    long = "\n".join(f"x = np.sin(x) + {i}.5" for i in range(3000))
    Path("long.py").write_text(
        f"import numpy as np\nimport symgraph as sg\nx = sg.placeholder('x', 3)\n{long}\n"
    )
    command = f"{sys.executable} -m symgraph show long.py:x | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert result.stdout.startswith("x: float64[3] = placeholder")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written(folder, unbuffered):
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    for argv in ("show model.py:loss", "export model.py:loss", "demo"):
        command = f"{sys.executable} -m symgraph {argv} > /dev/full"
        result = subprocess.run(
            command, shell=True, capture_output=True, text=True, check=False, env=environment
        )
        assert result.returncode == 1
        assert result.stderr == f"symgraph {argv.split()[0]}: the output: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="redirection of a shell")
def test_output_that_is_closed(folder):
    for argv in ("show model.py:loss", "export model.py:loss", "demo"):
        command = f"{sys.executable} -m symgraph {argv} >&-"
        result = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, "")


def test_output_that_the_terminal_cannot_show(folder):
    Path("greek.py").write_text(
        "import numpy as np\nimport symgraph as sg\n"
        "θ = sg.placeholder('θ', 3)\nloss = np.sum(θ**2)\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = process("show", "greek.py:loss", env=environment)
    assert result.returncode == 1
    assert "set PYTHONUTF8=1" in result.stderr
    result = process("export", "greek.py:loss", "-o", "greek_loss.py", env=environment)
    assert result.returncode == 0
    assert "θ" in Path("greek_loss.py").read_text(encoding="utf-8")
