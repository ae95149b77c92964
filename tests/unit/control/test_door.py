"""The door: who gets an answer, who does not, and that nobody holds it up."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from sparktray import __version__
from sparktray.control.door import listening, wire
from sparktray.control.door.knocking import BrokenOff, knock
from sparktray.control.door.listening import Door
from sparktray.control.door.visit import Call, DoorClosing, Visit
from sparktray.store.paths import StoreError
from tests.unit.control.door_process import live
from tests.unit.control.visitors import Opener, asking, connected, saying, threads
from tests.waiting import scaled, wait_until

Capture = pytest.CaptureFixture[bytes]


def test_an_answer_comes_as_it_is(opened: Opener, capfdbinary: Capture) -> None:
    """Bytes and order are kept, more than a frame holds too, and the exit code."""
    large = bytes(range(256)) * 4096

    def answer(call: Call, live: object) -> Callable[[Visit], int]:
        def work(visit: Visit) -> int:
            visit.out(large)
            visit.err(b"aside\r\n")
            visit.out(b"")
            visit.out(b"end")
            return 130

        return work

    opened(answer)
    assert knock(["status"]) == 130
    said = capfdbinary.readouterr()
    assert said.out == large + b"end"
    assert said.err == b"aside\r\n"


def test_the_question_comes_as_it_is(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words of any kind, and what the answer depends on."""
    calls: list[Call] = []

    def answer(call: Call, live: object) -> None:
        calls.append(call)

    opened(answer)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    words = ["switch", "", "ü\udcff\n", "--on=x", "--", "-rf"]
    assert knock(words) is None
    monkeypatch.setenv("LC_ALL", "de_AT.UTF-8")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "token")
    assert knock([]) is None
    first, second = calls
    assert first.words == tuple(words)
    assert (first.version, first.language, first.terminals) == (__version__, {}, (False, False))
    assert (first.display, first.token) == (sys.platform in {"win32", "darwin"}, "")
    assert (second.words, second.language) == ((), {"LC_ALL": "de_AT.UTF-8"})
    assert (second.display, second.token) == (True, "token")


def test_too_long_a_command_line_is_not_sent(opened: Opener) -> None:
    opened(saying(b"never"))
    assert knock(["x" * wire.LARGEST]) is None


def test_without_a_tray_it_is_done_alone_at_once(folder: Path) -> None:
    began = time.monotonic()
    assert knock([]) is None
    folder.mkdir()
    for text in (b"", b"{", b"[]", b'{"address": "/nowhere", "key": "00"}', b'{"address": 1, "key": 5}'):
        (folder / "door.json").write_bytes(text)
        (folder / "door.json").chmod(0o600)
        assert knock([]) is None
    key = "00" * wire.KEY_BYTES
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    for address in (str(folder / "gone"), str(folder), "x" * 200, closed, 0, 70000, -1, None):
        (folder / "door.json").write_text(json.dumps({"address": address, "key": key}))
        assert knock([]) is None, address
    assert time.monotonic() - began < scaled(1.0)


def test_a_file_that_others_could_read_or_write_is_not_used(opened: Opener, folder: Path) -> None:
    """Nor one behind a link, which somebody else may have put there."""
    opened(saying(b"never"))
    file = folder / "door.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "door").stat().st_mode) == 0o600
    for mode in (0o640, 0o604, 0o620, 0o666):
        file.chmod(mode)
        assert knock([]) is None
    file.chmod(0o600)
    assert knock([]) == 0
    file.rename(folder / "elsewhere")
    file.symlink_to(folder / "elsewhere")
    assert knock([]) is None
    if os.getuid() == 0:
        file.unlink()
        (folder / "elsewhere").rename(file)
        os.chown(file, 65534, 65534)
        assert knock([]) is None


def test_declined_is_done_alone(opened: Opener, capfdbinary: Capture) -> None:
    opened(lambda call, live: None)
    assert knock(["host", "list"]) is None
    assert capfdbinary.readouterr() == (b"", b"")


def test_an_answer_that_breaks_is_told_apart(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    """A mistake of ours before the answer began leaves it to the command; later it is broken off."""

    def early(call: Call, live: object) -> Callable[[Visit], int]:
        raise RuntimeError(call.words[0])

    def late(call: Call, live: object) -> Callable[[Visit], int]:
        return lambda visit: early(call, live)(visit)

    opened(early)
    assert knock(["early"]) is None
    opened(late)
    with pytest.raises(BrokenOff):
        knock(["late"])
    assert [record.message for record in caplog.records] == ["answering a command failed"] * 2


def test_closing_ends_every_answer_with_a_word(opened: Opener, folder: Path, capfdbinary: Capture) -> None:
    """Those that wait, within a second; the file and the socket are gone."""
    waits = threading.Event()

    def answer(call: Call, live: object) -> Callable[[Visit], int]:
        def work(visit: Visit) -> int:
            broken = threading.Event()
            with visit.breaking(broken.set):
                waits.set()
                broken.wait()
            with pytest.raises(DoorClosing):
                visit.check()
            visit.err(b"goodbye")
            return 1

        return work

    door = opened(answer)

    def close() -> None:
        waits.wait()
        door.close()

    closing = threading.Thread(target=close)
    closing.start()
    assert knock(["status"]) == 1
    closing.join()
    assert capfdbinary.readouterr().err == b"goodbye"
    assert threads() == []
    assert not (folder / "door.json").exists() and not (folder / "door").exists()


def test_closing_does_not_wait_for_who_reads_nothing(opened: Opener, folder: Path) -> None:
    """An answer stuck in writing, and one that never looks up: closed within a second all the same."""
    over = threading.Event()

    def answer(call: Call, live: object) -> Callable[[Visit], int]:
        def work(visit: Visit) -> int:
            if call.words == ("deaf",):
                over.wait()
                return 0
            while True:
                visit.out(b"x" * wire.LARGEST)

        return work

    door = opened(answer)
    with ExitStack() as stack:
        for word in ("flood", "deaf"):
            channel = asking(stack.enter_context(connected(folder)), folder, word)
            assert channel.receive()[0] == wire.TAKEN
            channel.send(wire.GO)
        began = time.monotonic()
        door.close()
        assert time.monotonic() - began < scaled(1.3)
        over.set()
        wait_until(lambda: threads() == [], "the deaf one")


def test_where_the_path_is_too_long_it_is_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("x" * 90) / "config"
    monkeypatch.setenv("SPARKTRAY_CONFIG_DIR", str(folder))
    doors = [Door(live(folder), saying(b"", code=number)) for number in (3, 4)]
    doors[0].open()
    first = Path(json.loads((folder / "door.json").read_text())["address"])
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700 and first.parent.parent != folder
    assert knock([]) == 3
    doors[1].open()
    assert not first.parent.exists(), "what an earlier one left is swept away"
    second = Path(json.loads((folder / "door.json").read_text())["address"])
    assert knock([]) == 4
    doors[0].close()
    assert (folder / "door.json").exists(), "it is not the first one's any more"
    doors[1].close()
    assert not second.parent.exists() and not (folder / "door.json").exists()


def test_by_a_port_where_there_are_no_such_sockets(
    opened: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows."""
    monkeypatch.setattr(listening, "_UNIX", False)
    opened(saying(b"", code=5))
    assert isinstance(json.loads((folder / "door.json").read_text())["address"], int)
    assert knock(["status"]) == 5
    assert not (folder / "door").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    door = Door(live(tmp_path / "file"), saying(b""))
    with pytest.raises(StoreError):
        door.open()
    door.close()
    (tmp_path / "config" / "door.json").mkdir(parents=True)
    door = Door(live(tmp_path / "config"), saying(b""))
    with pytest.raises(StoreError):
        door.open()
    door.close()
    assert not (tmp_path / "config" / "door").exists()
