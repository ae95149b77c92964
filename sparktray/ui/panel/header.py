"""The top of the panel: the state of the whole, and what can be done with what runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from sparktray.control import clock
from sparktray.decide.showing.header import Choice, Header, Line, header
from sparktray.domain.operation import StopWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.ui.icons import Look, icon
from sparktray.ui.labels import label
from sparktray.ui.panel.controls import Text
from sparktray.ui.theme import AROUND, GRID, figures, is_dark, large, small, tones
from sparktray.wording import Wording

_ICON = 4 * GRID
# Long enough to be read, short enough to be over when the next thing is copied.
_FEEDBACK_MILLISECONDS = 2000


class PanelHeader(QWidget):
    """Icon, sentence, servers, Copy ID and Stop. Main thread only.

    Emits ``wished`` with a wish and ``copy_asked`` with a server's name.
    """

    wished = Signal(object)
    copy_asked = Signal(str)

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._shown: tuple[Header, str, bool] | None = None
        self._icon = QLabel(self)
        self._sentence = Text(self)
        self._lines = Text(self)
        self._copy = _Offer(self, lambda server: self.copy_asked.emit(server))
        self._stop = _Offer(self, lambda server: self.wished.emit(StopWish(server)))
        self._answer: Phrase | None = None
        self._answered = QTimer(self, singleShot=True, interval=_FEEDBACK_MILLISECONDS)
        self._answered.timeout.connect(self._answer_over)
        self._lay_out()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._sentence)
        words.addWidget(self._lines)
        rows = QHBoxLayout(self)
        rows.setContentsMargins(AROUND, AROUND - 4, AROUND, AROUND - 4)
        rows.setSpacing(GRID)
        rows.addWidget(self._icon, alignment=Qt.AlignmentFlag.AlignTop)
        rows.addSpacing(4)
        rows.addLayout(words, 1)
        rows.addWidget(self._copy.button, alignment=Qt.AlignmentFlag.AlignTop)
        rows.addWidget(self._stop.button, alignment=Qt.AlignmentFlag.AlignTop)

    def take(self, snapshot: Snapshot | None) -> None:
        """Show that picture as of now; None while no host is set up."""
        if snapshot is None:
            return
        view = header(snapshot, clock.now())
        known = (view, self._say.language, is_dark())
        if known != self._shown:
            self._shown = known
            self.tell()

    def tell(self) -> None:
        """Say and colour everything anew."""
        if self._shown is None:
            return
        view, look, say = self._shown[0], tones(), self._say
        art = Look.COLOURED_DARK if is_dark() else Look.COLOURED_LIGHT
        self._icon.setPixmap(icon(view.icon, art).pixmap(_ICON, _ICON))
        self._sentence.tell(say(view.sentence), look.text, large(self))
        lines = "\n".join(self._line(each) for each in view.lines)
        self._lines.tell(lines, look.quiet, figures(small(self)))
        self._icon.setAccessibleName(say(view.sentence))
        copy = phrase("Copy ID") if self._answer is None else self._answer
        self._copy.tell(say, view.copies, copy, phrase("Copy model ID"), None)
        everything = phrase("Stop all servers")
        self._stop.tell(say, view.stops, phrase("Stop"), phrase("Stop the model"), everything)

    def answered(self, said: Phrase) -> None:
        """Say on the button for a moment how copying went."""
        self._answer = said
        self._answered.start()
        self.tell()

    def _answer_over(self) -> None:
        self._answer = None
        self.tell()

    def _line(self, parts: Line) -> str:
        return " · ".join(part if isinstance(part, str) else self._say(part) for part in parts)


class _Offer:
    """A button for one server, or with several of them a menu of one row each."""

    def __init__(self, parent: QWidget, chosen: Callable[[str | None], None]) -> None:
        self.button = QPushButton(parent)
        self._chosen = chosen
        self._choices: tuple[Choice, ...] = ()
        self._menu = QMenu(self.button)
        self.button.clicked.connect(self._clicked)

    def tell(
        self,
        say: Wording,
        choices: tuple[Choice, ...],
        text: Phrase,
        name: Phrase,
        everything: Phrase | None,
    ) -> None:
        """Set text and rows; without a choice the button is not there."""
        self._choices = choices
        self.button.setText(label(say(text), over_bus=False))
        self.button.setAccessibleName(say(name))
        only = say(choices[0].label) if len(choices) == 1 else ""
        self.button.setAccessibleDescription(only)
        several = self._menu if len(choices) > 1 else None
        if self.button.menu() is not several:
            # Qt takes the menu away again with None, which PySide's types do not know.
            self.button.setMenu(several)  # type: ignore[arg-type]
        self.button.setVisible(bool(choices))
        rows = [(say(each.label), each.server) for each in choices]
        shown = [(action.iconText(), action.data()) for action in self._menu.actions()]
        wanted: list[tuple[str, str | None]] = [*rows]
        if everything is not None:
            wanted.append((say(everything), None))
        if shown != wanted:
            self._fill(wanted)

    def _fill(self, rows: list[tuple[str, str | None]]) -> None:
        self._menu.clear()
        for text, server in rows:
            action = self._menu.addAction(label(text, over_bus=False))
            action.setIconText(text)
            action.setData(server)
            action.triggered.connect(partial(self._chosen, server))

    def _clicked(self) -> None:
        if len(self._choices) == 1:
            self._chosen(self._choices[0].server)
