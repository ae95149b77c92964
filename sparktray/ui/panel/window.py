"""The panel: the program's window, and its only face where a desktop shows no tray icons."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QMoveEvent,
    QPalette,
    QResizeEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.ui.labels import label
from sparktray.ui.panel.controls import Hairline, Text
from sparktray.ui.panel.header import PanelHeader
from sparktray.ui.panel.memory_bar import MemoryBar
from sparktray.ui.panel.models.models_page import ModelsPage
from sparktray.ui.panel.navigation import Navigation
from sparktray.ui.panel.page import Page
from sparktray.ui.theme import AROUND, GRID, LOOKS, dress, tones
from sparktray.wording import Wording

_FIRST_WIDTH, _FIRST_HEIGHT = 720, 520
_TICK_MILLISECONDS = 1000
# A window that is being dragged tells its place once, when it rests.
_SETTLED_MILLISECONDS = 500


class PanelWindow(QWidget):
    """Header, pages and memory. Main thread only.

    Emits ``wished`` with a wish, ``cancelled``, ``copy_asked`` with a server's name, ``setup_asked`` and
    ``demo_asked`` while no host is set up, ``retry_asked`` to connect at once, ``notice_pressed`` for the
    line at the top, ``geometry_changed`` with what ``restore`` takes, and ``closed``.
    """

    wished = Signal(object)
    cancelled = Signal()
    copy_asked = Signal(str)
    setup_asked = Signal()
    demo_asked = Signal()
    retry_asked = Signal()
    notice_pressed = Signal()
    geometry_changed = Signal(str)
    closed = Signal()

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._latest: Snapshot | None = None
        self._pages: list[Page] = []
        self._notice: tuple[Phrase | None, Phrase | None] = (None, None)
        self._dressing = False
        self._place = ""
        self._note, self._note_button = Text(self), QPushButton(self)
        self._note_line, self._header_line, self._foot_line = (Hairline(parent=self) for _ in range(3))
        self._header = PanelHeader(say, self)
        self._navigation = Navigation(self)
        self._stack = QStackedWidget(self)
        self._foot = QWidget(self)
        self._memory = MemoryBar(say, self._foot)
        self._clock = QTimer(self, interval=_TICK_MILLISECONDS)
        self._clock.timeout.connect(self._tick)
        self._settled = QTimer(self, singleShot=True, interval=_SETTLED_MILLISECONDS)
        self._settled.timeout.connect(self._tell_geometry)
        self._header.wished.connect(self.wished)
        self._header.copy_asked.connect(self.copy_asked)
        self._note_button.clicked.connect(self.notice_pressed)
        self._navigation.currentRowChanged.connect(self._turn_to)
        self.resize(_FIRST_WIDTH, _FIRST_HEIGHT)
        self._lay_out()
        self._bind_keys()
        models = ModelsPage(say)
        models.wished.connect(self.wished)
        models.cancelled.connect(self.cancelled)
        models.setup_asked.connect(self.setup_asked)
        models.demo_asked.connect(self.demo_asked)
        models.retry_asked.connect(self.retry_asked)
        self.add(models)

    def _lay_out(self) -> None:
        note = QHBoxLayout()
        note.setContentsMargins(AROUND, GRID, AROUND, GRID)
        note.addWidget(self._note, 1)
        note.addWidget(self._note_button)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self._navigation)
        body.addWidget(Hairline(upright=True, parent=self))
        body.addWidget(self._stack, 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addLayout(note)
        rows.addWidget(self._note_line)
        rows.addWidget(self._header)
        rows.addWidget(self._header_line)
        rows.addLayout(body, 1)
        rows.addWidget(self._foot_line)
        rows.addWidget(self._foot)
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(AROUND, GRID, AROUND, GRID)
        foot.addWidget(self._memory)

    def _bind_keys(self) -> None:
        for number in range(1, 10):
            keys = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            keys.activated.connect(partial(self._mark, number - 1))
        QShortcut(QKeySequence("Ctrl+W"), self).activated.connect(self.close)

    def _mark(self, row: int) -> None:
        # A row that there is not would take the mark from the one that is shown.
        if row < len(self._pages):
            self._navigation.setCurrentRow(row)

    def add(self, page: Page) -> None:
        """One more page, at the end of the list."""
        self._pages.append(page)
        self._stack.addWidget(page)
        self._say_pages()
        if len(self._pages) == 1:
            self._navigation.setCurrentRow(0)

    def show_page(self, page: Page) -> None:
        """Bring that page to the front of the panel; the window itself is shown by ``present``."""
        self._navigation.setCurrentRow(self._pages.index(page))

    def present(self) -> None:
        """Show the window in front of all others, as when a person asks for it."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def take(self, snapshot: Snapshot | None) -> None:
        """Show that picture; None while no host is set up. Only what is on the screen is fed."""
        self._latest = snapshot
        if self.isVisible():
            self._feed()

    def tell(self) -> None:
        """Say and colour everything anew, as after a change of language or look."""
        self._dress()
        self._say_pages()
        self._say_notice()
        self._header.tell()
        if self.isVisible():
            self._feed()

    def notice(self, text: Phrase | None, button: Phrase | None = None) -> None:
        """A line at the top that stays until it is replaced or taken away with None."""
        self._notice = (text, button)
        self._say_notice()

    def copied(self, said: Phrase) -> None:
        """Say for a moment, where it was asked for, how copying went."""
        self._header.answered(said)

    def restore(self, geometry: str) -> None:
        """Take the place and size that ``geometry_changed`` told; anything else changes nothing."""
        self.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "ignore")))

    def _feed(self) -> None:
        latest = self._latest
        self._header.take(latest)
        for part in (self._header, self._header_line, self._foot, self._foot_line):
            part.setVisible(latest is not None)
        if latest is not None:
            self._memory.take(latest)
        page = self._stack.currentWidget()
        if isinstance(page, Page):
            page.take(latest)

    def _tick(self) -> None:
        self._header.take(self._latest)
        page = self._stack.currentWidget()
        if isinstance(page, Page):
            page.tick()

    def _turn_to(self, row: int) -> None:
        if not 0 <= row < len(self._pages):
            return
        before, page = self._stack.currentWidget(), self._pages[row]
        if isinstance(before, Page) and before is not page:
            before.left()
        self._stack.setCurrentWidget(page)
        if self.isVisible():
            page.take(self._latest)

    def _say_pages(self) -> None:
        titles = [self._say(page.title()) for page in self._pages]
        self._navigation.tell(self._say(phrase("Pages")), titles)
        for page, title in zip(self._pages, titles, strict=True):
            page.setAccessibleName(title)

    def _say_notice(self) -> None:
        text, button = self._notice
        self._note.tell("" if text is None else self._say(text), tones().text, self.font())
        self._note_button.setText("" if button is None else label(self._say(button), over_bus=False))
        self._note_button.setVisible(text is not None and button is not None)
        self._note_line.setVisible(text is not None)

    def _dress(self) -> None:
        """Take the colours of now; setting them tells the window of a change of colours again."""
        self._dressing = True
        look = tones()
        dress(self, look)
        colours = self.palette()
        colours.setColor(QPalette.ColorRole.Window, look.card)
        self._stack.setPalette(colours)
        self._stack.setAutoFillBackground(True)
        self._dressing = False

    def _tell_geometry(self) -> None:
        self._settled.stop()
        place = self._geometry()
        if place != self._place:
            self._place = place
            self.geometry_changed.emit(place)

    def _geometry(self) -> str:
        return self.saveGeometry().toBase64().toStdString()

    def showEvent(self, event: QShowEvent) -> None:
        """Qt's: what was not fed while nobody looked is told now."""
        super().showEvent(event)
        self._place = self._geometry()
        self.tell()
        if self.focusWidget() is None:
            # To the first of the page, which follows on the list of pages.
            self._navigation.setFocus()
            self.focusNextPrevChild(True)
        self._clock.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Qt's: nothing runs while nobody looks."""
        super().hideEvent(event)
        self._clock.stop()
        page = self._stack.currentWidget()
        if isinstance(page, Page):
            page.left()
        if self._settled.isActive():
            self._tell_geometry()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Qt's: closing hides; the program lives on."""
        super().closeEvent(event)
        self.closed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt's."""
        super().resizeEvent(event)
        self._moved()

    def moveEvent(self, event: QMoveEvent) -> None:
        """Qt's."""
        super().moveEvent(event)
        self._moved()

    def _moved(self) -> None:
        if self.isVisible():
            self._settled.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Qt's: Escape closes, unless what has the keyboard made use of it."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Qt's: another look. A change of the application's colours comes here and not to ``changeEvent``."""
        done = super().event(event)
        if event.type() in _TELL_ANEW and not self._dressing and self.isVisible():
            self.tell()
        return done


_TELL_ANEW = LOOKS | {QEvent.Type.StyleChange, QEvent.Type.ApplicationFontChange, QEvent.Type.LanguageChange}
