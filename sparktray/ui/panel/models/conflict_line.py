"""What stands in each other's way, above the list of models: a sentence, and the button that resolves it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from sparktray.decide.conflicts import Conflict
from sparktray.domain.phrase import phrase, phrase_n
from sparktray.ui.clipboard import copy_lines
from sparktray.ui.labels import label
from sparktray.ui.panel.controls import AccentButton, Hairline, Text
from sparktray.ui.theme import AROUND, GRID, fixed, small, tones
from sparktray.wording import Wording


class ConflictLine(QWidget):
    """The gravest conflict; not there while there is none. Emits ``wished`` with a wish. Main thread only."""

    wished = Signal(object)

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._shown: tuple[Conflict, ...] = ()
        self._sentence, self._command, self._more = Text(self), Text(self), Text(self)
        self._button = AccentButton(self)
        self._button.clicked.connect(self._take_up)
        row = QHBoxLayout()
        row.setSpacing(GRID + 4)
        row.addWidget(self._button)
        row.addWidget(self._command, 1)
        row.addStretch()
        words = QVBoxLayout()
        words.setContentsMargins(AROUND, GRID + 4, AROUND, GRID + 4)
        words.setSpacing(GRID)
        words.addWidget(self._sentence)
        words.addLayout(row)
        words.addWidget(self._more)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addLayout(words)
        rows.addWidget(Hairline(parent=self))
        self.hide()

    def take(self, found: tuple[Conflict, ...]) -> None:
        """Show the first of these, and how many more there are."""
        self._shown = found
        self.setVisible(bool(found))
        if not found:
            return
        first, look, say = found[0], tones(), self._say
        by_hand = first.way_out.wish is None
        self._sentence.tell(say(first.sentence), look.bad if first.presses else look.text, self.font())
        self._command.tell(first.way_out.command if by_hand else "", look.quiet, fixed(self))
        more = phrase_n("and {count} more", "and {count} more", len(found) - 1)
        self._more.tell(say(more) if len(found) > 1 else "", look.quiet, small(self))
        self._button.dress(look)
        self._button.setText(label(say(first.way_out.label), over_bus=False))
        self._button.setAccessibleDescription(say(first.sentence))

    def _take_up(self) -> None:
        if not self._shown:
            return
        way_out = self._shown[0].way_out
        if way_out.wish is not None:
            self.wished.emit(way_out.wish)
        elif copy_lines((way_out.command,)):
            self._button.setText(label(self._say(phrase("Copied")), over_bus=False))
