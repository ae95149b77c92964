"""From the controllers' threads to Qt's: the one place where a snapshot changes threads."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, Qt, Signal

from sparktray.domain.snapshot import Snapshot


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
