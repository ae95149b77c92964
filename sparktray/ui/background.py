"""Work that may wait for disk, network or keyring, done away from the main thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Job:
    """Work under way. Main thread only."""

    wanted: bool = field(default=True)

    def cancel(self) -> None:
        """Its outcome is of no interest any more and is dropped; the work itself is left to end."""
        self.wanted = False


class Background(QObject):
    """Does each job on a thread of its own and brings the outcome to the main thread.

    Main thread only. The threads end with the process: a job that waits for a dead host must not
    keep the program from quitting. Jobs that need an order are one job.
    """

    _over = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gate = threading.Lock()
        self._open = True
        self._over.connect(_call, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> Job:
        """Have a job done; then ``done`` gets its value, or ``failed`` its error, on the main thread.

        An error without ``failed`` is logged.
        """
        handle = Job()

        def work() -> None:
            try:
                value = job()
            except Exception as error:
                self._bring(handle, partial(_tell, error, failed))
            else:
                self._bring(handle, lambda: done(value))

        threading.Thread(target=work, name="sparktray-background", daemon=True).start()
        return handle

    def close(self) -> None:
        """Bring nothing more; once this returns no other thread touches the object."""
        with self._gate:
            self._open = False

    def _bring(self, handle: Job, outcome: Callable[[], None]) -> None:
        """On a worker thread, which touches nothing of Qt but the signal."""
        with self._gate:
            if self._open:
                self._over.emit(lambda: outcome() if handle.wanted else None)


def _call(outcome: Callable[[], None]) -> None:
    outcome()


def _tell(error: Exception, failed: Callable[[Exception], None] | None) -> None:
    if failed is not None:
        failed(error)
    else:
        _log.error("a job in the background failed", exc_info=error)
