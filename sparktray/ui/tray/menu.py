"""The tray's menu: which rows there are, what they say, and what a click on them asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu

from sparktray.decide.clients.client import Client
from sparktray.decide.clients.view import client_name
from sparktray.decide.showing.menu import CopyRow, HostRow, Menu, ModelRow, StopRow, WayRow
from sparktray.domain.operation import StopWish, SwitchWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.ui.clipboard import Copied, Copier
from sparktray.ui.tray.copies import Copies, Told
from sparktray.ui.tray.rows import Row, Slots
from sparktray.wording import Wording

MODEL_SLOTS = 6
ShownModel = tuple[ModelRow, Phrase | None]
"""A row, and why none of its kind can be clicked at the moment."""


class TrayMenu(QObject):
    """The tray's menu. Main thread only.

    Emits ``wished`` with a wish, ``host_asked`` with the name of a host, ``cancelled``, ``panel_asked``,
    ``quit_asked``, ``client_asked`` with a client's word, ``check_asked`` for the check-up, and ``opened``
    when a person opens it. ``over_bus`` when the desktop shows the menu, which it then gets over D-Bus.
    """

    wished = Signal(object)
    host_asked = Signal(str)
    cancelled = Signal()
    panel_asked = Signal()
    quit_asked = Signal()
    opened = Signal()
    webui_asked = Signal()
    webui_page_asked = Signal()
    client_asked = Signal(str)
    check_asked = Signal()

    def __init__(
        self, say: Wording, copier: Copier, *, over_bus: bool, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.menu = QMenu()
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self.opened)
        self._say = say
        self._copier = copier
        self._over_bus = over_bus
        self._rows: list[Row] = []
        self._shown: Menu | None = None
        self._language = ""
        self._build_models()
        self._build_changes()
        self._build_program()

    def _build_models(self) -> None:
        self._sentence = self._row()
        self._sentence.state(visible=True, enabled=False)
        self.menu.addSeparator()
        self._ways = Slots(self.menu, self._edit_way, self._way_clicked, over_bus=self._over_bus, least=2)
        self._models = Slots(
            self.menu,
            self._edit_model,
            lambda n: self._model_clicked(n, more=False),
            over_bus=self._over_bus,
            checkable=True,
            least=MODEL_SLOTS,
        )
        below, self._more_row = self._submenu()
        self._more = Slots(
            below,
            self._edit_model,
            lambda n: self._model_clicked(n, more=True),
            over_bus=self._over_bus,
            checkable=True,
        )
        self._progress = self._row()
        self._cancel = self._row(self.cancelled.emit)

    def _build_changes(self) -> None:
        self._line = self.menu.addSeparator()
        self._stop = self._row(lambda: self._stop_clicked(0))
        below, self._stop_row = self._submenu()
        self._stop_all = self._row(lambda: self.wished.emit(StopWish(None)), below)
        self._stops = Slots(below, self._edit_stop, self._stop_clicked, over_bus=self._over_bus)
        self._ids = Copies(
            self.menu, self._say, phrase("Copy model ID"), self._copy_id, over_bus=self._over_bus
        )
        below, self._clients = self._submenu()
        self._urls = Copies(
            below, self._say, phrase("Copy base URL"), self._copy_url, over_bus=self._over_bus
        )
        below.addSeparator()
        self._settings = [
            (each, self._row(partial(self.client_asked.emit, each.value), below)) for each in Client
        ]
        below.addSeparator()
        self._check = self._row(self.check_asked.emit, below)

    def _build_program(self) -> None:
        self.menu.addSeparator()
        below, self._webui = self._submenu()
        self._webui_open = self._row(self.webui_page_asked.emit, below)
        self._webui_delete = self._row(self.webui_asked.emit, below)
        self._webui_back = self._row(self.webui_asked.emit, below)
        below, self._hosts_row = self._submenu()
        self._hosts = Slots(
            below, self._edit_host, self._host_clicked, over_bus=self._over_bus, checkable=True
        )
        self._open = self._row(self.panel_asked.emit)
        self._quit = self._row(self.quit_asked.emit)

    def show(self, menu: Menu) -> bool:
        """Edit the rows into what they shall say, in the language of the moment; True when any differed."""
        anew = self._language != self._say.language
        if menu == self._shown and not anew:
            return False
        self._language, self._shown = self._say.language, menu
        reached = tuple(each for each in menu.copies if each.base_url is not None)
        slots = [
            self._ways.show(menu.ways, anew=anew),
            self._show_models(menu, anew=anew),
            self._show_stops(menu.stop, anew=anew),
            self._ids.show(menu.copies, anew=anew),
            self._urls.show(reached, anew=anew),
            self._hosts.show(menu.hosts, anew=anew),
        ]
        self._line.setVisible(bool(menu.stop or menu.copies))
        self._clients.say(self._say(phrase("Connect a client")))
        self._clients.state(visible=bool(menu.copies))
        for client, row in self._settings:
            row.say(self._say(phrase("Settings for {client}…", client=client_name(client))))
        self._check.say(self._say(phrase("Check for Cursor…")))
        self._webui.say(self._say(phrase("Open WebUI")))
        self._webui.state(visible=menu.open_webui)
        self._webui_open.say(self._say(phrase("Open its page")))
        self._webui_delete.say(self._say(phrase("Delete chats…")))
        self._webui_back.say(self._say(phrase("Bring back…")))
        self._hosts_row.say(self._say(phrase("Hosts")))
        self._hosts_row.state(visible=bool(menu.hosts))
        self._open.say(self._say(phrase("Open sparktray…")))
        self._quit.say(self._say(phrase("Quit")))
        self._quit.hint(self._say(phrase("What runs on the host goes on.")))
        rows = [row.take_changed() for row in self._rows]
        return any(slots) or any(rows)

    def _row(self, clicked: Callable[[], object] | None = None, menu: QMenu | None = None) -> Row:
        action = (menu or self.menu).addAction("")
        if clicked is not None:
            action.triggered.connect(lambda: clicked())
        row = Row(action, over_bus=self._over_bus)
        self._rows.append(row)
        return row

    def _submenu(self) -> tuple[QMenu, Row]:
        below = self.menu.addMenu("")
        below.setToolTipsVisible(True)
        row = Row(below.menuAction(), over_bus=self._over_bus)
        self._rows.append(row)
        return below, row

    def _show_models(self, menu: Menu, *, anew: bool) -> bool:
        """The sentence, and below it the models, or how far an operation is."""
        free = menu.progress is None
        self._sentence.say(self._say(menu.sentence))
        top: list[ShownModel] = [(row, menu.closed) for row in menu.models] if free else []
        # Closed, the whole submenu is; its rows stay as they are: each would be a message to the desktop.
        more: list[ShownModel] = [(row, None) for row in menu.more]
        changed = [self._models.show(top, anew=anew), self._more.show(more, anew=anew)]
        self._more_row.say(self._say(phrase("More models")))
        self._more_row.hint("" if menu.closed is None else self._say(menu.closed))
        self._more_row.state(visible=free and bool(more), enabled=menu.closed is None)
        if menu.progress is not None:
            self._progress.say(self._say(menu.progress))
        self._progress.state(visible=not free, enabled=False)
        self._cancel.say(self._say(phrase("Cancel")))
        self._cancel.state(visible=not free and menu.cancel)
        return any(changed)

    def _show_stops(self, stops: tuple[StopRow, ...], *, anew: bool) -> bool:
        if len(stops) == 1:
            self._stop.say(self._say(stops[0].label))
        self._stop.state(visible=len(stops) == 1)
        self._stop_row.say(self._say(phrase("Stop")))
        self._stop_row.state(visible=len(stops) > 1)
        self._stop_all.say(self._say(phrase("Stop all servers")))
        return self._stops.show(stops, anew=anew)

    def _edit_model(self, row: Row, value: ShownModel) -> None:
        model, closed = value
        aside = model.aside
        row.say(model.label if aside is None else f"{model.label} – {self._say(aside)}")
        advice = model.entry.note.get(self._say.language) or model.entry.note.get("en", "")
        row.hint(advice if closed is None else self._say(closed))
        row.state(visible=True, enabled=closed is None and model.why is None, checked=model.checked)

    def _edit_way(self, row: Row, way: WayRow) -> None:
        row.say(self._say(way.label))
        row.state(visible=True)

    def _edit_stop(self, row: Row, stop: StopRow) -> None:
        row.say(self._say(stop.label))
        row.state(visible=True)

    def _edit_host(self, row: Row, host: HostRow) -> None:
        row.say(host.label)
        row.state(visible=True, enabled=host.enabled, checked=host.checked)

    def _model_clicked(self, number: int, *, more: bool) -> None:
        # Qt has turned the mark over by itself; what runs is what decides about it.
        (self._more if more else self._models).again(number)
        rows = () if self._shown is None else self._shown.more if more else self._shown.models
        if number < len(rows):
            self.wished.emit(SwitchWish(rows[number].model, rows[number].server))

    def _host_clicked(self, number: int) -> None:
        self._hosts.again(number)
        hosts = () if self._shown is None else self._shown.hosts
        if number < len(hosts) and not hosts[number].checked:
            self.host_asked.emit(hosts[number].name)

    def _way_clicked(self, number: int) -> None:
        ways = () if self._shown is None else self._shown.ways
        if number < len(ways):
            self.wished.emit(ways[number].wish)

    def _stop_clicked(self, number: int) -> None:
        stops = () if self._shown is None else self._shown.stop
        if number < len(stops):
            self.wished.emit(StopWish(stops[number].server))

    def _copy_id(self, row: CopyRow, told: Told) -> None:
        if row.hidden:
            told(Copied.REFUSED)
        else:
            self._copier.give(row.given, row.given.model_id, told)

    def _copy_url(self, row: CopyRow, told: Told) -> None:
        if row.base_url is not None:
            self._copier.copy(row.base_url, told)
