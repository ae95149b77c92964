"""A command that came through the door, done by the same code as in a process of its own."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from contextlib import AbstractContextManager

from sparktray import __version__
from sparktray.cli.arguments import HelpAsked, parse
from sparktray.cli.main import command, outcome
from sparktray.cli.output import Output
from sparktray.cli.problems import DONE, FAILED, Told
from sparktray.cli.request import Request
from sparktray.control.door.listening import Live, Work
from sparktray.control.door.visit import Call, DoorClosing, Visit
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import LinkPhase
from sparktray.store.hosts import HostsFile
from sparktray.store.language import language_of
from sparktray.store.paths import StoreError
from sparktray.wording import Wording, environment_language

# What does not speak to the host, or is about more than the one that is watched.
_BY_THEMSELVES = {"host", "journal", "secret", "demo"}


def answer(call: Call, live: Live) -> Work | None:
    """What to do for a command; None when it is to be done by its own process. On a thread of the door."""
    say = Wording(language_of(live.folder) or environment_language(call.language))
    try:
        options = parse(call.words, say)
    except (Told, HelpAsked):
        return None

    def work(visit: Visit, do: Callable[[Request], int]) -> int:
        out = Output(say, options.json, options.verbose, Visitor(visit, call))
        if options.verbose:
            out.aside(say(phrase("The running tray answers.")))
        return outcome(out, lambda: do(Request(options, out, say, live)))

    if options.command is None and call.display and not options.json and options.host is None:
        return lambda visit: work(visit, lambda request: _show_panel(request, call.token, live))
    if call.version != __version__ or options.command in _BY_THEMSELVES or _asks(options):
        return None
    try:
        if not _watched(live, options.host):
            return None
    except StoreError as error:
        unreadable = error
        return lambda visit: work(visit, lambda _: _raise(unreadable))
    return lambda visit: work(visit, lambda request: command(request, None))


def _asks(options: argparse.Namespace) -> bool:
    """True for what reads its own stdin or stays open: what is typed does not come through the door."""
    if options.command == "models":
        return options.from_run is not None
    if options.command != "webui":
        return False
    typed = options.action == "wipe" and not (options.yes or options.dry_run)
    return typed or options.action in {"sign-in", "sign-out", "connect", "open"}


def _show_panel(request: Request, token: str, live: Live) -> int:
    live.show_panel(token)
    request.out.line(request.say(phrase("sparktray is running already; its window is shown.")))
    return DONE


def _watched(live: Live, name: str | None) -> bool:
    """Whether the tray has a connection to the very host that is meant. Raises `StoreError`.

    While it is offline a command is better off by itself: it tries at once and can say what is wrong.
    The tray then tries at once too.
    """
    controller = live.controller()
    if controller is None or controller.closed:
        return False
    snapshot = controller.snapshot
    if snapshot.link in {LinkPhase.OFFLINE, LinkPhase.BLOCKED}:
        controller.retry()
        return False
    return HostsFile(live.folder).get(name) == snapshot.host


def _raise(error: StoreError) -> int:
    raise error


class Visitor:
    """The terminal of a command that came through the door."""

    def __init__(self, visit: Visit, call: Call) -> None:
        self._visit = visit
        self._call = call

    @property
    def encoding(self) -> str:
        """See `Terminal`."""
        return self._call.encoding

    @property
    def redraws(self) -> tuple[bool, bool]:
        """See `Terminal`."""
        return self._call.terminals

    @property
    def columns(self) -> int:
        """See `Terminal`."""
        return self._call.columns

    def out(self, text: str) -> None:
        """See `Terminal`."""
        self._visit.out(self._encoded(text))

    def exact(self, content: bytes) -> None:
        """See `Terminal`."""
        self._visit.out(content)

    def err(self, text: str) -> None:
        """See `Terminal`."""
        self._visit.err(self._encoded(text))

    def check(self) -> None:
        """See `Terminal`. Raises `Told` when the tray is being quit."""
        try:
            self._visit.check()
        except DoorClosing:
            cause = phrase("The tray that answered was quit.")
            remedy = phrase("Run the command again; it then connects by itself.")
            raise Told(Problem("tray-quit", cause, remedy), FAILED) from None

    def breaking(self, end: Callable[[], None]) -> AbstractContextManager[None]:
        """See `Terminal`."""
        return self._visit.breaking(end)

    def _encoded(self, text: str) -> bytes:
        """As the command itself would write it: Windows ends lines in its own way."""
        if os.linesep != "\n":
            text = text.replace("\n", os.linesep)
        return text.encode(self._call.encoding, "replace")
