"""What changes from one picture to the next, told as notifications."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import assert_never

from PySide6.QtCore import QObject, QTimer, Signal

from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.showing.notices.down import Watched, down_due, down_since, server_down
from sparktray.decide.showing.notices.events import Served, is_wanted, last_served, mended, notices
from sparktray.decide.showing.notices.notice import (
    ActionKind,
    Notice,
    NoticeAction,
    NoticeKind,
    Urgency,
    Withdraw,
)
from sparktray.decide.showing.notices.stale import good, outdated, stale
from sparktray.domain.operation import RestoreWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.ui.notifying.notify import Message, Notifier, Weight
from sparktray.wording import Wording


class Announcer(QObject):
    """Sees every picture and tells the notifier. Main thread only.

    ``copy_asked`` and ``log_asked`` carry a server's name, ``wished`` a wish; ``panel_asked`` is a click on
    a notification itself, with the token by which a window may come to the front ("" without one).
    ``in_front`` is set by who knows: a person has the panel before their eyes. ``clock`` is in seconds
    and should stand still in sleep, as ``time.monotonic`` does on Linux and macOS; where it goes on
    (Windows) a server that went down just before the sleep is told of at waking.
    """

    copy_asked = Signal(str)
    log_asked = Signal(str)
    wished = Signal(object)
    panel_asked = Signal(str)

    def __init__(
        self,
        say: Wording,
        notifier: Notifier,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self.in_front = False
        self._say = say
        self._notifier = notifier
        self._clock = clock
        self._silenced: frozenset[str] = frozenset()
        self._host: str | None = None
        self._before: Snapshot | None = None
        self._asked: frozenset[str] = frozenset()
        self._served: Mapping[str, Served] = {}
        self._watched: Mapping[str, Watched] = {}
        self._told: dict[str, Notice] = {}
        self._copies: tuple[CopiedId, ...] = ()
        self._good: frozenset[CopiedId] = frozenset()
        self._due = QTimer(self, singleShot=True)
        self._due.timeout.connect(self._look_again)

    def asked(self, operation: str) -> None:
        """Remember that an operation was begun from this tray: its end is told."""
        self._asked |= {operation}

    def remember(self, copies: tuple[CopiedId, ...]) -> None:
        """What clients were given: that an ID which was right at some time is so no more is told once."""
        self._copies = copies
        if self._before is not None:
            self._good |= good(copies, self._before)

    def silence(self, kinds: frozenset[str]) -> None:
        """Tell no notices of these kinds (words of `NoticeKind`) from now on, and all others."""
        self._silenced = kinds

    def reset(self) -> None:
        """The next picture is another controller's: it is taken as it is, as the first one of all."""
        self._before = None
        self._served = {}
        self._good = frozenset()

    def take(self, snapshot: Snapshot) -> None:
        """Tell what is new in it."""
        before, self._before = self._before, snapshot
        if before is None:
            self._begin(snapshot.host.name)
        else:
            gone = outdated(self._good & frozenset(self._copies), snapshot)
            changed = stale(gone, snapshot)
            self._good -= gone
            found = notices(before, snapshot, self._asked, self._served)
            # That it is ready is said by the one that also says what is no longer so.
            for notice in (*(each for each in found if not _covered(each, changed)), *changed):
                # Memory hovers about its mark; until it is clear of it, that is told already.
                if notice.kind is not NoticeKind.MEMORY_LOW or notice.key not in self._told:
                    self._tell(notice)
        self._good |= good(self._copies, snapshot)
        for told in mended(snapshot, self._told):
            self._tell(told)
        self._served = last_served(self._served, snapshot)
        self._look_again()

    def pressed(self, key: str) -> None:
        """The button of a notification was pressed."""
        told = self._told.get(key)
        if told is None or told.action is None:
            return
        match told.action.kind:
            case ActionKind.COPY_ID | ActionKind.COPY_NEW_ID:
                self.copy_asked.emit(told.action.server)
            case ActionKind.SHOW_LOG:
                self.log_asked.emit(told.action.server)
            case ActionKind.UNDO:
                self.wished.emit(RestoreWish(told.action.server))
            case ActionKind.WAY_ON:
                if told.action.way is not None:
                    self.wished.emit(told.action.way[1])
            case _:  # pragma: no cover
                assert_never(told.action.kind)

    def _begin(self, host: str) -> None:
        """Nothing that was told of another host stays: its buttons would mean this one's servers."""
        if host != self._host:
            self._host = host
            self._watched = {}
            for key in list(self._told):
                self._tell(Withdraw(key))

    def _look_again(self) -> None:
        if self._before is None:
            return
        now = self._clock()
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
            self._take_back(told.key)
        elif not is_wanted(told, self._silenced, in_front=self.in_front):
            self._take_back(told.key)  # what stands there under this key is no longer the latest
        else:
            self._told[told.key] = told
            action = None if told.action is None else self._say(_label(told.action))
            title, text = self._say(told.title), self._say(told.text)
            opening = self._say(phrase("Open sparktray…"))
            self._notifier.show(Message(told.key, title, text, _weight(told.urgency), action, opening))

    def _take_back(self, key: str) -> None:
        if self._told.pop(key, None) is not None:
            self._notifier.withdraw(key)


def _covered(notice: Notice, by: tuple[Notice, ...]) -> bool:
    switched = notice.kind in {NoticeKind.SWITCHED, NoticeKind.SWITCHED_ELSEWHERE}
    return switched and any(notice.title == each.title for each in by)


def _label(action: NoticeAction) -> Phrase:
    match action.kind:
        case ActionKind.COPY_ID:
            return phrase("Copy model ID")
        case ActionKind.COPY_NEW_ID:
            return phrase("Copy new ID")
        case ActionKind.SHOW_LOG:
            return phrase("Show log")
        case ActionKind.UNDO:
            return phrase("Undo")
        case ActionKind.WAY_ON:
            return phrase("Try again") if action.way is None else action.way[0]
        case _:  # pragma: no cover
            assert_never(action.kind)


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
