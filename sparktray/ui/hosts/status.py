"""One line that says how the last thing asked for stands: under way, well, or not and what to do."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from sparktray.control.problems import internal, problem_of
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.remote.errors import RemoteError
from sparktray.store.paths import StoreError
from sparktray.store.secrets_errors import KeyringUnavailable
from sparktray.ui.painting.texts import button, name_label, selectable, tint
from sparktray.ui.theme import GRID, tones
from sparktray.wording import Wording

WELL, NOT_WELL, TO_COME = "✓", "✗", "·"


class Working(msgspec.Struct, frozen=True):
    """Something is under way."""

    doing: Phrase
    can_stop: bool = True


class Well(msgspec.Struct, frozen=True):
    """It is as it should be."""

    said: Phrase


class Advice(msgspec.Struct, frozen=True):
    """It may stay as it is, or be tried again."""

    said: Phrase


State = Working | Well | Advice | Problem | None


class StatusLine(QWidget):
    """Main thread only. ``stopped`` and ``again`` are its buttons."""

    stopped = Signal()
    again = Signal()

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._state: State = None
        self.mark, self.said = name_label(), selectable()
        self.remedy = selectable()
        self.stop, self.retry = button(), button()
        self.stop.clicked.connect(self.stopped)
        self.retry.clicked.connect(self.again)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID // 2)
        grid.setHorizontalSpacing(GRID)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.mark, 0, 0)
        grid.addWidget(self.said, 0, 1)
        grid.addWidget(self.stop, 0, 2)
        grid.addWidget(self.retry, 0, 3)
        grid.addWidget(self.remedy, 1, 1)
        self.show_state(None)

    @property
    def state(self) -> State:
        """What it shows."""
        return self._state

    def show_state(self, state: State) -> None:
        """Show that and nothing else."""
        self._state = state
        self.tell()

    def tell(self) -> None:
        """All texts and colours anew."""
        say, look = self._say, tones()
        self.stop.setText(say(phrase("Stop")))
        self.retry.setText(say(phrase("Try again")))
        mark, said, remedy, color = "", "", "", look.text
        match self._state:
            case Working(doing, _):
                said, color = say(doing), look.quiet
            case Well(text):
                mark, said, color = WELL, say(text), look.good
            case Advice(text):
                said = say(text)
            case Problem() as problem:
                mark, said, remedy, color = NOT_WELL, say(problem.cause), say(way_out(problem)), look.bad
            case None:
                pass
        self.mark.setText(mark)
        self.said.setText(said)
        self.remedy.setText(remedy)
        tint(self.mark, color)
        tint(self.said, look.quiet if isinstance(self._state, Working) else look.text)
        tint(self.remedy, look.quiet)
        self.mark.setVisible(bool(mark))
        self.remedy.setVisible(bool(remedy))
        self.stop.setVisible(isinstance(self._state, Working) and self._state.can_stop)
        self.retry.setVisible(isinstance(self._state, Advice | Problem))
        self.setVisible(self._state is not None)


def problem_from(error: Exception, host: HostProfile) -> Problem:
    """The problem that an error of a job in the background is."""
    match error:
        case RemoteError():
            return problem_of(error, host)
        case StoreError() | KeyringUnavailable():
            return error.problem
        case _:
            return internal(error)


def way_out(problem: Problem) -> Phrase:
    """The remedy as it is done in these windows, where that of the command line names a command of it."""
    if "sparktray host" not in problem.remedy.msgid:
        return problem.remedy
    match problem.code:
        case "port-closed":
            return phrase("Start sshd on it, or correct the port.")
        case "host-key-unknown":
            return phrase(
                "Choose Edit and enter the fingerprint that the host itself prints for: {command}",
                command=problem.remedy.values["command"],
            )
        case "host-key-changed":
            return phrase(
                "If you did not set the host up anew, somebody may be in between. If you did: "
                "remove it from the list and add it again."
            )
        case "key-unusable":
            return phrase("Choose a key file.")
        case "folder-missing":
            return phrase(
                "Make it on the host: mkdir -p {path}. Or name another folder.",
                path=problem.remedy.values["path"],
            )
        case _:
            return problem.remedy
