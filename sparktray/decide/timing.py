"""When something is due: probes, a safety reading, the next tick."""

from __future__ import annotations

from sparktray.decide.containers import read_all
from sparktray.decide.effects import Effect, Probe
from sparktray.decide.servers import asked, probe_identity, probe_key, wanted_depth
from sparktray.domain.action import AwaitIdle, AwaitServing
from sparktray.domain.asking import Health
from sparktray.domain.docker.container import ContainerState
from sparktray.domain.snapshot import LinkPhase, ServerState, Snapshot
from sparktray.engines.registry import engine

# A load that becomes ready shall be seen within 300 ms, and a refused connection costs 0.5 ms.
LOADING_SECONDS = 0.2
# A model loaded into Ollama from elsewhere shall appear within 5 s.
API_SECONDS = 3.0
WATCH_SECONDS = 5.0
# A server that misses an answer is asked again soon: three misses decide.
MISSED_SECONDS = 2.0
# Docker tells every change; this reading only mends what was lost on the way.
SAFETY_SECONDS = 60.0
# While an operation waits for memory or a time-out there is no event to wake it.
OPERATION_SECONDS = 0.5


def probe_due(snapshot: Snapshot, state: ServerState) -> float | None:
    """When this server is to be asked next, None when there is nobody to ask or a probe is out."""
    if snapshot.link is not LinkPhase.CONNECTED or not snapshot.containers_known or state.asking:
        return None
    known = engine(state.server.engine)
    container = state.container
    if container is None or not container.running:
        if not known.lives_outside_docker or state.stranger is not None:
            return None
        return _after(state, API_SECONDS if state.health is Health.READY else WATCH_SECONDS)
    if container.state is not ContainerState.RUNNING or not container.inspected:
        return None
    pause = _operation_pause(snapshot, state)
    if pause is not None:
        return _after(state, pause)
    return _after(state, _pause(state, known.loads_by_api))


def _operation_pause(snapshot: Snapshot, state: ServerState) -> float | None:
    """How long after the last answer an operation wants the next one, None when it wants none."""
    active = snapshot.active
    if active is None:
        return None
    current = active.current
    action = current.step.action if current is not None else None
    if isinstance(action, AwaitIdle) and action.server == state.name and current is not None:
        asked_since = (state.read_at or 0.0) >= (current.started_at or 0.0)
        return LOADING_SECONDS if asked_since else 0.0
    awaited = action.server if isinstance(action, AwaitServing) else None
    return LOADING_SECONDS if state.name in {active.server, awaited} else None


def _pause(state: ServerState, loads_by_api: bool) -> float:
    if state.health is Health.READY and (state.served or loads_by_api):
        return API_SECONDS if loads_by_api else WATCH_SECONDS
    if state.health is Health.LOCKED:
        return WATCH_SECONDS
    return MISSED_SECONDS if state.ever_ready else LOADING_SECONDS


def _after(state: ServerState, pause: float) -> float:
    return 0.0 if state.read_at is None else state.read_at + pause


def due_work(snapshot: Snapshot, now: float) -> tuple[Snapshot, list[Effect]]:
    """Send out the probes that are due, and the safety reading."""
    effects: list[Effect] = []
    for state in snapshot.servers:
        due = probe_due(snapshot, state)
        if due is not None and due <= now:
            depth = wanted_depth(state, now)
            key = probe_key(snapshot, state)
            effects.append(Probe(snapshot.epoch, state.server, probe_identity(state), depth, key))
            snapshot = asked(snapshot, state.name)
    safety = _safety_due(snapshot)
    if safety is not None and safety <= now:
        snapshot, wanted = read_all(snapshot)
        effects += wanted
    return snapshot, effects


def _safety_due(snapshot: Snapshot) -> float | None:
    if snapshot.link is not LinkPhase.CONNECTED or snapshot.reading or snapshot.read_at is None:
        return None
    return snapshot.read_at + (WATCH_SECONDS if snapshot.docker_problem is not None else SAFETY_SECONDS)


def next_due(snapshot: Snapshot, now: float) -> float:
    """When to tick next, seconds since 1970."""
    times = [due for state in snapshot.servers if (due := probe_due(snapshot, state)) is not None]
    safety = _safety_due(snapshot)
    if safety is not None:
        times.append(safety)
    if snapshot.active is not None:
        times.append(now + OPERATION_SECONDS)
    return min(times, default=now + SAFETY_SECONDS)
