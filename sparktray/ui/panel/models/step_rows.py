"""The steps of an operation as rows of a list, and how they are painted."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sparktray.decide.showing.checklist import StepLine
from sparktray.decide.showing.words import clock, lasted
from sparktray.domain.operation import StepState
from sparktray.domain.phrase import Phrase, phrase
from sparktray.ui.painting.marks import draw_step, mark_width
from sparktray.ui.painting.rows import ground, height_of, line, lines, width_of
from sparktray.ui.theme import GRID, INSIDE, Tones, figures, fixed, line_height, small, strong, tones
from sparktray.wording import Wording

Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole
_BAR = 3  # height of the bar of a load
# Before its beginning a step has nothing to be proven, after a failure nothing is.
_PROVEN = {StepState.RUNNING, StepState.DONE}


class StepRow(msgspec.Struct, frozen=True):
    """One step in words. ``detail`` is of the step under way: how far it is, and its last line."""

    line: StepLine
    title: str
    word: str
    proof: str
    time: str
    usual: str
    phase: str
    command: str

    @property
    def under_way(self) -> bool:
        """True for the step that is worked on."""
        return self.line.state is StepState.RUNNING


def row_of(line: StepLine, say: Wording, *, commands: bool) -> StepRow:
    """One step, in the person's language. ``commands`` unfolds what is typed for it."""
    title = say(line.title)
    return StepRow(
        line=line,
        title=say(phrase("Going back: {step}", step=title)) if line.back else title,
        word=say(line.word),
        proof="" if line.proof is None else say(line.proof),
        time=_time(line, say),
        usual="" if line.pace is None else say(line.pace),
        phase=_phase(line, say),
        command=line.command if commands else "",
    )


def _time(line: StepLine, say: Wording) -> str:
    if line.seconds is None:
        return ""
    return clock(line.seconds) if line.state is StepState.RUNNING else say(lasted(line.seconds))


def _phase(line: StepLine, say: Wording) -> str:
    if line.phase is None or line.fraction is None:
        return "" if line.phase is None else say(line.phase)
    told: Phrase = phrase("{phase}, {percent} %", phase=line.phase, percent=int(100 * line.fraction))
    return say(told)


class StepRows(QAbstractListModel):
    """The rows for a view; only what differs is painted again."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[StepRow] = []

    def show(self, rows: list[StepRow]) -> bool:
        """Take these rows in the place of the ones before; True when the list itself is another one."""
        before = self.rows
        if len(before) != len(rows):
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
            return True
        self.rows = rows
        for number, (was, now) in enumerate(zip(before, rows, strict=True)):
            if was != now:
                self.dataChanged.emit(self.index(number), self.index(number))
        return False

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        """Qt's."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt's."""
        row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return ", ".join(filter(None, (row.title, row.word, row.phase, row.time, row.usual)))
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return ". ".join(filter(None, (row.proof, row.line.command)))
            case _:
                return row if role == ROW else None


class StepPainter(QStyledItemDelegate):
    """A row: mark, title, what proves it, time; below, how far a load is, the last line, the command."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._time = self._mark = 0

    def measure(self, rows: list[StepRow], widget: QWidget) -> None:
        """Make the column of times as wide as the longest, and marks as large as letters."""
        plain = figures(widget.font())
        self._time = max(width_of(text, plain) for text in ("0:00:00", *(row.time for row in rows)))
        self._mark = mark_width(widget)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Qt's."""
        view = option.widget
        row: StepRow = index.data(ROW)
        whole = option.rect.width() or view.viewport().width()  # type: ignore[attr-defined]
        height = self._title_height(row, view, whole) + GRID
        if row.under_way:
            height += self._detail_height(row, view)
        if row.command:
            height += height_of(row.command, fixed(view), self._wide(whole)) + 4
        return QSize(0, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Qt's."""
        look, view, rect = tones(), option.widget, option.rect
        row: StepRow = index.data(ROW)
        ground(painter, option, rect, look)
        height, first = self._title_height(row, view, rect.width()), line_height(view.font())
        top = rect.top() + GRID // 2
        draw_step(painter, QRect(rect.left() + INSIDE, top, self._mark, first), row.line.state, look)
        left, right = rect.left() + self._left(), rect.right() - INSIDE
        times = QRect(right - self._time, top, self._time, first)
        self._paint_title(painter, QRect(left, top, times.left() - left - INSIDE, height), row, look, view)
        colour = look.text if row.under_way else look.quiet
        line(painter, times, row.time, figures(view.font()), colour, align=Qt.AlignmentFlag.AlignRight)
        below = QRect(left, top + height, right - left, rect.bottom() - top - height)
        if row.under_way:
            below = self._paint_detail(painter, below, row, look, view)
        if row.command:
            tone = look.quiet if row.line.state is StepState.WAITING else look.text
            lines(painter, below.adjusted(0, 2, 0, 0), row.command, fixed(view), tone)

    def _paint_title(self, painter: QPainter, area: QRect, row: StepRow, look: Tones, view: QWidget) -> None:
        """The title, and what proves it behind it, where there is room for that."""
        colour = look.quiet if row.line.state is StepState.WAITING else look.text
        font = _title_font(row, view)
        lines(painter, area, row.title, font, colour)
        proof = area.adjusted(width_of(row.title, font) + INSIDE, 1, 0, 1)
        if row.line.state in _PROVEN and proof.width() > 0:
            line(painter, proof, row.proof, small(view), look.quiet)

    def _paint_detail(
        self, painter: QPainter, area: QRect, row: StepRow, look: Tones, view: QWidget
    ) -> QRect:
        """How far a load is, the usual time, the last line; what is left of the area."""
        little = small(view)
        height = line_height(little)
        top = area.top() + 2
        if row.phase or row.usual:
            usual = QRect(area.right() - self._usual_width(row, view), top, 0, height)
            usual.setRight(area.right())
            line(painter, usual, row.usual, figures(little), look.quiet, align=Qt.AlignmentFlag.AlignRight)
            phase = QRect(area.left(), top, usual.left() - INSIDE - area.left(), height)
            line(painter, phase, row.phase, figures(little), look.busy)
            top += height
        if row.line.fraction is not None:
            bar = QRect(area.left(), top + 3, area.width(), _BAR)
            painter.fillRect(bar, look.hairline)
            painter.fillRect(
                QRect(bar.topLeft(), QSize(int(row.line.fraction * bar.width()), _BAR)), look.busy
            )
            top += _BAR + 6
        if row.line.said:
            line(painter, QRect(area.left(), top, area.width(), height), row.line.said, little, look.quiet)
            top += height
        return QRect(area.left(), top, area.width(), area.bottom() - top)

    def _detail_height(self, row: StepRow, view: QWidget) -> int:
        height = line_height(small(view))
        told = bool(row.phase or row.usual) + bool(row.line.said)
        bar = _BAR + 6 if row.line.fraction is not None else 0
        return 2 + told * height + bar

    def _usual_width(self, row: StepRow, view: QWidget) -> int:
        return width_of(row.usual, figures(small(view)))

    def _title_height(self, row: StepRow, view: QWidget, width: int) -> int:
        room = self._wide(width) - self._time - INSIDE
        return max(line_height(view.font()), height_of(row.title, _title_font(row, view), room))

    def _wide(self, width: int) -> int:
        return width - self._left() - INSIDE

    def _left(self) -> int:
        """Where the words begin."""
        return INSIDE + self._mark + INSIDE


def _title_font(row: StepRow, view: QWidget) -> QFont:
    return strong(view) if row.under_way or row.line.state is StepState.FAILED else view.font()
