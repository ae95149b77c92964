from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox

from sparktray.ui.panel.logs.view import MOST_LINES, LogView
from tests.unit.ui.log_desk import Desk, opened, running
from tests.waiting import scaled


@pytest.fixture
def desk() -> Iterator[Desk]:
    with opened() as made:
        yield made


def test_at_most_ten_thousand_lines_are_kept(desk: Desk) -> None:
    desk.filled(MOST_LINES - 5)
    desk.view.add([f"new {n}" for n in range(20)])
    assert len(desk.view.lines) == desk.view.blockCount() == MOST_LINES
    assert desk.view.lines[0] == desk.view.document().firstBlock().text() == "line 15"
    assert desk.view.lines[-1] == desk.view.document().lastBlock().text() == "new 19"


def test_a_batch_costs_the_main_thread_little(desk: Desk) -> None:
    desk.filled(MOST_LINES)
    desk.view.search("e")
    lines = [f"line {n} of a usual length, as an engine prints it while it generates" for n in range(1000)]
    began = time.thread_time()
    desk.view.add(lines)
    assert time.thread_time() - began < scaled(0.05)


# Following


def at_end(view: LogView) -> bool:
    return view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_it_follows_until_somebody_scrolls_up_and_again_at_the_end(desk: Desk) -> None:
    desk.filled(500)
    box, bar = desk.part(QCheckBox), desk.view.verticalScrollBar()
    assert box.isChecked() and at_end(desk.view)
    bar.setValue(100)
    assert not box.isChecked()
    desk.view.add(["more"])
    assert bar.value() == 100
    bar.setValue(bar.maximum())
    assert box.isChecked()
    desk.view.add(["more"])
    assert at_end(desk.view)


def test_lines_are_read_from_their_beginning(desk: Desk) -> None:
    desk.filled(1)
    desk.view.add(["x" * 1000] * 50)
    desk.page.resize(500, 300)
    QApplication.processEvents()
    assert desk.view.horizontalScrollBar().maximum() > 0
    assert desk.view.horizontalScrollBar().value() == 0 and at_end(desk.view)


def test_the_selection_stays_while_lines_come(desk: Desk) -> None:
    desk.filled(3)
    desk.view.selectAll()
    desk.view.add(["more"])
    assert desk.view.textCursor().selectedText().split("\u2029") == ["line 0", "line 1", "line 2"]


def test_the_box_turns_following_on_and_off(desk: Desk) -> None:
    desk.filled(500)
    box, bar = desk.part(QCheckBox), desk.view.verticalScrollBar()
    box.click()
    place = bar.value()
    desk.view.add([f"more {n}" for n in range(50)])
    assert bar.value() == place
    box.click()
    assert at_end(desk.view)


def test_what_is_read_stays_in_its_place_while_the_top_gives_way(desk: Desk) -> None:
    desk.filled(MOST_LINES)
    desk.view.verticalScrollBar().setValue(5000)
    QApplication.processEvents()
    before = desk.view.firstVisibleBlock().text()
    desk.view.add([f"more {n}" for n in range(300)])
    QApplication.processEvents()
    assert desk.view.firstVisibleBlock().text() == before == "line 5000"


def test_a_smaller_window_stays_at_the_end(desk: Desk) -> None:
    desk.filled(500)
    desk.page.resize(560, 220)
    QApplication.processEvents()
    assert at_end(desk.view) and desk.part(QCheckBox).isChecked()


# Searching


def marked(view: LogView) -> list[str]:
    return [mark.cursor.selectedText() for mark in view.extraSelections()]


def test_searching_counts_and_goes_round(desk: Desk) -> None:
    desk.filled(100)
    desk.view.verticalScrollBar().setValue(0)
    QTest.keyClicks(desk.field, "LINE 1")
    assert "1 of 11" in desk.texts() and desk.view.found == (1, 11)
    assert "line 1" in marked(desk.view) and set(marked(desk.view)) == {"line 1"}
    QTest.keyClick(desk.field, Qt.Key.Key_Return)
    assert desk.view.found == (2, 11)
    QTest.keyClick(desk.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(desk.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert desk.view.found == (11, 11) and "11 of 11" in desk.texts()
    QTest.keyClick(desk.field, Qt.Key.Key_Return)
    assert desk.view.found == (1, 11)


def test_the_keys_of_a_search(desk: Desk) -> None:
    desk.filled(100)
    desk.page.activateWindow()
    desk.view.setFocus()
    QApplication.processEvents()
    QTest.keyClick(desk.page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert desk.field.hasFocus()
    QTest.keyClicks(desk.field, "line 2")
    first = desk.view.found
    QTest.keyClick(desk.page, Qt.Key.Key_F3)
    assert desk.view.found[0] == first[0] % 11 + 1
    QTest.keyClick(desk.page, Qt.Key.Key_F3, Qt.KeyboardModifier.ShiftModifier)
    assert desk.view.found == first
    QTest.keyClick(desk.field, Qt.Key.Key_Escape)
    assert desk.field.text() == "" and desk.view.found == (0, 0) and marked(desk.view) == []
    assert desk.view.hasFocus()


def test_escape_without_a_search_is_left_to_the_window(desk: Desk) -> None:
    desk.filled(3)
    window = desk.page.window()
    heard: list[int] = []
    window.keyPressEvent = lambda event: heard.append(event.key())  # type: ignore[method-assign]
    QTest.keyClick(desk.view, Qt.Key.Key_Escape)
    assert heard == [int(Qt.Key.Key_Escape)]
    QTest.keyClicks(desk.field, "x")
    QTest.keyClick(desk.view, Qt.Key.Key_Escape)
    assert len(heard) == 1 and desk.field.text() == ""


def test_matches_come_and_go_with_their_lines(desk: Desk) -> None:
    desk.filled(MOST_LINES)
    desk.view.search("line 3")
    count = desk.view.found[1]
    desk.view.add(["a line 3 more"])
    assert desk.view.found[1] == count + 1
    desk.view.add(["x"] * 9000)
    left = sum("line 3" in line for line in desk.view.lines)
    assert desk.view.found[1] == left < count


def test_what_is_searched_is_text_and_not_a_pattern(desk: Desk) -> None:
    desk.take(running())
    desk.view.add(["a.b (c", "axb"])
    desk.view.search(".b (")
    assert desk.view.found[1] == 1
    desk.view.search("nowhere")
    desk.view.step(1)
    assert desk.view.found == (0, 0)
    QTest.keyClicks(desk.field, "nowhere")
    assert "not found" in desk.texts()


def test_a_mark_is_where_its_match_is_beyond_the_first_plane(desk: Desk) -> None:
    """Qt counts a rocket as two characters."""
    desk.take(running())
    desk.view.add(["\U0001f680\U0001f680 start Needle end"])
    desk.view.search("needle")
    assert marked(desk.view) == ["Needle"]


def test_a_letter_that_is_everywhere_does_not_cost_more(desk: Desk) -> None:
    desk.filled(1)
    desk.view.add(["e" * 100] * 100)
    desk.view.search("e")
    assert desk.view.found[1] == 101 and len(desk.view.extraSelections()) == 300
