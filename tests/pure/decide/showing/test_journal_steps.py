"""One operation of the journal with its steps."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from sparktray.decide.showing.checklist import Checklist, Outcome, checklist, report, script
from sparktray.decide.showing.journal.past import Past
from sparktray.decide.showing.journal.steps import entry_steps
from sparktray.domain.journal.entry import Entry, EntryStep, entry_of
from sparktray.domain.operation import (
    BackWish,
    Operation,
    OperationEnd,
    OperationKind,
    StepName,
    StepState,
    SwitchWish,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import LinkPhase, Snapshot
from tests.pure.decide.building import NOW, connected, ready, rendered, serving, sglang_box
from tests.pure.decide.story import begin_story, fails_at, switched

BOX = sglang_box()


def step(name: str, state: str, **more: object) -> EntryStep:
    return msgspec.structs.replace(EntryStep(name=name, state=state), **more)


def entry(*steps: EntryStep, **changes: object) -> Entry:
    made = Entry(
        id="op1",
        kind="switch",
        host="spark",
        server="sglang",
        model="coder",
        started_at=NOW,
        time=NOW + 92.0,
        end="done",
        steps=steps,
    )
    return msgspec.structs.replace(made, **changes)


def waiting() -> Operation:
    return Operation(
        0,
        "op1",
        SwitchWish("coder", on="sglang"),
        OperationKind.SWITCH,
        NOW,
        "sglang",
        "coder",
        failure=Failure("interrupted", phrase("It ended."), phrase("Finish it.")),
        end=OperationEnd.INTERRUPTED,
    )


def shown(past: Past, snapshot: Snapshot | None = None) -> Checklist:
    made = entry_steps(past, "op1", snapshot, NOW)
    assert made is not None
    return made


def outcome(view: Checklist) -> Outcome:
    assert view.outcome is not None
    return view.outcome


def text(of: Phrase | None) -> str | None:
    return None if of is None else rendered(of)


def test_an_operation_of_the_past_is_shown_as_it_was() -> None:
    story = begin_story(BOX)
    story.fault = fails_at(StepName.PROVE)
    story.wish(SwitchWish("coder"))
    story.run()
    kept = msgspec.structs.replace(entry_of(story.operation, "spark", story.desk.now), id="op1")
    live, past = checklist(story.snapshot, story.operation, story.desk.now), shown(Past((kept,)))
    assert [rendered(each.title) for each in past.steps] == [rendered(each.title) for each in live.steps]
    for told in ("name", "state", "back", "word", "command"):
        assert [getattr(each, told) for each in past.steps] == [getattr(each, told) for each in live.steps]
    ended, told_then = outcome(past), outcome(live)
    assert (ended.good, ended.sentence) == (False, told_then.sentence)
    assert (text(ended.cause), text(ended.remedy), ended.tail, ended.offers) == (
        "It broke.",
        "Mend it.",
        (),
        (),
    )
    assert (past.current, past.cancel, past.about) == (None, None, live.about)
    assert script((s.name, "", s.command.split()) for s in past.steps)[:2] == ("#!/bin/sh", "set -e")


def test_the_one_under_way_can_be_cancelled() -> None:
    story = begin_story(BOX)
    story.wish(SwitchWish("coder"))
    view = entry_steps(Past(), "op-1", story.snapshot, story.desk.now)
    assert view == checklist(story.snapshot, story.operation, story.desk.now)
    assert view.cancel is not None
    assert entry_steps(Past(), "op1", story.snapshot, NOW) is None
    assert outcome(shown(Past((entry(),)), story.snapshot)).good


def test_states_of_one_that_was_broken_off_do_not_go_on() -> None:
    begun = (
        step("stop", "done"),
        step("load", "running"),
        step("prove", "failed"),
        step("unlock", "waiting"),
    )
    view = shown(Past((entry(*begun, end=None),)))
    assert [(each.state, rendered(each.word)) for each in view.steps] == [
        (StepState.DONE, "done"),
        (StepState.FAILED, "broken off"),
        (StepState.FAILED, "failed"),
        (StepState.WAITING, "not done"),
    ]
    assert (text(outcome(view).cause), outcome(view).good) == (
        "The program ended in the middle.",
        False,
    )


def test_one_of_another_program_is_followed() -> None:
    begun = (step("stop", "running", back=True), step("load", "running"), step("unlock", "waiting"))
    view = shown(Past((entry(*begun, end=None),), frozenset({"op1"})))
    assert [rendered(each.word) for each in view.steps] == ["going back", "now", "to come"]
    assert [each.state for each in view.steps] == [StepState.RUNNING, StepState.RUNNING, StepState.WAITING]
    ended = outcome(view)
    assert (text(ended.cause), ended.good) == ("Another program on this computer is at work on it.", True)


def test_what_another_version_wrote_is_shown_as_written() -> None:
    odd = step("teleport\u202e", "half\nway", seconds=3.0, command=("beam", "it up"))
    view = shown(Past((entry(odd, end="lost", kind="move"),)))
    (made,) = view.steps
    assert (rendered(made.title), rendered(made.word), made.state) == (
        "teleport",
        "half way",
        StepState.WAITING,
    )
    assert (made.seconds, made.command) == (3.0, "beam 'it up'")
    assert (rendered(outcome(view).sentence), outcome(view).good) == ("move coder sglang: lost", False)


def test_what_waits_for_a_person_offers_the_ways_on() -> None:
    past = Past((entry(end=None),), waiting=waiting())
    ended = outcome(shown(past, connected(BOX).snapshot))
    assert [(rendered(words), wish) for words, wish in ended.offers] == [
        ("Finish", SwitchWish("coder", on="sglang")),
        ("Go back", BackWish("op1")),
    ]
    assert text(ended.remedy) == "Finish it."


def test_nothing_is_offered_that_cannot_be_done_or_is_not_needed() -> None:
    past, at_rest = Past((entry(end=None),), waiting=waiting()), connected(BOX).snapshot
    busy = begin_story(BOX)
    busy.wish(SwitchWish("coder"))
    for snapshot in (
        None,
        replace(at_rest, link=LinkPhase.OFFLINE),
        busy.snapshot,
        serving(BOX, sglang=ready("scout")).snapshot,
    ):
        ended = outcome(shown(past, snapshot))
        assert (ended.offers, ended.remedy) == ((), None)
    other = replace(past, waiting=replace(waiting(), id="op2"))
    assert outcome(shown(other, at_rest)).offers == ()


def test_a_report_begins_with_where_and_when() -> None:
    past = Past((entry(step("stop", "done")),))
    assert [rendered(line) for line in report(shown(past))] == [
        "On spark, begun at 2027-01-15T08:00:00Z",
        "Switched to coder on sglang",
        "stop: done",
    ]
    story = switched("coder", BOX)
    first = report(checklist(story.snapshot, story.operation, NOW))[0]
    assert rendered(first).startswith("On spark, begun at 2027-01-15T08:0")
