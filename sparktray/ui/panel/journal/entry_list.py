"""The list of operations: choosing one."""

from __future__ import annotations

from PySide6.QtCore import QDate, QModelIndex, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QListView, QWidget

from sparktray.decide.showing.journal.rows import EntryMark, EntryRow
from sparktray.domain.phrase import phrase
from sparktray.ui.panel.journal.entry_rows import EntryPainter, EntryRows, EntryWords, words_of
from sparktray.ui.theme import GRID, Tones, tones
from sparktray.wording import Wording

_Around = tuple[bool, str, int, Tones, QFont]
"""What all rows depend on: whether hosts are told, language, day, colours, font."""


class EntryList(QListView):
    """Operations, the newest first. Emits ``opened`` with the id of one, on a click or Enter.

    Main thread only.
    """

    opened = Signal(str)

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._shown: tuple[tuple[EntryRow, ...], _Around] | None = None
        self._heights: list[tuple[str, bool, EntryMark]] = []
        self._rows = EntryRows(self)
        self._painter = EntryPainter(self)
        self.setModel(self._rows)
        self.setItemDelegate(self._painter)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setViewportMargins(GRID // 2, GRID, GRID // 2, GRID)
        self.clicked.connect(self._open)

    def show_rows(self, rows: tuple[EntryRow, ...], *, hosts: bool) -> None:
        """Show these, with their hosts when there may be several; all texts in the language of now."""
        today = QDate.currentDate().toJulianDay()  # by which a row tells its time or its day
        around = (hosts, self._say.language, today, tones(), self.font())
        if (rows, around) == self._shown:
            return
        chosen, first = self._rows.id_at(self.currentIndex()), self.currentIndex().row() == 0
        anew = self._shown is None or around != self._shown[1]
        made = self._words(rows, anew=anew, hosts=hosts)
        heights = [(each.sentence, bool(each.below), each.row.mark) for each in made]
        self._shown = (rows, around)
        self.setAccessibleName(self._say(phrase("Operations")))
        widened = self._painter.measure(made, self)
        self._rows.show(made)
        if anew or widened or heights != self._heights:
            self._heights = heights
            self.scheduleDelayedItemsLayout()
        place = self._rows.place_of(chosen)
        if place.row() != self.currentIndex().row() and chosen is not None:
            # Whoever is at the newest stays with the newest.
            self.setCurrentIndex(self._rows.index(0) if first and rows else place)

    def _words(self, rows: tuple[EntryRow, ...], *, anew: bool, hosts: bool) -> list[EntryWords]:
        """All rows in words; of those that are as before the words are, too."""
        before = {} if anew else {each.row.id: each for each in self._rows.rows}
        made = []
        for row in rows:
            known = before.get(row.id)
            same = known is not None and known.row == row
            made.append(known if known is not None and same else words_of(row, self._say, hosts=hosts))
        return made

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Qt's: Enter opens."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._open(self.currentIndex())
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Qt's: the keyboard begins with the newest."""
        if not self.currentIndex().isValid() and self._rows.rows:
            self.setCurrentIndex(self._rows.index(0))
        super().focusInEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt's: sentences break differently in another width."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def _open(self, index: QModelIndex) -> None:
        identity = self._rows.id_at(index)
        if identity is not None:
            self.opened.emit(identity)
