"""The page about Open WebUI."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QDateTime, QLocale, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from sparktray.control.clock import now
from sparktray.control.open_webui import PageSilent, WebPage, page
from sparktray.control.problems import problem_of
from sparktray.decide.webui.page import (
    WIPES,
    ArchiveRow,
    archive_rows,
    busy_with,
    holds,
    runs,
    standing,
    under_way,
)
from sparktray.decide.webui.planning import plan_for
from sparktray.decide.webui.preview import preview
from sparktray.domain.facts.survey import Survey
from sparktray.domain.open_webui import Household, WipeScope
from sparktray.domain.operation import OperationEnd, RestoreWish, WipeWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.handoff.forward import Forward
from sparktray.remote.contract import Remote
from sparktray.remote.errors import RemoteError
from sparktray.ui.background import Background
from sparktray.ui.open_webui.confirming import Confirming
from sparktray.ui.painting.texts import Trouble, heading, line, quietly, selectable
from sparktray.ui.panel.page import Page
from sparktray.ui.theme import AROUND, GRID
from sparktray.webui.household import household
from sparktray.wording import Wording


class OpenWebUiPage(Page):
    """Main thread only; the host is read in the background, when the page is shown and after an operation.

    ``wished`` carries a wish that was confirmed, ``cancelled`` asks for the one under way to be taken back.
    """

    wished = Signal(object)
    cancelled = Signal()

    def __init__(
        self,
        say: Wording,
        background: Background,
        remote: Callable[[], Remote | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(say, parent)
        self._background = background
        self._remote = remote
        self._snapshot: Snapshot | None = None
        self._house: Household | None = None
        self._reading = False
        self._stale = True
        self._empties = False
        self._forwards: list[Forward] = []
        self.standing, self.contents, self.doing = heading(), selectable(), line()
        self.open, self.again, self.cancel = QPushButton(), QPushButton(), QPushButton()
        self.bar = QProgressBar()
        self.trouble = Trouble()
        self.delete_head, self.back_head, self.none_kept = heading(), heading(), line()
        self.wipes = {row.scope: (line(), line(), QPushButton()) for row in WIPES}
        self.kept: list[tuple[ArchiveRow, QPushButton]] = []
        self._kept_rows = QGridLayout()
        self.asking: Confirming | None = None
        self._lay_out()
        self.open.clicked.connect(lambda: self.open_page(self._snapshot))
        self.again.clicked.connect(self.look)
        self.cancel.clicked.connect(self.cancelled)
        for scope, (_, _, button) in self.wipes.items():
            button.clicked.connect(lambda _=False, scope=scope: self.ask(scope))

    def title(self) -> Phrase:
        """Its name in the panel's list."""
        return phrase("Open WebUI")

    def take(self, snapshot: Snapshot | None) -> None:
        """Show that picture, and read what Open WebUI holds when that is not known or may have changed."""
        before, self._snapshot = self._snapshot, snapshot
        ended = before is not None and before.active is not None and snapshot is not None
        if ended and snapshot is not None and snapshot.active is None:
            self._stale = True
            self._welcome(snapshot)
        self._tell()
        if self._stale and snapshot is not None and snapshot.link is LinkPhase.CONNECTED:
            self.look()

    def left(self) -> None:
        """It went off the screen: what it holds may be another thing when it comes back."""
        self._stale = True

    def look(self) -> None:
        """Read what is there, unless that is under way."""
        remote, snapshot = self._remote(), self._snapshot
        if remote is None or snapshot is None or self._reading or snapshot.active is not None:
            return
        self._reading, self._stale = True, False
        known = snapshot.catalogue.open_webui
        self._background.run(lambda: household(remote, known), self._known, self._unknown)
        self._tell()

    def ask(self, scope: WipeScope) -> None:
        """Show what would go and have it confirmed."""
        snapshot, house = self._snapshot, self._house
        if snapshot is None or house is None:
            return
        wish, known = WipeWish(scope), snapshot.catalogue.open_webui
        planned = plan_for(known, wish, Survey(True, 0.0, household=house), "preview")
        self.trouble.show_problem(planned if isinstance(planned, Problem) else None, self.say)
        if isinstance(planned, Problem):
            return
        self.asking = Confirming(self.say, preview(snapshot.host, known, wish, house), wish, self)
        self.asking.confirmed.connect(self._confirmed)
        self.asking.open()

    def _confirmed(self, wish: WipeWish) -> None:
        self._empties = wish.scope is WipeScope.EVERYTHING
        self.wished.emit(wish)

    def _welcome(self, snapshot: Snapshot) -> None:
        """Whoever opens an emptied Open WebUI first becomes its administrator: the one who emptied it."""
        asked, self._empties = self._empties, False
        over = snapshot.operation
        if asked and over is not None and isinstance(over.wish, WipeWish) and over.end is OperationEnd.DONE:
            self.open_page(snapshot)

    def close_forwards(self) -> None:
        """The program ends: ways to closed ports end with it."""
        for forward in self._forwards:
            forward.close()
        self._forwards.clear()

    def _known(self, house: Household) -> None:
        self._house, self._reading = house, False
        self.trouble.show_problem(None, self.say)
        self._show_kept()
        self._tell()

    def _unknown(self, error: Exception) -> None:
        self._reading = False
        if isinstance(error, RemoteError) and self._snapshot is not None:
            self.trouble.show_problem(problem_of(error, self._snapshot.host), self.say)
        if isinstance(error, PageSilent):
            self.trouble.show_problem(error.problem, self.say)
        self._tell()

    def open_page(self, snapshot: Snapshot | None) -> None:
        """Open WebUI's own page in the browser; by that picture, for this page may not be on the screen."""
        remote = self._remote()
        if remote is None or snapshot is None:
            return
        known, host = snapshot.catalogue.open_webui, snapshot.host
        self._background.run(lambda: page(remote, known, host, self._remote), self._opened, self._unknown)

    def _opened(self, found: WebPage) -> None:
        if found.forward is not None:
            self._forwards.append(found.forward)
        QDesktopServices.openUrl(QUrl(found.url))

    def _tell(self) -> None:
        say, snapshot = self.say, self._snapshot
        hindered = None if snapshot is None else busy_with(snapshot)
        going = None if snapshot is None else under_way(snapshot)
        self.standing.setText(say(standing(snapshot)) if snapshot is not None else say(_NO_HOST))
        self.contents.setText(self._holds())
        quietly(self.contents)
        self.open.setText(say(phrase("Open its page")))
        self.open.setEnabled(snapshot is not None and runs(snapshot))
        self.again.setText(say(phrase("Look again")))
        self.again.setEnabled(hindered is None and not self._reading)
        self.delete_head.setText(say(phrase("Delete")))
        for row in WIPES:
            title, takes, button = self.wipes[row.scope]
            title.setText(say(row.title))
            title.setWordWrap(False)
            takes.setText(say(row.takes))
            quietly(takes)
            button.setText(say(phrase("Delete…")))
            button.setAccessibleName(f"{say(row.title)}: {say(phrase('Delete…'))}")
            button.setEnabled(hindered is None and self._house is not None)
        self.back_head.setText(say(phrase("Bring back")))
        self.none_kept.setText(say(phrase("What is deleted is kept here for 7 days.")))
        quietly(self.none_kept)
        self.none_kept.setVisible(not self.kept)
        for _, button in self.kept:
            button.setText(say(phrase("Bring back")))
            button.setEnabled(hindered is None)
        self.doing.setText("" if going is None else say(going[0]))
        self.cancel.setText(say(phrase("Cancel")))
        for widget in (self.doing, self.bar, self.cancel):
            widget.setVisible(going is not None)
        if going is not None:
            self.bar.setRange(0, going[2])
            self.bar.setValue(going[1])

    def _holds(self) -> str:
        if self._house is None:
            return self.say(phrase("Reading what it holds…")) if self._reading else ""
        return " · ".join(self.say(each) for each in holds(self._house))

    def _show_kept(self) -> None:
        while (item := self._kept_rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        rows = archive_rows(self._house.archives, now()) if self._house is not None else ()
        self.kept = []
        for number, row in enumerate(rows):
            what, when, button = line(), line(), QPushButton()
            what.setText(self.say(row.what))
            what.setWordWrap(False)
            when.setText(self._kept_until(row))
            quietly(when)
            button.setAccessibleName(f"{what.text()}, {when.text()}")
            button.clicked.connect(lambda _=False, name=row.name: self.wished.emit(RestoreWish(name)))
            for column, widget in enumerate((what, when, button)):
                self._kept_rows.addWidget(widget, number, column)
            self.kept.append((row, button))
        self._kept_rows.setColumnStretch(1, 1)

    def _kept_until(self, row: ArchiveRow) -> str:
        moment = QDateTime.fromSecsSinceEpoch(int(row.made_at))
        when = QLocale(self.say.language).toString(moment, QLocale.FormatType.ShortFormat)
        return self.say(phrase("deleted {when}, kept for {days} more days", when=when, days=row.days))

    def _lay_out(self) -> None:
        self.bar.setTextVisible(False)
        top = QHBoxLayout()
        top.addWidget(self.open)
        top.addWidget(self.again)
        top.addStretch(1)
        going = QHBoxLayout()
        going.addWidget(self.bar, 1)
        going.addWidget(self.cancel)
        ways = QGridLayout()
        ways.setVerticalSpacing(GRID)
        ways.setHorizontalSpacing(2 * GRID)
        ways.setColumnStretch(1, 1)
        for number, row in enumerate(WIPES):
            for place, part in enumerate(self.wipes[row.scope]):
                ways.addWidget(part, number, place)
        column = QVBoxLayout(self)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(GRID)
        for widget in (self.standing, self.contents):
            column.addWidget(widget)
        column.addLayout(top)
        column.addWidget(self.trouble)
        column.addWidget(self.doing)
        column.addLayout(going)
        column.addSpacing(GRID)
        column.addWidget(self.delete_head)
        column.addLayout(ways)
        column.addSpacing(GRID)
        column.addWidget(self.back_head)
        column.addWidget(self.none_kept)
        column.addLayout(self._kept_rows)
        column.addStretch(1)
        self.setFocusProxy(self.open)


_NO_HOST = phrase("No host is set up yet.")
