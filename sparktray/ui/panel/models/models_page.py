"""The panel's first page: the models; during an operation its steps; without a host what to do."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QStackedLayout, QVBoxLayout, QWidget

from sparktray.control import clock
from sparktray.decide.conflicts import conflicts
from sparktray.decide.showing.checklist import checklist, worth_showing
from sparktray.decide.showing.models import groups, hindrance
from sparktray.domain.operation import Operation
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.ui.panel.models.checklist import ChecklistView
from sparktray.ui.panel.models.conflict_line import ConflictLine
from sparktray.ui.panel.models.model_list import ModelList
from sparktray.ui.panel.models.standing import Standing
from sparktray.ui.panel.page import Page
from sparktray.wording import Wording


class ModelsPage(Page):
    """Emits ``wished`` with a wish, ``cancelled``, ``setup_asked``, ``demo_asked`` and ``retry_asked``.

    Main thread only.
    """

    wished = Signal(object)
    cancelled = Signal()
    setup_asked = Signal()
    demo_asked = Signal()
    retry_asked = Signal()

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(say, parent)
        self._latest: Snapshot | None = None
        self._watched: str | None = None
        self._dismissed: str | None = None
        self._listing, self._checklist = _Listing(say, self), ChecklistView(say, self)
        self._standing, self._empty = Standing(say, self), Standing(say, self)
        self._stack = QStackedLayout(self)
        for each in (self._listing, self._checklist, self._standing, self._empty):
            self._stack.addWidget(each)
        self._listing.models.wished.connect(self.wished)
        self._listing.conflict.wished.connect(self.wished)
        self._checklist.wished.connect(self.wished)
        self._checklist.cancelled.connect(self.cancelled)
        self._checklist.closed.connect(self._dismiss)
        self._standing.pressed.connect(self.retry_asked)
        self._empty.pressed.connect(self.setup_asked)
        self._empty.other_pressed.connect(self.demo_asked)

    def title(self) -> Phrase:
        """Its name in the panel's list."""
        return phrase("Models")

    def take(self, snapshot: Snapshot | None) -> None:
        """Show that picture as of now."""
        self._latest = snapshot
        if snapshot is None:
            self._empty.show_no_host()
            self._bring(self._empty)
            return
        operation = self._operation(snapshot)
        standstill = hindrance(snapshot)
        if operation is not None:
            self._checklist.take(checklist(snapshot, operation, clock.now()))
            self._bring(self._checklist)
        elif standstill is not None:
            self._standing.show_hindrance(standstill)
            self._bring(self._standing)
        else:
            self._listing.conflict.take(conflicts(snapshot))
            self._listing.models.show_groups(groups(snapshot))
            self._bring(self._listing)

    def tick(self) -> None:
        """A second has passed: times that are being watched go on."""
        latest = self._latest
        if latest is not None and latest.active is not None:
            self.take(latest)

    def left(self) -> None:
        """It went off the screen; an operation that ends now was not watched."""
        self._watched = None

    def _operation(self, snapshot: Snapshot) -> Operation | None:
        """The operation to be shown, None when the list is to be seen."""
        operation = snapshot.operation
        if operation is None or operation.id == self._dismissed:
            return None
        if operation.end is None:
            self._watched = operation.id
        return operation if worth_showing(operation, watched=self._watched == operation.id) else None

    def _dismiss(self) -> None:
        operation = None if self._latest is None else self._latest.operation
        self._dismissed = None if operation is None else operation.id
        self.take(self._latest)

    def _bring(self, part: _Listing | ChecklistView | Standing) -> None:
        """Put one part on the screen; the keyboard goes along when it was on the one before."""
        if self._stack.currentWidget() is part:
            return
        focused = QApplication.focusWidget()
        had_keyboard = focused is not None and self.isAncestorOf(focused)
        self._stack.setCurrentWidget(part)
        if had_keyboard:
            part.take_keyboard()


class _Listing(QWidget):
    """The list, with what stands in each other's way above it."""

    def __init__(self, say: Wording, parent: QWidget) -> None:
        super().__init__(parent)
        # The list is made first, so that the keyboard begins there: Enter on a fresh window stops nothing.
        self.models, self.conflict = ModelList(say, self), ConflictLine(say, self)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.conflict)
        rows.addWidget(self.models, 1)

    def take_keyboard(self) -> None:
        """Be where the keyboard is."""
        self.models.take_keyboard()
