"""Builds the program from its settings. Knows every layer below it and no Qt."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sparktray.control.checking import Dial
from sparktray.control.controller import Controller
from sparktray.control.crew import Crew
from sparktray.control.login.credentials import AsksForSecrets, HostCredentials, Unkept, Vault
from sparktray.control.login.key_setup import set_up_key
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.host import DEMO_HOST, HostProfile
from sparktray.domain.operation import Operation
from sparktray.remote.contract import HostKey, Remote
from sparktray.remote.host import look_at_key, open_host, open_local
from sparktray.remote.ssh_files.target import target_of
from sparktray.store.catalogue_file import load_catalogue, usable_catalogue
from sparktray.store.durations import Durations
from sparktray.store.hosts import HostsFile
from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets import Secrets

if TYPE_CHECKING:
    from sparktray.demo.folder import PassingFolder


class DemoVisit:
    """The demo for a program without a host: its own records, in a folder that is gone with the program."""

    def __init__(self) -> None:
        self._folder: PassingFolder | None = None
        self._program: Program | None = None

    @property
    def host(self) -> HostProfile | None:
        """What is watched for want of a host; None until it is ``open``."""
        return None if self._program is None else DEMO_HOST

    def open(self) -> None:
        """Make ready, once. Raises StoreError and OSError where nothing temporary can be written; blocks."""
        from sparktray.demo.folder import PassingFolder  # only whoever tries it loads it

        if self._folder is None:
            self._folder = PassingFolder()
            self._program = open_program(self._folder.folder.path)

    def program(self, host: HostProfile | None) -> Program | None:
        """The program that this host belongs to; None for any but the demo that is visited."""
        return self._program if host == DEMO_HOST else None

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._folder.close()


class Program(msgspec.Struct, frozen=True):
    """Everything that outlives one controller."""

    folder: ConfigFolder
    hosts: HostsFile
    catalogue: Catalogue
    journal: Journal
    durations: Durations
    vault: Vault
    demo: DemoVisit = msgspec.field(default_factory=DemoVisit)


class _Records(msgspec.Struct, frozen=True):
    """Journal and durations as the crew wants them: one thing that keeps what operations leave."""

    journal: Journal
    durations: Durations

    def write(self, operation: Operation, host: str) -> None:
        if operation.end is None:
            self.journal.hold(operation.id)
        self.journal.write(operation, host)
        if operation.end is not None:
            self.journal.let_go(operation.id)

    def record(self, operation: str, host: str, container: str, inspect: Mapping[str, object]) -> None:
        self.journal.record(operation, host, container, inspect)

    def recorded(self, operation: str, container: str) -> Mapping[str, object] | None:
        return self.journal.recorded(operation, container)

    def put_aside(self, host: str) -> frozenset[str]:
        return self.journal.put_aside(host)

    def interrupted(self, host: str) -> frozenset[str]:
        ours = (entry.id for entry in self.journal.interrupted(host))
        return frozenset(each for each in ours if not self.journal.lives(each))

    def broken_off(self, host: str) -> Operation | None:
        return self.journal.broken_off(host)

    def descriptions(self, operation: str) -> Sequence[Mapping[str, object]]:
        return self.journal.descriptions(operation)

    def remember(self, host: str, server: str, model: str, seconds: float) -> None:
        self.durations.remember(host, server, model, seconds)

    def usual(self, host: str, server: str, model: str) -> float | None:
        return self.durations.usual(host, server, model)


def open_program(config: Path | None, *, forgiving: bool = False) -> Program:
    """Read the settings. Raises CatalogueError and StoreError; contacts nothing.

    ``forgiving`` takes the last good catalogue for a broken one: a tray that does not start at login
    because of a comma tells nobody what is wrong.
    """
    folder = ConfigFolder.find(config)
    return Program(
        folder,
        HostsFile(folder),
        usable_catalogue(folder)[0] if forgiving else load_catalogue(folder),
        Journal(folder),
        Durations(folder),
        vault_of(folder),
    )


def controller_for(
    program: Program,
    host: HostProfile,
    *,
    keep_trying: bool,
    person: AsksForSecrets | None = None,
    measure: bool = False,
) -> Controller:
    """A controller for one host, not yet started; ``keep_trying`` comes back after a lost link.

    ``person`` is asked for what a login needs and the keyring does not hold. ``measure`` also reads what
    each model would take.
    """
    records = _Records(program.journal, program.durations)
    dial = dialer(program.vault, person)
    crew = Crew(
        host,
        program.catalogue,
        lambda: dial(host),
        records,
        keep_trying=keep_trying,
        measure=measure,
        secret=program.vault.keyring.named,
    )
    return Controller(host, program.catalogue, crew, _owner())


def dialer(vault: Vault, person: AsksForSecrets | None = None) -> Dial:
    """What connects to a host; it raises RemoteError, and blocks, so it is called on a lane."""

    def dial(host: HostProfile) -> Remote:
        if host.is_demo:
            from sparktray.demo.link import open_demo  # only whoever tries it loads it

            return open_demo()
        if host.is_local:
            return open_local(sudo=host.sudo)
        return open_host(target_of(host), credentials=HostCredentials(host, vault, person), sudo=host.sudo)

    return dial


def key_setup(program: Program, person: AsksForSecrets) -> Callable[[HostProfile], HostProfile]:
    """What brings a fresh key to a host by a password that ``person`` is asked for; see `set_up_key`."""

    def set_up(host: HostProfile) -> HostProfile:
        by_password = dialer(program.vault, Unkept(person))
        return set_up_key(host, program.folder, by_password, dialer(program.vault))

    return set_up


def shown_key(address: str, port: int) -> HostKey:
    """The host key shown at an address or an alias of the SSH configuration. Blocks; see `look_at_key`."""
    return look_at_key(target_of(HostProfile("", address, port)))


def vault_of(folder: ConfigFolder) -> Vault:
    """The secrets of a config folder; one a process."""
    return Vault(Secrets(folder))


def _owner() -> str:
    """How this computer signs its locks, for the person at another one to read."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
