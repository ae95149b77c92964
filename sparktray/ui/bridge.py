"""From other threads to Qt's: snapshots of the controllers, errands of the door."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

from sparktray.domain.snapshot import Snapshot

# A main thread that is well takes an errand within milliseconds; a command must not hang on one that is not.
_PATIENCE_SECONDS = 5.0


class Bridge(QObject):
    """Takes pictures from any thread and emits ``changed`` with each on the main one.

    ``changed`` brings the controller's number and the picture; one of a controller that was replaced
    meanwhile is left out. `control.watch.Watch` says what the number is.
    """

    changed = Signal(int, object)
    _came = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gate = threading.Lock()
        self._open = True
        self._number = 0
        self._came.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def publish(self, number: int, snapshot: Snapshot) -> None:
        """Hand a picture over, from any thread."""
        with self._gate:
            if self._open:
                self._came.emit(number, snapshot)

    def close(self) -> None:
        """Let nothing through any more; once this returns no other thread touches the object."""
        with self._gate:
            self._open = False

    def _take(self, number: int, snapshot: Snapshot) -> None:
        if self._open and number >= self._number:
            self._number = number
            self.changed.emit(number, snapshot)


class MainThread(QObject):
    """Does what other threads ask for on the thread that made it, which is Qt's."""

    _asked = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gate = threading.Lock()
        self._open = True
        self._asked.connect(_do, Qt.ConnectionType.QueuedConnection)

    def do(self, errand: Callable[[], None]) -> None:
        """Have it done soon; nothing is waited for."""
        with self._gate:
            if self._open:
                self._asked.emit(errand)

    def ask(self, errand: Callable[[Callable[[bool], None]], None]) -> bool:
        """Have it done and wait for what it tells the function it is given; False when that takes long."""
        told, answers = threading.Event(), list[bool]()

        def take(answer: bool) -> None:
            answers.append(answer)
            told.set()

        self.do(lambda: errand(take))
        return told.wait(_PATIENCE_SECONDS) and answers[0]

    def close(self) -> None:
        """Take no more errands; once this returns no other thread touches the object."""
        with self._gate:
            self._open = False


def _do(errand: Callable[[], None]) -> None:
    errand()
