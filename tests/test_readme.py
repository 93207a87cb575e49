"""The README: what it prints, pastes and shows is what the code gives today.

``pytest tests/test_readme.py --update-golden`` writes outputs, source and picture anew.
"""

import doctest
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import symgraph as sg
from symgraph.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / "notebooks" / "images" / "quickstart.svg"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Runner(doctest.DocTestRunner):
    """Runs examples, and keeps what those printed that printed something else."""

    def __init__(self):
        super().__init__(optionflags=FLAGS)
        self.different = []

    def report_failure(self, out, test, example, got):
        self.different.append((example, got))

    def report_unexpected_exception(self, out, test, example, exc_info):
        raise exc_info[1]


def run_examples():
    """What the README's examples give: run by `examples`, in a process of its own."""
    names = {"__name__": "__main__"}
    test = doctest.DocTestParser().get_doctest(
        README.read_text(encoding="utf-8"), names, "README.md", str(README), 0
    )
    runner = Runner()
    runner.run(test, out=lambda text: None, clear_globs=False)
    f = test.globs["f"]
    different = [
        (example.lineno, example.source.count("\n"), example.want.count("\n"), got)
        for example, got in runner.different
    ]
    return {"different": different, "source": f.source, "svg": f.graph.to_svg()}


@pytest.fixture(scope="module")
def examples():
    """What `run_examples` gives where no other test has made nodes."""
    result = subprocess.run(
        [sys.executable, __file__], env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True, check=False, encoding="utf-8",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def as_wanted(got):
    """An output as the README has it: of a traceback without its frames."""
    if got.startswith("Traceback"):
        head, error = re.fullmatch(r"(.*?\n)(?:[ ].*\n)*?(\w.*)", got, flags=re.DOTALL).groups()
        got = f"{head}    ...\n{re.sub(r'<doctest .*?>:[0-9]+', '...', error)}"
    return got.replace("\n\n", "\n<BLANKLINE>\n")


def blocks(language):
    """The code blocks of a language."""
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def test_what_the_examples_print(examples, update_golden):
    if update_golden:
        lines = README.read_text(encoding="utf-8").splitlines(keepends=True)
        for line, of_source, of_want, got in reversed(examples["different"]):
            start = line + of_source
            lines[start : start + of_want] = as_wanted(got).splitlines(keepends=True)
        README.write_text("".join(lines), encoding="utf-8", newline="\n")
    else:
        assert not examples["different"]


def test_the_pasted_source_is_what_is_emitted(examples, update_golden):
    (pasted,) = [block for block in blocks("python") if "Written by symgraph." in block]
    if update_golden:
        text = README.read_text(encoding="utf-8").replace(pasted, examples["source"])
        README.write_text(text, encoding="utf-8", newline="\n")
    else:
        assert pasted == examples["source"]


def test_the_picture_is_drawn_by_this_code(examples, update_golden):
    if update_golden:
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_text(examples["svg"], encoding="utf-8", newline="\n")
    assert PICTURE.read_bytes() == examples["svg"].encode()
    assert f"]({PICTURE.relative_to(ROOT).as_posix()})" in README.read_text(encoding="utf-8")


def test_its_links_lead_somewhere():
    text = README.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", prose) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_names_it_speaks_of_exist():
    text = README.read_text(encoding="utf-8")
    for dotted in set(re.findall(r"\bsg\.([a-z_.]+[a-z_])\b", text)):
        value = sg
        for name in dotted.split("."):
            value = getattr(value, name)
    for path in set(re.findall(r"`((?:symgraph|tests|notebooks)/[\w/.]+)`", text)):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("command", [c for c in blocks("sh") if "symgraph" in c])
def test_its_commands(command, tmp_path, monkeypatch, capsys):
    """Those of the command line, on the model that the README shows."""
    monkeypatch.chdir(tmp_path)
    (model,) = [block for block in blocks("python") if block.startswith("# model.py\n")]
    (tmp_path / "model.py").write_text(model)
    for line in command.splitlines():
        words = shlex.split(line.partition("&&")[2] or line, comments=True)
        if words[:1] == ["symgraph"]:
            assert main(words[1:]) == 0, capsys.readouterr().err


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run_examples()))
