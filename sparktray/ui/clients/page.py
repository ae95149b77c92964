"""The page about clients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from sparktray.control.checkup import checked
from sparktray.control.problems import problem_of
from sparktray.decide.clients.checkup import Line
from sparktray.decide.clients.client import Client
from sparktray.decide.clients.endpoint import Endpoint
from sparktray.decide.clients.reach import exposure
from sparktray.decide.clients.remembered import KeptForward
from sparktray.decide.clients.view import ServerRow, Way, nothing_to_show, server_rows
from sparktray.decide.ways_on import EnterSecret
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.secret import Secret
from sparktray.domain.snapshot import Snapshot
from sparktray.handoff.keeping import ForwardState
from sparktray.remote.contract import Http, Remote
from sparktray.remote.errors import RemoteError
from sparktray.store.secrets_errors import KeyringUnavailable
from sparktray.store.settings import Settings
from sparktray.ui.background import Background
from sparktray.ui.bridge import MainThread
from sparktray.ui.clients.address_rows import AddressRows
from sparktray.ui.clients.check_part import CheckPart
from sparktray.ui.clients.forward_rows import ForwardRows
from sparktray.ui.clients.settings_part import SettingsPart
from sparktray.ui.clipboard import Copier
from sparktray.ui.painting.texts import line
from sparktray.ui.panel.controls import Hairline, scrolled
from sparktray.ui.panel.page import Page
from sparktray.ui.theme import AROUND
from sparktray.wording import Wording


class ClientsPage(Page):
    """Main thread only; a check runs in the background.

    ``forward_asked`` carries host, server and a port of this computer or None, ``public_asked`` host, server
    and an address, ``key_asked`` an `EnterSecret`, ``forwards_again`` asks to try again what is not open.
    ``forwards`` tells how it stands with each, ``key`` gives a key of the keyring and blocks.
    """

    forward_asked = Signal(str, str, object)
    public_asked = Signal(str, str, str)
    key_asked = Signal(object)
    forwards_again = Signal()

    def __init__(
        self,
        say: Wording,
        copier: Copier,
        background: Background,
        remote: Callable[[], Remote | None],
        forwards: Callable[[], tuple[ForwardState, ...]],
        key: Callable[[str], Secret | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(say, parent)
        self._background = background
        self._remote = remote
        self._forward_states = forwards
        self._key = key
        self._errands = MainThread(self)
        self._snapshot: Snapshot | None = None
        self._settings = Settings()
        self._rows: tuple[ServerRow, ...] = ()
        self._check = 0
        self.empty, self.server = line(), QComboBox()
        self.addresses, self.settings = AddressRows(say, copier), SettingsPart(say, copier)
        self.check, self.forwards = CheckPart(say), ForwardRows(say)
        self._lines = (Hairline(), Hairline(), Hairline())
        self.server.activated.connect(self._server_chosen)
        self.addresses.forward_asked.connect(self._forward)
        self.addresses.public_asked.connect(self._public)
        self.addresses.key_asked.connect(self._ask_key)
        self.check.asked.connect(self.look)
        self.forwards.ended.connect(lambda server: self._forward(server, None))
        self.forwards.again.connect(self.forwards_again)
        self._lay_out()

    def title(self) -> Phrase:
        """Its name in the panel's list."""
        return phrase("Clients")

    def choose(self, client: Client) -> None:
        """Show that client's settings."""
        self.settings.choose(client)

    def take_settings(self, settings: Settings) -> None:
        """What is remembered of clients."""
        self._settings = settings
        if self.isVisible():
            self._tell()

    def take(self, snapshot: Snapshot | None) -> None:
        """Show that picture."""
        self._snapshot = snapshot
        self._tell()

    def tick(self) -> None:
        """A second has passed: clients come and go through forwards."""
        self.forwards.take(self._forward_states())

    def left(self) -> None:
        """It went off the screen: what was found may be another thing when it comes back."""
        self._check += 1
        self.check.clear()

    def close_errands(self) -> None:
        """The program ends: a check under way tells nothing any more."""
        self._errands.close()

    def look(self) -> None:
        """Check the server that is shown."""
        snapshot, row, remote = self._snapshot, self._row(), self._remote()
        if snapshot is None or row is None or row.at is None or remote is None:
            return
        public = row.reached(Way.PUBLIC)
        at = public or row.reached(Way.DIRECT) or row.reached(Way.FORWARD) or row.at
        state = snapshot.state_of(row.server)
        exposed = None if state is None else exposure(snapshot, state)
        url = None if public is None else public.base_url
        self._check += 1
        number, key = self._check, row.key
        self.check.begin()
        self._background.run(
            lambda: self._checked(number, remote.http, at, key, url, exposed),
            lambda _: self._check_over(number, None),
            lambda error: self._check_over(number, error),
        )

    def _checked(
        self, number: int, http: Http, at: Endpoint, key: str | None, url: str | None, exposed: Phrase | None
    ) -> None:
        """On a thread of its own."""
        secret = None if key is None else self._key(key)
        for found in checked(http, at, secret, url, exposed):
            self._errands.do(partial(self._found, number, found))
            if number != self._check:
                return

    def _found(self, number: int, found: Line) -> None:
        if number == self._check:
            self.check.add(found)
            # Asked for in the menu it lies below the window's edge, and grows.
            QTimer.singleShot(0, self.check, self._show_check)

    def _show_check(self) -> None:
        self._area.verticalScrollBar().setValue(self.check.y())

    def _check_over(self, number: int, error: Exception | None) -> None:
        if number != self._check:
            return
        problem = None
        if isinstance(error, RemoteError) and self._snapshot is not None:
            problem = problem_of(error, self._snapshot.host)
        elif isinstance(error, KeyringUnavailable):
            problem = error.problem
        elif error is not None:
            raise error
        self.check.over(problem)

    def _row(self) -> ServerRow | None:
        chosen = self.server.currentData()
        return next((row for row in self._rows if row.server == chosen), next(iter(self._rows), None))

    def _tell(self) -> None:
        snapshot, kept, states = self._snapshot, self._settings, self._forward_states()
        host = "" if snapshot is None else snapshot.host.name
        opened = [
            KeptForward(host=host, server=each.wanted.server, port=each.wanted.port)
            for each in states
            if each.connections is not None
        ]
        self._rows = () if snapshot is None else server_rows(snapshot, kept.copies, opened, kept.public)
        self._show_servers()
        row = self._row()
        self.empty.setText(self.say(nothing_to_show(snapshot)))
        self.empty.setVisible(row is None)
        there = row is not None and row.at is not None
        self.addresses.setVisible(row is not None)
        self.settings.setVisible(there)
        self.check.setVisible(there)
        self.forwards.take(states)
        for above, below in zip(self._lines, (self.settings, self.check, self.forwards), strict=True):
            above.setVisible(not below.isHidden())
        if row is not None and snapshot is not None:
            self.addresses.take(row, host, local=snapshot.host.is_local)
            self.settings.take(row, host)
        self.check.tell()

    def _show_servers(self) -> None:
        names = [row.server for row in self._rows]
        if [self.server.itemData(n) for n in range(self.server.count())] != names:
            before = self.server.currentData()
            self.server.clear()
            for row in self._rows:
                self.server.addItem(row.server, row.server)
            self.server.setCurrentIndex(max(0, names.index(before) if before in names else 0))
            if before not in names:
                self.left()
        self.server.setAccessibleName(self.say(phrase("Server")))
        self.server.setVisible(len(names) > 1)

    def _server_chosen(self) -> None:
        self.left()
        self._tell()

    def _forward(self, server: str, port: int | None) -> None:
        if self._snapshot is not None:
            self.forward_asked.emit(self._snapshot.host.name, server, port)

    def _ask_key(self, server: str, name: str) -> None:
        self.key_asked.emit(EnterSecret(name, None, server))

    def _public(self, server: str, url: str) -> None:
        if self._snapshot is not None:
            self.public_asked.emit(self._snapshot.host.name, server, url)

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(AROUND)
        for widget in (self.empty, self.server, self.addresses):
            column.addWidget(widget)
        for above, below in zip(self._lines, (self.settings, self.check, self.forwards), strict=True):
            column.addWidget(above)
            column.addWidget(below)
        column.addStretch(1)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        self._area = scrolled(inner)
        around.addWidget(self._area)
