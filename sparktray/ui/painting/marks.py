"""The marks beside models, steps and operations: shapes that are told apart without their colours."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from sparktray.decide.showing.journal.rows import EntryMark
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
            _triangle(painter, box, look.bad)
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
            _tick(painter, box, look.good)
        case StepState.RUNNING:
            _half(painter, box, look.busy)
        case StepState.FAILED:
            _cross(painter, box, look.bad)
        case StepState.WAITING:
            _ring(painter, box, look.quiet)
        case _:  # pragma: no cover
            assert_never(state)
    painter.restore()


def draw_entry(painter: QPainter, area: QRect, mark: EntryMark, look: Tones) -> None:
    """As for a step what is done, under way and failed; an arrow back for what was taken back, a bar for what
    was cancelled, a triangle for what needs a person, a ring that is open for what was broken off.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    box = _square(area)
    match mark:
        case EntryMark.DONE:
            _tick(painter, box, look.good)
        case EntryMark.UNDER_WAY:
            _half(painter, box, look.busy)
        case EntryMark.FAILED:
            _cross(painter, box, look.bad)
        case EntryMark.TAKEN_BACK:
            _strokes(painter, look.warning, [_at(box, 1.0, 0.5), _at(box, 0.05, 0.5)])
            _strokes(painter, look.warning, [_at(box, 0.42, 0.1), _at(box, 0.0, 0.5), _at(box, 0.42, 0.9)])
        case EntryMark.CANCELLED:
            _strokes(painter, look.quiet, [_at(box, 0.05, 0.5), _at(box, 0.95, 0.5)])
        case EntryMark.NEEDS_YOU:
            _triangle(painter, box, look.bad)
        case EntryMark.BROKEN_OFF:
            painter.setPen(QPen(look.bad, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawArc(box.adjusted(1, 1, -1, -1), 80 * 16, 260 * 16)
        case EntryMark.UNKNOWN:
            _ring(painter, box, look.quiet)
        case _:  # pragma: no cover
            assert_never(mark)
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


def _tick(painter: QPainter, box: QRectF, colour: QColor) -> None:
    _strokes(painter, colour, [_at(box, 0.0, 0.55), _at(box, 0.36, 0.9), _at(box, 1.0, 0.12)])


def _cross(painter: QPainter, box: QRectF, colour: QColor) -> None:
    inner = box.adjusted(1, 1, -1, -1)
    _strokes(painter, colour, [inner.topLeft(), inner.bottomRight()])
    _strokes(painter, colour, [inner.topRight(), inner.bottomLeft()])


def _triangle(painter: QPainter, box: QRectF, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(
        QPolygonF([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()])
    )


def _strokes(painter: QPainter, colour: QColor, points: list[QPointF]) -> None:
    pen = QPen(colour, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF(points))
