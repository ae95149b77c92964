"""`sparktray demo` in a terminal: the program itself, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.demo import watched
from tests.waiting import scaled

# `make run` without a display must be through the main job within this; the load alone takes 6 s.
MOST_SECONDS = 20.0
WATCHED = Path(__file__).with_name("watched.py")


def demo(
    *words: str, home: Path, program: tuple[str, ...] = ("-m", "sparktray"), **more: str
) -> subprocess.CompletedProcess[str]:
    """Run it without a display; both outputs as one."""
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "SPARKTRAY_CONFIG_DIR", "XDG_CONFIG_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"HOME": str(home), "LC_ALL": "C.UTF-8", **more}
    return subprocess.run(
        [sys.executable, *program, "demo", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=scaled(60),
        check=False,
    )


def test_the_main_job_with_no_socket_no_process_and_no_file_but_its_own(tmp_path: Path) -> None:
    """What `make run` does without a display, watched by Python's audit events: see watched.py."""
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    began = time.monotonic()
    told = demo("--if-no-host", home=home, program=(str(WATCHED),), TMPDIR=str(scratch))
    took = time.monotonic() - began
    assert told.returncode == 0, told.stdout
    lines = told.stdout.splitlines()
    assert lines.pop() == "WATCHED"
    assert [line for line in lines if line.startswith("AUDIT ")] == []
    commands = [line for line in lines if line.startswith("$ ")]
    assert commands == [
        "$ sparktray status",
        "$ sparktray switch qwen3-coder-30b-nvfp4",
        "$ sparktray model-id",
        "$ sparktray webui wipe --all-chats --dry-run",
    ]
    assert lines[0] == "This is a built-in demo; nothing here is real."
    assert "phi4-reasoning, qwen3-32b-nvfp4 are ready on demo." in lines
    assert any(line.startswith("✓ Load qwen3-coder-30b-nvfp4") for line in lines)
    assert "Switching to qwen3-coder-30b-nvfp4: done." in lines
    assert lines[lines.index("$ sparktray model-id") + 1] == "qwen3-coder-30b-nvfp4"
    assert "  - 46 chats" in lines
    assert "  sparktray demo switch llama4-scout-17b-nvfp4  (does not fit beside what runs)" in lines
    assert took < scaled(MOST_SECONDS)
    assert [*home.iterdir(), *scratch.iterdir()] == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("switch", "llama4-scout-17b-nvfp4"), 7, "--make-room"),
        (("webui", "status"), 0, "46 chats"),
        (("host", "list"), 0, "demo"),
        (("host", "test"), 0, "NVIDIA GB10"),
        (("models", "--discover"), 0, ""),
        (("doctor",), 0, "demo"),
        (("demo",), 2, "needs a command"),
        (("--host", "other", "status"), 2, "There is no host other."),
    ],
)
def test_a_single_command(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    told = demo(*words, home=tmp_path)
    assert told.returncode == code, told.stdout
    assert said in told.stdout
    assert list(tmp_path.iterdir()) == []


def test_as_json_there_is_nothing_but_json(tmp_path: Path) -> None:
    told = demo("status", "--json", home=tmp_path)
    found = json.loads(told.stdout)
    assert (told.returncode, found["host"], found["memory"]["total_bytes"]) == (0, "demo", 127_600_748 * 1024)


def test_in_turkish_and_with_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """Nobody may make a folder below a file, root neither. In Turkish "i" is not the small "I"."""
    home = tmp_path / "home"
    home.write_text("no folder")
    told = demo("status", home=home / "somebody", LANG="tr_TR.UTF-8", LANGUAGE="tr", LC_ALL="tr_TR.UTF-8")
    assert told.returncode == 0, told.stdout
    assert "phi4-reasoning" in told.stdout


def test_it_says_it_in_german(tmp_path: Path) -> None:
    told = demo("status", home=tmp_path, LC_ALL="de_DE.UTF-8", LANGUAGE="de")
    assert told.stdout.startswith("Das ist eine eingebaute Demo; nichts davon ist echt.")


def test_the_watch_sees_what_it_is_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(watched, "seen", seen)
    for event, arguments in (
        ("socket.__new__", (None, 2, 1, 0)),
        ("socket.connect", (None, ("192.0.2.1", 22))),
        ("subprocess.Popen", ("/bin/ls", ["ls"], None, None)),
        ("open", ("/etc/hosts", "w", os.O_WRONLY | os.O_CREAT)),
        ("os.remove", ("/etc/hosts", -1)),
    ):
        watched.hook(event, arguments)
    assert len(seen) == 5
    watched.hook("open", (f"{watched.OWN}x/journal.jsonl", "a", os.O_WRONLY | os.O_CREAT))
    watched.hook("open", ("/etc/hosts", "r", os.O_RDONLY))
    assert len(seen) == 5
