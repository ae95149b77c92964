"""The sum for one switch: what the model takes, what stops for it, what is there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import structs
from msgspec.structs import replace

from sparktray.decide.changing.preflight import chosen_server, loads_by_api
from sparktray.decide.changing.room import making_room, memory_refusal, smaller_context, summed
from sparktray.decide.changing.standing import loads_already, making_way, serves_already
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.memory import Footprint, MemorySum
from sparktray.domain.facts.survey import Survey
from sparktray.domain.operation import SwitchWish, Wish
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.engines.protocol import Launch
from sparktray.engines.registry import engine


class Reckoning(msgspec.Struct, frozen=True):
    """What a switch comes to: ``needs`` is what the model takes in bytes, ``others`` are the servers that
    stop for it.

    ``sum`` is None for a host that does not tell its memory, or an engine that decides by itself.
    """

    needs: int | None = None
    others: tuple[ServerState, ...] = ()
    sum: MemorySum | None = None
    refusal: Problem | None = None


def reckon(
    snapshot: Snapshot, wish: SwitchWish, survey: Survey, launch: Launch, retired: Sequence[Container]
) -> Reckoning:
    """Reckon for a model that takes the place of those containers."""
    takes = engine(launch.server.engine).footprint(launch)
    if takes is None or survey.memory is None:
        return Reckoning(None if takes is None else takes.takes(None, None))
    could = making_room(snapshot, takes, survey.memory, retired, launch.server.name)
    others = could if wish.make_room else ()
    stopping = [*retired, *(s.container for s in others if s.container is not None)]
    found = summed(snapshot, launch.model, launch.server, takes, survey.memory, stopping)
    found = replace(found, unused=survey.unused_memory, others=tuple(s.name for s in could))
    found = replace(found, context=smaller_context(found, launch.model, lambda n: _with_context(launch, n)))
    refusal = memory_refusal(found)
    return Reckoning(found.takes, others, found, None if wish.force else refusal)


def _with_context(launch: Launch, context: int) -> Footprint | None:
    """What that model would take with so many tokens of context."""
    model = structs.replace(launch.model, context=context)
    return engine(launch.server.engine).footprint(replace(launch, model=model))


def sum_for(snapshot: Snapshot, wish: Wish, survey: Survey | Problem) -> MemorySum | None:
    """The sum behind a wish, also behind one that is refused; None for one that loads nothing."""
    chosen = chosen_server(snapshot, wish) if isinstance(wish, SwitchWish) else None
    if not isinstance(wish, SwitchWish) or isinstance(survey, Problem) or not isinstance(chosen, tuple):
        return None
    model, server = chosen
    state = snapshot.state_of(server.name) or ServerState(server)
    there = serves_already(snapshot, state, model, wish) or loads_already(snapshot, state, model, wish)
    if there or loads_by_api(server) or survey.folder is None:
        return None
    launch = Launch(server, model, snapshot.host, survey.folder)
    return reckon(snapshot, wish, survey, launch, making_way(snapshot, server)).sum
