"""What the assistant wants of a step."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.ui.hosts.status import Working
from sparktray.wording import Wording


class Step(QWidget):
    """One step. Main thread only.

    ``changed`` says that something was entered. ``enter_goes_on`` is False where Enter must not be enough.
    """

    changed = Signal()
    enter_goes_on = True

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.say = say

    def title(self) -> Phrase:
        """Its name."""
        raise NotImplementedError

    def advice(self) -> Phrase:
        """What is done in it, in a sentence or two."""
        raise NotImplementedError

    def onward(self) -> Phrase:
        """What the button says that leads on."""
        return phrase("Next")

    def tell(self) -> None:
        """All texts and colours anew."""
        raise NotImplementedError

    def enter(self, draft: HostProfile) -> None:
        """It comes on the screen, with what is known so far."""
        raise NotImplementedError

    def draft(self, draft: HostProfile) -> HostProfile:
        """The profile with what was entered here."""
        return draft

    def complete(self) -> bool:
        """Whether one can go on."""
        raise NotImplementedError

    def proven(self, outcome: object) -> None:
        """What `proof` came to, before one goes on."""

    def proof(self, draft: HostProfile) -> tuple[Working, Callable[[], object]] | None:
        """What has to succeed before one goes on, as a job in the background; None when nothing has to."""
        return None

    def leave(self) -> None:
        """It goes off the screen: what is under way ends."""
