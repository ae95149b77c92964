"""The text of a log: bounded, follows its end, can be searched."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import islice

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPalette, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QTextEdit, QWidget

from sparktray.ui.theme import fixed, mixed, tones

MOST_LINES = 10_000
# Each mark costs 30 us; a text of one letter is found more often than anybody looks at.
_MOST_MARKS = 300


class LogView(QPlainTextEdit):
    """The last 10,000 lines. Main thread only.

    Emits ``follows`` when it begins or ceases to go along with the end, as by scrolling away from it, and
    ``searched`` when matches or the one shown have changed. A match is a line that holds the text.
    """

    follows = Signal(bool)
    searched = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._gone = 0  # lines that were dropped at the top; numbers of lines count them
        self._pattern: re.Pattern[str] | None = None
        self._matches: deque[int] = deque()
        self._shown: int | None = None
        self._following = True
        self._own = False
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setMaximumBlockCount(MOST_LINES)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._keep_to_end)

    def dress(self) -> None:
        """Take the font and colours of now."""
        look, colours = tones(), self.palette()
        colours.setColor(QPalette.ColorRole.Base, look.card)
        colours.setColor(QPalette.ColorRole.Text, look.text)
        if colours != self.palette():
            self.setPalette(colours)
        if self.font() != fixed(self):
            self.setFont(fixed(self))
        self._mark()

    @property
    def lines(self) -> Sequence[str]:
        """What is in it, oldest first."""
        return self._lines

    def empty(self) -> None:
        """Begin anew, at the end."""
        self._lines.clear()
        self._matches.clear()
        self._gone, self._shown = 0, None
        self.clear()
        self.follow(on=True)
        self.searched.emit()

    def add(self, lines: Sequence[str]) -> None:
        """Append lines; the oldest give way. Where somebody reads, the text stays in its place."""
        if not lines:
            return
        first = self._gone + len(self._lines)
        dropped = max(0, len(self._lines) + len(lines) - MOST_LINES)
        bar, across = self.verticalScrollBar(), self.horizontalScrollBar()
        place, aside = bar.value(), across.value()
        was_at_end = self.textCursor().selectionEnd() == self.document().characterCount() - 1
        self._own = True
        self.appendPlainText("\n".join(lines))
        self._lines.extend(lines)
        self._gone += dropped
        self._move_cursor(len(lines), was_at_end=was_at_end)
        bar.setValue(bar.maximum() if self._following else max(0, place - dropped))
        across.setValue(aside)
        self._own = False
        self._find_in(lines, first)
        self._mark()

    def follow(self, *, on: bool) -> None:
        """Go along with the end, or stay."""
        if on:
            self._own = True
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
            self._own = False
        if on != self._following:
            self._following = on
            self.follows.emit(on)

    def search(self, text: str) -> None:
        """Mark the lines with that text, whatever its case; the nearest one is shown. Empty ends it."""
        self._pattern = re.compile(re.escape(text), re.IGNORECASE) if text else None
        self._matches.clear()
        self._shown = None
        self._find_in(self._lines, self._gone, tell=False)
        if self._matches:
            top = self._gone + self.firstVisibleBlock().blockNumber()
            place = bisect_left(self._matches, top)
            self._show(self._matches[min(place, len(self._matches) - 1)])
        self._mark()
        self.searched.emit()

    def step(self, by: int) -> None:
        """Show the next match, or with -1 the one before; after the last comes the first."""
        if not self._matches:
            return
        at = -1 if self._shown is None else self._shown
        place = bisect_right(self._matches, at) if by > 0 else bisect_left(self._matches, at) - 1
        self._show(self._matches[place % len(self._matches)])
        self._mark()
        self.searched.emit()

    @property
    def found(self) -> tuple[int, int]:
        """Which match is shown, from 1, and how many there are."""
        shown = 0 if self._shown is None else bisect_right(self._matches, self._shown)
        return shown, len(self._matches)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt's: other lines are seen."""
        super().resizeEvent(event)
        self._mark()

    def _move_cursor(self, new: int, *, was_at_end: bool) -> None:
        """After ``new`` lines came: a selection up to the end shall not have grown with the log.

        Without one the cursor goes along, to the beginning of a line: its end would pull the view aside.
        """
        cursor = self.textCursor()
        if was_at_end and cursor.hasSelection():
            first = self.document().findBlockByNumber(max(0, self.blockCount() - new))
            start, end = cursor.selectionStart(), max(0, first.position() - 1)
            cursor.setPosition(min(start, end))
            cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        elif self._following and not cursor.hasSelection():
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock)
        else:
            return
        self.setTextCursor(cursor)

    def _find_in(self, lines: Sequence[str], first: int, *, tell: bool = True) -> None:
        before = len(self._matches), self._shown
        if self._pattern is not None:
            search = self._pattern.search
            self._matches.extend(first + place for place, line in enumerate(lines) if search(line))
        while self._matches and self._matches[0] < self._gone:
            self._matches.popleft()
        if self._shown is not None and self._shown < self._gone:
            self._shown = None
        if tell and before != (len(self._matches), self._shown):
            self.searched.emit()

    def _show(self, number: int) -> None:
        self._shown = number
        cursor = QTextCursor(self.document().findBlockByNumber(number - self._gone))
        span = None if self._pattern is None else self._pattern.search(self._lines[number - self._gone])
        if span is not None:
            cursor.movePosition(
                QTextCursor.MoveOperation.NextCharacter,
                QTextCursor.MoveMode.MoveAnchor,
                _units(self._lines[number - self._gone], span.end()),
            )
        self.setTextCursor(cursor)
        self.horizontalScrollBar().setValue(0)  # lines are read from their beginning, where that is possible
        self.ensureCursorVisible()

    def _mark(self) -> None:
        """Set off the matches that are seen."""
        marks: list[QTextEdit.ExtraSelection] = []
        if self._pattern is not None and self._matches:
            look = tones()
            every = mixed(look.warning, look.card, 0.35)
            top = self._gone + self.firstVisibleBlock().blockNumber()
            seen = self.viewport().height() // self.fontMetrics().height() + 2
            begin, end = bisect_left(self._matches, top), bisect_left(self._matches, top + seen)
            # The one that is shown first: it shall be marked whatever else is.
            for number in sorted(list(self._matches)[begin:end], key=lambda each: each != self._shown):
                one = number == self._shown
                ground, text = (look.accent, look.on_accent) if one else (every, look.text)
                marks += self._marks_of(number - self._gone, ground, text, _MOST_MARKS - len(marks))
        self.setExtraSelections(marks)

    def _marks_of(self, row: int, ground: QColor, text: QColor, most: int) -> list[QTextEdit.ExtraSelection]:
        made: list[QTextEdit.ExtraSelection] = []
        if self._pattern is None:
            return made
        line, block = self._lines[row], self.document().findBlockByNumber(row)
        for found in islice(self._pattern.finditer(line), most):
            mark = QTextEdit.ExtraSelection()
            cursor = QTextCursor(block)
            cursor.setPosition(block.position() + _units(line, found.start()))
            cursor.setPosition(block.position() + _units(line, found.end()), QTextCursor.MoveMode.KeepAnchor)
            mark.cursor = cursor
            mark.format.setBackground(ground)
            mark.format.setForeground(text)
            made.append(mark)
        return made

    def _scrolled(self, value: int) -> None:
        if not self._own:
            self.follow(on=value >= self.verticalScrollBar().maximum())
            self._mark()

    def _keep_to_end(self) -> None:
        """More or fewer lines fit now: whoever was at the end stays there."""
        if self._following and not self._own:
            self.follow(on=True)


def _units(line: str, place: int) -> int:
    """The same place as Qt counts: characters beyond the first 65,536 are two."""
    return len(line[:place].encode("utf-16-le")) // 2
