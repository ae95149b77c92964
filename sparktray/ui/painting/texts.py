"""Labels of pages and windows: plain text as it is, in the tones of the present look."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QCheckBox, QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from sparktray.domain.problem import Problem
from sparktray.ui.theme import GRID, INSIDE, RADIUS, small, tones
from sparktray.wording import Wording


def line() -> QLabel:
    """Text that wraps and is shown as it is."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    return made


def selectable() -> QLabel:
    """Text that a person may want to copy, such as a path or an error."""
    made = line()
    made.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return made


def name_label(text: str = "") -> QLabel:
    """A label of a few words on one line, which may have a mnemonic."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    return made


def code_label() -> QLabel:
    """A label for what is compared or typed letter by letter."""
    made = selectable()
    made.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    return made


def button() -> QPushButton:
    """A button that Enter presses only while it has the focus itself."""
    made = QPushButton()
    made.setAutoDefault(False)
    return made


def heading() -> QLabel:
    """The name of a group."""
    made = line()
    font = QFont(made.font())
    font.setWeight(QFont.Weight.DemiBold)
    made.setFont(font)
    return made


def quietly(label: QLabel) -> None:
    """What explains: smaller, second grey. Again after a change of the look."""
    label.setFont(small(label))
    tint(label, tones().quiet)


def tint(widget: QWidget, colour: QColor) -> None:
    """Its text in that colour."""
    palette = widget.palette()
    if palette.color(QPalette.ColorRole.WindowText) != colour:
        palette.setColor(QPalette.ColorRole.WindowText, colour)
        widget.setPalette(palette)


def outlined(box: QCheckBox) -> None:
    """Its square seen against the page. Again after a change of the look.

    Qt's Fusion style (6.11) outlines it in the window's colour made darker, which on a dark page has a
    contrast of 1.2:1 and on a light one of 2:1. The box does not paint its background, so that nothing
    else changes with this.
    """
    palette = box.palette()
    if palette.color(QPalette.ColorRole.Window) != tones().quiet:
        palette.setColor(QPalette.ColorRole.Window, tones().quiet)
        box.setPalette(palette)


class Trouble(QFrame):
    """A problem where it belongs: what is wrong, then the way out. Not there while nothing is wrong."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trouble")
        self.cause, self.remedy = selectable(), selectable()
        column = QVBoxLayout(self)
        column.setContentsMargins(INSIDE, GRID, INSIDE, GRID)
        column.setSpacing(GRID // 2)
        column.addWidget(self.cause)
        column.addWidget(self.remedy)
        self.hide()

    def show_problem(self, problem: Problem | None, say: Wording) -> None:
        """Show it in the present language and look; None hides it."""
        self.setVisible(problem is not None)
        if problem is None:
            return
        look = tones()
        self.cause.setText(say(problem.cause))
        self.remedy.setText(say(problem.remedy))
        tint(self.cause, look.text)
        tint(self.remedy, look.quiet)
        style = (
            f"#trouble {{ background: {look.card.name()}; border: 1px solid {look.hairline.name()};"
            f" border-left: 3px solid {look.bad.name()}; border-radius: {RADIUS // 2}px; }}"
        )
        if self.styleSheet() != style:
            self.setStyleSheet(style)
