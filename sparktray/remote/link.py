"""The contract of a link: the few things SSH and this computer itself can both do.

Everything above (HTTP, Docker, commands, sampler) is one code for both. All times are seconds; every call
is bounded by its time-out; all objects may be used from any thread, and closing one from another thread
ends a call blocked in it at once.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from sparktray.remote.errors import DeadlinePassed

TERMINAL = (80, 24)
"""Columns and rows of a terminal: with fewer than 110 docker leaves the bar out."""


class ByteStream(Protocol):
    """A two-way byte stream to a socket on the host."""

    def recv(self, limit: int, timeout: float | None) -> bytes:
        """Up to ``limit`` bytes; b"" at the end or after close(). Raises DeadlinePassed, LinkLost."""
        ...

    def sendall(self, data: bytes, timeout: float | None) -> None:
        """Send everything. Raises DeadlinePassed, LinkLost, ConnectionRefused when the far end is closed."""
        ...

    def readable(self) -> bool:
        """True when recv would return at once (data, end or lost link); never waits."""
        ...

    def close(self) -> None:
        """End the stream; may be called twice and from any thread."""
        ...


class RemoteProcess(Protocol):
    """A command running on the host."""

    def read(self, timeout: float | None) -> tuple[bytes, bytes] | None:
        """What came on stdout and stderr since the last call, None at the end of both.

        Raises DeadlinePassed when nothing came in time, LinkLost.
        """
        ...

    def write(self, data: bytes, timeout: float | None) -> None:
        """Send to its stdin. A process that no longer reads is no error: its end tells more."""
        ...

    def close_stdin(self) -> None:
        """Send the end of file to its stdin."""
        ...

    def exit_status(self, timeout: float | None) -> int | None:
        """Its exit code; None when a signal ended it. Raises DeadlinePassed, LinkLost."""
        ...

    def close(self) -> None:
        """Terminate it (TERM to its process group) if it still runs, and let go of it."""
        ...


class Link(Protocol):
    """A connection to one host."""

    def open_unix(self, path: str, *, timeout: float) -> ByteStream:
        """Connect to a Unix socket there. Raises ConnectionRefused, ForwardingForbidden."""
        ...

    def open_tcp(self, port: int, *, timeout: float) -> ByteStream:
        """Connect to the host's own 127.0.0.1. Raises ConnectionRefused, ForwardingForbidden."""
        ...

    def start(self, argv: Sequence[str], *, timeout: float, terminal: bool = False) -> RemoteProcess:
        """Start a command. One that does not exist ends with exit code 127, as in a shell.

        With ``terminal`` its output is one, of 80 columns, where the host grants it.
        """
        ...

    def check(self, *, timeout: float) -> None:
        """Prove that the host answers within ``timeout``; else the link is closed and LinkLost raised."""
        ...

    def on_narrow(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` (any thread) when the host has fewer places for processes than are wanted."""
        ...

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once when the link ends (from any thread; at once if it has ended)."""
        ...

    def close(self) -> None:
        """End everything that uses this link; never waits for the host."""
        ...


class Cancel:
    """A wish to stop, set once from any thread; whoever waits for it is woken."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._number = 0

    def set(self) -> None:
        """Cancel; callbacks run in this thread, once."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """True after set()."""
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for set(); True if it was."""
        return self._event.wait(timeout)

    def on_set(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Run ``callback`` on set(), at once if that was already. Returns what takes it back."""
        with self._lock:
            if not self._event.is_set():
                number = self._number = self._number + 1
                self._callbacks[number] = callback
                return lambda: self._forget(number)
        callback()
        return lambda: None

    def _forget(self, number: int) -> None:
        with self._lock:
            self._callbacks.pop(number, None)


def remaining(until: float | None, what: str = "answer") -> float | None:
    """Seconds left until the monotonic instant ``until`` (None: no limit). Raises DeadlinePassed at zero."""
    if until is None:
        return None
    left = until - time.monotonic()
    if left <= 0:
        raise DeadlinePassed(what=what)
    return left
