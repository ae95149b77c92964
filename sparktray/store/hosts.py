"""The hosts that were set up, in `hosts.json` of the config folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sparktray.domain.host import (
    HostProfile,
    valid_address,
    valid_fingerprint,
    valid_host_name,
    valid_user,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_name
from sparktray.store.atomic import read_file, sole_writer, write_file
from sparktray.store.paths import ConfigFolder, StoreError, unreadable

VERSION = 1
_BOM = b"\xef\xbb\xbf"  # Notepad writes it


class Hosts(msgspec.Struct, frozen=True):
    """All profiles in the order they were added, and the name of the one in use."""

    profiles: tuple[HostProfile, ...] = ()
    in_use: str | None = None

    def get(self, name: str | None = None) -> HostProfile | None:
        """The profile of that name, without one the profile in use; None when there is none."""
        wanted = self.in_use if name is None else name
        return next((profile for profile in self.profiles if profile.name == wanted), None)


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: int = 0
    in_use: str | None = None
    hosts: tuple[HostProfile, ...] = ()


class _Version(msgspec.Struct):
    version: int = 0


class HostsFile:
    """`hosts.json`. Any thread; several processes may change it at once, each change is whole."""

    def __init__(self, folder: ConfigFolder) -> None:
        self._folder = folder
        self.path = folder.file("hosts.json")

    def load(self) -> Hosts:
        """What it holds; nothing when it is not there.

        A file that cannot be understood is renamed to `hosts.json.corrupt-<UTC>`, so that the next
        start begins without hosts, and said by `StoreError` (code ``store-corrupt``).
        """
        text = read_file(self.path)
        if text is None:
            return Hosts()
        try:
            return _understood(text.removeprefix(_BOM))
        except _Newer:
            raise StoreError(
                Problem(
                    "store-version",
                    phrase("{path} was written by a newer version of sparktray.", path=str(self.path)),
                    phrase("Update sparktray, or name another folder with --config."),
                )
            ) from None
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise self._set_aside(str(error)) from error

    def get(self, name: str | None = None) -> HostProfile | None:
        """The profile of that name, without one the profile in use. Raises `StoreError`."""
        return self.load().get(name)

    def add(self, profile: HostProfile) -> Hosts:
        """Add a profile, or put it in place of the one of the same name; the first one is the one in use."""

        def added(hosts: Hosts) -> Hosts:
            known = any(each.name == profile.name for each in hosts.profiles)
            changed = tuple(profile if each.name == profile.name else each for each in hosts.profiles)
            profiles = changed if known else (*hosts.profiles, profile)
            return Hosts(profiles, hosts.in_use if hosts.get() is not None else profiles[0].name)

        return self._change(added)

    def use(self, name: str) -> Hosts:
        """Make that host the one in use. Raises `StoreError` when there is no such host."""
        return self._change(lambda hosts: Hosts(_with(hosts, name), name))

    def remove(self, name: str) -> Hosts:
        """Forget that host; when it was in use, the first one left is. Raises `StoreError`."""

        def removed(hosts: Hosts) -> Hosts:
            left = tuple(each for each in _with(hosts, name) if each.name != name)
            kept = hosts.in_use if hosts.in_use != name else None
            return Hosts(left, kept or (left[0].name if left else None))

        return self._change(removed)

    def _change(self, change: Callable[[Hosts], Hosts]) -> Hosts:
        with sole_writer(self._folder):
            hosts = change(self.load())
            file = _File(version=VERSION, in_use=hosts.in_use, hosts=hosts.profiles)
            write_file(self.path, msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n")
        return hosts

    def _set_aside(self, reason: str) -> StoreError:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = Path(f"{self.path}.corrupt-{stamp}")
        try:
            os.replace(self.path, aside)
        except OSError as error:
            return unreadable(self.path, error)
        return StoreError(
            Problem(
                "store-corrupt",
                phrase("The list of hosts could not be read; it is kept as {path}.", path=str(aside)),
                phrase("Correct it and rename it to hosts.json, or add the host again: sparktray host add"),
                reason,
            )
        )


class _Newer(Exception):
    """The file is of a later version, which may hold what this one does not know."""


def _understood(text: bytes) -> Hosts:
    if msgspec.json.decode(text, type=_Version).version > VERSION:
        raise _Newer
    file = msgspec.json.decode(text, type=_File)
    for profile in file.hosts:
        wrong = _wrong(profile)
        if wrong is not None:
            raise ValueError(wrong)
    names = [profile.name for profile in file.hosts]
    if len(set(names)) < len(names):
        raise ValueError("two hosts of one name")
    in_use = file.in_use if file.in_use in names else next(iter(names), None)
    return Hosts(file.hosts, in_use)


def _wrong(profile: HostProfile) -> str | None:
    """What in a profile could be taken for an option or for shell text, as somebody may have edited it."""
    checks = {
        "name": valid_host_name(profile.name),
        "address": all(valid_address(each) for each in profile.addresses),
        "port": 0 < profile.port < 65536,
        "user": profile.user is None or valid_user(profile.user),
        "fingerprint": profile.fingerprint is None or valid_fingerprint(profile.fingerprint),
        "models_dir": profile.models_dir.startswith("/"),
        "cache_dir": profile.cache_dir.startswith("/"),
    }
    return next((f"not a usable {name}" for name, holds in checks.items() if not holds), None)


def _with(hosts: Hosts, name: str) -> tuple[HostProfile, ...]:
    """The profiles, when one of that name is among them."""
    if hosts.get(name) is None:
        raise unknown_host(hosts, name)
    return hosts.profiles


def unknown_host(hosts: Hosts, name: str) -> StoreError:
    """What to raise for a name that no profile has."""
    known = ", ".join(each.name for each in hosts.profiles)
    remedy = phrase("Use one of these: {names}.", names=known)
    if not known:
        remedy = phrase("Add it: sparktray host add NAME --address ADDRESS")
    cause = phrase("There is no host {name}.", name=clean_name(name))
    return StoreError(Problem("usage-unknown-host", cause, remedy))
