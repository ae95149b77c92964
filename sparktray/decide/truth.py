"""What state a server is in, and the whole: the only place where phases and the icon are decided."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from sparktray.domain.action import Action, RunDocker, RunScript, Stopped, UnloadOllama
from sparktray.domain.asking import Health
from sparktray.domain.docker.container import LABEL_OPERATION, Container, ContainerState
from sparktray.domain.operation import Operation, OperationEnd, StepName, StopWish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import Icon, LinkPhase, Phase, ServerState, Snapshot
from sparktray.engines.docker_failures import diagnose_docker
from sparktray.engines.registry import engine

# SGLang answers 503 or not at all during a long prefill (its window is 20 s), so one or two missed
# answers of a server that was ready mean busy, not down.
STRIKES = 3
# Older evidence says nothing about today.
EVIDENCE_SECONDS = 24 * 3600.0
# What `docker stop` leaves behind: a clean end, SIGKILL after the grace, SIGTERM honoured.
ORDERED_ENDS = {0, 137, 143}
# A container that keeps coming back: Docker doubles its pause from 100 ms, so the fifth restart
# comes after about 3 s of trying.
CRASH_LOOP = 5


def phase_of(snapshot: Snapshot, state: ServerState) -> Phase:
    """The phase of one server, from the link, its container, its answers and the operation."""
    if snapshot.link is not LinkPhase.CONNECTED or not snapshot.containers_known:
        return Phase.UNKNOWN
    planned = _phase_by_operation(snapshot.active, state)
    if planned is not None:
        return planned
    container = state.container
    if container is None:
        return _phase_at_rest(state)
    match container.state:
        case ContainerState.RUNNING:
            return _phase_of_running(state, container)
        case ContainerState.PAUSED:
            return Phase.DEGRADED
        case ContainerState.RESTARTING:
            return Phase.FAILED if keeps_ending(container) else Phase.STARTING
        case ContainerState.REMOVING:
            return Phase.STOPPING
        case ContainerState.CREATED | ContainerState.EXITED | ContainerState.DEAD:
            return _phase_at_rest(state)
        case _:  # pragma: no cover
            assert_never(container.state)


def _phase_by_operation(operation: Operation | None, state: ServerState) -> Phase | None:
    """What the operation under way makes of its server: nothing is ready before it is proven."""
    if operation is None or operation.current is None:
        return None
    name = operation.current.step.name
    if isinstance(operation.wish, StopWish):
        return Phase.STOPPING if _stops(operation.current.step.action, state) else None
    if operation.server != state.name or not _touched(operation):
        return None
    if operation.going_back:
        return Phase.LOADING
    if name in {StepName.RESTART_POLICY, StepName.STOP, StepName.RENAME, StepName.RELEASE}:
        return Phase.STOPPING
    if name is StepName.START:
        return Phase.STARTING
    return Phase.LOADING if name in {StepName.LOAD, StepName.PROVE, StepName.UNLOAD} else None


def _stops(action: Action, state: ServerState) -> bool:
    """True for a step that stops this server."""
    match action:
        case RunDocker(expect=Stopped(container=identity)):
            return state.container is not None and state.container.id == identity
        case UnloadOllama(server=name):
            return state.name == name
        case RunScript(port=port, starts=False):
            return state.server.port == port
        case _:
            return False


def _touched(operation: Operation) -> bool:
    """True once a step was begun that changes the server itself."""
    idle = {StepName.PULL, StepName.LOCK, StepName.CHECK, StepName.RECORD, StepName.UNLOCK}
    return any(r.step.name not in idle and r.begun for r in operation.runs)


def _phase_at_rest(state: ServerState) -> Phase:
    """No process of a container runs; one with ``--rm`` took everything but our copy of its log along."""
    if answers_without(state):
        return _phase_of_answers(state) if state.served else Phase.IDLE
    outside = engine(state.server.engine).lives_outside_docker
    if outside and state.ever_ready and state.health is Health.SILENT:
        return _phase_of_answers(state)  # a service that missed an answer; a stopped one refuses
    return Phase.FAILED if state.failure is not None else Phase.IDLE


def answers_without(state: ServerState) -> bool:
    """True for a server that answers although no container of it runs: Ollama as a system service."""
    lives = state.container is not None and state.container.running
    outside = engine(state.server.engine).lives_outside_docker
    return outside and not lives and state.health is Health.READY


def _phase_of_running(state: ServerState, container: Container) -> Phase:
    if container.oom_killed:
        # Its loader was killed for memory: SGLang 0.5.4 then waits for ever without HTTP.
        return Phase.DEGRADED if state.health is Health.READY else Phase.FAILED
    if keeps_ending(container) and state.failure is not None:
        return Phase.FAILED  # this run has not got further than those before
    if engine(state.server.engine).loads_by_api and state.health is Health.READY and not state.served:
        return Phase.IDLE
    return _phase_of_answers(state)


def _phase_of_answers(state: ServerState) -> Phase:
    match state.health:
        case Health.READY:
            if not state.served:
                return Phase.LOADING
            return Phase.BUSY if state.running or state.waiting else Phase.READY
        case Health.LOCKED:
            return Phase.DEGRADED
        case Health.UNKNOWN:
            return Phase.UNKNOWN
        case Health.REFUSED | Health.WARMING | Health.SILENT:
            if not state.ever_ready:
                return Phase.LOADING
            return Phase.BUSY if state.strikes < STRIKES else Phase.DEGRADED
        case _:  # pragma: no cover
            assert_never(state.health)


def evidence(state: ServerState, now: float) -> Failure | None:
    """The failure that a server's ended or starved container is evidence of, None when there is none.

    An exit code of SGLang proves nothing by itself: a crashed one often ends with 0, because as
    process 1 of its container it cannot kill itself (SGLang 0.5.4 and 0.5.23).
    """
    container = state.container
    if container is None:
        return None
    if container.running:
        starved = container.oom_killed and state.health is not Health.READY
        return _memory(state, container.started_at) if starved else _of_a_loop(state, container)
    if answers_without(state):
        return None  # what an old container of that name came to says nothing of the service
    ended = container.finished_at
    if ended is not None and now - ended > EVIDENCE_SECONDS:
        return None
    if container.oom_killed:
        return _memory(state, ended)
    if container.error:
        return replace(_not_started(container.error), log_tail=state.log[-20:], at=ended)
    ordered = container.exit_code is None or container.exit_code in ORDERED_ENDS
    told = engine(state.server.engine).diagnose(state.log[-200:], died=not ordered)
    if told is not None:
        return replace(told, at=ended)
    return None if ordered else unexplained(state, container)


def keeps_ending(container: Container) -> bool:
    """True for a container that Docker starts again and again."""
    return container.restarts >= CRASH_LOOP


def _of_a_loop(state: ServerState, container: Container) -> Failure | None:
    """Why a container that Docker starts again and again ended last; that holds until a run is ready."""
    if not keeps_ending(container) or state.ever_ready:
        return None
    if container.state is not ContainerState.RESTARTING:
        return state.failure
    told = engine(state.server.engine).diagnose(state.log[-200:], died=True)
    return state.failure if told is None else replace(told, at=container.finished_at)


def _not_started(error: str) -> Failure:
    """What Docker gave as the reason why the container did not start."""
    known = diagnose_docker(error)
    if known is not None:
        return Failure(known.code, known.cause, known.remedy)
    return Failure(
        "start-failed",
        phrase("Docker could not start the container: {error}", error=error),
        phrase("Look at the message and start the model again."),
    )


def unexplained(state: ServerState, container: Container) -> Failure:
    """An end that no rule explains: the exit code and the last lines are all there is."""
    return Failure(
        "exited",
        phrase("The container ended by itself with exit code {code}.", code=container.exit_code or 0),
        phrase("Look at the last lines of its log."),
        state.log[-20:],
        container.finished_at,
    )


def _memory(state: ServerState, at: float | None) -> Failure:
    return Failure(
        "out-of-memory",
        phrase("The host ran out of memory and ended a process of the server."),
        phrase("Stop another server, or start the model with a smaller context."),
        state.log[-20:],
        at,
    )


def icon_of(snapshot: Snapshot) -> Icon:
    """The one icon for the whole, by a fixed precedence."""
    match snapshot.link:
        case LinkPhase.BLOCKED:
            return Icon.ATTENTION
        case LinkPhase.OFFLINE:
            return Icon.OFFLINE
        case LinkPhase.CONNECTING:
            return Icon.CONNECTING
        case LinkPhase.CONNECTED:
            return _icon_of_servers(snapshot)
        case _:  # pragma: no cover
            assert_never(snapshot.link)


def waits_for_somebody(snapshot: Snapshot) -> bool:
    """True when an operation was broken off and its server does not serve: a person says how to go on."""
    operation = snapshot.operation
    if operation is None or operation.end is not OperationEnd.INTERRUPTED:
        return False
    state = snapshot.state_of(operation.server or "")
    return state is None or not state.ready


def _icon_of_servers(snapshot: Snapshot) -> Icon:
    phases = {state.phase for state in snapshot.servers}
    serving = bool(phases & {Phase.READY, Phase.BUSY})
    if snapshot.docker_problem is not None:
        return Icon.ATTENTION if not snapshot.containers_known else Icon.DEGRADED
    if not snapshot.containers_known:
        return Icon.CONNECTING
    if snapshot.active is not None:
        return Icon.LOADING
    if waits_for_somebody(snapshot):
        return Icon.ATTENTION
    if Phase.FAILED in phases:
        return Icon.DEGRADED if serving else Icon.FAILED
    if Phase.DEGRADED in phases:
        return Icon.DEGRADED
    if phases & {Phase.STARTING, Phase.LOADING, Phase.STOPPING}:
        return Icon.LOADING
    if serving:
        return Icon.READY
    return Icon.CONNECTING if Phase.UNKNOWN in phases else Icon.IDLE


def started_by(container: Container | None, operation: str) -> bool:
    """True for the container that this operation started."""
    return container is not None and container.labels.get(LABEL_OPERATION) == operation
