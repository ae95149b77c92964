"""The line in which a log is searched."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QWidget

from sparktray.domain.phrase import phrase
from sparktray.ui.labels import hint
from sparktray.ui.panel.controls import Text
from sparktray.ui.panel.logs.view import LogView
from sparktray.ui.theme import GRID, figures, small, tones
from sparktray.wording import Wording


class SearchBar(QWidget):
    """Field, count and two arrows. Main thread only.

    Ctrl+F goes there, Enter and F3 to the next match, with Shift to the one before, Escape ends the search.
    """

    def __init__(self, say: Wording, view: LogView, parent: QWidget) -> None:
        super().__init__(parent)
        self._say = say
        self._view = view
        self._field = QLineEdit(self)
        self._field.setClearButtonEnabled(True)
        self._count = Text(self, wraps=False)
        self._before, self._next = QToolButton(self), QToolButton(self)
        self._before.setArrowType(Qt.ArrowType.UpArrow)
        self._next.setArrowType(Qt.ArrowType.DownArrow)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self._field, 1)
        row.addWidget(self._count)
        for button, by in ((self._before, -1), (self._next, 1)):
            button.setAutoRaise(True)
            button.clicked.connect(lambda _=False, by=by: view.step(by))
            row.addWidget(button)
        self._field.textChanged.connect(view.search)
        view.searched.connect(self._tell_count)
        self._bind_keys(parent)

    def _bind_keys(self, page: QWidget) -> None:
        # Of the whole window: they work wherever the keyboard is, as long as the page is on the screen.
        keys = QKeySequence.StandardKey
        QShortcut(keys.Find, page).activated.connect(self._begin)
        QShortcut(keys.FindNext, page).activated.connect(lambda: self._view.step(1))
        QShortcut(keys.FindPrevious, page).activated.connect(lambda: self._view.step(-1))
        for part in (self._field, self._view):
            part.installEventFilter(self)

    def tell(self) -> None:
        """Say and colour everything anew."""
        say = self._say
        self._field.setPlaceholderText(say(phrase("Search")))
        self._field.setAccessibleName(say(phrase("Search in the log")))
        for button, name in (
            (self._before, phrase("Previous match")),
            (self._next, phrase("Next match")),
        ):
            button.setAccessibleName(say(name))
            button.setToolTip(hint(say(name)))
        self._tell_count()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt's: Enter goes on, Escape ends the search, and only without one means what it means elsewhere."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        if event.key() == Qt.Key.Key_Escape and self._field.text():
            self._field.clear()
            self._view.setFocus()
            return True
        if watched is self._field and event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._view.step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
            return True
        return False

    def _begin(self) -> None:
        self._field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._field.selectAll()

    def _tell_count(self) -> None:
        shown, count = self._view.found
        searching = bool(self._field.text())
        if not searching:
            text = ""
        elif count == 0:
            text = self._say(phrase("not found"))
        elif shown == 0:
            text = self._say(phrase("{count} found", count=count))
        else:
            text = self._say(phrase("{shown} of {count}", shown=shown, count=count))
        self._count.tell(text, tones().quiet, figures(small(self)))
        for button in (self._before, self._next):
            button.setEnabled(count > 0)
