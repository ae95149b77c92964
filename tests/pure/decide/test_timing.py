from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.effects import Connect, Probe, ReadContainers
from sparktray.decide.settled import only_asked, settled
from sparktray.decide.showing.present import sentence
from sparktray.decide.timing import (
    API_SECONDS,
    LOADING_SECONDS,
    MISSED_SECONDS,
    OPERATION_SECONDS,
    SAFETY_SECONDS,
    WATCH_SECONDS,
    due_work,
    next_due,
)
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.events import ContainersUnread, LinkDown, LinkUp, LogTailRead, Sampled, Ticked, Wished
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.operation import SwitchWish
from sparktray.domain.snapshot import LinkPhase, first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    HOST,
    Desk,
    connected,
    ended,
    ollama_box,
    only,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)

OLD = sglang_box()
REFUSED = Reading(Health.REFUSED)


def answered(desk: Desk) -> Desk:
    """A desk at which every other server's first question was answered, so that it is not due."""
    desk.probe("ollama", REFUSED)
    return desk


@pytest.mark.parametrize(
    ("desk", "pause"),
    [
        (serving(OLD, sglang=ready("scout")), WATCH_SECONDS),
        (serving(OLD, sglang=REFUSED), LOADING_SECONDS),
        (serving(OLD, sglang=ready()), LOADING_SECONDS),
        (serving(OLD, sglang=Reading(Health.LOCKED)), WATCH_SECONDS),
        (serving(ollama_box(), ollama=ready("a")), API_SECONDS),
        (serving(ollama_box(), ollama=ready()), API_SECONDS),
        (serving(ollama=ready("a")), API_SECONDS),
        (serving(ollama=REFUSED), WATCH_SECONDS),
    ],
)
def test_when_a_server_is_asked_again(desk: Desk, pause: float) -> None:
    if desk.state("ollama").read_at is None:
        answered(desk)
    assert next_due(desk.snapshot, desk.now) == desk.now + pause
    assert only(Probe, desk.take(Ticked(), after=pause - 0.01)) == []
    asked = [p.server for p in only(Probe, desk.take(Ticked(), after=0.02))]
    assert asked
    again = [p.server for p in only(Probe, desk.take(Ticked(), after=30.0))]
    assert not any(server in asked for server in again), "one question at a time"


def test_a_ready_server_that_missed_an_answer_is_asked_again_soon() -> None:
    desk = answered(serving(OLD, sglang=ready("scout")))
    desk.probe("sglang", REFUSED)
    assert next_due(desk.snapshot, desk.now) == desk.now + MISSED_SECONDS


def test_the_server_of_an_operation_is_watched_closely_and_time_goes_on() -> None:
    desk = answered(serving(OLD, sglang=ready("scout")))
    desk.take(Wished(SwitchWish("coder"), 1, "op-1"))
    assert next_due(desk.snapshot, desk.now) == desk.now + OPERATION_SECONDS
    operation = desk.snapshot.operation
    assert operation is not None
    desk.snapshot = replace(desk.snapshot, operation=replace(operation, server="sglang"))
    assert next_due(desk.snapshot, desk.now) == desk.now + LOADING_SECONDS


QUIET: list[tuple[Container, ...]] = [
    (),
    *((replace(OLD, state=state),) for state in ContainerState if state is not ContainerState.RUNNING),
    (replace(OLD, inspected=False),),
    (vllm_box("web", port=30000),),
    (vllm_box("web", port=11434),),
    (replace(ollama_box(), state=ContainerState.PAUSED),),
]


@pytest.mark.parametrize("there", QUIET)
def test_no_situation_keeps_the_program_awake(there: tuple[Container, ...]) -> None:
    desk = connected(*there)
    for _ in range(3):
        desk.probe("ollama", REFUSED)
        assert next_due(desk.snapshot, desk.now) >= desk.now + 1.0
        assert due_work(desk.snapshot, desk.now)[1] == []
        desk.now = next_due(desk.snapshot, desk.now)
        desk.take(Ticked())
        desk.read(*there)


def test_a_stranger_on_ollamas_port_is_not_asked() -> None:
    desk = connected(vllm_box("web", port=11434))
    assert only(Probe, desk.effects) == []


def test_everything_is_read_again_from_time_to_time() -> None:
    desk = answered(connected())
    desk.effects.clear()
    desk.take(Ticked(), after=SAFETY_SECONDS - 1)
    assert only(ReadContainers, desk.effects) == []
    desk.take(Ticked(), after=1)
    assert len(only(ReadContainers, desk.effects)) == 1
    desk.take(Ticked(), after=SAFETY_SECONDS)
    assert len(only(ReadContainers, desk.effects)) == 1, "one at a time"
    desk.take(ContainersUnread(1, problem()))
    desk.take(Ticked(), after=WATCH_SECONDS)
    assert len(only(ReadContainers, desk.effects)) == 2, "sooner while Docker is silent"


def test_without_a_link_nothing_is_due() -> None:
    desk = connected(OLD)
    desk.take(LinkDown(1, problem()))
    assert next_due(desk.snapshot, desk.now) == desk.now + SAFETY_SECONDS
    assert desk.take(Ticked(), after=500) == []


def test_a_lost_link_is_tried_again_with_a_growing_count_and_a_blocked_one_is_not() -> None:
    desk = connected(OLD)
    assert only(Connect, desk.effects) == [Connect(1)]
    assert desk.take(LinkDown(1, problem())) == [Connect(2, 1)]
    since = desk.snapshot.link_since
    assert desk.take(LinkDown(1, problem()), after=5) == [], "told of an older connection"
    assert desk.take(LinkDown(2, problem()), after=5) == [Connect(3, 2)]
    assert (desk.snapshot.link, desk.snapshot.link_since) == (LinkPhase.OFFLINE, since)
    desk.take(LinkUp(3))
    assert (desk.snapshot.link, desk.snapshot.attempts, desk.snapshot.problem) == (
        LinkPhase.CONNECTED,
        0,
        None,
    )
    assert desk.take(LinkDown(3, problem("host-key-changed"), blocked=True)) == []
    assert desk.snapshot.link is LinkPhase.BLOCKED


def test_what_was_ready_as_the_link_was_lost_is_told_until_it_is_back() -> None:
    desk = serving(OLD, sglang=ready("scout"))
    desk.take(LinkDown(1, problem()))
    assert rendered(sentence(desk.snapshot)) == "It broke. Last known: scout."
    desk.take(LinkDown(2, problem("other")))
    assert rendered(sentence(desk.snapshot)) == "It broke. Last known: scout."
    desk.take(LinkUp(3))
    assert desk.snapshot.last_ready == ()
    desk.take(LinkDown(3, problem("host-key-changed"), blocked=True))
    assert rendered(sentence(desk.snapshot)) == "It broke."


def test_a_sample_of_an_older_connection_is_ignored() -> None:
    desk = connected()
    before = desk.snapshot
    desk.take(Sampled(0, Vitals(5.0)))
    assert desk.snapshot == before


def test_when_the_picture_is_complete() -> None:
    desk = Desk(first_snapshot(HOST, CATALOGUE))
    assert not settled(desk.snapshot)
    for link in (LinkPhase.OFFLINE, LinkPhase.BLOCKED):
        assert settled(replace(desk.snapshot, link=link)), "it cannot be reached"
    desk = connected(OLD)
    assert not settled(desk.snapshot)
    desk.probe("sglang", Reading(Health.SILENT))
    assert not settled(desk.snapshot), "Ollama may live outside Docker"
    desk.probe("ollama", REFUSED)
    assert settled(desk.snapshot)
    assert not settled(replace(desk.snapshot, vitals=Vitals()))
    desk.take(Ticked(), after=WATCH_SECONDS)
    assert settled(desk.snapshot), "asked again, what was heard stands"


def test_a_silent_docker_settles_the_picture_too() -> None:
    desk = Desk(replace(first_snapshot(HOST, CATALOGUE), epoch=1))
    desk.take(LinkUp(1))
    assert not settled(desk.snapshot)
    desk.take(ContainersUnread(1, problem()))
    assert settled(desk.snapshot)


@pytest.mark.parametrize("there", QUIET)
def test_the_picture_is_complete_in_every_situation(there: tuple[Container, ...]) -> None:
    desk = connected(*there)
    desk.probe("ollama", REFUSED)
    for state in desk.snapshot.servers:
        if state.tail_of is not None and state.container is not None:
            assert not settled(desk.snapshot)
            desk.take(LogTailRead(1, state.name, state.container.id, ()))
    assert settled(desk.snapshot)


def test_the_end_of_a_container_is_settled_with_its_log() -> None:
    desk = connected(ended(OLD, 1))
    desk.probe("ollama", REFUSED)
    assert not settled(desk.snapshot)
    desk.take(LogTailRead(1, "sglang", OLD.id, ("bye",)))
    assert settled(desk.snapshot)


def test_that_a_question_went_out_is_nothing_to_look_at() -> None:
    before = serving(OLD, sglang=ready("scout")).snapshot
    asking, *others = before.servers
    asked = replace(before, servers=(replace(asking, asking=True), *others))
    assert only_asked(before, asked)
    for after in (
        replace(asked, servers=(replace(asked.servers[0], running=1), *others)),
        replace(asked, sequence=asked.sequence + 1),
        replace(before, servers=asked.servers[:1]),
    ):
        assert not only_asked(before, after)
