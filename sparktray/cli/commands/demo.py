"""`demo`: the built-in Spark, in the tray, or without a display in the terminal.

Everything is done by the very commands a person would type, on a config folder that is thrown away.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sparktray.cli.arguments import parse
from sparktray.cli.output import Output
from sparktray.cli.problems import DONE, Told
from sparktray.cli.request import FIRST_HOST, Request
from sparktray.demo.folder import PassingFolder
from sparktray.demo.tour import DIES, DIES_ON, SWITCHES, TOO_LARGE
from sparktray.domain.host import DEMO_HOST
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.store.hosts import HostsFile
from sparktray.store.language import language_of
from sparktray.store.paths import ConfigFolder, unwritable

if TYPE_CHECKING:
    from sparktray.domain.host import HostProfile
    from sparktray.wiring import Program

    Tray = Callable[[Program, HostProfile | None], int]
    Do = Callable[[Request, Tray | None], int]

_WALK = (
    ("status",),
    ("switch", SWITCHES),
    ("model-id",),
    ("webui", "wipe", "--all-chats", "--dry-run"),
)
_FAILURES = (
    (("switch", DIES, "--on", DIES_ON), phrase("fails, and says what helps")),
    (("switch", TOO_LARGE), phrase("does not fit beside what runs")),
)


def run(request: Request, tray: Tray | None, do: Do) -> int:
    """Show the demo, or do a command on it by ``do``; the first exit code that is not 0."""
    from sparktray.cli.main import has_display

    options = request.options
    own = ConfigFolder.find(options.config)
    shows = tray is not None and not options.words and not options.json and has_display()
    if shows and tray is not None and options.if_no_host:
        return _on_own_folder(request, own, tray, do)
    with _folder(language_of(own)) as made:
        if shows and tray is not None:
            from sparktray.wiring import open_program

            return tray(open_program(made.folder.path), DEMO_HOST)
        if options.words:
            return _done(request, made, options.words, do, said=False)
        return _walk(request, made, do)


def _folder(language: str | None) -> PassingFolder:
    with _temporary():
        return PassingFolder(language)


@contextmanager
def _temporary() -> Iterator[None]:
    """Within, what fails is told as any folder's failure is."""
    try:
        yield
    except OSError as error:
        raise unwritable(Path(error.filename or tempfile.gettempdir()), error) from error


def _on_own_folder(request: Request, own: ConfigFolder, tray: Tray, do: Do) -> int:
    """As without a command, the window of a tray that runs already too; but without a host with the demo."""
    from sparktray.control.door.knocking import knock
    from sparktray.wiring import open_program

    words = ["--config", str(own.path)]
    answered = knock(words)
    if answered is not None:
        return answered
    if HostsFile(own).load().get() is None:
        program = open_program(own.path, forgiving=True)
        with _temporary():
            program.demo.open()
        return tray(program, program.demo.host)
    return do(replace(request, options=parse(words, request.say)), tray)


def _walk(request: Request, made: PassingFolder, do: Do) -> int:
    """The main job, command by command."""
    out, say = request.out, request.say
    told = not out.as_json
    if told:
        out.line(say(_NOT_REAL))
    for words in _WALK:
        if told:
            out.line(f"\n$ sparktray {shlex.join(words)}")
        code = _done(request, made, words, do)
        if code != DONE:
            return code
    if told:
        _tell_more(request)
    return DONE


def _done(request: Request, made: PassingFolder, words: Sequence[str], do: Do, *, said: bool = True) -> int:
    """One command; ``said`` is whether the person knows already that nothing of it is real."""
    given = request.options
    options = parse(words, request.say)
    if options.command in {None, "demo"}:
        cause = phrase("The demo needs a command that it is to run.")
        raise Told(Problem("usage", cause, phrase("For example: {command}", command="sparktray demo status")))
    options.config, options.host = made.folder.path, options.host or given.host
    options.json, options.verbose = options.json or given.json, options.verbose or given.verbose
    out = Output(request.say, options.json, options.verbose, request.out.terminal)
    if not said and not options.json:
        out.aside(request.say(_NOT_REAL))
    return do(Request(options, out, request.say), None)


def _tell_more(request: Request) -> None:
    """What else can be tried, and how to get to a Spark of one's own."""
    out, say = request.out, request.say
    out.line("\n" + say(phrase("Each of these begins the demo anew:")))
    for words, what in _FAILURES:
        out.line(f"  sparktray demo {shlex.join(words)}  ({say(what)})")
    out.line(say(phrase("Your own Spark: {command}", command=FIRST_HOST)))


_NOT_REAL: Phrase = phrase("This is a built-in demo; nothing here is real.")
