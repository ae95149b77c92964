"""Wipes and restores as steps: what is stopped, copied, deleted, and how each is taken back."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.plan import Plan, plan
from sparktray.decide.changing.steps import pending, way_back
from sparktray.decide.webui.answers import NO_DATABASE
from sparktray.decide.webui.planning import expired, plan_for
from sparktray.decide.webui.planning import way_back as back_from
from sparktray.decide.webui.steps import Place, look
from sparktray.domain.action import RemoveVolume, RunInside
from sparktray.domain.docker.container import ContainerState
from sparktray.domain.facts.survey import BrokenOff, Survey
from sparktray.domain.open_webui import Household, WipeScope
from sparktray.domain.operation import BackWish, ForgetWish, RestoreWish, StepName, StepState, WipeWish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from tests.pure.decide.building import NOW, connected, problem, survey
from tests.pure.decide.planning import ME
from tests.pure.decide.webui.houses import (
    CONTENTS,
    KEPT,
    KNOWN,
    OPERATION,
    STOPPED,
    archive,
    house,
    planned,
    short,
    steps,
    told,
    webui_box,
)

COPY_CHATS = json.dumps(
    {"container": "open-webui", "operation": OPERATION, "scope": "chats", "volume": "open-webui"}
)
ALL = WipeWish(WipeScope.ALL_CHATS)
EVERYTHING = WipeWish(WipeScope.EVERYTHING)
DELETE_CHATS = json.dumps({"archive": True, "operation": OPERATION, "scope": "chats"})


def test_all_chats_are_copied_and_deleted_while_it_stands_still() -> None:
    assert told(steps(house(), ALL)) == [
        "(health)",
        "(record)",
        "stop -t 30 open-webui",
        f"volume create {KEPT}",
        f"archive open-webui:/data {KEPT}:/archive {COPY_CHATS}",
        f"wipe open-webui:/data {KEPT}:/archive:ro {DELETE_CHATS}",
        "start open-webui",
        "(health)",
    ]


def test_one_that_does_not_run_is_not_started_unless_an_earlier_try_stopped_it() -> None:
    at_rest = house(container=STOPPED)
    assert told(steps(at_rest, ALL))[-1].startswith("wipe")
    assert told(steps(at_rest, replace(ALL, revive=True)))[-2:] == ["start open-webui", "(health)"]


def test_without_a_copy_and_of_a_certain_age() -> None:
    made = told(steps(house(), WipeWish(WipeScope.ALL_CHATS, older_than=30, archive=False)))
    wanted = {"archive": False, "older_than_days": 30, "operation": OPERATION, "scope": "chats"}
    assert made[3] == f"wipe open-webui:/data {json.dumps(wanted, sort_keys=True)}"


def kinds(found: Household, wish: WipeWish) -> list[str]:
    return [each.split()[0] for each in told(steps(found, wish))]


def test_what_an_earlier_try_has_taken_is_not_copied_over_its_own_copy() -> None:
    """What it left besides, as text in pages of the database no longer in use, goes all the same."""
    nothing = replace(CONTENTS, chats=0, chats_older=0)
    again = replace(ALL, revive=True)
    assert kinds(house(contents=nothing, container=STOPPED), again) == ["wipe", "start", "(health)"]
    assert '"archive": false' in told(steps(house(contents=nothing, container=STOPPED), again))[0]
    assert "archive" in kinds(house(contents=nothing), ALL), "what was deleted there left its text"
    assert "archive" in kinds(house(), again), "there are chats"
    older = WipeWish(WipeScope.ALL_CHATS, older_than=30, revive=True)
    assert "archive" not in kinds(house(contents=replace(CONTENTS, chats_older=0)), older)
    assert "archive" in kinds(house(contents=None), again), "what is not known may be there"


def test_everything_is_finished_where_no_database_is_left() -> None:
    again = replace(EVERYTHING, revive=True)
    fresh = house(contents=replace(CONTENTS, chats=0, accounts=()))
    assert "archive" not in kinds(fresh, again)
    assert "archive" in kinds(house(contents=replace(CONTENTS, chats=0)), again), "there are accounts"
    emptied = house(contents=Problem(NO_DATABASE, phrase("none"), phrase("start")), container=STOPPED)
    assert kinds(emptied, again) == ["wipe", "start", "(health)"]
    assert getattr(planned(emptied, EVERYTHING), "code", "") == NO_DATABASE
    assert getattr(planned(emptied, replace(ALL, revive=True)), "code", "") == NO_DATABASE


def test_everything_can_go_without_a_copy_where_nothing_can_be_read() -> None:
    damaged = house(contents=Problem("webui-corrupt", phrase("damaged"), phrase("none")))
    assert "wipe" in kinds(damaged, replace(EVERYTHING, archive=False))
    for refused in (EVERYTHING, ALL, replace(ALL, archive=False)):
        assert getattr(planned(damaged, refused), "code", "") == "webui-corrupt"


def test_everything_keeps_the_container() -> None:
    made = told(steps(house(), EVERYTHING))
    assert [each.split()[0] for each in made if "-webui:/data" in each] == ["archive", "wipe"]
    assert '"scope": "everything"' in made[4] and '"scope": "everything"' in made[5]
    assert not any(each.startswith(("rm", "volume rm")) for each in made)


def test_who_is_not_signed_in_is_refused_before_anything() -> None:
    told = Survey(True, NOW, household=house(), unstored="open webui spark")
    refused = plan_for(KNOWN, WipeWish(WipeScope.CHATS), told, OPERATION)
    assert isinstance(refused, Problem) and refused.code == "webui-not-signed-in"
    locked = replace(told, unstored=None, keyring=problem("keyring-locked"))
    refused = plan_for(KNOWN, WipeWish(WipeScope.CHATS), locked, OPERATION)
    assert isinstance(refused, Problem) and refused.code == "keyring-locked"


def test_one_accounts_chats_go_by_the_api_while_it_runs() -> None:
    made = steps(house(), WipeWish(WipeScope.CHATS))
    assert told(made) == [f"volume create {KEPT}", told(made)[1], "(wipe)"]
    assert (
        getattr(planned(house(container=STOPPED), WipeWish(WipeScope.CHATS)), "code", "") == "webui-stopped"
    )


def test_copies_that_were_kept_long_enough_go_last() -> None:
    old = archive(made_at=NOW - 8 * 86400)
    recent = archive(made_at=NOW - 6 * 86400)
    assert expired((old, recent), NOW) == [old]
    assert told(steps(house(archives=(old, recent)), ALL))[-1] == f"volume rm {old.name}"


def test_a_container_that_is_gone_leaves_its_volume_to_go_as_the_page_has_it() -> None:
    gone = house(container=None, mounted=None)
    assert told(steps(gone, EVERYTHING))[-1] == "volume rm open-webui"
    assert told(steps(gone, replace(EVERYTHING, archive=False))) == ["volume rm open-webui"]
    assert getattr(planned(gone, ALL), "code", "") == "webui-missing"


def test_the_way_back_restores_starts_and_waits_and_keeps_the_copy() -> None:
    runs = pending(tuple(steps(house(), ALL)))
    begun = tuple(replace(r, state=StepState.DONE, started_at=NOW) for r in runs[:6])
    back = [short(r.step.command, r.step.name) for r in way_back(begun, None)]
    assert back[0].startswith(f"restore open-webui:/data {KEPT}:/archive:ro")
    assert back[1:] == ["start open-webui", "(health)"]
    before_wipe = [short(r.step.command, r.step.name) for r in way_back(begun[:5], None)]
    assert before_wipe == [f"volume rm {KEPT}", "start open-webui", "(health)"]


def test_restoring_chats_stops_restores_and_starts() -> None:
    kept = archive()
    made = told(steps(house(archives=(kept,)), RestoreWish()))
    assert [each.split()[0] for each in made] == [
        "(health)",
        "(record)",
        "stop",
        "restore",
        "start",
        "(health)",
    ]
    assert f"{kept.name}:/archive:ro" in made[3]


def test_restoring_everything_keeps_what_is_there_now() -> None:
    kept = archive(WipeScope.EVERYTHING)
    made = told(steps(house(archives=(kept,)), RestoreWish(kept.name)))
    assert [each.split()[0] for each in made[3:6]] == ["volume", "archive", "restore"]


def test_the_newest_is_restored_unless_one_is_named() -> None:
    older, newer = archive(made_at=NOW - 7200), archive(made_at=NOW - 60)
    found = house(archives=(older, newer))
    assert newer.name in told(steps(found, RestoreWish()))[3]
    assert older.name in told(steps(found, RestoreWish(older.name)))[3]


def test_a_volume_that_is_gone_is_made_again() -> None:
    kept = archive(WipeScope.EVERYTHING)
    gone = house(container=None, mounted=None, volume_there=False, contents=None, archives=(kept,))
    assert [each.split()[0] for each in told(steps(gone, RestoreWish()))] == ["volume", "restore"]


def test_what_is_kept_can_be_removed_one_or_all() -> None:
    older, newer = archive(made_at=NOW - 900), archive(name="sparktray-archive-open-webui-2", made_at=NOW)
    found = house(archives=(newer, older))
    assert told(steps(found, ForgetWish(older.name))) == [f"volume rm {older.name}"]
    assert told(steps(found, ForgetWish())) == [f"volume rm {each.name}" for each in (newer, older)]
    assert steps(house(), ForgetWish()) == []
    assert getattr(planned(found, ForgetWish("sparktray-archive-none")), "code", "") == "archive-missing"
    assert all(
        isinstance(step.action, RemoveVolume) and step.action.ours for step in steps(found, ForgetWish())
    )


@pytest.mark.parametrize("wish", [RestoreWish(), RestoreWish("sparktray-archive-none")])
def test_nothing_to_restore(wish: RestoreWish) -> None:
    assert getattr(planned(house(), wish), "code", "") == "archive-missing"


def test_an_archive_of_another_open_webui() -> None:
    other = archive(container="other-webui")
    assert getattr(planned(house(archives=(other,)), RestoreWish()), "code", "") == "archive-of-another"


def test_a_survey_without_it_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="needs a survey of it"):
        plan_for(KNOWN, ALL, Survey(True, NOW), OPERATION)


def broken(*, wiped: bool, operation: str = "op-0") -> BrokenOff:
    return BrokenOff(operation, None, (webui_box(),), of_open_webui=True, wiped=wiped)


def test_going_back_from_a_wipe_that_was_broken_off() -> None:
    kept = archive()
    found = house(container=STOPPED, archives=(kept,))
    made = told(back_from(found, KNOWN, broken(wiped=True), OPERATION))
    assert [each.split()[0] for each in made] == ["restore", "start", "(health)"]
    early = told(back_from(found, KNOWN, broken(wiped=False), OPERATION))
    assert early == [f"volume rm {kept.name}", "start open-webui", "(health)"]


def test_going_back_where_nothing_was_kept_only_starts_it() -> None:
    assert told(back_from(house(container=STOPPED), KNOWN, broken(wiped=False), OPERATION)) == [
        "start open-webui",
        "(health)",
    ]
    assert back_from(house(), KNOWN, broken(wiped=False), OPERATION) == []


def test_going_back_leaves_another_container_alone() -> None:
    kept = archive(WipeScope.EVERYTHING)
    gone = house(container=None, mounted=None, archives=(kept,))
    made = told(back_from(gone, KNOWN, broken(wiped=True), OPERATION))
    assert [each.split()[0] for each in made] == ["restore"]
    other = house(container=webui_box(id="f" * 64, state=ContainerState.EXITED))
    assert back_from(other, KNOWN, broken(wiped=False), OPERATION) == []


def test_the_lock_and_a_second_look_frame_it() -> None:
    facts = replace(survey(), household=house())
    made = plan(connected().snapshot, ALL, facts, ME)
    assert isinstance(made, Plan)
    names = [step.name for step in made.steps]
    assert names[:2] == [StepName.LOCK, StepName.CHECK] and names[-1] is StepName.UNLOCK
    assert (made.server, made.model) == (None, None)


def test_a_refusal_and_a_way_back_go_through_the_plan() -> None:
    snapshot = connected().snapshot
    refused = plan(snapshot, ALL, replace(survey(), household=house(volume_there=False, mounted=None)), ME)
    assert isinstance(refused, Problem) and refused.code == "webui-volume-missing"
    facts = replace(survey(), household=house(container=STOPPED), broken=broken(wiped=False))
    back = plan(snapshot, BackWish("op-0"), facts, ME)
    assert isinstance(back, Plan) and [s.name for s in back.steps][2] is StepName.START


def test_looking_needs_no_copy_and_no_lock() -> None:
    command = look(Place("open-webui", "open-webui", "sha256:1", ""), 30)
    assert short(command, "") == 'look open-webui:/data {"older_than_days": 30}'


def test_the_program_inside_has_no_network_and_pulls_nothing() -> None:
    inside = [step for step in steps(house(), ALL) if isinstance(step.action, RunInside)]
    assert len(inside) == 2
    for step in inside:
        words = step.command
        assert words[words.index("--network") + 1] == "none" and words[words.index("--pull") + 1] == "never"
    assert CONTENTS.chats == 13
