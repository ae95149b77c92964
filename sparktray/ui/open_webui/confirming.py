"""The window before something is deleted: what goes, what stays, and a name to type."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QPushButton, QVBoxLayout, QWidget

from sparktray.decide.webui.preview import Preview
from sparktray.domain.operation import WipeWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.ui.painting.texts import heading, line, quietly, selectable, tint
from sparktray.ui.theme import AROUND, GRID, tones
from sparktray.wording import Wording

_WIDTH = 56 * GRID


class Confirming(QDialog):
    """Main thread only. ``confirmed`` carries the wish once the name was typed and the button pressed."""

    confirmed = Signal(object)

    def __init__(self, say: Wording, shown: Preview, wish: WipeWish, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._shown = shown
        self._wish = wish
        self.setWindowTitle(say(shown.title))
        self.setMinimumWidth(_WIDTH)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(GRID)
        title = heading()
        title.setText(say(shown.title))
        column.addWidget(title)
        self._lines(column, shown.where, quiet=True)
        self._part(column, phrase("Goes"), shown.goes, bad=True)
        self._part(column, phrase("Stays"), shown.stays, bad=False)
        self._lines(column, shown.after, quiet=False)
        self.typed = QLineEdit()
        asked = line()
        asked.setText(say(phrase("To delete this, type the name of the container: {name}", name=shown.typed)))
        asked.setBuddy(self.typed)
        self.typed.setAccessibleName(asked.text())
        self.typed.textChanged.connect(self._judge)
        column.addWidget(asked)
        column.addWidget(self.typed)
        self.delete = QPushButton(say(phrase("Delete")))
        buttons = QDialogButtonBox()
        buttons.addButton(self.delete, QDialogButtonBox.ButtonRole.DestructiveRole)
        keep = buttons.addButton(say(phrase("Change nothing")), QDialogButtonBox.ButtonRole.RejectRole)
        # Enter deletes nothing, also with the name typed: a dialog presses its auto-default buttons by it.
        self.delete.setAutoDefault(False)
        keep.setDefault(True)
        buttons.rejected.connect(self.reject)
        self.delete.clicked.connect(self._confirm)
        column.addWidget(buttons)
        self._judge()

    def _part(self, column: QVBoxLayout, title: Phrase, lines: tuple[Phrase, ...], *, bad: bool) -> None:
        head = heading()
        head.setText(self._say(title))
        tint(head, tones().bad if bad else tones().text)
        column.addWidget(head)
        text = selectable()
        text.setText("\n".join(f"•  {self._say(each)}" for each in lines))
        column.addWidget(text)

    def _lines(self, column: QVBoxLayout, lines: tuple[Phrase, ...], *, quiet: bool) -> None:
        text = selectable()
        text.setText("\n".join(self._say(each) for each in lines))
        if quiet:
            quietly(text)
        column.addWidget(text)

    def _judge(self) -> None:
        self.delete.setEnabled(self.typed.text().strip() == self._shown.typed)

    def _confirm(self) -> None:
        self.confirmed.emit(self._wish)
        self.accept()
