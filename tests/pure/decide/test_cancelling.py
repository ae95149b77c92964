from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.effects import Interrupt, Perform
from sparktray.domain.docker.container import COMPOSE_LABEL, Container
from sparktray.domain.events import CancelAsked, Event, StepFailed
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    Step,
    StepName,
    StepState,
    StopWish,
    SwitchWish,
    WhenBusy,
)
from tests.pure.decide.building import ended, ollama_box, only, problem, sglang_box
from tests.pure.decide.story import Story, begin_story, cancels_at, loses_link_at

ALWAYS = sglang_box(model="coder", served="coder-30b", restart_policy="always")
WITH_RM = sglang_box(model="coder", served="coder-30b", auto_remove=True)
STOPPED = ended(sglang_box(model="coder", restart_policy="on-failure:3"))
COMPOSE = sglang_box("a-sglang-1", labels={COMPOSE_LABEL: "a"}, model="coder")
ROOMS: dict[str, tuple[Container, ...]] = {
    "nothing": (),
    "always": (ALWAYS,),
    "rm": (WITH_RM,),
    "stopped": (STOPPED,),
    "compose": (COMPOSE,),
}
WISH = SwitchWish("scout", replace=True)


def _steps(room: str) -> list[Step]:
    story = begin_story(*ROOMS[room])
    story.wish(WISH)
    return [r.step for r in story.run().runs]


CASES = [(room, index, step) for room in ROOMS for index, step in enumerate(_steps(room))]
PERFORMED = [case for case in CASES if case[2].name not in {StepName.IDLE, StepName.RELEASE, StepName.LOAD}]
IDS = [f"{room}-{index}-{step.name}" for room, index, step in CASES]
PERFORMED_IDS = [f"{room}-{index}-{step.name}" for room, index, step in PERFORMED]


def undone_in_reverse(operation: Operation) -> None:
    """Every begun step with an undo was undone, the last one first, and the lock given back last."""
    begun = [r.step for r in operation.runs if r.begun and not r.back and r.step.undo is not None]
    undone = [r.step for r in operation.runs if r.back]
    added = {StepName.RELEASE, StepName.LOAD}
    expected = [step.undo for step in reversed(begun)]
    lock = [step for step in expected if step is not None and step.name is StepName.UNLOCK]
    others = [step for step in expected if step is not None and step.name is not StepName.UNLOCK]
    assert [step for step in undone if step.name not in added] == others + lock
    assert all(r.state is StepState.DONE for r in operation.runs if r.back)
    assert all(r.state in {StepState.DONE, StepState.FAILED} for r in operation.runs)


def as_before(story: Story, room: str) -> None:
    """The containers that were there are there again, running or not, under their names."""
    for old in ROOMS[room]:
        now = story.host.named(old.name)
        assert now is not None
        assert (now.running, now.restart_policy, now.argv) == (old.running, old.restart_policy, old.argv)
    assert story.host.named("sparktray-lock") is None


@pytest.mark.parametrize(("room", "index", "step"), CASES, ids=IDS)
def test_a_cancel_at_any_step_takes_everything_back(room: str, index: int, step: Step) -> None:
    story = begin_story(*ROOMS[room])
    waits = step.name is StepName.IDLE
    story.host.requests = int(waits)
    story.desk.now += 0.1
    story.wish(replace(WISH, busy=WhenBusy.WAIT) if waits else WISH)
    asked = False
    for _ in range(500):
        if story.operation.end is not None:
            break
        if not asked and story.operation.runs and story.operation.index == index:
            story.take(CancelAsked(1))
            asked = True
        story.step()
    operation = story.run()
    too_late = step.name in {StepName.COMMIT, StepName.UNLOCK}
    assert operation.end is (OperationEnd.DONE if too_late else OperationEnd.CANCELLED), story.names
    if not too_late:
        assert operation.failure is None
        undone_in_reverse(operation)
        as_before(story, room)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("room", "index", "step"), PERFORMED, ids=PERFORMED_IDS)
def test_a_cancel_while_the_link_is_lost_also_takes_back_what_may_have_been_done(
    room: str, index: int, step: Step, done: bool
) -> None:
    story = begin_story(*ROOMS[room])
    asked = False
    story.fault = loses_link_at(index, done=done)
    story.wish(WISH)
    for _ in range(500):
        operation = story.operation
        if operation.end is not None:
            break
        current = operation.current
        if not asked and operation.index == index and current is not None and current.ended_at is not None:
            story.take(CancelAsked(1))
            asked = True
        story.step()
    operation = story.run()
    too_late = step.name in {StepName.COMMIT, StepName.UNLOCK}
    assert operation.end is (OperationEnd.DONE if too_late else OperationEnd.CANCELLED), story.names
    if not too_late:
        undone_in_reverse(operation)
        as_before(story, room)


UNDOABLE = [
    index
    for room, index, step in PERFORMED
    if room == "always" and step.name not in {StepName.COMMIT, StepName.UNLOCK}
]


@pytest.mark.parametrize("index", UNDOABLE)
def test_a_cancel_and_then_a_lost_link_does_not_do_the_step_again(index: int) -> None:
    story = begin_story(ALWAYS)
    lose = loses_link_at(index, done=True)

    def cancelled(told: Story, perform: Perform) -> list[Event] | None:
        if perform.index == index and not told.operation.cancelled:
            told.take(CancelAsked(1))
        return lose(told, perform)

    story.fault = cancelled
    story.wish(WISH)
    operation = story.run()
    assert operation.end is OperationEnd.CANCELLED
    undone_in_reverse(operation)
    as_before(story, "always")
    forward = [p.index for p in story.host.performed if not operation.runs[p.index].back]
    assert len(forward) == len(set(forward))


def test_a_cancel_breaks_off_what_is_performed_and_turns_back_when_it_ends() -> None:
    story = begin_story()
    story.fault = cancels_at(0)
    story.wish(WISH)
    assert story.run().end is OperationEnd.CANCELLED
    assert len(only(Interrupt, story.desk.effects)) == 1
    assert story.names == ["lock:done", "<unlock:done"]


def test_a_step_that_fails_because_it_was_broken_off_is_a_cancel_and_no_failure() -> None:
    story = begin_story(ALWAYS)

    def broken_off(told: Story, perform: Perform) -> list[Event] | None:
        if told.operation.runs[perform.index].step.name is not StepName.PROVE:
            return None
        told.take(CancelAsked(1))
        return [StepFailed(perform.number, perform.index, problem("cancelled"))]

    story.fault = broken_off
    story.wish(WISH)
    operation = story.run()
    assert (operation.end, operation.failure) == (OperationEnd.CANCELLED, None)
    undone_in_reverse(operation)


def test_a_cancel_before_the_plan_ends_without_a_step() -> None:
    story = begin_story()
    story.wish(WISH)
    story.take(CancelAsked(1))
    operation = story.run()
    assert (operation.end, operation.runs) == (OperationEnd.CANCELLED, ())


def test_a_way_back_that_fails_after_a_cancel_needs_a_person() -> None:
    story = begin_story(ALWAYS)

    def stuck(told: Story, perform: Perform) -> list[Event] | None:
        run = told.operation.runs[perform.index]
        if run.step.name is StepName.PROVE and not told.operation.cancelled:
            told.take(CancelAsked(1))
        if run.back and run.step.name is StepName.RENAME:
            return [StepFailed(perform.number, perform.index, problem("name-taken"))]
        return None

    story.fault = stuck
    story.wish(WISH)
    operation = story.run()
    assert operation.end is OperationEnd.NEEDS_YOU
    assert operation.failure is not None
    assert operation.failure.code == "name-taken"


def test_a_second_cancel_and_one_on_the_way_back_change_nothing() -> None:
    story = begin_story(ALWAYS)
    story.wish(WISH)
    while story.operation.current is None or story.operation.current.step.name is not StepName.LOAD:
        story.step()
    story.take(CancelAsked(1))
    assert story.operation.going_back
    before = story.operation
    story.take(CancelAsked(1))
    assert story.operation == before


def test_cancelling_ollama_brings_its_model_back() -> None:
    story = begin_story(ollama_box(), loaded=("qwen3:32b",))
    story.fault = cancels_at(3)
    story.wish(SwitchWish("coder", on="ollama"))
    assert story.run().end is OperationEnd.CANCELLED
    assert story.host.loaded == ["qwen3:32b"]


def test_a_cancelled_stop_leaves_the_rest_running() -> None:
    main = sglang_box("sglang-main", port=30001, model="qwen")
    story = begin_story(ALWAYS, main)
    story.fault = cancels_at(5)
    story.wish(StopWish())
    assert story.run().end is OperationEnd.CANCELLED
    assert [c.name for c in story.host.containers.values() if c.running] == ["sglang-main"]
