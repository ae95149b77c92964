"""The windows a person works in: the panel with its pages, and the assistant. Made when first wanted."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from sparktray.control.controller import Controller
from sparktray.decide.clients.client import Client
from sparktray.decide.showing.history import History
from sparktray.demo.tour import DIES, TOO_LARGE
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Snapshot
from sparktray.store.hosts import Hosts
from sparktray.store.settings import Settings
from sparktray.ui.background import Background
from sparktray.ui.clients.handing import Handing
from sparktray.ui.clipboard import Copied, answer
from sparktray.wiring import Program
from sparktray.wording import Wording

if TYPE_CHECKING:
    from sparktray.domain.catalogue import Catalogue
    from sparktray.ui.hosts.secret_window import PersonAtDesk
    from sparktray.ui.panel.rooms import Rooms

# KDE's StatusNotifierItem for GNOME Shell.
_EXTENSION = "https://extensions.gnome.org/extension/615/appindicator-support/"


class Front(QObject):
    """Keeps what the windows show and passes on what is done in them. Main thread only.

    The windows are made when the first is wanted: most days none is. ``wished`` carries a wish,
    ``copy_asked`` a server's name, ``written`` says that something in the config folder was written,
    ``demo_asked`` that somebody without a host wants to see one. ``visited`` gives the demo's own program
    while that is shown for want of a host.
    """

    wished = Signal(object)
    cancelled = Signal()
    retry_asked = Signal()
    copy_asked = Signal(str)
    written = Signal()
    demo_asked = Signal()

    def __init__(
        self,
        say: Wording,
        background: Background,
        program: Program,
        applicant: PersonAtDesk,
        catalogue: Callable[[], Catalogue],
        history: Callable[[], History],
        controller: Callable[[], Controller | None],
        visited: Callable[[], Program | None],
        handing: Handing,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._say = say
        self._background = background
        self._program = program
        self._folder = program.folder
        self._passing = program.folder.passing  # read now: no handler reads the disk
        self._journal = program.journal
        self._applicant = applicant
        self._catalogue = catalogue
        self._history = history
        self._controller = controller
        self._visited = visited
        self._handing = handing
        self._latest: Snapshot | None = None
        self._settings: tuple[Settings, Problem | None] = (Settings(), None)
        self._catalogue_problem: Problem | None = None
        self._trayless = False
        self._rooms: Rooms | None = None

    @property
    def in_front(self) -> bool:
        """Whether a person has the panel before their eyes."""
        return self._rooms is not None and self._rooms.panel.isActiveWindow()

    def window_in_front(self) -> QWidget | None:
        """The panel while it is in front: what a question belongs to."""
        return self._rooms.panel if self._rooms is not None and self.in_front else None

    def present(self, token: str = "") -> None:
        """Bring the panel to the front; ``token`` is what the desktop gave to who asked for it."""
        if token:
            # Where Qt (6.11.3, Wayland) looks for it when a window is to be activated.
            os.environ["XDG_ACTIVATION_TOKEN"] = token
        self._made().panel.present()

    @Slot(str)
    def show_log(self, server: str) -> None:
        """Bring the panel to the front with the log of that server."""
        rooms = self._made()
        rooms.log.choose(server)
        rooms.panel.show_page(rooms.log)
        rooms.panel.present()

    @Slot()
    def show_open_webui(self) -> None:
        """Bring the panel to the front with the page about Open WebUI."""
        rooms = self._made()
        rooms.panel.show_page(rooms.webui)
        rooms.panel.present()

    @Slot(str)
    def show_client(self, client: str) -> None:
        """Bring the panel to the front with that client's settings (a word of `Client`)."""
        rooms = self._made()
        rooms.panel.show_page(rooms.clients)
        rooms.clients.choose(Client(client))
        rooms.panel.present()

    @Slot()
    def check_client(self) -> None:
        """Bring the panel to the front and have the check for Cursor begin."""
        self.show_client(Client.CURSOR)
        self._made().clients.look()

    def forwards_changed(self) -> None:
        """What is open on this computer is another thing now."""
        if self._rooms is not None:
            self._rooms.clients.take(self._latest)

    @Slot()
    def open_web_page(self) -> None:
        """Open WebUI's page in the browser; where that does not work its page here says why."""
        self._made().webui.open_page(self._latest)

    @Slot()
    def set_up(self) -> None:
        """Bring the panel to the front and open the assistant."""
        rooms = self._made()
        rooms.panel.show_page(rooms.hosts)
        rooms.panel.present()
        rooms.hosts.open_assistant()

    def take(self, snapshot: Snapshot | None) -> None:
        """The present picture; None while no host is set up."""
        was_demo, self._latest = self._in_demo, snapshot
        if self._rooms is not None:
            self._rooms.panel.take(snapshot)
        if was_demo is not self._in_demo:
            self._journal = (self._visited() or self._program).journal
            if self._rooms is not None:
                self._rooms.journal.read_from(self._journal)
            self._say_notice()

    @property
    def _in_demo(self) -> bool:
        return self._latest is not None and self._latest.host.is_demo

    def take_settings(self, settings: Settings, problem: Problem | None) -> None:
        """What the settings are, and what is wrong with their file."""
        self._settings = (settings, problem)
        if self._rooms is not None:
            self._rooms.settings.take_settings(settings, problem)
            self._rooms.clients.take_settings(settings)

    @Slot(object)
    def take_catalogue_problem(self, problem: Problem | None) -> None:
        """What is wrong with the person's own list of models; None when nothing is."""
        self._catalogue_problem = problem
        if self._rooms is not None:
            self._rooms.settings.take_catalogue_problem(problem)
        self._say_notice()

    def take_hosts(self, hosts: Hosts) -> None:
        """The hosts there are, after somebody changed the list."""
        if self._rooms is not None:
            self._rooms.hosts.take_hosts(hosts)

    @Slot(object)
    def take_hosts_problem(self, problem: Problem) -> None:
        """What is wrong with the list of hosts, which was kept aside."""
        if self._rooms is not None:
            self._rooms.panel.notice(problem.cause)

    def without_tray(self, *, is_so: bool) -> None:
        """Whether the window must say where the icon is."""
        self._trayless = is_so
        self._say_notice()

    def copied(self, outcome: Copied) -> None:
        """How copying went, told where it was asked for."""
        if self._rooms is not None:
            self._rooms.panel.copied(answer(outcome))

    def tell(self) -> None:
        """All texts anew, as after a change of language."""
        if self._rooms is not None:
            self._rooms.panel.tell()
            self._rooms.hosts.tell()

    def close(self) -> None:
        """Take the windows away."""
        if self._rooms is not None:
            self._rooms.webui.close_forwards()
            self._rooms.clients.close_errands()
            self._rooms.panel.close()

    def _made(self) -> Rooms:
        if self._rooms is None:
            self._rooms = self._furnished()
            self._rooms.panel.take(self._latest)
            self._say_notice()
        return self._rooms

    def _furnished(self) -> Rooms:
        # Its pages are half of all the modules, and most days no window is wanted.
        from sparktray.ui.hosts.access import access_of
        from sparktray.ui.panel.rooms import furnished

        rooms = furnished(
            self._say,
            self._background,
            self._folder,
            self._journal,
            access_of(self._program, self._catalogue, self._applicant),
            self._handing,
            self._history,
            self._controller,
            passing=self._passing,
        )
        panel, journal = rooms.panel, rooms.journal
        settings, problem = self._settings
        rooms.settings.take_settings(settings, problem)
        rooms.clients.take_settings(settings)
        self._handing.serve(rooms.clients)
        rooms.settings.take_catalogue_problem(self._catalogue_problem)
        rooms.settings.written.connect(self.written)
        rooms.hosts.changed.connect(lambda _: self.written.emit())
        panel.wished.connect(self.wished)
        panel.cancelled.connect(self.cancelled)
        for changing in (rooms.webui, journal):
            changing.wished.connect(self.wished)
            changing.cancelled.connect(self.cancelled)
        panel.copy_asked.connect(self.copy_asked)
        panel.retry_asked.connect(self.retry_asked)
        panel.setup_asked.connect(self.set_up)
        for offering in (panel, rooms.hosts):
            offering.demo_asked.connect(self.demo_asked)
        panel.notice_pressed.connect(self._notice_pressed)
        if settings.panel is not None:
            panel.restore(settings.panel)
        panel.geometry_changed.connect(self._keep_place)
        return rooms

    def _keep_place(self, geometry: str) -> None:
        self._handing.saving.change(lambda settings: replace(settings, panel=geometry))

    def _say_notice(self) -> None:
        """One line: what keeps the program from working as it should comes first."""
        if self._rooms is None:
            return
        panel = self._rooms.panel
        if self._catalogue_problem is not None:
            panel.notice(self._catalogue_problem.cause, phrase("Show"))
        elif self._in_demo:
            panel.notice(
                phrase(
                    "This is a built-in demo; nothing here is real. To see failures, start {dies} on vLLM, "
                    "or {large}.",
                    dies=DIES,
                    large=TOO_LARGE,
                ),
                phrase("Set up a host…") if self._visited() is not None else None,
            )
        elif self._trayless:
            panel.notice(
                phrase(
                    "This desktop shows no tray icons. On GNOME the extension "
                    "“AppIndicator and KStatusNotifierItem Support” brings them."
                ),
                phrase("Get it"),
            )
        else:
            panel.notice(None)

    def _notice_pressed(self) -> None:
        if self._catalogue_problem is not None and self._rooms is not None:
            self._rooms.panel.show_page(self._rooms.settings)
        elif self._in_demo:
            self.set_up()
        elif self._trayless:
            QDesktopServices.openUrl(QUrl(_EXTENSION))
