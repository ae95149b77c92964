"""The question before something is lost. A no is what Enter, Escape and closing the window mean."""

from __future__ import annotations

from enum import Enum, auto

from msgspec.structs import replace
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton, QWidget

from sparktray.decide.showing.question import Question, question
from sparktray.domain.operation import BackWish, ForgetWish, RestoreWish, WipeWish, Wish
from sparktray.domain.snapshot import Snapshot
from sparktray.wording import Wording


class Asker(QObject):
    """Between a click and the wish: asks when something would be lost. Main thread only.

    Emits ``wished`` with what shall be done, at once when there is nothing to ask, else after a yes.
    """

    wished = Signal(object)

    def __init__(self, say: Wording, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._latest: Snapshot | None = None
        self._wish: Wish | None = None
        self._asked: Question | None = None
        self._box: _Box | None = None

    def take(self, snapshot: Snapshot) -> None:
        """Know the present picture, by which an answer is judged. Again after a change of language."""
        self._latest = snapshot
        if self._box is not None and self._asked is not None and self._box.isVisible():
            self._box.tell(self._asked)

    def wish(self, snapshot: Snapshot, wish: Wish, parent: QWidget | None = None) -> None:
        """Somebody clicked; ``parent`` is the window in which. The last click wins."""
        self._latest, self._wish = snapshot, wish
        asked = question(snapshot, wish)
        if asked is None:
            self.close()
            self.wished.emit(wish)
        else:
            self._ask(asked, parent)

    def close(self) -> None:
        """Take an open question away: a no."""
        self._asked = None
        if self._box is not None:
            box, self._box = self._box, None
            box.close()
            box.deleteLater()

    def _ask(self, asked: Question, parent: QWidget | None) -> None:
        self.close()
        self._asked = asked
        self._box = _Box(self._say, parent)
        self._box.finished.connect(self._answered)
        self._box.tell(asked)
        self._box.show()
        self._box.raise_()
        self._box.activateWindow()

    def _answered(self) -> None:
        box, asked, wish, latest = self._box, self._asked, self._wish, self._latest
        if (
            box is None
            or asked is None
            or latest is None
            or wish is None
            or isinstance(wish, BackWish | WipeWish | RestoreWish | ForgetWish)
        ):
            return
        choice, parent = box.choice, box.parentWidget()
        self.close()
        if choice is Choice.NO:
            return
        chosen = asked.later[1] if choice is Choice.LATER and asked.later is not None else asked.wish
        # What would be lost may be something else by now, or nothing: the answer was to what was asked.
        now = question(latest, wish)
        if now is None:
            self.wished.emit(replace(wish, busy=chosen.busy))
        elif now.about <= asked.about:
            self.wished.emit(chosen if now.about == asked.about else replace(now.wish, busy=chosen.busy))
        else:
            self._ask(now, parent)


class Choice(Enum):
    """What was answered."""

    YES = auto()
    LATER = auto()
    NO = auto()


class _Box(QMessageBox):
    """The platform's own box for a question, which leaves the rest of the program usable."""

    def __init__(self, say: Wording, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._say = say
        self.setModal(False)
        self.setWindowModality(Qt.WindowModality.NonModal)
        self.setIcon(QMessageBox.Icon.Warning)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._yes: QPushButton = self.addButton("", QMessageBox.ButtonRole.AcceptRole)
        self._later: QPushButton | None = None
        self._no: QPushButton = self.addButton("", QMessageBox.ButtonRole.RejectRole)
        self._yes.setAutoDefault(False)
        self.setDefaultButton(self._no)
        self.setEscapeButton(self._no)
        # Qt 6.11 has no property for the weight of the question itself, only this name for its label.
        heading = self.findChild(QLabel, "qt_msgbox_label")
        if heading is not None:
            font = heading.font()
            font.setBold(True)
            heading.setFont(font)

    @property
    def choice(self) -> Choice:
        """Which button closed it; anything else is a no."""
        clicked = self.clickedButton()
        if clicked is self._yes:
            return Choice.YES
        return Choice.LATER if self._later is not None and clicked is self._later else Choice.NO

    def tell(self, asked: Question) -> None:
        """Say it in the language of the moment."""
        title = self._say(asked.title)
        self.setWindowTitle(title)
        self.setText(title)
        self.setInformativeText("\n\n".join(self._say(point) for point in asked.points))
        self._yes.setText(self._say(asked.yes))
        self._no.setText(self._say(asked.no))
        if asked.later is None:
            return
        words = self._say(asked.later[0])
        if self._later is None:
            # Qt warns of an action button without words.
            self._later = self.addButton(words, QMessageBox.ButtonRole.ActionRole)
            self._later.setAutoDefault(False)
        self._later.setText(words)
