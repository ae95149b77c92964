"""Labels that show any text as it is, in the few ways these windows write."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontDatabase, QPalette
from PySide6.QtWidgets import QLabel, QPushButton

_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


def name_label(text: str = "") -> QLabel:
    """A label of a few words on one line, which may have a mnemonic."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def text_label(*, selectable: bool = False) -> QLabel:
    """A label of plain text that breaks its lines."""
    label = name_label()
    label.setWordWrap(True)
    if selectable:
        label.setTextInteractionFlags(_SELECTABLE)
    return label


def code_label() -> QLabel:
    """A label for what is compared or typed letter by letter."""
    label = text_label(selectable=True)
    label.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    return label


def button() -> QPushButton:
    """A button that Enter presses only while it has the focus itself."""
    made = QPushButton()
    made.setAutoDefault(False)
    return made


def tint(label: QLabel, color: QColor) -> None:
    """Write a label in that colour; to be called again when the look has changed."""
    palette = label.palette()
    palette.setColor(QPalette.ColorRole.WindowText, color)
    label.setPalette(palette)
