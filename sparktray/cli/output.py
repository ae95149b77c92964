"""What goes to stdout and stderr, for people or as one line of JSON."""

from __future__ import annotations

import contextlib

import msgspec

from sparktray.cli.terminal.streams import Console, Terminal
from sparktray.domain.problem import Problem
from sparktray.wording import Wording


class Output(msgspec.Struct, frozen=True):
    """Where a command writes; every call is flushed at once.

    A reader of stdout that went away raises BrokenPipeError, which ends the command. One of stderr
    does not: an operation under way is worth more than its progress.
    """

    say: Wording
    as_json: bool = False
    verbose: bool = False
    terminal: Terminal = msgspec.field(default_factory=Console)

    def line(self, text: str = "", end: str = "\n") -> None:
        """A line for people, on stdout."""
        self.terminal.out(text + end)

    def json(self, value: object) -> None:
        """One line of JSON on stdout."""
        self.exact(msgspec.json.encode(value))

    def exact(self, content: bytes) -> None:
        """These bytes and a newline on stdout."""
        self.terminal.exact(content + b"\n")

    def aside(self, text: str, end: str = "\n") -> None:
        """Text for people on stderr: progress and remarks."""
        with contextlib.suppress(OSError):
            self.terminal.err(text + end)

    def shows(self, characters: str) -> bool:
        """True when stdout's encoding knows them."""
        try:
            characters.encode(self.terminal.encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def problem(self, problem: Problem, log_tail: tuple[str, ...] = ()) -> None:
        """What went wrong and what to do about it, on stderr."""
        cause, remedy = self.say(problem.cause), self.say(problem.remedy)
        if self.as_json:
            error = {"code": problem.code, "message": cause, "remedy": remedy}
            self.aside(msgspec.json.encode({"error": error}).decode())
            return
        self.aside(f"{cause}\n{remedy}")
        if self.verbose and problem.technical:
            self.aside(f"  [{problem.code}] {problem.technical}")
        for text in log_tail:
            self.aside(f"  | {text}")
