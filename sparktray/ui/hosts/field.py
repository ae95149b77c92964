"""One line to fill in, with what is wrong with it right below."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from sparktray.domain.phrase import Phrase
from sparktray.ui.painting.texts import line, name_label, tint
from sparktray.ui.theme import GRID, small, tones
from sparktray.wording import Wording


class Field(QWidget):
    """An edit and its fault. Main thread only; ``label`` is for the form to place."""

    changed = Signal()

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._fault: Phrase | None = None
        self.label, self.edit, self.below = name_label(), QLineEdit(), line()
        self.label.setBuddy(self.edit)
        self.setFocusProxy(self.edit)
        self.below.setFont(small())
        self.edit.textChanged.connect(self.changed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 4)
        column.addWidget(self.edit)
        column.addWidget(self.below)
        self.below.hide()

    @property
    def text(self) -> str:
        """What was entered, without the blanks that copying brings along."""
        return self.edit.text().strip()

    def tell(self, label: Phrase, example: str = "") -> None:
        """All texts and colours anew."""
        said = self._say(label)
        self.label.setText(said)
        self.edit.setAccessibleName(said)
        self.edit.setPlaceholderText(example)
        self.show_fault(self._fault)

    def show_fault(self, fault: Phrase | None) -> None:
        """What is wrong with it and how it is right, None when it is."""
        self._fault = fault
        said = "" if fault is None else self._say(fault)
        self.below.setText(said)
        self.below.setVisible(bool(said))
        self.edit.setAccessibleDescription(said)
        tint(self.below, tones().bad)
