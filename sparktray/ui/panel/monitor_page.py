"""The page that shows how the host fares: histories, GPU, containers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from sparktray.control import clock
from sparktray.decide.showing.containers import container_rows, gpu_line, trouble
from sparktray.decide.showing.history import History, Measure
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.ui.panel.container_table import ContainerTable
from sparktray.ui.panel.controls import Text
from sparktray.ui.panel.history_chart import HistoryChart
from sparktray.ui.panel.page import Page
from sparktray.ui.panel.reason import Reason
from sparktray.ui.theme import AROUND, GRID, figures, tones
from sparktray.wording import Wording

# So that the lines move on while no picture comes, as when the host is away.
_TICK_MILLISECONDS = 5000


class MonitorPage(Page):
    """Histories on top, the GPU's values, the containers below. Main thread only.

    ``history`` gives the samples so far, which somebody else collects while the page is not shown.
    """

    def __init__(self, say: Wording, history: Callable[[], History], parent: QWidget | None = None) -> None:
        super().__init__(say, parent)
        self._history = history
        self._charts = tuple(HistoryChart(say, measure, self) for measure in Measure)
        self._gpu = Text(self, wraps=False)
        self._reason = Reason(self)
        self._table = ContainerTable(say, self)
        row = QHBoxLayout()
        row.setSpacing(2 * GRID)
        for each in self._charts:
            row.addWidget(each, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        layout.setSpacing(GRID)
        layout.addLayout(row)
        layout.addWidget(self._gpu)
        layout.addWidget(self._reason, 1)
        layout.addWidget(self._table, 2)
        self._clock = QTimer(self)
        self._clock.setInterval(_TICK_MILLISECONDS)
        self._clock.timeout.connect(self._draw)
        self.setFocusProxy(self._table)

    def title(self) -> Phrase:
        """Its name in the panel's list."""
        return phrase("Monitor")

    def take(self, snapshot: Snapshot | None) -> None:
        """Show that picture."""
        say, look = self.say, tones()
        known = None if snapshot is None else trouble(snapshot)
        self._draw()
        self._gpu.tell(self._gpu_line(snapshot), look.text, figures(self.font()))
        if snapshot is None:
            self._reason.tell(say(phrase("No host is set up yet.")), "")
        elif known is not None:
            self._reason.tell(say(known.cause), "" if known.remedy is None else say(known.remedy))
        else:
            self._table.take(container_rows(snapshot))
        self._table.setVisible(snapshot is not None and known is None)
        self._reason.setVisible(not self._table.isVisibleTo(self))

    def left(self) -> None:
        """It went off the screen."""
        self._clock.stop()

    def _draw(self) -> None:
        """Qt's timer, too: lines and values up to now."""
        history, now = self._history(), clock.now()
        for each in self._charts:
            each.take(history, now)
        if not self._clock.isActive() and self.isVisible():
            self._clock.start()

    def _gpu_line(self, snapshot: Snapshot | None) -> str:
        if snapshot is None or snapshot.link is not LinkPhase.CONNECTED:
            return self.say(gpu_line(Vitals()))
        return self.say(gpu_line(snapshot.vitals))
