"""The program: `sparktray`, `python -m sparktray`, and the frozen build's start."""

from __future__ import annotations

import os
import sys

from sparktray import __version__

TYPE_CHECKING = False  # `typing` would take 6 ms of each command that the tray answers
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from sparktray.domain.host import HostProfile
    from sparktray.wiring import Program


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; without ``argv`` the process's own."""
    _without_terminal()
    words = list(sys.argv[1:] if argv is None else argv)
    options = words[: words.index("--")] if "--" in words else words
    if "--version" in options:
        # Before any other import: scripts ask for it often, and it must work in a broken installation.
        sys.stdout.write(f"sparktray {__version__}\n")
        return 0
    from sparktray.control.door.knocking import BrokenOff, knock

    try:
        answered = knock(words)
    except BrokenOff:
        from sparktray.cli.main import broken_off

        return broken_off(words)
    if answered is not None:
        return answered
    from sparktray.cli.main import run

    return run(words, _tray)


def _without_terminal() -> None:
    """Put empty streams where a program without a terminal (pythonw.exe, sparktrayw.exe) has none."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (open to the end)


def _tray(program: Program, host: HostProfile | None) -> int:
    """Cli and ui do not know each other; this is where the one hands over to the other."""
    from sparktray.cli.answering import answer

    try:
        from sparktray.ui.app import run
    except ImportError as error:
        from sparktray.cli.problems import Told
        from sparktray.decide.libraries import missing_library

        problem = missing_library(str(error))
        if problem is None:
            raise
        raise Told(problem) from error
    return run(program, host, answer)


def process() -> NoReturn:
    """Be the whole process: `main`, then its end.

    Python is not taken apart first, which would be 30 ms of each command. What is open is closed by then; the
    threads that are left only wait, for a host or a server.
    """
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 1  # whoever reads it is gone, or the disk is full: no success
    os._exit(code)


if __name__ == "__main__":
    process()
