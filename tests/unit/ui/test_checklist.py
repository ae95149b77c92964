from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QLabel, QListView, QPlainTextEdit, QPushButton

from sparktray.decide.showing.checklist import Checklist, Outcome, StepLine, checklist
from sparktray.domain.operation import BackWish, StepName, StepState, SwitchWish
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.ui.panel.models.checklist import ChecklistView
from sparktray.wording import Wording
from tests.unit.ui.panel_pictures import OFFSCREEN, on_screen, rolled_back, switching


@pytest.fixture(autouse=True)
def _no_screen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@pytest.fixture
def view() -> Iterator[ChecklistView]:
    made = ChecklistView(Wording("en"))
    made.resize(600, 420)
    with on_screen(made):
        made.activateWindow()
        yield made


def of(snapshot: Snapshot, now: float = 1_800_000_100.0) -> Checklist:
    assert snapshot.operation is not None
    return checklist(snapshot, snapshot.operation, now)


def a_step(state: StepState = StepState.DONE, **more: object) -> StepLine:
    line = StepLine(
        StepName.STOP, state, False, phrase("Stop it"), phrase("done"), phrase("It is over."), 2.34
    )
    return replace(line, **more)


def a_list(*steps: StepLine, outcome: Outcome | None = None, current: int | None = None) -> Checklist:
    cancel = phrase("Cancelling ends it.") if outcome is None else None
    return Checklist("op", steps, current, cancel, outcome)


def steps(view: ChecklistView) -> QListView:
    return view.findChildren(QListView)[0]


def heard(view: ChecklistView) -> list[str]:
    rows = steps(view).model()
    return [rows.index(n, 0).data(Qt.ItemDataRole.AccessibleTextRole) for n in range(rows.rowCount())]


def texts(view: ChecklistView) -> list[str]:
    return [each.text() for each in view.findChildren(QLabel) if each.isVisible()]


def buttons(view: ChecklistView) -> dict[str, QPushButton]:
    found = [each for each in view.findChildren(QPushButton) if each.isVisible()]
    return {each.accessibleName() or each.text(): each for each in found}


def test_a_step_is_heard_with_its_state_and_time(view: ChecklistView) -> None:
    view.take(
        a_list(
            a_step(),
            a_step(StepState.DONE, seconds=75.0),
            a_step(
                StepState.RUNNING,
                word=phrase("now"),
                seconds=98.9,
                pace=phrase("about {duration} left", duration="1:53"),
                phase=phrase("Loading weights"),
                fraction=0.426,
            ),
            a_step(StepState.RUNNING, word=phrase("now"), phase=phrase("Starting"), back=True),
            a_step(StepState.WAITING, word=phrase("to come"), seconds=None),
        )
    )
    assert heard(view) == [
        "Stop it, done, 2.3 s",
        "Stop it, done, 1:15",
        "Stop it, now, Loading weights, 42 %, 1:38, about 1:53 left",
        "Going back: Stop it, now, Starting, 0:02",
        "Stop it, to come",
    ]


def test_before_the_plan_it_says_what_is_done(view: ChecklistView) -> None:
    view.take(a_list())
    assert texts(view) == ["Looking at the host…", "Cancelling ends it."]
    assert buttons(view).keys() == {"Cancel"}


def test_cancel_says_what_it_will_do_and_when_it_is_too_late(view: ChecklistView) -> None:
    view.take(of(switching().snapshot))
    cancelled = QSignalSpy(view.cancelled)
    cancel = buttons(view)["Cancel"]
    assert cancel.accessibleDescription() in texts(view)
    QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)
    assert cancelled.count() == 1
    view.take(of(switching(StepName.UNLOCK).snapshot))
    assert not cancel.isEnabled()
    assert "It is too late to cancel: it is being finished or taken back." in texts(view)


def test_the_end_says_how_why_and_what_to_do(view: ChecklistView) -> None:
    view.take(of(rolled_back()))
    closed = QSignalSpy(view.closed)
    assert texts(view) == [
        "Switching to coder: failed. What ran before runs again.",
        "It broke.",
        "Mend it.",
    ]
    assert "Cancel" not in buttons(view)
    QTest.mouseClick(buttons(view)["Close"], Qt.MouseButton.LeftButton)
    assert closed.count() == 1


def test_last_lines_unfold(view: ChecklistView) -> None:
    view.take(of(rolled_back()))
    tail = view.findChildren(QPlainTextEdit)[0]
    assert not tail.isVisible()
    QTest.mouseClick(buttons(view)["Log lines"], Qt.MouseButton.LeftButton)
    assert tail.isVisible() and tail.toPlainText() == "one\ntwo"


def test_a_refusal_has_no_steps_but_words(view: ChecklistView) -> None:
    outcome = Outcome(False, phrase("Refused."), phrase("No room."), phrase("Make room."), ())
    view.take(a_list(outcome=outcome))
    assert texts(view) == ["Refused.", "No room.", "Make room."]
    assert buttons(view).keys() == {"Copy report", "Close"}
    view.take_keyboard()
    assert buttons(view)["Close"].hasFocus()


def test_commands_unfold_and_are_copied_as_they_are(view: ChecklistView) -> None:
    view.take(of(switching().snapshot))
    high = [steps(view).visualRect(steps(view).model().index(n, 0)).height() for n in range(3)]
    QTest.mouseClick(buttons(view)["Commands"], Qt.MouseButton.LeftButton)
    after = [steps(view).visualRect(steps(view).model().index(n, 0)).height() for n in range(3)]
    assert after[0] > high[0]  # the lock has a command, to look again has none
    assert after[1] == high[1]
    steps(view).setCurrentIndex(steps(view).model().index(4, 0))
    QTest.keyClick(steps(view), Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "docker stop -t 30 sglang"
    buttons(view)["Copy as script"].click()
    assert "Copied" in buttons(view)
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("#!/bin/sh\nset -e\n") and copied.endswith("\n")
    assert "\ndocker stop -t 30 sglang\n" in copied and "sparktray-lock" not in copied


def test_the_step_under_way_is_brought_into_sight(view: ChecklistView) -> None:
    many = [a_step() for _ in range(40)]
    view.take(a_list(*many, current=30))
    index = steps(view).model().index(30, 0)
    assert steps(view).viewport().rect().intersects(steps(view).visualRect(index))


def test_a_step_that_goes_on_keeps_the_choice(view: ChecklistView) -> None:
    view.take(a_list(a_step(), a_step(StepState.RUNNING)))
    steps(view).setCurrentIndex(steps(view).model().index(1, 0))
    view.take(a_list(a_step(), a_step(StepState.DONE)))
    assert steps(view).currentIndex().row() == 1


def test_another_language_tells_the_same_anew() -> None:
    say = Wording("en")
    made = ChecklistView(say)
    with on_screen(made):
        made.take(a_list())
        say.speak("de")
        made.take(a_list())
        assert "Abbrechen" in buttons(made)


def test_the_ways_on_are_buttons(view: ChecklistView) -> None:
    wished: list[object] = []
    view.wished.connect(wished.append)
    back, finish = BackWish("op"), SwitchWish("m")
    offers = ((phrase("Finish"), finish), (phrase("Go back"), back))
    view.take(a_list(outcome=Outcome(False, phrase("Broken off."), None, None, (), offers)))
    assert buttons(view).keys() == {"Finish", "Go back", "Copy report", "Close"}
    buttons(view)["Go back"].click()
    buttons(view)["Finish"].click()
    assert wished == [back, finish]
    view.take(a_list(outcome=Outcome(True, phrase("Done."), None, None, ())))
    assert buttons(view).keys() == {"Close"}


def test_what_went_wrong_can_be_handed_on(view: ChecklistView) -> None:
    view.take(of(switching().snapshot))
    assert "Copy report" not in buttons(view)
    outcome = Outcome(False, phrase("Failed."), phrase("No room."), phrase("Make room."), ("last words",))
    line = StepLine(StepName.LOAD, StepState.FAILED, False, phrase("Load it"), phrase("failed"))
    view.take(a_list(line, outcome=outcome))
    buttons(view)["Copy report"].click()
    assert "Copied" in buttons(view)
    copied = QGuiApplication.clipboard().text()
    assert copied.splitlines() == ["Failed.", "No room.", "Make room.", "Load it: failed", "last words"]


def test_the_words_of_an_end_without_steps_stand_together(view: ChecklistView) -> None:
    view.resize(800, 600)
    view.take(
        a_list(outcome=Outcome(False, phrase("Refused."), phrase("No room."), phrase("Make room."), ()))
    )
    QApplication.processEvents()
    tops = [each.y() for each in view.findChildren(QLabel) if each.isVisible() and each.text()]
    assert max(tops) - min(tops) < 120


def test_a_model_that_does_not_fit_is_shown_with_its_sum(view: ChecklistView) -> None:
    """In the place of the cause, which the sum says line by line."""
    lines = (phrase("It takes 83 GiB."), phrase("9 GiB are missing."))
    outcome = Outcome(
        False, phrase("Refused."), phrase("It is too large."), phrase("Use less."), (), (), lines
    )
    view.take(a_list(outcome=outcome))
    assert "It takes 83 GiB.\n9 GiB are missing." in texts(view)
    assert "It is too large." not in texts(view)
    assert "Use less." in texts(view)
