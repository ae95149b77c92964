from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from sparktray.decide.showing.notices.down import down_due, down_since
from sparktray.decide.showing.notices.notice import NoticeKind, Urgency, Withdraw
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.events import ContainersUnread, LinkUp, Wished
from sparktray.domain.operation import StepName, StopWish, SwitchWish
from sparktray.domain.snapshot import Phase
from tests.pure.decide.building import (
    Desk,
    connected,
    ended,
    ollama_box,
    problem,
    ready,
    rendered,
    serving,
    vllm_box,
)
from tests.pure.decide.showing.listening import (
    FAILURE,
    LOG,
    SCOUT_BOX,
    UNDER_WAY,
    Listener,
    down,
    ended_at,
    heard,
    listening,
    told,
    wished,
)
from tests.pure.decide.story import fails_at


def ended_by(desk: Desk, code: int, **changes: Any) -> Container:
    state = desk.state()
    assert state.container is not None
    return replace(ended_at(state.container, desk.now), exit_code=code, confirmed=True, **changes)


def passing(desk: Desk, listener: Listener, seconds: float) -> Listener:
    """Nothing happens for a while; the tray looks at the clock every second."""
    for _ in range(int(seconds)):
        desk.now += 1
        listener.hear(desk.snapshot, desk.now)
    return listener


def crashed(code: int = 0) -> tuple[Desk, Listener]:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    desk.read(ended_by(desk, code))
    listener.hear(desk.snapshot, desk.now)
    return desk, listener


def test_a_server_that_went_down_is_told_after_a_minute_and_once() -> None:
    desk, listener = crashed()
    assert down_due(listener.watched) == desk.now + 60
    assert passing(desk, listener, 60).told == []
    notice = passing(desk, listener, 3600).only()
    assert (notice.kind, notice.key, notice.urgency) == (NoticeKind.DOWN, "down:sglang", Urgency.NORMAL)
    assert told(notice) == (
        "sglang on spark has been down for a minute.",
        "sglang is not running; it ended with exit code 0.",
    )
    assert notice.action == LOG
    assert down_due(listener.watched) is None


def test_a_failure_is_told_with_its_remedy() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    failing = replace(desk.state(), failure=FAILURE, phase=Phase.FAILED)
    broken = replace(
        desk.snapshot, servers=tuple(failing if s.name == "sglang" else s for s in desk.snapshot.servers)
    )
    for now in (desk.now, desk.now + 61):
        listener.hear(broken, now)
    assert rendered(listener.only().text) == "sglang failed: It broke. Mend it."


def test_it_is_withdrawn_when_the_server_is_well_again() -> None:
    desk, listener = crashed()
    passing(desk, listener, 61)
    desk.read(replace(SCOUT_BOX, started_at=desk.now))
    listener.hear(desk.snapshot, desk.now)
    desk.probe("sglang", Reading(Health.REFUSED))
    passing(desk, listener, 300)
    assert listener.kinds == ["down"], "while it loads it is not well yet"
    desk.probe("sglang", ready("scout"))
    passing(desk, listener, 300)
    assert listener.kinds == ["down", "withdraw"]
    assert listener.told[1] == Withdraw("down:sglang")
    desk.read(ended_by(desk, 1))
    assert passing(desk, listener, 61 + 1).kinds == ["down", "withdraw", "down"]


def test_a_server_that_comes_back_within_a_minute_is_no_news() -> None:
    desk, listener = crashed()
    passing(desk, listener, 50)
    desk.read(replace(SCOUT_BOX, started_at=desk.now))
    desk.probe("sglang", Reading(Health.REFUSED))
    passing(desk, listener, 300)
    desk.probe("sglang", ready("scout"))
    assert passing(desk, listener, 300).told == []


@pytest.mark.parametrize(
    "reading",
    [Reading(Health.LOCKED), Reading(Health.SILENT)],
    ids=["locked", "silent"],
)
def test_a_server_that_does_not_answer_any_more_is_down(reading: Reading) -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    for _ in range(3):
        desk.probe("sglang", reading)
    assert passing(desk, listener, 62).kinds == ["down"]


def test_a_paused_container_is_down() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    desk.read(replace(SCOUT_BOX, state=ContainerState.PAUSED))
    assert passing(desk, listener, 62).kinds == ["down"]


def test_a_server_that_lost_a_process_and_still_answers_is_not_down() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    desk.read(replace(SCOUT_BOX, oom_killed=True))
    assert desk.state().phase is Phase.DEGRADED
    assert passing(desk, listener, 300).told == []


def test_ollama_gives_up_its_model_after_a_while_and_that_is_no_news() -> None:
    desk = serving(ollama_box(), ollama=ready("qwen3:32b"))
    listener = listening(desk)
    desk.probe("ollama", ready())
    assert passing(desk, listener, 300).told == []
    assert listener.watched == {}


def test_what_was_down_at_the_start_is_never_told() -> None:
    desk = connected(ended(SCOUT_BOX, 1, confirmed=True), vllm_box())
    listener = listening(desk)
    assert passing(desk, listener, 300).told == []


def test_a_server_that_we_stopped_is_not_down() -> None:
    story = wished(StopWish("sglang"), SCOUT_BOX)
    listener = heard(story, "op-1")
    assert passing(story.desk, listener, 300).kinds == ["switched"]


def test_a_server_that_we_failed_to_switch_is_told_as_failed_and_not_as_down_too() -> None:
    story = wished(SwitchWish("coder", rollback=False), SCOUT_BOX)
    story.fault = fails_at(StepName.START)
    listener = heard(story, "op-1")
    assert passing(story.desk, listener, 300).kinds == ["failed"]


def test_another_server_that_dies_during_an_operation_is_told() -> None:
    desk = serving(SCOUT_BOX, vllm_box(), sglang=ready("scout"), vllm=ready("qwen"))
    listener = listening(desk)
    desk.snapshot = replace(desk.snapshot, operation=UNDER_WAY)
    desk.read(SCOUT_BOX, ended(vllm_box(), 137, oom_killed=True))
    passing(desk, listener, 62)
    assert [t.key for t in listener.told] == ["down:vllm"]


def test_our_switch_takes_back_what_was_told_of_the_server() -> None:
    desk, listener = crashed()
    passing(desk, listener, 62)
    desk.snapshot = replace(desk.snapshot, operation=UNDER_WAY)
    listener.hear(desk.snapshot, desk.now)
    assert listener.kinds == ["down", "withdraw"]


def test_a_server_that_dies_while_the_link_is_down_is_no_news_on_reconnect() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    listener.hear(down(desk, "link-lost", blocked=False), desk.now)
    passing(desk, listener, 300)
    desk.take(LinkUp(desk.snapshot.epoch))
    listener.hear(desk.snapshot, desk.now)
    desk.read(ended(SCOUT_BOX, 1))
    assert passing(desk, listener, 300).told == []


def test_what_was_told_stands_while_the_link_is_down() -> None:
    desk, listener = crashed()
    passing(desk, listener, 62)
    listener.hear(down(desk, "link-lost", blocked=False), desk.now)
    passing(desk, listener, 300)
    desk.take(LinkUp(desk.snapshot.epoch))
    desk.read(ended_by(desk, 0))
    assert passing(desk, listener, 300).kinds == ["down"]


def test_a_minute_without_a_link_is_not_a_minute_of_being_down() -> None:
    desk, listener = crashed()
    listener.hear(down(desk, "link-lost", blocked=False), desk.now)
    assert passing(desk, listener, 300).told == []


def test_a_docker_that_does_not_answer_tells_nothing_of_the_servers() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    desk.take(ContainersUnread(desk.snapshot.epoch, problem("docker-silent")))
    assert passing(desk, listener, 300).told == []


def test_a_server_of_which_nothing_is_known_keeps_its_clock() -> None:
    desk, listener = crashed()
    since = listener.watched["sglang"]
    unread = tuple(replace(s, phase=Phase.UNKNOWN) for s in desk.snapshot.servers)
    assert down_since(listener.watched, replace(desk.snapshot, servers=unread), desk.now + 90) == {
        "sglang": since
    }


def test_a_stop_of_all_concerns_every_server() -> None:
    desk, listener = crashed()
    desk.take(Wished(StopWish(), 1, "op-1"))
    assert down_since(listener.watched, desk.snapshot, desk.now) == {}
