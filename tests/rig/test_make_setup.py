"""`make setup` on a machine that is not as it should be: what it says, and that a second run mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.waiting import scaled

ROOT = Path(__file__).resolve().parents[2]
# The environment and its locked packages; the lock is an empty one, because no test fetches packages.
TARGET = ".venv/.locked"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the target needs of a checkout, in a folder with blanks and umlauts."""
    folder = tmp_path / "Jörg Groß's Projekte"
    (folder / "requirements").mkdir(parents=True)
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "scripts/debian_packages.py", folder / "scripts")
    (folder / "requirements/dev.txt").write_text("# nothing\n", encoding="utf-8")
    return folder


def make(checkout: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    # Without what an outer make hands down to inner ones.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    return subprocess.run(
        ["make", TARGET, f"PYTHON={python}"],
        cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=scaled(60),
    )  # fmt: skip


def works(checkout: Path) -> bool:
    """Whether the environment has a Python with pip."""
    python = checkout / ".venv/bin/python"
    asked = [str(python), "-m", "pip", "--version"]
    return python.exists() and subprocess.run(asked, capture_output=True, check=False).returncode == 0


def only_begun(venv: Path) -> None:
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("home = /nowhere\n", encoding="utf-8")


def of_a_python_that_is_gone(venv: Path) -> None:
    only_begun(venv)
    (venv / "bin/python").symlink_to("/nowhere/bin/python3")
    (venv / "bin/python3").symlink_to("python")


def finished_by_a_python_that_is_gone(venv: Path) -> None:
    of_a_python_that_is_gone(venv)
    for stamp in (".created", ".locked"):
        (venv / stamp).touch()


def without_pip(venv: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)


@pytest.mark.parametrize(
    "left", [only_begun, of_a_python_that_is_gone, finished_by_a_python_that_is_gone, without_pip]
)
def test_what_an_interrupted_set_up_left_is_mended(checkout: Path, left: Callable[[Path], None]) -> None:
    left(checkout / ".venv")
    assert not works(checkout)
    done = make(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert works(checkout)
    assert (checkout / TARGET).exists()


def test_an_old_python_is_named_in_a_sentence(checkout: Path, tmp_path: Path) -> None:
    """By one that says it is 3.9: Debian 12 has no older Python to run."""
    old = tmp_path / "python3.9"
    pretend = "import sys; sys.version_info = (3, 9, 2); sys.version = '3.9.2 (main)'; exec(sys.argv[1])"
    old.write_text(f'#!/bin/sh\nshift\nexec {sys.executable} -c "{pretend}" "$@"\n', encoding="utf-8")
    old.chmod(0o755)
    done = make(checkout, str(old))
    assert done.returncode != 0
    said = "sparktray needs Python 3.11 or newer, this is 3.9.2; name another one with make PYTHON=..."
    assert done.stderr.splitlines()[0] == said
    assert not (checkout / ".venv").exists()
