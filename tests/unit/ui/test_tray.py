from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QMenu

from sparktray.decide.showing.menu import CopyRow, Menu, ModelRow, StopRow
from sparktray.domain.operation import StopWish, SwitchWish
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import LoadProgress, Phase, Snapshot
from sparktray.ui.clipboard import Copied, copy
from sparktray.ui.tray.menu import TrayMenu
from sparktray.ui.tray.tray import Tray, loading_step
from sparktray.wording import Wording
from tests.unit.cli import pictures
from tests.waiting import wait_until

# What Qt 6.11 says of its offscreen platform, which has no tray, whenever an icon is shown there.
NO_TRAY = "QObject::connect: No such signal QPlatformNativeInterface::systemTrayWindowChanged(QScreen*)"
EMPTY = Menu(phrase("Nothing runs."), None, False, (), (), (), ())


def model(name: str, *, checked: bool = False) -> ModelRow:
    return ModelRow(name, name, phrase("coding"), checked, True, {"en": "Good <b>advice</b>"}, "sglang")


def copies(*names: str) -> tuple[CopyRow, ...]:
    return tuple(CopyRow(name, name, f"http://h/{name}", phrase("{n}", n=name), False) for name in names)


def made() -> TrayMenu:
    return TrayMenu(Wording("en"), over_bus=False)


def shown(menu: QMenu) -> list[str]:
    return [a.text() for a in menu.actions() if a.isVisible() and not a.isSeparator()]


def action(rows: TrayMenu, text: str) -> QAction:
    return next(a for a in rows.menu.actions() if a.text() == text and a.isVisible())


def test_an_empty_menu_has_no_empty_rows() -> None:
    rows = made()
    rows.show(EMPTY)
    assert shown(rows.menu) == ["Nothing runs.", "Quit"]


def test_actions_live_on_and_only_more_are_added() -> None:
    """From 3 to 500 models and back: every action that was there is still the same one."""
    rows = made()
    many = tuple(model(f"m{n}") for n in range(500))
    rows.show(replace(EMPTY, models=many[:3]))
    before = rows.menu.actions()
    rows.show(replace(EMPTY, models=many[:6], more=many[6:], copies=copies("a", "b")))
    more = rows.menu.actions()[8].menu()
    assert isinstance(more, QMenu) and len(shown(more)) == 494
    assert len(shown(rows.menu)) <= 14
    grown = more.actions()
    rows.show(EMPTY)
    assert rows.menu.actions() == before and more.actions() == grown
    assert shown(rows.menu) == ["Nothing runs.", "Quit"]


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
    assert shown(rows.menu) == ["Nothing runs.", "Step 2", "Cancel", "Quit"]
    rows.show(replace(busy, cancel=False))
    assert shown(rows.menu) == ["Nothing runs.", "Step 2", "Quit"]


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
    rows.show(replace(EMPTY, copies=(replace(copies("x")[0], model_id="a\u202eb", hidden=True),)))
    row = action(rows, "Copy model ID")
    row.trigger()
    assert row.text() == "Not copied: the model ID holds hidden characters"
    assert copy("a\nb") is Copied.REFUSED and copy("ä&_ ") is Copied.DONE
    assert QGuiApplication.clipboard().text() == "ä&_ "


@pytest.mark.parametrize(("fraction", "step"), [(None, 0), (0.0, 0), (0.34, 1), (0.67, 2), (1.0, 2)])
def test_the_icon_fills_in_thirds(fraction: float | None, step: int) -> None:
    state = replace(pictures.loading(), progress=LoadProgress(phrase("x"), fraction))
    assert loading_step(pictures.picture(state)) == step


def test_changes_are_shown_at_once_then_at_a_pace_and_the_last_one_always(qt_messages: list[str]) -> None:
    """Of a burst the first is set at once and the last at the end of the pause, none between."""
    tray = Tray(Wording("en"), over_bus=False)
    seen: list[str] = []

    def at(fraction: float) -> Snapshot:
        progress = LoadProgress(phrase("{n}", n=fraction), fraction)
        return pictures.picture(replace(pictures.loading(), progress=progress, phase=Phase.LOADING))

    def note() -> str:
        if not seen or seen[-1] != tray.icon.toolTip():
            seen.append(tray.icon.toolTip())
        return seen[-1]

    for number in range(10):
        tray.show(at(number / 10))
        note()

    def last() -> bool:
        QGuiApplication.processEvents()
        return note().endswith("0.9")

    wait_until(last, "the last one")
    assert len(seen) == 2 and seen[0].endswith(": 0")
    tray.close()
    qt_messages.remove(NO_TRAY)
