"""How Docker's answers and events change the snapshot's containers."""

from __future__ import annotations

from msgspec.structs import replace

from sparktray.decide.effects import Effect, ReadContainer, ReadContainers
from sparktray.domain.docker.answers import DockerEvent, after_event
from sparktray.domain.docker.container import Container
from sparktray.domain.events import (
    DOCKER_CHANGES,
    ContainerRead,
    ContainersRead,
    ContainersUnread,
    DockerHappened,
    StreamOpened,
)
from sparktray.domain.snapshot import Snapshot

Outcome = tuple[Snapshot, tuple[Effect, ...]]

# More destroyed containers than this between two full readings mean that somebody is busy with
# other things; the oldest are long gone from every answer by then.
_TOMBSTONES = 64


def read_all(snapshot: Snapshot) -> Outcome:
    """Ask for a full reading; only one is under way at a time, a further wish makes it stale."""
    if snapshot.reading:
        return replace(snapshot, stale=True), ()
    asked = replace(snapshot, reading=True, stale=False)
    return asked, (ReadContainers(snapshot.epoch, snapshot.sequence),)


def stream_opened(snapshot: Snapshot, event: StreamOpened) -> Outcome:
    """What happened while no stream was open is unknown."""
    return read_all(snapshot) if event.epoch == snapshot.epoch else (snapshot, ())


def containers_read(snapshot: Snapshot, event: ContainersRead, now: float) -> Outcome:
    """Merge a full reading: what an event changed after the question was asked stands."""
    if event.epoch != snapshot.epoch:
        return snapshot, ()
    read = replace(
        snapshot,
        containers=merged(snapshot, event.asked, event.containers),
        containers_known=True,
        docker_problem=None,
        tombstones=tuple(t for t in snapshot.tombstones if t[1] > event.asked),
        reading=False,
        read_at=now,
        observed_at=now,
    )
    return read_all(read) if read.stale else (read, ())


def merged(snapshot: Snapshot, asked: int, answer: tuple[Container, ...]) -> tuple[Container, ...]:
    """The containers of an answer, except where an event told something newer than the question."""
    newer = {c.id: c for c in snapshot.containers if c.sequence > asked}
    buried = {identity for identity, sequence in snapshot.tombstones if sequence > asked}
    known = {c.id: c for c in snapshot.containers}
    taken = [newer.pop(c.id, _starved(known.get(c.id), c)) for c in answer if c.id not in buried]
    return (*taken, *newer.values())


def containers_unread(snapshot: Snapshot, event: ContainersUnread, now: float) -> Outcome:
    """Docker did not answer; what is shown stays, with the problem beside it."""
    if event.epoch != snapshot.epoch:
        return snapshot, ()
    return replace(snapshot, docker_problem=event.problem, reading=False, stale=False, read_at=now), ()


def docker_happened(snapshot: Snapshot, happened: DockerHappened) -> Outcome:
    """Change the one container at once where the event says how, else read everything."""
    if happened.epoch != snapshot.epoch:
        return snapshot, ()
    event = happened.event
    counted = replace(snapshot, sequence=snapshot.sequence + 1)
    known = snapshot.container(event.id)
    if event.action not in DOCKER_CHANGES:
        return read_all(counted) if _matters(event) else (snapshot, ())
    if known is None:
        return read_all(_buried(counted, event) if event.action == "destroy" else counted)
    changed = after_event(known, event, counted.sequence)
    if changed is None:
        others = tuple(c for c in snapshot.containers if c.id != event.id)
        return _buried(replace(counted, containers=others), event), ()
    confirm = ReadContainer(snapshot.epoch, counted.sequence, event.id)
    return _with_container(counted, changed), (confirm,)


def _matters(event: DockerEvent) -> bool:
    """Health checks of other people's containers run as exec, up to several a second."""
    return not event.action.startswith("exec_")


def container_read(snapshot: Snapshot, event: ContainerRead) -> Outcome:
    """Confirm one container, unless something happened to it since it was asked for."""
    known = snapshot.container(event.id)
    if event.epoch != snapshot.epoch or known is None or known.sequence > event.asked:
        return snapshot, ()
    if event.container is None:
        return replace(snapshot, containers=tuple(c for c in snapshot.containers if c.id != event.id)), ()
    found = _starved(known, replace(event.container, sequence=known.sequence))
    return _with_container(snapshot, found), ()


def _starved(known: Container | None, found: Container) -> Container:
    """Keep what the ``oom`` event told of this run: Docker 20.10 shows it only after the end."""
    if known is None or not known.oom_killed or known.started_at != found.started_at:
        return found
    return replace(found, oom_killed=True)


def proven(snapshot: Snapshot, found: Container) -> Snapshot:
    """Take in a container as a step's proof read it, unless events have told of something newer.

    A run that began later is newer; of the same run, its end is newer than its life.
    """
    known = snapshot.container(found.id)
    if known is None:
        gone = any(identity == found.id for identity, _ in snapshot.tombstones)
        return snapshot if gone else replace(snapshot, containers=(*snapshot.containers, found))
    if (found.started_at or 0.0) < (known.started_at or 0.0):
        return snapshot
    same_run = found.started_at == known.started_at
    if same_run and known.inspected and not known.running:
        return _with_container(snapshot, replace(known, name=found.name))
    return _with_container(snapshot, _starved(known, replace(found, sequence=known.sequence)))


def _with_container(snapshot: Snapshot, container: Container) -> Snapshot:
    swapped = tuple(container if c.id == container.id else c for c in snapshot.containers)
    return replace(snapshot, containers=swapped)


def _buried(snapshot: Snapshot, event: DockerEvent) -> Snapshot:
    stones = (*snapshot.tombstones, (event.id, snapshot.sequence))[-_TOMBSTONES:]
    return replace(snapshot, tombstones=stones)
