"""How the program is asked and how it answers. It runs inside Open WebUI's own image, on the host.

The files of this folder are one program: joined in the order of their names they are sent to `python -`
with a command and its options as JSON. So they share one set of names, import each other for the type
checker only, and nothing is installed anywhere. This is the first of them, `work.py` the last.

A line of JSON tells progress; the last line is the result, or `{"problem": {"code", "detail"}}`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DAY = 24 * 3600
SECONDS_BETWEEN_LINES = 0.2


class Problem(Exception):
    """Why nothing, or nothing more, is done. ``code`` is a fixed word, ``detail`` is for a person."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. ``now`` is seconds since 1970; ``archive`` is None where no copy is wanted.

    ``migrations`` is where the image keeps Open WebUI's own; ``patience`` is how long, in seconds, another
    program's lock on the database is waited for.
    """

    data: Path
    archive: Path | None
    scope: str
    older_than_days: int | None
    user: str | None
    container: str
    volume: str
    operation: str
    now: float
    migrations: Path
    patience: float

    @property
    def cutoff(self) -> float | None:
        """Chats not touched since then are meant; None for all of them."""
        return None if self.older_than_days is None else self.now - self.older_than_days * DAY

    @property
    def kept(self) -> Path:
        """The folder of the archive, for a command that cannot do without."""
        if self.archive is None:
            raise Problem("bad-request", "this command needs an archive")
        return self.archive


def options_of(text: str) -> Options:
    """Read the options; a word or a value that is not known is refused."""
    try:
        given = json.loads(text)
    except ValueError as wrong:
        raise Problem("bad-request", f"the options are no JSON: {wrong}") from None
    if not isinstance(given, dict):
        raise Problem("bad-request", "the options are no JSON object")
    options = Options(
        data=Path(_text(given, "data", "/data")),
        archive=_archive(given.pop("archive", True)),
        scope=_scope(given.pop("scope", "chats")),
        older_than_days=_days(given.pop("older_than_days", None)),
        user=_text(given, "user") or None,
        container=_text(given, "container"),
        volume=_text(given, "volume"),
        operation=_text(given, "operation"),
        now=_number(given, "now", time.time()),
        migrations=Path(_text(given, "migrations", "/app/backend/open_webui/migrations/versions")),
        patience=_number(given, "patience", 10.0),
    )
    if given:
        raise Problem("bad-request", f"unknown: {', '.join(sorted(given))}")
    return options


def _text(given: dict[str, object], name: str, default: str = "") -> str:
    value = given.pop(name, None)
    if value is not None and not isinstance(value, str):
        raise Problem("bad-request", f"{name} is {value!r}")
    return value or default


def _number(given: dict[str, object], name: str, default: float) -> float:
    value = given.pop(name, None)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Problem("bad-request", f"{name} is {value!r}")
    return float(value)


def _archive(value: object) -> Path | None:
    """Where the copy lies: a path, or the usual place when the copy is just wanted."""
    if isinstance(value, str) and value:
        return Path(value)
    if isinstance(value, bool):
        return Path("/archive") if value else None
    raise Problem("bad-request", f"archive is {value!r}")


def _scope(value: object) -> str:
    if value not in ("chats", "everything"):
        raise Problem("bad-request", f"scope is {value!r}")
    return str(value)


def _days(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise Problem("bad-request", f"older_than_days is {value!r}")


_last_line = 0.0


def step(what: str, done: int = 0, of: int = 0) -> None:
    """A point that was reached, told at most about five times a second.

    It is called between any two changes of the volume: the program may be killed at each of them.
    """
    global _last_line
    if time.monotonic() - _last_line >= SECONDS_BETWEEN_LINES:
        _last_line = time.monotonic()
        say({"progress": {"what": what, "done": done, "of": of}})


def say(line: Mapping[str, object]) -> None:
    """Print one line. That nobody listens any more is no reason to stop half-way."""
    # Names of files may hold bytes that are no text, which JSON could only carry as lone surrogates.
    text = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")
    try:
        sys.stdout.buffer.write(text + b"\n")
        sys.stdout.buffer.flush()
    except (OSError, ValueError):
        return
