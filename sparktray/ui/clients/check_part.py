"""The check-up for Cursor: one line after the other as it is found."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from sparktray.decide.clients.checkup import LAST_WORD, Line, Verdict
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.ui.painting.texts import Trouble, heading, line, quietly, selectable, tint
from sparktray.ui.theme import GRID, tones
from sparktray.wording import Wording


class CheckPart(QWidget):
    """Main thread only. Emits ``asked`` when a check is wanted."""

    asked = Signal()

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._lines: list[Line] = []
        self._running = False
        self._problem: Problem | None = None
        self.heading, self.last_word = heading(), line()
        self.button = QPushButton()
        self.trouble = Trouble()
        self.rows: list[tuple[QLabel, QLabel, QLabel]] = []
        self._grid = QGridLayout()
        self.button.clicked.connect(self.asked)
        self._lay_out()

    def begin(self) -> None:
        """A check is under way: nothing is known yet."""
        self._lines, self._running, self._problem = [], True, None
        self.tell()

    def add(self, found: Line) -> None:
        """One more line."""
        self._lines.append(found)
        self.tell()

    def over(self, problem: Problem | None = None) -> None:
        """It is over; ``problem`` is why it could not go on."""
        self._running, self._problem = False, problem
        self.tell()

    def clear(self) -> None:
        """What was found was of another server."""
        self._lines, self._running, self._problem = [], False, None
        self.tell()

    def tell(self) -> None:
        """All texts and colours anew."""
        say = self._say
        self.heading.setText(say(phrase("Check for Cursor")))
        self.button.setText(say(phrase("Checking…") if self._running else phrase("Check")))
        self.button.setEnabled(not self._running)
        while len(self.rows) < len(self._lines):
            self._add_row()
        for number, (mark, sentence, remedy) in enumerate(self.rows):
            shown = self._lines[number] if number < len(self._lines) else None
            for widget in (mark, sentence, remedy):
                widget.setVisible(shown is not None and (widget is not remedy or shown.remedy is not None))
            if shown is not None:
                sign, colour = _mark(shown.verdict)
                mark.setText(sign)
                mark.setAccessibleName(say(_WORDS[shown.verdict]))
                tint(mark, colour)
                sentence.setText(say(shown.sentence))
                remedy.setText("" if shown.remedy is None else say(shown.remedy))
                quietly(remedy)
        self.trouble.show_problem(self._problem, say)
        whole = bool(self._lines) and not self._running and self._problem is None
        well = whole and all(each.verdict is not Verdict.BAD for each in self._lines)
        self.last_word.setText(say(LAST_WORD) if well else "")
        self.last_word.setVisible(well)

    def _add_row(self) -> None:
        mark, sentence, remedy = QLabel(), selectable(), selectable()
        number = 2 * len(self.rows)
        self._grid.addWidget(mark, number, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(sentence, number, 1)
        self._grid.addWidget(remedy, number + 1, 1)
        self.rows.append((mark, sentence, remedy))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.heading, 1)
        top.addWidget(self.button)
        self._grid.setColumnStretch(1, 1)
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setVerticalSpacing(GRID // 4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addLayout(self._grid)
        column.addWidget(self.trouble)
        column.addWidget(self.last_word)


_WORDS = {
    Verdict.GOOD: phrase("good"),
    Verdict.DOUBTFUL: phrase("doubtful"),
    Verdict.BAD: phrase("bad"),
    Verdict.UNKNOWN: phrase("unknown"),
}


def _mark(verdict: Verdict) -> tuple[str, QColor]:
    """Shape before colour."""
    look = tones()
    match verdict:
        case Verdict.GOOD:
            return "✓", look.good
        case Verdict.DOUBTFUL:
            return "!", look.warning
        case Verdict.BAD:
            return "✗", look.bad
        case Verdict.UNKNOWN:
            return "?", look.quiet
        case _:  # pragma: no cover
            assert_never(verdict)
