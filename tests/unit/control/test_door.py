"""The door: who gets an answer, who does not, and that nobody holds it up."""

from __future__ import annotations

import json
import logging
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from sparktray import __version__
from sparktray.control.door import listening, wire
from sparktray.control.door.knocking import BrokenOff, knock
from sparktray.control.door.listening import Answer, Door
from sparktray.control.door.visit import Call, DoorClosing, Visit
from sparktray.store.paths import StoreError
from tests.unit.control.door_process import live
from tests.waiting import scaled, wait_until

Capture = pytest.CaptureFixture[bytes]
Opener = Callable[[Answer], Door]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "config"
    monkeypatch.setenv("SPARKTRAY_CONFIG_DIR", str(made))
    return made


@pytest.fixture
def opened(folder: Path) -> Iterator[Opener]:
    """Opens doors, and at the end sees that none of their threads is left."""
    with ExitStack() as stack:

        def open_one(answer: Answer) -> Door:
            door = Door(live(folder), answer)
            door.open()
            stack.callback(door.close)
            return door

        yield open_one
    assert threads() == []


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("sparktray-door")]


def saying(*texts: bytes, code: int = 0) -> Answer:
    """An answer that writes these texts to stdout."""

    def work(visit: Visit) -> int:
        for text in texts:
            visit.out(text)
        return code

    return lambda call, live: work


def connected(folder: Path) -> socket.socket:
    """A connection by somebody who has not proven anything yet."""
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(scaled(5))
    made.connect(str(folder / "door"))
    return made


def key_of(folder: Path) -> bytes:
    return bytes.fromhex(json.loads((folder / "door.json").read_bytes())["key"])


def asking(connection: socket.socket, folder: Path, *words: str) -> wire.Channel:
    """Prove the key and ask for these words."""
    channel = wire.Channel(connection, time.monotonic() + scaled(5))
    wire.enter(channel, key_of(folder))
    known = {"version": "1", "language": {}, "display": False, "token": "", "encoding": "utf-8"}
    question = {"words": words, "terminals": [False, False], "columns": 0, **known}
    channel.send(wire.ASKED, json.dumps(question).encode())
    return channel


def ended(connection: socket.socket) -> bool:
    """True once the other side has closed it; what it said before is read over."""
    try:
        while connection.recv(1024):
            pass
    except ConnectionResetError:
        pass
    return True


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


def test_who_does_not_know_the_key_hears_nothing(
    opened: Opener, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Garbage, a wrong key, a proof of the wrong side and a flood: each only ends its own connection."""
    opened(saying(b"well"))
    key = key_of(folder)
    nonce = b"n" * 32

    def garbage(connection: socket.socket) -> None:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: secret\r\n\r\n".ljust(64, b"\0"))

    def wrong_key(connection: socket.socket) -> None:
        with pytest.raises(EOFError):
            wire.enter(wire.Channel(connection, time.monotonic() + 5), b"k" * len(key))

    def mirrored(connection: socket.socket) -> None:
        theirs = connection.recv(32)
        connection.sendall(nonce + wire._proof(key, b"tray", theirs, nonce))

    def flood(connection: socket.socket) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"x" * 1_000_000)

    with caplog.at_level(logging.INFO):
        for bad in (garbage, wrong_key, mirrored, flood, socket.socket.close):
            with connected(folder) as connection:
                bad(connection)
                assert connection.fileno() == -1 or ended(connection)
            assert knock(["status"]) == 0
    told = [record.getMessage() for record in caplog.records if record.name.startswith("sparktray")]
    assert len(told) == 1 and "secret" not in told[0], told


@pytest.mark.parametrize(
    "question",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 60000,
        b"null",
        b'{"words": "status"}',
        b'{"words": [1], "version": "1"}',
        json.dumps({"words": ["status"]}).encode(),
    ],
)
def test_a_question_that_makes_no_sense_is_not_answered(
    question: bytes, opened: Opener, folder: Path
) -> None:
    opened(saying(b"never"))
    for kind in (wire.ASKED, wire.OUT, b"\0"):
        with connected(folder) as connection:
            channel = wire.Channel(connection, time.monotonic() + scaled(5))
            wire.enter(channel, key_of(folder))
            channel.send(kind, question)
            assert ended(connection)


def test_too_large_a_frame_is_not_waited_for(opened: Opener, folder: Path) -> None:
    opened(saying(b"never"))
    with connected(folder) as connection:
        channel = wire.Channel(connection, time.monotonic() + scaled(5))
        wire.enter(channel, key_of(folder))
        connection.sendall((wire.LARGEST + 1).to_bytes(4, "big") + wire.ASKED)
        assert ended(connection)


def test_a_silent_one_is_let_go(opened: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it sends a byte now and then: the deadline is for all of it."""
    monkeypatch.setattr(listening, "_PROVE_SECONDS", 0.3)
    opened(saying(b"well"))
    with connected(folder) as silent, connected(folder) as dripping:
        began = time.monotonic()

        def cut_off() -> bool:
            try:
                dripping.sendall(b"x")
            except (BrokenPipeError, ConnectionResetError):
                return True
            return False

        wait_until(cut_off, "the end of the dripping one", every=0.05)
        assert ended(silent)
        assert time.monotonic() - began < scaled(2.0)
    wait_until(lambda: threads() == ["sparktray-door"], "their threads to end")


def test_the_seventeenth_is_turned_away(opened: Opener, folder: Path) -> None:
    """Sixteen that say nothing; the next one does its work alone at once, and later ones get in again."""
    opened(saying(b"well"))
    with ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(connected(folder))
        wait_until(lambda: threads().count("sparktray-door-visit") == 16, "all of them inside")
        began = time.monotonic()
        assert knock(["status"]) is None
        assert time.monotonic() - began < scaled(0.5)
    wait_until(lambda: "sparktray-door-visit" not in threads(), "them to leave")
    assert knock(["status"]) == 0


def test_nothing_is_begun_for_who_has_lost_patience(opened: Opener, folder: Path) -> None:
    """By then the command does it by itself."""
    begun: list[str] = []

    def answer(call: Call, live: object) -> Callable[[Visit], int]:
        def work(visit: Visit) -> int:
            begun.extend(call.words)
            return 0

        return work

    opened(answer)
    with connected(folder) as connection:
        assert asking(connection, folder, "late").receive()[0] == wire.TAKEN
    with connected(folder) as connection:
        channel = asking(connection, folder, "odd")
        assert channel.receive()[0] == wire.TAKEN
        channel.send(wire.INTERRUPT)
        assert ended(connection)
    wait_until(lambda: threads() == ["sparktray-door"], "the end of both")
    assert begun == []
    assert knock(["well"]) == 0 and begun == ["well"]


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
