"""The table of the host's containers."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from sparktray.decide.showing.containers import ContainerRow, ContainerRows
from sparktray.domain.phrase import phrase
from sparktray.ui.labels import hint
from sparktray.ui.painting.rows import line
from sparktray.ui.theme import GRID, figures, line_height, mixed, small, tones
from sparktray.wording import Wording

_Index = QModelIndex | QPersistentModelIndex
_NAME, _IMAGE, _STATE, _PORTS = range(4)
_HEADS = (phrase("Name"), phrase("Image"), phrase("State"), phrase("Ports"))
_NAME_SHARE = 0.45  # of what name and image have together; images have the longer names
_LEAST_WIDTH = 6 * GRID
_ROLE = Qt.ItemDataRole


class _Line(msgspec.Struct, frozen=True):
    """A heading, which goes across, or a container."""

    heading: str
    cells: tuple[str, str, str, str] = ("", "", "", "")
    running: bool = False


class ContainerTable(QTableView):
    """Rows that are painted only where they are seen; text is shown as it is. Main thread only."""

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._lines = _Lines(self)
        self.setModel(self._lines)
        self.setItemDelegate(_Painter(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalHeader(_Head(self))

    def take(self, rows: ContainerRows) -> None:
        """Show these rows. Again when language or look change."""
        say = self._say
        self.setAccessibleName(say(phrase("Containers")))
        self.setFont(figures(self.font()))
        self.horizontalHeader().setFont(small(self))
        self.verticalHeader().setDefaultSectionSize(line_height(self.font()) + GRID)
        lines: list[_Line] = []
        for heading, part in ((_OURS, rows.ours), (_OTHERS, rows.others)):
            if part:
                lines += [_Line(say(heading)), *(_line(say(each.state), each) for each in part)]
        chosen = self._lines.name_at(self.currentIndex())
        if self._lines.take(tuple(lines), tuple(say(head) for head in _HEADS)):
            self._across()
            self._share_width()
            place = self._lines.place_of(chosen)
            if place is not None:
                self.setCurrentIndex(self._lines.index(place, _NAME))
        self.viewport().update()

    def _across(self) -> None:
        self.clearSpans()
        for place, each in enumerate(self._lines.lines):
            if each.heading:
                self.setSpan(place, _NAME, 1, len(_HEADS))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt's: the columns share the width."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """State and ports get what they need, up to three tenths each; names and images share the rest."""
        whole, metrics = self.viewport().width(), QFontMetrics(self.font())
        rest = whole
        for column in (_STATE, _PORTS):
            texts = (each.cells[column] for each in self._lines.lines)
            wanted = max((metrics.horizontalAdvance(text) for text in texts), default=0)
            width = min(whole * 3 // 10, max(wanted, _LEAST_WIDTH) + 2 * GRID)
            self.setColumnWidth(column, width)
            rest -= width
        self.setColumnWidth(_NAME, int(rest * _NAME_SHARE))
        self.setColumnWidth(_IMAGE, rest - int(rest * _NAME_SHARE))


_OURS = phrase("Servers")
_OTHERS = phrase("Other containers, never touched by sparktray")


def _line(state: str, row: ContainerRow) -> _Line:
    return _Line("", (row.name, row.image, state, row.ports), row.running)


class _Lines(QAbstractTableModel):
    """The rows as Qt asks for them."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.lines: tuple[_Line, ...] = ()
        self._heads: tuple[str, ...] = ("",) * len(_HEADS)

    def take(self, lines: tuple[_Line, ...], heads: tuple[str, ...]) -> bool:
        """Take in new rows; True when others are there than before and not only their cells differ."""
        before, self._heads = (self.lines, self._heads), heads
        if before == (lines, heads):
            return False
        if _keys(before[0]) != _keys(lines):
            self.beginResetModel()
            self.lines = lines
            self.endResetModel()
            return True
        self.lines = lines
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(heads) - 1)
        self.dataChanged.emit(self.index(0, 0), self.index(len(lines) - 1, len(heads) - 1))
        return False

    def name_at(self, index: _Index) -> str:
        """The container's name in that row; empty for a heading or none."""
        return self.lines[index.row()].cells[_NAME] if index.isValid() else ""

    def place_of(self, name: str) -> int | None:
        """The row of that container."""
        places = (place for place, each in enumerate(self.lines) if name and each.cells[_NAME] == name)
        return next(places, None)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  Qt's signature
        """Qt's."""
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  Qt's signature
        """Qt's."""
        return 0 if parent.isValid() else len(_HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> object:
        """Qt's."""
        across = orientation is Qt.Orientation.Horizontal
        return self._heads[section] if across and role == _ROLE.DisplayRole else None

    def data(self, index: _Index, role: int = _ROLE.DisplayRole) -> object:
        """Qt's: texts, and the same as tooltip where a column may be too narrow."""
        each = self.lines[index.row()]
        text = each.heading or each.cells[index.column()]
        if role in {_ROLE.DisplayRole, _ROLE.AccessibleTextRole}:
            return text
        if role == _ROLE.ToolTipRole and not each.heading:
            return hint(text)
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Qt's: headings cannot be chosen."""
        if self.lines[index.row()].heading:
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


def _keys(lines: tuple[_Line, ...]) -> list[tuple[str, str]]:
    return [(each.heading, each.cells[_NAME]) for each in lines]


class _Head(QHeaderView):
    """The columns' names above a hairline, instead of buttons that nobody can press."""

    def __init__(self, table: ContainerTable) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def paintSection(self, painter: QPainter, area: QRect, section: int) -> None:
        """Qt's: one column's name."""
        look = tones()
        text = str(self.model().headerData(section, Qt.Orientation.Horizontal))
        line(painter, area.adjusted(0, 0, -GRID, 0), text, self.font(), look.quiet)
        painter.setPen(QPen(look.hairline, 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())


class _Painter(QStyledItemDelegate):
    """Text as it is, in the colours of now; what does not run is quiet."""

    def __init__(self, table: ContainerTable) -> None:
        super().__init__(table)
        self._table = table

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Qt's: one cell."""
        look = tones()
        area: QRect = option.rect
        model = index.model()
        if not isinstance(model, _Lines):
            return
        each = model.lines[index.row()]
        if each.heading:
            line(painter, area.adjusted(0, GRID // 2, 0, 0), each.heading, small(self._table), look.quiet)
            return
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(area, mixed(look.accent, look.card, 0.12))
        colour = look.text if each.running and index.column() != _IMAGE else look.quiet
        cut = Qt.TextElideMode.ElideMiddle if index.column() == _IMAGE else Qt.TextElideMode.ElideRight
        text = each.cells[index.column()]
        line(painter, area.adjusted(0, 0, -GRID, 0), text, self._table.font(), colour, cut=cut)
