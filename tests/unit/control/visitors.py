"""Who comes to a door, and what is behind it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sparktray.control.door import wire
from sparktray.control.door.listening import Answer, Door
from sparktray.control.door.visit import Visit
from tests.waiting import scaled

Opener = Callable[[Answer], Door]


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
