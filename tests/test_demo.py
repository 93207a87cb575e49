"""The demonstration: runs as a user runs it, learns, and writes a file that stands alone."""

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from symgraph.data import load_digits, split_digits
from symgraph.demo import FILE, MODEL, MODEL_FILE, compile_loss, define, initial_weights


def demo(folder, *argv):
    """Run the command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "symgraph", "demo", *argv],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which the demonstration has run, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    result = demo(folder)
    assert result.returncode == 0, result.stderr
    return folder, result


def test_it_tells_what_it_does(finished):
    _, result = finished
    assert result.stderr == ""
    for part in (MODEL, "def loss_and_grad(x, labels, w1, b1, w2, b2):", "CC BY 4.0", "passed"):
        assert part in result.stdout
    assert "\r" not in result.stdout
    assert "\x1b" not in result.stdout


def test_it_learns(finished):
    _, result = finished
    found = re.search(r"Accuracy on (\d+) held-out digits: ([\d.]+)%", result.stdout)
    assert found is not None
    assert int(found[1]) == len(split_digits(load_digits()).test.labels)
    assert float(found[2]) > 96.5


def test_it_learns_the_same_every_time(finished, tmp_path):
    folder, result = finished
    again = demo(tmp_path)
    seconds = re.compile(r"took [\d.]+ s")
    assert seconds.sub("", again.stdout) == seconds.sub("", result.stdout)
    assert (tmp_path / FILE).read_bytes() == (folder / FILE).read_bytes()


def test_it_writes_one_file(finished):
    folder, _ = finished
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_the_file_imports_numpy_only(finished):
    folder, _ = finished
    tree = ast.parse((folder / FILE).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert all(isinstance(node, ast.Import) for node in imports)
    assert {alias.name for node in imports for alias in node.names} == {"numpy", "sys"}


def test_the_files_check_passes_where_symgraph_is_not(finished):
    folder, _ = finished
    code = textwrap.dedent("""
        import runpy, sys

        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in ("symgraph", "sympy", "scipy"):
                    raise ModuleNotFoundError(name)

        sys.meta_path.insert(0, Blocker())
        sys.argv = [sys.argv[1], "--check"]
        runpy.run_path(sys.argv[0], run_name="__main__")
    """)
    result = subprocess.run(
        [sys.executable, "-I", "-c", code, str(folder / FILE)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("passed\n")


def test_what_it_says_to_do_next_works(finished, tmp_path):
    folder, result = finished
    (tmp_path / MODEL_FILE).write_text(MODEL)
    shutil.copy(folder / FILE, tmp_path / FILE)
    commands = re.findall(r"^    symgraph (.*)$", result.stdout, flags=re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        run = subprocess.run(
            [sys.executable, "-m", "symgraph", *command.split()],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
    # The command writes the very file that the demonstration wrote.
    assert (tmp_path / FILE).read_bytes() == (folder / FILE).read_bytes()


def test_somebody_elses_file_is_left_alone(tmp_path):
    path = tmp_path / FILE
    path.write_text("mine = 1\n")
    result = demo(tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "symgraph demo: digits_grad.py exists, and symgraph did not write it: --force replaces it\n"
    )
    assert path.read_text() == "mine = 1\n"
    assert demo(tmp_path, "--force").returncode == 0
    assert "loss_and_grad" in path.read_text(encoding="utf-8")


def test_its_own_file_is_written_again(finished):
    folder, _ = finished
    assert demo(folder).returncode == 0


@pytest.mark.skipif(
    os.name != "posix" or not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="the superuser may write everywhere",
)
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    result = demo(tmp_path)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
def test_a_terminal_shows_progress_on_one_line(tmp_path):
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "symgraph", "demo"], cwd=tmp_path, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 65_536):
            text += part
    except OSError:  # how a pseudo-terminal says that the other end was closed
        pass
    os.close(ours)
    assert process.wait() == 0
    shown = text.decode().replace("\r\n", "\n")
    assert re.search(r"\repoch  1 of 40, loss \d\.\d{4}\repoch  2 of 40", shown)
    # The line is cleared in the end.
    assert re.search(r"\r +\r40 epochs", shown)


def test_the_definition_is_what_a_user_writes(tmp_path):
    (tmp_path / MODEL_FILE).write_text(MODEL)
    for command in (["check"], ["format", "--check"]):
        run = [sys.executable, "-m", "ruff", *command, "--isolated", MODEL_FILE]
        subprocess.run(run, cwd=tmp_path, check=True)


def test_the_gradient_is_right_at_the_first_weights():
    function = compile_loss(define())
    digits = split_digits(load_digits()).test
    weights = initial_weights(np.random.default_rng(0))
    report = function.check(digits.images[:20], digits.labels[:20], *weights.values())
    assert report.ok, str(report)
