"""The menu's rows as Qt actions that live as long as the menu and are only ever edited.

A rebuilt menu gets new ids over D-Bus, and one that is open on the screen then breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from sparktray.decide.showing.menu import CopyRow, Menu, ModelRow, StopRow
from sparktray.domain.operation import StopWish, SwitchWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.ui.clipboard import Copied, copy
from sparktray.ui.labels import hint, label
from sparktray.wording import Wording

MODEL_SLOTS = 6
_FEEDBACK_MILLISECONDS = 2000
T = TypeVar("T")


class Row:
    """One action, its setters called only for what differs; ``changed`` says whether one was."""

    def __init__(self, action: QAction, *, over_bus: bool) -> None:
        self.action = action
        self._over_bus = over_bus
        self.changed = False

    def say(self, text: str) -> None:
        """The label."""
        wanted = label(text, over_bus=self._over_bus)
        if self.action.text() != wanted:
            self.action.setText(wanted)
            self.changed = True

    def hint(self, text: str) -> None:
        """The tooltip."""
        if self.action.toolTip() != hint(text):
            self.action.setToolTip(hint(text))

    def state(self, *, visible: bool, enabled: bool = True, checked: bool = False) -> None:
        """Whether it is there, can be clicked, and has its mark."""
        if self.action.isVisible() != visible:
            self.action.setVisible(visible)
            self.changed = True
        if visible and self.action.isEnabled() != enabled:
            self.action.setEnabled(enabled)
            self.changed = True
        if self.action.isCheckable() and self.action.isChecked() != checked:
            self.action.setChecked(checked)
            self.changed = True

    def take_changed(self) -> bool:
        """Whether anything changed since this was last asked."""
        changed, self.changed = self.changed, False
        return changed


class TrayMenu(QObject):
    """The tray's menu. Emits ``wished`` with a wish, ``cancelled`` and ``quit_asked``.

    ``over_bus`` when the desktop shows the menu, which it then gets over D-Bus.
    """

    wished = Signal(object)
    cancelled = Signal()
    quit_asked = Signal()

    def __init__(self, say: Wording, *, over_bus: bool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.menu = QMenu()
        self.menu.setToolTipsVisible(True)
        self._say = say
        self._over_bus = over_bus
        self._rows: list[Row] = []
        self._shown: Menu | None = None
        self._feedback: dict[Row, Phrase] = {}
        self._build()

    def _build(self) -> None:
        self._sentence = self._row(self.menu)
        self._sentence.action.setEnabled(False)
        self.menu.addSeparator()
        self._models = [self._model_row(self.menu, n, more=False) for n in range(MODEL_SLOTS)]
        self._more_menu = self._submenu(self._say(phrase("More models")))
        self._more: list[Row] = []
        self._grow(
            self._more, 1, self._more_menu, lambda n: self._model_row(self._more_menu[0], n, more=True)
        )
        self._progress = self._row(self.menu)
        self._progress.action.setEnabled(False)
        self._cancel = self._row(self.menu, self.cancelled.emit)
        self._cancel.say(self._say(phrase("Cancel")))
        self.menu.addSeparator()
        self._stop = self._row(self.menu, lambda: self._stop_clicked(0))
        self._stop_menu = self._submenu(self._say(phrase("Stop")))
        self._stop_all = self._row(self._stop_menu[0], lambda: self.wished.emit(StopWish(None)))
        self._stop_all.say(self._say(phrase("Stop all servers")))
        self._stops: list[Row] = []
        self._ids = _Copies(self, phrase("Copy model ID"), self._copy_id)
        self._urls = _Copies(self, phrase("Copy base URL"), self._copy_url)
        self.menu.addSeparator()
        self._quit = self._row(self.menu, self.quit_asked.emit)
        self._quit.say(self._say(phrase("Quit")))

    def show(self, menu: Menu) -> bool:
        """Edit the rows into what they shall say; True when any differed."""
        self._shown = menu
        free = menu.progress is None
        self._sentence.say(self._say(menu.sentence))
        for row, model in zip(self._models, _filled(menu.models, MODEL_SLOTS), strict=True):
            self._show_model(row, model if free else None)
        more = self._more_menu
        self._grow(self._more, len(menu.more), more, lambda n: self._model_row(more[0], n, more=True))
        for row, model in zip(self._more, _filled(menu.more, len(self._more)), strict=True):
            self._show_model(row, model if free else None)
        more[1].state(visible=free and bool(menu.more))
        if menu.progress is not None:
            self._progress.say(self._say(menu.progress))
        self._progress.state(visible=not free, enabled=False)
        self._cancel.state(visible=not free and menu.cancel)
        self._show_stops(menu.stop)
        self._ids.show(menu.copies)
        self._urls.show(menu.copies)
        changed = [row.take_changed() for row in self._rows]
        return any(changed)

    def copy_id(self, server: str) -> None:
        """Copy the ID that a server serves now, as a click on its row does."""
        rows = () if self._shown is None else self._shown.copies
        found = next((n for n, row in enumerate(rows) if row.server == server), None)
        if found is not None:
            self._ids.clicked(found if len(rows) > 1 else None)

    def row(self, menu: QMenu, clicked: Callable[[], object] | None = None) -> Row:
        """A new action at the end of a menu."""
        return self._row(menu, clicked)

    def submenu(self, title: str) -> tuple[QMenu, Row]:
        """A new submenu at the end of the menu, and its row."""
        return self._submenu(title)

    def answer(self, row: Row, said: Phrase, otherwise: Callable[[], None]) -> None:
        """Have a row say something for a moment, then have it set again by ``otherwise``."""
        row.say(self._say(said))
        self._feedback[row] = said

        def over() -> None:
            if self._feedback.get(row) is said:
                del self._feedback[row]
                otherwise()

        QTimer.singleShot(_FEEDBACK_MILLISECONDS, self, over)

    def say(self, row: Row, text: Phrase) -> None:
        """Set a row's label, unless it is answering at the moment."""
        if row not in self._feedback:
            row.say(self._say(text))

    @property
    def copies(self) -> tuple[CopyRow, ...]:
        """What can be copied at the moment."""
        return () if self._shown is None else self._shown.copies

    def _row(self, menu: QMenu, clicked: Callable[[], object] | None = None) -> Row:
        action = QAction(menu)
        menu.addAction(action)
        if clicked is not None:
            action.triggered.connect(lambda: clicked())
        row = Row(action, over_bus=self._over_bus)
        self._rows.append(row)
        return row

    def _submenu(self, title: str) -> tuple[QMenu, Row]:
        menu = QMenu(self.menu)
        menu.setToolTipsVisible(True)
        self.menu.addMenu(menu)
        row = Row(menu.menuAction(), over_bus=self._over_bus)
        row.say(title)
        self._rows.append(row)
        return menu, row

    def _model_row(self, menu: QMenu, number: int, *, more: bool) -> Row:
        row = self._row(menu, lambda: self._model_clicked(number, more=more))
        row.action.setCheckable(True)
        row.action.setVisible(False)
        return row

    def _grow(
        self, rows: list[Row], wanted: int, below: tuple[QMenu, Row], make: Callable[[int], Row]
    ) -> None:
        """Rows are added when there is need of more and then kept, as hosts of dbusmenu like it."""
        while len(rows) < wanted:
            rows.append(make(len(rows)))
            below[1].changed = True

    def _show_model(self, row: Row, model: ModelRow | None) -> None:
        if model is None:
            row.state(visible=False)
            return
        name = model.label
        row.say(name if model.purpose is None else f"{name} – {self._say(model.purpose)}")
        row.hint(model.note.get(self._say.language) or model.note.get("en", ""))
        row.state(visible=True, enabled=model.enabled, checked=model.checked)

    def _show_stops(self, stops: tuple[StopRow, ...]) -> None:
        one, several = len(stops) == 1, len(stops) > 1
        if one:
            self._stop.say(self._say(stops[0].label))
        self._stop.state(visible=one)
        menu = self._stop_menu[0]
        self._grow(
            self._stops,
            len(stops),
            self._stop_menu,
            lambda n: self._row(menu, lambda: self._stop_clicked(n)),
        )
        for row, stop in zip(self._stops, _filled(stops, len(self._stops)), strict=True):
            if stop is not None:
                row.say(self._say(stop.label))
            row.state(visible=stop is not None)
        self._stop_menu[1].state(visible=several)

    def _model_clicked(self, number: int, *, more: bool) -> None:
        if self._shown is None:
            return
        rows = self._shown.more if more else self._shown.models
        own = self._more if more else self._models
        if number < len(rows):
            # Qt has turned the mark over by itself; what runs is what decides about it.
            own[number].state(visible=True, enabled=rows[number].enabled, checked=rows[number].checked)
            self.wished.emit(SwitchWish(rows[number].model, rows[number].server))

    def _stop_clicked(self, number: int) -> None:
        stops = () if self._shown is None else self._shown.stop
        if number < len(stops):
            self.wished.emit(StopWish(stops[number].server))

    def _copy_id(self, row: CopyRow) -> Phrase:
        return _told(Copied.REFUSED if row.hidden else copy(row.model_id))

    def _copy_url(self, row: CopyRow) -> Phrase:
        return _told(copy(row.base_url))


class _Copies:
    """A row that copies, or with several servers a submenu of one row each."""

    def __init__(self, menu: TrayMenu, title: Phrase, act: Callable[[CopyRow], Phrase]) -> None:
        self._menu = menu
        self._title = title
        self._act = act
        self._one = menu.row(menu.menu, lambda: self.clicked(None))
        self._several = menu.submenu("")
        self._rows: list[Row] = []
        self._add()

    def _add(self) -> None:
        number = len(self._rows)
        self._rows.append(self._menu.row(self._several[0], lambda: self.clicked(number)))

    def show(self, copies: tuple[CopyRow, ...]) -> None:
        """Edit the rows."""
        while len(self._rows) < len(copies):
            self._add()
        self._menu.say(self._one, self._title)
        self._menu.say(self._several[1], self._title)
        self._one.state(visible=len(copies) == 1)
        for row, each in zip(self._rows, _filled(copies, len(self._rows)), strict=True):
            if each is not None:
                self._menu.say(row, each.label)
            row.state(visible=each is not None)
        self._several[1].state(visible=len(copies) > 1)

    def clicked(self, number: int | None) -> None:
        """Copy what that row of the submenu, or the one row, stands for, and say how it went."""
        copies = self._menu.copies
        if (number or 0) < len(copies):
            row = self._one if number is None else self._rows[number]
            self._menu.answer(row, self._act(copies[number or 0]), lambda: self.show(self._menu.copies))


def _told(copied: Copied) -> Phrase:
    match copied:
        case Copied.DONE:
            return phrase("Copied")
        case Copied.REFUSED:
            return phrase("Not copied: the model ID holds hidden characters")
        case Copied.FAILED:
            return phrase("Not copied: the clipboard cannot be written")


def _filled(rows: Sequence[T], length: int) -> list[T | None]:
    """As many as there are slots; a slot without a row is hidden."""
    return [*rows, *[None] * (length - len(rows))]
