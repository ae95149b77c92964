"""The journal as a list."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from sparktray.decide.showing.journal.past import Past, up_to_now
from sparktray.decide.showing.journal.rows import EntryMark, EntryRow, entry_row
from sparktray.domain.journal.entry import Entry, EntryStep, entry_of
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import ForgetWish, OperationEnd, RestoreWish, StepName, SwitchWish, WipeWish
from sparktray.domain.phrase import Phrase, phrase
from tests.pure.decide.building import NOW, rendered, sglang_box
from tests.pure.decide.story import Story, begin_story, fails_at, switched

BROKE = phrase("It broke.")


def entry(**changes: object) -> Entry:
    made = Entry(
        id="op1",
        kind="switch",
        host="spark",
        server="sglang",
        model="coder",
        started_at=NOW,
        time=NOW + 92.0,
        end="done",
    )
    return msgspec.structs.replace(made, **changes)


def row(kept: Entry, *, alive: bool = False) -> EntryRow:
    return entry_row(kept, NOW + 100.0, alive=alive)


def text(of: Phrase | None) -> str | None:
    return None if of is None else rendered(of)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "Switched to coder on sglang"),
        ({"server": None}, "Switched to coder"),
        ({"kind": "stop", "model": None}, "Stopped sglang"),
        ({"kind": "stop", "model": None, "server": None}, "Stopped all servers"),
        ({"kind": "back"}, "Went back to what ran before"),
        ({"kind": "wipe", "wipe": WipeWish(WipeScope.EVERYTHING)}, "Deleted everything in Open WebUI"),
        ({"kind": "wipe", "wipe": WipeWish(WipeScope.ALL_CHATS)}, "Deleted chats in Open WebUI"),
        ({"kind": "restore", "restore": RestoreWish()}, "Brought back what Open WebUI held"),
        ({"kind": "forget", "forget": ForgetWish()}, "Removed what was kept of Open WebUI"),
        ({"kind": "teleport"}, "teleport coder sglang: done"),
        ({"kind": "teleport", "model": None, "server": None, "end": "lost"}, "teleport: lost"),
        ({"end": "lost\nin space"}, "Switching to coder: lost in space"),
        ({"end": "cancelled"}, "Switching to coder: cancelled, what was begun is taken back."),
        ({"model": "a\u202eb"}, "Switched to a b on sglang"),
    ],
)
def test_what_was_done_in_words(changes: dict[str, object], told: str) -> None:
    assert rendered(row(entry(**changes)).sentence) == told


@pytest.mark.parametrize(
    ("changes", "mark", "word", "cause"),
    [
        ({}, EntryMark.DONE, "done", None),
        (
            {"end": "rolled-back", "failure": "x", "cause": BROKE},
            EntryMark.TAKEN_BACK,
            "rolled back",
            "It broke.",
        ),
        ({"end": "failed", "failure": "exited"}, EntryMark.FAILED, "failed", "exited"),
        ({"end": "refused", "cause": BROKE}, EntryMark.FAILED, "refused", "It broke."),
        ({"end": "cancelled"}, EntryMark.CANCELLED, "cancelled", None),
        ({"end": "needs-you", "cause": BROKE}, EntryMark.NEEDS_YOU, "needs you", "It broke."),
        ({"end": None}, EntryMark.BROKEN_OFF, "broken off", "The program ended in the middle."),
        ({"end": "planned"}, EntryMark.UNKNOWN, "planned", None),
        ({"end": "lost"}, EntryMark.UNKNOWN, "lost", None),
    ],
)
def test_how_it_ended(changes: dict[str, object], mark: EntryMark, word: str, cause: str | None) -> None:
    made = row(entry(**changes))
    assert (made.mark, rendered(made.word), text(made.cause)) == (mark, word, cause)


def test_when_it_was_and_how_long_it_took() -> None:
    made = row(entry())
    assert (made.id, made.host, made.began, made.seconds) == ("op1", "spark", NOW, 92.0)
    assert row(entry(time=NOW - 5.0)).seconds == 0.0
    assert row(entry(end=None)).seconds is None


def test_one_that_another_program_is_at_work_on_is_under_way() -> None:
    running = EntryStep(name="stop", state="running", title=phrase("Stop {name}", name="a"))
    made = row(entry(end=None, steps=(running,)), alive=True)
    assert (made.mark, rendered(made.word), made.cause) == (EntryMark.UNDER_WAY, "under way", None)
    assert rendered(made.sentence) == "Switching to coder: Stop a"
    assert made.seconds == 100.0
    old = EntryStep(name="stop", state="running")
    assert rendered(row(entry(end=None, steps=(old,)), alive=True).sentence) == "Switching to coder: stop"
    assert rendered(row(entry(end=None), alive=True).sentence) == "Switching to coder: Looking at the host"


def kept(story: Story) -> Entry:
    return entry_of(story.operation, "spark", story.desk.now)


def begun(name: StepName = StepName.STOP) -> Story:
    story = begin_story(sglang_box())
    story.wish(SwitchWish("coder"))
    while story.operation.current is None or story.operation.current.step.name is not name:
        story.step()
    return story


def test_the_one_under_way_is_told_by_the_picture() -> None:
    story, other = begun(), entry(id="other")
    past = Past((other, msgspec.structs.replace(kept(story), steps=(), server=None)))
    now = up_to_now(past, story.snapshot, story.desk.now + 3.0)
    assert [each.id for each in now.entries] == ["op-1", "other"] and now.alive == {"op-1"}
    first = entry_row(now.entries[0], story.desk.now + 3.0, alive=True)
    assert (first.mark, rendered(first.sentence)) == (EntryMark.UNDER_WAY, "Switching to coder: Stop sglang")
    assert up_to_now(past, None, NOW) is past
    assert up_to_now(past, begin_story().snapshot, NOW) is past


def test_what_ended_just_now_is_told_before_the_journal_was_read_again() -> None:
    story = begun()
    stale = Past((kept(story),), frozenset({"op-1"}))
    story.fault = fails_at(StepName.PROVE)
    story.run()
    for past in (stale, Past()):
        now = up_to_now(past, story.snapshot, NOW)
        assert now.alive == frozenset()
        (only,) = now.entries
        made = entry_row(only, NOW, alive=False)
        assert (made.mark, text(made.cause)) == (EntryMark.TAKEN_BACK, "It broke.")
        assert made.seconds == (story.operation.ended_at or 0.0) - story.operation.started_at
    read = Past((kept(story),))
    assert up_to_now(read, story.snapshot, NOW) is read


@pytest.mark.parametrize("end", [OperationEnd.PLANNED, OperationEnd.INTERRUPTED])
def test_what_was_not_done_by_this_program_is_not_added(end: OperationEnd) -> None:
    snapshot = switched("coder", sglang_box()).snapshot
    assert snapshot.operation is not None
    picture = replace(snapshot, operation=replace(snapshot.operation, end=end))
    assert up_to_now(Past(), picture, NOW) == Past()


def test_what_ended_without_a_step_is_not_kept() -> None:
    story = begin_story()
    story.wish(SwitchWish("nothing"))
    assert story.run().end is OperationEnd.REFUSED
    assert up_to_now(Past(), story.snapshot, NOW) == Past()


def test_an_operation_is_found_by_its_id() -> None:
    past = Past((entry(), entry(id="op2")))
    found = past.get("op2")
    assert found is not None and found.id == "op2"
    assert past.get(None) is None and past.get("op3") is None
