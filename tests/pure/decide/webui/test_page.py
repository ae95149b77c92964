"""What the page about Open WebUI shows."""

from __future__ import annotations

from msgspec.structs import replace

from sparktray.decide.effects import Perform
from sparktray.decide.webui.account import chats_going, key_name, not_signed_in, still_there
from sparktray.decide.webui.page import (
    WIPES,
    archive_rows,
    busy_with,
    holds,
    runs,
    standing,
    under_way,
)
from sparktray.decide.webui.planning import archive_of_operation
from sparktray.domain.events import StepSaid, Surveyed, Wished
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import WipeWish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from tests.pure.decide.building import NOW, connected, only, rendered, survey
from tests.pure.decide.webui.houses import CONTENTS, STOPPED, archive, house, webui_box
from tests.pure.decide.webui.test_operation import begun, go_on


def test_how_its_container_stands() -> None:
    assert rendered(standing(connected().snapshot)) == "There is no container open-webui on the host."
    assert rendered(standing(connected(webui_box()).snapshot)) == "Open WebUI runs in container open-webui."
    assert rendered(standing(connected(STOPPED).snapshot)) == "Container open-webui does not run."
    assert [runs(connected(*c).snapshot) for c in ((), (webui_box(),), (STOPPED,))] == [False, True, False]


def test_what_it_holds() -> None:
    assert [rendered(each) for each in holds(house())] == [
        "2 accounts",
        "13 chats",
        "1 knowledge base",
        "80.0 MB in the volume",
    ]
    problem = Problem("x", phrase("Damaged."), phrase("Mend it."))
    assert [rendered(each) for each in holds(house(contents=problem))] == ["Damaged.", "Mend it."]
    assert len(holds(house(contents=None))) == 1


def test_what_can_be_brought_back_the_newest_first() -> None:
    kept = (
        archive(WipeScope.CHATS, made_at=NOW - 8 * 86400),
        archive(WipeScope.EVERYTHING, made_at=NOW - 86400),
        archive(made_at=NOW),
    )
    rows = archive_rows(kept, NOW)
    assert [(rendered(row.what), row.days) for row in rows] == [
        ("Chats of everybody", 7),
        ("Everything, as it was", 6),
        ("Chats of one account", 0),
    ]
    assert {row.scope for row in WIPES} == set(WipeScope)


def test_while_something_goes_on() -> None:
    desk = connected(webui_box())
    assert busy_with(desk.snapshot) is None and under_way(desk.snapshot) is None
    desk.take(Wished(WipeWish(WipeScope.ALL_CHATS), 1, "20270115T080000-7-1"))
    assert busy_with(desk.snapshot) is not None
    looking = under_way(desk.snapshot)
    assert looking is not None and rendered(looking[0]) == "Looking at the host"
    desk.take(Surveyed(1, replace(survey(), household=house())))
    index = only(Perform, desk.effects)[-1].index
    first = under_way(desk.snapshot)
    assert first is not None and rendered(first[0]) == "Take the lock on the host" and first[1] == 0
    desk.take(StepSaid(1, index, "3 / 9"))
    said = under_way(desk.snapshot)
    assert said is not None and rendered(said[0]) == "Take the lock on the host: 3 / 9"


def test_the_copy_by_which_a_wipe_is_undone() -> None:
    desk = begun(WipeWish(WipeScope.ALL_CHATS))
    operation = desk.snapshot.operation
    assert operation is not None and archive_of_operation(operation) is None
    go_on(desk, counted=None)
    operation = desk.snapshot.operation
    assert operation is not None
    assert archive_of_operation(operation) == "sparktray-archive-open-webui-20270115T080000Z"


def test_which_chats_of_an_account_go() -> None:
    chats = (("new", NOW - 3600), ("old", NOW - 40 * 86400), ("unknown", 0.0))
    assert chats_going(chats, None, NOW) == ("new", "old", "unknown")
    assert chats_going(chats, 30, NOW) == ("old", "unknown")
    assert key_name("spark") != key_name("spark2")
    assert not_signed_in().code == "webui-not-signed-in"
    assert rendered(still_there(1).cause) == "Open WebUI still lists 1 chat."
    assert CONTENTS.chats == 13
