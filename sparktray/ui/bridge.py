"""From the controller's thread to Qt's: the one place where a snapshot changes threads."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, Signal

from sparktray.control.controller import Controller
from sparktray.domain.snapshot import Snapshot


class Bridge(QObject):
    """Emits ``changed`` with every snapshot that a controller publishes.

    Connect with ``Qt.ConnectionType.QueuedConnection``: the signal is emitted on the controller's
    thread, and slots of Qt objects belong on the main one.
    """

    changed = Signal(object)

    def __init__(self, controller: Controller, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._gate = threading.Lock()
        self._open = False

    def open(self) -> None:
        """Begin; the present picture comes first. On the main thread, after connecting."""
        with self._gate:
            self._open = True
        self._controller.subscribe(self._publish)

    def close(self) -> None:
        """Let nothing through any more; once this returns no other thread touches the object."""
        with self._gate:
            self._open = False

    def _publish(self, snapshot: Snapshot) -> None:
        with self._gate:
            if self._open:
                self.changed.emit(snapshot)
