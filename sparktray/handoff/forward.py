"""A port of this computer that leads to a port of the host, through the connection that is there.

Bound to the loopback alone. Two threads a connection; they end with it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable

from sparktray.remote.contract import Remote
from sparktray.remote.errors import ConnectionRefused, RemoteError
from sparktray.remote.link import ByteStream

_log = logging.getLogger(__name__)

# One channel's window takes 2 MB; smaller pieces cost a wake-up each.
_PIECE = 256 * 1024
_OPEN_SECONDS = 10.0
# More than any browser or client opens to one server.
_MOST_WAITING = 128
_LINGER = "hh" if os.name == "nt" else "ii"


class PortTaken(Exception):
    """Another program of this computer holds the port."""


class Forward:
    """``http://127.0.0.1:port`` leads to the host's ``to``. Any thread may close it.

    ``remote`` gives the connection at hand, None while there is none: then a client is turned away, which it
    takes as a server that is down, and not kept waiting.
    """

    def __init__(self, remote: Callable[[], Remote | None], to: int, port: int = 0) -> None:
        self._remote = remote
        self._to = to
        self._closed = threading.Event()
        self._open: set[_Pair] = set()
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows would let another program share the port
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind(("127.0.0.1", port))
            self._listener.listen(_MOST_WAITING)
        except OSError as error:
            self._listener.close()
            raise PortTaken(str(port)) from error
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name=f"sparktray-forward-{self.port}", daemon=True).start()

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        with self._lock:
            return len(self._open)

    def close(self) -> None:
        """End it and every connection through it."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            pairs = list(self._open)
        for pair in pairs:
            pair.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(client,), name="sparktray-forwarded", daemon=True
            ).start()

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        remote = self._remote()
        try:
            if remote is None:
                raise ConnectionRefused(port=str(self._to))
            pair = _Pair(client, remote.open_port(self._to, deadline=_OPEN_SECONDS))
        except RemoteError as error:
            _log.info("forward to %d: %s", self._to, error)
            _turn_away(client)
            return
        with self._lock:
            self._open.add(pair)
        try:
            pair.carry()
        finally:
            with self._lock:
                self._open.discard(pair)


class _Pair:
    """A client and its stream to the host; what one sends goes to the other until both have ended."""

    def __init__(self, client: socket.socket, stream: ByteStream) -> None:
        self._client = client
        self._stream = stream

    def carry(self) -> None:
        """Carry both ways until the host's side has ended; on the client's own thread."""
        up = threading.Thread(target=self._up, name="sparktray-forwarded-up", daemon=True)
        up.start()
        self._down()
        up.join()

    def close(self) -> None:
        """End both sides; whoever waits on one is woken."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)
        self._stream.close()

    def _up(self) -> None:
        with contextlib.suppress(OSError, RemoteError):
            while piece := self._client.recv(_PIECE):
                self._stream.sendall(piece, None)
            return
        self.close()

    def _down(self) -> None:
        broken = True
        with contextlib.suppress(OSError, RemoteError):
            while piece := self._stream.recv(_PIECE, None):
                self._client.sendall(piece)
            broken = False
        if broken:
            _reset_on_close(self._client)
        self.close()
        self._client.close()


def _turn_away(client: socket.socket) -> None:
    _reset_on_close(client)
    client.close()


def _reset_on_close(client: socket.socket) -> None:
    """A client that is cut off gets an error, not an end that looks like a whole answer."""
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
