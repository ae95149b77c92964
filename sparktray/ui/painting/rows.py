"""How rows of lists are painted: the ground of the chosen one, its focus, text that fits."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from sparktray.ui.theme import RADIUS, Tones, mixed

_WRAP = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)


def ground(painter: QPainter, option: QStyleOptionViewItem, area: QRect, look: Tones) -> None:
    """Set off a row that is chosen or under the pointer; a ring when it has the keyboard."""
    state = option.state
    chosen = bool(state & QStyle.StateFlag.State_Selected)
    under = bool(state & QStyle.StateFlag.State_MouseOver)
    focused = bool(state & QStyle.StateFlag.State_HasFocus)
    if not (chosen or under or focused):
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(look.accent, 1.5) if focused else Qt.PenStyle.NoPen)
    if chosen:
        painter.setBrush(mixed(look.accent, look.card, 0.10))
    elif under:
        painter.setBrush(mixed(look.text, look.card, 0.04))
    inset = 0.75 if focused else 0.0
    painter.drawRoundedRect(QRectF(area).adjusted(inset, inset, -inset, -inset), RADIUS, RADIUS)
    painter.restore()


def line(
    painter: QPainter,
    area: QRect,
    text: str,
    font: QFont,
    colour: QColor,
    *,
    cut: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    """One line of text in the middle of an area, shortened to it."""
    painter.setFont(font)
    painter.setPen(colour)
    shown = QFontMetrics(font).elidedText(text, cut, area.width())
    flags = int(align | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
    painter.drawText(area, flags, shown)


def lines(painter: QPainter, area: QRect, text: str, font: QFont, colour: QColor) -> None:
    """Text in as many lines as it needs."""
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(area, _WRAP, text)


def height_of(text: str, font: QFont, width: int) -> int:
    """How high that text is in that width, in device-independent pixels."""
    if not text:
        return 0
    return QFontMetrics(font).boundingRect(QRect(0, 0, max(1, width), 1 << 20), _WRAP, text).height()


def width_of(text: str, font: QFont) -> int:
    """How wide an area must be, in device-independent pixels, so that `line` shows all of a text."""
    return ceil(QFontMetricsF(font).horizontalAdvance(text))
