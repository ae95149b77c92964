"""`journal`: what was done, with result and duration."""

from __future__ import annotations

import shlex
import time

from sparktray.cli.problems import DONE, Told
from sparktray.cli.request import Request
from sparktray.cli.tables import aligned
from sparktray.cli.views import utc
from sparktray.decide.showing.checklist import script
from sparktray.decide.showing.words import end_word
from sparktray.domain.journal.entry import Entry, EntryStep
from sparktray.domain.operation import OperationEnd
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder

_NO_SCRIPT = Problem(
    "usage-no-operation",
    phrase("The journal has no such operation with commands."),
    phrase("Look at the operations and their ids: {command}", command="sparktray journal --json"),
)


def run(request: Request) -> int:
    """Print the last operations, the newest last; contacts nothing."""
    journal = Journal(ConfigFolder.find(request.options.config))
    wanted = request.options.host
    if request.options.script is not None:
        return _script(request, journal.all(wanted))
    entries = journal.last(request.options.last, wanted)
    if request.out.as_json:
        request.out.json({"operations": [view_of(request, entry) for entry in entries]})
        return DONE
    if not entries:
        request.out.line(request.say(phrase("Nothing was done yet.")))
    rows = aligned(row_of(request, entry) for entry in entries)
    for row, entry in zip(rows, entries, strict=True):
        request.out.line(row)
        if entry.cause is not None:
            request.out.line(f"    {request.say(entry.cause)}")
    return DONE


def _script(request: Request, past: list[Entry]) -> int:
    """What that operation, or the last one that had a command, did as a person would do it by hand."""
    wanted = request.options.script
    found = [each for each in past if wanted in {"", each.id} and any(step.command for step in each.steps)]
    if not found:
        raise Told(_NO_SCRIPT)
    steps = [step for step in found[-1].steps if not step.back]
    for line in script((step.name, _title(request, step), step.command) for step in steps):
        request.out.line(line)
    return DONE


def _title(request: Request, step: EntryStep) -> str:
    return step.name if step.title is None else request.say(step.title)


def view_of(request: Request, entry: Entry) -> dict[str, object]:
    """An operation as JSON."""
    return {
        "id": entry.id,
        "kind": entry.kind,
        "host": entry.host,
        "server": entry.server,
        "model": entry.model,
        "started_at": utc(entry.started_at),
        "ended_at": utc(entry.time) if entry.end is not None else None,
        "end": entry.end,
        "seconds": _seconds(entry),
        "steps": [
            {
                "name": step.name,
                "command": shlex.join(step.command) or None,
                "state": step.state,
                "seconds": step.seconds,
                "title": None if step.title is None else request.say(step.title),
                "back": step.back,
            }
            for step in entry.steps
        ],
        "failure": entry.failure,
        "cause": None if entry.cause is None else request.say(entry.cause),
        "remedy": None if entry.remedy is None else request.say(entry.remedy),
    }


def _seconds(entry: Entry) -> float | None:
    return None if entry.end is None else round(max(0.0, entry.time - entry.started_at), 3)


def row_of(request: Request, entry: Entry) -> list[str]:
    """Time, host, kind, model, server, end, seconds."""
    seconds = _seconds(entry)
    return [
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.started_at)),
        entry.host,
        entry.kind,
        entry.model or entry.server or "-",
        entry.server or "",
        _end(request, entry),
        "" if seconds is None else f"{seconds:.1f} s",
    ]


def _end(request: Request, entry: Entry) -> str:
    if entry.end is None:
        return request.say(phrase("no end written"))
    known = {str(end): end for end in OperationEnd}
    text = request.say(end_word(known[entry.end])) if entry.end in known else entry.end
    return text if entry.failure is None else f"{text} ({entry.failure})"
