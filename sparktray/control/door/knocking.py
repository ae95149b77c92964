"""Whether there is a door to knock at. On the way of every command, so it imports next to nothing."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` would take 6 ms of each command
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# In the config folder, readable by its owner alone.
DOOR_FILE = "door.json"
_LARGEST_FILE = 4096  # bytes; it holds about 200


class BrokenOff(Exception):
    """The tray took a command on and ended before its answer did."""


def knock(words: Sequence[str]) -> int | None:
    """Offer a command line to the tray that runs for its config folder; the exit code of its answer.

    None when the command is to be done by itself: there is no tray, it declined, or it did not answer
    within 2 s. Writes the answer to stdout and stderr. Raises BrokenOff when the tray ends before
    its answer does. Main thread: Ctrl-C and SIGTERM are the tray's to act on meanwhile.
    """
    found = _door_file(os.path.join(config_folder(words), DOOR_FILE))
    if found is None:
        return None
    from sparktray.control.door.calling import call  # sockets and proofs: 20 ms

    return call(words, found)


def config_folder(words: Sequence[str]) -> str:
    """The config folder that a command line means; the line need not be understood for that.

    The same as `store.paths` finds, whose imports take as long as the whole answer.
    """
    text = _named(words) or os.environ.get("SPARKTRAY_CONFIG_DIR", "")
    if text:
        return os.path.abspath(os.path.expanduser(text))
    if sys.platform == "linux" and (plain := _linux_folder(os.environ)) is not None:
        return plain
    from platformdirs import user_config_dir

    return user_config_dir("sparktray", appauthor=False)


def _linux_folder(environment: Mapping[str, str]) -> str | None:
    """Where `platformdirs` has it for a usual environment, by the XDG Base Directory Specification.

    Its import would take another 12 ms of an answer of 45. None when there is something to be judged.
    """
    base, home = environment.get("XDG_CONFIG_HOME", ""), environment.get("HOME", "")
    if not base and os.path.isabs(home):
        base = os.path.join(home, ".config")
    return os.path.join(base, "sparktray") if os.path.isabs(base) else None


def _named(words: Sequence[str]) -> str | None:
    """What --config says; the last one counts."""
    found = None
    for number, word in enumerate(words):
        if word == "--":
            break
        if word == "--config":
            found = "".join(words[number + 1 : number + 2]) or "."
        elif word.startswith("--config="):
            found = word.partition("=")[2] or "."
    return found


def _door_file(path: str) -> bytes | None:
    """What the tray wrote there; None when it is not there, not ours, or open to others."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        about = os.fstat(handle)
        # Windows keeps the folder to its user by access lists, of which the mode tells nothing.
        if sys.platform != "win32" and (about.st_uid != os.getuid() or about.st_mode & 0o077):
            return None
        return os.read(handle, _LARGEST_FILE)
    except OSError:
        return None
    finally:
        os.close(handle)
