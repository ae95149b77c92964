"""The host's memory as one bar: what is used and by what runs, what is free, what has to stay free."""

from __future__ import annotations

from dataclasses import dataclass

from sparktray.decide.changing.awaiting import headroom
from sparktray.decide.identity import running_on
from sparktray.decide.showing.present import shown_name
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LinkPhase, Phase, Snapshot

GIB = 1 << 30
# Whose model is in memory, or on its way into it or out of it.
_HOLDS = {Phase.STARTING, Phase.LOADING, Phase.STOPPING, Phase.READY, Phase.BUSY, Phase.DEGRADED}


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar, in bytes; of its labels the first for which there is room is shown."""

    size: int
    labels: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class MemoryBarView:
    """The bar, in bytes. ``used`` and ``free`` make up ``total``.

    ``headroom`` is the end of it that no model may take. ``scarce`` when less than that is free.
    ``description`` says it all in words.
    """

    total: int
    used: Segment
    free: Segment
    headroom: int
    scarce: bool
    total_label: Phrase
    description: Phrase


def memory_bar(snapshot: Snapshot) -> MemoryBarView | None:
    """The bar for that picture, None while the host's memory is not known.

    Memory is used as a whole: the GPU of a GB10 takes it from the host's, where neither nvidia-smi's
    totals nor Docker's figures see it, so the servers that hold it are named and not measured.
    """
    total, available = snapshot.vitals.total_bytes, snapshot.vitals.available_bytes
    if snapshot.link is not LinkPhase.CONNECTED or not total or available is None:
        return None
    free = min(available, total)
    kept = headroom(total)
    return MemoryBarView(
        total=total,
        used=Segment(total - free, _used(_names(snapshot), total - free)),
        free=Segment(free, (phrase("free {gib}", gib=gibs(free)), phrase("{gib}", gib=gibs(free)))),
        headroom=kept,
        scarce=free < kept,
        total_label=phrase("{gib} GiB", gib=gibs(total)),
        description=_description(total, free, kept, _names(snapshot)),
    )


def gibs(size: float) -> int | float:
    """Bytes as GiB, with one decimal below 10: more would only flicker."""
    number = size / GIB
    return round(number, 1) if number < 10 else round(number)


def _names(snapshot: Snapshot) -> str:
    holding = [state for state in snapshot.servers if state.phase in _HOLDS]
    return ", ".join(shown_name(running_on(snapshot, state), state) for state in holding)


def _used(names: str, used: int) -> tuple[Phrase, ...]:
    gib = gibs(used)
    plain = (phrase("used {gib}", gib=gib), phrase("{gib}", gib=gib))
    return (phrase("{names} and system {gib}", names=names, gib=gib), *plain) if names else plain


def _description(total: int, free: int, kept: int, names: str) -> Phrase:
    measures = {"used": gibs(total - free), "free": gibs(free), "total": gibs(total), "kept": gibs(kept)}
    if free < kept:
        whole = phrase(
            "{used} of {total} GiB used, only {free} GiB free. Below {kept} GiB the host may freeze.",
            **measures,
        )
    else:
        whole = phrase(
            "{used} of {total} GiB used, {free} GiB free; {kept} GiB of it are kept for the host.", **measures
        )
    if not names:
        return whole
    return phrase("{whole} Running: {names}.", whole=whole, names=names)
