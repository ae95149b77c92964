"""Whether a model fits beside what runs, and which other servers would have to stop for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sparktray.decide.changing.headroom import headroom
from sparktray.decide.changing.preflight import loads_by_api
from sparktray.decide.changing.standing import making_way
from sparktray.domain.catalogue import Model, Server
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.survey import Survey
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.engines.sizes import GIB

# Less is of no use for the work these models are for.
_LEAST_CONTEXT = 4096


def room(snapshot: Snapshot, memory: tuple[int, int], stopping: Iterable[Container]) -> int:
    """What a model can have in bytes once those have stopped; ``memory`` is what is available and in all.

    What stops gives back what nvidia-smi counts for it; where that is not counted, at most all that is used.
    """
    available, total = memory
    counted = dict(snapshot.vitals.shares or ())
    ends = [c.id for c in stopping if c.running]
    known = all(each in counted for each in ends)
    back = sum(counted[each] for each in ends) if known else total - available
    return min(total, available + back) - headroom(total)


@dataclass(frozen=True, slots=True)
class Fit:
    """What a model would take, and how much of that could not be had now; both in bytes."""

    needs: int
    short: int


def fit(snapshot: Snapshot, model: Model, server: Server) -> Fit | None:
    """Whether a model would fit on that server in the place of what is there; None when not known."""
    vitals = snapshot.vitals
    needs = next((size for m, s, size in snapshot.needs if (m, s) == (model.id, server.name)), None)
    if needs is None or vitals.available_bytes is None or vitals.total_bytes is None:
        return None
    memory = (vitals.available_bytes, vitals.total_bytes)
    return Fit(needs, max(0, needs - room(snapshot, memory, making_way(snapshot, server))))


def making_room(
    snapshot: Snapshot, needs: int | None, survey: Survey, retired: Sequence[Container], server: str
) -> tuple[ServerState, ...]:
    """The other servers that have to stop so that the model fits: one if one is enough, as small as can be.

    None of them when it fits already, or when stopping all is not enough: then none shall stop in vain.
    """
    memory = survey.memory
    if needs is None or memory is None or needs <= room(snapshot, memory, retired):
        return ()
    counted = dict(snapshot.vitals.shares or ())
    others = [s for s in snapshot.servers if s.name != server and _holds_memory(s, retired)]
    others.sort(key=lambda s: counted.get(_identity(s), 0))
    for other in others:
        if needs <= room(snapshot, memory, (*retired, *_containers((other,)))):
            return (other,)
    for count in range(2, len(others) + 1):
        largest = tuple(others[-count:])
        if needs <= room(snapshot, memory, (*retired, *_containers(largest))):
            return largest
    return ()


def _holds_memory(state: ServerState, retired: Sequence[Container]) -> bool:
    container = state.container
    if container is None or not container.running or container.id in {c.id for c in retired}:
        return False
    return bool(state.served) or not loads_by_api(state.server)


def _identity(state: ServerState) -> str:
    return state.container.id if state.container is not None else ""


def _containers(states: Iterable[ServerState]) -> list[Container]:
    return [state.container for state in states if state.container is not None]


def memory_refusal(
    snapshot: Snapshot,
    model: Model,
    needs: int | None,
    survey: Survey,
    stopping: Sequence[Container],
    needs_with: Callable[[int], int | None],
) -> Problem | None:
    """The model would leave the host less than it needs for itself: a Spark short of memory freezes.

    What is not known refuses nothing. ``needs_with`` is what it would take with so many tokens of context.
    """
    if needs is None or survey.memory is None:
        return None
    to_have = room(snapshot, survey.memory, stopping)
    if needs <= to_have:
        return None
    return Problem(
        "memory-short",
        phrase(
            "{model} needs about {needs} GiB of memory, and {room} GiB can be had for it: "
            "{kept} GiB are kept for the host.",
            model=model.id,
            needs=_gib(needs),
            room=_gib(max(0, to_have)),
            kept=_gib(headroom(survey.memory[1])),
        ),
        _way_out(_smaller_context(model, to_have, needs_with)),
    )


def _smaller_context(model: Model, to_have: int, needs_with: Callable[[int], int | None]) -> int | None:
    """The largest context that fits, of those that half the entry's again and again; None for none."""
    context = (model.context or 0) // 2
    while context >= _LEAST_CONTEXT:
        needs = needs_with(context)
        if needs is not None and needs <= to_have:
            return context
        context //= 2
    return None


def _way_out(context: int | None) -> Phrase:
    if context is None:
        return phrase(
            "Stop other servers first (--make-room does it). With --force it is tried all the same, and the "
            "host may freeze."
        )
    return phrase(
        "Stop other servers first (--make-room does it), or give the model a context of {tokens} tokens in "
        "models.json: with that it fits. With --force it is tried all the same, and the host may freeze.",
        tokens=context,
    )


def _gib(size: int) -> float:
    return round(size / GIB, 1)
