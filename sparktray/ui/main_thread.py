"""Errands for the main thread, from any other one."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

# A main thread that is well takes an errand within milliseconds; a command must not hang on one that is not.
_PATIENCE_SECONDS = 5.0


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
