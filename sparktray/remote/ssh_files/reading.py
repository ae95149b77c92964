"""The bytes of the user's SSH files, their lines, and what was left out and why. All of it bounded."""

import getpass
import glob
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice

import msgspec

MAX_FILE_BYTES = 1024 * 1024
MAX_LINE_BYTES = 64 * 1024
_MAX_NAMES = 1000
_BOM = b"\xef\xbb\xbf"


class Reason(StrEnum):
    """Why a file, a line or a block was not used. The values are fixed words, for tables and logs."""

    UNREADABLE = "unreadable"
    NO_FILE = "no-file"  # a folder, a pipe, a device
    UNSAFE_MODE = "unsafe-mode"  # somebody else could have written it
    TOO_LARGE = "too-large"
    LONG_LINE = "long-line"
    BAD_LINE = "bad-line"
    BAD_VALUE = "bad-value"
    INCLUDE_LOOP = "include-loop"
    TOO_MANY_INCLUDES = "too-many-includes"
    UNKNOWN_CRITERION = "unknown-criterion"  # of Match: exec, canonical, final and the like
    CERT_AUTHORITY = "cert-authority"


class LeftOut(msgspec.Struct, frozen=True):
    """One thing that was not used. ``line`` counts from 1; 0 is the whole file."""

    path: str
    line: int
    reason: Reason


class Person(msgspec.Struct, frozen=True):
    """Whose files they are: home folder, login name on this computer, and environment."""

    home: str
    user: str
    environment: Mapping[str, str]


class Files(msgspec.Struct, frozen=True):
    """How files are reached.

    ``read`` gives a file's bytes (one byte more than allowed is enough of a large one), None when it is not
    there, or why it may not be used. ``find`` gives the paths a pattern with wildcards stands for, sorted.
    """

    read: Callable[[str], bytes | Reason | None]
    find: Callable[[str], Sequence[str]]


def this_person() -> Person:
    """Who runs the program."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user number without a name
        user = ""
    return Person(os.path.expanduser("~"), user, os.environ)


def config_files() -> Files:
    """The disk, for configurations: a file that others may write is not used, as ssh(1) refuses it.

    Source: OpenSSH 9.2 readconf.c, SSHCONF_CHECKPERM. Never call it in the interface's thread.
    """
    return Files(lambda path: _read(path, only_ours=True), _find)


def key_files() -> Files:
    """The disk, for known_hosts: OpenSSH does not judge its mode. Never in the interface's thread."""
    return Files(lambda path: _read(path, only_ours=False), _find)


def numbered_lines(path: str, data: bytes, left_out: list[LeftOut]) -> Iterator[tuple[int, str]]:
    """The lines with their numbers; longer ones than 64 KiB are told in ``left_out``.

    Bytes that are not UTF-8 survive as surrogates. As in OpenSSH, a NUL ends its line.
    """
    for number, raw in enumerate(data.removeprefix(_BOM).split(b"\n"), start=1):
        if len(raw) > MAX_LINE_BYTES:
            left_out.append(LeftOut(path, number, Reason.LONG_LINE))
        else:
            yield number, raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def usable(path: str, files: Files, left_out: list[LeftOut]) -> bytes | None:
    """A file's bytes; None when it is not there (which is nothing to tell) or may not be used."""
    data = files.read(path)
    if isinstance(data, bytes) and len(data) > MAX_FILE_BYTES:
        # Half a file could say the opposite of the whole: a revocation may stand on its last line.
        data = Reason.TOO_LARGE
    if isinstance(data, Reason):
        left_out.append(LeftOut(path, 0, data))
        return None
    return data


def _read(path: str, *, only_ours: bool) -> bytes | Reason | None:
    try:
        # Without waiting: opening a pipe would block until somebody writes into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):  # ValueError: a NUL in a path
        return Reason.UNREADABLE
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Reason.NO_FILE
        if only_ours and sys.platform != "win32" and not _is_ours(status):
            return Reason.UNSAFE_MODE
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError:
        return Reason.UNREADABLE
    finally:
        os.close(descriptor)


if sys.platform != "win32":
    import grp
    import pwd

    def _is_ours(status: os.stat_result) -> bool:
        """True when nobody but root and we can have written the file."""
        if status.st_uid not in (0, os.getuid()) or status.st_mode & stat.S_IWOTH:
            return False
        return not status.st_mode & stat.S_IWGRP or _is_own_group(status.st_gid)

    def _is_own_group(number: int) -> bool:
        """A group of one, named as its user: usual on Debian and Ubuntu, whose files often are 0664.

        Their ssh lets it pass too (Debian's patch user-group-modes to OpenSSH 9.2).
        """
        try:
            user, group = pwd.getpwuid(os.getuid()), grp.getgrgid(number)
        except KeyError:
            return False
        return (user.pw_gid, user.pw_name) == (number, group.gr_name) and set(group.gr_mem) <= {user.pw_name}


def _find(pattern: str) -> Sequence[str]:
    if not glob.has_magic(pattern):
        return (pattern,)
    return sorted(islice(glob.iglob(pattern), _MAX_NAMES))
