"""The list of the panel's pages."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from sparktray.ui.painting.rows import ground, line, width_of
from sparktray.ui.theme import GRID, INSIDE, line_height, strong, tones

_LEAST_WIDTH = 15 * GRID


class Navigation(QListWidget):
    """One row a page; ``currentRowChanged`` tells which is wanted. Main thread only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setItemDelegate(_Rows(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setViewportMargins(GRID, INSIDE, GRID, INSIDE)

    def tell(self, name: str, titles: list[str]) -> None:
        """Set all texts, its own name for a screen reader among them; a page more is a row more."""
        self.setAccessibleName(name)
        while self.count() < len(titles):
            self.addItem(QListWidgetItem())
        for row, title in enumerate(titles):
            item = self.item(row)
            item.setText(title)
            if row < 9:
                item.setToolTip(f"Ctrl+{row + 1}")
        widest = max((width_of(title, strong(self)) for title in titles), default=0)
        self.setFixedWidth(max(_LEAST_WIDTH, widest + 2 * INSIDE + 2 * GRID))


class _Rows(QStyledItemDelegate):
    """A title, its ground when it is the page on the screen."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Qt's."""
        return QSize(0, line_height(strong(option.widget)) + 2 * GRID)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Qt's."""
        look = tones()
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        ground(painter, option, option.rect.adjusted(0, 1, 0, -1), look)
        font = strong(option.widget) if chosen else option.font
        area = option.rect.adjusted(INSIDE, 0, -INSIDE, 0)
        line(painter, area, str(index.data()), font, look.text)
