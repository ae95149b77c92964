"""Which of the hosts that this computer's SSH files name can be set up here."""

from __future__ import annotations

import os
from collections.abc import Iterable

from sparktray.domain.host import LOCAL, HostProfile
from sparktray.remote.errors import KeyFileUnusable
from sparktray.remote.ssh.keyfile import check_key_file
from sparktray.remote.ssh_files.lookup import HostSettings
from sparktray.remote.ssh_files.nvidia_sync import OfferedHost

_SSH_PORT = 22
_NO_COMMAND = (None, "none")  # ssh_config(5): "none" means that none is used


def offers(
    offered: Iterable[OfferedHost], profiles: Iterable[HostProfile], user: str
) -> tuple[HostProfile, ...]:
    """Those that are not set up already, in their order; each profile's name is the alias, unjudged.

    ``user`` is who is at this computer: as whom ssh(1) logs in when the files name nobody. Looks at key
    files, so only jobs in the background call it. Raises nothing.
    """
    there = {_where(profile, user) for profile in profiles}
    found: dict[tuple[str, int, str], HostProfile] = {}
    for host in offered:
        settings = host.settings
        if not _can_be_dialled(settings):
            continue
        port, who = settings.port or _SSH_PORT, settings.user or user or None
        profile = HostProfile(host.alias, settings.address, port, who, _key_among(settings.identity_files))
        where = _where(profile, user)
        if where not in there:
            found.setdefault(where, profile)
    return tuple(found.values())


def _can_be_dialled(settings: HostSettings) -> bool:
    """Directly, that is: no host or program in between. An address that reads "local" would mean no SSH."""
    direct = not settings.jumps and settings.proxy_command in _NO_COMMAND
    return direct and settings.address != LOCAL


def _where(profile: HostProfile, user: str) -> tuple[str, int, str]:
    return profile.address.lower(), profile.port, profile.user or user


def _key_among(paths: tuple[str, ...]) -> str | None:
    """The first that can be used; else the first that is there, so that what is wrong with it gets told."""
    there = [path for path in paths if os.path.isfile(path)]  # opening a pipe would block
    for path in there:
        try:
            return check_key_file(path).path
        except KeyFileUnusable:
            continue
    return there[0] if there else None
