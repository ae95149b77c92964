"""The page that shows what was done on the hosts, and the steps of each operation."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from sparktray.control import clock
from sparktray.decide.showing.journal.past import Past, up_to_now
from sparktray.decide.showing.journal.rows import EntryRow, entry_row
from sparktray.decide.showing.journal.steps import entry_steps
from sparktray.domain.journal.entry import Entry
from sparktray.domain.operation import Wish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Snapshot
from sparktray.domain.text import clean_name
from sparktray.store.journal import Journal
from sparktray.ui.background import Background
from sparktray.ui.labels import label
from sparktray.ui.panel.controls import Hairline, Text
from sparktray.ui.panel.journal.entry_list import EntryList
from sparktray.ui.panel.journal.feed import Asked, JournalFeed
from sparktray.ui.panel.models.checklist import ChecklistView
from sparktray.ui.panel.moments import moment
from sparktray.ui.panel.page import Page
from sparktray.ui.panel.reason import Reason
from sparktray.ui.theme import AROUND, GRID, INSIDE, figures, tones
from sparktray.wording import Wording

# Other programs write the journal too. Looking costs a thread and two calls of stat.
_LOOK_SECONDS = 3


class JournalPage(Page):
    """The list of operations, or one of them with its steps. Main thread only.

    Emits ``wished`` with a way on from one that was broken off, ``cancelled`` for the one under way. The
    journal is read while the page is on the screen, and only when something was written.
    """

    wished = Signal(object)
    cancelled = Signal()

    def __init__(
        self, say: Wording, background: Background, journal: Journal, parent: QWidget | None = None
    ) -> None:
        super().__init__(say, parent)
        self._feed = JournalFeed(journal, background, self)
        self._latest: Snapshot | None = None
        self._past: Past | None = None
        self._problem: Problem | None = None
        self._made: dict[str, tuple[Entry, EntryRow]] = {}
        self._opened: str | None = None
        self._going_on = False  # a way on was taken: what comes of it is shown as soon as it is there
        self._seconds = 0
        self._waits = False  # for the journal, so long that it is said
        self._away = True
        self._hosts = QComboBox(self)
        self._list, self._reason = EntryList(say, self), Reason(self)
        self._back, self._about = QPushButton(self), Text(self, wraps=False)
        self._steps = ChecklistView(say, self, kept=True)
        self._every, self._one = QWidget(self), QWidget(self)
        self._lay_out()
        self._feed.came.connect(self._came)
        self._feed.failed.connect(self._failed)
        self._hosts.addItems(["", ""])
        self._hosts.activated.connect(lambda _: self._turn_to_hosts())
        self._list.opened.connect(self._open)
        self._back.clicked.connect(self._close)
        self._steps.wished.connect(self._go_on)
        self._steps.cancelled.connect(self.cancelled)
        self.setFocusProxy(self._list)

    def _lay_out(self) -> None:
        self._hosts.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        head = QHBoxLayout()
        head.setContentsMargins(AROUND, INSIDE, AROUND, GRID)
        head.addWidget(self._hosts)
        head.addStretch()
        shown = QWidget(self._every)
        self._lower = QStackedLayout(shown)
        self._lower.addWidget(self._list)
        room = QWidget(shown)
        around = QVBoxLayout(room)
        around.setContentsMargins(AROUND, 0, AROUND, 0)
        around.addWidget(self._reason)
        self._lower.addWidget(room)
        every = QVBoxLayout(self._every)
        every.setContentsMargins(0, 0, 0, 0)
        every.setSpacing(0)
        every.addLayout(head)
        every.addWidget(Hairline(parent=self._every))
        every.addWidget(shown, 1)
        top = QHBoxLayout()
        top.setContentsMargins(AROUND, INSIDE, AROUND, GRID)
        top.setSpacing(2 * GRID)
        top.addWidget(self._back)
        top.addWidget(self._about)
        top.addStretch()
        one = QVBoxLayout(self._one)
        one.setContentsMargins(0, 0, 0, 0)
        one.setSpacing(0)
        one.addLayout(top)
        one.addWidget(Hairline(parent=self._one))
        one.addWidget(self._steps, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._every)
        self._stack.addWidget(self._one)

    def read_from(self, journal: Journal) -> None:
        """Show another journal from now on."""
        self._feed.read_from(journal)

    def title(self) -> Phrase:
        """Its name in the panel's list."""
        return phrase("Journal")

    def take(self, snapshot: Snapshot | None) -> None:
        """Show that picture, and read the journal when the page comes to the screen or an operation ended."""
        before, self._latest = self._latest, snapshot
        if _host(before) != _host(snapshot) and before is not None:
            self._begin_anew()
        elif self._away or _ended(before, snapshot):
            self._look()
        self._away = False
        active = None if snapshot is None else snapshot.active
        if self._going_on and active is not None:
            self._going_on = False
            self._opened = active.id
        self._tell()

    def tick(self) -> None:
        """A second has passed: times go on, and now and then it is looked what others wrote."""
        active = self._latest is not None and self._latest.active is not None
        self._seconds += 1
        self._waits = self._past is None
        if self._seconds >= _LOOK_SECONDS and not active:
            self._look()
        if active or self._past is None or self._past.alive:
            self._tell()

    def left(self) -> None:
        """It went off the screen: nothing is read any more."""
        self._away = True
        self._going_on = False
        self._feed.forget()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Qt's: Escape goes back to the list."""
        if event.key() == Qt.Key.Key_Escape and self._opened is not None:
            self._close()
            return
        super().keyPressEvent(event)

    @property
    def _everywhere(self) -> bool:
        return self._hosts.currentIndex() == 1

    def _turn_to_hosts(self) -> None:
        self._begin_anew()
        self._tell()

    def _begin_anew(self) -> None:
        self._past, self._problem, self._opened = None, None, None
        self._look()

    def _look(self) -> None:
        self._seconds = 0
        self._feed.look(Asked(_host(self._latest), self._everywhere))

    def _came(self, past: Past) -> None:
        self._past, self._problem = past, None
        self._tell()

    def _failed(self, problem: Problem) -> None:
        self._past, self._problem = None, problem
        self._tell()

    def _open(self, identity: str) -> None:
        self._opened = identity
        self._tell()
        if self._stack.currentWidget() is self._one:
            self._steps.take_keyboard()

    def _close(self) -> None:
        self._opened = None
        self._tell()
        self._list.setFocus()

    def _go_on(self, wish: Wish) -> None:
        self._going_on = True
        self.wished.emit(wish)

    def _tell(self) -> None:
        """Say and show everything anew."""
        now = clock.now()
        past = up_to_now(self._past or Past(), self._latest, now)
        self._tell_hosts()
        self._list.show_rows(self._rows_of(past, now), hosts=self._everywhere)
        reason = self._why_nothing(past)
        if reason is not None:
            cause, remedy = reason
            self._reason.tell(self.say(cause), "" if remedy is None else self.say(remedy))
        self._lower.setCurrentIndex(0 if reason is None else 1)
        self._tell_one(past, now)

    def _rows_of(self, past: Past, now: float) -> tuple[EntryRow, ...]:
        """All rows; those that cannot have changed are not made again, for there may be 200."""
        before, self._made = self._made, {}
        rows = []
        for entry in past.entries:
            alive = entry.id in past.alive
            known = None if alive else before.get(entry.id)
            row = known[1] if known and known[0] is entry else entry_row(entry, now, alive=alive)
            rows.append(row)
            if not alive:
                self._made[entry.id] = (entry, row)
        return tuple(rows)

    def _tell_hosts(self) -> None:
        host = _host(self._latest)
        here = phrase("This host") if host is None else phrase("This host: {host}", host=clean_name(host))
        for row, text in enumerate((here, phrase("All hosts"))):
            if self._hosts.itemText(row) != self.say(text):
                self._hosts.setItemText(row, self.say(text))
        self._hosts.setAccessibleName(self.say(phrase("Operations of")))

    def _why_nothing(self, past: Past) -> tuple[Phrase, Phrase | None] | None:
        """What stands in the place of the list, and what to do; None when there is a list."""
        if self._problem is not None:
            return self._problem.cause, self._problem.remedy
        if past.entries or (self._past is None and not self._waits):
            return None
        if self._past is None:
            return phrase("Reading the journal…"), None
        if self._latest is None and not self._everywhere:
            return phrase("No host is set up yet."), phrase("Under Hosts you set one up.")
        told = phrase("Switch to a model: what was done stands here then, with its steps and its end.")
        return phrase("Nothing was done yet."), told

    def _tell_one(self, past: Past, now: float) -> None:
        view = None if self._opened is None else entry_steps(past, self._opened, self._latest, now)
        entry = past.get(self._opened)
        if view is None or entry is None:
            if self._past is not None:
                self._opened = None
            self._stack.setCurrentWidget(self._every)
            self.setFocusProxy(self._list)
            return
        say, look = self.say, tones()
        self._back.setText(f"◂ {label(say(phrase('All operations')), over_bus=False)}")
        self._back.setAccessibleName(say(phrase("All operations")))
        about = f"{moment(entry.started_at, say.language)} · {clean_name(entry.host)}"
        self._about.tell(about, look.quiet, figures(self.font()))
        self._steps.take(view)
        self._stack.setCurrentWidget(self._one)
        self.setFocusProxy(self._steps)


def _host(snapshot: Snapshot | None) -> str | None:
    return None if snapshot is None else snapshot.host.name


def _ended(before: Snapshot | None, after: Snapshot | None) -> bool:
    """Whether an operation came to its end between two pictures of one host."""
    if before is None or after is None or before.operation is None:
        return False
    known = after.operation
    return before.active is not None and (known is None or known.end is not None)
