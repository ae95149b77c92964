"""The log of one container as it grows, for somebody who reads it: bounded, in batches."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

import msgspec

from sparktray.control.problems import problem_of
from sparktray.domain.host import HostProfile
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_line
from sparktray.remote.contract import Remote, Stream
from sparktray.remote.errors import DockerAnswered, RemoteError

_log = logging.getLogger(__name__)

TAIL_LINES = 1000
_BATCH_SECONDS = 0.1
# Cleaning a line takes 0.3 us a byte. So many bytes a second cost about a tenth of a core; the last 1,000
# lines of a log, 340 bytes each, go through at once.
_BYTES_AT_ONCE = 340_000
_BYTES_A_SECOND = 340_000.0
# What a line costs whatever its length.
_LINE_BYTES = 60
# clean_line looks at no more characters than this.
_LONGEST = 4000


class LogBatch(msgspec.Struct, frozen=True):
    """Cleaned lines as they follow one another, after ``left_out`` that came too fast to be shown."""

    left_out: int
    lines: tuple[str, ...]


class LogWatch:
    """Reads a container's last 1,000 lines and then what it prints, until its run ends or it is closed.

    ``on_lines`` gets at most ten batches a second, ``on_end`` is called once after the last of them: with
    None when the container's run or the container is over, else with what went wrong. Both on a thread of
    this object's own; neither is called once ``close`` has returned and the call under way, if any, is over.
    """

    def __init__(
        self,
        remote: Remote,
        host: HostProfile,
        container: str,
        on_lines: Callable[[LogBatch], None],
        on_end: Callable[[Problem | None], None],
    ) -> None:
        self._remote = remote
        self._host = host
        self._container = container
        self._on_lines = on_lines
        self._on_end = on_end
        self._gate = threading.Lock()
        self._waiting = _Waiting()
        self._some = threading.Event()
        self._closed = threading.Event()
        self._ended = False
        self._problem: Problem | None = None
        self._stream: Stream[bytes] | None = None
        for work, name in ((self._read, "sparktray-log-in"), (self._send, "sparktray-log-out")):
            threading.Thread(target=work, name=name, daemon=True).start()

    def close(self) -> None:
        """End it, from any thread, at once: the stream is closed by a thread of this object's own."""
        self._closed.set()
        self._some.set()

    def _read(self) -> None:
        try:
            stream = self._remote.docker.follow_logs(self._container, tail=TAIL_LINES)
            with stream:
                with self._gate:
                    self._stream = stream
                if not self._closed.is_set():
                    self._take(stream)
        except RemoteError as error:
            _log.info("the log of %s ended: %s", self._container[:12], error)
            gone = isinstance(error, DockerAnswered) and error.status == HTTPStatus.NOT_FOUND
            self._problem = None if gone else problem_of(error, self._host)
        finally:
            self._ended = True
            self._some.set()

    def _take(self, stream: Stream[bytes]) -> None:
        for line in stream:
            # A progress bar draws over itself with a return; what it showed last is what counts.
            text = line.rstrip(b"\r").rpartition(b"\r")[2][:_LONGEST]
            with self._gate:
                self._waiting.add(text)
            if not self._some.is_set():
                self._some.set()

    def _send(self) -> None:
        credit, since = float(_BYTES_AT_ONCE), time.monotonic()
        while not self._closed.is_set():
            self._some.wait()
            # Lines mostly come several together; so the first of them does not go alone.
            self._closed.wait(_BATCH_SECONDS)
            self._some.clear()
            ended = self._ended
            now = time.monotonic()
            credit, since = min(_BYTES_AT_ONCE, credit + (now - since) * _BYTES_A_SECOND), now
            with self._gate:
                left_out, kept, cost = self._waiting.taken(credit)
            credit -= cost
            lines = tuple(
                text for text in (clean_line(line.decode("utf-8", "replace")) for line in kept) if text
            )
            if self._closed.is_set():
                break
            if lines or left_out:
                self._on_lines(LogBatch(left_out, lines))
            if ended:
                self._on_end(self._problem)
                return
        with self._gate:
            stream = self._stream
        if stream is not None:
            stream.close()


class _Waiting:
    """Lines that wait to be sent, the newest 1,000; counts those that gave way."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque(maxlen=TAIL_LINES)
        self._came = 0

    def add(self, line: bytes) -> None:
        """Take in a line."""
        self._lines.append(line)
        self._came += 1

    def taken(self, credit: float) -> tuple[int, list[bytes], int]:
        """All that waits: how many had to be left out, the newest for that many bytes, and their cost."""
        kept: list[bytes] = []
        cost = 0
        for line in reversed(self._lines):
            cost += len(line) + _LINE_BYTES
            if cost > credit and kept:
                cost -= len(line) + _LINE_BYTES
                break
            kept.append(line)
        left_out = self._came - len(kept)
        self._lines.clear()
        self._came = 0
        return left_out, kept[::-1], cost
