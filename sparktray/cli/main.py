"""From a command line to its exit code."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import NoReturn

from sparktray.cli.arguments import parse
from sparktray.cli.output import Output
from sparktray.cli.problems import CANCELLED, DONE, USAGE, Told, problem_of_catalogue
from sparktray.cli.request import Request
from sparktray.domain.catalogue_file.shape import CatalogueError
from sparktray.store.paths import StoreError
from sparktray.wording import Wording


def run(words: Sequence[str]) -> int:
    """Run one command line on the main thread; its exit code."""
    _never_fail_on_a_character()
    say = Wording()
    out = Output(say, as_json="--json" in words)
    try:
        with _terminated_like_interrupted():
            options = parse(words, say)
            out = Output(say, options.json, options.verbose)
            if options.verbose:
                _log_everything()
            return _command(Request(options, out, say))
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
    except BrokenPipeError:
        # Whoever read stdout has enough. Python would complain once more when it flushes at its end.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _command(request: Request) -> int:
    """Each command's module is imported only when it is the one: starting up is part of its time."""
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
        case "switch" | "stop":
            from sparktray.cli.commands import changes

            return changes.run(request)
        case "model-id" | "base-url":
            from sparktray.cli.commands import serving

            return serving.run(request)
        case "logs":
            from sparktray.cli.commands import logs

            return logs.run(request)
        case "monitor":
            from sparktray.cli.commands import monitor

            return monitor.run(request)
        case "journal":
            from sparktray.cli.commands import journal

            return journal.run(request)
        case _:
            from sparktray.cli.commands import status

            return status.run_alone(request)


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
