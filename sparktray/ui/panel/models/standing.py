"""What stands in the place of the list: no host yet, waiting for it, or what is broken."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from sparktray.decide.showing.models import Hindrance
from sparktray.domain.phrase import Phrase, phrase
from sparktray.ui.labels import label
from sparktray.ui.panel.controls import AccentButton, Fold, Text
from sparktray.ui.panel.moments import moment
from sparktray.ui.theme import AROUND, GRID, fixed, large, tones
from sparktray.wording import Wording

_NARROW = 60 * GRID  # longer lines are hard to read


class _Told(msgspec.Struct, frozen=True):
    """What is said: title, paragraphs, the button's text, the technical text, another button's text."""

    title: Phrase
    paragraphs: tuple[Phrase, ...]
    button: Phrase | None
    technical: str = ""
    other: Phrase | None = None


class Standing(QWidget):
    """Says what is the case and offers the next step; ``pressed`` when that is taken, ``other_pressed`` for
    another way. Main thread only.
    """

    pressed = Signal()
    other_pressed = Signal()

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._shown: _Told | None = None
        self._title, self._text = Text(self), Text(self)
        self._button, self._other = AccentButton(self), QPushButton(self)
        self._fold = Fold(self)
        self._technical = QPlainTextEdit(self)
        self._technical.setReadOnly(True)
        self._technical.setFrameShape(QFrame.Shape.NoFrame)
        self._technical.setTabChangesFocus(True)
        self._button.clicked.connect(self.pressed)
        self._other.clicked.connect(self.other_pressed)
        self._fold.toggled.connect(lambda: self.tell())
        self._lay_out()

    def _lay_out(self) -> None:
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * AROUND, 2 * AROUND, 2 * AROUND, AROUND)
        rows.setSpacing(GRID)
        for text in (self._title, self._text):
            text.setMaximumWidth(_NARROW)
            rows.addWidget(text)
        rows.addSpacing(GRID)
        for button in (self._button, self._other, self._fold):
            rows.addWidget(button, alignment=Qt.AlignmentFlag.AlignLeft)
        rows.addWidget(self._technical, 1)
        rows.addStretch(1)

    def show_no_host(self) -> None:
        """There is nothing to connect to yet."""
        self._take(
            _Told(
                phrase("No host is set up yet."),
                (phrase("Tell sparktray where your Spark is. Nothing is installed or changed on it."),),
                phrase("Set up a host…"),
                other=phrase("Try the demo"),
            )
        )

    def show_hindrance(self, hindrance: Hindrance) -> None:
        """Something is waited for, or broken; the header says what."""
        paragraphs = [] if hindrance.remedy is None else [hindrance.remedy]
        paragraphs.append(_course(hindrance, self._say.language))
        button = None if hindrance.remedy is None or not hindrance.way_on else phrase("Try now")
        self._take(_Told(hindrance.title, tuple(paragraphs), button, hindrance.technical))

    def take_keyboard(self) -> None:
        """Be where the keyboard is."""
        (self._button if self._button.isVisible() else self._fold).setFocus()

    def tell(self) -> None:
        """Say and colour everything anew."""
        if self._shown is None:
            return
        told, look, say = self._shown, tones(), self._say
        self._title.tell(say(told.title), look.text, large(self))
        self._text.tell("\n\n".join(say(each) for each in told.paragraphs), look.quiet, self.font())
        self._button.dress(look)
        self._button.setVisible(told.button is not None)
        if told.button is not None:
            self._button.setText(label(say(told.button), over_bus=False))
        self._other.setVisible(told.other is not None)
        if told.other is not None:
            self._other.setText(label(say(told.other), over_bus=False))
        self._fold.tell(say(phrase("Details")), look)
        self._fold.setVisible(bool(told.technical))
        self._technical.setFont(fixed(self))
        self._technical.setAccessibleName(say(phrase("Details")))
        if self._technical.toPlainText() != told.technical:
            self._technical.setPlainText(told.technical)
        self._technical.setVisible(bool(told.technical) and self._fold.isChecked())

    def _take(self, told: _Told) -> None:
        self._shown = told
        self.tell()


def _course(hindrance: Hindrance, language: str) -> Phrase:
    """Since when, and whether somebody has to do something."""
    if hindrance.since is None:
        return phrase("It is tried again by itself.")
    since = moment(hindrance.since, language)
    if hindrance.remedy is None:
        return phrase("Since {time}.", time=since)
    if hindrance.tried:
        return phrase("Since {time}. It is tried again by itself.", time=since)
    return phrase("Since {time}. It is not tried again by itself.", time=since)
