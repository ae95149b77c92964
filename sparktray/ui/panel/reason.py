"""What stands in the place of something that cannot be shown: why, and the way out."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from sparktray.ui.panel.controls import Text
from sparktray.ui.theme import GRID, tones

_NARROW = 60 * GRID  # longer lines are hard to read


class Reason(QWidget):
    """Two sentences. Main thread only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cause, self._remedy = Text(self), Text(self)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, GRID, 0, 0)
        rows.setSpacing(GRID)
        for text in (self._cause, self._remedy):
            text.setMaximumWidth(_NARROW)
            rows.addWidget(text)
        rows.addStretch(1)

    def tell(self, cause: str, remedy: str) -> None:
        """Say that, in the colours of now; an empty ``remedy`` takes no room."""
        look = tones()
        self._cause.tell(cause, look.text, self.font())
        self._remedy.tell(remedy, look.quiet, self.font())
