"""What the journal holds, read away from the main thread."""

from __future__ import annotations

import logging

import msgspec
from PySide6.QtCore import QObject, Signal

from sparktray.decide.showing.journal.past import Past
from sparktray.store.journal import Journal, Stamp
from sparktray.store.paths import StoreError
from sparktray.ui.background import Background, Job

_MOST = 200  # operations
_log = logging.getLogger(__name__)


class Asked(msgspec.Struct, frozen=True):
    """Of which host; ``everywhere`` of all of them. None while there is no host."""

    host: str | None
    everywhere: bool


class JournalFeed(QObject):
    """Emits ``came`` with a `Past` when there is another one, ``failed`` with a `Problem`.

    Main thread only.
    """

    came = Signal(object)
    failed = Signal(object)

    def __init__(self, journal: Journal, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._journal = journal
        self._background = background
        self._asked: Asked | None = None
        self._known: Stamp | None = None
        self._job: Job | None = None
        self._once_more = False

    def read_from(self, journal: Journal) -> None:
        """Another journal from now on."""
        self.forget()
        self._journal = journal

    def look(self, asked: Asked) -> None:
        """Read what is asked for, if it is another thing than before or was written to since."""
        if asked != self._asked:
            self.forget()
            self._asked = asked
        if self._job is not None:
            self._once_more = True
            return
        known = self._known
        self._job = self._background.run(lambda: _read(self._journal, asked, known), self._took, self._broke)

    def forget(self) -> None:
        """Nothing more comes of what is being read, and the next look reads anew."""
        if self._job is not None:
            self._job.cancel()
        self._job, self._known, self._once_more, self._asked = None, None, False, None

    def _took(self, found: tuple[Stamp, Past] | None) -> None:
        self._job = None
        if found is not None:
            stamp, past = found
            # Whether a program still lives that is at work on one, no file tells.
            self._known = None if past.alive else stamp
            self.came.emit(past)
        self._again()

    def _broke(self, error: Exception) -> None:
        self._job = self._known = None
        if isinstance(error, StoreError):
            self.failed.emit(error.problem)
        else:
            _log.error("the journal could not be read", exc_info=error)
        self._again()

    def _again(self) -> None:
        asked = self._asked
        if self._once_more and asked is not None:
            self._once_more = False
            self.look(asked)


def _read(journal: Journal, asked: Asked, known: Stamp | None) -> tuple[Stamp, Past] | None:
    """On a thread of the background; None when nothing was written since ``known``."""
    stamp = journal.stamp()  # before reading, so that no line falls between
    if stamp == known:
        return None
    host = None if asked.everywhere else asked.host
    entries = [] if host is None and not asked.everywhere else journal.last(_MOST, host)
    alive = frozenset(entry.id for entry in entries if entry.end is None and journal.lives(entry.id))
    waiting = None if asked.host is None else journal.broken_off(asked.host)
    return stamp, Past(tuple(reversed(entries)), alive, waiting)
