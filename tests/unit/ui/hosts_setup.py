"""What the tests of the hosts' windows share: a config folder, jobs in the background, an answering host."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace
from PySide6.QtWidgets import QApplication

from sparktray.control.login.credentials import LoginQuestion
from sparktray.domain.host import HostProfile, Login
from sparktray.domain.phrase import phrase
from sparktray.remote.contract import HostKey, Remote
from sparktray.remote.errors import LoginCancelled, RemoteError
from sparktray.remote.host import open_local
from sparktray.remote.ssh_files.nvidia_sync import OfferedHost, offered_hosts
from sparktray.remote.ssh_files.reading import Files, Person, config_files
from sparktray.store.catalogue_file import load_catalogue
from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from sparktray.ui.background import Background
from sparktray.ui.hosts.access import Access
from sparktray.ui.hosts.secret_window import PersonAtDesk
from sparktray.wording import Wording
from tests.waiting import wait_until

KEY = HostKey("ssh-ed25519", "SHA256:" + "k" * 43)
PRIVATE_KEY = (
    ed25519.Ed25519PrivateKey.generate()
    .private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    .decode()
)
# What Qt 6.11 says of its offscreen platform whenever a window with least sizes is shown or raised there.
OFFSCREEN = ("This plugin does not support propagateSizeHints()", "This plugin does not support raise()")


def until(condition: Callable[[], Any], what: str, seconds: float = 10.0) -> None:
    """Let Qt work until it is so."""

    def met() -> bool:
        QApplication.processEvents()
        return bool(condition())

    wait_until(met, what, seconds=seconds)


@dataclass
class Setting:
    """The roads out, as one test has them. The host shows ``key`` once ``awake`` is set; ``refusal`` is
    raised by whatever goes there.
    """

    background: Background
    file: HostsFile
    access: Access = field(init=False)
    key: HostKey = KEY
    awake: threading.Event = field(default_factory=threading.Event)
    refusal: RemoteError | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)
    logins: list[HostProfile] = field(default_factory=list)
    forgotten: list[HostProfile] = field(default_factory=list)
    person: PersonAtDesk = field(init=False)

    def __post_init__(self) -> None:
        self.awake.set()
        catalogue = load_catalogue(ConfigFolder(self.file.path.parent / "none"))
        self.person = PersonAtDesk(Wording("en"))
        self.access = Access(
            self.file,
            self._dial,
            self._look_at_key,
            lambda: catalogue,
            self._set_up_key,
            self.forgotten.append,
            self.person,
            self._offered,
        )

    def _offered(self) -> tuple[OfferedHost, ...]:
        """What the SSH files in the folder around the config folder say; never those of this machine."""
        home, disk = str(self.file.path.parent.parent), config_files()
        files = Files(lambda path: disk.read(path) if path.startswith(home) else None, disk.find)
        return offered_hosts(Person(home, getpass.getuser(), {}), files)

    def _look_at_key(self, address: str, port: int) -> HostKey:
        self.asked.append((address, port))
        self.awake.wait(20)
        if self.refusal is not None:
            raise self.refusal
        return self.key

    def _set_up_key(self, host: HostProfile) -> HostProfile:
        """As it comes out with a real host, asking the person as one does."""
        if self.person.ask(LoginQuestion(phrase("Password"), "", echo=False, may_keep=False)) is None:
            raise LoginCancelled(kind="password")
        path = self.file.path.parent / "keys" / host.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PRIVATE_KEY, encoding="utf-8")
        path.chmod(0o600)
        return replace(host, login=Login.KEY, key_file=str(path))

    def _dial(self, host: HostProfile) -> Remote:
        self.logins.append(host)
        if self.refusal is not None:
            raise self.refusal
        return open_local()


@contextmanager
def setting(folder: Path) -> Iterator[Setting]:
    """Nothing is set up yet."""
    background = Background()
    try:
        yield Setting(background, HostsFile(ConfigFolder(folder)))
    finally:
        background.close()
