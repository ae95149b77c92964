"""The host's memory as one bar: what is used and by what runs, what is free, what has to stay free."""

from __future__ import annotations

import msgspec

from sparktray.decide.changing.headroom import headroom
from sparktray.decide.identity import running_on
from sparktray.decide.showing.present import shown_name
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LinkPhase, Phase, Snapshot

GIB = 1 << 30
# Whose model is in memory, or on its way into it or out of it.
_HOLDS = {Phase.STARTING, Phase.LOADING, Phase.STOPPING, Phase.READY, Phase.BUSY, Phase.DEGRADED}


# What a server is called, and the bytes it holds.
_Part = tuple[str, int]


class Segment(msgspec.Struct, frozen=True):
    """A part of the bar, in bytes; of its labels the first for which there is room is shown."""

    size: int
    labels: tuple[Phrase, ...]


class MemoryBarView(msgspec.Struct, frozen=True):
    """The bar, in bytes. ``servers``, ``rest`` and ``free`` make up ``total``.

    ``servers`` are the measured ones in the catalogue's order; ``rest`` is used by everything else, by all
    where nothing is measured. ``headroom`` is the end of the bar that no model may take. ``scarce`` when
    less than that is free. ``description`` says it all in words.
    """

    total: int
    servers: tuple[Segment, ...]
    rest: Segment
    free: Segment
    headroom: int
    scarce: bool
    total_label: Phrase
    description: Phrase


def memory_bar(snapshot: Snapshot) -> MemoryBarView | None:
    """The bar for that picture, None while the host's memory is not known.

    The GPU of a GB10 takes its memory from the host's, where neither nvidia-smi's totals nor Docker's
    figures see it; what nvidia-smi tells of each process is a server's segment. What its processes hold
    besides, on the CPU's side, is in the rest. Where no server is measured, those that hold memory are named.
    """
    total, available = snapshot.vitals.total_bytes, snapshot.vitals.available_bytes
    if snapshot.link is not LinkPhase.CONNECTED or not total or available is None:
        return None
    free = min(available, total)
    kept = headroom(total)
    parts = _parts(snapshot, total - free)
    return MemoryBarView(
        total=total,
        servers=tuple(Segment(size, _labels(name, size)) for name, size in parts),
        rest=_rest(snapshot, total - free, parts),
        free=Segment(free, (phrase("free {gib}", gib=gibs(free)), phrase("{gib}", gib=gibs(free)))),
        headroom=kept,
        scarce=free < kept,
        total_label=phrase("{gib} GiB", gib=gibs(total)),
        description=_description(_whole(total, free, kept), snapshot, total - free, parts),
    )


def gibs(size: float) -> int | float:
    """Bytes as GiB, with one decimal below 10: more would only flicker."""
    number = size / GIB
    return round(number, 1) if number < 10 else round(number)


def _parts(snapshot: Snapshot, used: int) -> tuple[_Part, ...]:
    """The servers whose containers hold memory by nvidia-smi's count, together never more than is used.

    Its figures and those of /proc/meminfo are of different moments; where they contradict each other,
    the whole holds and the parts shrink alike.
    """
    measured = dict(snapshot.vitals.shares or ())
    names: dict[str, str] = {}
    for state in snapshot.servers:
        if state.container is not None and state.container.running:
            # A container that serves on the ports of two servers is counted once.
            names.setdefault(state.container.id, shown_name(running_on(snapshot, state), state))
    held = [(name, measured[container]) for container, name in names.items() if measured.get(container)]
    claimed = sum(size for _, size in held)
    if claimed > used:
        held = [(name, size * used // claimed) for name, size in held]
    return tuple((name, size) for name, size in held if size)


def _labels(name: str, size: int) -> tuple[Phrase, ...]:
    return phrase("{name} {gib}", name=name, gib=gibs(size)), phrase("{gib}", gib=gibs(size))


def _rest(snapshot: Snapshot, used: int, parts: tuple[_Part, ...]) -> Segment:
    size = used - sum(part for _, part in parts)
    gib = gibs(size)
    short = phrase("{gib}", gib=gib)
    if parts:
        return Segment(size, (phrase("other {gib}", gib=gib), short))
    plain = (phrase("used {gib}", gib=gib), short)
    names = _names(snapshot)
    named = (phrase("{names} and system {gib}", names=names, gib=gib),) if names else ()
    return Segment(size, (*named, *plain))


def _names(snapshot: Snapshot) -> str:
    holding = [state for state in snapshot.servers if state.phase in _HOLDS]
    return ", ".join(shown_name(running_on(snapshot, state), state) for state in holding)


def _description(whole: Phrase, snapshot: Snapshot, used: int, parts: tuple[_Part, ...]) -> Phrase:
    if parts:
        told = [phrase("{name} {gib} GiB", name=name, gib=gibs(size)) for name, size in parts]
        rest = used - sum(size for _, size in parts)
        if rest:
            told.append(phrase("other {gib} GiB", gib=gibs(rest)))
        return phrase("{whole} Used by: {parts}.", whole=whole, parts=tuple(told))
    if names := _names(snapshot):
        return phrase("{whole} Running: {names}.", whole=whole, names=names)
    return whole


def _whole(total: int, free: int, kept: int) -> Phrase:
    measures = {"used": gibs(total - free), "free": gibs(free), "total": gibs(total), "kept": gibs(kept)}
    if free < kept:
        return phrase(
            "{used} of {total} GiB used, only {free} GiB free. Below {kept} GiB the host may freeze.",
            **measures,
        )
    return phrase(
        "{used} of {total} GiB used, {free} GiB free; {kept} GiB of it are kept for the host.", **measures
    )
