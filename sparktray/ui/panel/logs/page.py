"""The page that shows a server's log as it grows."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QLocale, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from sparktray.control.following.log_watch import LogBatch
from sparktray.decide.showing.containers import Trouble
from sparktray.decide.showing.logs import Run, log_choices, log_missing, log_run, log_state, wanted_log
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Snapshot
from sparktray.remote.contract import Remote
from sparktray.ui.labels import label
from sparktray.ui.panel.controls import Hairline, Text
from sparktray.ui.panel.logs.feed import LogFeed
from sparktray.ui.panel.logs.search import SearchBar
from sparktray.ui.panel.logs.view import LogView
from sparktray.ui.panel.page import Page
from sparktray.ui.panel.reason import Reason
from sparktray.ui.theme import AROUND, GRID, small, tones
from sparktray.wording import Wording

# A log that ended though its container runs on, as when Docker was restarted, is asked for anew; not more
# often than a host that cannot give it is to be bothered.
_AGAIN_SECONDS = 5.0
_FEEDBACK_MILLISECONDS = 2000


class LogPage(Page):
    """The log of one server's container; read only while the page is on the screen. Main thread only.

    ``open_remote`` gives the connected host, None while there is none; it must not wait.
    """

    def __init__(
        self, say: Wording, open_remote: Callable[[], Remote | None], parent: QWidget | None = None
    ) -> None:
        super().__init__(say, parent)
        self._open_remote = open_remote
        self._latest: Snapshot | None = None
        self._host: str | None = None
        self._server: str | None = None
        self._run: Run | None = None
        self._ended_at: float | None = None
        self._problem: Problem | None = None
        self._fresh = False  # what comes next takes the place of what is shown
        self._feed = LogFeed(self)
        self._servers = QComboBox(self)
        self._follow = QCheckBox(self)
        self._copy, self._copy_all = QPushButton(self), QPushButton(self)
        self._view = LogView(self)
        self._search = SearchBar(say, self._view, self)
        self._reason = Reason(self)
        self._status = Text(self)
        self._copied = QTimer(self, singleShot=True, interval=_FEEDBACK_MILLISECONDS)
        self._lay_out()
        self._connect()
        self.setFocusProxy(self._view)

    def _lay_out(self) -> None:
        self._servers.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._servers.setMinimumContentsLength(12)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addWidget(self._servers, 1)
        for part in (self._follow, self._copy, self._copy_all):
            head.addWidget(part)
        shown = QWidget(self)
        self._stack = QStackedLayout(shown)
        self._stack.addWidget(self._view)
        self._stack.addWidget(self._reason)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(AROUND, AROUND, AROUND, GRID)
        rows.setSpacing(GRID)
        rows.addLayout(head)
        rows.addWidget(self._search)
        rows.addWidget(Hairline(parent=self))
        rows.addWidget(shown, 1)
        rows.addWidget(self._status)

    def _connect(self) -> None:
        self._feed.came.connect(self._came)
        self._feed.ended.connect(self._ended)
        self._servers.activated.connect(self._choose)
        self._follow.toggled.connect(lambda on: self._view.follow(on=on))
        self._view.follows.connect(self._follow.setChecked)
        self._view.copyAvailable.connect(self._copy.setEnabled)
        self._copy.clicked.connect(self._view.copy)
        self._copy.clicked.connect(lambda: self._tell_copied(self._copy))
        self._copy_all.clicked.connect(self._copy_whole)
        self._copied.timeout.connect(self._tell_buttons)
        self._follow.setChecked(True)
        self._copy.setEnabled(False)

    def title(self) -> Phrase:
        """Its name in the panel's list."""
        return phrase("Logs")

    def take(self, snapshot: Snapshot | None) -> None:
        """Show that picture, and read the log of the chosen server as long as it lasts."""
        self._latest = snapshot
        self._choose_first(snapshot)
        self._keep_reading(snapshot)
        self._tell(snapshot)

    def choose(self, server: str) -> None:
        """Show the log of that server, asked for elsewhere; also before the first picture."""
        if server == self._server:
            return
        self._turn_to(server)
        if self.isVisible():
            self.take(self._latest)

    def left(self) -> None:
        """It went off the screen: nothing is read any more."""
        self._feed.close()
        self._run = None

    def _choose_first(self, snapshot: Snapshot | None) -> None:
        """Until somebody chooses: the server that is of interest. Another host begins anew."""
        host = None if snapshot is None else snapshot.host.name
        if host != self._host:
            if self._host is not None:
                self._turn_to(None)
            self._host = host
        if snapshot is None:
            return
        if self._server is None or snapshot.state_of(self._server) is None:
            self._turn_to(wanted_log(snapshot))

    def _turn_to(self, server: str | None) -> None:
        self._feed.close()
        self._server, self._run, self._problem, self._ended_at = server, None, None, None
        self._view.empty()

    def _choose(self, row: int) -> None:
        server = self._servers.itemData(row)
        if isinstance(server, str):
            self.choose(server)

    def _keep_reading(self, snapshot: Snapshot | None) -> None:
        if snapshot is None or self._server is None:
            return
        run = log_run(snapshot, self._server)
        if run is None:
            self.left()
            return
        if run == self._run and not self._due_again(snapshot):
            return
        remote = self._open_remote()
        if remote is None:
            self.left()
            return
        if self._run is not None and run.container != self._run.container:
            self._view.empty()
        self._run, self._ended_at, self._fresh = run, None, True
        self._feed.open(remote, snapshot.host, run.container)

    def _due_again(self, snapshot: Snapshot) -> bool:
        """True when a log ended that should go on."""
        if self._ended_at is None or time.monotonic() - self._ended_at < _AGAIN_SECONDS:
            return False
        return self._problem is not None or log_state(snapshot, self._server or "") is None

    def _came(self, batch: LogBatch) -> None:
        if self._fresh:
            self._view.empty()
            self._fresh = False
        self._problem = None
        lines = list(batch.lines)
        if batch.left_out:
            number = QLocale(self.say.language).toString(batch.left_out)
            mark = phrase_n(
                "… {number} line left out", "… {number} lines left out", batch.left_out, number=number
            )
            lines.insert(0, self.say(mark))
        self._view.add(lines)
        self._tell_state()

    def _ended(self, problem: Problem | None) -> None:
        self._problem, self._ended_at = problem, time.monotonic()
        self._tell_state()

    def _copy_whole(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._view.lines) + "\n")
        self._tell_copied(self._copy_all)

    def _tell_copied(self, button: QPushButton) -> None:
        self._tell_buttons()
        button.setText(self.say(phrase("Copied")))
        self._copied.start()

    def _tell(self, snapshot: Snapshot | None) -> None:
        say = self.say
        self._tell_choices(snapshot)
        self._servers.setAccessibleName(say(phrase("Server")))
        self._follow.setText(label(say(phrase("Follow")), over_bus=False))
        self._view.setAccessibleName(say(phrase("Log")))
        self._view.dress()
        self._search.tell()
        if not self._copied.isActive():
            self._tell_buttons()
        self._tell_state()

    def _tell_buttons(self) -> None:
        self._copy.setText(label(self.say(phrase("Copy")), over_bus=False))
        self._copy_all.setText(label(self.say(phrase("Copy all")), over_bus=False))

    def _tell_choices(self, snapshot: Snapshot | None) -> None:
        choices = [] if snapshot is None else [(self.say(c.label), c.server) for c in log_choices(snapshot)]
        shown = [
            (self._servers.itemText(row), self._servers.itemData(row)) for row in range(self._servers.count())
        ]
        if choices != shown:
            self._servers.clear()
            for text, server in choices:
                self._servers.addItem(text, server)
        self._servers.setCurrentIndex(self._servers.findData(self._server))

    def _tell_state(self) -> None:
        """What there is to say about the log: in its place while there is none, else below it."""
        told, look = self._standing(), tones()
        text = "" if told is None else self.say(told.cause)
        remedy = "" if told is None or told.remedy is None else self.say(told.remedy)
        empty = not self._view.lines
        self._copy_all.setEnabled(not empty)
        self._reason.tell(text, remedy)
        self._stack.setCurrentWidget(self._reason if empty and text else self._view)
        self._status.tell("" if empty else f"{text} {remedy}".strip(), look.quiet, small(self))

    def _standing(self) -> Trouble | None:
        """Why there is no log, or that there will be no more of it; None while it grows."""
        snapshot, server = self._latest, self._server
        if snapshot is None or server is None:
            return Trouble(phrase("No host is set up yet."), None)
        missing = log_missing(snapshot, server)
        if missing is not None:
            return missing
        if self._problem is not None:
            return Trouble(self._problem.cause, self._problem.remedy)
        over = log_state(snapshot, server)
        if over is not None and (self._ended_at is not None or self._view.lines):
            return Trouble(over, None)
        if self._view.lines:
            return None
        return Trouble(phrase("Waiting for what {server} prints…", server=server), None)
