from __future__ import annotations

import pytest
from msgspec.structs import replace
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QMenu

from sparktray.decide.clients.client import Client
from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.clients.view import client_name
from sparktray.decide.showing.menu import CopyRow, HostRow, Menu, ModelRow, StopRow, WayRow
from sparktray.domain.action import CheckAgain
from sparktray.domain.catalogue import Model, Purpose
from sparktray.domain.operation import (
    BackWish,
    Operation,
    OperationKind,
    Step,
    StepName,
    StepRun,
    StopWish,
    SwitchWish,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LoadProgress, Phase, Snapshot
from sparktray.ui.background import Background
from sparktray.ui.clipboard import Copier
from sparktray.ui.tray.menu import TrayMenu
from sparktray.ui.tray.tray import Tray, loading_step
from sparktray.wording import Wording
from tests.pseudo import pseudo_wording
from tests.unit.cli import pictures
from tests.waiting import wait_until

# What Qt 6.11 says of its offscreen platform, which has no tray, whenever an icon is shown there.
NO_TRAY = "QObject::connect: No such signal QPlatformNativeInterface::systemTrayWindowChanged(QScreen*)"
PROGRAM = ("Open sparktray…", "Quit")
EMPTY = Menu(phrase("Nothing runs."))


def model(name: str, *, checked: bool = False, why: Phrase | None = None) -> ModelRow:
    note = {"en": "Good <b>advice</b>", "de": "Guter Rat"}
    entry = Model(id=name, servers=("sglang",), purposes=(Purpose.CODING,), note=note)
    return ModelRow(entry, "sglang", checked, why)


def copies(*names: str) -> tuple[CopyRow, ...]:
    return tuple(
        CopyRow(
            CopiedId(host="spark", server=name, model_id=name),
            f"http://h/{name}",
            phrase("{n}", n=name),
            False,
        )
        for name in names
    )


def made(say: Wording | None = None) -> TrayMenu:
    spoken = say or Wording("en")
    return TrayMenu(spoken, Copier(spoken, Background()), over_bus=False)


def shown(menu: QMenu) -> list[str]:
    return [a.text() for a in menu.actions() if a.isVisible() and not a.isSeparator()]


def action(rows: TrayMenu, text: str) -> QAction:
    return next(a for a in rows.menu.actions() if a.text() == text and a.isVisible())


def test_an_empty_menu_has_no_empty_rows() -> None:
    rows = made()
    rows.show(EMPTY)
    assert shown(rows.menu) == ["Nothing runs.", *PROGRAM]


def test_actions_live_on_and_only_more_are_added() -> None:
    """From 3 to 500 models and back: every action that was there is still the same one."""
    rows = made()
    many = tuple(model(f"m{n}") for n in range(500))
    rows.show(replace(EMPTY, models=many[:3]))
    before = rows.menu.actions()
    rows.show(replace(EMPTY, models=many[:6], more=many[6:], copies=copies("a", "b")))
    more = action(rows, "More models").menu()
    assert isinstance(more, QMenu) and len(shown(more)) == 494
    assert len(shown(rows.menu)) <= 14
    grown = more.actions()
    rows.show(EMPTY)
    assert rows.menu.actions() == before and more.actions() == grown
    assert shown(rows.menu) == ["Nothing runs.", *PROGRAM]


def test_a_change_costs_the_desktop_only_what_differs() -> None:
    """Of 500 models one begins to run: two rows are edited. The link is lost: seven."""
    rows = made()
    listed = tuple(model(f"m{n}") for n in range(500))
    edited: list[str] = []

    def show(models: tuple[ModelRow, ...], closed: Phrase | None = None) -> list[str]:
        edited.clear()
        rows.show(replace(EMPTY, models=models[:6], more=models[6:], closed=closed))
        return list(edited)

    show(listed)
    more = action(rows, "More models").menu()
    assert isinstance(more, QMenu)
    for each in (*rows.menu.actions(), *more.actions()):
        each.changed.connect(lambda each=each: edited.append(each.text()))
    runs = (*listed[:300], replace(listed[300], checked=True), *listed[301:])
    assert show(runs) == ["m300 – coding"]
    assert show(listed) == ["m300 – coding"]
    lost = show(listed, phrase("The host does not answer."))
    assert set(lost) == {f"m{n} – coding" for n in range(6)} | {"More models"}


def test_the_same_picture_changes_nothing() -> None:
    rows = made()
    menu = replace(EMPTY, models=(model("a", checked=True),), stop=(StopRow("s", phrase("Stop s")),))
    assert rows.show(menu)
    assert not rows.show(menu)
    assert rows.show(replace(menu, sentence=phrase("Another.")))


def test_an_operation_takes_the_models_place() -> None:
    rows = made()
    busy = replace(EMPTY, models=(model("a"),), more=(model("b"),), progress=phrase("Step 2"), cancel=True)
    rows.show(busy)
    assert shown(rows.menu) == ["Nothing runs.", "Step 2", "Cancel", *PROGRAM]
    rows.show(replace(busy, cancel=False))
    assert shown(rows.menu) == ["Nothing runs.", "Step 2", *PROGRAM]


def test_clicks_become_wishes_and_marks_stay_true() -> None:
    """Qt turns a mark over when its row is clicked; it is put back, for nothing runs yet."""
    rows = made()
    wishes: list[object] = []
    rows.wished.connect(wishes.append)
    rows.show(replace(EMPTY, models=(model("a"),), stop=(StopRow("sglang", phrase("Stop sglang")),)))
    row = action(rows, "a – coding")
    assert row.toolTip() == "<p>Good &lt;b&gt;advice&lt;/b&gt;</p>"
    row.trigger()
    assert not row.isChecked()
    action(rows, "Stop sglang").trigger()
    assert wishes == [SwitchWish("a", "sglang"), StopWish("sglang")]


def test_the_ways_on_stand_above_the_models() -> None:
    rows = made()
    wishes: list[object] = []
    rows.wished.connect(wishes.append)
    ways = (WayRow(phrase("Finish"), SwitchWish("a")), WayRow(phrase("Go back"), BackWish("op")))
    rows.show(replace(EMPTY, ways=ways, models=(model("a"),)))
    assert shown(rows.menu) == ["Nothing runs.", "Finish", "Go back", "a – coding", *PROGRAM]
    action(rows, "Go back").trigger()
    action(rows, "Finish").trigger()
    assert wishes == [BackWish("op"), SwitchWish("a")]
    rows.show(replace(EMPTY, models=(model("a"),)))
    assert shown(rows.menu) == ["Nothing runs.", "a – coding", *PROGRAM]


def test_what_cannot_be_clicked_says_why() -> None:
    """Its own reason stands in the row, one that holds for all in the tooltip; nothing is a dead end."""
    rows = made()
    odd = model("b", why=phrase("runs on {server}", server="vllm"))
    rows.show(replace(EMPTY, models=(model("a"), odd), more=(model("c"),)))
    assert action(rows, "a – coding").isEnabled()
    assert not action(rows, "b – runs on vllm").isEnabled()
    rows.show(replace(EMPTY, models=(model("a"), odd), more=(model("c"),), closed=phrase("No <link>.")))
    for text in ("a – coding", "b – runs on vllm", "More models"):
        assert not action(rows, text).isEnabled()
        assert action(rows, text).toolTip() == "<p>No &lt;link&gt;.</p>"
    asked: list[str] = []
    rows.panel_asked.connect(lambda: asked.append("panel"))
    rows.quit_asked.connect(lambda: asked.append("quit"))
    for text in PROGRAM:
        assert action(rows, text).isEnabled()
        action(rows, text).trigger()
    assert asked == ["panel", "quit"]
    rows.show(replace(EMPTY, models=(model("a"), odd), more=(model("c"),)))
    assert action(rows, "a – coding").isEnabled() and action(rows, "More models").isEnabled()
    assert action(rows, "a – coding").toolTip() == "<p>Good &lt;b&gt;advice&lt;/b&gt;</p>"


def test_hosts_are_chosen_and_the_mark_stays_with_the_one_in_use() -> None:
    rows = made()
    asked: list[str] = []
    rows.host_asked.connect(asked.append)
    hosts = (HostRow("one", "one", True, True), HostRow("two_&", "two_&", False, True))
    rows.show(replace(EMPTY, hosts=hosts))
    assert shown(rows.menu) == ["Nothing runs.", "Hosts", *PROGRAM]
    below = action(rows, "Hosts").menu()
    assert isinstance(below, QMenu) and shown(below) == ["one", "two_&&"]
    for row in below.actions():
        row.trigger()
    assert asked == ["two_&"], "the one in use needs no changing to"
    assert [row.isChecked() for row in below.actions()] == [True, False]
    rows.show(replace(EMPTY, hosts=(replace(hosts[0], enabled=True), replace(hosts[1], enabled=False))))
    assert [row.isEnabled() for row in below.actions()] == [True, False]
    rows.show(EMPTY)
    assert shown(rows.menu) == ["Nothing runs.", *PROGRAM]


def every_text(rows: TrayMenu) -> list[str]:
    """Labels and tooltips of what is visible, submenus too."""
    found: list[str] = []
    for each in rows.menu.actions():
        if each.isVisible() and not each.isSeparator():
            below = each.menu()
            found += [each.text(), *([each.toolTip()] if each.toolTip() != each.text() else [])]
            found += shown(below) if isinstance(below, QMenu) else []
    return found


def test_all_texts_follow_the_language() -> None:
    """The same picture, shown again after the language was changed; no text is left out of it."""
    say = pseudo_wording()
    rows = made(say)
    full = replace(
        EMPTY,
        models=(replace(model("1"), entry=Model(id="1", servers=("s",), purposes=(Purpose.CODING,))),),
        more=(model("2"),),
        hosts=(HostRow("3", "3", True, True), HostRow("4", "4", False, True)),
        stop=(StopRow("5", phrase("Stop {name}", name="5")), StopRow("6", phrase("Stop {name}", name="6"))),
        copies=copies("7"),
        ways=(WayRow(phrase("Finish"), StopWish()),),
    )
    busy = replace(full, progress=phrase("Looking at the host"), cancel=True, copies=copies("7", "8"))
    one = replace(full, stop=full.stop[:1], closed=phrase("No link."))
    for menu in (full, busy, one):
        rows.show(menu)
        assert [text for text in every_text(rows) if "[" not in text and not text.isdigit()] == []
    say.speak("de")
    rows.show(one)
    german = every_text(rows)
    assert "Quit" not in german and [text for text in german if "[" in text] == []
    say.speak("en")
    rows.show(one)
    assert {"Quit", "Stop 5", "Copy base URL", "More models", "Hosts", "1 – coding"} <= set(every_text(rows))


def test_opening_is_told() -> None:
    rows = made()
    opened: list[bool] = []
    rows.opened.connect(lambda: opened.append(True))
    rows.menu.aboutToShow.emit()
    assert opened == [True]


def test_copying_answers_in_its_row() -> None:
    """The row says so for a moment, also when a new picture comes meanwhile, and is then itself again."""
    rows = made()
    menu = replace(EMPTY, copies=copies("a_b"))
    rows.show(menu)
    row = action(rows, "Copy model ID")
    row.trigger()
    rows.show(replace(menu, sentence=phrase("Another.")))
    assert row.text() == "Copied" and QGuiApplication.clipboard().text() == "a_b"

    def itself() -> bool:
        QGuiApplication.processEvents()
        return row.text() == "Copy model ID"

    wait_until(itself, "the row to be itself again")


def test_what_cannot_be_seen_is_not_copied() -> None:
    QGuiApplication.clipboard().setText("before")
    rows = made()
    rows.show(replace(EMPTY, copies=(replace(copies("a\u202eb")[0], hidden=True),)))
    row = action(rows, "Copy model ID")
    row.trigger()
    assert row.text() == "Not copied: the model ID holds hidden characters"
    assert QGuiApplication.clipboard().text() == "before"


@pytest.mark.parametrize(("fraction", "step"), [(None, 0), (0.0, 0), (0.34, 1), (0.67, 2), (1.0, 2)])
def test_the_icon_fills_in_thirds(fraction: float | None, step: int) -> None:
    state = replace(pictures.loading(), progress=LoadProgress(phrase("x"), fraction))
    assert loading_step(pictures.picture(state)) == step


def operation(*steps: StepName, index: int, back: int = 0) -> Operation:
    """A switch whose last BACK steps take it back, at the step of that number."""
    first_back = len(steps) - back
    runs = tuple(
        StepRun(Step(name, phrase("x"), CheckAgain()), back=number >= first_back)
        for number, name in enumerate(steps)
    )
    return Operation(1, "op-1", SwitchWish("m"), OperationKind.SWITCH, 0.0, runs=runs, index=index)


FORWARD = (StepName.START, StepName.LOAD, StepName.PROVE)


@pytest.mark.parametrize(
    ("under_way", "step"),
    [
        (operation(*FORWARD, index=0), 0),
        (operation(*FORWARD, index=1), 0),
        (operation(*FORWARD, index=2), 2),
        (operation(*FORWARD, StepName.STOP, StepName.LOAD, StepName.UNLOCK, index=3, back=3), 0),
        (operation(*FORWARD, StepName.STOP, StepName.LOAD, StepName.UNLOCK, index=5, back=3), 2),
        (operation(StepName.STOP, index=0), 0),
    ],
    ids=["starting", "loading", "proving", "going-back", "back", "stop"],
)
def test_the_icon_does_not_empty_between_loaded_and_ready(under_way: Operation, step: int) -> None:
    assert loading_step(replace(pictures.picture(), operation=under_way)) == step


def test_changes_are_shown_at_once_then_at_a_pace_and_the_last_one_always(qt_messages: list[str]) -> None:
    """Of a burst the first is set at once and the last at the end of the pause, none between."""
    say = Wording("en")
    tray = Tray(say, Copier(say, Background()), over_bus=False)
    seen: list[str] = []

    def at(fraction: float) -> Snapshot:
        progress = LoadProgress(phrase("{n}", n=fraction), fraction)
        return pictures.picture(replace(pictures.loading(), progress=progress, phase=Phase.LOADING))

    def note() -> str:
        if not seen or seen[-1] != tray.icon.toolTip():
            seen.append(tray.icon.toolTip())
        return seen[-1]

    for number in range(10):
        tray.show(at(number / 10), ())
        note()

    def last() -> bool:
        QGuiApplication.processEvents()
        return note().endswith("0.9")

    wait_until(last, "the last one")
    assert len(seen) == 2 and seen[0].endswith(": 0")
    tray.close()
    qt_messages.remove(NO_TRAY)


def test_without_a_host_it_says_so_and_the_panel_is_there(qt_messages: list[str]) -> None:
    say = Wording("en")
    tray = Tray(say, Copier(say, Background()), over_bus=False)
    tray.show(None, ())
    assert tray.icon.toolTip() == "No host is set up yet."
    assert shown(tray.rows.menu) == ["No host is set up yet.", *PROGRAM]
    tray.close()
    qt_messages.remove(NO_TRAY)


def test_a_client_is_chosen_below_its_own_row() -> None:
    rows = made()
    chosen: list[str] = []
    checks: list[bool] = []
    rows.client_asked.connect(chosen.append)
    rows.check_asked.connect(lambda: checks.append(True))
    rows.show(EMPTY)
    assert "Connect a client" not in shown(rows.menu)
    rows.show(replace(EMPTY, copies=copies("scout")))
    below = action(rows, "Connect a client").menu()
    assert isinstance(below, QMenu)
    assert shown(below) == [
        "Copy base URL",
        *(f"Settings for {client_name(each)}…" for each in Client),
        "Check for Cursor…",
    ]
    by_text = {each.text(): each for each in below.actions() if each.isVisible()}
    by_text["Settings for Cline…"].trigger()
    by_text["Check for Cursor…"].trigger()
    assert chosen == ["cline"] and checks == [True]
    by_text["Copy base URL"].trigger()
    assert QGuiApplication.clipboard().text() == "http://h/scout"


def test_without_a_url_of_its_own_none_is_offered() -> None:
    rows = made()
    rows.show(replace(EMPTY, copies=(replace(copies("scout")[0], base_url=None),)))
    below = action(rows, "Connect a client").menu()
    assert isinstance(below, QMenu) and shown(below)[0] == "Settings for Cursor…"
