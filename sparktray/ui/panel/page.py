"""What the panel wants of a page."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from sparktray.domain.phrase import Phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.wording import Wording


class Page(QWidget):
    """One page of the panel. Main thread only.

    The panel calls ``take`` with each picture while the page is on the screen, and once when it comes
    there or when language or look have changed: all texts and colours are set there and nowhere else.
    """

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.say = say

    def title(self) -> Phrase:
        """Its name in the panel's list."""
        raise NotImplementedError

    def take(self, snapshot: Snapshot | None) -> None:
        """Show that picture; None while no host is set up."""
        raise NotImplementedError

    def tick(self) -> None:
        """A second has passed while it was on the screen."""

    def left(self) -> None:
        """It went off the screen: what costs something while nobody looks ends here."""
