"""What was done, as far as it is known now: what the journal held, and the operation of the picture."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from sparktray.domain.journal.entry import Entry, entry_of
from sparktray.domain.operation import Operation, OperationEnd
from sparktray.domain.snapshot import Snapshot


class Past(msgspec.Struct, frozen=True):
    """Operations, the newest first. ``alive`` are ids of those that a program is at work on now.

    ``waiting`` is the one of the host in use that was broken off and waits for a person.
    """

    entries: tuple[Entry, ...] = ()
    alive: frozenset[str] = frozenset()
    waiting: Operation | None = None

    def get(self, identity: str | None) -> Entry | None:
        """The operation of that id."""
        return next((entry for entry in self.entries if entry.id == identity), None)


def up_to_now(past: Past, snapshot: Snapshot | None, now: float) -> Past:
    """The same with the operation of that picture, of which the journal may not tell the latest yet.

    ``now`` is in seconds since 1970.
    """
    operation = None if snapshot is None else snapshot.operation
    if snapshot is None or operation is None or not _newer(operation, past.get(operation.id)):
        return past
    under_way = operation.end is None
    entry = entry_of(operation, snapshot.host.name, operation.ended_at or now)
    others = tuple(each for each in past.entries if each.id != operation.id)
    alive = past.alive - {operation.id} | ({operation.id} if under_way else set())
    return replace(past, entries=(entry, *others), alive=alive)


def _newer(operation: Operation, entry: Entry | None) -> bool:
    """Whether the picture tells more of an operation than the journal does.

    What is over without a step was refused, or there was nothing to do: that is not kept.
    """
    if operation.end is None:
        return True
    told = operation.end in {OperationEnd.PLANNED, OperationEnd.INTERRUPTED} or not operation.runs
    return not told and (entry is None or entry.end is None)
