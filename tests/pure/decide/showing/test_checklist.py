from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.showing.checklist import (
    Checklist,
    Outcome,
    StepLine,
    checklist,
    pace,
    report,
    script,
    worth_showing,
)
from sparktray.domain.events import CancelAsked, StepSaid
from sparktray.domain.operation import Operation, OperationEnd, StepName, StepState, StopWish, SwitchWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LoadProgress, ServerState
from tests.pure.decide.building import GIB, NOW, SGLANG, ready, rendered, serving, sglang_box, vllm_box
from tests.pure.decide.story import Story, begin_story, fails_at, loses_link_at, switched

SCOUT_BOX = sglang_box()


def shown(story: Story, after: float = 0.0) -> Checklist:
    return checklist(story.snapshot, story.operation, story.desk.now + after)


def words(view: Checklist) -> list[str]:
    return [rendered(step.word) for step in view.steps]


def text(of: Phrase | None) -> str | None:
    return None if of is None else rendered(of)


def until(name: StepName, *, wish: SwitchWish | StopWish | None = None, back: bool = False) -> Story:
    """A switch or stop that has come to the step of that name."""
    story = begin_story(SCOUT_BOX)
    story.wish(wish or SwitchWish("coder"))
    return go_on(story, name, back=back)


def go_on(story: Story, name: StepName, *, back: bool = False) -> Story:
    for _ in range(2000):
        current = story.operation.current
        if current is not None and current.step.name is name and current.back is back:
            return story
        story.step()
    raise AssertionError(f"never came to {name}")


def now(story: Story, after: float = 0.0) -> StepLine:
    view = shown(story, after)
    assert view.current is not None
    return view.steps[view.current]


def test_before_the_plan_there_are_no_steps_and_it_can_be_cancelled() -> None:
    story = begin_story(SCOUT_BOX)
    story.wish(SwitchWish("coder"))
    view = shown(story)
    assert view.steps == () and view.current is None and view.outcome is None
    assert text(view.cancel) == "Cancelling ends it here; no model has been touched yet."


def test_each_step_has_its_state_its_proof_and_its_time() -> None:
    story = until(StepName.STOP)
    view = shown(story, after=12.0)
    place = view.current
    assert place is not None
    assert set(words(view)[:place]) == {"done"} and words(view)[place] == "now"
    assert set(words(view)[place + 1 :]) == {"to come"}
    stop = view.steps[place]
    assert (text(stop.title), text(stop.proof)) == ("Stop sglang", "It does not run any more.")
    assert stop.command == "docker stop -t 30 sglang"
    assert stop.seconds is not None and stop.seconds >= 12.0
    assert view.steps[0].seconds is not None and view.steps[-1].seconds is None


def test_a_clock_that_was_set_back_counts_nothing() -> None:
    assert now(until(StepName.STOP), after=-1000.0).seconds == 0.0


def test_a_load_tells_how_far_it_is_what_is_usual_and_what_was_said_last() -> None:
    story = until(StepName.LOAD)
    story.desk.snapshot = replace(
        story.snapshot,
        operation=replace(story.operation, usual_seconds=212.0),
        servers=tuple(
            replace(s, progress=LoadProgress(phrase("Loading weights"), 0.4), log=("one", "two"))
            if s.name == "sglang"
            else s
            for s in story.snapshot.servers
        ),
    )
    load = now(story)
    assert (text(load.phase), load.fraction, load.said) == ("Loading weights", 0.4, "two")
    assert text(load.pace) == "usually 3:32"
    assert [step for step in shown(story).steps if step.phase is not None] == [load]


def test_a_load_of_which_nothing_is_heard_yet_says_nothing() -> None:
    load = now(until(StepName.LOAD))
    assert (load.phase, load.fraction, load.said) == (None, None, "")


def test_the_last_line_of_a_command_is_told() -> None:
    story = until(StepName.STOP)
    story.take(StepSaid(story.operation.number, story.operation.index, "sglang"))
    assert now(story).said == "sglang"


def test_cancel_says_what_it_will_do() -> None:
    assert text(shown(until(StepName.RECORD)).cancel) == (
        "Cancelling ends it here; no model has been touched yet."
    )
    back = shown(until(StepName.LOAD)).cancel
    assert back is not None and back.msgid == "Cancelling takes back what was begun: {steps}."
    steps = back.values["steps"]
    assert isinstance(steps, list)
    assert [rendered(step) for step in steps] == ["Remove the new container sglang", "Start sglang again"]


def test_cancelling_a_stop_starts_nothing_again() -> None:
    story = serving_two()
    story.wish(StopWish())
    go_on(story, StepName.STOP)
    assert text(shown(story).cancel) == ("Cancelling leaves the rest running; what is stopped stays stopped.")
    early = until(StepName.RECORD, wish=StopWish("sglang"))
    assert text(shown(early).cancel) == "Cancelling ends it here; no model has been touched yet."


def serving_two() -> Story:
    return begin_story(SCOUT_BOX, sglang_box("sglang-main", port=30001, model="qwen"))


def test_it_is_too_late_to_cancel_once_it_goes_back_or_tidies_up() -> None:
    assert shown(until(StepName.UNLOCK)).cancel is None
    story = until(StepName.LOAD)
    story.take(CancelAsked(story.operation.number))
    assert shown(story).cancel is None
    assert "going back" in words(shown(go_on(story, StepName.START, back=True)))


def test_a_load_on_the_way_back_has_no_usual_time() -> None:
    story = until(StepName.LOAD)
    story.take(CancelAsked(story.operation.number))
    go_on(story, StepName.LOAD, back=True)
    story.desk.snapshot = replace(story.snapshot, operation=replace(story.operation, usual_seconds=9.0))
    assert now(story).pace is None


@pytest.mark.parametrize(
    ("elapsed", "usual", "silent", "told"),
    [
        (5.0, 200.0, 1.0, "usually 3:20"),
        (80.0, 200.0, 1.0, "about 2:00 left"),
        (80.0, 200.0, 79.0, "about 2:00 left"),
        (250.0, 200.0, 1.0, "usually 3:20"),
        (331.0, 200.0, 299.0, "slower than usual (3:20)"),
        (700.0, 200.0, 301.0, "probably stuck: silent for 5:01"),
        (4000.0, 200.0, 3.0, "slower than usual (3:20)"),
        (899.0, None, 899.0, None),
        (901.0, None, 10.0, None),
        (901.0, None, 400.0, "probably stuck: silent for 6:40"),
    ],
)
def test_how_a_load_does_against_its_own_past(
    elapsed: float, usual: float | None, silent: float, told: str | None
) -> None:
    """What still says something is slow at worst; without a past there is nothing to be slower than."""
    state = replace(ServerState(SGLANG), log_at=NOW - silent)
    assert text(pace(state, elapsed, usual, NOW)) == told


def test_a_load_that_never_said_anything_is_silent_from_its_beginning() -> None:
    assert text(pace(ServerState(SGLANG), 1000.0, 200.0, NOW)) == "probably stuck: silent for 16:40"
    assert text(pace(None, 10.0, None, NOW)) is None


def test_a_step_whose_link_broke_waits_for_the_connection() -> None:
    story = begin_story(SCOUT_BOX)
    story.fault = loses_link_at(4, done=False)
    story.wish(SwitchWish("coder"))
    for _ in range(2000):
        if "waits for the connection" in words(shown(story)):
            break
        story.step()
    view = shown(story)
    assert view.current == 4 and words(view)[4] == "waits for the connection"
    assert story.run().end is OperationEnd.DONE


def test_the_end_is_told_with_cause_remedy_and_last_lines() -> None:
    story = begin_story(SCOUT_BOX)
    story.fault = fails_at(StepName.PROVE)
    story.wish(SwitchWish("coder"))
    story.run()
    outcome = shown(story).outcome
    assert outcome is not None and not outcome.good
    assert rendered(outcome.sentence) == "Switching to coder: failed. What ran before runs again."
    assert (text(outcome.cause), text(outcome.remedy)) == ("It broke.", "Mend it.")
    assert outcome.tail == ("one", "two")
    states = {step.state for step in shown(story).steps}
    assert states == {StepState.DONE, StepState.FAILED}


def test_a_good_end_has_no_cause() -> None:
    outcome = shown(switched("coder", SCOUT_BOX)).outcome
    assert outcome is not None and outcome.good
    assert (outcome.cause, outcome.remedy, outcome.tail) == (None, None, ())


@pytest.mark.parametrize(
    ("end", "unwatched", "watched"),
    [
        (None, True, True),
        (OperationEnd.DONE, False, True),
        (OperationEnd.CANCELLED, False, True),
        (OperationEnd.PLANNED, False, False),
        (OperationEnd.REFUSED, True, True),
        (OperationEnd.ROLLED_BACK, True, True),
        (OperationEnd.FAILED, True, True),
        (OperationEnd.NEEDS_YOU, True, True),
    ],
)
def test_what_takes_the_place_of_the_list(end: OperationEnd | None, unwatched: bool, watched: bool) -> None:
    operation = replace(switched("coder", SCOUT_BOX).operation, end=end)
    assert worth_showing(operation, watched=False) is unwatched
    assert worth_showing(operation, watched=True) is watched


def test_no_operation_and_one_without_steps_leave_the_list_where_it_is() -> None:
    assert not worth_showing(None, watched=True)
    already = begin_story(SCOUT_BOX)
    already.desk = serving(SCOUT_BOX, sglang=ready("scout"))
    already.wish(SwitchWish("scout"))
    operation: Operation = already.run()
    assert operation.end is OperationEnd.DONE and operation.runs == ()
    assert not worth_showing(operation, watched=True)


def test_a_report_without_an_end_is_its_steps() -> None:
    going = Checklist(
        "op",
        (StepLine(StepName.STOP, StepState.DONE, False, phrase("Stop it"), phrase("done")),),
        0,
        None,
        None,
    )
    assert [rendered(line) for line in report(going)] == ["Stop it: done"]
    over = replace(going, outcome=Outcome(False, phrase("Failed."), None, phrase("Look."), ("a {b}",)))
    assert [rendered(line) for line in report(over)] == ["Failed.", "Look.", "Stop it: done", "a {b}"]


def test_a_script_is_what_a_person_would_type() -> None:
    steps = [
        (StepName.LOCK, "Take the lock", ("docker", "create", "--name", "sparktray-lock")),
        (StepName.CHECK, "Look again", ()),
        (StepName.START, "Start it", ("docker", "run", "-e", "KEY=***", "--label", "a=x y", "image")),
        (StepName.LOAD, "Load two\nlines", ()),
        (StepName.COMMIT, "Remove the old one", ("docker", "rm", "sglang.previous")),
        (StepName.SWEEP, "Remove an older one", ("docker", "rm", "-f", "old\nrm")),
        (StepName.UNLOCK, "Give it back", ("docker", "rm", "sparktray-lock")),
    ]
    assert script(steps) == (
        "#!/bin/sh",
        "set -e",
        "# Start it",
        "docker run -e KEY --label 'a=x y' image",
        "# Load twolines",
        "# Remove the old one",
        "# docker rm sglang.previous",
        "# Remove an older one",
        "# docker rm -f 'oldrm'",
    )


def test_no_script_of_a_switch_takes_away_the_way_back() -> None:
    operation = switched("coder", SCOUT_BOX).operation
    assert StepName.COMMIT in {run.step.name for run in operation.runs}
    lines = script((run.step.name, "", run.step.command) for run in operation.runs)
    assert [line for line in lines if " rm " in line and not line.startswith("# ")] == []


def test_what_does_not_fit_is_shown_as_a_sum_with_the_ways_on() -> None:
    story = begin_story(vllm_box())
    story.host.change_survey = lambda told: replace(told, memory=(20 * GIB, 122 * GIB))
    story.wish(SwitchWish("scout"))
    refused = story.run()
    shown = checklist(story.snapshot, refused, NOW)
    assert shown.outcome is not None and [rendered(words) for words, _ in shown.outcome.offers] == [
        "Stop vllm for it",
        "Try again",
    ]
    assert rendered(shown.outcome.sum[0]) == (
        "scout takes 27.0 GiB: weights 8.0 + cache 16.0 + overhead 3.0."
    )
    assert shown.outcome.sum[-1] in report(shown)
    assert refused.failure is not None
    busy = replace(refused, failure=replace(refused.failure, code="busy"))
    other = checklist(story.snapshot, busy, NOW)
    assert other.outcome is not None and other.outcome.sum == ()
