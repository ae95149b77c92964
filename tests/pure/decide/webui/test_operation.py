"""Wipes and restores as operations: what is shown while they go on, and what is told at their end."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.effects import Journal, Perform, TakeSurvey
from sparktray.decide.showing.notices.events import notices
from sparktray.decide.showing.notices.notice import ActionKind, NoticeAction, NoticeKind
from sparktray.decide.showing.present import sentence
from sparktray.domain.events import StepDone, StepFailed, Surveyed, Wished
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import (
    ForgetWish,
    OperationEnd,
    OperationKind,
    RestoreWish,
    StepName,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import Phrase, phrase
from tests.pure.decide.building import Desk, connected, only, problem, rendered, survey
from tests.pure.decide.webui.houses import archive, house, webui_box

COUNTED = phrase("13 chats deleted.")


def begun(wish: Wish) -> Desk:
    """The operation at its first step."""
    desk = connected()
    desk.take(Wished(wish, 1, "20270115T080000-7-1"))
    assert only(TakeSurvey, desk.effects)
    facts = replace(survey(), household=house(archives=(archive(),)))
    desk.take(Surveyed(1, facts))
    return desk


def go_on(desk: Desk, *, counted: Phrase | None, fails_at: StepName | None = None) -> None:
    """Every step is done, one that fails excepted."""
    for _ in range(40):
        operation = desk.snapshot.active
        if operation is None or operation.current is None:
            return
        effects = only(Perform, desk.effects)
        step, index = operation.current.step, effects[-1].index
        if step.name is fails_at and not operation.current.back:
            desk.take(StepFailed(1, index, problem()))
            continue
        found = (
            replace(survey(), household=house(archives=(archive(),))) if step.name is StepName.CHECK else None
        )
        told = counted if step.name in {StepName.WIPE, StepName.RESTORE} else None
        desk.take(StepDone(1, index, survey=found, containers=desk.snapshot.containers, result=told))


@pytest.mark.parametrize(
    ("wish", "kind", "words"),
    [
        (WipeWish(WipeScope.ALL_CHATS), OperationKind.WIPE, "Deleting chats in Open WebUI"),
        (WipeWish(WipeScope.EVERYTHING), OperationKind.WIPE, "Deleting everything in Open WebUI"),
        (RestoreWish(), OperationKind.RESTORE, "Bringing back what Open WebUI held"),
    ],
)
def test_from_the_wish_to_the_notice(wish: Wish, kind: OperationKind, words: str) -> None:
    desk = begun(wish)
    operation = desk.snapshot.active
    assert operation is not None and operation.kind is kind
    assert words in rendered(sentence(desk.snapshot))
    before = desk.snapshot
    go_on(desk, counted=COUNTED)
    after = desk.snapshot.operation
    assert after is not None and after.end is OperationEnd.DONE
    assert [r.result for r in after.runs if r.result is not None] == [COUNTED]
    (notice,) = notices(before, desk.snapshot, frozenset({after.id}))
    wiped = kind is OperationKind.WIPE
    assert notice.text == COUNTED
    assert notice.kind is (NoticeKind.WIPED if wiped else NoticeKind.SWITCHED)
    undo = NoticeAction(ActionKind.UNDO, "sparktray-archive-open-webui-20270115T080000Z")
    assert notice.action == (undo if wiped else None)


def test_what_is_so_already_is_written_down_as_done() -> None:
    """Nothing is kept that could be removed; that was looked at under the lock."""
    desk = connected(webui_box())
    desk.take(Wished(ForgetWish(), 1, "op-1"))
    facts = replace(survey(), household=house())
    desk.take(Surveyed(1, facts))
    operation = desk.snapshot.active
    assert operation is not None
    assert [run.step.name for run in operation.runs] == [StepName.LOCK, StepName.CHECK, StepName.UNLOCK]
    for index, run in enumerate(operation.runs):
        again = facts if run.step.name is StepName.CHECK else None
        desk.take(StepDone(1, index, survey=again, containers=desk.snapshot.containers, result=None))
    ended = desk.snapshot.operation
    assert ended is not None and ended.end is OperationEnd.DONE
    assert only(Journal, desk.effects)[-1].operation == ended


@pytest.mark.parametrize(
    ("wish", "kind"), [(RestoreWish(), OperationKind.RESTORE), (ForgetWish(), OperationKind.FORGET)]
)
def test_what_counted_nothing_is_told_all_the_same(wish: Wish, kind: OperationKind) -> None:
    desk = begun(wish)
    assert desk.snapshot.active is not None and desk.snapshot.active.kind is kind
    before = desk.snapshot
    go_on(desk, counted=None)
    operation = desk.snapshot.operation
    assert operation is not None
    (notice,) = notices(before, desk.snapshot, frozenset({operation.id}))
    assert rendered(notice.text) == "Open WebUI is as it was otherwise."


def test_without_a_copy_there_is_no_undo() -> None:
    desk = begun(WipeWish(WipeScope.ALL_CHATS, archive=False))
    before = desk.snapshot
    go_on(desk, counted=COUNTED)
    (notice,) = notices(before, desk.snapshot, frozenset({"20270115T080000-7-1"}))
    assert notice.action is None


def test_a_wipe_that_fails_goes_back() -> None:
    desk = begun(WipeWish(WipeScope.ALL_CHATS))
    go_on(desk, counted=COUNTED, fails_at=StepName.WIPE)
    operation = desk.snapshot.operation
    assert operation is not None and operation.end is OperationEnd.ROLLED_BACK
    back = [r.step.name for r in operation.runs if r.back]
    assert back == [StepName.RESTORE, StepName.START, StepName.HEALTH, StepName.UNLOCK]
