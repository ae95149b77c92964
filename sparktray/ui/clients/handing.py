"""What handing servers to clients leaves behind: copied IDs, forwards, public addresses, keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.identity import running_on
from sparktray.domain.secret import Secret
from sparktray.domain.snapshot import Snapshot
from sparktray.handoff.keeping import Forwards, WantedForward
from sparktray.remote.contract import Remote
from sparktray.store.settings import Settings
from sparktray.ui.background import Background
from sparktray.ui.clipboard import Copied, Copier
from sparktray.ui.settings.saving import Saving

if TYPE_CHECKING:
    from sparktray.ui.clients.page import ClientsPage


class Handing(QObject):
    """Keeps it in the settings, from where it comes back as if anybody had changed it. Main thread only.

    ``key`` gives a key of the keyring; it blocks, and is called on other threads. ``key_asked`` carries an
    `EnterSecret`, ``opened`` says that other forwards are open now.
    """

    key_asked = Signal(object)
    opened = Signal()

    def __init__(
        self,
        copier: Copier,
        saving: Saving,
        background: Background,
        remote: Callable[[], Remote | None],
        key: Callable[[str], Secret | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.copier, self.saving, self.remote, self.key = copier, saving, remote, key
        self.forwards = Forwards(remote)
        self._background = background
        self._settings = Settings()
        self._snapshot: Snapshot | None = None
        self._wanted: tuple[WantedForward, ...] = ()
        copier.given.connect(self._given)

    def serve(self, page: ClientsPage) -> None:
        """Do what is asked for on that page."""
        page.forward_asked.connect(self._forward)
        page.public_asked.connect(self._public)
        page.key_asked.connect(self.key_asked)
        page.forwards_again.connect(self._open)

    def take_settings(self, settings: Settings) -> None:
        """What is on disk now."""
        self._settings = settings
        self._look()

    def take(self, snapshot: Snapshot | None) -> None:
        """The present picture: it tells whose forwards are meant, and where they lead."""
        before, self._snapshot = self._snapshot, snapshot
        if before is None or snapshot is None or _place(before) != _place(snapshot):
            self._look()

    def copy_id(self, server: str, told: Callable[[Copied], None]) -> None:
        """Copy the ID of that server; nothing happens when it serves none any more."""
        snapshot = self._snapshot
        state = None if snapshot is None else snapshot.state_of(server)
        model_id = None if snapshot is None or state is None else running_on(snapshot, state).model_id
        if snapshot is not None and model_id is not None:
            given = CopiedId(host=snapshot.host.name, server=server, model_id=model_id)
            self.copier.give(given, model_id, told)

    def close(self) -> None:
        """The program ends, and with it the forwards."""
        self.forwards.close()

    def _look(self) -> None:
        snapshot, wanted = self._snapshot, []
        if snapshot is not None and not snapshot.host.is_local:
            for each in self._settings.forwards:
                server = snapshot.catalogue.server(each.server)
                if each.host == snapshot.host.name and server is not None:
                    wanted.append(WantedForward(server.name, server.port, each.port))
        if tuple(wanted) != self._wanted:
            self._wanted = tuple(wanted)
            self._open()

    def _open(self) -> None:
        wanted = self._wanted
        self._background.run(lambda: self.forwards.keep(wanted), lambda _: self.opened.emit())

    def _given(self, copied: CopiedId) -> None:
        self.saving.change(lambda settings: settings.with_copy(copied))

    def _forward(self, host: str, server: str, port: int | None) -> None:
        self.saving.change(lambda settings: settings.with_forward(host, server, port))

    def _public(self, host: str, server: str, url: str) -> None:
        self.saving.change(lambda settings: settings.with_public(host, server, url))


def _place(snapshot: Snapshot) -> tuple[object, ...]:
    return snapshot.host, snapshot.catalogue.servers
