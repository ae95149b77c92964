from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.containers import proven
from sparktray.decide.effects import ReadContainer, ReadContainers
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.events import (
    ContainerRead,
    ContainersRead,
    ContainersUnread,
    DockerHappened,
    LinkUp,
    StreamOpened,
)
from tests.pure.decide.building import (
    NOW,
    Desk,
    box,
    connected,
    ended,
    happened,
    only,
    problem,
    sglang_box,
)

OLD = sglang_box()


def seen(desk: Desk, container: Container = OLD) -> Container | None:
    return desk.snapshot.container(container.id)


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("die", ContainerState.EXITED),
        ("pause", ContainerState.PAUSED),
        ("unpause", ContainerState.RUNNING),
    ],
)
def test_an_event_changes_its_container_at_once_and_is_then_confirmed(
    action: str, state: ContainerState
) -> None:
    desk = connected(OLD)
    effects = desk.happen(action, OLD, exit_code=9 if action == "die" else None)
    found = seen(desk)
    assert found is not None
    assert (found.state, found.confirmed, found.sequence) == (state, False, 1)
    assert only(ReadContainer, effects) == [ReadContainer(1, 1, OLD.id)]
    assert only(ReadContainers, effects) == []
    if action == "die":
        assert (found.exit_code, found.finished_at) == (9, NOW)
    desk.take(ContainerRead(1, 1, OLD.id, replace(found, confirmed=True, error="told")))
    confirmed = seen(desk)
    assert confirmed is not None
    assert (confirmed.confirmed, confirmed.error, confirmed.sequence) == (True, "told", 1)


def test_a_renamed_and_a_destroyed_container() -> None:
    desk = connected(OLD)
    desk.happen("rename", replace(OLD, name="other"))
    assert desk.snapshot.container_named("other") is not None
    desk.happen("destroy", OLD)
    assert seen(desk) is None


@pytest.mark.parametrize(
    "action", ["start", "create", "restart", "kill", "update", "health_status", "new-verb"]
)
def test_every_other_event_reads_everything(action: str) -> None:
    assert only(ReadContainers, connected(OLD).happen(action, OLD)) == [ReadContainers(1, 1)]


@pytest.mark.parametrize("action", ["exec_create", "exec_start", "exec_die"])
def test_what_runs_inside_a_container_concerns_nobody(action: str) -> None:
    desk = connected(OLD)
    before = desk.snapshot
    assert desk.happen(action, OLD) == []
    assert desk.snapshot == before


@pytest.mark.parametrize("action", ["die", "destroy", "pause", "rename", "oom"])
def test_an_event_about_an_unknown_container_reads_everything(action: str) -> None:
    effects = connected().happen(action, OLD)
    assert len(only(ReadContainers, effects)) == 1
    assert only(ReadContainer, effects) == []


def test_one_reading_at_a_time_and_another_when_something_happened_meanwhile() -> None:
    desk = connected(OLD)
    assert len(only(ReadContainers, desk.happen("start", OLD))) == 1
    assert only(ReadContainers, desk.happen("start", OLD)) == []
    assert only(ReadContainers, desk.take(StreamOpened(1))) == []
    again = only(ReadContainers, desk.take(ContainersRead(1, 1, (OLD,))))
    assert again == [ReadContainers(1, 2)]
    assert only(ReadContainers, desk.take(ContainersRead(1, 2, (OLD,)))) == []
    assert only(ReadContainers, desk.take(StreamOpened(1))) == [ReadContainers(1, 2)]


def test_an_answer_from_before_an_event_never_overwrites_it() -> None:
    desk = connected(OLD)
    desk.happen("start", box("other"))
    asked = desk.snapshot.sequence
    desk.happen("die", OLD, exit_code=1)
    desk.take(ContainersRead(1, asked, (OLD, box("other"))))
    died = seen(desk)
    assert died is not None
    assert died.state is ContainerState.EXITED
    assert desk.snapshot.container_named("other") is not None
    desk.take(ContainerRead(1, asked, OLD.id, OLD))
    assert seen(desk) == died
    desk.take(ContainersRead(1, desk.snapshot.sequence, (OLD,)))
    again = seen(desk)
    assert again is not None
    assert again.state is ContainerState.RUNNING, "asked after the event: it was started again"


def test_an_answer_from_before_leaves_out_what_an_event_told_of() -> None:
    desk = connected(OLD)
    desk.happen("pause", OLD)
    desk.take(ContainersRead(1, 0, ()))
    assert seen(desk) is not None
    desk.take(ContainersRead(1, 1, ()))
    assert seen(desk) is None


def test_a_destroyed_container_does_not_come_back_from_an_older_answer() -> None:
    desk = connected(OLD)
    desk.happen("start", OLD)
    desk.happen("destroy", OLD)
    desk.take(ContainersRead(1, 1, (OLD,)))
    assert seen(desk) is None
    assert list(desk.snapshot.tombstones) == [(OLD.id, 2)]
    assert proven(desk.snapshot, OLD) == desk.snapshot
    desk.take(ContainersRead(1, 2, ()))
    assert not desk.snapshot.tombstones
    unknown = connected()
    unknown.happen("destroy", OLD)
    unknown.take(ContainersRead(1, 0, (OLD,)))
    assert seen(unknown) is None


def test_the_graveyard_is_bounded() -> None:
    desk = connected()
    for number in range(100):
        desk.happen("destroy", box(f"c{number}"))
    assert len(desk.snapshot.tombstones) == 64
    assert desk.snapshot.tombstones[-1] == (box("c99").id, 100)


def test_a_confirmation_that_finds_nothing_removes_it() -> None:
    desk = connected(OLD)
    desk.happen("die", OLD)
    desk.take(ContainerRead(1, 1, OLD.id, None))
    assert seen(desk) is None
    before = desk.snapshot
    desk.take(ContainerRead(1, 1, OLD.id, OLD))
    assert desk.snapshot == before, "unknown by now"


def test_memory_that_ran_out_is_remembered_for_that_run() -> None:
    """Docker 20.10 tells of it in the inspect only after the end."""
    desk = connected(OLD)
    desk.happen("oom", OLD)
    assert desk.state().failure is not None
    desk.take(ContainerRead(1, 1, OLD.id, OLD))
    desk.read(OLD)
    found = seen(desk)
    assert found is not None
    assert found.oom_killed
    again = proven(desk.snapshot, OLD).container(OLD.id)
    assert again is not None
    assert again.oom_killed
    desk.read(replace(OLD, started_at=NOW))
    found = seen(desk)
    assert found is not None
    assert not found.oom_killed


def test_everything_of_another_connection_is_ignored() -> None:
    desk = connected(OLD)
    before = desk.snapshot
    for late in (
        LinkUp(0),
        ContainersRead(0, 9, ()),
        ContainersUnread(0, problem()),
        StreamOpened(0),
        DockerHappened(0, happened("die", OLD)),
        ContainerRead(0, 9, OLD.id, None),
    ):
        desk.take(late)
        assert desk.snapshot == before


def test_a_docker_that_does_not_answer_leaves_the_picture_and_is_told() -> None:
    desk = connected(OLD)
    desk.take(StreamOpened(1))
    desk.take(ContainersUnread(1, problem("docker-silent")))
    assert desk.snapshot.docker_problem is not None
    assert seen(desk) == OLD
    assert not desk.snapshot.reading
    desk.read(OLD)
    assert desk.snapshot.docker_problem is None


def test_a_proof_is_taken_in_unless_events_told_of_something_newer() -> None:
    desk = connected(OLD)
    fresh = replace(OLD, started_at=NOW, restart_policy="always")
    assert proven(desk.snapshot, fresh).container(OLD.id) == fresh
    assert proven(desk.snapshot, replace(OLD, started_at=NOW - 9000)) == desk.snapshot
    added = proven(connected().snapshot, OLD)
    assert added.containers == (OLD,)
    over = connected(ended(OLD, 3))
    kept = proven(over.snapshot, replace(OLD, name="renamed")).container(OLD.id)
    assert kept == replace(ended(OLD, 3), name="renamed"), "of one run, the end is newer than the life"
    listed = connected(ended(replace(OLD, inspected=False)))
    assert proven(listed.snapshot, OLD).container(OLD.id) == OLD
