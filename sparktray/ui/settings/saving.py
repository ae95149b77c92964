"""Changes of the settings, saved one after the other away from the main thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.store.paths import ConfigFolder, StoreError
from sparktray.store.settings import Settings, SettingsFile
from sparktray.ui.background import Background

Change = Callable[[Settings], Settings]


class Saving(QObject):
    """Saves in the order of the clicks. Main thread only.

    ``saved`` brings the `Settings` on disk once nothing is left to save, ``failed`` the `Problem` for
    which a change was not kept.
    """

    saved = Signal(object)
    failed = Signal(object)

    def __init__(self, folder: ConfigFolder, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file = SettingsFile(folder)
        self._background = background
        self._waiting: deque[Change] = deque()
        self._busy = False

    def change(self, change: Change) -> None:
        """Save what ``change`` makes of the settings; it is called on a worker thread."""
        self._waiting.append(change)
        self._next()

    def _next(self) -> None:
        if self._busy or not self._waiting:
            return
        self._busy = True
        change = self._waiting.popleft()
        self._background.run(lambda: self._file.change(change), self._done, self._not_done)

    def _done(self, settings: Settings) -> None:
        self._busy = False
        if self._waiting:  # what is shown then is what was clicked last, not what is on disk already
            self._next()
        else:
            self.saved.emit(settings)

    def _not_done(self, error: Exception) -> None:
        self._busy = False
        self.failed.emit(problem_of(error))
        self._next()


def problem_of(error: Exception) -> Problem:
    """What to show for an error of the store, or for one that nobody foresaw."""
    if isinstance(error, StoreError):
        return error.problem
    return Problem(
        "store-unwritable",
        phrase("That could not be saved: {reason}", reason=str(error)),
        phrase("Try again."),
        repr(error),
    )
