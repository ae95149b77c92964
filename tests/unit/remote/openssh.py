"""The real OpenSSH as the measure, and files in memory."""

from __future__ import annotations

import fnmatch
import getpass
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sparktray.remote.ssh_files.lookup import HostSettings
from sparktray.remote.ssh_files.reading import Files, Person
from sparktray.remote.ssh_files.values import Jump

HAS_SSH = os.name == "posix" and shutil.which("ssh") is not None and shutil.which("ssh-keygen") is not None
KEYS = (
    "hostname",
    "user",
    "port",
    "identitiesonly",
    "proxyjump",
    "proxycommand",
    "connecttimeout",
    "hostkeyalias",
)
PERSON = Person("/home/me", "me", {"HOME": "/home/me"})


def in_memory(files: Mapping[str, bytes]) -> Files:
    """Files that are nowhere but here."""
    return Files(files.get, lambda pattern: sorted(name for name in files if fnmatch.fnmatch(name, pattern)))


def myself() -> Person:
    """Whom ssh takes for the person: the home folder of the password file, whatever HOME says."""
    import pwd

    entry = pwd.getpwuid(os.getuid())
    return Person(entry.pw_dir, getpass.getuser(), os.environ)


def real_answer(path: Path, host: str, *options: str) -> dict[str, list[str]] | None:
    """What ``ssh -G`` says, by keyword; None when it refuses the file."""
    command = ["ssh", "-G", "-F", str(path), *options, "--", host]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        return None
    found: dict[str, list[str]] = {}
    for line in done.stdout.decode("utf-8", "surrogateescape").split("\n"):
        keyword, _, value = line.partition(" ")
        found.setdefault(keyword, []).append(value)
    return found


def compared(answer: Mapping[str, list[str]], usual: Mapping[str, list[str]], home: str) -> dict[str, object]:
    """The part of ssh's answer that sparktray knows, in one form."""
    found: dict[str, object] = {key: answer.get(key, [None])[0] for key in KEYS}
    keys = answer.get("identityfile", [])
    if keys == usual.get("identityfile", []):
        keys = []  # what ssh tries when nobody names a key
    found["identityfile"] = [
        home + key[1:] if key.startswith("~") else key for key in keys if key.lower() != "none"
    ]
    return found


def as_ssh_says(settings: HostSettings, person: Person) -> dict[str, object]:
    """Our answer in the same form."""
    seconds = settings.connect_timeout
    return {
        "hostname": settings.address,
        "user": settings.user or person.user,
        "port": str(settings.port or 22),
        "identitiesonly": "yes" if settings.identities_only else "no",
        "proxyjump": ",".join(map(_jump, settings.jumps)) or None,
        "proxycommand": settings.proxy_command if settings.proxy_command != "none" else None,
        "connecttimeout": "none" if seconds is None else str(seconds),
        "hostkeyalias": settings.host_key_alias,
        "identityfile": list(settings.identity_files),
    }


def _jump(jump: Jump) -> str:
    numeric = ":" in jump.host or not jump.host.strip("1234567890.")
    host = f"[{jump.host}]" if numeric else jump.host
    return (f"{jump.user}@" if jump.user else "") + host + (f":{jump.port}" if jump.port else "")
