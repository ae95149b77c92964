"""A host as the person set it up, and where its models and caches lie."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from sparktray.domain.text import has_hidden

DEFAULT_MODELS_DIR = "/home/sparkuser/ai/models"
DEFAULT_CACHE_DIR = "/home/sparkuser/ai/cache"
LOCAL = "local"
DEMO = "demo"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
# What OpenSSH refuses in a host or user name given on a command line (ssh.c valid_hostname,
# valid_ruser, since CVE-2023-51385), so that a name can never become an option or shell text.
_FORBIDDEN_IN_ADDRESS = set("'`\"$\\;&<>|(){},")
_FORBIDDEN_IN_USER = set("'`\";&<>|(){}$\\@")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


class Login(StrEnum):
    """With what a person logs in to a host."""

    KEY = "key"
    AGENT = "agent"
    PASSWORD = "password"  # noqa: S105  the name of a way


class HostProfile(msgspec.Struct, frozen=True):
    """One Spark (or this computer, ``address == "local"``, or the built-in demo, "demo") and how to reach it.

    ``fingerprint`` is the pinned SHA256 of its host key, None while nobody has judged it; ``key_type`` its
    SSH name ("ssh-ed25519"). ``agent_key`` is the SHA256 of the one key that the agent is asked for, None
    for its only one or that of ``key_file``. ``further`` are more addresses of the same host, for example
    its VPN name: all are tried together. ``sudo``: Docker and files are reached only by ``sudo`` there,
    which must not ask for a password.
    Folders are paths on the host; ``{models}`` and ``{cache}`` of the catalogue mean them.
    """

    name: str
    address: str
    port: int = 22
    user: str | None = None
    key_file: str | None = None
    fingerprint: str | None = None
    models_dir: str = DEFAULT_MODELS_DIR
    cache_dir: str = DEFAULT_CACHE_DIR
    login: Login = Login.KEY
    agent_key: str | None = None
    key_type: str | None = None
    further: tuple[str, ...] = ()
    sudo: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them, the first one first."""
        return (self.address, *self.further)

    @property
    def is_local(self) -> bool:
        """True for this computer itself: no SSH, the same code."""
        return self.address == LOCAL

    @property
    def by_ssh(self) -> bool:
        """True for a host on the other side of a network: with a port, a host key and a login."""
        return not self.is_local and not self.is_demo

    @property
    def is_demo(self) -> bool:
        """True for the Spark that is built into this program: nothing there is real."""
        return self.address == DEMO

    def expand(self, path: str) -> str:
        """A catalogue path as a path on this host."""
        full = path.replace("{models}", self.models_dir).replace("{cache}", self.cache_dir)
        return full.rstrip("/") or full[:1]


DEMO_HOST = HostProfile(DEMO, DEMO)
"""The built-in demo as a host."""


def valid_host_name(name: str) -> bool:
    """True for a profile name that is safe as a file name and in a command."""
    return _NAME.fullmatch(name) is not None


def valid_address(address: str) -> bool:
    """True for a name or IP address that cannot be read as an option or as shell text."""
    return _valid(address, _FORBIDDEN_IN_ADDRESS)


def valid_user(user: str) -> bool:
    """True for a login name that cannot be read as an option or as shell text."""
    return _valid(user, _FORBIDDEN_IN_USER)


def valid_fingerprint(text: str) -> bool:
    """True for a fingerprint as ``ssh-keygen -l`` prints it: SHA256: and 43 base64 characters."""
    return _FINGERPRINT.fullmatch(text) is not None


def _valid(text: str, forbidden: set[str]) -> bool:
    plain = text.isprintable() and not has_hidden(text) and not any(c.isspace() for c in text)
    return bool(text) and plain and not text.startswith("-") and not forbidden & set(text)


def folder_name(path: str) -> str:
    """The last part of a path on the host."""
    return path.rstrip("/").rpartition("/")[2]
