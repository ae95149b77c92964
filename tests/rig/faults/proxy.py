"""A road on which everything takes its time: a TCP proxy, since this kernel has no netem."""

from __future__ import annotations

import heapq
import random
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# One way: 300 ms, 200 to 400; there and back 600 ms, 400 to 800.
_LATE = (0.2, 0.4)
_CHUNK = 65536


class _LateRoad:
    """Passes on what each side sends, some 300 ms later and in order."""

    def __init__(self, listen: tuple[str, int], onward: tuple[str, int]) -> None:
        self._onward = onward
        self._listener = socket.create_server(listen)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._waiting: list[tuple[float, int, socket.socket, bytes]] = []
        self._last: dict[socket.socket, float] = {}
        self._peers: dict[socket.socket, socket.socket] = {}
        self._number = 0
        self._random = random.Random(7)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="late-road", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it and every connection on it."""
        self._over.set()
        self._thread.join()
        for sock in (self._listener, *self._peers):
            sock.close()
        self._selector.close()

    def _work(self) -> None:
        while not self._over.is_set():
            pause = self._waiting[0][0] - time.monotonic() if self._waiting else 0.05
            for key, _ in self._selector.select(min(0.05, max(0.0, pause))):
                if key.fileobj is self._listener:
                    self._meet()
                else:
                    self._take(key.fileobj)  # type: ignore[arg-type]  # only sockets are registered
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                _at, _number, to, data = heapq.heappop(self._waiting)
                self._give(to, data)

    def _meet(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(self._onward)
        for one, other in ((near, far), (far, near)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _take(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(sock)
        at = max(time.monotonic() + self._random.uniform(*_LATE), self._last.get(sock, 0.0))
        self._last[sock] = at
        self._number += 1
        heapq.heappush(self._waiting, (at, self._number, self._peers[sock], data))

    def _give(self, to: socket.socket, data: bytes) -> None:
        try:
            if data:
                to.sendall(data)
            else:
                to.shutdown(socket.SHUT_WR)
        except OSError:
            return


@contextmanager
def late_road(address: str, port: int, onward: str) -> Iterator[None]:
    """A second address of a host, behind 600 ms of road."""
    road = _LateRoad((address, port), (onward, port))
    try:
        yield
    finally:
        road.close()
