"""What changes from one picture to the next, told as notifications."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import assert_never

from PySide6.QtCore import QObject, QTimer, Signal

from sparktray.decide.showing.notices import (
    ActionKind,
    Notice,
    Served,
    Urgency,
    Watched,
    Withdraw,
    down_due,
    down_since,
    last_served,
    notices,
    server_down,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.ui.notifying.notify import Message, Notifier, Weight
from sparktray.wording import Wording


class Announcer(QObject):
    """Sees every picture and tells the notifier. Emits ``copy_asked`` with a server's name."""

    copy_asked = Signal(str)

    def __init__(self, say: Wording, notifier: Notifier, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._notifier = notifier
        self._before: Snapshot | None = None
        self._asked: frozenset[str] = frozenset()
        self._served: Mapping[str, Served] = {}
        self._watched: Mapping[str, Watched] = {}
        self._copies: dict[str, str] = {}
        self._due = QTimer(self, singleShot=True)
        self._due.timeout.connect(self._look_again)

    def asked(self, operation: str) -> None:
        """Remember that an operation was begun from this tray: its end is told."""
        self._asked |= {operation}

    def take(self, snapshot: Snapshot) -> None:
        """Tell what is new in it."""
        before, self._before = self._before, snapshot
        if before is not None:
            for notice in notices(before, snapshot, self._asked, self._served):
                self._tell(notice)
        self._served = last_served(self._served, snapshot)
        self._look_again()

    def pressed(self, key: str) -> None:
        """A notification was clicked."""
        if key in self._copies:
            self.copy_asked.emit(self._copies[key])

    def _look_again(self) -> None:
        if self._before is None:
            return
        now = time.time()
        watched, self._watched = self._watched, down_since(self._watched, self._before, now)
        for told in server_down(self._before, watched, self._watched):
            self._tell(told)
        due = down_due(self._watched)
        if due is None:
            self._due.stop()
        else:
            self._due.start(max(0, round((due - now) * 1000)))

    def _tell(self, told: Notice | Withdraw) -> None:
        if isinstance(told, Withdraw):
            self._notifier.withdraw(told.key)
            return
        self._copies.pop(told.key, None)
        button = None
        if told.action is not None and told.action.kind is ActionKind.COPY_ID:
            self._copies[told.key] = told.action.server
            button = self._say(phrase("Copy model ID"))
        title, text = self._say(told.title), self._say(told.text)
        self._notifier.show(Message(told.key, title, text, _weight(told.urgency), button))


def _weight(urgency: Urgency) -> Weight:
    match urgency:
        case Urgency.LOW:
            return Weight.LOW
        case Urgency.NORMAL:
            return Weight.NORMAL
        case Urgency.CRITICAL:
            return Weight.CRITICAL
        case _:  # pragma: no cover
            assert_never(urgency)
