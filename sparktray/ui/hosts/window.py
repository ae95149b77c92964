"""What the windows of this package share."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QDialog, QWidget

from sparktray.ui.theme import LOOKS, dress, tones
from sparktray.wording import Wording


class HostWindow(QDialog):
    """A window in the program's colours, not modal. Main thread only."""

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        self._dressing = False  # setting colours tells of a change of colours again
        super().__init__(parent)
        self.say = say

    def tell(self) -> None:
        """All texts and colours anew; to be called when the language has changed."""
        dress(self, tones())

    def event(self, event: QEvent) -> bool:
        """Qt's: another look of the platform.

        It does not come to changeEvent (Qt 6.11 qwidget.cpp).
        """
        handled = super().event(event)
        if event.type() in LOOKS and self.isVisible() and not self._dressing:
            self._dressing = True
            self.tell()
            self._dressing = False
        return handled
