"""One measure of the last 15 minutes as a small line."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from sparktray.decide.showing.history import (
    SPAN_SECONDS,
    Chart,
    History,
    Line,
    Measure,
    chart,
    point_near,
    told,
)
from sparktray.domain.phrase import phrase
from sparktray.ui.theme import GRID, figures, line_height, small, tones
from sparktray.wording import Wording

_PLOT_HEIGHT = 48
_LEAST_WIDTH = 120
_LINE_WIDTH = 1.5
_MARK_RADIUS = 3.0


class HistoryChart(QWidget):
    """A line without frame or ticks: what it is and its value now above, the time it covers below.

    The mouse, or the arrow keys while it has the focus, show value and time of one sample. Main thread only.
    """

    def __init__(self, say: Wording, measure: Measure, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._measure = measure
        self._history = History()
        self._now = 0.0
        self._chart: Chart = chart(self._history, measure, 0.0)
        self._marked: float | None = None  # the time of the sample that is pointed at
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def take(self, history: History, now: float) -> None:
        """Show that history up to ``now``, seconds since 1970. Again when language or look change."""
        self._history, self._now = history, now
        self._chart = chart(history, self._measure, now)
        self.setFont(figures(small()))
        self.setAccessibleName(self._say(self._chart.title))
        self.setAccessibleDescription(self._say(self._chart.description))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Three lines of text and the plot."""
        return QSize(2 * _LEAST_WIDTH, 2 * line_height(self.font()) + _PLOT_HEIGHT + 2 * GRID)

    def minimumSizeHint(self) -> QSize:
        """Its words side by side, at least."""
        metrics = QFontMetricsF(self.font())
        words = self._say(self._chart.title) + self._say(self._chart.latest)
        width = max(_LEAST_WIDTH, round(metrics.horizontalAdvance(words)) + 3 * GRID)
        return QSize(width, self.sizeHint().height())

    def shown_sample(self) -> str:
        """Value and time of the sample that is pointed at; empty when none is."""
        point = None if self._marked is None else point_near(self._history, self._marked)
        if point is None:
            return ""
        time = QDateTime.fromSecsSinceEpoch(int(point.at)).toString("HH:mm:ss")
        value = self._say(told(point, self._measure))
        return self._say(phrase("{value} at {time}", value=value, time=time))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words above, plot, words below."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look, plot, tall = tones(), self._plot(), line_height(self.font())
        head = QRectF(plot.left(), GRID / 2, plot.width(), tall)
        foot = QRectF(plot.left(), plot.bottom() + GRID / 2, plot.width(), tall)
        sample = self.shown_sample()
        painter.setPen(look.quiet)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft, self._say(self._chart.title))
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, sample or self._say(phrase("15 min")))
        if not sample:
            painter.drawText(foot, Qt.AlignmentFlag.AlignRight, self._say(phrase("now")))
        painter.setPen(look.text)
        painter.drawText(head, Qt.AlignmentFlag.AlignRight, self._say(self._chart.latest))
        painter.setPen(QPen(look.hairline, 1.0))
        for edge in (plot.top(), plot.bottom()):
            painter.drawLine(QPointF(plot.left(), edge), QPointF(plot.right(), edge))
        painter.setPen(look.quiet)
        painter.drawText(
            plot.adjusted(0, 1, 0, 0), Qt.AlignmentFlag.AlignLeft, self._say(self._chart.top_label)
        )
        for line in self._chart.lines:
            self._paint_line(painter, plot, line)
        if sample and self._marked is not None:
            self._paint_mark(painter, plot, self._marked)
        if self.hasFocus():
            painter.setPen(QPen(look.accent, _LINE_WIDTH))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), GRID / 2, GRID / 2)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point at the sample under the mouse."""
        plot = self._plot()
        share = (event.position().x() - plot.left()) / max(1.0, plot.width())
        self._mark(self._now - (1.0 - share) * SPAN_SECONDS)

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing."""
        self._mark(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Point at nothing."""
        super().focusOutEvent(event)
        self._mark(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right, Home and End go through the samples."""
        times = [point.at for point in self._history.points]
        key = event.key()
        if not times or key not in _STEPS:
            super().keyPressEvent(event)
            return
        nearest = None if self._marked is None else point_near(self._history, self._marked)
        place = len(times) if nearest is None else times.index(nearest.at)
        place = min(max(0, place + _STEPS[key]), len(times) - 1)
        self._mark(times[place])

    def _mark(self, at: float | None) -> None:
        self._marked = at
        # A screen reader reads the sample that is pointed at, and what the line shows when none is.
        self.setAccessibleDescription(self.shown_sample() or self._say(self._chart.description))
        self.update()

    def _plot(self) -> QRectF:
        tall = line_height(self.font())
        return QRectF(self.rect()).adjusted(GRID / 2, tall + GRID, -GRID / 2, -tall - GRID)

    def _place(self, plot: QRectF, at: float, value: float) -> QPointF:
        across = 1.0 - (self._now - at) / SPAN_SECONDS
        up = min(1.0, max(0.0, value / self._chart.top))
        return QPointF(plot.left() + across * plot.width(), plot.bottom() - up * plot.height())

    def _paint_line(self, painter: QPainter, plot: QRectF, line: Line) -> None:
        colour = tones().accent
        places = [self._place(plot, at, value) for at, value in line]
        if len(places) == 1:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(places[0], _LINE_WIDTH, _LINE_WIDTH)
            return
        below = QColor(colour)
        below.setAlphaF(0.12)
        foot = [QPointF(places[-1].x(), plot.bottom()), QPointF(places[0].x(), plot.bottom())]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(below)
        painter.drawPolygon(QPolygonF([*places, *foot]))
        painter.setPen(QPen(colour, _LINE_WIDTH, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, _ROUND))
        painter.drawPolyline(QPolygonF(places))

    def _paint_mark(self, painter: QPainter, plot: QRectF, marked: float) -> None:
        look = tones()
        near = [place for line in self._chart.lines for place in line]
        point = point_near(self._history, marked)
        if point is None:
            return
        x = self._place(plot, point.at, 0.0).x()
        painter.setPen(QPen(look.quiet, 1.0))
        painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.accent)
        for at, value in near:
            if at == point.at:
                painter.drawEllipse(self._place(plot, at, value), _MARK_RADIUS, _MARK_RADIUS)


# Home and End go further than there can be samples.
_STEPS: dict[int, int] = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Home: -1000,
    Qt.Key.Key_End: 1000,
}
_ROUND = Qt.PenJoinStyle.RoundJoin
