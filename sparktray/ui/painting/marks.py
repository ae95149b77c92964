"""The marks beside models and steps: shapes that are told apart without their colours."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from sparktray.decide.showing.models import Mark
from sparktray.domain.operation import StepState
from sparktray.ui.theme import Tones, line_height

_STROKE = 1.5


def mark_width(widget: QWidget) -> int:
    """How wide a mark is beside text of that widget."""
    return round(0.65 * line_height(widget.font()))


def draw_mark(painter: QPainter, area: QRect, mark: Mark, look: Tones) -> None:
    """A disc for what runs, half a disc on its way, a triangle for trouble, a ring at rest."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    box = _square(area)
    match mark:
        case Mark.RUNS:
            _disc(painter, box, look.good)
        case Mark.UNDER_WAY:
            _half(painter, box, look.busy)
        case Mark.TROUBLE:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.bad)
            painter.drawPolygon(
                QPolygonF([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()])
            )
        case Mark.RESTS:
            _ring(painter, box, look.quiet)
        case _:  # pragma: no cover
            assert_never(mark)
    painter.restore()


def draw_step(painter: QPainter, area: QRect, state: StepState, look: Tones) -> None:
    """A tick for what is done, half a disc for what is under way, a cross for what failed, a ring to come."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    box = _square(area)
    match state:
        case StepState.DONE:
            _strokes(painter, look.good, [_at(box, 0.0, 0.55), _at(box, 0.36, 0.9), _at(box, 1.0, 0.12)])
        case StepState.RUNNING:
            _half(painter, box, look.busy)
        case StepState.FAILED:
            inner = box.adjusted(1, 1, -1, -1)
            _strokes(painter, look.bad, [inner.topLeft(), inner.bottomRight()])
            _strokes(painter, look.bad, [inner.topRight(), inner.bottomLeft()])
        case StepState.WAITING:
            _ring(painter, box, look.quiet)
        case _:  # pragma: no cover
            assert_never(state)
    painter.restore()


def _square(area: QRect) -> QRectF:
    """The largest square in the middle of an area."""
    side = float(min(area.width(), area.height()))
    square = QRectF(0, 0, side, side)
    square.moveCenter(QRectF(area).center())
    return square


def _at(box: QRectF, across: float, down: float) -> QPointF:
    return QPointF(box.left() + across * box.width(), box.top() + down * box.height())


def _disc(painter: QPainter, box: QRectF, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(box)


def _ring(painter: QPainter, box: QRectF, colour: QColor) -> None:
    inset = _STROKE / 2
    painter.setPen(QPen(colour, _STROKE))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(box.adjusted(inset, inset, -inset, -inset))


def _half(painter: QPainter, box: QRectF, colour: QColor) -> None:
    """A ring, its lower half filled."""
    _ring(painter, box, colour)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPie(box, 180 * 16, 180 * 16)


def _strokes(painter: QPainter, colour: QColor, points: list[QPointF]) -> None:
    pen = QPen(colour, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF(points))
