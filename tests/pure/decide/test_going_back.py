"""A program that ended in the middle of a switch: the next one finishes it or goes back, from any step."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.plan import Plan, plan
from sparktray.decide.effects import Journal
from sparktray.decide.reduce import begin
from sparktray.decide.showing.checklist import checklist, worth_showing
from sparktray.decide.showing.menu import menu
from sparktray.decide.showing.present import operation_sentence, sentence
from sparktray.decide.truth import icon_of
from sparktray.domain.action import RecordContainer
from sparktray.domain.catalogue import Catalogue, Model
from sparktray.domain.docker.container import PREVIOUS, Container
from sparktray.domain.events import FoundInterrupted, Wished
from sparktray.domain.facts.survey import BrokenOff, Survey
from sparktray.domain.operation import (
    HARMLESS,
    BackWish,
    Operation,
    OperationEnd,
    OperationKind,
    Step,
    StepName,
    StepState,
    StopWish,
    Wish,
)
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import Icon, LinkPhase, first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    HOST,
    NOW,
    Desk,
    connected,
    only,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
)
from tests.pure.decide.planning import ME
from tests.pure.decide.story import Story, begin_story
from tests.pure.decide.test_cancelling import CASES, IDS, ROOMS, WISH, as_before

BACK = BackWish("op-1")


def crashed(room: str, index: int, *, done: bool, wish: Wish = WISH) -> Story:
    """The host as a program left it that ended at that step, and the next program, connected to it."""
    first = begin_story(*ROOMS[room])
    first.wish(wish)
    for _ in range(500):
        operation = first.operation
        if operation.end is not None or (operation.runs and operation.index >= index):
            break
        first.step()
    if done:
        for effect in [e for e in first.pending if getattr(e, "index", None) == index]:
            first.host.carry_out(effect)
    recorded = tuple(
        found
        for run in first.operation.runs
        if isinstance(run.step.action, RecordContainer) and run.state is StepState.DONE
        if (found := described(room, run.step.action.container)) is not None
    )
    return again(first, recorded)


def described(room: str, identity: str) -> Container | None:
    """A container as it was when it was written down."""
    return next((c for c in ROOMS[room] if c.id == identity), None)


def again(first: Story, recorded: tuple[Container, ...]) -> Story:
    """The next program; its surveys know what the journal tells of the first one."""
    story = Story(first.host, connected(*first.host.containers.values()), number=1)
    story.settle()
    lock = first.host.named("sparktray-lock")
    left = frozenset(each.id for each in recorded) | ({lock.id} if lock is not None else set())

    def told(survey: Survey) -> Survey:
        broken = BrokenOff("op-1", "sglang", recorded)
        return replace(survey, abandoned=left, broken=broken)

    first.host.change_survey = told
    return story


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("room", "index", "step"), CASES, ids=IDS)
def test_the_way_back_from_any_step(room: str, index: int, step: Step, done: bool) -> None:
    story = crashed(room, index, done=done)
    if step.name in {StepName.COMMIT, StepName.UNLOCK} and story.host.named("sglang" + PREVIOUS) is None:
        return  # what ran before is gone: that is the end of a switch, and nothing is offered any more
    story.wish(BACK)
    operation = story.run()
    assert operation.end is OperationEnd.DONE, (story.names, operation.failure)
    if operation.runs:
        as_before(story, room)
    assert not [c for c in story.host.containers.values() if c.name.endswith(PREVIOUS)]


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("room", "index", "step"), CASES, ids=IDS)
def test_finishing_from_any_step(room: str, index: int, step: Step, done: bool) -> None:
    story = crashed(room, index, done=done)
    story.wish(WISH)
    operation = story.run()
    assert operation.end is OperationEnd.DONE, (story.names, operation.failure)
    serving_now = story.host.named("sglang")
    assert serving_now is not None and serving_now.running
    assert not [c for c in story.host.containers.values() if c.name.endswith(PREVIOUS)]
    if operation.runs:
        assert story.host.named("sparktray-lock") is None


def test_what_somebody_removed_cannot_come_back_and_is_passed_over() -> None:
    old = ROOMS["always"][0]
    story = again(begin_story(), (old,))
    story.wish(BACK)
    assert story.run().end is OperationEnd.DONE
    assert story.operation.runs == ()
    written = [each.operation for each in only(Journal, story.desk.effects)]
    assert story.operation in written, "it settles what was broken off although nothing was left to do"


def test_a_container_that_was_no_server_of_this_catalogue_is_not_started() -> None:
    stranger = replace(ROOMS["always"][0], ports=(), name="else", argv=(), image="debian:12")
    story = again(begin_story(replace(stranger, name="else" + PREVIOUS)), (stranger,))
    story.wish(BACK)
    assert story.run().end is OperationEnd.DONE
    assert story.host.named("else") is not None
    assert StepName.START not in {r.step.name for r in story.operation.runs}


def test_without_a_word_in_the_journal_it_is_refused() -> None:
    story = begin_story()
    story.wish(BACK)
    operation = story.run()
    assert operation.end is OperationEnd.REFUSED
    assert operation.failure is not None and operation.failure.code == "nothing-interrupted"


def test_somebody_else_s_lock_is_respected() -> None:
    from tests.pure.decide.building import lock_box

    story = again(begin_story(lock_box()), (ROOMS["always"][0],))
    story.host.change_survey = lambda told: replace(told, broken=BrokenOff("op-1", "sglang", ()))
    story.wish(BACK)
    operation = story.run()
    assert operation.failure is not None and operation.failure.code == "locked"


def found(wish: Wish = WISH, server: str | None = "sglang") -> Operation:
    kind = OperationKind.STOP if isinstance(wish, StopWish) else OperationKind.SWITCH
    trouble = problem("interrupted")
    failure = Failure("interrupted", trouble.cause, trouble.remedy)
    return Operation(
        0, "op-1", wish, kind, NOW, server, "scout", failure=failure, end=OperationEnd.INTERRUPTED
    )


def test_it_is_told_until_something_newer_is_begun() -> None:
    desk = connected()
    desk.take(FoundInterrupted(found()))
    assert icon_of(desk.snapshot) is Icon.ATTENTION
    assert rendered(sentence(desk.snapshot)) == "Switching to scout: broken off."
    assert worth_showing(desk.snapshot.operation, watched=False)
    outcome = checklist(desk.snapshot, found(), NOW).outcome
    assert outcome is not None and not outcome.good
    assert [(rendered(words), wish) for words, wish in outcome.offers] == [
        ("Finish", WISH),
        ("Go back", BACK),
    ]
    ways = menu(desk.snapshot).ways
    assert [(rendered(row.label), row.wish) for row in ways] == [("Finish", WISH), ("Go back", BACK)]
    models = tuple(Model(id=f"m{n}", servers=("sglang",)) for n in range(9))
    many = Catalogue(servers=CATALOGUE.servers, models=models)
    rows = menu(replace(desk.snapshot, catalogue=many))
    assert len(rows.models) == 4 and rows.more
    assert menu(replace(desk.snapshot, link=LinkPhase.OFFLINE)).ways == ()
    desk.take(Wished(StopWish(), 1, "op-2"))
    desk.take(FoundInterrupted(found()))
    assert desk.snapshot.operation is not None and desk.snapshot.operation.id == "op-2"


def test_a_server_that_serves_waits_for_nobody() -> None:
    desk = serving(sglang_box(), sglang=ready("scout"))
    desk.take(FoundInterrupted(found()))
    assert icon_of(desk.snapshot) is Icon.READY
    assert rendered(sentence(desk.snapshot)) == "scout is ready on spark."
    desk.take(FoundInterrupted(found(StopWish(), None)))
    assert icon_of(Desk(replace(desk.snapshot, operation=found(StopWish(), None))).snapshot) is Icon.ATTENTION


def test_it_is_looked_for_first_of_all() -> None:
    from sparktray.decide.effects import Connect, FindInterrupted

    _, effects = begin(first_snapshot(HOST, CATALOGUE), NOW)
    assert [type(each) for each in effects] == [FindInterrupted, Connect]


def test_a_way_back_has_its_own_words() -> None:
    made = replace(found(), wish=BACK, kind=OperationKind.BACK, end=OperationEnd.DONE)
    assert rendered(operation_sentence(made)) == "Going back to what ran before: done."
    over = replace(made, end=OperationEnd.NEEDS_YOU)
    outcome = checklist(connected().snapshot, over, NOW).outcome
    assert outcome is not None and outcome.offers == ()


def test_harmless_steps_change_nothing_but_what_is_ours() -> None:
    assert {
        StepName.PULL,
        StepName.LOCK,
        StepName.CHECK,
        StepName.IDLE,
        StepName.RECORD,
        StepName.ARCHIVE,
        StepName.HEALTH,
        StepName.UNLOCK,
    } == HARMLESS


def test_the_lock_of_the_program_that_died_goes_although_nothing_else_is_left_to_do() -> None:
    from tests.pure.decide.building import lock_box, survey

    lock = lock_box("op-0")
    room = connected(lock)
    told = survey(None, broken=BrokenOff("op-0", "sglang", ()), abandoned=frozenset({lock.id}))
    found = plan(room.snapshot, BackWish("op-0"), told, ME)
    assert isinstance(found, Plan)
    assert [step.command for step in found.steps] == [("docker", "rm", "sparktray-lock")]
    bare = plan(connected().snapshot, BackWish("op-0"), told, ME)
    assert isinstance(bare, Plan) and bare.steps == ()
