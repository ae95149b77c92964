"""Judges the steps that wait for the host: until memory is back, until a model serves."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sparktray.decide.changing.headroom import headroom
from sparktray.decide.changing.scripts import runs_script
from sparktray.decide.changing.steps import STOP_GRACE
from sparktray.decide.identity import port_held
from sparktray.decide.servers import run_of
from sparktray.decide.truth import answers_without, started_by, unexplained
from sparktray.domain.action import AwaitIdle, AwaitRelease, AwaitServing, Waiting
from sparktray.domain.asking import Health
from sparktray.domain.docker.container import Container
from sparktray.domain.operation import BackWish, Operation, StepName
from sparktray.domain.phrase import phrase, phrase_n
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import ServerState, Snapshot

# Memory of a large server comes back within a minute of its end, in steps; when nothing more
# came for 5 s, that was all.
QUIET_SECONDS = 5.0
RELEASE_SECONDS = 90.0
# Stopping a server only gives memory back, so a sample from shortly before still holds.
RECENT_SECONDS = 10.0
# Smaller changes are the host's own breathing.
NOTABLE_BYTES = 64 << 20
# A server that says nothing for so long is not asked any more; what it said last decides.
ASKING_SECONDS = 3.0
# An agent may work for hours. The lock is held meanwhile, and a lock that expires is no lock.
IDLE_SECONDS = 2700.0
# The container of a fresh start shows in Docker's list at once; its event may be late by a moment.
APPEAR_SECONDS = 15.0


class Judgement(StrEnum):
    """What a waiting step has come to."""

    WAIT = "wait"
    DONE = "done"
    FAILED = "failed"


class Verdict(msgspec.Struct, frozen=True):
    """A judgement, with the failure when it is one and the memory mark to go on from."""

    judgement: Judgement
    failure: Failure | None = None
    memory_mark: tuple[int, float] | None = None


_WAIT = Verdict(Judgement.WAIT)
_DONE = Verdict(Judgement.DONE)


def judge_wait(snapshot: Snapshot, operation: Operation, action: Waiting, now: float) -> Verdict:
    """Whether what a waiting step waits for is the case."""
    current = operation.current
    since = current.started_at if current is not None and current.started_at is not None else now
    if isinstance(action, AwaitRelease):
        return _release(snapshot, operation, action, since, now)
    state = snapshot.state_of(action.server)
    if state is None:
        return _DONE
    if isinstance(action, AwaitIdle):
        return _idle(state, action, since, now)
    return _serving(operation, state, action, since, now)


def _idle(state: ServerState, action: AwaitIdle, since: float, now: float) -> Verdict:
    """What is not known is not waited for: an engine that does not tell would never be idle."""
    if not state.ready:
        return _DONE
    asked = state.read_at is not None and state.read_at >= since
    if not asked and now - since < ASKING_SECONDS:
        return _WAIT
    requests = (state.running or 0) + (state.waiting or 0)
    if not requests:
        return _DONE
    if action.patient and now - since < IDLE_SECONDS:
        return _WAIT
    return Verdict(Judgement.FAILED, _busy(state, requests))


def _busy(state: ServerState, requests: int) -> Failure:
    return Failure(
        "busy",
        phrase_n(
            "{server} is answering {count} request.",
            "{server} is answering {count} requests.",
            requests,
            server=state.name,
        ),
        phrase(
            "Wait until it is idle (--wait-idle does it). With --force it is stopped all the same, and what "
            "it has not answered within {seconds} seconds is cut off.",
            seconds=STOP_GRACE,
        ),
    )


def _release(
    snapshot: Snapshot, operation: Operation, action: AwaitRelease, since: float, now: float
) -> Verdict:
    holder = snapshot.container_named(action.name) if action.name is not None else None
    busy = next((c for c in snapshot.containers if port_held(c, action.port)), None)
    if holder is not None or busy is not None:
        late = now - since > RELEASE_SECONDS
        return Verdict(Judgement.FAILED, _not_free(action)) if late else _WAIT
    vitals = snapshot.vitals
    available, total = vitals.available_bytes, vitals.total_bytes
    age = now - vitals.at if vitals.at is not None else None
    if available is None or total is None or age is None:
        return _DONE if now - since > QUIET_SECONDS else _WAIT
    if action.needs is not None and age <= RECENT_SECONDS and available - headroom(total) >= action.needs:
        return _DONE
    if age > now - since:
        # Without a sample from after the stop nobody can tell; a sampler that died shall not hold us up.
        return _DONE if now - since > RELEASE_SECONDS else _WAIT
    if _as_free_as_before(operation, available):
        return _DONE
    best, at = operation.memory_mark or (available, now)
    if available > best + NOTABLE_BYTES:
        best, at = available, now
    over = now - at >= QUIET_SECONDS or now - since > RELEASE_SECONDS
    return Verdict(Judgement.DONE if over else Judgement.WAIT, None, (best, at))


def _as_free_as_before(operation: Operation, available: int) -> bool:
    """Going back: as much is free as before the new model was started, so it holds nothing any more."""
    level = operation.free_level
    return operation.going_back and level is not None and available >= level - NOTABLE_BYTES


def _not_free(action: AwaitRelease) -> Failure:
    return Failure(
        "not-released",
        phrase("Name {name} or port {port} did not become free.", name=action.name or "-", port=action.port),
        phrase("Look at what holds them: docker ps -a"),
    )


def _serving(
    operation: Operation, state: ServerState, action: AwaitServing, since: float, now: float
) -> Verdict:
    container = state.container
    if state.server.engine != "ollama" and not _right_container(operation, container):
        late = now - since > APPEAR_SECONDS
        gone = _nothing_started if runs_script(operation.runs) else _vanished
        return Verdict(Judgement.FAILED, gone(state)) if late else _WAIT
    if container is not None and not container.running and not answers_without(state):
        if not state.tail_read or state.tail_of != run_of(container):
            return _WAIT
        return Verdict(Judgement.FAILED, state.failure or unexplained(state, container))
    if state.failure is not None:
        return Verdict(Judgement.FAILED, state.failure)
    if state.health is Health.READY and state.served is not None:
        verdict = _listed(state, action)
        if verdict is not None:
            return verdict
    # After a lost link nothing is known: what became ready meanwhile is not late.
    if action.timeout is not None and now - since > action.timeout and state.read_at is not None:
        return Verdict(Judgement.FAILED, _late(state, action))
    return _WAIT


def _right_container(operation: Operation, container: Container | None) -> bool:
    """Going forward after a start, only the container of this operation counts."""
    if container is None:
        return False
    if runs_script(operation.runs):
        return container.running
    started = any(r.step.name is StepName.START and not r.back for r in operation.runs)
    back = operation.going_back or isinstance(operation.wish, BackWish)
    return back or not started or started_by(container, operation.id)


def _listed(state: ServerState, action: AwaitServing) -> Verdict | None:
    served = {model.id for model in state.served or ()}
    if action.served_name is None or action.served_name in served:
        return _DONE
    if state.server.engine == "ollama":
        return _DONE if f"{action.served_name}:latest" in served else None
    if not served:
        return None
    return Verdict(
        Judgement.FAILED,
        Failure(
            "wrong-id",
            phrase(
                "The server lists {names} and not {name}.",
                names=", ".join(sorted(served)),
                name=action.served_name,
            ),
            phrase("Look at the container's command: another served name was given there."),
        ),
    )


def _vanished(state: ServerState) -> Failure:
    return Failure(
        "vanished",
        phrase("The container of {server} is gone.", server=state.name),
        phrase("Somebody removed it. Look at the status and try again."),
        state.log[-20:],
    )


def _nothing_started(state: ServerState) -> Failure:
    return Failure(
        "script-nothing",
        phrase(
            "The start script ended, and no container of {engine} holds port {port}.",
            engine=state.server.engine,
            port=state.server.port,
        ),
        phrase("Look at what it starts: docker ps. Its port has to be that of {server}.", server=state.name),
    )


def _late(state: ServerState, action: AwaitServing) -> Failure:
    return Failure(
        "not-ready-in-time",
        phrase("{server} was not ready within {seconds} seconds.", server=state.name, seconds=action.timeout),
        phrase("Give it more time with --timeout, or look at the last lines of its log."),
        state.log[-20:],
    )
