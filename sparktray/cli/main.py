"""From a command line to its exit code."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from sparktray.cli.arguments import HelpAsked, parse
from sparktray.cli.output import Output
from sparktray.cli.problems import CANCELLED, DONE, FAILED, USAGE, Told
from sparktray.cli.request import Request, wanted_host
from sparktray.cli.terminal.streams import OutputLost
from sparktray.control.door.knocking import config_folder
from sparktray.domain.catalogue_file.shape import CatalogueError
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.store.catalogue_file import problem_of_catalogue
from sparktray.store.paths import ConfigFolder, StoreError
from sparktray.wording import Wording, wording_for

if TYPE_CHECKING:
    from sparktray.domain.host import HostProfile
    from sparktray.wiring import Program

    Tray = Callable[[Program, HostProfile | None], int]


def run(words: Sequence[str], tray: Tray | None = None) -> int:
    """Run one command line on the main thread of its own process; its exit code.

    ``tray`` is what runs without a command where there is a display.
    """
    _never_fail_on_a_character()
    say = _wording(words)
    try:
        with _terminated_like_interrupted():
            return outcome(Output(say, as_json="--json" in words), lambda: _parsed(words, say, tray))
    except BrokenPipeError:
        # Whoever read stdout has enough. Python would complain once more when it flushes at its end.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OutputLost as lost:
        cause = phrase("The output cannot be written: {reason}", reason=str(lost))
        remedy = phrase("Make room there, or send the output somewhere else.")
        Output(say).problem(Problem("output-lost", cause, remedy))
        return FAILED


def broken_off(words: Sequence[str]) -> int:
    """Say that the tray ended before its answer to these words did; the exit code."""
    cause = phrase("The running tray ended before its answer was complete.")
    remedy = phrase("Look how things are: sparktray status")
    Output(_wording(words), as_json="--json" in words).problem(Problem("tray-gone", cause, remedy))
    return FAILED


def outcome(out: Output, work: Callable[[], int]) -> int:
    """Do it; the exit code, of what went wrong too, which is told. Lets BrokenPipeError through."""
    try:
        return work()
    except HelpAsked as asked:
        out.line(asked.text, end="")
        return DONE
    except Told as told:
        out.problem(told.problem)
        return told.exit_code
    except StoreError as error:
        out.problem(error.problem)
        return USAGE
    except CatalogueError as error:
        out.problem(problem_of_catalogue(error.problem))
        return USAGE
    except KeyboardInterrupt:
        return CANCELLED


def _wording(words: Sequence[str]) -> Wording:
    """In the language of the settings, which are found before the command line is understood."""
    return wording_for(ConfigFolder(Path(config_folder(words))))


def _parsed(words: Sequence[str], say: Wording, tray: Tray | None) -> int:
    options = parse(words, say)
    if options.verbose:
        _log_everything()
    out = Output(say, options.json, options.verbose)
    return outcome(out, lambda: command(Request(options, out, say), tray))


def command(request: Request, tray: Tray | None) -> int:
    """Do what the command line says; its exit code. Raises what `outcome` tells.

    Each command's module is imported only when it is the one: starting up is part of its time.
    """
    match request.options.command:
        case "host":
            from sparktray.cli.commands import hosts

            return hosts.run(request)
        case "status":
            from sparktray.cli.commands import status

            return status.run(request)
        case "models":
            from sparktray.cli.commands import models

            return models.run(request)
        case "switch" | "stop" | "resume":
            from sparktray.cli.commands import changes

            return changes.run(request)
        case "model-id" | "base-url" | "snippet" | "check-cursor" | "forward":
            from sparktray.cli.commands.clients import command as clients

            return clients.run(request)
        case "secret":
            from sparktray.cli.commands.secret import command as secret

            return secret.run(request)
        case "webui":
            from sparktray.cli.commands.open_webui import command as webui

            return webui.run(request)
        case "demo":
            from sparktray.cli.commands import demo

            return demo.run(request, tray, command)
        case "logs":
            from sparktray.cli.commands import logs

            return logs.run(request)
        case "monitor":
            from sparktray.cli.commands import monitor

            return monitor.run(request)
        case "journal":
            from sparktray.cli.commands import journal

            return journal.run(request)
        case "doctor":
            from sparktray.cli.commands import doctor

            return doctor.run(request)
        case _:
            return _alone(request, tray)


def _alone(request: Request, tray: Tray | None) -> int:
    """`sparktray` without a command: the tray, or without a display what can be told."""
    from sparktray.cli.commands import status

    options = request.options
    if tray is None or options.json or not has_display():
        return status.run_alone(request)
    from sparktray.wiring import open_program

    program = open_program(options.config, forgiving=True)
    hosts = program.hosts.load()
    return tray(program, hosts.get() if options.host is None else wanted_host(hosts, options.host))


def has_display() -> bool:
    """Windows and macOS always have one; elsewhere the environment tells of it."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return any(os.environ.get(name) for name in ("WAYLAND_DISPLAY", "DISPLAY"))


def _never_fail_on_a_character() -> None:
    """A terminal that cannot show a character gets a question mark, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _log_everything() -> None:
    import logging  # 10 ms, and only --verbose shows it

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does: an operation under way is taken back first."""

    def interrupted(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
