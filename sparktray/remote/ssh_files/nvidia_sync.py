"""Hosts a person already has in the SSH configuration, those that NVIDIA Sync set up first.

Sync keeps a configuration and a key of its own in one folder, and puts an Include of it at the top of
``~/.ssh/config``. Its users publish what they find there (2025 and 2026): ``Include "<folder>/ssh_config"``,
and per device ``Host``, ``Hostname``, ``User``, ``Port`` and ``IdentityFile "<folder>/nvsync.key"``. Some
take the Include out, or lose it: the file is looked for in its folder too.
"""

import os
import re
from collections.abc import Iterator

import msgspec

from sparktray.domain.host import valid_address, valid_user
from sparktray.remote.ssh_files.config import ConfigFile, Line, SshConfig, read_config
from sparktray.remote.ssh_files.lookup import HostSettings, block_applies, settings_for
from sparktray.remote.ssh_files.reading import Files, Person

# More than this nobody chooses from. Both bound the work a huge file makes.
MAX_OFFERED = 50
_MAX_LOOKED_AT = 200
_KEY = "nvsync.key"
_FOLDER_OF_SYNC = re.compile(r"[\\/](?:NVIDIA|NVIDIA Corporation)[\\/]Sync[\\/]", re.IGNORECASE)
# Every service for git code logs in as this user; none of them is a Spark.
_GIT = "git"


class OfferedHost(msgspec.Struct, frozen=True):
    """A name the person gave a host, and what the configuration says about it.

    Name, address and user have passed `valid_address` and `valid_user`.
    """

    alias: str
    settings: HostSettings
    of_sync: bool


def offered_hosts(person: Person, files: Files) -> tuple[OfferedHost, ...]:
    """The hosts with a name of their own (no wildcards), each machine once, NVIDIA Sync's first.

    Raises nothing. Not in the interface's thread, unless ``files`` holds them in memory.
    """
    own = f"{person.home}/.ssh/config"
    config = read_config(person, files, of_user=(own, *_files_of_sync(person)))
    named = list(dict.fromkeys(_named(config)))
    offered: dict[tuple[str, str | None, int | None], OfferedHost] = {}
    # A stable sort: within each group the order of the files. Sync's before the cut.
    for alias, in_sync in sorted(named, key=lambda found: not found[1])[:_MAX_LOOKED_AT]:
        if len(offered) == MAX_OFFERED:
            break
        host = _judged(config, alias, in_sync)
        if host is not None:
            where = (host.settings.address, host.settings.user, host.settings.port)
            offered.setdefault(where, host)
    return tuple(sorted(offered.values(), key=lambda host: not host.of_sync))


def _files_of_sync(person: Person) -> tuple[str, ...]:
    """Where Sync keeps its configuration on Windows, macOS and Linux."""
    local = person.environment.get("LOCALAPPDATA")
    on_windows = (rf"{local}\NVIDIA Corporation\Sync\config\ssh_config",) if local else ()
    return (
        *on_windows,
        f"{person.home}/Library/Application Support/NVIDIA/Sync/config/ssh_config",
        f"{person.home}/.config/NVIDIA/Sync/config/ssh_config",
    )


def _named(config: SshConfig) -> Iterator[tuple[str, bool]]:
    """All names without wildcards, and whether they stand in a file of Sync's."""
    for file in config.files:
        yield from _named_in(file)


def _named_in(file: ConfigFile) -> Iterator[tuple[str, bool]]:
    block: Line | None = None
    for line in file.lines:
        if line.keyword in ("host", "match"):
            block = line
        if line.keyword == "host":
            in_sync = _FOLDER_OF_SYNC.search(file.path) is not None
            yield from ((name, in_sync) for name in line.words if not set(name) & set("*?!"))
        for included in line.included:
            # An Include below a Host line counts for that host only; Sync's is read by itself as well.
            yield from ((name, mark) for name, mark in _named_in(included) if _reached(block, name))


def _reached(block: Line | None, name: str) -> bool:
    if block is None:
        return True
    return block.keyword == "host" and block_applies(block, name)


def _judged(config: SshConfig, alias: str, in_sync: bool) -> OfferedHost | None:
    settings = settings_for(config, alias)
    if not valid_address(alias) or not valid_address(settings.address) or settings.user == _GIT:
        return None
    if settings.user is not None and not valid_user(settings.user):
        return None
    with_its_key = any(os.path.basename(path.replace("\\", "/")) == _KEY for path in settings.identity_files)
    return OfferedHost(alias, settings, in_sync or with_its_key)
