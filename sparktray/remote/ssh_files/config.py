"""``~/.ssh/config`` with all that it includes, read once; `lookup` answers for one host at a time."""

import os
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from sparktray.remote.ssh_files.reading import Files, LeftOut, Person, Reason, numbered_lines, usable
from sparktray.remote.ssh_files.syntax import keyword_and_rest, words

MAX_INCLUDES = 64
# OpenSSH 9.2 readconf.c READCONF_MAX_DEPTH.
MAX_DEPTH = 16
# All files together; 65 of the largest would take half a minute to read.
MAX_BYTES = 4 * 1024 * 1024

# The second name is an old one for the first (readconf.c).
_SAME = {"identityfile2": "identityfile"}
_USED = frozenset(
    {
        "host",
        "match",
        "include",
        "hostname",
        "user",
        "port",
        "identityfile",
        "identitiesonly",
        "proxyjump",
        "proxycommand",
        "connecttimeout",
        "hostkeyalias",
    }
)


class Line(msgspec.Struct, frozen=True):
    """One line that matters. ``words``: those of ``rest``; none for an open quote or an empty word.

    ``included``: the files an Include stands for.
    """

    number: int
    keyword: str
    rest: str
    words: tuple[str, ...]
    included: "tuple[ConfigFile, ...]" = ()


class ConfigFile(msgspec.Struct, frozen=True):
    """A file's lines, in their order."""

    path: str
    lines: tuple[Line, ...]


class SshConfig(msgspec.Struct, frozen=True):
    """All files in the order they count (the first value of a keyword wins), and what was left out."""

    person: Person
    files: tuple[ConfigFile, ...]
    left_out: tuple[LeftOut, ...]


def read_config(person: Person, files: Files, *, of_user: Sequence[str] | None = None) -> SshConfig:
    """What the user's file says, then the system's. Raises nothing: what cannot be used is left out and told.

    ``of_user``: the user's files, if they are others than ``~/.ssh/config``.
    """
    reader = _Reader(person, files)
    system = _system_folder(person)
    ours = [f"{person.home}/.ssh/config"] if of_user is None else of_user
    found = [reader.file(path, f"{person.home}/.ssh") for path in ours]
    found.append(reader.file(f"{system}/ssh_config", system, tilde=False))
    return SshConfig(person, tuple(file for file in found if file is not None), tuple(reader.left_out))


def _system_folder(person: Person) -> str:
    if os.name == "nt":
        return person.environment.get("PROGRAMDATA", r"C:\ProgramData") + r"\ssh"
    return "/etc/ssh"


class _Reader:
    def __init__(self, person: Person, files: Files) -> None:
        self.left_out: list[LeftOut] = []
        self._home = person.home
        self._files = files
        self._includes = 0
        self._bytes = 0

    def file(
        self, path: str, folder: str, *, tilde: bool = True, within: tuple[str, ...] = ()
    ) -> ConfigFile | None:
        """One file; ``folder`` is what relative includes begin in, ``within`` the files that include it."""
        data = usable(path, self._files, self.left_out)
        if data is None:
            return None
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            self.left_out.append(LeftOut(path, 0, Reason.TOO_LARGE))
            return None
        lines: list[Line] = []
        for number, text in numbered_lines(path, data, self.left_out):
            parts = keyword_and_rest(text)
            if parts is None:
                continue
            keyword, rest = _SAME.get(parts[0], parts[0]), parts[1]
            if not keyword:
                self.left_out.append(LeftOut(path, number, Reason.BAD_LINE))
            elif keyword in _USED:
                found = words(rest) or []
                line = Line(number, keyword, rest, () if "" in found else tuple(found))
                if keyword == "include":
                    included = self._include(path, line, folder, tilde, (*within, path))
                    line = replace(line, included=included)
                lines.append(line)
        return ConfigFile(path, tuple(lines))

    def _include(
        self, path: str, line: Line, folder: str, tilde: bool, within: tuple[str, ...]
    ) -> tuple[ConfigFile, ...]:
        found: list[ConfigFile] = []
        if not line.words:
            self.left_out.append(LeftOut(path, line.number, Reason.BAD_LINE))
        for pattern in line.words:
            full = self._anchored(pattern, folder, tilde)
            if full is None:
                self.left_out.append(LeftOut(path, line.number, Reason.BAD_VALUE))
                continue
            for name in self._files.find(full):
                if name in within or len(within) > MAX_DEPTH:
                    self.left_out.append(LeftOut(path, line.number, Reason.INCLUDE_LOOP))
                    continue
                if self._includes >= MAX_INCLUDES:
                    self.left_out.append(LeftOut(path, line.number, Reason.TOO_MANY_INCLUDES))
                    return tuple(found)
                self._includes += 1
                file = self.file(name, folder, tilde=tilde, within=within)
                if file is not None:
                    found.append(file)
        return tuple(found)

    def _anchored(self, pattern: str, folder: str, tilde: bool) -> str | None:
        """From the root; ``~`` is the home folder, in the user's files only (ssh_config(5) Include)."""
        if pattern == "~" or pattern.startswith("~/"):
            return self._home + pattern[1:] if tilde else None
        if pattern.startswith("~"):
            return None
        return pattern if os.path.isabs(pattern) else f"{folder}/{pattern}"
