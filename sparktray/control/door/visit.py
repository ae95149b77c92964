"""A command that came through the door: what it wants, and the way back to it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping

import msgspec

from sparktray.control.door import wire


class Call(msgspec.Struct, frozen=True):
    """What a command asks: its words as its process got them, and where its answer goes.

    ``language`` holds those variables of its environment that choose one, ``token`` its permission to
    bring a window to the front, ``terminals`` whether its stdout and its stderr are terminals,
    ``columns`` the width of stderr's (0 when it is not known).
    """

    words: tuple[str, ...]
    version: str
    language: Mapping[str, str]
    display: bool
    token: str
    encoding: str
    terminals: tuple[bool, bool]
    columns: int


class DoorClosing(Exception):
    """The tray is being quit."""


class Visit:
    """The connection of one command whose key was found right.

    The thread that answers calls ``out``, ``err``, ``check`` and ``breaking``; another one of the
    visit's own listens for Ctrl-C and for the end of the command.
    """

    def __init__(self, connection: socket.socket, channel: wire.Channel) -> None:
        self._connection = connection
        self._channel = channel
        self._lock = threading.Lock()
        self._interrupts = 0
        self._gone = False
        self._closing = False
        self._break: Callable[[], None] | None = None
        self._listener = threading.Thread(target=self._listen, name="sparktray-door-ear", daemon=True)

    def asked(self) -> Call:
        """What the command wants. Raises BadPeer, EOFError and OSError."""
        kind, content = self._channel.receive()
        if kind != wire.ASKED:
            raise wire.BadPeer
        try:
            return msgspec.convert(json.loads(content), Call)
        except (ValueError, RecursionError):  # msgspec's own are among the first
            raise wire.BadPeer from None

    def decline(self) -> None:
        """Let the command do it by itself. Raises OSError."""
        self._channel.send(wire.DECLINED)

    def take(self) -> None:
        """Say that it is answered here; once the command agrees, that may take its time.

        Raises OSError, EOFError and BadPeer when it does not.
        """
        self._channel.send(wire.TAKEN)
        if self._channel.receive()[0] != wire.GO:
            raise wire.BadPeer
        self._channel.take_time()
        self._listener.start()

    def out(self, content: bytes) -> None:
        """Write to the command's stdout. Raises BrokenPipeError when the command is gone."""
        self._send(wire.OUT, content)

    def err(self, content: bytes) -> None:
        """Write to the command's stderr. Raises BrokenPipeError when the command is gone."""
        self._send(wire.ERR, content)

    def ended(self, code: int) -> None:
        """The answer is complete. Raises BrokenPipeError when the command is gone."""
        self._send(wire.ENDED, bytes([code]))

    def check(self) -> None:
        """Called again and again while an answer waits: raises what ends it.

        KeyboardInterrupt for each Ctrl-C at the command, BrokenPipeError when the command is gone,
        DoorClosing when the tray is being quit.
        """
        with self._lock:
            interrupted = self._interrupts > 0
            if self._gone:
                raise BrokenPipeError
            if interrupted:
                self._interrupts -= 1
                raise KeyboardInterrupt
            if self._closing:
                raise DoorClosing

    @contextlib.contextmanager
    def breaking(self, end: Callable[[], None]) -> Iterator[None]:
        """Within, whatever makes ``check`` raise calls ``end`` too, which ends a reading that waits.

        On another thread, or here and now when it happened before.
        """
        with self._lock:
            self._break = end
            pending = self._gone or self._closing or self._interrupts > 0
        if pending:
            end()
        try:
            yield
        finally:
            with self._lock:
                self._break = None

    def close_soon(self) -> None:
        """Have the answer end with a word to the command."""
        self._happened(closing=True)

    def cut(self) -> None:
        """End the connection; whoever sends or receives on it is let go. Any thread."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection and its listener. By the thread that answers."""
        self.cut()
        if self._listener.is_alive():
            self._listener.join()
        self._connection.close()

    def _listen(self) -> None:
        try:
            while self._channel.receive()[0] == wire.INTERRUPT:
                self._happened(interrupts=1)
        except (OSError, EOFError, wire.BadPeer):
            pass
        self._happened(gone=True)

    def _happened(self, *, interrupts: int = 0, gone: bool = False, closing: bool = False) -> None:
        with self._lock:
            self._interrupts += interrupts
            self._gone |= gone
            self._closing |= closing
            end = self._break
        if end is not None:
            end()

    def _send(self, kind: bytes, content: bytes) -> None:
        try:
            for start in range(0, max(1, len(content)), wire.LARGEST):
                self._channel.send(kind, content[start : start + wire.LARGEST])
        except OSError as error:
            raise BrokenPipeError from error
