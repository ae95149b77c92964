"""What stands in a server's place now: what makes way for a switch, and whether none is needed."""

from __future__ import annotations

from sparktray.decide.changing.preflight import loads_by_api
from sparktray.decide.identity import container_of, declared_name, port_held, running_on
from sparktray.domain.catalogue import Model, Server
from sparktray.domain.docker.container import PREVIOUS, Container
from sparktray.domain.operation import SwitchWish
from sparktray.domain.snapshot import Phase, ServerState, Snapshot
from sparktray.engines.registry import engine


def serves_already(snapshot: Snapshot, state: ServerState, model: Model, wish: SwitchWish) -> bool:
    """True when the server answers with that model, under the name and with the context wished."""
    if wish.context is not None and wish.context not in {each.context_length for each in state.served or ()}:
        return False
    running = running_on(snapshot, state)
    wanted = model.name_on(state.server)
    if not state.ready or running.model is None or running.model.id != model.id:
        return False
    return loads_by_api(state.server) or running.model_id == wanted


def loads_already(snapshot: Snapshot, state: ServerState, model: Model, wish: SwitchWish) -> bool:
    """True when exactly this model is on its way there: it is watched, not started over.

    With how much context is not known before it serves.
    """
    if wish.context is not None:
        return False
    running = running_on(snapshot, state)
    same = running.model is not None and running.model.id == model.id
    named = declared_name(state) == model.name_on(state.server)
    return state.phase is Phase.LOADING and same and named


def making_way(snapshot: Snapshot, server: Server) -> list[Container]:
    """Containers that make way: what is this server now, and what else bears its name or port.

    What was put aside already is out of the way.
    """
    known = engine(server.engine)
    there = [c for c in snapshot.containers if c.running or not c.name.endswith(PREVIOUS)]
    current = container_of(server, there)
    found = [c for c in there if known.recognises(c) and not c.is_lock]
    holders = [c for c in found if port_held(c, server.port) or c.name == server.container]
    first = [current] if current is not None else []
    return first + [c for c in holders if current is None or c.id != current.id]
