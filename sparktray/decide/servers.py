"""How containers, probes and logs change what is known about each server."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from sparktray.decide.effects import Effect, FollowLog, ReadKeysAnew, ReadLogTail, StopFollowing
from sparktray.decide.identity import container_of, contradiction, started_model, stranger_on
from sparktray.decide.truth import EVIDENCE_SECONDS, evidence, keeps_ending, phase_of
from sparktray.domain.asking import Health, Reading
from sparktray.domain.catalogue import EngineKind
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.events import LogSaid, LogTailRead, Probed
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.domain.text import clean_name
from sparktray.engines.protocol import Depth
from sparktray.engines.registry import engine, engine_key

KEPT_LINES = 200
_ENDED = {ContainerState.EXITED, ContainerState.DEAD}


def run_of(container: Container) -> str:
    """One run of a container: the same container started again is another run."""
    return f"{container.id}@{container.started_at}"


def assign(snapshot: Snapshot) -> Snapshot:
    """Give every server its container; a new run begins with nothing known."""
    if not snapshot.containers_known:
        return snapshot
    return replace(snapshot, servers=tuple(_assigned(snapshot, s) for s in snapshot.servers))


def _assigned(snapshot: Snapshot, state: ServerState) -> ServerState:
    container = container_of(state.server, snapshot.containers)
    stranger = stranger_on(state.server, snapshot.containers)
    told = replace(
        state,
        container=container,
        contradiction=contradiction(state.server, container),
        stranger=clean_name(stranger.name) if stranger is not None else None,
    )
    before = state.container
    if container is None:
        if before is None:
            return told
        gone = replace(_unasked(told), log=(), progress=None, following=False, tail_of=None)
        return gone if before.auto_remove else replace(gone, failure=None)
    if before is None or run_of(before) != run_of(container):
        # What shows as failed does not turn to loading and back with each of Docker's starts.
        again = before is not None and before.id == container.id and keeps_ending(container)
        fresh = replace(_unasked(told), log=(), progress=None, failure=state.failure if again else None)
        return replace(fresh, following=False, tail_of=None, tail_read=False)
    if before.running and not container.running:
        return _unasked(told)
    return told


def _unasked(state: ServerState) -> ServerState:
    """Nothing is known from the port: what was heard came from a run that is over."""
    return replace(
        state,
        health=Health.UNKNOWN,
        served=None,
        installed=(),
        installed_at=None,
        running=None,
        waiting=None,
        tokens_per_second=None,
        generated_tokens=None,
        strikes=0,
        ever_ready=False,
        wants_key=False,
        asking=False,
        read_at=None,
        health_at=None,
    )


def forget_answers(state: ServerState) -> ServerState:
    """After a lost link: nothing is being asked or followed any more, and nothing is certain."""
    return replace(_unasked(state), following=False, tail_of=None if not state.tail_read else state.tail_of)


def probed(snapshot: Snapshot, event: Probed, now: float) -> Snapshot:
    """Take in what a probe showed, if it was meant for the container that is there now."""
    state = snapshot.state_of(event.server)
    if event.epoch != snapshot.epoch or state is None or _identity(state) != event.container:
        return snapshot
    return with_state(snapshot, _heard(state, event.reading, now))


def _identity(state: ServerState) -> str | None:
    return state.container.id if state.container is not None and state.container.running else None


def _heard(state: ServerState, reading: Reading, now: float) -> ServerState:
    if reading.health is Health.LOCKED and not state.wants_key:
        # Asked again at once, now with the key that the keyring may have for it: nothing is known before.
        return replace(state, asking=False, read_at=None, wants_key=True)
    told = replace(
        state,
        asking=False,
        read_at=now,
        served=state.served if reading.served is None else reading.served,
        installed=state.installed if reading.installed is None else reading.installed,
        installed_at=state.installed_at if reading.installed is None else now,
        running=reading.running,
        waiting=reading.waiting,
        tokens_per_second=_speed(state, reading, now),
        generated_tokens=reading.generated_tokens,
    )
    if reading.health is Health.UNKNOWN:
        return told
    if reading.health in {Health.READY, Health.LOCKED}:
        answered = replace(told, health=reading.health, health_at=now, strikes=0)
        return replace(answered, ever_ready=state.ever_ready or bool(answered.served))
    missed = replace(told, health=reading.health, strikes=state.strikes + 1)
    return missed if state.ever_ready else replace(missed, served=None)


def _speed(state: ServerState, reading: Reading, now: float) -> float | None:
    """Tokens per second: told by the engine, or the growth of its counter (vLLM has no gauge)."""
    if reading.tokens_per_second is not None or reading.generated_tokens is None:
        return reading.tokens_per_second
    if state.generated_tokens is None or state.read_at is None or now <= state.read_at:
        return None
    grown = reading.generated_tokens - state.generated_tokens
    return grown / (now - state.read_at) if grown >= 0 else None


def asked(snapshot: Snapshot, server: str) -> Snapshot:
    """Note that a probe is on its way."""
    state = snapshot.state_of(server)
    return snapshot if state is None else with_state(snapshot, replace(state, asking=True))


def log_said(snapshot: Snapshot, event: LogSaid, now: float) -> Snapshot:
    """Take in log lines of a server's present container."""
    state = snapshot.state_of(event.server)
    if event.epoch != snapshot.epoch or state is None or state.container is None:
        return snapshot
    if state.container.id != event.container:
        return snapshot
    known = engine(state.server.engine)
    activity = known.activity(event.lines)
    return with_state(
        snapshot,
        replace(
            state,
            log=(*state.log, *event.lines)[-KEPT_LINES:],
            log_at=now,
            progress=known.progress(event.lines, state.progress),
            tokens_per_second=activity.tokens_per_second or state.tokens_per_second,
        ),
    )


def log_tail_read(snapshot: Snapshot, event: LogTailRead) -> Snapshot:
    """Take in the last lines of a container that ended; they replace what was followed."""
    state = snapshot.state_of(event.server)
    if event.epoch != snapshot.epoch or state is None or state.container is None:
        return snapshot
    if state.container.id != event.container or state.tail_of != run_of(state.container):
        return snapshot
    return with_state(snapshot, replace(state, log=event.lines or state.log, tail_read=True))


def watch_logs(snapshot: Snapshot, now: float) -> tuple[Snapshot, list[Effect]]:
    """Begin and end the following of logs: of servers that load, and the tails of those that ended."""
    effects: list[Effect] = []
    states = []
    for state in snapshot.servers:
        changed, wanted = _watch_log(snapshot, state, now)
        states.append(changed)
        effects += wanted
    return replace(snapshot, servers=tuple(states)), effects


def _watch_log(snapshot: Snapshot, state: ServerState, now: float) -> tuple[ServerState, list[Effect]]:
    container = state.container
    if container is None or not container.inspected:
        return state, []
    if container.running:
        loading = not state.ever_ready and not engine(state.server.engine).loads_by_api
        if loading and not state.following:
            follow = FollowLog(snapshot.epoch, state.name, container.id, container.tty, container.started_at)
            return replace(state, following=True), [follow]
        if state.following and not loading:
            return replace(state, following=False), [StopFollowing(state.name)]
        return state, []
    if not container.confirmed and not container.auto_remove:
        return state, []  # its inspect is on the way and tells whether memory ended it
    recent = container.finished_at is None or now - container.finished_at <= EVIDENCE_SECONDS
    ended = container.state in _ENDED or bool(container.error)
    if not ended or not recent or state.tail_of == run_of(container):
        return state, []
    if container.auto_remove:
        return replace(state, tail_of=run_of(container), tail_read=True), []
    tail = ReadLogTail(snapshot.epoch, state.name, container.id, container.tty, container.started_at)
    return replace(state, tail_of=run_of(container), tail_read=False), [tail]


def judge(snapshot: Snapshot, now: float) -> Snapshot:
    """Derive each server's failure and phase."""
    with_failures = tuple(_with_failure(snapshot, s, now) for s in snapshot.servers)
    base = replace(snapshot, servers=with_failures)
    return replace(base, servers=tuple(replace(s, phase=phase_of(base, s)) for s in with_failures))


def _with_failure(snapshot: Snapshot, state: ServerState, now: float) -> ServerState:
    if state.container is None:
        at = state.failure.at if state.failure is not None else None
        return replace(state, failure=None) if at is not None and now - at > EVIDENCE_SECONDS else state
    if not state.container.running and not state.tail_read:
        return state
    found = evidence(state, now)
    return replace(state, failure=found if found is None else _with_way_out(snapshot, state, found))


def _with_way_out(snapshot: Snapshot, state: ServerState, failure: Failure) -> Failure:
    """Where an engine's image cannot run on the GB10, the way out is the same model on SGLang."""
    model = started_model(snapshot, state)
    if failure.code != "ptxas-sm121" or model is None or state.server.engine is EngineKind.SGLANG:
        return failure
    servers = snapshot.catalogue.servers_of(model)
    other = next((s for s in servers if s.engine is EngineKind.SGLANG), None)
    if other is None:
        return failure
    remedy = phrase(
        "Start it on SGLang: sparktray switch {model} --on {server}", model=model.id, server=other.name
    )
    return replace(failure, remedy=remedy)


def with_state(snapshot: Snapshot, state: ServerState) -> Snapshot:
    """The snapshot with one server's state put in its place."""
    return replace(snapshot, servers=_swapped(snapshot.servers, state))


def _swapped(states: Iterable[ServerState], state: ServerState) -> tuple[ServerState, ...]:
    return tuple(state if s.name == state.name else s for s in states)


def probe_identity(state: ServerState) -> str | None:
    """The id of the container a probe is meant for; None for a server outside Docker."""
    return _identity(state)


def probe_key(snapshot: Snapshot, state: ServerState) -> str | None:
    """The keyring's name of the key that the server asks for; None while it has asked for none.

    By the entry that it was started from; of a server that somebody else locked, by host and server: no
    other host may have it by answering that it wants one.
    """
    model = started_model(snapshot, state)
    name = None if model is None else engine_key(model, state.server.engine)
    return name or (f"{snapshot.host.name}/{state.name}-api-key" if state.wants_key else None)


def answers_to(state: ServerState) -> set[str]:
    """The IDs under which it can be asked; Ollama takes any model that it has."""
    ids = {each.id for each in state.served or ()}
    return ids | set(state.installed) if state.server.engine is EngineKind.OLLAMA else ids


def with_keys_anew(snapshot: Snapshot) -> tuple[Snapshot, tuple[Effect, ...]]:
    """Ask locked servers again at once: a person looks, who may have put a key into the keyring."""
    if not any(state.health is Health.LOCKED for state in snapshot.servers):
        return snapshot, ()
    states = (replace(s, read_at=None) if s.health is Health.LOCKED else s for s in snapshot.servers)
    return replace(snapshot, servers=tuple(states)), (ReadKeysAnew(),)


def wanted_depth(state: ServerState, now: float) -> Depth:
    """How much the next probe asks: SGLang's own health costs a token, so at most every 30 s."""
    if engine(state.server.engine).loads_by_api:
        told = state.installed_at
        return Depth.HEALTH if told is None or now - told >= INSTALLED_SECONDS else Depth.WATCH
    if state.health is not Health.READY or not state.served:
        return Depth.HEALTH
    due = state.health_at is None or now - state.health_at >= HEALTH_SECONDS
    return Depth.HEALTH if due else Depth.WATCH


HEALTH_SECONDS = 30.0
# What Ollama has installed changes by a pull or a removal only, and its list has 400 bytes a model.
INSTALLED_SECONDS = 60.0
