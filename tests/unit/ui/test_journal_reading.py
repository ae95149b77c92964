"""When the page with what was done reads the journal, and what it says when it cannot."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparktray.decide.changing import steps
from sparktray.domain.operation import (
    StepState,
)
from tests.unit.ui.journal_desk import IDLE, OLD, Desk, opened, run, switch, until
from tests.unit.ui.panel_pictures import OFFSCREEN
from tests.waiting import scaled


@pytest.fixture(autouse=True)
def _no_screen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened(tmp_path / "config") as made:
        yield made


def test_what_another_program_writes_is_seen(desk: Desk) -> None:
    desk.take(IDLE)
    until(lambda: "Nothing was done yet." in desk.texts(), "the empty page")
    desk.journal.hold("op1")
    desk.journal.write(switch("op1", None, run(steps.stop(OLD, None), StepState.RUNNING)), "spark")
    desk.seconds(3)
    until(lambda: desk.entries.model().rowCount() == 1, "the row")
    assert desk.heard()[0].startswith("Switching to coder: Stop sglang, under way")
    desk.open(0)
    assert "Another program on this computer is at work on it." in desk.texts()
    assert not {"Cancel", "Finish"} & desk.buttons().keys()
    desk.journal.let_go("op1")  # it was killed: no file tells that
    desk.seconds(3)
    until(lambda: "Finish" in desk.buttons(), "the ways on")


def counted(desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One more number for each call of that method of the journal."""
    calls: list[int] = []
    method = getattr(desk.journal, name)

    def call(*words: Any) -> Any:
        calls.append(1)
        return method(*words)

    monkeypatch.setattr(desk.journal, name, call)
    return calls


def test_nothing_is_read_that_did_not_change_or_that_nobody_sees(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, reads = counted(desk, "stamp", monkeypatch), counted(desk, "last", monkeypatch)
    desk.journal.write(switch("op1"), "spark")
    desk.take(IDLE)
    until(lambda: desk.entries.model().rowCount() == 1, "the row")
    desk.seconds(3)
    until(lambda: len(looks) == 2 and desk.page._feed._job is None, "another look")
    desk.seconds(3)
    until(lambda: len(looks) == 3 and desk.page._feed._job is None, "one more")
    assert len(reads) == 1
    desk.page.left()
    desk.journal.write(switch("op2"), "spark")
    desk.take(IDLE)
    until(lambda: desk.entries.model().rowCount() == 2, "what was done meanwhile")
    assert len(reads) == 2


def test_looks_that_come_too_fast_are_one_more(desk: Desk) -> None:
    desk.take(IDLE)
    desk.seconds(9)
    desk.journal.write(switch("op1"), "spark")
    desk.seconds(3)
    until(lambda: desk.entries.model().rowCount() == 1, "the row")


def test_a_journal_that_cannot_be_read_is_said_with_the_remedy(desk: Desk) -> None:
    (desk.folder / "operations.jsonl").mkdir(parents=True)
    desk.take(IDLE)
    until(lambda: any("operations.jsonl cannot be read" in each for each in desk.texts()), "the reason")
    assert any(each.startswith("Check the rights of the file") for each in desk.texts())
    (desk.folder / "operations.jsonl").rmdir()
    desk.journal.write(switch("op1"), "spark")
    desk.seconds(3)
    desk.shows("Switched to coder on sglang, done")


def test_a_mistake_of_the_program_is_logged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(desk.journal, "last", lambda *_: 1 / 0)
    desk.take(IDLE)
    until(lambda: "the journal could not be read" in caplog.text, "the log")


def test_a_journal_that_takes_its_time_is_waited_for_in_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    last = desk.journal.last

    def late(*words: Any) -> Any:
        go_on.wait(scaled(10))
        return last(*words)

    monkeypatch.setattr(desk.journal, "last", late)
    desk.take(IDLE)
    assert desk.texts() == []
    desk.seconds(1)
    assert desk.texts() == ["Reading the journal…"]
    go_on.set()
    until(lambda: "Nothing was done yet." in desk.texts(), "the empty page")
