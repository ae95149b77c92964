"""What was found, as rows of a list: what Qt asks of them, and how they are painted."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStyleOptionViewItem,
)

from sparktray.decide.finding.proposals import Found, FoundState
from sparktray.decide.finding.words import (
    architecture_words,
    context_words,
    need_words,
    quantization_words,
    size_words,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.text import clean_line
from sparktray.ui.labels import hint
from sparktray.ui.painting.rows import ground, height_of, line, lines, width_of
from sparktray.ui.theme import GRID, INSIDE, line_height, small, strong, tones
from sparktray.wording import Wording

_Index = QModelIndex | QPersistentModelIndex
_ROLE = Qt.ItemDataRole
ROW = _ROLE.UserRole
_NOTHING = QModelIndex()


class FoundRow(msgspec.Struct, frozen=True):
    """One row in words. ``facts`` are what its files tell, ``remarks`` a line each."""

    found: Found
    facts: str
    needs: str
    remarks: tuple[str, ...]
    fits: bool

    @property
    def is_new(self) -> bool:
        """Whether it can be chosen."""
        return self.found.state is FoundState.NEW


def rows_of(found: Sequence[Found], say: Wording) -> list[FoundRow]:
    """All rows in the person's language, those that can be chosen first."""
    new = [each for each in found if each.state is FoundState.NEW]
    return [_row(each, say) for each in (*new, *(each for each in found if each.state is not FoundState.NEW))]


def _row(each: Found, say: Wording) -> FoundRow:
    if each.reason is not None:
        return FoundRow(each, clean_line(each.at), "", (say(each.reason),), fits=False)
    facts = each.facts
    # What is not known stands among the remarks.
    words = [] if facts.architecture is None else [architecture_words(facts)]
    if facts.quantization is not None:
        words.append(quantization_words(facts))
    if facts.trained_context is not None:
        words.append(phrase("context {tokens}", tokens=context_words(each)))
    words.append(phrase("{size} of weights", size=size_words(facts)))
    remarks = [say(remark) for remark in each.remarks]
    if each.unknown:
        remarks.append(say(phrase("Not known: {facts}", facts=list(each.unknown))))
    fits = each.fit is not None and not each.fit.short
    needs = "" if each.needs is None else say(need_words(each))
    return FoundRow(each, " · ".join(say(word) for word in words), needs, tuple(remarks), fits)


class FoundRows(QAbstractListModel):
    """The rows for a view, and which of them are chosen; ``chosen_changed`` when that differs."""

    chosen_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[FoundRow] = []
        self._chosen: set[str] = set()

    @property
    def chosen(self) -> tuple[Found, ...]:
        """What is chosen, in the order of the list."""
        return tuple(row.found for row in self.rows if row.found.id in self._chosen)

    def show(self, rows: list[FoundRow]) -> None:
        """Take these rows; what was chosen stays so where it is still there."""
        self.beginResetModel()
        self.rows = rows
        self._chosen &= {row.found.id for row in rows if row.is_new}
        self.endResetModel()
        self.chosen_changed.emit()

    def rowCount(self, parent: _Index = _NOTHING) -> int:
        """Qt's."""
        return 0 if parent.isValid() else len(self.rows)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Qt's: what cannot be used is there to be read."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        plain = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        return plain | Qt.ItemFlag.ItemIsUserCheckable if self.rows[index.row()].is_new else plain

    def data(self, index: _Index, role: int = _ROLE.DisplayRole) -> object:
        """Qt's."""
        row = self.rows[index.row()]
        match role:
            case _ROLE.DisplayRole:
                return row.found.id
            case _ROLE.ToolTipRole:
                return hint(row.found.at)
            case _ROLE.CheckStateRole:
                checked = row.found.id in self._chosen
                return (Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked) if row.is_new else None
            case _ROLE.AccessibleTextRole:
                return ", ".join(filter(None, (row.found.id, row.facts, row.needs)))
            case _ROLE.AccessibleDescriptionRole:
                return " ".join(row.remarks)
            case _:
                return row if role == ROW else None

    def setData(self, index: _Index, value: object, role: int = _ROLE.EditRole) -> bool:
        """Qt's: choose it or not."""
        row = self.rows[index.row()]
        if role != _ROLE.CheckStateRole or not row.is_new:
            return False
        if Qt.CheckState(value) is Qt.CheckState.Checked:
            self._chosen.add(row.found.id)
        else:
            self._chosen.discard(row.found.id)
        self.dataChanged.emit(index, index, [role])
        self.chosen_changed.emit()
        return True


class FoundPainter(QStyledItemDelegate):
    """A row: its box, the name and what it needs; below them its facts, and then the remarks."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Qt's."""
        view = option.widget
        row: FoundRow = index.data(ROW)
        whole = option.rect.width() or view.viewport().width()  # type: ignore[attr-defined]
        width = max(1, whole - self._left(view.fontMetrics().height()) - INSIDE)
        below = sum(height_of(text, small(view), width) + 2 for text in (row.facts, *row.remarks))
        return QSize(0, 2 * GRID + line_height(view.font()) + below)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Qt's."""
        look, view = tones(), option.widget
        row: FoundRow = index.data(ROW)
        area = option.rect.adjusted(0, 1, 0, -1)
        ground(painter, option, area, look)
        height = line_height(view.font())
        left, top = area.left() + self._left(view.fontMetrics().height()), area.top() + GRID
        right = area.right() - INSIDE
        if row.is_new:
            self._paint_box(painter, option, QRect(area.left() + INSIDE, top, height, height), index)
        needs = width_of(row.needs, view.font())
        place = QRect(right - needs, top, needs, height)
        tone = look.good if row.fits else look.warning if row.found.fit is not None else look.quiet
        line(painter, place, row.needs, view.font(), tone, align=Qt.AlignmentFlag.AlignRight)
        name = QRect(left, top, place.left() - 2 * GRID - left, height)
        font = strong(view) if row.is_new else view.font()
        colour = look.text if row.is_new else look.quiet
        line(painter, name, row.found.id, font, colour, cut=Qt.TextElideMode.ElideMiddle)
        top += height + 2
        for number, text in enumerate((row.facts, *row.remarks)):
            tall = height_of(text, small(view), right - left)
            tone = look.warning if number else look.quiet
            lines(painter, QRect(left, top, right - left, tall), text, small(view), tone)
            top += tall + 2

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: _Index
    ) -> bool:
        """Qt's: a click anywhere in a row chooses it; Space is Qt's own doing."""
        is_click = event.type() is QEvent.Type.MouseButtonRelease and isinstance(event, QMouseEvent)
        if not is_click:
            return super().editorEvent(event, model, option, index)
        if event.button() is not Qt.MouseButton.LeftButton or index.data(_ROLE.CheckStateRole) is None:  # type: ignore[attr-defined]
            return False
        checked = Qt.CheckState(index.data(_ROLE.CheckStateRole)) is Qt.CheckState.Checked
        wanted = Qt.CheckState.Unchecked if checked else Qt.CheckState.Checked
        return model.setData(index, wanted, _ROLE.CheckStateRole)

    def _left(self, box: int) -> int:
        return INSIDE + box + GRID

    def _paint_box(
        self, painter: QPainter, option: QStyleOptionViewItem, place: QRect, index: _Index
    ) -> None:
        """As the style paints a check box, in colours that are seen against the page."""
        view = option.widget
        box = QStyleOptionButton()
        box.initFrom(view)
        palette = box.palette
        palette.setColor(palette.ColorRole.Window, tones().quiet)
        box.palette = palette
        side = view.style().pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth, box, view)
        box.rect = QRect(place.left(), place.center().y() - side // 2, side, side)
        checked = Qt.CheckState(index.data(_ROLE.CheckStateRole)) is Qt.CheckState.Checked
        box.state = QStyle.StateFlag.State_Enabled
        box.state |= QStyle.StateFlag.State_On if checked else QStyle.StateFlag.State_Off
        view.style().drawPrimitive(QStyle.PrimitiveElement.PE_IndicatorCheckBox, box, painter, view)
