from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QPushButton, QWidget

from sparktray.domain.docker.container import ContainerState
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.ui.panel.logs import page as log_page
from sparktray.ui.panel.logs.feed import LogFeed
from sparktray.wording import Speech
from tests.unit.cli import pictures
from tests.unit.ui.log_desk import Desk, opened, running, threads, until, with_container
from tests.waiting import scaled, wait_until


@pytest.fixture
def desk() -> Iterator[Desk]:
    with opened() as made:
        yield made


def test_the_log_of_what_runs_as_it_grows(desk: Desk) -> None:
    desk.source.first = ("one", "two")
    desk.take(running())
    desk.shows("one", "two")
    desk.log().say("three \x1b[31mred\x1b[0m")
    desk.shows("one", "two", "three red")
    assert desk.log().container == "sglang-main-id" and len(desk.source.opened) == 1
    assert desk.part(QComboBox).currentText() == f"sglang-main – {pictures.QWEN}"


def test_outside_text_is_shown_as_it_is_written(desk: Desk) -> None:
    desk.source.first = ("<b>bold</b> &amp; <img src=x>",)
    desk.take(running())
    desk.shows("<b>bold</b> &amp; <img src=x>")


def test_leaving_the_page_closes_the_log_and_coming_back_reads_it_anew(desk: Desk) -> None:
    desk.source.first = ("one",)
    desk.take(running())
    desk.shows("one")
    desk.page.left()
    assert desk.log().closed.wait(scaled(5.0))
    wait_until(lambda: not threads(), "the end of the threads")
    desk.source.first = ("one", "two")
    desk.take(running())
    desk.shows("one", "two")
    assert len(desk.source.opened) == 2


def test_what_was_on_its_way_when_a_log_was_closed_is_not_shown(desk: Desk) -> None:
    """It lies in Qt's queue, from which nobody can take it back."""
    feed = LogFeed()
    heard: list[object] = []
    feed.came.connect(heard.append)
    feed.ended.connect(heard.append)
    desk.source.first = ("late",)
    feed.open(desk.source.remote(), pictures.HOST, "x")
    desk.log().end()
    wait_until(lambda: not threads(), "all to be sent")
    feed.close()
    QApplication.processEvents()
    assert heard == []


def test_many_pictures_open_one_log(desk: Desk) -> None:
    for at in range(20):
        desk.take(running(observed_at=float(at)))
    desk.log()
    assert len(desk.source.opened) == 1


def test_another_server_is_chosen(desk: Desk) -> None:
    desk.source.first = ("of main",)
    desk.take(pictures.picture(pictures.ready(), pictures.failed()))
    until(lambda: desk.source.opened, "the failed one's log")
    assert desk.log().container == "sglang-id"
    combo = desk.part(QComboBox)
    combo.setCurrentIndex(combo.findData("sglang-main"))
    combo.activated.emit(combo.currentIndex())
    until(lambda: len(desk.source.opened) == 2, "the other log")
    assert desk.log().container == "sglang-main-id" and desk.log(0).closed.wait(scaled(5.0))
    desk.take(pictures.picture(pictures.ready(), pictures.failed()))
    assert combo.currentData() == "sglang-main", "what was chosen stays"


def test_a_log_that_is_asked_for_elsewhere(desk: Desk) -> None:
    """A notification asks for it, when the page may not have been seen yet."""
    both = pictures.picture(pictures.ready(), pictures.failed())
    desk.page.window().hide()
    desk.page.choose("sglang-main")
    assert desk.source.opened == []
    desk.page.window().show()
    desk.take(both)
    assert desk.log().container == "sglang-main-id"
    desk.page.choose("sglang")
    until(lambda: len(desk.source.opened) == 2, "the other log")
    assert desk.log().container == "sglang-id" and desk.part(QComboBox).currentData() == "sglang"
    desk.page.choose("sglang")
    desk.take(both)
    assert len(desk.source.opened) == 2


def test_a_server_that_is_not_there_gives_way_to_one_that_is(desk: Desk) -> None:
    desk.page.choose("nobody")
    desk.take(running())
    assert desk.log().container == "sglang-main-id"


def test_another_host_begins_with_its_own_server(desk: Desk) -> None:
    desk.source.first = ("of the first",)
    desk.take(running())
    desk.shows("of the first")
    desk.source.first = ("of the other",)
    other = replace(pictures.picture(pictures.failed()), host=replace(pictures.HOST, name="other"))
    desk.take(other)
    desk.shows("of the other")
    assert desk.log().container == "sglang-id" and desk.log(0).closed.wait(scaled(5.0))


def test_a_container_that_was_replaced_or_started_again_is_read_anew(desk: Desk) -> None:
    desk.source.first = ("old",)
    desk.take(with_container())
    desk.shows("old")
    desk.source.first = ("again",)
    desk.take(with_container(started_at=1_700_000_500.0))
    desk.shows("again")
    desk.source.first = ()
    desk.take(with_container(id="other-id"))
    assert desk.view.toPlainText() == ""
    until(lambda: len(desk.source.opened) == 3, "the third log")
    assert desk.log().container == "other-id"


def test_a_lost_link_keeps_the_text_and_the_log_goes_on_when_it_is_back(desk: Desk) -> None:
    desk.source.first = ("one",)
    desk.take(running())
    desk.shows("one")
    desk.log().lose()
    away = Problem("link-lost", phrase("It is away."), phrase("Look at the cable."))
    desk.take(running(link=LinkPhase.OFFLINE, problem=away))
    assert desk.texts()[-1] == "It is away. Look at the cable." and desk.view.toPlainText() == "one"
    desk.source.first = ("one", "two")
    desk.take(running(epoch=2))
    desk.shows("one", "two")
    until(
        lambda: "It is away. Look at the cable." not in desk.texts(),
        "no such words",
    )


def test_a_log_that_ends_though_its_container_runs_is_asked_for_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.source.first = ("one",)
    desk.take(running())
    desk.shows("one")
    desk.log().end()
    until(lambda: desk.page._ended_at is not None, "its end")
    desk.take(running())
    assert len(desk.source.opened) == 1, "not at once"
    monkeypatch.setattr(log_page, "_AGAIN_SECONDS", 0.0)
    desk.take(running())
    until(lambda: len(desk.source.opened) == 2, "another one")


def test_an_ended_container_says_so_and_is_not_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_page, "_AGAIN_SECONDS", 0.0)
    desk.source.first = ("died",)
    over = with_container(state=ContainerState.EXITED, exit_code=3)
    desk.take(over)
    desk.shows("died")
    desk.log().end()
    until(lambda: desk.page._ended_at is not None, "its end")
    desk.take(over)
    assert desk.texts()[-1] == "The container has ended with exit code 3."
    assert len(desk.source.opened) == 1


def test_a_problem_is_said_with_its_way_out(desk: Desk) -> None:
    desk.take(running())
    desk.log().lose()
    until(lambda: "The connection to spark is lost." in desk.texts(), "the cause")
    assert "It is tried again by itself. Check the network if it stays away." in desk.texts()


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (None, ["No host is set up yet."]),
        (
            pictures.picture(),
            [
                "sglang has no container on the host.",
                "Switch to one of its models, and its log appears here.",
            ],
        ),
        (replace(pictures.picture(), link=LinkPhase.CONNECTING), ["Connecting to spark…"]),
        (running(), ["Waiting for what sglang-main prints…"]),
    ],
    ids=["none", "no container", "connecting", "waiting"],
)
def test_without_a_log_there_are_words(desk: Desk, snapshot: Snapshot | None, words: list[str]) -> None:
    desk.connected = snapshot is None
    desk.take(snapshot)
    assert [text for text in desk.texts() if text] == words
    assert not desk.view.isVisible() and desk.source.opened == []
    assert not desk.part(QPushButton, "Copy all").isEnabled()


def test_a_host_that_is_not_there_yet_is_asked_with_the_next_picture(desk: Desk) -> None:
    desk.connected = False
    desk.take(running())
    assert desk.source.opened == []
    desk.connected = True
    desk.take(running())
    desk.log()


def test_a_flood_is_bounded_and_counted(desk: Desk) -> None:
    desk.take(running())
    desk.log().say(*(f"{n:06d} " + "x" * 90 for n in range(30_000)), "last")
    until(lambda: desk.view.lines and desk.view.lines[-1] == "last", "the end of the flood")
    marks = [line for line in desk.view.lines if line.endswith(" lines left out")]
    left = sum(
        int(mark.removeprefix("… ").removesuffix(" lines left out").replace(",", "")) for mark in marks
    )
    assert marks and any("," in mark for mark in marks)
    assert len(desk.view.lines) - len(marks) + left == 30_001


# Copying


def test_copying_all_and_the_selection(desk: Desk) -> None:
    desk.filled(3)
    every, some = desk.part(QPushButton, "Copy all"), desk.part(QPushButton, "Copy")
    desk.page.take(running())
    every.click()
    assert QGuiApplication.clipboard().text() == "line 0\nline 1\nline 2\n"
    assert every.text() == "Copied" and not some.isEnabled()
    desk.view.selectAll()
    some.click()
    assert QGuiApplication.clipboard().text() == "line 0\nline 1\nline 2"
    assert (every.text(), some.text()) == ("Copy all", "Copied")
    desk.page._copied.timeout.emit()
    assert some.text() == "Copy"


# What it is called


def test_everything_that_takes_the_keyboard_has_a_name(desk: Desk) -> None:
    desk.filled(3)
    for each in desk.page.findChildren(QWidget):
        if each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.isVisible():
            assert each.accessibleName() or each.property("text"), each
    assert desk.page.focusProxy() is desk.view and desk.page.say(desk.page.title()) == "Logs"


def test_all_texts_follow_the_language(desk: Desk) -> None:
    desk.filled(3)
    desk.page.say._speech = Speech("xx", lambda text: f"<{text}>", lambda one, many, n: many)
    desk.take(with_container(state=ContainerState.EXITED, exit_code=1))
    buttons = {each.text() for each in desk.page.findChildren(QPushButton)}
    assert buttons == {"<Copy>", "<Copy all>"} and desk.part(QCheckBox).text() == "<Follow>"
    assert desk.field.placeholderText() == "<Search>" and desk.view.accessibleName() == "<Log>"
    assert desk.texts()[-1] == "<The container has ended with exit code 1.>"
    assert desk.view.mapTo(desk.page, QPoint(0, 0)).y() > 0
