"""The page with what was done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QComboBox, QWidget

import sparktray.store.journal as journal_module
from sparktray.decide.changing import steps
from sparktray.domain.operation import (
    BackWish,
    OperationEnd,
    OperationKind,
    StepName,
    StepState,
    StopWish,
    SwitchWish,
)
from tests.unit.ui.journal_desk import BROKE, IDLE, OLD, STOP, Desk, opened, run, switch, until
from tests.unit.ui.panel_pictures import OFFSCREEN, clipped, rolled_back, switching
from tests.waiting import scaled


@pytest.fixture(autouse=True)
def _no_screen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path / "config") as made:
        yield made


def test_what_was_done_the_newest_first(desk: Desk) -> None:
    desk.journal.write(switch("op1", OperationEnd.ROLLED_BACK, failure=BROKE), "spark")
    desk.journal.write(switch("op2", OperationEnd.CANCELLED), "spark")
    stopped = switch("op3", wish=StopWish("sglang"), kind=OperationKind.STOP, model=None)
    desk.journal.write(replace(stopped, started_at=time.time() - 2.5), "spark")
    desk.journal.write(switch("op4"), "elsewhere")
    desk.take(IDLE)
    desk.shows(
        "Stopped sglang, done, 2.5 s",
        "Switching to coder: cancelled, what was begun is taken back., cancelled",
        "Switching to coder: failed. What ran before runs again., rolled back",
    )
    assert desk.below(2) == "It ended." and desk.below(0) == ""
    assert desk.entries.accessibleName() == "Operations" and desk.page.say(desk.page.title()) == "Journal"
    assert desk.entries.model().rowCount(desk.entries.model().index(0, 0)) == 0


def test_when_it_was(desk: Desk) -> None:
    desk.journal.write(switch("op1", started_at=1_700_000_000.0), "spark")
    desk.journal.write(switch("op2"), "spark")
    desk.take(IDLE)
    until(lambda: desk.entries.model().rowCount() == 2, "the rows")
    today, long_ago = (row.when for row in desk.entries.model().rows)  # type: ignore[attr-defined]
    assert ":" in today and ":" not in long_ago and "23" in long_ago
    assert "23" in desk.heard()[1]


def test_all_hosts_are_a_choice(desk: Desk) -> None:
    desk.journal.write(switch("op1"), "elsewhere")
    desk.take(IDLE)
    until(lambda: "Nothing was done yet." in desk.texts(), "the empty page")
    hosts = desk.page.findChildren(QComboBox)[0]
    assert [hosts.itemText(n) for n in range(2)] == ["This host: spark", "All hosts"]
    assert hosts.accessibleName() == "Operations of"
    hosts.setFocus()
    QTest.keyClick(hosts, Qt.Key.Key_Down)
    desk.shows("Switched to coder on sglang, done")
    assert desk.below(0) == "elsewhere" and "Nothing was done yet." not in desk.texts()
    QTest.keyClick(hosts, Qt.Key.Key_Up)
    until(lambda: "Nothing was done yet." in desk.texts(), "the empty page again")


def test_without_a_host_it_says_so(desk: Desk) -> None:
    desk.journal.write(switch("op1"), "spark")
    desk.take(None)
    until(lambda: "No host is set up yet." in desk.texts(), "the reason")
    hosts = desk.page.findChildren(QComboBox)[0]
    assert hosts.itemText(0) == "This host"
    hosts.setFocus()
    QTest.keyClick(hosts, Qt.Key.Key_Down)
    desk.shows("Switched to coder on sglang, done")


def test_another_host_in_use_is_another_list(desk: Desk) -> None:
    desk.journal.write(switch("op1"), "spark")
    desk.journal.write(switch("op2", OperationEnd.FAILED), "other")
    desk.take(IDLE)
    desk.shows("Switched to coder on sglang, done")
    desk.open(0)
    desk.take(replace(IDLE, host=replace(IDLE.host, name="other")))
    desk.shows("Switching to coder: failed., failed")
    assert desk.entries.isVisible()


def test_one_is_opened_and_closed_by_mouse_and_keyboard(desk: Desk) -> None:
    desk.journal.write(switch("op1", OperationEnd.DONE, STOP), "spark")
    desk.journal.write(switch("op2", OperationEnd.DONE), "spark")
    desk.take(IDLE)
    until(lambda: desk.entries.model().rowCount() == 2, "the rows")
    desk.open(1)
    assert not desk.entries.isVisible()
    assert desk.step_rows() == ["Stop sglang, done, 1.5 s"]
    assert "Switched to coder on sglang" in desk.texts()
    assert any(each.endswith("· spark") for each in desk.texts())
    assert desk.buttons().keys() == {"All operations", "Copy report", "Copy as script", "Commands"}
    QTest.mouseClick(desk.buttons()["All operations"], Qt.MouseButton.LeftButton)
    assert desk.entries.isVisible() and desk.entries.hasFocus() and desk.entries.currentIndex().row() == 1
    QTest.keyClick(desk.entries, Qt.Key.Key_Up)
    QTest.keyClick(desk.entries, Qt.Key.Key_Return)
    assert not desk.entries.isVisible() and desk.buttons()["Copy report"].isVisible()
    focused = QApplication.focusWidget()
    assert focused is not None and desk.page.isAncestorOf(focused)
    QTest.keyClick(focused, Qt.Key.Key_Escape)
    assert desk.entries.isVisible() and desk.entries.currentIndex().row() == 0


def test_enter_without_a_choice_opens_nothing(desk: Desk) -> None:
    desk.take(IDLE)
    until(lambda: "Nothing was done yet." in desk.texts(), "the empty page")
    desk.entries._open(QModelIndex())
    assert desk.page._opened is None
    QTest.keyClick(desk.page, Qt.Key.Key_Escape)


def test_its_commands_and_its_report_are_copied(desk: Desk) -> None:
    taken_back = run(steps.rename_back(OLD, "sglang"), back=True)
    desk.journal.write(switch("op1", OperationEnd.ROLLED_BACK, STOP, taken_back, failure=BROKE), "spark")
    desk.take(IDLE)
    until(lambda: desk.entries.model().rowCount() == 1, "the row")
    desk.open(0)
    assert desk.step_rows()[1] == "Going back: Rename sglang to sglang, done, 1.5 s"
    desk.buttons()["Copy as script"].click()
    copied = QGuiApplication.clipboard().text()
    assert copied == "#!/bin/sh\nset -e\n# Stop sglang\ndocker stop -t 30 sglang\n"
    desk.buttons()["Copy report"].click()
    first, *lines = QGuiApplication.clipboard().text().splitlines()
    assert first.startswith("On spark, begun at 20")
    assert lines == [
        "Switching to coder: failed. What ran before runs again.",
        "It ended.",
        "Look at its log.",
        "Stop sglang: done",
        "Rename sglang to sglang: done",
    ]


def test_what_was_broken_off_can_be_gone_on_with(desk: Desk) -> None:
    desk.journal.write(switch("op1", None, run(steps.stop(OLD, None), StepState.RUNNING)), "spark")
    desk.take(IDLE)
    desk.shows("Switching to coder: broken off., broken off")
    desk.open(0)
    assert {"Finish", "Go back"} <= desk.buttons().keys()
    assert "Stop sglang, broken off" in desk.step_rows()
    desk.buttons()["Go back"].click()
    desk.buttons()["Finish"].click()
    assert desk.wished == [BackWish("op1"), SwitchWish("coder", on="sglang")]
    live = switching().snapshot
    desk.take(live)
    assert len(desk.step_rows()) > 5 and "Cancel" in desk.buttons(), "what came of it is on the screen"


def test_the_operation_under_way_stands_at_the_top_and_goes_on(desk: Desk) -> None:
    desk.journal.write(switch("before"), "spark")
    story = switching(StepName.STOP)
    desk.take(story.snapshot)
    until(lambda: desk.entries.model().rowCount() == 2, "both rows")
    assert desk.heard()[0].startswith("Switching to coder: Stop sglang, under way")
    desk.open(0)
    cancelled = QSignalSpy(desk.page.cancelled)
    desk.buttons()["Cancel"].click()
    assert cancelled.count() == 1
    while story.operation.current is None or story.operation.current.step.name is not StepName.LOAD:
        story.step()
    desk.take(story.snapshot)
    assert any(each.startswith("Load coder, now") for each in desk.step_rows())
    story.run()
    desk.take(story.snapshot)
    assert "Switched to coder on sglang" in desk.texts() and "Cancel" not in desk.buttons()
    desk.journal.write(story.operation, "spark")
    desk.seconds(3)
    QTest.mouseClick(desk.buttons()["All operations"], Qt.MouseButton.LeftButton)
    until(lambda: [each.split(", ")[1] for each in desk.heard()] == ["done", "done"], "both as they ended")


def test_whoever_is_at_the_newest_stays_with_the_newest(desk: Desk) -> None:
    for name in ("op1", "op2", "op3"):
        desk.journal.write(switch(name), "spark")
    desk.take(IDLE)
    until(lambda: desk.entries.model().rowCount() == 3, "the rows")
    desk.entries.setFocus()
    assert desk.entries.currentIndex().row() == 0
    live = rolled_back()
    desk.take(live)
    assert desk.entries.model().rowCount() == 4 and desk.entries.currentIndex().row() == 0
    QTest.keyClick(desk.entries, Qt.Key.Key_Down)
    desk.take(IDLE)
    assert desk.entries.model().rowCount() == 3 and desk.entries.currentIndex().row() == 0
    QTest.keyClick(desk.entries, Qt.Key.Key_Down)
    desk.take(live)
    assert desk.entries.currentIndex().row() == 2, "op2, one further down"


def test_what_other_versions_wrote_is_shown_as_written(desk: Desk) -> None:
    desk.journal.write(switch("op1", OperationEnd.DONE, STOP), "spark")
    file = desk.folder / "operations.jsonl"
    odd = file.read_bytes().replace(b'"done"', b'"lost <b>in</b> space"').replace(b'"stop"', b'"beam"')
    file.write_bytes(odd.replace(b'"kind":"switch"', b'"kind":"move"'))
    desk.take(IDLE)
    desk.shows("move coder sglang: lost <b>in</b> space, lost <b>in</b> space")
    desk.open(0)
    assert desk.step_rows() == ["Stop sglang, lost <b>in</b> space, 1.5 s"]


def test_two_hundred_are_shown_and_cost_little(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "append_line", _append)
    for number in range(230):
        desk.journal.write(switch(f"op{number}", OperationEnd.FAILED, STOP, failure=BROKE), "spark")
    desk.take(IDLE)
    until(lambda: desk.entries.model().rowCount() == 200, "the newest 200")
    live = switching().snapshot
    desk.take(live)
    began = time.thread_time()
    desk.take(replace(live, observed_at=1.0))
    QApplication.processEvents()
    assert time.thread_time() - began < scaled(0.05)
    assert desk.page._past is not None and desk.page._past.entries[0].id == "op229"


def _append(path: Path, line: bytes) -> None:
    """Without a sync for each line."""
    with path.open("ab") as file:
        file.write(line + b"\n")


@pytest.mark.parametrize("language", ["en", "de"])
def test_long_names_fit_and_everything_has_a_name(desk: Desk, language: str) -> None:
    desk.page.say.speak(language)
    long = "deepseek-r1-distill-llama-70b-abliterated-bf16-with-a-long-name"
    begun = run(steps.stop(OLD, None), StepState.RUNNING)
    desk.journal.write(switch("op1", None, begun, model=long, wish=SwitchWish(long)), "spark")
    desk.take(IDLE)
    until(lambda: desk.entries.model().rowCount() == 1, "the row")
    assert clipped(desk.page) == []
    row = desk.entries.visualRect(desk.entries.model().index(0, 0))
    assert row.height() > 3 * desk.entries.fontMetrics().height(), "two lines, and the cause"
    desk.open(0)
    QApplication.processEvents()
    assert clipped(desk.page) == []
    every = [each for each in desk.page.findChildren(QWidget) if each.focusPolicy() & Qt.FocusPolicy.TabFocus]
    seen = [each for each in every if each.isVisible()]
    assert len(seen) >= 5
    assert all(each.accessibleName() or each.property("text") for each in seen)


def test_it_changes_its_language(desk: Desk) -> None:
    desk.journal.write(switch("op1", OperationEnd.DONE, STOP), "spark")
    desk.take(IDLE)
    desk.shows("Switched to coder on sglang, done")
    desk.open(0)
    desk.page.say.speak("de")
    desk.take(IDLE)
    assert desk.step_rows() == ["sglang stoppen, erledigt, 1,5 s"]
    assert {"Alle Vorgänge", "Bericht kopieren"} <= desk.buttons().keys()
