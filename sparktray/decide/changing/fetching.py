"""How far something is that is being fetched, as figures and in words."""

from __future__ import annotations

from sparktray.domain.operation import Fetched
from sparktray.domain.phrase import Phrase, phrase

# Docker tries a layer again by itself after a minute or two; before that a pause is no news.
STALLED_SECONDS = 60.0
# A rate of the first moments says nothing of the rest.
_EARLY_SECONDS = 5.0
_GB, _MB = 1e9, 1e6


def further(before: Fetched | None, heard: tuple[int, int] | None, now: float) -> Fetched | None:
    """What is known after these bytes (here, in all); it never goes back. ``now`` in seconds since 1970."""
    if heard is None:
        return before
    done, total = heard
    if before is None:
        return Fetched(done, max(done, total), done, now, now)
    moved = done > before.done
    return Fetched(
        max(done, before.done),
        max(total, before.total, done),
        before.first,
        before.began_at,
        now if moved else before.moved_at,
    )


def fraction(fetched: Fetched) -> float | None:
    """How much of it is here, 0..1; None while its size is not known."""
    return min(1.0, fetched.done / fetched.total) if fetched.total else None


def amount(fetched: Fetched) -> Phrase:
    """Bytes that are here, of at least how many."""
    unit, name = (_GB, "GB") if fetched.total >= _GB else (_MB, "MB")
    done, total = round(fetched.done / unit, 1), round(fetched.total / unit, 1)
    return phrase("{done} of {total} {unit}", done=done, total=total, unit=name)


def course(fetched: Fetched, now: float) -> Phrase | None:
    """How fast, and how long it will still take; or that nothing comes. None while that is not known."""
    silent = now - fetched.moved_at
    if silent >= STALLED_SECONDS:
        return phrase("nothing has come for {duration}", duration=_minutes(silent))
    elapsed, came = fetched.moved_at - fetched.began_at, fetched.done - fetched.first
    if elapsed < _EARLY_SECONDS or came <= 0:
        return None
    rate = came / elapsed
    left = max(0.0, fetched.total - fetched.done) / rate
    speed = phrase("{rate} MB/s", rate=round(rate / _MB, 1))
    if not left:
        return speed
    return phrase("{speed}, about {duration} left", speed=speed, duration=_minutes(left))


def _minutes(seconds: float) -> Phrase:
    if seconds < 60:
        return phrase("{seconds} s", seconds=max(1, round(seconds)))
    return phrase("{minutes} min", minutes=round(seconds / 60))
