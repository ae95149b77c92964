"""Knocking as a process of its own: what it loads, signals, trays that hang or are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparktray.control.door.knocking import config_folder
from sparktray.store.paths import ConfigFolder
from tests.waiting import scaled, wait_until

KNOCK = """
import sys
from sparktray.control.door.knocking import knock
code = knock(sys.argv[1:])
print("alone" if code is None else "", end="", flush=True)
sys.exit(99 if code is None else code)
"""


@pytest.fixture
def tray(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with started(folder) as process:
        try:
            yield process
        finally:
            process.kill()


def started(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.unit.control.door_process", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def knocking(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", KNOCK, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def knocked(*words: str) -> tuple[int, str, float]:
    """Exit code, stdout, seconds."""
    began = time.monotonic()
    with knocking(*words) as process:
        out, err = process.communicate(timeout=scaled(20))
    assert err == ""
    return process.returncode, out, time.monotonic() - began


def test_words_are_answered(tray: subprocess.Popen[str]) -> None:
    assert knocked("a", "b c")[:2] == (7, "a b c\n")


def test_a_killed_tray_is_noticed_at_once(tray: subprocess.Popen[str], folder: Path) -> None:
    """What it left behind keeps neither commands nor the next tray from their work."""
    tray.kill()
    tray.wait()
    assert (folder / "door").exists() and (folder / "door.json").exists()
    code, out, seconds = knocked("status")
    assert (code, out) == (99, "alone") and seconds < scaled(1.0)
    with started(folder) as again:
        assert knocked("a")[:2] == (7, "a\n")
        again.kill()


def test_a_hanging_tray_is_left_alone(tray: subprocess.Popen[str]) -> None:
    """It still accepts connections and says nothing."""
    tray.send_signal(signal.SIGSTOP)
    code, out, seconds = knocked("status")
    tray.send_signal(signal.SIGCONT)
    assert (code, out) == (99, "alone")
    assert 1.5 < seconds < scaled(4.0)
    assert knocked("a")[:2] == (7, "a\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_the_trays_to_act_on(number: signal.Signals, tray: subprocess.Popen[str]) -> None:
    with knocking("wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "wait\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=scaled(10))
    assert (process.returncode, out, err) == (130, "", "interrupted\n")


def test_the_second_interrupt_ends_at_once(tray: subprocess.Popen[str]) -> None:
    """Also when the tray hangs by then."""
    with knocking("forever") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == "interrupted\n"
        tray.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        assert process.wait(scaled(10)) == 130


def test_who_reads_no_more_ends_the_command(tray: subprocess.Popen[str]) -> None:
    """As `sparktray logs -f | head -1`: exit code 0 and not a word."""
    read, written = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", KNOCK, "a"]
    done = subprocess.run(command, stdout=written, stderr=subprocess.PIPE, check=False)
    os.close(written)
    assert (done.returncode, done.stderr) == (0, b"")


def test_without_a_door_next_to_nothing_is_loaded(folder: Path) -> None:
    code = (
        f"import sys; sys.path[:0] = {sys.path!r};"
        "from sparktray.control.door.knocking import knock; assert knock(['status']) is None;"
        "sys.exit(' '.join({'socket', 'json', 'hmac', 'msgspec', 'argparse', 'typing'} & set(sys.modules)))"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert (done.stderr.strip(), done.stdout) == ("", "")


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([], None),
        (["status"], None),
        (["--config", "a"], "a"),
        (["status", "--config=b/../c"], "b/../c"),
        (["--config", "a", "status", "--config", "/b"], "/b"),
        (["--config=~/x"], "~/x"),
        (["--config", ""], ""),
        (["--config="], ""),
        (["switch", "--", "--config", "a"], None),
    ],
)
@pytest.mark.parametrize("variable", [None, "", "/from/environment", "relative"])
def test_the_folder_is_the_one_that_the_program_uses(
    words: list[str], given: str | None, variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPARKTRAY_CONFIG_DIR", raising=False)
    if variable is not None:
        monkeypatch.setenv("SPARKTRAY_CONFIG_DIR", variable)
    expected = ConfigFolder.find(None if given is None else Path(given)).path
    assert config_folder(words) == str(expected)


@pytest.mark.parametrize("home", ["/home/me", "/home/me/", "/", "", "relative", "/a b/ü", None])
@pytest.mark.parametrize("base", ["/elsewhere", "/elsewhere/", "", " ", "relative", None])
def test_the_usual_folder_is_the_one_that_the_program_uses(
    home: str | None, base: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPARKTRAY_CONFIG_DIR", raising=False)
    for name, value in (("HOME", home), ("XDG_CONFIG_HOME", base)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert Path(config_folder([])) == ConfigFolder.find().path


def test_a_client_that_is_killed_is_noticed(tray: subprocess.Popen[str]) -> None:
    """The tray's threads of it end, so that sixteen such do not shut the door."""
    for _ in range(20):
        with knocking("forever") as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.kill()

    def answered() -> bool:
        return knocked("a")[0] == 7

    wait_until(answered, "an answer")
