"""The list of models: choosing one, and switching to it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QFont, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QListView, QMenu, QPushButton, QWidget

from sparktray.decide.showing.models import Group, Mark, ModelLine
from sparktray.domain.phrase import phrase
from sparktray.ui.labels import label
from sparktray.ui.panel.controls import AccentButton
from sparktray.ui.panel.models.model_rows import ModelPainter, ModelRows, rows_of
from sparktray.ui.theme import AROUND, GRID, Tones, tones
from sparktray.wording import Wording

_NO_POINTER = QModelIndex()
# How small the list may become: with larger text not as small.
_LEAST_LETTERS, _LEAST_LINES = 44, 8


class ModelList(QListView):
    """All models. Emits ``wished`` with a ``SwitchWish``. Main thread only.

    A switch is one click on the button of a row, Enter or a double click; the row's menu has the
    other servers.
    """

    wished = Signal(object)

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._shown: tuple[tuple[Group, ...], str, Tones, QFont] | None = None
        self._rows = ModelRows(self)
        self._painter = ModelPainter(self)
        # One for the chosen row, which the keyboard reaches, and one for the row under the pointer.
        self._here = AccentButton(self.viewport())
        self._there = QPushButton(self.viewport())
        self._there.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._pointed = _NO_POINTER
        self.setModel(self._rows)
        self.setItemDelegate(self._painter)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setViewportMargins(AROUND, GRID, AROUND, 0)
        self._here.clicked.connect(lambda: self._switch(self.currentIndex()))
        self._there.clicked.connect(lambda: self._switch(self._pointed))
        self.doubleClicked.connect(self._switch)
        self.entered.connect(self._point_at)
        self.selectionModel().currentChanged.connect(lambda: self._place_buttons())

    def show_groups(self, groups: tuple[Group, ...]) -> None:
        """Show these models, all texts in the language of now."""
        known = (groups, self._say.language, tones(), self.font())
        if known == self._shown:
            return
        self._shown = known
        chosen = self._line(self.currentIndex())
        rows = rows_of(groups, self._say)
        self.setAccessibleName(self._say(phrase("Models")))
        self._here.dress()
        metrics = self.fontMetrics()
        self.setMinimumSize(_LEAST_LETTERS * metrics.averageCharWidth(), _LEAST_LINES * metrics.height())
        width = self._say_buttons()
        self._painter.measure(rows, self, width)
        self._pointed = _NO_POINTER
        self._rows.show(rows)
        if chosen is not None and not self.currentIndex().isValid():
            self.setCurrentIndex(self._rows.row_of(chosen.key))
        if self.hasFocus():
            self._choose_what_runs()
        self.scheduleDelayedItemsLayout()
        self._place_buttons()

    def take_keyboard(self) -> None:
        """Be where the keyboard is."""
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Qt's: Enter switches."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._switch(self.currentIndex())
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Qt's: the servers a model can be switched to."""
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        menu = self.ways_menu(index)
        if menu is not None:
            below = self.viewport().mapToGlobal(self.visualRect(index).bottomLeft())
            menu.popup(event.globalPos() if by_mouse else below)

    def ways_menu(self, index: QModelIndex) -> QMenu | None:
        """The menu of a row; None when there is nothing to do with it."""
        chosen = self._line(index)
        if chosen is None or not chosen.ways:
            return None
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for way in chosen.ways:
            text = self._say(phrase("Switch on {server}", server=way.label))
            menu.addAction(label(text, over_bus=False)).triggered.connect(partial(self.wished.emit, way.wish))
        return menu

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt's: the advice breaks differently in another width."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()
        self._place_buttons()

    def updateGeometries(self) -> None:
        """Qt's: called after each layout."""
        super().updateGeometries()
        self._place_buttons()

    def scrollContentsBy(self, across: int, down: int) -> None:
        """Qt's. The group's name stays at the top, so all is painted again."""
        super().scrollContentsBy(across, down)
        self.viewport().update()
        self._pointed = self.indexAt(self.viewport().mapFromGlobal(self.cursor().pos()))
        self._place_buttons()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Qt's: the keyboard begins with what runs."""
        self._choose_what_runs()
        super().focusInEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """Qt's: without a pointer no row is under it."""
        if event.type() is QEvent.Type.Leave:
            self._point_at(_NO_POINTER)
        return super().viewportEvent(event)

    def _choose_what_runs(self) -> None:
        """Put the choice on what runs, when a person has chosen nothing."""
        if not self.currentIndex().isValid():
            runs = next((row.line for row in self._rows.rows if row.line.mark is not Mark.RESTS), None)
            if runs is not None:
                self.setCurrentIndex(self._rows.row_of(runs.key))

    def _point_at(self, index: QModelIndex) -> None:
        self._pointed = index
        self._place_buttons()

    def _line(self, index: QModelIndex) -> ModelLine | None:
        return self._rows.rows[index.row()].line if 0 <= index.row() < len(self._rows.rows) else None

    def _switch(self, index: QModelIndex) -> None:
        chosen = self._line(index)
        if chosen is not None and chosen.wish is not None:
            self.wished.emit(chosen.wish)

    def _say_buttons(self) -> int:
        """Set their texts; how wide they are."""
        for button in (self._here, self._there):
            button.setText(label(self._say(phrase("Switch")), over_bus=False))
        return max(self._here.sizeHint().width(), self._there.sizeHint().width())

    def _place_buttons(self) -> None:
        current = self.currentIndex()
        self._place(self._here, current)
        over = self._pointed if self._pointed.row() != current.row() else _NO_POINTER
        self._place(self._there, over)

    def _place(self, button: QPushButton, index: QModelIndex) -> None:
        chosen = self._line(index)
        if chosen is None or chosen.wish is None:
            button.hide()
            return
        cell = self._painter.right(self.visualRect(index))
        size = button.sizeHint()
        where = QRect(QPoint(), size)
        where.moveCenter(cell.center())
        where.moveRight(cell.right())
        button.setGeometry(where)
        name = phrase("Switch to {name}", name=chosen.name)
        button.setAccessibleName(self._say(name))
        button.setAccessibleDescription(chosen.place)
        button.show()
