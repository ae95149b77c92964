"""Whether a model fits beside what runs, and which other servers would have to stop for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from sparktray.decide.changing.headroom import headroom
from sparktray.decide.changing.preflight import loads_by_api
from sparktray.decide.changing.standing import making_way
from sparktray.domain.catalogue import Model, Server
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.memory import Footprint, MemorySum
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.domain.text import clean_name
from sparktray.engines.sizes import GIB

LEAST_CONTEXT = 4096
"""Tokens; less is of no use for the work these models are for."""


def given_back(snapshot: Snapshot, memory: tuple[int, int], stopping: Iterable[Container]) -> int:
    """Bytes that come back once those have stopped; ``memory`` is what is available and in all.

    What stops gives back what nvidia-smi counts for it; where that is not counted, at most all that is used.
    """
    available, total = memory
    counted = dict(snapshot.vitals.shares or ())
    ends = [c.id for c in stopping if c.running]
    known = all(each in counted for each in ends)
    return sum(counted[each] for each in ends) if known else total - available


class Fit(msgspec.Struct, frozen=True):
    """What a model would take, how much of that could not be had now, and what can be had; in bytes."""

    needs: int
    short: int
    room: int


def fit(snapshot: Snapshot, model: Model, server: Server) -> Fit | None:
    """Whether a model would fit on that server in the place of what is there; None when not known."""
    found = sum_now(snapshot, model, server)
    if found is None or found.takes is None or found.short is None:
        return None
    return Fit(found.takes, found.short, found.room)


def sum_now(snapshot: Snapshot, model: Model, server: Server) -> MemorySum | None:
    """The sum for a switch to that model now; None without its folder, or without the host's memory."""
    takes = next((each for m, s, each in snapshot.needs if (m, s) == (model.id, server.name)), None)
    vitals = snapshot.vitals
    if takes is None or vitals.available_bytes is None or vitals.total_bytes is None:
        return None
    memory = (vitals.available_bytes, vitals.total_bytes)
    return summed(snapshot, model, server, takes, memory, making_way(snapshot, server))


def summed(
    snapshot: Snapshot,
    model: Model,
    server: Server,
    takes: Footprint,
    memory: tuple[int, int],
    stopping: Sequence[Container],
) -> MemorySum:
    """The sum for that model, with ``memory`` available and in all, once those have stopped for it."""
    available, total = memory
    names = tuple(clean_name(c.name) for c in stopping if c.running)
    back = given_back(snapshot, memory, stopping)
    return MemorySum(model.id, server.name, takes, available, total, headroom(total), back, names)


def making_room(
    snapshot: Snapshot, takes: Footprint, memory: tuple[int, int], retired: Sequence[Container], server: str
) -> tuple[ServerState, ...]:
    """The other servers that have to stop so that the model fits: one if one is enough, as small as can be.

    None of them when it fits already, or when stopping all is not enough: then none shall stop in vain.
    """

    def fits(states: Sequence[ServerState]) -> bool:
        available, total = memory
        back = given_back(snapshot, memory, [*retired, *_containers(states)])
        at_start = min(total, available + back)
        needs = takes.takes(at_start, total)
        return needs is None or needs <= at_start - headroom(total)

    if fits(()):
        return ()
    counted = dict(snapshot.vitals.shares or ())
    gone = {c.id for c in retired}
    others = [
        s for s in snapshot.servers if s.name != server and holds_memory(s) and _identity(s) not in gone
    ]
    others.sort(key=lambda s: counted.get(_identity(s), 0))
    for other in others:
        if fits((other,)):
            return (other,)
    for count in range(2, len(others) + 1):
        largest = tuple(others[-count:])
        if fits(largest):
            return largest
    return ()


def holds_memory(state: ServerState) -> bool:
    """True for a server whose container has a model in memory, or on its way into it."""
    container = state.container
    if container is None or not container.running:
        return False
    return bool(state.served) or not loads_by_api(state.server)


def _identity(state: ServerState) -> str:
    return state.container.id if state.container is not None else ""


def _containers(states: Iterable[ServerState]) -> list[Container]:
    return [state.container for state in states if state.container is not None]


def memory_refusal(found: MemorySum) -> Problem | None:
    """The model would leave the host less than it needs for itself: a Spark short of memory freezes.

    What is not known refuses nothing.
    """
    if found.takes is None or not found.short:
        return None
    return Problem(
        "memory-short",
        phrase(
            "{model} needs about {needs} GiB of memory, and {room} GiB can be had for it: "
            "{kept} GiB are kept for the host.",
            model=found.model,
            needs=_gib(found.takes),
            room=_gib(max(0, found.room)),
            kept=_gib(found.kept),
        ),
        _way_out(found),
    )


def smaller_context(
    found: MemorySum, model: Model, with_context: Callable[[int], Footprint | None]
) -> int | None:
    """The largest context with which a model fits that does not, of those that half its own again and again.

    None for none. ``with_context`` is its footprint with so many tokens.
    """
    if not found.short:
        return None
    context = (model.context or 0) // 2
    while context >= LEAST_CONTEXT:
        smaller = with_context(context)
        needs = None if smaller is None else smaller.asks(found.at_start, found.total)
        if needs is not None and needs <= found.room:
            return context
        context //= 2
    return None


def _way_out(found: MemorySum) -> Phrase:
    ways = []
    if found.others:
        names = ", ".join(found.others)
        ways.append(phrase("Stop {names} for it: --make-room does that.", names=names))
    if found.context is not None:
        tokens = found.context
        ways.append(phrase("With a context of {tokens} tokens it fits: --context {tokens}.", tokens=tokens))
    if found.footprint.fills:
        ways.append(phrase("Nothing limits what it takes: give it a context in models.json."))
    if not ways:
        ways.append(phrase("Stopping the other servers is not enough for it: choose a smaller model."))
    ways.append(phrase("With --force it is tried all the same, and the host may freeze."))
    return Phrase(
        " ".join(f"{{way{n}}}" for n in range(len(ways))), {f"way{n}": w for n, w in enumerate(ways)}
    )


def _gib(size: int) -> float:
    return round(size / GIB, 1)
