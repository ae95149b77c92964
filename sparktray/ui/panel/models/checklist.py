"""An operation on the screen: its steps, Cancel with what it will do, and how it ended."""

from __future__ import annotations

import shlex
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListView,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from sparktray.decide.showing.checklist import Checklist, Outcome, report, script
from sparktray.domain.phrase import Phrase, phrase
from sparktray.ui.clipboard import copy, copy_lines
from sparktray.ui.labels import label
from sparktray.ui.panel.controls import Fold, Hairline, Text
from sparktray.ui.panel.models.step_rows import StepPainter, StepRow, StepRows, row_of
from sparktray.ui.theme import AROUND, GRID, Tones, fixed, line_height, small, strong, tones
from sparktray.wording import Wording

_TAIL_LINES = 6
_MOST_OFFERS = 2
_LEAST_LINES = 5  # of the steps in a low window
_LEAST_KEPT = 2  # where it has a heading above it


class ChecklistView(QWidget):
    """One operation. Emits ``cancelled`` and, once it is over, ``closed``; ``wished`` with a way on.

    Main thread only. ``kept`` is for one of the journal: it cannot be closed, report and script are at hand.
    """

    cancelled = Signal()
    closed = Signal()
    wished = Signal(object)

    def __init__(self, say: Wording, parent: QWidget | None = None, *, kept: bool = False) -> None:
        super().__init__(parent)
        self._say = say
        self._kept = kept
        self._shown: Checklist | None = None
        self._known: tuple[Checklist, str, Tones] | None = None
        self._steps = _Steps(self)
        self._waiting = Text(self)
        self._sentence, self._cause, self._remedy = Text(self), Text(self), Text(self)
        self._tail = _Tail(self)
        self._cancels = Text(self)
        self._commands, self._lines = Fold(self), Fold(self)
        self._cancel, self._close = QPushButton(self), QPushButton(self)
        self._offers = [QPushButton(self) for _ in range(_MOST_OFFERS)]
        for number, button in enumerate(self._offers):
            button.clicked.connect(partial(self._take_up, number))
        self._report = QPushButton(self)
        self._report.clicked.connect(self._copy_report)
        self._script = QPushButton(self)
        self._script.clicked.connect(self._copy_script)
        self._cancel.clicked.connect(self.cancelled)
        self._close.clicked.connect(self.closed)
        self._commands.toggled.connect(lambda: self.tell())
        self._lines.toggled.connect(lambda: self.tell())
        self._lay_out()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setContentsMargins(AROUND, GRID, AROUND, 0)
        words.setSpacing(GRID // 2)
        for text in (self._sentence, self._cause, self._remedy):
            words.addWidget(text)
        words.addWidget(self._tail)
        words.addWidget(self._cancels)
        # Their words may be long: a row of their own needs no wider window.
        self._ways = QWidget(self)
        offers = QHBoxLayout(self._ways)
        offers.setContentsMargins(AROUND, GRID, AROUND, 0)
        offers.setSpacing(GRID)
        for button in self._offers:
            offers.addWidget(button)
        offers.addStretch()
        buttons = QHBoxLayout()
        buttons.setContentsMargins(AROUND, GRID, AROUND, GRID + 4)
        buttons.setSpacing(GRID)
        for button in (self._cancel, self._report, self._close):
            buttons.addWidget(button)
        buttons.addStretch()
        buttons.addWidget(self._lines)
        buttons.addWidget(self._commands)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self._waiting)
        rows.addWidget(self._steps, 1)
        if self._kept:
            buttons.insertWidget(buttons.indexOf(self._report) + 1, self._script)
        else:
            below = QHBoxLayout()  # of the commands; the row of buttons has no width left for one more
            below.setContentsMargins(AROUND, 0, AROUND, GRID // 2)
            below.addStretch()
            below.addWidget(self._script)
            rows.addLayout(below)
        rows.addWidget(Hairline(parent=self))
        rows.addLayout(words)
        rows.addWidget(self._ways)
        rows.addLayout(buttons)
        rows.addStretch()  # an end without steps stands at the top, its lines together

    def take(self, view: Checklist) -> None:
        """Show that state of it."""
        known = (view, self._say.language, tones())
        if known != self._known:
            before, self._shown, self._known = self._shown, view, known
            self.tell()
            if before is None or before.operation != view.operation or before.current != view.current:
                self._steps.follow(view.current)

    def take_keyboard(self) -> None:
        """Be where the keyboard is, but not on a button: Enter that came here must press none."""
        (self._close if self._steps.isHidden() else self._steps).setFocus()

    def tell(self) -> None:
        """Say and colour everything anew."""
        view = self._shown
        if view is None:
            return
        say, look = self._say, tones()
        self._steps.setAccessibleName(say(phrase("Steps")))
        least = _LEAST_KEPT if self._kept else _LEAST_LINES
        self._steps.setMinimumHeight(least * line_height(self.font()))
        self._steps.show_rows([row_of(step, say, commands=self._commands.isChecked()) for step in view.steps])
        looking = not view.steps and view.outcome is None
        self._waiting.tell(
            say(phrase("Looking at the host")) + "…" if looking else "", look.quiet, self.font()
        )
        self._steps.setVisible(bool(view.steps) or view.outcome is None)
        self._tell_buttons(view)
        self._tell_offers(view.outcome)
        self._tell_outcome(view.outcome, look)

    def _tell_buttons(self, view: Checklist) -> None:
        say = self._say
        self._cancel.setText(label(say(phrase("Cancel")), over_bus=False))
        self._cancel.setVisible(view.outcome is None)
        self._cancel.setEnabled(view.cancel is not None)
        effect = "" if view.cancel is None else say(view.cancel)
        if view.outcome is None and view.cancel is None:
            effect = say(phrase("It is too late to cancel: it is being finished or taken back."))
        self._cancel.setAccessibleDescription(effect)
        self._cancels.tell(effect, tones().quiet, small(self))
        self._close.setText(label(say(phrase("Close")), over_bus=False))
        self._close.setVisible(view.outcome is not None and not self._kept)
        self._commands.tell(say(phrase("Commands")), tones())
        self._commands.setVisible(any(step.command for step in view.steps))
        self._script.setText(label(say(phrase("Copy as script")), over_bus=False))
        asked_for = self._kept or self._commands.isChecked()
        self._script.setVisible(asked_for and any(step.command for step in view.steps))

    def _tell_offers(self, outcome: Outcome | None) -> None:
        self._report.setText(label(self._say(phrase("Copy report")), over_bus=False))
        self._report.setVisible(outcome is not None and (self._kept or not outcome.good))
        offers = () if outcome is None else outcome.offers
        self._ways.setVisible(bool(offers))
        for number, button in enumerate(self._offers):
            button.setVisible(number < len(offers))
            if number < len(offers):
                button.setText(label(self._say(offers[number][0]), over_bus=False))

    def _copy_report(self) -> None:
        if self._shown is not None and copy_lines(self._say(line) for line in report(self._shown)):
            self._report.setText(label(self._say(phrase("Copied")), over_bus=False))

    def _copy_script(self) -> None:
        steps = [step for step in self._shown.steps if not step.back] if self._shown is not None else []
        lines = script((step.name, self._say(step.title), shlex.split(step.command)) for step in steps)
        if copy_lines((*lines, "")):
            self._script.setText(label(self._say(phrase("Copied")), over_bus=False))

    def _take_up(self, number: int) -> None:
        offers = self._shown.outcome.offers if self._shown is not None and self._shown.outcome else ()
        if number < len(offers):
            self.wished.emit(offers[number][1])

    def _tell_outcome(self, outcome: Outcome | None, look: Tones) -> None:
        say = self._say
        tone = look.good if outcome is not None and outcome.good else look.bad
        said: list[Phrase | None] = [None, None, None]
        if outcome is not None:
            said = [outcome.sentence, outcome.cause, outcome.remedy]
        sentence, cause, remedy = ("" if each is None else say(each) for each in said)
        if outcome is not None and outcome.sum:
            cause = "\n".join(say(line) for line in outcome.sum)  # all that the cause says, and why
        self._sentence.tell(sentence, tone, strong(self))
        self._cause.tell(cause, look.text, self.font())
        self._remedy.tell(remedy, look.text, self.font())
        tail = () if outcome is None else outcome.tail
        self._lines.tell(say(phrase("Log lines")), look)
        self._lines.setVisible(bool(tail))
        self._tail.setAccessibleName(say(phrase("Last log lines")))
        self._tail.show_lines(tail, shown=self._lines.isChecked())


class _Steps(QListView):
    """The steps; Ctrl+C copies the command of the chosen one."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("steps")
        self._followed = self._choice = -1
        self._rows = StepRows(self)
        self._painter = StepPainter(self)
        self.setModel(self._rows)
        self.setItemDelegate(self._painter)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.viewport().setAutoFillBackground(False)
        self.setViewportMargins(GRID // 2, GRID, GRID // 2, GRID)

    def show_rows(self, rows: list[StepRow]) -> None:
        """Show these steps."""
        self._painter.measure(rows, self)
        self._rows.show(rows)
        self.scheduleDelayedItemsLayout()

    def follow(self, current: int | None) -> None:
        """Bring the step under way, or the last one, into sight; the choice goes along that was on it."""
        chosen = self.currentIndex().row()
        self._followed = len(self._rows.rows) - 1 if current is None else current
        if chosen in {-1, self._choice}:
            self._choice = -1 if current is None else current
            self.setCurrentIndex(self._rows.index(self._choice))
        self.scrollTo(self._rows.index(self._followed))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt's: commands break differently in another width."""
        super().resizeEvent(event)
        self.show_rows(self._rows.rows)
        self.scrollToTop()
        self.scrollTo(self._rows.index(self._followed))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Qt's."""
        row = self.currentIndex().row()
        if event.matches(QKeySequence.StandardKey.Copy) and 0 <= row < len(self._rows.rows):
            copy(self._rows.rows[row].line.command)
            return
        super().keyPressEvent(event)


class _Tail(QPlainTextEdit):
    """The last log lines, folded away until they are asked for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)

    def show_lines(self, lines: tuple[str, ...], *, shown: bool) -> None:
        """Take these lines; they are on the screen while ``shown``."""
        text = "\n".join(lines)
        if self.toPlainText() != text:
            self.setPlainText(text)
        self.setFont(fixed(self))
        self.setVisible(shown and bool(lines))

    def sizeHint(self) -> QSize:
        """Qt's: some lines; more are scrolled to."""
        lines = min(_TAIL_LINES, self.blockCount())
        return QSize(0, lines * line_height(self.font()) + 2 * GRID)
