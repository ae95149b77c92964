"""A command of the demo while it runs: a thread, with pipes in the place of its files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sparktray.demo.streams import Pipe
from sparktray.remote.errors import DeadlinePassed, LinkLost


class Closed(Exception):
    """The command was terminated."""


class Process:
    """A `RemoteProcess`. ``out``, ``err``, ``line`` and ``all_input`` are for the command's own thread.

    ``terminal``: both outputs are one, as on a terminal.
    """

    def __init__(self, forget: Callable[[Process], None], *, terminal: bool) -> None:
        self._forget = forget
        self._in = Pipe()
        self._changed = threading.Condition()
        self._texts = (bytearray(), bytearray())
        self._terminal = terminal
        self._over = self._closed = self._lost = False
        self._code: int | None = None
        self._on_close: list[Callable[[], None]] = []
        self._rest = b""

    def begin(self, work: Callable[[Process], int]) -> None:
        """Run ``work``, whose value is the exit code."""

        def live() -> None:
            try:
                code: int | None = work(self)
            except (Closed, LinkLost):
                code = None
            with self._changed:
                self._over, self._code = True, code
                self._changed.notify_all()

        threading.Thread(target=live, name="sparktray-demo-command", daemon=True).start()

    # What the command does.

    def out(self, text: str | bytes) -> None:
        """Print to stdout. Raises `Closed`."""
        self._print(0, text)

    def err(self, text: str | bytes) -> None:
        """Print to stderr. Raises `Closed`."""
        self._print(0 if self._terminal else 1, text)

    def _print(self, stream: int, text: str | bytes) -> None:
        content = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        if self._terminal:
            content = content.replace(b"\n", b"\r\n")
        with self._changed:
            if self._closed:
                raise Closed
            self._texts[stream].extend(content)
            self._changed.notify_all()

    def line(self) -> bytes | None:
        """The next line of stdin, None at its end."""
        while b"\n" not in self._rest:
            more = self._in.read()
            if not more:
                return None
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def all_input(self) -> bytes:
        """All of stdin, once that has ended."""
        parts = [self._rest]
        while more := self._in.read():
            parts.append(more)
        return b"".join(parts)

    def rest(self, seconds: float) -> None:
        """Let time pass. Raises `Closed`."""
        with self._changed:
            if self._changed.wait_for(lambda: self._closed, seconds):
                raise Closed

    @contextmanager
    def when_closed(self, callback: Callable[[], None]) -> Iterator[None]:
        """Within, ``callback`` is called when the command is terminated, on the thread that does it."""
        with self._changed:
            if self._closed:
                raise Closed
            self._on_close.append(callback)
        try:
            yield
        finally:
            with self._changed:
                self._on_close = [each for each in self._on_close if each is not callback]

    # What the link gives to the layers above.

    def read(self, timeout: float | None) -> tuple[bytes, bytes] | None:
        """See `RemoteProcess.read`."""
        with self._changed:
            came = self._changed.wait_for(lambda: any(self._texts) or self._over or self._closed, timeout)
            if self._lost:
                raise LinkLost(reason="connection ended")
            if not came:
                raise DeadlinePassed(what="output")
            if self._closed or not any(self._texts):
                return None
            out, err = (bytes(each) for each in self._texts)
            for each in self._texts:
                each.clear()
            return out, err

    def write(self, data: bytes, timeout: float | None) -> None:
        """See `RemoteProcess.write`; nothing here ever waits."""
        del timeout
        self._in.write(data)

    def close_stdin(self) -> None:
        """See `RemoteProcess.close_stdin`."""
        self._in.end()

    def exit_status(self, timeout: float | None) -> int | None:
        """See `RemoteProcess.exit_status`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._over, timeout):
                raise DeadlinePassed(what="exit status")
            return self._code

    def close(self) -> None:
        """See `RemoteProcess.close`."""
        with self._changed:
            if self._closed:
                return
            self._closed, callbacks = True, self._on_close
            self._on_close = []
            if self._over:
                callbacks = []
            self._changed.notify_all()
        self._in.end()
        self._forget(self)
        for callback in callbacks:
            callback()

    def lose(self) -> None:
        """The link ended."""
        self._lost = True
        self.close()
