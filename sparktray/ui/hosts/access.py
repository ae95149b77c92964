"""What setting up hosts needs of disk and network."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sparktray.control.checking import Dial
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.host import HostProfile
from sparktray.remote.contract import HostKey
from sparktray.remote.ssh_files.nvidia_sync import OfferedHost, offered_hosts
from sparktray.remote.ssh_files.reading import config_files, this_person
from sparktray.store.hosts import HostsFile
from sparktray.ui.hosts.secret_window import PersonAtDesk
from sparktray.wiring import Program, dialer, key_setup, shown_key


def hosts_of_ssh_files() -> tuple[OfferedHost, ...]:
    """The hosts that the person's own SSH configuration names. Reads files; raises nothing."""
    return offered_hosts(this_person(), config_files())


class Access(msgspec.Struct, frozen=True):
    """The roads out of the interface. All but ``catalogue`` may block, so only jobs in the background call
    them; they raise `RemoteError`, the file `StoreError`.

    ``dial`` logs in to a host, ``look_at_key`` shows the host key at an address and a port without a login,
    ``catalogue`` is the one in use now, ``offered`` what this computer knows of hosts already.
    ``set_up_key`` brings a fresh key to a host and gives the profile that logs in by it, ``forget`` takes a
    host's secrets out of the keyring. ``person`` is who is asked by those that log in, once welcome.
    """

    hosts: HostsFile
    dial: Dial
    look_at_key: Callable[[str, int], HostKey]
    catalogue: Callable[[], Catalogue]
    set_up_key: Callable[[HostProfile], HostProfile]
    forget: Callable[[HostProfile], None]
    person: PersonAtDesk
    offered: Callable[[], tuple[OfferedHost, ...]] = hosts_of_ssh_files


def access_of(program: Program, catalogue: Callable[[], Catalogue], person: PersonAtDesk) -> Access:
    """The roads of a program; ``person`` is asked on them."""
    return Access(
        program.hosts,
        dialer(program.vault, person),
        shown_key,
        catalogue,
        key_setup(program, person),
        program.vault.forget,
        person,
    )
