"""How memory, GPU and tokens per second went in the last quarter of an hour."""

from __future__ import annotations

from bisect import bisect_left
from enum import StrEnum
from typing import assert_never

import msgspec
from msgspec.structs import replace

from sparktray.decide.showing.memory import GIB, gibs
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LinkPhase, Snapshot

SPAN_SECONDS = 900.0
# A sample comes every second while an operation runs, else every 5 s.
_MOST_POINTS = 900
# nvidia-smi of an ill driver is given 5 s, a sample 10 s: one that is later than this was not taken.
_GAP_SECONDS = 20.0
_LOWEST_TOP = 10.0  # tokens per second; a scale that follows smaller ones would magnify noise


class Measure(StrEnum):
    """What a line shows."""

    MEMORY = "memory"
    GPU = "gpu"
    TOKENS = "tokens"


class Point(msgspec.Struct, frozen=True):
    """One sample: seconds since 1970, bytes, percent, tokens a second; None is not known.

    ``speeds`` are tokens per second by ready server, of those that tell. ``joined`` says that nothing is
    missing between the point before and this one.
    """

    at: float
    used: int | None
    total: int | None
    gpu: float | None
    speeds: tuple[tuple[str, float], ...]
    joined: bool

    @property
    def tokens(self) -> float | None:
        """Tokens per second of all servers together."""
        return sum(speed for _, speed in self.speeds) if self.speeds else None


class History(msgspec.Struct, frozen=True):
    """The samples of one host, oldest first; never more than 900 and none older than 15 minutes.

    Immutable; fed with every picture by one thread, read by any.
    """

    host: str = ""
    points: tuple[Point, ...] = ()
    broken: bool = True

    def with_(self, snapshot: Snapshot) -> History:
        """The history with that picture; the same object when it brings nothing new.

        Costs the copy of at most 900 references. Another host begins anew.
        """
        known = self if snapshot.host.name == self.host else History(snapshot.host.name)
        if snapshot.link is not LinkPhase.CONNECTED:
            return known if known.broken else replace(known, broken=True)
        at = snapshot.vitals.at
        last = known.points[-1] if known.points else None
        if at is None or (last is not None and at == last.at):
            return known
        if last is not None and at < last.at:
            return History(known.host).with_(snapshot)  # the clock was set back
        joined = last is not None and not known.broken and at - last.at <= _GAP_SECONDS
        points = (*_recent(known.points, at), _point(snapshot, at, joined))
        return History(known.host, points[-_MOST_POINTS:], broken=False)


def _recent(points: tuple[Point, ...], now: float) -> tuple[Point, ...]:
    return points[bisect_left(points, now - SPAN_SECONDS, key=lambda point: point.at) :]


def _point(snapshot: Snapshot, at: float, joined: bool) -> Point:
    vitals = snapshot.vitals
    total, available = vitals.total_bytes, vitals.available_bytes
    used = None if total is None or available is None else max(0, total - available)
    return Point(at, used, total, vitals.gpu_percent, _speeds(snapshot), joined)


def _speeds(snapshot: Snapshot) -> tuple[tuple[str, float], ...]:
    found = []
    for state in snapshot.servers:
        # SGLang goes on telling the speed of its last batch when nothing is asked of it any more.
        speed = 0.0 if state.running == 0 else state.tokens_per_second
        if state.ready and speed is not None:
            found.append((state.name, speed))
    return tuple(found)


Line = tuple[tuple[float, float], ...]


class Chart(msgspec.Struct, frozen=True):
    """One measure to draw: ``lines`` of (seconds since 1970, value), between which is nothing known.

    ``top`` is the value of the upper edge, whose label is ``top_label``; the lower one is 0. ``latest`` is
    the value now, ``description`` says in words what the lines show.
    """

    measure: Measure
    title: Phrase
    lines: tuple[Line, ...]
    top: float
    top_label: Phrase
    latest: Phrase
    description: Phrase


def chart(history: History, measure: Measure, now: float) -> Chart:
    """A measure of the last 15 minutes before ``now``, seconds since 1970."""
    recent = _recent(history.points, now)
    lines = _lines(recent, measure)
    values = [value for line in lines for _, value in line]
    last = history.points[-1] if history.points else None
    current = last is not None and not history.broken and now - last.at <= _GAP_SECONDS
    latest = told(last, measure) if last is not None and current else phrase("–")
    top = _top(measure, recent, values)
    return Chart(
        measure=measure,
        title=_title(measure),
        lines=lines,
        top=top,
        top_label=_measured(measure, top),
        latest=latest,
        description=_description(measure, values, latest),
    )


def point_near(history: History, at: float) -> Point | None:
    """The sample nearest to a time, seconds since 1970; None where none was taken."""
    index = bisect_left(history.points, at, key=lambda point: point.at)
    near = history.points[max(0, index - 1) : index + 1]
    nearest = min(near, key=lambda point: abs(point.at - at), default=None)
    return nearest if nearest is not None and abs(nearest.at - at) <= _GAP_SECONDS else None


def told(point: Point, measure: Measure) -> Phrase:
    """What a sample says of a measure; of tokens each server's, when there are several."""
    value = _value(point, measure)
    if value is None:
        return phrase("–")
    whole = _measured(measure, value)
    if measure is not Measure.TOKENS or len(point.speeds) < 2:
        return whole
    shares = ", ".join(f"{name} {speed:.0f}" for name, speed in point.speeds)
    return phrase("{whole} ({shares})", whole=whole, shares=shares)


def _lines(points: tuple[Point, ...], measure: Measure) -> tuple[Line, ...]:
    lines: list[list[tuple[float, float]]] = [[]]
    for point in points:
        value = _value(point, measure)
        if not point.joined or value is None:
            lines.append([])
        if value is not None:
            lines[-1].append((point.at, value))
    return tuple(tuple(line) for line in lines if line)


def _value(point: Point, measure: Measure) -> float | None:
    match measure:
        case Measure.MEMORY:
            return point.used
        case Measure.GPU:
            return point.gpu
        case Measure.TOKENS:
            return point.tokens
        case _:  # pragma: no cover
            assert_never(measure)


def _title(measure: Measure) -> Phrase:
    match measure:
        case Measure.MEMORY:
            return phrase("Memory")
        case Measure.GPU:
            return phrase("GPU")
        case Measure.TOKENS:
            return phrase("Tokens per second")
        case _:  # pragma: no cover
            assert_never(measure)


def _measured(measure: Measure, value: float) -> Phrase:
    match measure:
        case Measure.MEMORY:
            return phrase("{gib} GiB", gib=gibs(value))
        case Measure.GPU:
            return phrase("{percent} %", percent=round(value))
        case Measure.TOKENS:
            return phrase("{speed}/s", speed=round(value) if value >= 10 else round(value, 1))
        case _:  # pragma: no cover
            assert_never(measure)


def _top(measure: Measure, points: tuple[Point, ...], values: list[float]) -> float:
    match measure:
        case Measure.MEMORY:
            return float(max((point.total or 0 for point in points), default=0) or GIB)
        case Measure.GPU:
            return 100.0
        case Measure.TOKENS:
            return _round_above(max(values, default=0.0))
        case _:  # pragma: no cover
            assert_never(measure)


def _round_above(value: float) -> float:
    """The next of 10, 20, 50, 100, 200 and so on, so that the scale changes seldom."""
    top = _LOWEST_TOP
    for factor in (2.0, 2.5, 2.0) * 6:
        if top >= value:
            break
        top *= factor
    return max(top, value)


def _description(measure: Measure, values: list[float], latest: Phrase) -> Phrase:
    if not values:
        return phrase("Nothing is known of the last 15 minutes.")
    low, high = _measured(measure, min(values)), _measured(measure, max(values))
    return phrase(
        "Now {latest}; in the last 15 minutes between {low} and {high}.", latest=latest, low=low, high=high
    )
