"""Single words and short measures that several views need, each in one place."""

from __future__ import annotations

from typing import assert_never

from sparktray.domain.catalogue import Purpose
from sparktray.domain.operation import OperationEnd
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Phase

_MINUTE, _HOUR, _DAY = 60, 3600, 86400  # seconds
_SHORT = 10.0  # below it seconds are told in tenths


def purpose_word(purpose: Purpose) -> Phrase:
    """What a model is good for, as it stands behind a name."""
    match purpose:
        case Purpose.DOCUMENTS:
            return phrase("documents")
        case Purpose.GENERAL:
            return phrase("general")
        case Purpose.CODING:
            return phrase("coding")
        case Purpose.REASONING:
            return phrase("reasoning")
        case Purpose.EMBEDDINGS:
            return phrase("embeddings")
        case Purpose.UNCENSORED:
            return phrase("uncensored")
        case _:  # pragma: no cover
            assert_never(purpose)


def phase_word(phase: Phase) -> Phrase:
    """The state of a server in a word."""
    match phase:
        case Phase.UNKNOWN:
            return phrase("unknown")
        case Phase.IDLE:
            return phrase("idle")
        case Phase.STARTING:
            return phrase("starting")
        case Phase.LOADING:
            return phrase("loading")
        case Phase.STOPPING:
            return phrase("stopping")
        case Phase.READY:
            return phrase("ready")
        case Phase.BUSY:
            return phrase("busy")
        case Phase.DEGRADED:
            return phrase("degraded")
        case Phase.FAILED:
            return phrase("failed")
        case _:  # pragma: no cover
            assert_never(phase)


def end_word(end: OperationEnd) -> Phrase:
    """The result of an operation in a word or two."""
    match end:
        case OperationEnd.DONE:
            return phrase("done")
        case OperationEnd.PLANNED:
            return phrase("planned")
        case OperationEnd.REFUSED:
            return phrase("refused")
        case OperationEnd.ROLLED_BACK:
            return phrase("rolled back")
        case OperationEnd.FAILED:
            return phrase("failed")
        case OperationEnd.NEEDS_YOU:
            return phrase("needs you")
        case OperationEnd.CANCELLED:
            return phrase("cancelled")
        case OperationEnd.INTERRUPTED:
            return phrase("broken off")
        case _:  # pragma: no cover
            assert_never(end)


def span(seconds: float) -> Phrase:
    """How long something has lasted, in its two largest units; before its beginning that is nothing."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // _DAY, whole % _DAY // _HOUR, whole % _HOUR // _MINUTE
    if days:
        return phrase("{days} d {hours} h", days=days, hours=hours)
    if hours:
        return phrase("{hours} h {minutes} min", hours=hours, minutes=minutes)
    if minutes:
        return phrase("{minutes} min", minutes=minutes)
    return phrase("{seconds} s", seconds=whole)


def clock(seconds: float) -> str:
    """A duration that is being watched, as ``m:ss`` or ``h:mm:ss``."""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // _HOUR, whole % _HOUR // _MINUTE, whole % _MINUTE
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def lasted(seconds: float) -> Phrase:
    """How long something took that is over: tenths of a second where it was short."""
    if seconds < _SHORT:
        return phrase("{seconds} s", seconds=round(max(0.0, seconds), 1))
    return Phrase("{time}", {"time": clock(seconds)})
