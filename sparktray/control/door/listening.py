"""The tray's side of the door: where it is, who is let in, and that nobody is left inside at the end."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from sparktray import __version__
from sparktray.control.controller import Controller
from sparktray.control.door import wire
from sparktray.control.door.knocking import DOOR_FILE
from sparktray.control.door.visit import Call, Visit
from sparktray.store.atomic import read_file, write_file
from sparktray.store.paths import ConfigFolder, StoreError, unwritable

_log = logging.getLogger(__name__)

# Windows' Python has no such sockets; there it is a port of the loopback address.
_UNIX = sys.platform != "win32"
# The path of a socket may have 103 bytes on macOS and 107 on Linux (sockaddr_un).
_LONGEST_PATH = 100
_SOCKET, _TEMPORARY = "door", "sparktray-door-"
_MOST_VISITS = 16
_PROVE_SECONDS = 5.0
_GOODBYE_SECONDS = 0.6
_CLOSE_SECONDS = 0.3


class Live(msgspec.Struct, frozen=True):
    """What the tray lends to those who answer. Everything may be called from any thread.

    ``controller`` is the present one, None while there is no host. ``copy`` puts text on the
    clipboard and says whether it is there. ``show_panel`` brings the window to the front, with the
    token of who asked for it ("" without).
    """

    folder: ConfigFolder
    controller: Callable[[], Controller | None]
    copy: Callable[[str], bool]
    show_panel: Callable[[str], None]


Work = Callable[[Visit], int]
# What is to be done for a call, None when the command is to do it by itself. ``Work`` gives the exit code.
Answer = Callable[[Call, Live], Work | None]


class Door:
    """Listens for commands of the same config folder and has them answered, each on a thread of its own.

    For the one tray of the folder, which holds its lock.
    """

    def __init__(self, live: Live, answer: Answer) -> None:
        self._live = live
        self._answer = answer
        self._key = os.urandom(wire.KEY_BYTES)
        self._file = live.folder.file(DOOR_FILE)
        self._address: str | int = 0
        self._woken, self._wake = socket.socketpair()
        self._visits: dict[Visit, threading.Thread] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._warned = False
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Listen, and say where. Raises `StoreError` when the folder cannot be written."""
        folder = self._live.folder.made()
        _sweep(self._file)
        try:
            listener, self._address = _bound(folder)
            listener.listen(_MOST_VISITS)
        except OSError as error:
            raise unwritable(folder, error) from error
        about = {
            "address": self._address,
            "key": self._key.hex(),
            "pid": os.getpid(),
            "version": __version__,
        }
        try:
            write_file(self._file, json.dumps(about).encode())
        except StoreError:
            listener.close()
            _remove(self._address)
            raise
        self._thread = threading.Thread(
            target=self._listen, args=(listener,), name="sparktray-door", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Take the door away and end every answer with a word to its command; within 1 s."""
        with self._lock:
            self._closing = True
        self._wake.close()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)
            _forget(self._file, self._key)
            _remove(self._address)
        self._woken.close()
        for visit in self._inside():
            visit.close_soon()
        self._see_off(_GOODBYE_SECONDS)
        for visit in self._inside():
            visit.cut()
        self._see_off(_CLOSE_SECONDS)

    def _inside(self) -> list[Visit]:
        with self._lock:
            return list(self._visits)

    def _see_off(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._lock:
            threads = list(self._visits.values())
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _listen(self, listener: socket.socket) -> None:
        with listener, selectors.DefaultSelector() as selector:
            listener.setblocking(False)
            selector.register(listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not any(key.fileobj is self._woken for key, _ in selector.select()):
                with contextlib.suppress(OSError):  # who knocked was gone again
                    self._let_in(listener.accept()[0])

    def _let_in(self, connection: socket.socket) -> None:
        channel = wire.Channel(connection, time.monotonic() + _PROVE_SECONDS)
        visit = Visit(connection, channel)
        thread = threading.Thread(
            target=self._serve, args=(visit, channel), name="sparktray-door-visit", daemon=True
        )
        with self._lock:
            if self._closing or len(self._visits) >= _MOST_VISITS:
                connection.close()
                return
            self._visits[visit] = thread
            thread.start()

    def _serve(self, visit: Visit, channel: wire.Channel) -> None:
        try:
            call = self._admitted(visit, channel)
            if call is not None:
                self._attend(visit, call)
        except (ConnectionError, TimeoutError, EOFError, wire.BadPeer):
            pass  # the command is gone
        except Exception:
            # Without an exit code the command says that the answer was broken off.
            _log.exception("answering a command failed")
        finally:
            visit.close()
            with self._lock:
                self._visits.pop(visit, None)

    def _admitted(self, visit: Visit, channel: wire.Channel) -> Call | None:
        try:
            wire.admit(channel, self._key)
            return visit.asked()
        except (ConnectionError, EOFError):
            return None  # it had no patience
        except (OSError, wire.BadPeer):
            self._warn()
            return None

    def _attend(self, visit: Visit, call: Call) -> None:
        work = self._answer(call, self._live)
        if work is None:
            visit.decline()
            return
        visit.take()
        visit.ended(work(visit))

    def _warn(self) -> None:
        """Once: whoever knocks without the key could otherwise fill the log."""
        with self._lock:
            warned, self._warned = self._warned, True
        if not warned:
            _log.warning("somebody knocked at the door who did not know its key or its language")


def _bound(folder: Path) -> tuple[socket.socket, str | int]:
    """A socket that is bound and not yet listening, and how to reach it."""
    if not _UNIX:
        made = socket.socket(socket.AF_INET)
        made.bind(("127.0.0.1", 0))
        return made, int(made.getsockname()[1])
    path = str(folder / _SOCKET)
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        with contextlib.suppress(OSError):  # some file systems know no sockets
            return _local(path)
    return _local(os.path.join(tempfile.mkdtemp(prefix=_TEMPORARY), _SOCKET))


def _local(path: str) -> tuple[socket.socket, str]:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(path)
        os.chmod(path, 0o600)
    except BaseException:
        made.close()
        raise
    return made, path


def _sweep(file: Path) -> None:
    """Take away what a tray that was killed has left; there is no other one, as the lock is held."""
    with contextlib.suppress(StoreError, ValueError, LookupError, TypeError):
        _remove(json.loads(read_file(file) or b"{}")["address"])


def _remove(address: str | int) -> None:
    if not isinstance(address, str) or os.path.basename(address) != _SOCKET:
        return
    with contextlib.suppress(OSError):
        os.unlink(address)
        if os.path.basename(os.path.dirname(address)).startswith(_TEMPORARY):
            os.rmdir(os.path.dirname(address))


def _forget(file: Path, key: bytes) -> None:
    """Remove the file, unless it is another tray's by now."""
    with contextlib.suppress(StoreError, OSError, ValueError, LookupError, TypeError):
        if json.loads(read_file(file) or b"{}")["key"] == key.hex():
            file.unlink()
