"""From the thread that reads a log to the main one."""

from __future__ import annotations

import threading
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal

from sparktray.control.following.log_watch import LogBatch, LogWatch
from sparktray.domain.host import HostProfile
from sparktray.domain.problem import Problem
from sparktray.remote.contract import Remote


class LogFeed(QObject):
    """One log at a time. Emits ``came`` with a `LogBatch` and ``ended`` with a `Problem` or None.

    Main thread only; nothing of a log that was closed or replaced comes through any more.
    """

    came = Signal(object)
    ended = Signal(object)
    _brought = Signal(int, object)
    _over = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gate = threading.Lock()
        self._number = 0
        self._watch: LogWatch | None = None
        self._brought.connect(self._bring, Qt.ConnectionType.QueuedConnection)
        self._over.connect(self._end, Qt.ConnectionType.QueuedConnection)

    def open(self, remote: Remote, host: HostProfile, container: str) -> None:
        """Read the log of that container, instead of any other."""
        self.close()
        number = self._number
        self._watch = LogWatch(
            remote, host, container, partial(self._came, number), partial(self._ended, number)
        )

    def close(self) -> None:
        """Read no more; once this returns no other thread touches the object."""
        with self._gate:
            self._number += 1
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    def _came(self, number: int, batch: LogBatch) -> None:
        """On the reader's thread."""
        with self._gate:
            if number == self._number:
                self._brought.emit(number, batch)

    def _ended(self, number: int, problem: Problem | None) -> None:
        """On the reader's thread."""
        with self._gate:
            if number == self._number:
                self._over.emit(number, problem)

    def _bring(self, number: int, batch: LogBatch) -> None:
        if number == self._number:
            self.came.emit(batch)

    def _end(self, number: int, problem: Problem | None) -> None:
        if number == self._number:
            self.ended.emit(problem)
