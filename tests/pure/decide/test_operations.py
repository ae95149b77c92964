from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.effects import Interrupt, Journal, Perform, RememberLoad, TakeSurvey
from sparktray.domain.docker.container import COMPOSE_LABEL, Container, ContainerState
from sparktray.domain.events import (
    CancelAsked,
    Event,
    LinkDown,
    StepDone,
    StepFailed,
    StepSaid,
    Surveyed,
    Wished,
)
from sparktray.domain.facts.survey import Survey
from sparktray.domain.operation import OperationEnd, OperationKind, StepName, StopWish, SwitchWish
from sparktray.domain.snapshot import Phase
from tests.pure.decide.building import (
    connected,
    ended,
    ollama_box,
    only,
    ours,
    problem,
    sglang_box,
    survey,
)
from tests.pure.decide.story import Story, begin_story, fails_at, loses_link_at, switched

OLD = sglang_box(model="coder", served="coder-30b", restart_policy="always")
WITH_RM = sglang_box(model="coder", served="coder-30b", auto_remove=True)
STOPPED = ended(sglang_box(model="coder"), 0)
COMPOSE = sglang_box("compose-sglang-1", labels={COMPOSE_LABEL: "x"}, model="coder", served="coder-30b")


def names(story: Story) -> list[str]:
    return sorted(c.name for c in story.host.containers.values())


def runs(story: Story, name: str) -> Container:
    found = story.host.named(name)
    assert found is not None
    assert found.running
    return found


def test_a_switch_from_nothing_ends_ready_with_its_own_container() -> None:
    story = switched("scout")
    assert story.operation.end is OperationEnd.DONE
    assert names(story) == ["sglang"]
    story.settle()
    assert story.desk.state().phase is Phase.READY
    assert all(r.started_at is not None and r.ended_at is not None for r in story.operation.runs)
    assert [e.seconds for e in only(RememberLoad, story.desk.effects)] == [pytest.approx(4.0, abs=0.6)]


@pytest.mark.parametrize("old", [OLD, WITH_RM, STOPPED], ids=["always", "rm", "stopped"])
def test_a_switch_replaces_what_was_there_and_leaves_nothing_aside(old: Container) -> None:
    story = switched("scout", old)
    assert story.operation.end is OperationEnd.DONE
    assert names(story) == ["sglang"]
    assert runs(story, "sglang").option("--served-model-name") == "scout"


def test_a_compose_container_is_stopped_and_neither_renamed_nor_removed() -> None:
    story = switched("scout", COMPOSE, wish=SwitchWish("scout", replace=True))
    assert story.operation.end is OperationEnd.DONE
    kept = story.host.named("compose-sglang-1")
    assert kept is not None
    assert kept.id == COMPOSE.id
    assert not kept.running


@pytest.mark.parametrize("old", [OLD, WITH_RM, COMPOSE], ids=["always", "rm", "compose"])
@pytest.mark.parametrize("code", [0, 1, 137])
def test_a_model_that_dies_while_loading_is_rolled_back_with_its_cause(old: Container, code: int) -> None:
    says = ("torch.OutOfMemoryError: CUDA out of memory",)
    wish = SwitchWish("scout", replace=True)
    story = switched("scout", old, wish=wish, dies=code, says=says)
    assert story.operation.end is OperationEnd.ROLLED_BACK
    failure = story.operation.failure
    assert failure is not None
    assert failure.code == "out-of-memory"
    assert failure.log_tail == says
    back = runs(story, old.name)
    assert (back.restart_policy, back.argv, back.auto_remove) == (
        old.restart_policy,
        old.argv,
        old.auto_remove,
    )
    assert names(story) == [old.name]


def test_an_end_without_a_rule_tells_the_exit_code() -> None:
    story = switched("scout", dies=0, says=("bye",))
    assert story.operation.end is OperationEnd.FAILED
    assert story.operation.failure is not None
    assert story.operation.failure.code == "exited"
    assert names(story) == ["sglang"], "the failed container stays for its log"


def test_without_an_old_one_that_ran_a_failed_switch_is_failed_and_not_rolled_back() -> None:
    story = switched("scout", STOPPED, dies=1)
    assert story.operation.end is OperationEnd.FAILED
    kept = story.host.named("sglang")
    assert kept is not None
    assert kept.id == STOPPED.id


def test_no_rollback_leaves_things_as_they_failed_but_gives_the_lock_back() -> None:
    story = switched("scout", OLD, wish=SwitchWish("scout", rollback=False), dies=1)
    assert story.operation.end is OperationEnd.FAILED
    assert names(story) == ["sglang", "sglang.previous"]


def test_what_passes_its_timeout_is_rolled_back() -> None:
    story = switched("scout", OLD, wish=SwitchWish("scout", timeout=1.0), load_seconds=8.0)
    failure = story.operation.failure
    assert failure is not None
    assert failure.code == "not-ready-in-time"


def test_a_timeout_that_passed_while_the_link_was_down_does_not_fail_what_is_ready() -> None:
    story = begin_story(load_seconds=4.0)
    story.down_for = 60.0
    story.wish(SwitchWish("scout", timeout=10.0))
    while story.operation.current is None or story.operation.current.step.name is not StepName.LOAD:
        story.step()
    story.lose_link()
    assert story.run().end is OperationEnd.DONE


@pytest.mark.parametrize(
    ("name", "end"),
    [
        (StepName.LOCK, OperationEnd.REFUSED),
        (StepName.CHECK, OperationEnd.REFUSED),
        (StepName.RECORD, OperationEnd.REFUSED),
        (StepName.RESTART_POLICY, OperationEnd.ROLLED_BACK),
        (StepName.STOP, OperationEnd.ROLLED_BACK),
        (StepName.RENAME, OperationEnd.ROLLED_BACK),
        (StepName.START, OperationEnd.ROLLED_BACK),
        (StepName.PROVE, OperationEnd.ROLLED_BACK),
        (StepName.COMMIT, OperationEnd.DONE),
        (StepName.UNLOCK, OperationEnd.DONE),
    ],
)
def test_a_step_that_fails(name: StepName, end: OperationEnd) -> None:
    story = begin_story(OLD)
    story.fault = fails_at(name)
    story.wish(SwitchWish("scout"))
    operation = story.run()
    # Nothing is stopped before step 4; keeping the restart policy down alone stops nothing.
    expected = OperationEnd.FAILED if name is StepName.RESTART_POLICY else end
    assert operation.end is expected
    assert operation.failure is not None
    assert (operation.failure.code, operation.failure.log_tail) == (f"no-{name}", ("one", "two"))
    served = "scout" if end is OperationEnd.DONE else "coder-30b"
    assert runs(story, "sglang").option("--served-model-name") == served


@pytest.mark.parametrize("name", [StepName.STOP, StepName.RENAME, StepName.START])
def test_when_the_way_back_fails_too_a_person_is_needed_and_the_lock_is_given_back(name: StepName) -> None:
    story = begin_story(OLD, dies=1)
    story.fault = fails_at(name, back=True)
    story.wish(SwitchWish("scout"))
    assert story.run().end is OperationEnd.NEEDS_YOU
    assert story.names[-1] == "<unlock:done"
    assert story.operation.failure is not None
    assert story.operation.failure.code == "exited", "the first cause is told"


def test_a_lock_that_cannot_be_given_back_does_not_undo_a_way_back() -> None:
    story = begin_story(OLD, dies=1)
    story.fault = fails_at(StepName.UNLOCK, back=True)
    story.wish(SwitchWish("scout"))
    assert story.run().end is OperationEnd.ROLLED_BACK


def test_the_host_is_looked_at_again_under_the_lock() -> None:
    story = begin_story(OLD)
    looked: list[int] = []

    def emptied(told: Survey) -> Survey:
        looked.append(1)
        return replace(survey(), folder=None) if len(looked) > 1 else told

    story.host.change_survey = emptied
    story.wish(SwitchWish("scout"))
    assert story.run().end is OperationEnd.REFUSED
    assert story.operation.failure is not None
    assert story.operation.failure.code == "model-missing"


def test_another_container_in_the_place_is_found_under_the_lock() -> None:
    story = begin_story(OLD)
    story.wish(SwitchWish("scout"))
    removed = replace(OLD, id="other" * 12)

    def swapped(told: Story, perform: Perform) -> None:
        told.host.containers = {c.id: c for c in told.host.containers.values() if c.id != OLD.id}
        told.host.containers[removed.id] = removed

    story.fault = swapped
    assert story.run().end is OperationEnd.REFUSED
    assert story.operation.failure is not None
    assert story.operation.failure.code == "host-changed"


def test_a_model_that_already_loads_is_watched_and_not_started_over() -> None:
    story = begin_story(sglang_box(started_at=1_800_000_000.0), load_seconds=30.0)
    assert story.desk.state().phase is Phase.LOADING
    story.wish(SwitchWish("scout"))
    assert story.run().end is OperationEnd.DONE
    assert [n.partition(":")[0] for n in story.names] == ["lock", "check", "load", "prove", "unlock"]
    assert only(RememberLoad, story.desk.effects) == [], "how long the whole load took is not known"


def test_a_model_that_becomes_ready_before_the_second_look_is_simply_proven() -> None:
    story = begin_story(sglang_box(started_at=1_800_000_000.0), load_seconds=30.0)
    story.wish(SwitchWish("scout"))
    story.host.load_seconds = 0.0
    story.desk.now += 31.0
    for _ in range(3):
        story.settle(1)
    assert story.run().end is OperationEnd.DONE


def test_ollama_gives_up_one_model_and_loads_another() -> None:
    story = switched("coder", ollama_box(), wish=SwitchWish("coder", on="ollama"), loaded=("qwen3:32b",))
    assert story.operation.end is OperationEnd.DONE
    assert story.host.loaded == ["qwen3-coder:30b"]


def test_ollama_gets_its_old_model_back_when_the_new_one_does_not_answer() -> None:
    story = begin_story(ollama_box(), loaded=("qwen3:32b",))
    story.fault = fails_at(StepName.PROVE)
    story.wish(SwitchWish("coder", on="ollama"))
    assert story.run().end is OperationEnd.ROLLED_BACK
    assert story.host.loaded == ["qwen3:32b"]


def test_stopping_all_stops_every_server_and_empties_ollama() -> None:
    main = sglang_box("sglang-main", port=30001, model="qwen")
    story = begin_story(OLD, main, ollama_box(), loaded=("qwen3:32b",))
    story.wish(StopWish())
    operation = story.run()
    assert (operation.end, operation.kind) == (OperationEnd.DONE, OperationKind.STOP)
    assert story.host.loaded == []
    assert [c.name for c in story.host.containers.values() if c.running] == ["ollama"]


def test_a_dry_run_and_a_model_that_is_ready_end_at_once_and_write_nothing() -> None:
    story = begin_story(sglang_box())
    story.wish(SwitchWish("scout", dry_run=True))
    assert (story.run().end, story.operation.runs) == (OperationEnd.PLANNED, ())
    story.wish(SwitchWish("scout"))
    assert (story.run().end, story.operation.runs) == (OperationEnd.DONE, ())
    story.wish(SwitchWish("coder", dry_run=True))
    assert len(story.run().runs) > 5
    assert only(Journal, story.desk.effects) == []
    assert only(Perform, story.desk.effects) == []


def test_a_refused_wish_ends_without_a_question_to_the_host() -> None:
    story = begin_story()
    story.wish(SwitchWish("no-such-model"))
    assert story.operation.end is OperationEnd.REFUSED
    assert story.operation.failure is not None
    assert story.operation.failure.code == "usage-unknown-model"
    assert only(TakeSurvey, story.desk.effects) == []


def test_a_survey_that_fails_refuses() -> None:
    desk = connected()
    desk.take(Wished(SwitchWish("scout"), 1, "op-1"))
    desk.take(Surveyed(1, problem("docker-silent")))
    assert desk.snapshot.operation is not None
    assert desk.snapshot.operation.end is OperationEnd.REFUSED


def test_a_second_wish_waits_for_nobody_and_changes_nothing() -> None:
    desk = connected()
    desk.take(Wished(SwitchWish("scout"), 1, "op-1"))
    before = desk.snapshot
    assert desk.take(Wished(StopWish(), 2, "op-2")) == []
    assert desk.snapshot.operation == before.operation


def test_results_of_another_operation_or_step_are_ignored() -> None:
    desk = connected()
    late: list[Event] = [
        Surveyed(7, survey()),
        StepSaid(1, 3, "x"),
        StepDone(1, 3),
        StepDone(7, 0),
        StepFailed(1, 3, problem()),
        StepFailed(7, 0, problem()),
        StepSaid(7, 0, "x"),
        CancelAsked(7),
    ]
    for event in (*late, StepDone(1, 0), StepFailed(1, 0, problem()), StepSaid(1, 0, "x")):
        assert desk.take(event) == []
    desk.take(Wished(SwitchWish("scout"), 1, "op-1"))
    desk.take(Surveyed(1, survey()))
    before = desk.snapshot.operation
    for event in (*late, Surveyed(1, survey())):
        assert desk.take(event) == []
        assert desk.snapshot.operation == before
    desk.take(StepSaid(1, 0, "Pulling"))
    assert desk.snapshot.operation is not None
    assert desk.snapshot.operation.runs[0].said == "Pulling"


def test_only_one_result_of_a_step_counts() -> None:
    desk = connected()
    desk.take(Wished(SwitchWish("scout"), 1, "op-1"))
    desk.take(Surveyed(1, survey()))
    desk.take(StepFailed(1, 0, problem(), lost=True))
    before = desk.snapshot.operation
    assert desk.take(StepDone(1, 0)) == [], "its one result was that the link broke"
    assert desk.snapshot.operation == before
    assert desk.take(CancelAsked(1)) != []
    assert only(Interrupt, desk.effects) == []


@pytest.mark.parametrize("blocked", [False, True])
def test_a_link_that_stays_away_ends_the_operation(blocked: bool) -> None:
    story = begin_story(OLD)
    story.wish(SwitchWish("scout"))
    while story.operation.current is None or story.operation.current.step.name is not StepName.START:
        story.step()
    epoch = story.snapshot.epoch
    story.take(LinkDown(epoch, problem("host-key-changed"), blocked=blocked))
    if not blocked:
        assert story.operation.end is None
        story.take(LinkDown(epoch + 1, problem("silent")), after=299.0)
        assert story.operation.end is None, "patience"
        story.take(LinkDown(epoch + 2, problem("silent")), after=2.0)
    assert story.operation.end is OperationEnd.NEEDS_YOU
    assert story.operation.failure is not None
    assert story.operation.failure.code == "link-lost"


def test_a_link_lost_before_anything_was_changed_fails_plainly() -> None:
    story = begin_story(OLD)
    story.wish(SwitchWish("scout"))
    story.take(Surveyed(1, survey()))
    story.take(LinkDown(story.snapshot.epoch, problem(), blocked=True))
    assert story.operation.end is OperationEnd.FAILED


STEPS = len(switched("scout", OLD).operation.runs)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("index", range(STEPS))
def test_a_link_lost_in_any_step_is_waited_for_and_the_step_done_again(index: int, done: bool) -> None:
    story = begin_story(OLD)
    story.fault = loses_link_at(index, done=done)
    story.wish(SwitchWish("scout"))
    assert story.run().end is OperationEnd.DONE, story.names
    assert names(story) == ["sglang"]
    times = [p.index for p in only(Perform, story.desk.effects)]
    assert all(times.count(i) == 1 for i in times if i != index)
    assert times.count(index) in {0, 2}, "waiting steps are not performed"


def test_a_lost_step_is_not_tried_again_at_once() -> None:
    desk = connected()
    desk.take(Wished(SwitchWish("scout"), 1, "op-1"))
    desk.take(Surveyed(1, survey()))
    assert only(Perform, desk.take(StepFailed(1, 0, problem(), lost=True))) == []
    assert len(only(Perform, desk.take(StepSaid(9, 9, ""), after=0.5))) == 1


def test_what_an_earlier_operation_left_aside_is_swept_and_cancel_still_possible() -> None:
    aside = ended(sglang_box("sglang.previous", model="qwen"))
    story = begin_story(OLD, aside)
    story.host.change_survey = lambda told: replace(told, abandoned=frozenset({aside.id}))
    story.wish(SwitchWish("scout"))
    while story.operation.current is None or story.operation.current.step.name is not StepName.LOAD:
        story.step()
    assert "sweep:done" in story.names
    story.take(CancelAsked(1))
    assert story.run().end is OperationEnd.CANCELLED
    assert runs(story, "sglang").id == OLD.id


def test_a_paused_old_container_counts_as_running() -> None:
    story = switched("scout", replace(OLD, state=ContainerState.PAUSED))
    assert story.operation.end is OperationEnd.DONE
    assert ours(OLD, "op-1").managed
