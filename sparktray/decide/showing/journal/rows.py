"""An operation of the journal as a row: what was done, how it ended, why."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

import msgspec

from sparktray.decide.showing.present import operation_sentence, wish_words
from sparktray.decide.showing.words import end_word
from sparktray.domain.journal.entry import Entry, broken_at, wish_of
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
    Operation,
    OperationEnd,
    OperationKind,
    RestoreWish,
    StepState,
    StopWish,
    SwitchWish,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import clean_line, clean_name


class EntryMark(StrEnum):
    """What is drawn beside an operation."""

    UNDER_WAY = "under-way"
    DONE = "done"
    TAKEN_BACK = "taken-back"
    CANCELLED = "cancelled"
    FAILED = "failed"
    NEEDS_YOU = "needs-you"
    BROKEN_OFF = "broken-off"
    UNKNOWN = "unknown"


class EntryRow(msgspec.Struct, frozen=True):
    """One operation. ``word`` is its end in a word or two, for whoever does not see the mark.

    ``began`` is in seconds since 1970; ``seconds`` is how long it took or, while it is under way, takes, None
    where nobody saw its end. ``cause`` is why it ended otherwise than was wished.
    """

    id: str
    host: str
    mark: EntryMark
    sentence: Phrase
    word: Phrase
    began: float
    seconds: float | None = None
    cause: Phrase | None = None


def entry_row(entry: Entry, now: float, *, alive: bool) -> EntryRow:
    """An operation as a row; ``alive`` when a program is at work on it, ``now`` in seconds since 1970.

    Only one that is alive is another row at another time.
    """
    end = end_of(entry, alive=alive)
    under_way = entry.end is None and alive
    over = now if under_way else entry.time
    return EntryRow(
        id=entry.id,
        host=clean_name(entry.host),
        mark=_mark(end),
        sentence=entry_sentence(entry, alive=alive),
        word=_word(end),
        began=entry.started_at,
        seconds=max(0.0, over - entry.started_at) if under_way or entry.end is not None else None,
        cause=entry_cause(entry, alive=alive),
    )


def end_of(entry: Entry, *, alive: bool) -> OperationEnd | str | None:
    """How it ended: as it was written where this version does not know that, None while it is under way."""
    if entry.end is None:
        return None if alive else OperationEnd.INTERRUPTED
    return OperationEnd(entry.end) if entry.end in set(OperationEnd) else clean_name(entry.end)


def entry_sentence(entry: Entry, *, alive: bool) -> Phrase:
    """What it was, and how it ended or how far it is."""
    wish, end = wish_of(entry), end_of(entry, alive=alive)
    what = _as_written(entry) if wish is None else wish_words(wish)
    if end is None:
        return phrase("{what}: {step}", what=what, step=_step_now(entry))
    if wish is None or not isinstance(end, OperationEnd):
        word = end_word(end) if isinstance(end, OperationEnd) else end
        return phrase("{what}: {end}", what=what, end=word)
    if end is OperationEnd.DONE:
        return _done(wish)
    kind = OperationKind(entry.kind)
    return operation_sentence(Operation(0, entry.id, wish, kind, entry.started_at, end=end))


def entry_cause(entry: Entry, *, alive: bool) -> Phrase | None:
    """Why it ended otherwise than was wished; of the first versions' entries the code alone is known."""
    if entry.cause is not None:
        return entry.cause
    if entry.failure is not None:
        return Phrase("{code}", {"code": clean_line(entry.failure)})
    return broken_at(entry) if entry.end is None and not alive else None


def _as_written(entry: Entry) -> Phrase:
    """What another version's operation was, by what stands there."""
    words = (clean_name(each) for each in (entry.kind, entry.model, entry.server) if each)
    return Phrase("{words}", {"words": " ".join(words)})


def _step_now(entry: Entry) -> Phrase:
    titles = [step.title or step.name for step in entry.steps if step.state == StepState.RUNNING]
    return Phrase("{title}", {"title": titles[-1]}) if titles else phrase("Looking at the host")


def _done(wish: Wish) -> Phrase:
    match wish:
        case SwitchWish(on=None):
            return phrase("Switched to {model}", model=clean_name(wish.model))
        case SwitchWish():
            model, server = clean_name(wish.model), clean_name(wish.on or "")
            return phrase("Switched to {model} on {server}", model=model, server=server)
        case StopWish(server=None):
            return phrase("Stopped all servers")
        case StopWish():
            return phrase("Stopped {server}", server=clean_name(wish.server or ""))
        case BackWish():
            return phrase("Went back to what ran before")
        case WipeWish(scope=WipeScope.EVERYTHING):
            return phrase("Deleted everything in Open WebUI")
        case WipeWish():
            return phrase("Deleted chats in Open WebUI")
        case RestoreWish():
            return phrase("Brought back what Open WebUI held")
        case ForgetWish():
            return phrase("Removed what was kept of Open WebUI")
        case _:  # pragma: no cover
            assert_never(wish)


def _word(end: OperationEnd | str | None) -> Phrase:
    if end is None:
        return phrase("under way")
    return end_word(end) if isinstance(end, OperationEnd) else Phrase("{end}", {"end": end})


def _mark(end: OperationEnd | str | None) -> EntryMark:
    match end:
        case None:
            return EntryMark.UNDER_WAY
        case OperationEnd.DONE:
            return EntryMark.DONE
        case OperationEnd.ROLLED_BACK:
            return EntryMark.TAKEN_BACK
        case OperationEnd.CANCELLED:
            return EntryMark.CANCELLED
        case OperationEnd.FAILED | OperationEnd.REFUSED:
            return EntryMark.FAILED
        case OperationEnd.NEEDS_YOU:
            return EntryMark.NEEDS_YOU
        case OperationEnd.INTERRUPTED:
            return EntryMark.BROKEN_OFF
        case _:
            return EntryMark.UNKNOWN
