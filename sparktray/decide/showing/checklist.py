"""An operation as a list to be ticked off: each step, what proves it, its time; then how it ended."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import assert_never

import msgspec
from msgspec.structs import replace

from sparktray.decide.changing.fetching import amount, course, fraction
from sparktray.decide.changing.locking import iso
from sparktray.decide.changing.operations import can_cancel
from sparktray.decide.changing.steps import way_back
from sparktray.decide.memory.words import sum_lines
from sparktray.decide.showing.present import operation_sentence
from sparktray.decide.showing.words import clock
from sparktray.decide.ways_on import WayOn, ways_on
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    Step,
    StepName,
    StepRun,
    StepState,
    StopWish,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.domain.text import clean_line, clean_name
from sparktray.engines.commands import MASKED

# Loads of one model differ by the page cache: with it a large one takes half the time of a cold one.
_SLOWER, _SLOWER_SECONDS = 1.5, 30.0
# Without a past load to compare with: a large model from a cold disk takes up to 15 minutes on a GB10.
_LONG_SECONDS = 15 * 60.0
_SILENT_SECONDS = 5 * 60.0
# A prediction in the first seconds would only repeat the usual time.
_EARLY_SECONDS = 10.0
# They bear the operation's name and time, and would hold up whoever comes next.
_OF_THE_OPERATION = frozenset({StepName.LOCK, StepName.CHECK, StepName.UNLOCK})
# They take away what one could go back to. A script proves nothing, so a person runs them.
_FOR_A_PERSON = frozenset({StepName.COMMIT, StepName.SWEEP})


class StepLine(msgspec.Struct, frozen=True):
    """One step. ``word`` is its state in words, for whoever does not see the mark.

    ``seconds`` are taken or, while it is under way, so far; ``pace`` is how a load does against its own past.
    ``phase`` and ``fraction`` (0..1) are of a load by the log, ``said`` is the last line heard of it.
    ``command`` is what a person could type instead, empty for a step that only reads.
    """

    name: str
    state: StepState
    back: bool
    title: Phrase
    word: Phrase
    proof: Phrase | None = None
    seconds: float | None = None
    pace: Phrase | None = None
    phase: Phrase | None = None
    fraction: float | None = None
    said: str = ""
    command: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """How an operation ended. ``good`` when it did what was wished.

    ``offers`` are ways on from there. ``sum`` is why a model
    does not fit.
    """

    good: bool
    sentence: Phrase
    cause: Phrase | None
    remedy: Phrase | None
    tail: tuple[str, ...]
    offers: tuple[WayOn, ...] = ()
    sum: tuple[Phrase, ...] = ()


class Checklist(msgspec.Struct, frozen=True):
    """An operation. ``cancel`` is what cancelling would do, None when it is too late for that.

    ``current`` is the place of the step under way among ``steps``, None before the plan and after the
    end. ``outcome`` is None while it goes on. ``about`` says to somebody who was not there where it was and
    when it began.
    """

    operation: str
    steps: tuple[StepLine, ...]
    current: int | None
    cancel: Phrase | None
    outcome: Outcome | None
    about: Phrase | None = None


def checklist(snapshot: Snapshot, operation: Operation, now: float) -> Checklist:
    """The list for an operation of that picture, ``now`` in seconds since 1970."""
    under_way = operation.current
    return Checklist(
        operation=operation.id,
        steps=tuple(_line(snapshot, operation, run, under_way, now) for run in operation.runs),
        current=None if under_way is None else operation.index,
        cancel=_cancel(snapshot, operation) if operation.end is None and can_cancel(operation) else None,
        outcome=None if operation.end is None else _outcome(snapshot, operation, operation.end),
        about=about(snapshot.host.name, operation.started_at),
    )


def about(host: str, started_at: float) -> Phrase:
    """Where an operation was, and when it began, in seconds since 1970."""
    return phrase("On {host}, begun at {time}", host=clean_name(host), time=iso(started_at))


def worth_showing(operation: Operation | None, *, watched: bool) -> bool:
    """Whether an operation takes the place of the list of models.

    ``watched`` when it was on the screen before its end: then its last state stays there. Otherwise
    only an end that asks something of a person is shown.
    """
    if operation is None or operation.end is OperationEnd.PLANNED:
        return False
    if operation.end is None:
        return True
    match operation.end:
        case OperationEnd.REFUSED | OperationEnd.ROLLED_BACK | OperationEnd.FAILED | OperationEnd.NEEDS_YOU:
            return True
        case OperationEnd.INTERRUPTED:
            return True
        case OperationEnd.DONE | OperationEnd.CANCELLED:
            return watched and bool(operation.runs)
        case _:  # pragma: no cover
            assert_never(operation.end)


def _line(
    snapshot: Snapshot, operation: Operation, run: StepRun, under_way: StepRun | None, now: float
) -> StepLine:
    line = StepLine(
        name=run.step.name,
        state=run.state,
        back=run.back,
        title=run.step.title,
        word=_word(run),
        proof=run.step.proof,
        seconds=_seconds(run, now),
        command=shlex.join(run.step.command),
    )
    if run is not under_way:
        return line
    if run.fetched is not None:
        return replace(
            line,
            pace=course(run.fetched, now),
            phase=amount(run.fetched),
            fraction=fraction(run.fetched),
            said=run.said,
        )
    load = run.step.name is StepName.LOAD
    state = snapshot.state_of(operation.server or "") if load else None
    progress = None if state is None else state.progress
    log = state.log[-1] if state is not None and state.log else ""
    return StepLine(
        name=line.name,
        state=line.state,
        back=line.back,
        title=line.title,
        word=line.word,
        proof=line.proof,
        seconds=line.seconds,
        pace=pace(state, line.seconds or 0.0, operation.usual_seconds, now)
        if load and not run.back
        else None,
        phase=None if progress is None else progress.phase,
        fraction=None if progress is None else progress.fraction,
        said=run.said or log,
        command=line.command,
    )


def pace(state: ServerState | None, elapsed: float, usual: float | None, now: float) -> Phrase | None:
    """How a load does that is under way since ``elapsed`` seconds; ``usual`` is the time of its past ones.

    A live process that says something is never called stuck, however long it takes; engines are silent for
    minutes while they read weights from a slow disk.
    """
    slow = elapsed > (_LONG_SECONDS if usual is None else _SLOWER * usual + _SLOWER_SECONDS)
    said_at = None if state is None else state.log_at
    silent = now - said_at if said_at is not None else elapsed
    if slow and silent > _SILENT_SECONDS:
        return phrase("probably stuck: silent for {duration}", duration=clock(silent))
    if usual is None:
        return None
    if slow:
        return phrase("slower than usual ({duration})", duration=clock(usual))
    left = usual - elapsed
    if left > 0 and elapsed > _EARLY_SECONDS:
        return phrase("about {duration} left", duration=clock(left))
    return phrase("usually {duration}", duration=clock(usual))


def _seconds(run: StepRun, now: float) -> float | None:
    if run.started_at is None:
        return None
    return max(0.0, (now if run.ended_at is None else run.ended_at) - run.started_at)


def _word(run: StepRun) -> Phrase:
    match run.state:
        case StepState.WAITING if run.begun:
            return phrase("waits for the connection")
        case StepState.WAITING:
            return phrase("to come")
        case StepState.RUNNING:
            return phrase("going back") if run.back else phrase("now")
        case StepState.DONE:
            return phrase("done")
        case StepState.FAILED:
            return phrase("failed")
        case _:  # pragma: no cover
            assert_never(run.state)


def _cancel(snapshot: Snapshot, operation: Operation) -> Phrase:
    """What would happen then, by the same list that the operation itself would go back by."""
    back = way_back(operation.runs, snapshot.catalogue.server(operation.server or ""))
    titles = [run.step.title for run in back if _telling(run.step)]
    if titles:
        return phrase("Cancelling takes back what was begun: {steps}.", steps=titles)
    if isinstance(operation.wish, StopWish) and _stopped_one(operation):
        return phrase("Cancelling leaves the rest running; what is stopped stays stopped.")
    return phrase("Cancelling ends it here; no model has been touched yet.")


def _telling(step: Step) -> bool:
    """Only what becomes of the models; that names and policies come back too goes without saying."""
    return step.name in {StepName.STOP, StepName.START, StepName.UNLOAD}


def _stopped_one(operation: Operation) -> bool:
    return any(run.begun and run.step.name in {StepName.STOP, StepName.UNLOAD} for run in operation.runs)


def _outcome(snapshot: Snapshot, operation: Operation, end: OperationEnd) -> Outcome:
    failure, found = operation.failure, operation.memory
    short = failure is not None and failure.code == "memory-short"
    return Outcome(
        good=end in {OperationEnd.DONE, OperationEnd.PLANNED, OperationEnd.CANCELLED},
        sentence=operation_sentence(operation),
        cause=None if failure is None else failure.cause,
        remedy=None if failure is None else failure.remedy,
        tail=() if failure is None else failure.log_tail,
        offers=ways_on(snapshot, operation, end),
        sum=sum_lines(snapshot, found) if short and found is not None else (),
    )


def report(view: Checklist) -> tuple[Phrase, ...]:
    """An operation that is over as lines to hand to somebody who is to help: all that is on the screen."""
    lines = [phrase("{title}: {state}", title=step.title, state=step.word) for step in view.steps]
    outcome = view.outcome
    if outcome is None:
        return tuple(lines)
    words = (view.about, outcome.sentence, outcome.cause, outcome.remedy)
    told = [each for each in words if each is not None]
    return (*told, *outcome.sum, *lines, *(Phrase("{line}", {"line": line}) for line in outcome.tail))


def script(steps: Iterable[tuple[str, str, Sequence[str]]]) -> tuple[str, ...]:
    """Lines of a shell script that does these steps by hand; each is its name, its title and its command.

    A step without a command becomes a comment: what to wait for there. So does a command that removes an
    old container, for nothing here proves that the new one serves. A masked value of the environment is the
    one that whoever runs the script has under that name.
    """
    lines = ["#!/bin/sh", "set -e"]
    for name, title, command in steps:
        if name in _OF_THE_OPERATION:
            continue
        lines.append(f"# {clean_line(title)}")  # of one line, or what follows would be a command
        if command:
            typed = shlex.join(word.removesuffix(f"={MASKED}") for word in command)
            lines.append(f"# {clean_line(typed)}" if name in _FOR_A_PERSON else typed)
    return tuple(lines)
