"""The folder in which everything lies that the program writes."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem

CONFIG_VARIABLE = "SPARKTRAY_CONFIG_DIR"
PASSING = "passing"
"""The file that marks a folder which is thrown away at the end of the program."""


class StoreError(Exception):
    """Something on this computer's disk cannot be read or written; ``problem`` says what, and a remedy.

    Codes: ``store-unreadable``, ``store-unwritable``, ``store-corrupt``, ``store-version``,
    ``store-record``, ``usage-unknown-host``.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code, problem.technical)
        self.problem = problem


class ConfigFolder(msgspec.Struct, frozen=True):
    """The config folder, by absolute path; it need not exist before something is written."""

    path: Path

    @classmethod
    def find(cls, given: Path | None = None) -> ConfigFolder:
        """The folder given on the command line, else that of the environment, else the platform's own."""
        text = str(given) if given is not None else os.environ.get(CONFIG_VARIABLE, "")
        if text:
            return cls(Path(os.path.abspath(os.path.expanduser(text))))
        from platformdirs import user_config_path  # 10 ms, of no use when the folder was named

        return cls(user_config_path("sparktray", appauthor=False))

    def file(self, name: str) -> Path:
        """The path of a file in it."""
        return self.path / name

    @property
    def passing(self) -> bool:
        """Whether it is thrown away with the program, and nothing of it may outlive that. Reads the disk."""
        return self.file(PASSING).exists()

    def made(self, part: str = "") -> Path:
        """The folder, or the folder ``part`` in it, created for its owner alone when it is not there.

        A folder that exists keeps its mode: the person may have named one that is used otherwise too.
        Raises `StoreError`.
        """
        folder = self.path / part
        try:
            for each in reversed([folder, *folder.parents]):
                if not each.is_dir():
                    each.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from error
        return folder


def unwritable(path: Path, error: OSError) -> StoreError:
    """What to raise when writing failed."""
    return StoreError(
        Problem(
            "store-unwritable",
            phrase("{path} cannot be written: {reason}", path=str(path), reason=error.strerror or str(error)),
            phrase("Check the rights and the free space there, or name another folder with --config."),
            str(error),
        )
    )


def unreadable(path: Path, error: OSError) -> StoreError:
    """What to raise when reading failed."""
    return StoreError(
        Problem(
            "store-unreadable",
            phrase("{path} cannot be read: {reason}", path=str(path), reason=error.strerror or str(error)),
            phrase("Check the rights of the file, or name another folder with --config."),
            str(error),
        )
    )
