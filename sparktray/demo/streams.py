"""Byte streams between two threads of this program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

from sparktray.remote.errors import ConnectionRefused, DeadlinePassed, LinkLost


class Gone(Exception):
    """Whoever was at the other end is not there any more."""


class Pipe:
    """Bytes that one thread writes and another reads. ``lost`` is set when the link under it ended."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._bytes = bytearray()
        self._ended = False
        self.lost = False

    def write(self, data: bytes) -> bool:
        """Add these; False when nobody will read them."""
        with self._changed:
            if self._ended:
                return False
            self._bytes += data
            self._changed.notify_all()
        return True

    def end(self) -> None:
        """No more comes; what is there can still be read."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def read(self, limit: int | None = None, timeout: float | None = None) -> bytes:
        """What is there, b"" at the end. Raises DeadlinePassed and LinkLost."""
        with self._changed:
            there = self._changed.wait_for(lambda: self._bytes or self._ended, timeout)
            if self.lost:
                raise LinkLost(reason="connection ended")
            if not there:
                raise DeadlinePassed(what="answer")
            end = len(self._bytes) if limit is None else limit
            data = bytes(self._bytes[:end])
            del self._bytes[:end]
            return data

    def readable(self) -> bool:
        """Whether a read would return at once."""
        with self._changed:
            return bool(self._bytes) or self._ended


class Connection:
    """A connection as whoever serves it sees it; ``near`` is the other end. On the server's own thread."""

    def __init__(self, forget: Callable[[NearEnd], None]) -> None:
        self._there, self._back = Pipe(), Pipe()
        self._rest = b""
        self._on_gone: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._gone = False
        self.near = NearEnd(self._there, self._back, self._left, forget)

    def line(self) -> bytes:
        """A line with its end; what is left of one, or b"", at the end of all."""
        while b"\n" not in self._rest:
            more = self._there.read()
            if not more:
                line, self._rest = self._rest, b""
                return line
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line + b"\n"

    def exactly(self, count: int) -> bytes:
        """So many bytes. Raises `Gone` where fewer come."""
        while len(self._rest) < count:
            more = self._there.read()
            if not more:
                raise Gone
            self._rest += more
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def write(self, data: bytes) -> None:
        """Send these. Raises `Gone`."""
        if not self._back.write(data):
            raise Gone

    def on_gone(self, callback: Callable[[], None]) -> None:
        """Call it once the other end is closed, from any thread; at once when it is already."""
        with self._lock:
            if not self._gone:
                self._on_gone.append(callback)
                return
        callback()

    def close(self) -> None:
        """No more is read or written."""
        self._there.end()
        self._back.end()

    def _left(self) -> None:
        with self._lock:
            self._gone, callbacks = True, self._on_gone
            self._on_gone = []
        for callback in callbacks:
            callback()


class NearEnd:
    """A `ByteStream`: the end that is given to the layers above."""

    def __init__(
        self, there: Pipe, back: Pipe, left: Callable[[], None], forget: Callable[[NearEnd], None]
    ) -> None:
        self._there, self._back = there, back
        self._left = left
        self._forget = forget
        self._closed = False

    def recv(self, limit: int, timeout: float | None) -> bytes:
        """See `ByteStream.recv`."""
        return self._back.read(limit, timeout)

    def sendall(self, data: bytes, timeout: float | None) -> None:
        """See `ByteStream.sendall`; nothing here ever waits."""
        del timeout
        if not self._there.write(data):
            if self._there.lost:
                raise LinkLost(reason="connection ended")
            raise ConnectionRefused()

    def readable(self) -> bool:
        """See `ByteStream.readable`."""
        return self._back.readable()

    def close(self) -> None:
        """See `ByteStream.close`."""
        if not self._closed:
            self._closed = True
            self._forget(self)
            self._there.end()
            self._back.end()
            self._left()

    def lose(self) -> None:
        """The link ended: whoever waits here is told so."""
        self._there.lost = self._back.lost = True
        self.close()


class Feed:
    """Pieces of an answer that come when something happens; iteration ends with ``end``, from any thread."""

    def __init__(self) -> None:
        self._pieces: SimpleQueue[bytes | None] = SimpleQueue()
        self.ended = False

    def put(self, piece: bytes) -> None:
        """One more piece."""
        self._pieces.put(piece)

    def end(self) -> None:
        """No more comes."""
        self.ended = True
        self._pieces.put(None)

    def __iter__(self) -> Iterator[bytes]:
        while (piece := self._pieces.get()) is not None:
            yield piece
