"""What comes over the door's socket, from either side, and the file that says where it is."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from sparktray.control.door import wire
from sparktray.control.door.calling import call
from sparktray.control.door.knocking import BrokenOff
from sparktray.control.door.visit import Visit
from tests.unit.fuzz.fuzzing import corpus, fuzz
from tests.unit.fuzz.mutating import changed, changed_json
from tests.waiting import scaled

CALLS = corpus("door")
KEY = bytes(range(wire.KEY_BYTES))
GOES = (wire.BadPeer, EOFError, OSError)


def frame(kind: bytes, content: bytes) -> bytes:
    """A frame as it goes over the wire."""
    return len(content).to_bytes(4, "big") + kind + content


FRAMES = [frame(wire.ASKED, CALLS[0]) + frame(wire.GO, b"") + frame(wire.INTERRUPT, b"") * 2]


@contextlib.contextmanager
def pair(said: bytes) -> Iterator[socket.socket]:
    """A connection over which somebody said that and left."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=_say, args=(theirs, said))
        sender.start()
        yield ours
        ours.close()
        sender.join()


def _say(sock: socket.socket, said: bytes) -> None:
    with contextlib.suppress(OSError):
        sock.sendall(said)
        sock.shutdown(socket.SHUT_WR)


@fuzz(
    "the door: what a command asks",
    changed_json(CALLS).map(lambda content: frame(wire.ASKED, content))
    | changed(FRAMES, [b"\0\0\0\0", b"?"]),
    first=FRAMES,
)
def test_questions(said: bytes) -> None:
    with pair(said) as connection, contextlib.suppress(*GOES):
        channel = wire.Channel(connection, time.monotonic() + scaled(5))
        visit = Visit(connection, channel)
        asked = visit.asked()
        assert all(isinstance(word, str) for word in asked.words)
        visit.take()
        visit.close()


@fuzz("the door: proofs of the key", st.binary(max_size=200))
def test_proofs(said: bytes) -> None:
    for side in (wire.admit, wire.enter):
        with pair(said) as connection, pytest.raises(GOES):
            side(wire.Channel(connection, time.monotonic() + scaled(5)), KEY)


ENDS = [
    frame(wire.TAKEN, b"") + frame(wire.OUT, b"done\n") + frame(wire.ERR, b"so") + frame(wire.ENDED, b"\0")
]


@fuzz(
    "the door: what a tray answers",
    changed(ENDS, [b"\0\0\0\1.", b"\0\0\0\0o", b"\xff\xff\xff\xff"]),
    first=ENDS,
)
def test_answers(said: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = str(Path(folder) / "door")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            tray = threading.Thread(target=_answer, args=(listener, said))
            tray.start()
            code = None
            with contextlib.suppress(BrokenOff):
                code = call(["status"], json.dumps({"address": path, "key": KEY.hex()}).encode())
            tray.join()
            assert code is None or 0 <= code <= 255


def _answer(listener: socket.socket, said: bytes) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(*GOES):
        wire.admit(wire.Channel(connection, time.monotonic() + scaled(5)), KEY)
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass


DOOR_FILES = corpus("door-file")


@fuzz("door.json", changed_json(DOOR_FILES) | changed(DOOR_FILES), first=DOOR_FILES)
def test_door_files(text: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", _nobody)  # a port drawn by chance may be somebody's
        assert call(["status"], text) is None


def _nobody(address: tuple[str, int], timeout: float) -> socket.socket:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(timeout)
        if not 0 <= address[1] < 65_536:
            made.connect(address)
    raise ConnectionRefusedError
