"""An operation as the journal keeps it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
    Operation,
    OperationKind,
    RestoreWish,
    StepName,
    StepRun,
    StepState,
    StopWish,
    SwitchWish,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import clean_line


class EntryStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step as journalled; ``back`` when it took something back, ``seconds`` once it is over.

    Names and states are as they were written, maybe by another version. ``title`` is None in what the first
    versions wrote.
    """

    name: str
    state: str
    command: tuple[str, ...] = ()
    seconds: float | None = None
    back: bool = False
    title: Phrase | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an operation stood at ``time``; times are seconds since 1970.

    ``kind`` and ``end`` are as they were written, maybe by another version. ``failure`` is a code; ``cause``
    and ``remedy`` say it in words, None in what the first versions wrote. Log lines are not kept: what people
    ask a model may be in them. ``wipe``, ``restore`` and ``forget`` are what was wished of Open WebUI,
    ``context`` the tokens that a switch asked for in the place of its entry's, ``about`` the operation that
    was gone back from.
    """

    id: str
    kind: str
    host: str
    server: str | None = None
    model: str | None = None
    started_at: float
    time: float
    end: str | None = None
    steps: tuple[EntryStep, ...] = ()
    failure: str | None = None
    cause: Phrase | None = None
    remedy: Phrase | None = None
    wipe: WipeWish | None = None
    restore: RestoreWish | None = None
    context: int | None = None
    forget: ForgetWish | None = None
    about: str | None = None


def entry_of(operation: Operation, host: str, now: float) -> Entry:
    """How an operation on that host stands ``now``, seconds since 1970."""
    failure, wish = operation.failure, operation.wish
    model = wish.model if isinstance(wish, SwitchWish) else None  # before the plan only that is known
    return Entry(
        id=operation.id,
        kind=operation.kind,
        host=host,
        server=operation.server,
        model=operation.model or model,
        started_at=operation.started_at,
        time=now,
        end=operation.end,
        steps=tuple(_step(run) for run in operation.runs),
        failure=None if failure is None else failure.code,
        cause=None if failure is None else _as_shown(failure.cause),
        remedy=None if failure is None else _as_shown(failure.remedy),
        wipe=wish if isinstance(wish, WipeWish) else None,
        restore=wish if isinstance(wish, RestoreWish) else None,
        about=wish.operation if isinstance(wish, BackWish) else None,
        forget=wish if isinstance(wish, ForgetWish) else None,
        context=wish.context if isinstance(wish, SwitchWish) else None,
    )


def _step(run: StepRun) -> EntryStep:
    over = run.started_at is not None and run.ended_at is not None
    return EntryStep(
        name=run.step.name,
        state=run.state,
        command=run.step.command,
        seconds=round((run.ended_at or 0.0) - (run.started_at or 0.0), 3) if over else None,
        back=run.back,
        title=_as_shown(run.step.title),
    )


def _as_shown(of: Phrase) -> Phrase:
    """A sentence with its values as they may be shown, keys masked; and as any file can hold them."""
    return replace(of, values={name: _value_as_shown(each) for name, each in of.values.items()})


def _value_as_shown(value: object) -> object:
    match value:
        case Phrase():
            return _as_shown(value)
        case list() | tuple():
            return [_value_as_shown(each) for each in value]
        case int() | float():
            return value
        case _:
            return clean_line(str(value).replace("\n", " "))


def wish_of(entry: Entry) -> Wish | None:
    """What was wished, without what only that one time was agreed to; None when that is not known here."""
    match entry.kind:
        case OperationKind.SWITCH if entry.model is not None:
            return SwitchWish(entry.model, on=entry.server, context=entry.context)
        case OperationKind.STOP:
            return StopWish(entry.server)
        case OperationKind.BACK:
            return BackWish(entry.about or entry.id)
        case OperationKind.WIPE:
            return entry.wipe
        case OperationKind.RESTORE:
            return entry.restore
        case OperationKind.FORGET:
            return entry.forget
        case _:
            return None


def broken_at(entry: Entry) -> Phrase:
    """Where the program ended that was at work on it."""
    step = next((step for step in reversed(entry.steps) if step.state != StepState.WAITING), None)
    if step is not None and step.command:
        # A start is too long to read here.
        words = step.command if "run" not in step.command[:3] else (*step.command[:3], "…")
        return phrase("The program ended in the middle, at: {command}", command=" ".join(words))
    if step is not None and step.name == StepName.LOAD:
        return phrase("The program ended while the model was loading.")
    return phrase("The program ended in the middle.")
