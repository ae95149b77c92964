"""An operation of the journal as the same list that is ticked off while one is under way."""

from __future__ import annotations

import shlex

from msgspec.structs import replace

from sparktray.decide.changing.preflight import closed
from sparktray.decide.showing.checklist import Checklist, Outcome, StepLine, about, checklist
from sparktray.decide.showing.journal.past import Past
from sparktray.decide.showing.journal.rows import end_of, entry_cause, entry_sentence
from sparktray.decide.truth import waits_for_somebody
from sparktray.decide.ways_on import WayOn, ways_on
from sparktray.domain.journal.entry import Entry, EntryStep
from sparktray.domain.operation import OperationEnd, StepState
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.domain.text import clean_name

_GOOD = {None, OperationEnd.DONE, OperationEnd.CANCELLED}


def entry_steps(past: Past, identity: str, snapshot: Snapshot | None, now: float) -> Checklist | None:
    """One operation with its steps; None when the journal does not tell of it.

    The one under way in that picture is told by it, and can be cancelled. ``now`` is in seconds since 1970.
    """
    active = None if snapshot is None else snapshot.active
    if snapshot is not None and active is not None and active.id == identity:
        return checklist(snapshot, active, now)
    entry = past.get(identity)
    return None if entry is None else _list(entry, past, snapshot)


def _list(entry: Entry, past: Past, snapshot: Snapshot | None) -> Checklist:
    alive = entry.id in past.alive
    end = end_of(entry, alive=alive)
    offers = _offers(entry, past, snapshot)
    remedy = past.waiting.failure.remedy if offers and past.waiting and past.waiting.failure else entry.remedy
    outcome = Outcome(
        good=end in _GOOD,
        sentence=entry_sentence(entry, alive=alive),
        cause=_elsewhere() if end is None else entry_cause(entry, alive=alive),
        remedy=remedy,
        tail=(),
        offers=offers,
    )
    return Checklist(
        operation=entry.id,
        steps=tuple(_step(step, under_way=end is None) for step in entry.steps),
        current=None,
        cancel=None,
        outcome=outcome,
        about=about(entry.host, entry.started_at),
    )


def _elsewhere() -> Phrase:
    return phrase("Another program on this computer is at work on it.")


def _offers(entry: Entry, past: Past, snapshot: Snapshot | None) -> tuple[WayOn, ...]:
    """The ways on from what was broken off, while it waits for somebody and can be gone on with."""
    waiting = past.waiting
    if waiting is None or waiting.id != entry.id or snapshot is None or closed(snapshot) is not None:
        return ()
    if not waits_for_somebody(replace(snapshot, operation=waiting)):
        return ()
    return ways_on(snapshot, waiting, OperationEnd.INTERRUPTED)


def _step(step: EntryStep, *, under_way: bool) -> StepLine:
    state, word = _state(step, under_way=under_way)
    return StepLine(
        name=step.name,
        state=state,
        back=step.back,
        title=step.title or Phrase("{name}", {"name": clean_name(step.name)}),
        word=word,
        seconds=step.seconds,
        command=shlex.join(step.command),
    )


def _state(step: EntryStep, *, under_way: bool) -> tuple[StepState, Phrase]:
    """What is drawn and what is said of a step: one that nobody is at work on any more does not go on."""
    match step.state:
        case StepState.DONE:
            return StepState.DONE, phrase("done")
        case StepState.FAILED:
            return StepState.FAILED, phrase("failed")
        case StepState.RUNNING if under_way:
            return StepState.RUNNING, phrase("going back") if step.back else phrase("now")
        case StepState.RUNNING:
            return StepState.FAILED, phrase("broken off")
        case StepState.WAITING if under_way:
            return StepState.WAITING, phrase("to come")
        case StepState.WAITING:
            return StepState.WAITING, phrase("not done")
        case _:
            return StepState.WAITING, Phrase("{state}", {"state": clean_name(step.state)})
