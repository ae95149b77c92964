"""What was done to which host, written before and after every step, and how old containers were started."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from sparktray.domain.action import CheckAgain
from sparktray.domain.journal.entry import Entry, EntryStep, broken_at, entry_of, wish_of
from sparktray.domain.operation import (
    HARMLESS,
    Operation,
    OperationEnd,
    OperationKind,
    RestoreWish,
    Step,
    StepName,
    StepRun,
    StepState,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Failure, Problem
from sparktray.domain.text import clean_line
from sparktray.store.atomic import append_line, claim, read_file, sole_writer, write_file
from sparktray.store.paths import ConfigFolder, StoreError, unreadable, unwritable

LARGEST_FILE = 8_000_000  # bytes; about 200 operations, each with a line for every change
_END_OF_TIME = 1e11  # seconds since 1970; calendars of Python and Qt go further, not all of C's
RECORD_SECONDS = 7 * 24 * 3600.0
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class _Named(msgspec.Struct, frozen=True):
    """A line of the file, of which only the operation is read."""

    id: str


Stamp = tuple[tuple[int, int], tuple[int, int]]
"""Times and sizes of the two files."""

_NAMED = msgspec.json.Decoder(_Named)


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """A container's whole inspect; it may hold the values of environment variables."""

    operation: str
    host: str
    name: str
    inspect: dict[str, Any]


class Journal:
    """The folder `journal` of the config folder; every call may come from any thread."""

    def __init__(self, folder: ConfigFolder) -> None:
        self._folder = folder
        self._file = folder.file("journal/operations.jsonl")
        self._older = folder.file("journal/operations.1.jsonl")
        self._containers = folder.file("journal/containers")
        self._held: dict[str, int] = {}

    def write(self, operation: Operation, host: str) -> None:
        """Add how the operation stands; on the disk when this returns. Raises `StoreError`."""
        line = msgspec.json.encode(entry_of(operation, host, time.time()))
        with sole_writer(self._folder):
            self._folder.made("journal")
            with contextlib.suppress(FileNotFoundError):
                if self._file.stat().st_size + len(line) >= LARGEST_FILE:
                    os.replace(self._file, self._older)
            append_line(self._file, line)

    def hold(self, operation: str) -> None:
        """Show every program of this computer that this one is at work on the operation. Raises `StoreError`.

        Until `let_go`, or until the process ends: the system gives a lock back then, whereas a number of a
        process tells nothing after a reboot, when another program may have it.
        """
        if operation in self._held:
            return
        path = self._folder.made("journal/alive") / operation
        with sole_writer(self._folder):
            try:
                handle = claim(path, make=True)
            except OSError as error:
                raise unwritable(path, error) from error
        if handle is not None:
            self._held[operation] = handle

    def let_go(self, operation: str) -> None:
        """The work on it is over."""
        handle = self._held.pop(operation, None)
        if handle is not None:
            os.close(handle)
            with contextlib.suppress(OSError):
                (self._folder.file("journal/alive") / operation).unlink()

    def lives(self, operation: str) -> bool:
        """Whether the program that is at work on the operation still runs. Raises `StoreError`."""
        if not _SAFE.fullmatch(operation):
            return False
        path = self._folder.file("journal/alive") / operation
        with sole_writer(self._folder):
            try:
                handle = claim(path)
            except FileNotFoundError:
                return False
            except OSError as error:
                raise unreadable(path, error) from error
        if handle is None:
            return True
        os.close(handle)
        with contextlib.suppress(OSError):
            path.unlink()
        return False

    def record(self, operation: str, host: str, container_name: str, inspect: Mapping[str, Any]) -> None:
        """Keep a container's whole inspect for 7 days, for its owner's eyes alone. Raises `StoreError`."""
        path = self._record_path(operation, str(inspect.get("Id", "")))
        if path is None:
            raise StoreError(
                Problem(
                    "store-record",
                    phrase("The description of container {name} has no usable ID.", name=container_name),
                    phrase("Look at it with docker inspect on the host; nothing was changed."),
                )
            )
        self._folder.made("journal/containers")
        record = _Record(operation=operation, host=host, name=container_name, inspect=dict(inspect))
        write_file(path, msgspec.json.encode(record))
        self._forget_old_records()

    def recorded(self, operation: str, container_id: str) -> dict[str, Any] | None:
        """The inspect kept by that operation, None when there is none. Raises `StoreError`.

        It holds the values of environment variables: whoever shows it masks them.
        """
        path = self._record_path(operation, container_id)
        record = None if path is None else _read_record(path)
        return None if record is None else record.inspect

    def stamp(self) -> Stamp:
        """Another one whenever something was written. Raises `StoreError`."""
        return _stamp(self._older), _stamp(self._file)

    def all(self, host: str | None = None) -> list[Entry]:
        """The newest line of every operation that is kept, of that host alone; the newest operation last."""
        return [entry for entry in self._newest().values() if host in {None, entry.host}]

    def last(self, count: int, host: str | None = None) -> list[Entry]:
        """The newest line of each of the last operations, of that host alone; the newest operation last."""
        return self.all(host)[-count:] if count > 0 else []

    def interrupted(self, host: str) -> list[Entry]:
        """Operations on that host of which no end was written."""
        return [entry for entry in self._newest().values() if entry.host == host and entry.end is None]

    def broken_off(self, host: str) -> Operation | None:
        """The latest operation that changed something there, never ended well, and was not set right since.

        Set right it is by a later one on the same server that was done. One older than what is kept to go
        back by is not spoken of any more.
        """
        settled: set[str | None] = set()
        gone_back_from: set[str | None] = set()
        for entry in reversed(self._newest().values()):
            wish = wish_of(entry)
            if entry.host != host or wish is None:
                continue
            if entry.end == OperationEnd.DONE:
                settled.add(_place(entry))
                gone_back_from.add(entry.about)
            elif entry.kind in {OperationKind.BACK, OperationKind.FORGET}:
                continue  # what is gone of an archive cannot come back, what is left of them is listed
            elif entry.end in {None, OperationEnd.NEEDS_YOU} and _touched(entry):
                old = time.time() - entry.time > RECORD_SECONDS
                under_way = entry.end is None and self.lives(entry.id)
                over = old or under_way or entry.id in gone_back_from or bool(settled & _places(entry))
                return None if over else _as_operation(entry, wish)
        return None

    def descriptions(self, operation: str) -> list[dict[str, Any]]:
        """All that an operation wrote down of containers, in that order. Raises `StoreError`."""
        paths = sorted(self._records(), key=lambda path: path.stat().st_mtime_ns)
        records = (_read_record(path) for path in paths if path.name.startswith(f"{operation}-"))
        return [each.inspect for each in records if each is not None and each.operation == operation]

    def put_aside(self, host: str) -> frozenset[str]:
        """Ids of containers that an operation of ours put aside on that host and may not have removed."""
        newest = self._newest()
        records = (_read_record(path) for path in self._records())
        return frozenset(
            str(record.inspect["Id"])
            for record in records
            if record is not None and record.host == host and not _tidied(newest.get(record.operation))
        )

    def _newest(self) -> dict[str, Entry]:
        """The newest line of each operation, in the order in which they began; torn lines are passed over."""
        lines: dict[str, bytes] = {}
        for path in (self._older, self._file):
            for line in BytesIO(read_file(path) or b""):
                with contextlib.suppress(msgspec.DecodeError, ValueError, RecursionError):
                    lines[_NAMED.decode(line).id] = line
        read = (_read_entry(line) for line in lines.values())
        return {entry.id: entry for entry in read if entry is not None}

    def _record_path(self, operation: str, container_id: str) -> Path | None:
        """None for ids that are no plain names: the container's is the host's word."""
        if not (_SAFE.fullmatch(operation) and _SAFE.fullmatch(container_id)):
            return None
        return self._containers / f"{operation}-{container_id}.json"

    def _records(self) -> list[Path]:
        return sorted(self._containers.glob("*.json"))

    def _forget_old_records(self) -> None:
        oldest = time.time() - RECORD_SECONDS
        for path in self._records():
            with contextlib.suppress(FileNotFoundError):  # another process may tidy too
                if path.stat().st_mtime < oldest:
                    path.unlink()


_OPEN_WEBUI = frozenset({OperationKind.WIPE, OperationKind.RESTORE})


def _place(entry: Entry) -> str | None:
    """What an operation was about: a server, None for all of them, Open WebUI, or what is kept of it."""
    if entry.kind == OperationKind.FORGET:
        return OperationKind.FORGET
    return OperationKind.WIPE if entry.kind in _OPEN_WEBUI else entry.server


def _places(entry: Entry) -> set[str | None]:
    """Whatever sets such an operation right when it is done."""
    place = _place(entry)
    return {place} if isinstance(place, OperationKind) else {place, None}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        about = path.stat()
    except FileNotFoundError:
        return 0, 0
    except OSError as error:
        raise unreadable(path, error) from error
    return about.st_mtime_ns, about.st_size


def _touched(entry: Entry) -> bool:
    """True when more than the lock may have been changed."""
    return any(step.state != StepState.WAITING and step.name not in HARMLESS for step in entry.steps)


def _as_operation(entry: Entry, wish: Wish) -> Operation:
    """A journalled operation as one that was broken off, with the steps that were begun."""
    again = replace(wish, revive=True) if isinstance(wish, WipeWish | RestoreWish) else wish
    return Operation(
        number=0,
        id=entry.id,
        wish=again,
        kind=OperationKind(entry.kind),
        started_at=entry.started_at,
        server=entry.server,
        model=entry.model,
        runs=tuple(_run(step) for step in entry.steps if _begun(step)),
        failure=Failure(OperationEnd.INTERRUPTED, broken_at(entry), _WAYS),
        end=OperationEnd.INTERRUPTED,
        ended_at=entry.time,
    )


def _begun(step: EntryStep) -> bool:
    known = step.name in set(StepName)
    return known and (step.state != StepState.WAITING or step.seconds is not None)


def _run(step: EntryStep) -> StepRun:
    """A step to be looked at, not to be done: what it would do is not kept."""
    name, seconds = StepName(step.name), step.seconds
    shown = Step(name, step.title or Phrase("{name}", {"name": name}), CheckAgain(), step.command)
    state = StepState.DONE if step.state == StepState.DONE else StepState.FAILED
    return StepRun(shown, state, step.back, None if seconds is None else 0.0, seconds)


_WAYS = phrase(
    "Finish it, or go back to what ran before; on the command line: sparktray resume, or "
    "sparktray resume --back."
)


def _read_entry(line: bytes) -> Entry | None:
    """None for what is no entry, or one that only a later version understands."""
    try:
        entry = msgspec.json.decode(line, type=Entry)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if not (0 <= entry.started_at < _END_OF_TIME and 0 <= entry.time < _END_OF_TIME):
        return None
    steps = tuple(msgspec.structs.replace(step, title=_whole(step.title)) for step in entry.steps)
    return msgspec.structs.replace(entry, steps=steps, cause=_whole(entry.cause), remedy=_whole(entry.remedy))


def _whole(of: Phrase | None) -> Phrase | None:
    """A sentence whose values are sentences again where they were, without what cannot be seen."""
    if of is None:
        return None
    plural = None if of.plural is None else clean_line(of.plural)
    values = {name: _value(each) for name, each in of.values.items()}
    return Phrase(clean_line(of.msgid), values, plural, of.count)


def _value(value: object) -> object:
    match value:
        case {
            "msgid": str(text),
            "values": dict(values),
            "plural": str() | None as plural,
            "count": int() | None as count,
        }:
            return _whole(Phrase(text, values, plural, count))
        case list():
            return [_value(each) for each in value]
        case _:
            return value


def _read_record(path: Path) -> _Record | None:
    text = read_file(path)
    if text is None:
        return None
    try:
        record = msgspec.json.decode(text, type=_Record)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return record if "Id" in record.inspect else None


def _tidied(entry: Entry | None) -> bool:
    """True when the operation ended well and removed all that it had put aside."""
    return entry is not None and entry.end == OperationEnd.DONE and _all_done(entry.steps)


def _all_done(steps: Iterable[EntryStep]) -> bool:
    return all(step.state == StepState.DONE for step in steps if step.name == StepName.COMMIT)
