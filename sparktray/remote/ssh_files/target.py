"""From a host as it was set up to a place to log in to: what is not set, SSH's own files say."""

from __future__ import annotations

import os

from sparktray.domain.host import HostProfile, Login, valid_address, valid_user
from sparktray.remote.contract import SshTarget
from sparktray.remote.ssh_files.config import SshConfig, read_config
from sparktray.remote.ssh_files.known_hosts import KnownKey, read_known_hosts
from sparktray.remote.ssh_files.lookup import settings_for
from sparktray.remote.ssh_files.reading import Files, Person, config_files, key_files, this_person
from sparktray.remote.ssh_files.values import Jump

_SSH_PORT = 22


def target_for(host: HostProfile, person: Person, config: Files, known: Files) -> SshTarget:
    """Where and as whom to log in; ``config`` and ``known`` are `config_files` and `key_files`.

    Port 22 in a profile counts as not set, as in `ssh` without -p. Values that could be taken for an option
    or for shell text are left out. Reads files, so not on the main thread; raises nothing.
    """
    read = read_config(person, config)
    port = None if host.port == _SSH_PORT else host.port
    said = settings_for(read, host.address, user=host.user, port=port)
    address = _dialled(said.address, host.address)
    further = (_dialled(settings_for(read, each).address, each) for each in host.further)
    port = port or said.port or _SSH_PORT
    user = said.user if said.user is not None and valid_user(said.user) else person.user
    keys = read_known_hosts(person, known, address, port, alias=said.host_key_alias)
    return SshTarget(
        address=address,
        port=port,
        user=user,
        key_file=host.key_file or _first_there(host, said.identity_files),
        fingerprint=host.fingerprint,
        host_key_type=host.key_type,
        login=host.login,
        agent_key=host.agent_key,
        trusted=_prints(keys.trusted),
        trusted_types=tuple(dict.fromkeys(key.key_type for key in keys.trusted)),
        revoked=_prints(keys.revoked),
        connect_seconds=said.connect_timeout,
        further=tuple(further),
        jumps=tuple(_on_the_way(jump, host, read, person, known) for jump in said.jumps),
    )


def _on_the_way(jump: Jump, host: HostProfile, config: SshConfig, person: Person, known: Files) -> SshTarget:
    """A host of ProxyJump: known_hosts alone vouches for it, and it is logged in to by key or agent.

    The secrets of the host behind it are none of its business. Its own ProxyJump is not followed.
    """
    said = settings_for(config, jump.host, user=jump.user, port=jump.port)
    address, port = _dialled(said.address, jump.host), said.port or _SSH_PORT
    keys = read_known_hosts(person, known, address, port, alias=said.host_key_alias)
    by_agent = host.login is Login.AGENT
    own_key = _first_there(host, said.identity_files) if host.login is Login.KEY else None
    return SshTarget(
        address=address,
        port=port,
        user=said.user if said.user is not None and valid_user(said.user) else person.user,
        key_file=host.key_file if by_agent else own_key or host.key_file,
        login=Login.AGENT if by_agent else Login.KEY,
        agent_key=host.agent_key,
        trusted=_prints(keys.trusted),
        trusted_types=tuple(dict.fromkeys(key.key_type for key in keys.trusted)),
        revoked=_prints(keys.revoked),
        connect_seconds=said.connect_timeout,
    )


def _dialled(said: str, given: str) -> str:
    """HostName of the configuration, unless it could be taken for an option."""
    return said if valid_address(said) else given


def target_of(host: HostProfile) -> SshTarget:
    """The same, by the files of who runs the program."""
    return target_for(host, this_person(), config_files(), key_files())


def _first_there(host: HostProfile, paths: tuple[str, ...]) -> str | None:
    """One key is offered, so the first of several that exists. An agent is not told which by these."""
    if host.login is not Login.KEY:
        return None
    return next((path for path in paths if os.path.isfile(path)), None)


def _prints(keys: tuple[KnownKey, ...]) -> tuple[str, ...]:
    return tuple(key.fingerprint for key in keys)
