"""The host's memory as one bar at the foot of the panel."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from sparktray.decide.showing.memory import MemoryBarView, Segment, memory_bar
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.ui.labels import hint
from sparktray.ui.theme import GRID, figures, line_height, mixed, small, tones
from sparktray.wording import Wording

_CORNER = 5.0
# So much of a colour on the card leaves text on it a contrast of 4.5:1.
_TINT = 0.3
_BAR_WIDTH = 160  # as narrow as the bar itself may become
_GAP = 2.0  # between segments of one colour
_SHORTEST_NAME = 12  # letters of a shortened label; with fewer, names of one family look alike


class MemoryBar(QWidget):
    """What each server uses, the rest of what is used, free, and what has to stay free. Main thread only."""

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._view: MemoryBarView | None = None
        self._title = ""
        self._unknown = ""
        self._total = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def take(self, snapshot: Snapshot | None) -> None:
        """Show that picture; None while no host is set up. To be called anew when language or look change."""
        say = self._say
        self._view = None if snapshot is None else memory_bar(snapshot)
        self._title = say(phrase("Memory"))
        self._unknown = say(phrase("not known"))
        self._total = "" if self._view is None else say(self._view.total_label)
        told = self._unknown if self._view is None else say(self._view.description)
        self.setAccessibleName(self._title)
        self.setAccessibleDescription(told)
        self.setToolTip(hint(told))
        self.setFont(figures(small()))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as there is room for, one line and its air high."""
        metrics = QFontMetricsF(self.font())
        beside = metrics.horizontalAdvance(self._title) + metrics.horizontalAdvance(self._total)
        return QSize(round(beside) + 2 * GRID + 2 * _BAR_WIDTH, line_height(self.font()) + GRID)

    def minimumSizeHint(self) -> QSize:
        """Words and a bar in which something can be seen."""
        hint = self.sizeHint()
        return QSize(hint.width() - _BAR_WIDTH, hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The word, the bar, the whole."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look, metrics = tones(), QFontMetricsF(self.font())
        area = QRectF(self.rect())
        before = metrics.horizontalAdvance(self._title) + GRID * 1.5
        after = metrics.horizontalAdvance(self._total) + GRID * 1.5 if self._total else 0.0
        painter.setPen(look.quiet)
        painter.drawText(area, _LEFT, self._title)
        painter.setPen(look.text)
        painter.drawText(area, _RIGHT, self._total)
        bar = area.adjusted(before, 1, -after, -1)
        if bar.width() < 1:
            return
        if self._view is None:
            self._paint_unknown(painter, bar)
        else:
            self._paint_known(painter, bar, self._view)

    def _paint_unknown(self, painter: QPainter, bar: QRectF) -> None:
        look = tones()
        painter.setPen(QPen(look.quiet, 1.0, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(bar.adjusted(0.5, 0.5, -0.5, -0.5), _CORNER, _CORNER)
        painter.setPen(look.quiet)
        painter.drawText(bar.adjusted(GRID, 0, -GRID, 0), _LEFT, self._unknown)

    def _paint_known(self, painter: QPainter, bar: QRectF, view: MemoryBarView) -> None:
        look = tones()
        outline = QPainterPath()
        outline.addRoundedRect(bar, _CORNER, _CORNER)
        *taken, rest, free = _places(bar, view)
        kept = bar.right() - bar.width() * view.headroom / view.total
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(bar, look.card)
        used = mixed(look.bad if view.scarce else look.accent, look.card, _TINT)
        for place in taken:
            painter.fillRect(place.adjusted(0, 0, -min(_GAP, place.width() / 2), 0), used)
        painter.fillRect(rest, mixed(look.quiet, look.card, _TINT) if taken else used)
        hatched = free.adjusted(max(0.0, kept - free.left()), 0, 0, 0)
        painter.fillRect(hatched, QBrush(look.quiet, Qt.BrushStyle.BDiagPattern))
        painter.setPen(QPen(look.bad if view.scarce else look.quiet, 1.0))
        painter.drawLine(round(kept), round(bar.top()), round(kept), round(bar.bottom()))
        painter.restore()
        painter.setPen(QPen(look.quiet, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(bar.adjusted(0.5, 0.5, -0.5, -0.5), _CORNER, _CORNER)
        painter.setPen(look.text)
        for place, segment in zip(taken, view.servers, strict=True):
            self._write_name(painter, _before(kept, place), segment)
        self._write(painter, _before(kept, rest), view.rest)
        self._write(painter, _before(kept, free), view.free)

    def _write_name(self, painter: QPainter, place: QRectF, segment: Segment) -> None:
        """Its label, shortened in the middle where there is room for a part: name and figure remain."""
        metrics = QFontMetricsF(self.font())
        room = place.adjusted(GRID, 0, -GRID, 0)
        if room.width() < metrics.averageCharWidth() * _SHORTEST_NAME:
            self._write(painter, place, segment)
            return
        text = metrics.elidedText(self._say(segment.labels[0]), Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, _LEFT, text)

    def _write(self, painter: QPainter, place: QRectF, segment: Segment) -> None:
        """The longest of its labels that fits whole."""
        metrics = QFontMetricsF(self.font())
        room = place.adjusted(GRID, 0, -GRID, 0)
        for text in map(self._say, segment.labels):
            if metrics.horizontalAdvance(text) <= room.width():
                painter.drawText(room, _LEFT, text)
                return


def _places(bar: QRectF, view: MemoryBarView) -> list[QRectF]:
    """Where the segments lie: the servers', the rest's and what is free."""
    places: list[QRectF] = []
    before = 0
    for segment in (*view.servers, view.rest, view.free):
        left = bar.left() + bar.width() * before / view.total
        before += segment.size
        right = bar.left() + bar.width() * before / view.total
        places.append(QRectF(left, bar.top(), right - left, bar.height()))
    return places


def _before(mark: float, place: QRectF) -> QRectF:
    """As much of a place as lies before the mark, which no text may cross."""
    right = max(place.left(), min(place.right(), mark))
    return QRectF(place.topLeft(), QPointF(right, place.bottom()))


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
