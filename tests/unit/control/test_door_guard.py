"""Who is let in at the door and who is not, and that nobody holds it up for the others."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from sparktray.control.door import listening, wire
from sparktray.control.door.knocking import knock
from sparktray.control.door.visit import Call, Visit
from tests.unit.control.visitors import Opener, asking, connected, ended, key_of, saying, threads
from tests.waiting import scaled, wait_until


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
        began = time.monotonic()
        assert ended(connection)
        assert time.monotonic() - began < scaled(1.0), "its end is not waited for"


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


def test_a_false_tray_is_told_nothing(folder: Path) -> None:
    """Whoever listens where the tray was, without its key, does not even learn the words."""
    folder.mkdir()
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "door"))
        listener.listen()
        file = folder / "door.json"
        file.write_text(json.dumps({"address": str(folder / "door"), "key": "ab" * wire.KEY_BYTES}))
        file.chmod(0o600)

        def pretend() -> None:
            with listener.accept()[0] as connection:
                connection.sendall(b"n" * 32)
                heard.append(connection.recv(64))
                connection.sendall(b"p" * 32)
                heard.append(connection.recv(1024))

        thread = threading.Thread(target=pretend)
        thread.start()
        assert knock(["switch", "secret"]) is None
        thread.join()
    assert len(heard[0]) == 64 and heard[1] == b""
