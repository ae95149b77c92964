"""The panel with all its pages, made at once when the window is first wanted."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sparktray.control.controller import Controller
from sparktray.decide.showing.history import History
from sparktray.store.autostart.choice import autostart_for
from sparktray.store.autostart.entry import Never
from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder
from sparktray.ui.background import Background
from sparktray.ui.clients.handing import Handing
from sparktray.ui.clients.page import ClientsPage
from sparktray.ui.hosts.access import Access
from sparktray.ui.hosts.hosts_page import HostsPage
from sparktray.ui.open_webui.page import OpenWebUiPage
from sparktray.ui.panel.journal.page import JournalPage
from sparktray.ui.panel.logs.page import LogPage
from sparktray.ui.panel.monitor_page import MonitorPage
from sparktray.ui.panel.window import PanelWindow
from sparktray.ui.settings.page import SettingsPage
from sparktray.wording import Wording


class Rooms(msgspec.Struct, frozen=True):
    """The panel, and those of its pages that are spoken to."""

    panel: PanelWindow
    journal: JournalPage
    log: LogPage
    webui: OpenWebUiPage
    clients: ClientsPage
    hosts: HostsPage
    settings: SettingsPage


def furnished(
    say: Wording,
    background: Background,
    folder: ConfigFolder,
    journal: Journal,
    access: Access,
    handing: Handing,
    history: Callable[[], History],
    controller: Callable[[], Controller | None],
    *,
    passing: bool,
) -> Rooms:
    """All of it, in the order of the panel's list. Main thread only.

    ``passing`` when the folder is thrown away in the end: then nothing starts with the session.
    """
    rooms = Rooms(
        panel=PanelWindow(say),
        journal=JournalPage(say, background, journal),
        log=LogPage(say, handing.remote),
        hosts=HostsPage(say, background, access),
        webui=OpenWebUiPage(say, background, handing.remote),
        clients=ClientsPage(
            say, handing.copier, background, handing.remote, handing.forwards.states, handing.key
        ),
        settings=SettingsPage(
            say,
            folder,
            background,
            handing.saving,
            Never() if passing else autostart_for(folder),
            controller,
        ),
    )
    monitor = MonitorPage(say, history)
    order = (monitor, rooms.log, rooms.clients, rooms.webui, rooms.journal, rooms.hosts, rooms.settings)
    for page in order:
        rooms.panel.add(page)
    return rooms
