"""The group "Models": which list of models counts, the person's own one, and ways to fill it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QMessageBox, QPushButton, QVBoxLayout, QWidget

from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.store.catalogue_file import add_entries, make_own, own_catalogue, use_shipped
from sparktray.store.paths import ConfigFolder
from sparktray.ui.background import Background
from sparktray.ui.entries.found_window import FoundWindow
from sparktray.ui.entries.jobs import Controllers, draft_of, look_at
from sparktray.ui.entries.run_line_window import RunLineWindow
from sparktray.ui.painting.texts import Trouble, heading, line, quietly, selectable
from sparktray.ui.settings.saving import problem_of
from sparktray.ui.theme import GRID
from sparktray.wording import Wording


class Models(QWidget):
    """Main thread only. Emits ``written`` when it has changed which list counts."""

    written = Signal()

    def __init__(
        self,
        say: Wording,
        folder: ConfigFolder,
        background: Background,
        controllers: Controllers,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._say = say
        self._folder = folder
        self._background = background
        self._controllers = controllers
        self._own: Path | None = None
        self._problem: Problem | None = None
        self._broken: Problem | None = None
        self._remark: Phrase | None = None
        self.heading, self.in_use = heading(), selectable()
        self.explained, self.remark = line(), selectable()
        self.broken, self.trouble = Trouble(), Trouble()
        self.broken_kept = line()
        self.edit, self.shipped = QPushButton(), QPushButton()
        self.edit.clicked.connect(self._edit)
        self.shipped.clicked.connect(self._ask)
        self.look_for, self.from_line = QPushButton(), QPushButton()
        self.look_for.clicked.connect(self._find)
        self.from_line.clicked.connect(self._paste)
        self.window_open: FoundWindow | RunLineWindow | None = None
        self.question: QMessageBox | None = None
        self._lay_out()

    def tell(self) -> None:
        """All texts and colours anew."""
        say = self._say
        self.heading.setText(say(phrase("Models")))
        self.edit.setText(say(phrase("Edit models…")))
        self.shipped.setText(say(phrase("Use the shipped list again…")))
        self.shipped.setVisible(self._own is not None)
        self.look_for.setText(say(phrase("Find models on the host…")))
        self.from_line.setText(say(phrase("From a docker run line…")))
        if self.window_open is not None:
            self.window_open.tell()
        if self._own is None:
            self.in_use.setText(say(phrase("The list of models that comes with sparktray is in use.")))
            self.explained.setText(
                say(phrase("Editing makes a copy of it that is yours. What you save there counts at once."))
            )
        else:
            self.in_use.setText(say(phrase("Your own list is in use: {path}", path=str(self._own))))
            self.explained.setText(say(phrase("What you save there counts at once.")))
        self.broken.show_problem(self._broken, say)
        self.broken_kept.setText(say(phrase("Until that is mended, the last list without errors counts.")))
        self.broken_kept.setVisible(self._broken is not None)
        self.remark.setText("" if self._remark is None else say(self._remark))
        self.remark.setVisible(self._remark is not None)
        self.trouble.show_problem(self._problem, say)
        for label in (self.explained, self.remark, self.broken_kept):
            quietly(label)

    def take_broken(self, problem: Problem | None) -> None:
        """What is wrong with the person's own list; None when nothing is."""
        self._broken = problem
        self.ask_which()

    def ask_which(self) -> None:
        """See which list counts."""
        self._background.run(lambda: own_catalogue(self._folder), self._known)

    def _known(self, own: Path | None) -> None:
        self._own = own
        self.tell()

    def _edit(self) -> None:
        self._busy(True)
        self._background.run(lambda: make_own(self._folder), self._made, self._failed)

    def _made(self, own: Path) -> None:
        self._own, self._problem, self._remark = own, None, None
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(own))):
            self._problem = Problem(
                "editor-missing",
                phrase("No program on this computer opens {path}.", path=str(own)),
                phrase("Open it with an editor of your choice."),
            )
        self._changed()

    def _find(self) -> None:
        self._open(
            lambda: FoundWindow(
                self._say,
                self._background,
                partial(look_at, self._controllers),
                partial(add_entries, self._folder),
                self,
            )
        )

    def _paste(self) -> None:
        self._open(
            lambda: RunLineWindow(
                self._say,
                self._background,
                partial(draft_of, self._folder, self._controllers),
                partial(add_entries, self._folder),
                self,
            )
        )

    def _open(self, make: Callable[[], FoundWindow | RunLineWindow]) -> None:
        """One window at a time: the one that is open comes to the front."""
        if self.window_open is None:
            window = self.window_open = make()
            window.added.connect(self._added)
            window.finished.connect(self._closed)
        self.window_open.show()
        self.window_open.raise_()
        self.window_open.activateWindow()

    def _closed(self, _code: int) -> None:
        if self.window_open is not None:
            self.window_open.deleteLater()
            self.window_open = None

    def _added(self, names: tuple[str, ...]) -> None:
        self._problem = None
        self._remark = phrase("In your list now: {names}", names=list(names))
        self._changed()
        self.ask_which()

    def _ask(self) -> None:
        if self.question is not None:
            self.question.raise_()
            return
        say = self._say
        question = QMessageBox(self)
        question.setIcon(QMessageBox.Icon.Question)
        question.setWindowTitle(say(phrase("Use the shipped list again")))
        question.setText(say(phrase("Use the list of models that comes with sparktray?")))
        question.setInformativeText(
            say(phrase("Your own list no longer counts. It is kept beside it, under another name."))
        )
        yes = question.addButton(say(phrase("Use the shipped list")), QMessageBox.ButtonRole.AcceptRole)
        no = question.addButton(say(phrase("Keep my own")), QMessageBox.ButtonRole.RejectRole)
        question.setDefaultButton(no)
        question.setEscapeButton(no)
        yes.clicked.connect(self._use_shipped)
        question.finished.connect(self._asked)
        self.question = question
        question.open()

    def _asked(self, _code: int) -> None:
        if self.question is not None:
            self.question.deleteLater()
            self.question = None

    def _use_shipped(self) -> None:
        self._busy(True)
        self._background.run(lambda: use_shipped(self._folder), self._used, self._failed)

    def _used(self, kept: Path | None) -> None:
        self._own, self._problem, self._broken = None, None, None
        self._remark = None
        if kept is not None:
            self._remark = phrase("Your list is kept as {path}", path=str(kept))
        self._changed()

    def _failed(self, error: Exception) -> None:
        self._problem = problem_of(error)
        self._busy(False)
        self.tell()

    def _changed(self) -> None:
        self._busy(False)
        self.tell()
        self.written.emit()

    def _busy(self, busy: bool) -> None:
        self.edit.setEnabled(not busy)
        self.shipped.setEnabled(not busy)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.edit)
        row.addWidget(self.shipped)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        for widget in (self.heading, self.in_use, self.explained, self.broken, self.broken_kept):
            column.addWidget(widget)
        column.addLayout(row)
        for button in (self.look_for, self.from_line):
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.remark)
        column.addWidget(self.trouble)
