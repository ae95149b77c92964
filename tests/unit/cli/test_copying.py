"""`--copy` without a tray: programs that this computer has, proven by reading back."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sparktray.cli.copying import copy

TOOL = """#!/bin/sh
printf '%s\\n' "{name} $*" >> "$CALLS"
{body}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs, besides the shell's own."""
    made = tmp_path / "bin"
    made.mkdir()
    for name in ("cat", "sleep", "sh"):
        (made / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(made))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("BOARD", str(tmp_path / "board"))
    monkeypatch.setattr(sys, "platform", "linux")
    return made


def tool(folder: Path, name: str, body: str) -> None:
    file = folder / name
    file.write_text(TOOL.format(name=name, body=body))
    file.chmod(0o755)


def xclip(folder: Path, put: str = 'cat > "$BOARD"') -> None:
    tool(folder, "xclip", f'case "$*" in *-in) {put};; *-out) cat "$BOARD";; esac')


def board() -> bytes:
    return Path(os.environ["BOARD"]).read_bytes()


def test_without_any_program_it_is_not_copied(folder: Path) -> None:
    assert not copy("id", None)


def test_the_exact_bytes(folder: Path) -> None:
    xclip(folder)
    assert copy("org/mödel $(x)", None)
    assert board() == "org/mödel $(x)".encode()


def test_wayland_comes_first_and_x11_when_it_fails(folder: Path) -> None:
    xclip(folder)
    tool(folder, "wl-copy", "exit 1")
    assert copy("id", None)
    calls = Path(os.environ["CALLS"]).read_text().splitlines()
    assert [call.partition(" ")[0] for call in calls] == ["wl-copy", "xclip", "xclip"]
    tool(folder, "wl-copy", 'cat > "$BOARD"')
    tool(folder, "wl-paste", 'cat "$BOARD"')
    assert copy("other", None)
    assert Path(os.environ["CALLS"]).read_text().splitlines()[-1] == "wl-paste --no-newline"


@pytest.mark.parametrize("put", ["exit 1", "cat > /dev/null; : > $BOARD", 'cat > "$BOARD"; echo >> "$BOARD"'])
def test_what_is_not_read_back_is_not_copied(put: str, folder: Path) -> None:
    xclip(folder, put)
    assert not copy("id", None)


def test_one_that_hangs_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparktray.cli.copying._SECONDS", 0.2)
    xclip(folder, "exec sleep 60")
    assert not copy("id", None)


def test_windows_gets_what_clip_exe_understands(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(folder, "clip.exe", 'cat > "$BOARD"')
    assert copy("mödel", None)
    assert board() == b"\xff\xfe" + "mödel".encode("utf-16-le")


def test_macos(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    tool(folder, "pbcopy", 'cat > "$BOARD"')
    tool(folder, "pbpaste", 'cat "$BOARD"')
    assert copy("id", None)
    assert board() == b"id"
