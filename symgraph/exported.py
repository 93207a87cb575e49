"""Files that were exported: how one is recognised, written, and asked to check itself."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from symgraph.emit.document import SIGNATURE
from symgraph.sentence import CommandError

__all__ = ["Verdict", "is_exported", "run_check", "write_text"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an exported file's check printed, and whether it passed."""

    passed: bool
    text: str


def is_exported(path: Path) -> bool:
    """Whether a file is a module that symgraph wrote: its docstring says so.

    Raises
    ------
    CommandError
        If it cannot be read.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return (ast.get_docstring(tree) or "").endswith(SIGNATURE) and any(
        isinstance(node, ast.FunctionDef) and node.name == "_check" for node in tree.body
    )


def run_check(path: Path) -> Verdict:
    """Run an exported file's ``--check`` in a process of its own.

    Raises
    ------
    CommandError
        If the file is not an exported module, or breaks instead of giving a verdict.
    """
    if not is_exported(path):
        raise CommandError(
            f"{path} is not a module that symgraph exported: write one with "
            "symgraph export model.py:loss --wrt w -o loss_grad.py"
        )
    result = subprocess.run(
        [sys.executable, os.path.abspath(path), "--check"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    if result.returncode != 0 and not result.stdout.rstrip().endswith("FAILED"):
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise CommandError(f"the check of {path} broke: {lines[-1]}")
    return Verdict(result.returncode == 0, result.stdout.rstrip())


def write_text(path: Path, text: str, *, force: bool) -> None:
    """Write a file that must not exist, unless `force` is true.

    Raises
    ------
    CommandError
        If it exists.
    OSError
        If it cannot be written.
    """
    try:
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(f"{path} exists: --force replaces it") from None
