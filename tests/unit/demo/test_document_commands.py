"""Every command that the documents tell a reader is run: on the demo, or on a config folder of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, commands
from tests.waiting import scaled

WORDS = tuple(dict.fromkeys(each.words for each in commands()))
# A person or another computer is needed: shown there.
ELSEWHERE = {
    (): "tests/rig/test_tray.py",
    ("host", "set-up-key", "spark"): "tests/rig/test_key_setup.py",
    ("webui", "sign-in"): "tests/rig/webui/test_own_account.py",
}
# They go on until Ctrl-C; what they say first is looked at.
GO_ON = {("forward",), ("forward", "sglang", "--port", "18000"), ("webui", "open")}
# Two models run in the demo: a reader with two names the server, as is said then.
NAMED = {
    *(
        ("model-id",),
        ("base-url",),
        ("model-id", "--copy"),
        ("logs",),
        ("logs", "--tail", "100"),
        ("forward",),
    ),
    *(("snippet", "cursor"), ("snippet", "continue"), ("snippet", "curl", "--copy"), ("check-cursor",)),
    *(("webui", "connect"), ("check-cursor", "--public-url", "https://spark.example.org/v1")),
}
# Exit codes that are right there: an address of a private network, no clipboard, nothing deleted yet, no
# person to type a name, no model that is not in the list.
OTHERWISE = {
    ("check-cursor",): 1,
    ("model-id", "--copy"): 1,
    ("snippet", "curl", "--copy"): 1,
    ("webui", "restore"): 7,
    ("webui", "wipe", "--all-chats"): 2,
    ("models", "--add", "qwen3-32b-nvfp4"): 2,
}
PLACES = {"NAME": "spark", "D": "/srv/models", "SHA256:…": "SHA256:" + "k" * 43}


def run(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sparktray", *words],
        capture_output=True,
        input=given or "",
        encoding="utf-8",
        timeout=scaled(60),
        check=False,
    )


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """English, no display, no clipboard, and no folder of the person's own."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "PATH": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_it_does_what_is_told(words: tuple[str, ...], tmp_path: Path) -> None:
    if words in ELSEWHERE:
        assert (ROOT / ELSEWHERE[words]).exists()
    elif words in GO_ON:
        _goes_on(words)
    elif words[0] == "host" and words[1] != "test":
        config = ("--config", str(tmp_path / "config"))
        assert run(*config, "host", "add", "spark", "--address", "192.0.2.1").returncode == 0
        done = run(*config, *(PLACES.get(word, word) for word in words))
        assert done.returncode == 0, done.stderr
    else:
        beginning = () if words[0] == "demo" else ("demo",)
        given = "a value\n" if words[0] == "secret" else None
        done = run(*beginning, *_named(words), *(("--stdin",) if given else ()), given=given)
        wanted = 1 if words[:1] == ("demo",) and "vllm" in words else OTHERWISE.get(words, 0)
        wanted = 7 if words == ("demo", "switch", "llama4-scout-17b-nvfp4") else wanted
        assert done.returncode == wanted, (done.returncode, done.stdout, done.stderr)


def _named(words: tuple[str, ...]) -> tuple[str, ...]:
    """With the server's name where one is needed, before the options."""
    if words not in NAMED:
        return words
    first = next((number for number, word in enumerate(words) if word.startswith("-")), len(words))
    return (*words[:first], "sglang", *words[first:])


def _goes_on(words: tuple[str, ...]) -> None:
    """It says an address of this computer; then it is ended."""
    running = subprocess.Popen(
        [sys.executable, "-m", "sparktray", "demo", *_named(words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert running.stdout is not None
    try:
        assert "http://127.0.0.1:" in running.stdout.readline()
    finally:
        running.terminate()
        running.communicate()


def test_what_is_set_apart_is_told_to_readers() -> None:
    apart = {*ELSEWHERE, *GO_ON, *NAMED, *OTHERWISE}
    assert apart <= set(WORDS), apart - set(WORDS)
