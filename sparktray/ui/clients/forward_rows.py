"""The forwards that are kept open, each with End."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.handoff.keeping import ForwardState
from sparktray.ui.painting.texts import heading, line, quietly, tint
from sparktray.ui.theme import GRID, tones
from sparktray.wording import Wording


class ForwardRows(QWidget):
    """Main thread only.

    ``ended`` carries the server whose forward shall end, ``again`` asks to try what is not open.
    """

    ended = Signal(str)
    again = Signal()

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._shown: tuple[ForwardState, ...] = ()
        self.heading = heading()
        self.rows: list[tuple[QLabel, QLabel, QPushButton, QPushButton]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * GRID)
        self._grid.setVerticalSpacing(GRID // 2)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(self.heading, 0, 0, 1, 4)

    def take(self, states: tuple[ForwardState, ...]) -> None:
        """Show these; nothing at all without one."""
        say, self._shown = self._say, states
        self.setVisible(bool(states))
        self.heading.setText(say(phrase("Forwards")))
        while len(self.rows) < len(states):
            self._add_row()
        for number, (url, what, again, end) in enumerate(self.rows):
            state = states[number] if number < len(states) else None
            for widget in (url, what, again, end):
                widget.setVisible(state is not None)
            if state is None:
                continue
            url.setText(f"http://127.0.0.1:{state.wanted.port}/v1")
            what.setText(say(_standing(state)))
            quietly(what)
            if state.connections is None:
                tint(what, tones().bad)
            again.setText(say(phrase("Try again")))
            again.setVisible(state.connections is None)
            end.setText(say(phrase("End")))
            end.setAccessibleName(f"{say(phrase('End'))} {url.text()}")

    def _add_row(self) -> None:
        number = len(self.rows)
        url, what, again, end = line(), line(), QPushButton(), QPushButton()
        url.setWordWrap(False)
        again.clicked.connect(self.again)
        end.clicked.connect(lambda: self.ended.emit(self._shown[number].wanted.server))
        for column, widget in enumerate((url, what, again, end)):
            self._grid.addWidget(widget, number + 1, column)
        self.rows.append((url, what, again, end))


def _standing(state: ForwardState) -> Phrase:
    server = state.wanted.server
    if state.connections is None:
        return phrase("{server}: another program of this computer holds the port.", server=server)
    return phrase_n(
        "leads to {server}, {count} connection",
        "leads to {server}, {count} connections",
        state.connections,
        server=server,
    )
