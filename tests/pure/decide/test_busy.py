"""A server that is answering requests: nothing is cut off unasked."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.awaiting import ASKING_SECONDS, IDLE_SECONDS, Judgement, judge_wait
from sparktray.decide.changing.steps import idle
from sparktray.decide.timing import LOADING_SECONDS, WATCH_SECONDS, probe_due
from sparktray.domain.action import AwaitIdle
from sparktray.domain.asking import Health, Reading
from sparktray.domain.events import CancelAsked
from sparktray.domain.operation import OperationEnd, OperationKind, StepName, StopWish, SwitchWish, WhenBusy
from tests.pure.decide.building import (
    CODER,
    NOW,
    SGLANG,
    Desk,
    connected,
    ollama_box,
    ready,
    rendered,
    serving,
    sglang_box,
    survey,
    vllm_box,
)
from tests.pure.decide.planning import made, operation, script
from tests.pure.decide.story import Story, begin_story

BUSY = ready("scout", running=2, waiting=1)


def judged(desk: Desk, *, waited: float = 0.0, patient: bool = False, server: str = "sglang") -> str:
    waiting = operation(idle(SGLANG, patient=patient), since=desk.now - waited)
    verdict = judge_wait(desk.snapshot, waiting, AwaitIdle(server, patient), desk.now)
    assert (verdict.failure is None) is (verdict.judgement is not Judgement.FAILED)
    return verdict.judgement


def test_idle_goes_on_and_busy_refuses_or_waits() -> None:
    assert judged(serving(sglang_box(), sglang=ready("scout"))) == "done"
    desk = serving(sglang_box(), sglang=BUSY)
    assert judged(desk) == "failed"
    assert judged(desk, patient=True) == "wait"
    assert judged(serving(sglang_box(), sglang=ready("scout", running=0, waiting=1))) == "failed"


def test_an_old_answer_is_asked_for_again_and_silence_is_judged_by_the_last_word() -> None:
    desk = serving(sglang_box(), sglang=BUSY)
    desk.now += 1
    assert judged(desk) == "wait", "that was before the step began"
    assert judged(desk, waited=ASKING_SECONDS) == "failed"
    quiet = serving(sglang_box(), sglang=ready("scout"))
    quiet.now += 10
    assert judged(quiet, waited=ASKING_SECONDS) == "done"


def test_what_is_not_known_is_not_waited_for() -> None:
    assert judged(serving(sglang_box(), sglang=ready("scout", running=None, waiting=None))) == "done"
    assert judged(serving(sglang_box(), sglang=Reading(Health.REFUSED)), patient=True) == "done"
    assert judged(connected(), patient=True) == "done"
    assert judged(connected(), server="nowhere") == "done"


def test_one_that_is_never_idle_is_refused_before_the_lock_expires() -> None:
    desk = serving(sglang_box(), sglang=BUSY)
    desk.now += IDLE_SECONDS
    desk.probe("sglang", BUSY)
    assert judged(desk, patient=True, waited=IDLE_SECONDS) == "failed"


def test_the_refusal_says_how_many_and_what_can_be_done() -> None:
    desk = serving(sglang_box(), sglang=BUSY)
    waiting = operation(idle(SGLANG, patient=False), since=desk.now)
    failure = judge_wait(desk.snapshot, waiting, AwaitIdle("sglang"), desk.now).failure
    assert failure is not None and failure.code == "busy"
    assert rendered(failure.cause) == "sglang is answering 3 requests."
    assert "--wait-idle" in rendered(failure.remedy) and "30 seconds" in rendered(failure.remedy)


@pytest.mark.parametrize(
    ("busy", "expected"),
    [
        (WhenBusy.REFUSE, "Look whether sglang is answering requests"),
        (WhenBusy.WAIT, "Wait until sglang is idle"),
    ],
)
@pytest.mark.parametrize("wish", [SwitchWish("coder"), StopWish("sglang"), StopWish()])
def test_it_is_looked_at_before_anything_is_touched(
    wish: SwitchWish | StopWish, busy: WhenBusy, expected: str
) -> None:
    desk = serving(sglang_box(), sglang=ready("scout"))
    steps = made(desk, replace(wish, busy=busy), survey(None if isinstance(wish, StopWish) else CODER)).steps
    names = [step.name for step in steps]
    assert names[:4] == [StepName.LOCK, StepName.CHECK, StepName.IDLE, StepName.RECORD]
    assert rendered(steps[2].title) == expected
    without = made(desk, replace(wish, busy=WhenBusy.GO_ON), survey(CODER)).steps
    assert StepName.IDLE not in {step.name for step in without}


def test_all_are_looked_at_before_the_first_is_stopped_and_ollama_does_not_tell() -> None:
    desk = serving(
        sglang_box(),
        vllm_box(),
        ollama_box(),
        sglang=ready("scout"),
        vllm=ready("qwen"),
        ollama=ready("a", installed=("a",)),
    )
    assert script(made(desk, StopWish(), survey(None)).steps)[2:4] == ["(idle)", "(idle)"]


def test_a_server_that_loads_is_stopped_without_a_look() -> None:
    desk = serving(sglang_box(), sglang=Reading(Health.REFUSED))
    assert "(idle)" not in script(made(desk, StopWish("sglang"), survey(None)).steps)


def test_the_awaited_answer_is_asked_for_at_once() -> None:
    """A stop of all names no server, and yet the one that is looked at is asked often."""
    desk = serving(sglang_box(), vllm_box(), sglang=BUSY, vllm=ready("qwen"))
    waiting = replace(operation(idle(SGLANG, patient=True), since=desk.now), kind=OperationKind.STOP)
    begun = replace(desk.snapshot, operation=replace(waiting, server=None))
    desk.now += 1
    later = replace(operation(idle(SGLANG, patient=True), since=desk.now), server=None)
    assert probe_due(replace(begun, operation=later), desk.state("sglang")) == NOW, "at once"
    snapshot = begun
    assert probe_due(snapshot, desk.state("sglang")) == pytest.approx(NOW + LOADING_SECONDS)
    assert probe_due(snapshot, desk.state("vllm")) == pytest.approx(NOW + WATCH_SECONDS)
    looking = replace(snapshot, operation=replace(waiting, server=None, runs=()))
    assert probe_due(looking, desk.state("sglang")) == pytest.approx(NOW + WATCH_SECONDS)


def busy_story() -> Story:
    story = begin_story(sglang_box())
    story.host.requests = 2
    story.desk.now += 0.1
    return story


def test_a_switch_is_refused_and_changes_nothing() -> None:
    story = busy_story()
    story.wish(SwitchWish("coder"))
    refused = story.run()
    assert refused.end is OperationEnd.REFUSED
    assert refused.failure is not None and refused.failure.code == "busy"
    assert [c.name for c in story.host.containers.values()] == ["sglang"]


def test_a_patient_switch_goes_on_when_the_last_answer_is_given() -> None:
    story = busy_story()
    story.wish(SwitchWish("coder", busy=WhenBusy.WAIT))
    story.settle()
    assert story.names[2] == "idle:running"
    story.host.requests = 0
    assert story.run().end is OperationEnd.DONE


def test_waiting_can_be_cancelled() -> None:
    story = busy_story()
    story.wish(StopWish(busy=WhenBusy.WAIT))
    story.settle()
    story.take(CancelAsked(1))
    assert story.run().end is OperationEnd.CANCELLED
    assert [c.running for c in story.host.containers.values()] == [True]
