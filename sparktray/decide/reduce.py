"""The one function that changes the snapshot: what happened in, the new picture and the effects out."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from sparktray.decide import containers, servers
from sparktray.decide.changing import operations
from sparktray.decide.effects import CheckLink, Connect, ConnectNow, Effect, FindInterrupted, ReadNeeds
from sparktray.decide.timing import due_work
from sparktray.domain.events import (
    CancelAsked,
    ContainerRead,
    ContainersRead,
    ContainersUnread,
    DockerHappened,
    Event,
    FoundInterrupted,
    LinkDown,
    LinkUp,
    LogSaid,
    LogTailRead,
    NeedsRead,
    Probed,
    RetryNow,
    Sampled,
    StepDone,
    StepFailed,
    StepSaid,
    StreamOpened,
    Surveyed,
    Ticked,
    Wished,
    Woke,
)
from sparktray.domain.snapshot import LinkPhase, Snapshot

Outcome = tuple[Snapshot, tuple[Effect, ...]]


def reduce(snapshot: Snapshot, event: Event, owner: str, now: float) -> Outcome:
    """Take in one event. ``owner`` is how this computer signs its locks, ``now`` seconds since 1970."""
    taken, effects = _take(snapshot, event, owner, now)
    settled, more = _settle(taken, now)
    return settled, (*effects, *more)


def _take(snapshot: Snapshot, event: Event, owner: str, now: float) -> Outcome:
    match event:
        case Ticked():
            return snapshot, ()
        case LinkUp() | LinkDown():
            return _link(snapshot, event, now)
        case Woke() | RetryNow():
            return _looked_at(snapshot, event)
        case ContainersRead():
            return containers.containers_read(snapshot, event, now)
        case ContainersUnread():
            return containers.containers_unread(snapshot, event, now)
        case StreamOpened():
            return containers.stream_opened(snapshot, event)
        case DockerHappened():
            return containers.docker_happened(snapshot, event)
        case ContainerRead():
            return containers.container_read(snapshot, event)
        case Probed():
            return servers.probed(snapshot, event, now), ()
        case LogSaid():
            return servers.log_said(snapshot, event, now), ()
        case LogTailRead():
            return servers.log_tail_read(snapshot, event), ()
        case Sampled():
            return _sampled(snapshot, event), ()
        case NeedsRead():
            current = event.epoch == snapshot.epoch
            return (replace(snapshot, needs=event.needs) if current else snapshot), ()
        case FoundInterrupted():
            return operations.found_interrupted(snapshot, event), ()
        case Wished() | Surveyed() | StepSaid() | StepDone() | StepFailed() | CancelAsked():
            return _operation(snapshot, event, owner, now)
        case _:  # pragma: no cover
            assert_never(event)


def _operation(
    snapshot: Snapshot,
    event: Wished | Surveyed | StepSaid | StepDone | StepFailed | CancelAsked,
    owner: str,
    now: float,
) -> Outcome:
    match event:
        case Wished():
            return operations.wished(snapshot, event, now)
        case Surveyed():
            return operations.surveyed(snapshot, event, owner, now)
        case StepSaid():
            return operations.step_said(snapshot, event, now), ()
        case StepDone():
            return operations.step_done(snapshot, event, owner, now)
        case StepFailed():
            return operations.step_failed(snapshot, event, now)
        case CancelAsked():
            return operations.cancel_asked(snapshot, event, now)
        case _:  # pragma: no cover
            assert_never(event)


def begin(snapshot: Snapshot, now: float) -> Outcome:
    """The first things of all: what was left undone here, and the connection."""
    epoch = snapshot.epoch + 1
    return replace(snapshot, epoch=epoch, link_since=now), (FindInterrupted(), Connect(epoch))


def _link(snapshot: Snapshot, event: LinkUp | LinkDown, now: float) -> Outcome:
    if event.epoch != snapshot.epoch:
        return snapshot, ()
    if isinstance(event, LinkUp):
        up = replace(
            snapshot, link=LinkPhase.CONNECTED, problem=None, link_since=now, attempts=0, last_ready=()
        )
        reading, wanted = containers.read_all(replace(up, reading=False))
        return reading, (*wanted, ReadNeeds(snapshot.epoch))
    forgotten = tuple(servers.forget_answers(s) for s in snapshot.servers)
    was_up = snapshot.link is LinkPhase.CONNECTED
    phase = LinkPhase.BLOCKED if event.blocked else LinkPhase.OFFLINE
    down = replace(
        snapshot,
        link=phase,
        problem=event.problem,
        link_since=snapshot.link_since if snapshot.link is phase else now,
        servers=forgotten,
        reading=False,
        stale=False,
        last_ready=tuple(s for s in snapshot.servers if s.ready) if was_up else snapshot.last_ready,
    )
    if event.blocked:
        return down, ()
    retry = replace(down, epoch=down.epoch + 1, attempts=down.attempts + 1)
    return retry, (Connect(retry.epoch, retry.attempts),)


def _looked_at(snapshot: Snapshot, event: Woke | RetryNow) -> Outcome:
    """There is a reason not to wait: for the next attempt, or for the next sign of life."""
    match snapshot.link:
        case LinkPhase.CONNECTED:
            # A person who looks is no reason to doubt a link, and on a slow one a check with a short
            # deadline can end it for nothing. Sleep is one: the host may have given the session up.
            if isinstance(event, Woke):
                return snapshot, (CheckLink(snapshot.epoch),)
            return servers.with_keys_anew(snapshot)
        case LinkPhase.CONNECTING | LinkPhase.OFFLINE:
            return replace(snapshot, attempts=0), (ConnectNow(),)
        case LinkPhase.BLOCKED:
            return snapshot, ()
        case _:  # pragma: no cover
            assert_never(snapshot.link)


def _sampled(snapshot: Snapshot, event: Sampled) -> Snapshot:
    return replace(snapshot, vitals=event.vitals) if event.epoch == snapshot.epoch else snapshot


def _settle(snapshot: Snapshot, now: float) -> Outcome:
    """Derive what follows from the facts: belonging, logs to follow, phases, the operation's next
    step, and the work that is due.
    """
    effects: list[Effect] = []
    snapshot = servers.assign(snapshot)
    if snapshot.link is LinkPhase.CONNECTED:
        snapshot, wanted = servers.watch_logs(snapshot, now)
        effects += wanted
    snapshot = servers.judge(snapshot, now)
    snapshot, further = operations.go_on(snapshot, now)
    effects += further
    snapshot = servers.judge(snapshot, now)
    if snapshot.link is LinkPhase.CONNECTED:
        snapshot, due = due_work(snapshot, now)
        effects += due
    return snapshot, tuple(effects)
