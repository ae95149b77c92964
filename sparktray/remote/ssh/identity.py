"""The one key that a login offers, found before anything is sent."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import paramiko

from sparktray.domain.host import Login
from sparktray.remote.contract import Credentials, SshTarget, Wanted, WantedKind
from sparktray.remote.errors import KeyFileUnusable, SecretMissing
from sparktray.remote.ssh.agent import AgentSession, open_agent
from sparktray.remote.ssh.fingerprint import fingerprint_of_bytes, fingerprint_of_line
from sparktray.remote.ssh.keyfile import KeyFile, check_key_file

_TRIES = 3
_LINE_BYTES = 64 * 1024


@dataclass(slots=True)
class Identity:
    """What this person has for one login; close it afterwards.

    ``key`` is None for a password, and for an encrypted key file until `unlock`.
    """

    key: paramiko.PKey | None = None
    locked: KeyFile | None = None
    agent: AgentSession | None = None

    def unlock(self, target: SshTarget, credentials: Credentials | None) -> None:
        """Open an encrypted key file. Raises SecretMissing, LoginCancelled, KeyFileUnusable.

        Called when the host has proven who it is: nobody types a passphrase for a host that is not there.
        """
        if self.locked is None or self.key is not None:
            return
        if credentials is None:
            raise SecretMissing(kind=WantedKind.PASSPHRASE)
        for attempt in range(_TRIES):
            wanted = Wanted(WantedKind.PASSPHRASE, target, refused=attempt > 0)
            try:
                self.key = _loaded(self.locked.path, credentials.secret(wanted).reveal())
            except _WrongPassphrase:
                continue
            credentials.accepted(wanted)
            return
        raise KeyFileUnusable(key_file=target.key_file or "", reason="passphrase")

    def close(self) -> None:
        """Let go of the agent."""
        if self.agent is not None:
            self.agent.close()


def prepared(target: SshTarget) -> Identity:
    """What can be told without contact: the key file, loaded unless it is encrypted, or the agent's key.

    Raises KeyFileUnusable, AgentUnusable.
    """
    match target.login:
        case Login.PASSWORD:
            return Identity()
        case Login.AGENT:
            agent = open_agent()
            try:
                return Identity(agent.key(_wanted_of_agent(target)), agent=agent)
            except BaseException:
                agent.close()
                raise
        case Login.KEY:
            file = check_key_file(target.key_file)
            if file.encrypted:
                return Identity(locked=file)
            try:
                return Identity(_loaded(file.path, None))
            except _WrongPassphrase:
                raise KeyFileUnusable(key_file=target.key_file or "", reason="unknown-format") from None


class _WrongPassphrase(Exception):
    """The file cannot be opened with what was given."""


def _loaded(path: str, passphrase: str | None) -> paramiko.PKey:
    try:
        # The library wants bytes, whatever its annotation says (paramiko 5.1 hands them to cryptography).
        secret: Any = None if passphrase is None else passphrase.encode("utf-8", "surrogateescape")
        return paramiko.PKey.from_path(path, password=secret)
    except (paramiko.SSHException, paramiko.pkey.UnknownKeyType, ValueError, TypeError, OSError):
        raise _WrongPassphrase from None


def _wanted_of_agent(target: SshTarget) -> str | None:
    """Which key the agent is asked for; the public half of a key file names it."""
    if target.agent_key is not None or target.key_file is None:
        return target.agent_key
    path = os.path.expanduser(target.key_file)
    public = path if path.endswith(".pub") else f"{path}.pub"
    try:
        with open(public, "rb") as file:
            line = file.read(_LINE_BYTES).decode(errors="replace")
    except OSError:
        line = ""
    found = fingerprint_of_line(line)
    if found is not None:
        return found
    inside = check_key_file(target.key_file).public
    if inside is None:
        raise KeyFileUnusable(key_file=target.key_file, reason="public-half")
    return fingerprint_of_bytes(inside)
