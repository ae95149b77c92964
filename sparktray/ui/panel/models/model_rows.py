"""The models as rows of a list: what Qt asks of them, and how they are painted."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sparktray.decide.showing.models import Group, Mark, ModelLine
from sparktray.ui.labels import hints
from sparktray.ui.painting.marks import draw_mark, mark_width
from sparktray.ui.painting.rows import ground, height_of, line, lines, width_of
from sparktray.ui.theme import (
    GRID,
    INSIDE,
    Tones,
    figures,
    line_height,
    small,
    strong,
    tones,
)
from sparktray.wording import Wording

Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole
# Longer names are shortened before the columns give way; the entries of the shipped list are shorter.
_NAME_LETTERS = 32


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One row in words. ``heading`` is its group's name, shown where the group begins; ``sum`` is how the
    memory it takes comes about.
    """

    line: ModelLine
    heading: str
    first: bool
    state: str
    advice: str
    warns: bool
    sum: tuple[str, ...] = field(default=(), compare=False)


def rows_of(groups: tuple[Group, ...], say: Wording) -> list[ModelRow]:
    """All rows, in the person's language."""
    made = []
    for group in groups:
        heading = say(group.title)
        for place, each in enumerate(group.lines):
            note = each.note.get(say.language) or each.note.get("en", "")
            made.append(
                ModelRow(
                    line=each,
                    heading=heading,
                    first=place == 0,
                    state="" if each.state is None else say(each.state),
                    advice=_advice(each, note, say),
                    warns=each.mark is Mark.TROUBLE and each.reason is not None,
                    sum=tuple(say(line) for line in each.sum),
                )
            )
    return made


def _advice(each: ModelLine, note: str, say: Wording) -> str:
    """What stands in its way, else what it takes and what it is good for."""
    if each.reason is not None:
        return say(each.reason)
    return note if each.fit is None else " · ".join(filter(None, (say(each.fit), note)))


class ModelRows(QAbstractListModel):
    """The rows for a view. Rows that stay where they are are edited in place."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ModelRow] = []

    def show(self, rows: list[ModelRow]) -> None:
        """Take these rows in the place of the ones before."""
        before = self.rows
        if [r.line.key for r in before] != [r.line.key for r in rows]:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
            return
        self.rows = rows
        for number, (was, now) in enumerate(zip(before, rows, strict=True)):
            if was != now:
                self.dataChanged.emit(self.index(number), self.index(number))

    def row_of(self, key: str) -> QModelIndex:
        """The place of a row, an invalid one when it is not there."""
        found = next((n for n, row in enumerate(self.rows) if row.line.key == key), None)
        return QModelIndex() if found is None else self.index(found)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        """Qt's."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt's."""
        row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.line.name
            case Qt.ItemDataRole.ToolTipRole:
                return hints((row.line.name, *row.sum))
            case Qt.ItemDataRole.AccessibleTextRole:
                return ", ".join(filter(None, (row.line.name, row.line.place, row.state, row.heading)))
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return " ".join(filter(None, (row.advice, *row.sum)))
            case _:
                return row if role == ROW else None


class ModelPainter(QStyledItemDelegate):
    """A row: purpose at the left where it begins, mark, name, place, state; below the name the advice.

    Where there is no room for that, purpose and place stand before the advice.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._heights: dict[tuple[str, int], int] = {}
        self._gutter = self._place = self._right = self._name = self._mark = 0

    def measure(self, rows: list[ModelRow], widget: QWidget, button: int) -> None:
        """Make the columns as wide as what they hold. ``button`` is how wide the action's button is."""
        plain, little = figures(widget.font()), small(widget)
        headings = {row.heading for row in rows}
        places = {row.line.place for row in rows}
        states = {row.state for row in rows}
        self._gutter = max((width_of(text, little) for text in headings), default=0) + 2 * GRID
        self._place = max((width_of(text, plain) for text in places), default=0)
        self._right = max(button, *(width_of(text, plain) for text in states), 0)
        measured = QFontMetrics(strong(widget))
        names = max((measured.horizontalAdvance(row.line.name) for row in rows), default=0)
        self._name = min(names, _NAME_LETTERS * widget.fontMetrics().averageCharWidth())
        self._mark = mark_width(widget)
        self._heights.clear()

    def content(self, area: QRect) -> QRect:
        """What of a row is its own, right of the group's name."""
        return area.adjusted(0 if self._narrow(area.width()) else self._gutter, 1, 0, -1)

    def right(self, area: QRect) -> QRect:
        """Where a row's state stands, or the button."""
        return QRect(area.right() - INSIDE - self._right, area.top(), self._right, area.height())

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Qt's."""
        view = option.widget
        row: ModelRow = index.data(ROW)
        whole = option.rect.width() or view.viewport().width()  # type: ignore[attr-defined]
        text, width = self._below(row, whole), self._text_width(whole)
        if (text, width) not in self._heights:
            self._heights[text, width] = height_of(text, small(view), width)
        below = self._heights[text, width]
        return QSize(0, 2 * GRID + 2 + line_height(view.font()) + (below + 2 if below else 0))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Qt's."""
        look, view, rect = tones(), option.widget, option.rect
        row: ModelRow = index.data(ROW)
        area = self.content(rect)
        if row.first and index.row() > 0:
            painter.setPen(QPen(look.hairline, 1))
            painter.drawLine(rect.left(), rect.top(), rect.right(), rect.top())
        ground(painter, option, area, look)
        top, height = area.top() + GRID, line_height(view.font())
        # The group's name stays in sight while its rows are scrolled through.
        if (row.first or rect.top() <= 0) and not self._narrow(rect.width()):
            above = min(max(0, rect.top()) + 1 + GRID, rect.bottom() - height)  # not over the next group's
            heading = QRect(rect.left(), above, self._gutter - GRID, height)
            line(painter, heading, row.heading, small(view), look.quiet)
        left = area.left() + INSIDE
        draw_mark(painter, QRect(left, top, self._mark, height), row.line.mark, look)
        self._paint_columns(painter, rect, left + self._mark + GRID, row, look, view)
        start = QPoint(left + self._mark + GRID, top + height + 2)
        below = QRect(start, QSize(self._text_width(rect.width()), area.bottom() - start.y()))
        tone = look.bad if row.warns else look.quiet
        lines(painter, below, self._below(row, rect.width()), small(view), tone)

    def _paint_columns(
        self, painter: QPainter, rect: QRect, left: int, row: ModelRow, look: Tones, view: QWidget
    ) -> None:
        plain, height = figures(view.font()), line_height(view.font())
        state = self.right(rect)
        state.setTop(rect.top() + 1 + GRID)
        state.setHeight(height)
        end = state.left() - 2 * GRID
        if not self._narrow(rect.width()):
            place = QRect(end - self._place, state.top(), self._place, height)
            line(painter, place, row.line.place, plain, look.quiet)
            end = place.left() - 2 * GRID
        name = QRect(left, state.top(), end - left, height)
        font = strong(view) if row.line.mark is not Mark.RESTS else view.font()
        line(painter, name, row.line.name, font, look.text, cut=Qt.TextElideMode.ElideMiddle)
        if row.line.wish is None:  # else the button stands there
            colour = _tone(row.line.mark, look)
            line(painter, state, row.state, plain, colour, align=Qt.AlignmentFlag.AlignRight)

    def _narrow(self, width: int) -> bool:
        """True when there is no room for all columns beside one another."""
        columns = self._gutter + self._place + self._right
        return width < columns + 2 * INSIDE + self._mark + self._name + 5 * GRID

    def _below(self, row: ModelRow, width: int) -> str:
        state = row.state if row.line.wish is not None else ""
        if not self._narrow(width):
            return " · ".join(filter(None, (state, row.advice)))
        return " · ".join(filter(None, (row.heading, row.line.place, state, row.advice)))

    def _text_width(self, width: int) -> int:
        """How wide the text below may be: it keeps clear of the button."""
        gutter = 0 if self._narrow(width) else self._gutter
        return max(1, width - gutter - 2 * INSIDE - self._mark - GRID - self._right - 2 * GRID)


def _tone(mark: Mark, look: Tones) -> QColor:
    match mark:
        case Mark.RUNS:
            return look.good
        case Mark.UNDER_WAY:
            return look.busy
        case Mark.TROUBLE:
            return look.bad
        case Mark.RESTS:
            return look.quiet
