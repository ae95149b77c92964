"""What an entry starts, and what all platforms' entries can do."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec.structs import replace

from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.store.paths import ConfigFolder, StoreError, unwritable

PROGRAM = "sparktray"


class Autostart(Protocol):
    """The entry of one config folder. Reads and writes the disk (Windows: the registry): any thread."""

    def enabled(self) -> bool:
        """Whether the session would start the program now, whoever arranged that. Never raises."""

    def enable(self) -> None:
        """Start with the session from the next one on. Raises `StoreError`."""

    def disable(self) -> None:
        """Do not start with the session any more. Raises `StoreError`."""


class Never:
    """Of a folder that is thrown away: the next session would not find it."""

    def enabled(self) -> bool:
        """See `Autostart`."""
        return False

    def enable(self) -> None:
        """See `Autostart`."""
        cause = phrase("The demo does not start with the session: it is gone when you quit.")
        raise refused(
            cause, phrase("Start the program itself, and choose it there: {command}", command=PROGRAM)
        )

    def disable(self) -> None:
        """See `Autostart`."""


class Entry(msgspec.Struct, frozen=True):
    """What is started under which name; ``name`` differs for each config folder."""

    name: str
    command: Sequence[str]


def entry_for(folder: ConfigFolder, command: Sequence[str] | None = None) -> Entry:
    """The entry for that config folder; ``command`` is how the program is started, by default as it was.

    The platform's own folder is found again without being named; any other one is part of the command,
    because the session does not know the shell's environment.
    """
    start = tuple(own_command() if command is None else command)
    from platformdirs import user_config_path  # 10 ms, of no use to who never asks

    if folder.path == user_config_path(PROGRAM, appauthor=False):
        return Entry(PROGRAM, start)
    mark = hashlib.sha256(str(folder.path).encode(errors="surrogateescape")).hexdigest()[:8]
    return Entry(f"{PROGRAM}-{mark}", (*start, "--config", str(folder.path)))


def own_command() -> tuple[str, ...]:
    """How this program is started again."""
    # PyInstaller sets it: https://pyinstaller.org/en/stable/runtime-information.html
    if getattr(sys, "frozen", False):
        return (_without_terminal(sys.executable),)
    # -P: a session starts in the home folder, and a folder "sparktray" there is not the program.
    return (_without_terminal(sys.executable), "-P", "-m", PROGRAM)


def _without_terminal(program: str) -> str:
    """On Windows pythonw.exe or sparktrayw.exe: the other one opens a terminal, which stays open."""
    path = Path(program)
    windowless = path.with_name(f"{path.stem}w.exe")
    return str(windowless) if sys.platform == "win32" and windowless.exists() else program


def refused(cause: Phrase, remedy: Phrase, technical: str = "") -> StoreError:
    """What to raise when the entry cannot be made."""
    return StoreError(Problem("store-unwritable", cause, remedy, technical))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within, what fails is said with the way out that holds for an entry."""
    remedy = phrase("Check the rights and the free space there.")
    try:
        yield
    except StoreError as error:
        raise StoreError(replace(error.problem, remedy=remedy)) from error
    except OSError as error:
        raise StoreError(replace(unwritable(path, error).problem, remedy=remedy)) from error
