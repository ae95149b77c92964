"""The box before something is lost, and what becomes of the click that it holds up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

from sparktray.domain.operation import StopWish, SwitchWish, WhenBusy
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.ui.asking import Asker
from sparktray.wording import Wording
from tests.pseudo import pseudo_wording
from tests.unit.cli import pictures

CODER = "qwen3-coder-30b-nvfp4"
WISH = SwitchWish(CODER, on="sglang")
# What Qt 6.11 says of its offscreen platform whenever a window comes to the front there.
NO_WINDOWS = {"This plugin does not support raise()", "This plugin does not support propagateSizeHints()"}


@pytest.fixture(autouse=True)
def _offscreen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in NO_WINDOWS]


def foreign(name: str = "mine") -> Snapshot:
    """A ready server whose container sparktray did not make."""
    state = pictures.ready("sglang", pictures.QWEN)
    assert state.container is not None
    return pictures.picture(replace(state, container=replace(state.container, name=name, labels={})))


def box() -> QMessageBox | None:
    """The one that is on the screen."""
    QApplication.processEvents()
    found = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()]
    assert len(found) <= 1
    return found[0] if found else None


def shown() -> QMessageBox:
    found = box()
    assert found is not None
    return found


def button(role: QMessageBox.ButtonRole) -> QPushButton:
    made = shown()
    found = next(b for b in made.buttons() if made.buttonRole(b) is role)
    assert isinstance(found, QPushButton)
    return found


def yes() -> QPushButton:
    return button(QMessageBox.ButtonRole.AcceptRole)


@pytest.fixture
def wished() -> list[object]:
    return []


@pytest.fixture
def asker(wished: list[object]) -> Iterator[Asker]:
    made = Asker(Wording("en"))
    made.wished.connect(wished.append)
    yield made
    made.close()
    assert box() is None


@pytest.mark.parametrize("wish", [SwitchWish(CODER, on="vllm"), StopWish("sglang"), StopWish(None)])
def test_what_loses_nothing_is_done_at_once(
    asker: Asker, wished: list[object], wish: SwitchWish | StopWish
) -> None:
    asker.wish(foreign(), wish)
    assert box() is None and wished == [wish]


def test_the_question_says_what_is_lost_and_waits(asker: Asker, wished: list[object]) -> None:
    asker.wish(foreign("mi_ne<b>&x"), WISH)
    made = shown()
    assert not made.isModal() and made.textFormat() is Qt.TextFormat.PlainText
    assert made.text() == f"Replace container mi_ne<b>&x with {CODER}?"
    assert f"serves {pictures.QWEN} in the place" in made.informativeText()
    assert wished == []
    yes().click()
    assert box() is None and wished == [replace(WISH, replace=True)]


def test_enter_escape_and_closing_mean_no(asker: Asker, wished: list[object]) -> None:
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape, None):
        asker.wish(foreign(), WISH)
        made = shown()
        assert made.defaultButton().text() == "Keep it"
        made.activateWindow()
        if key is None:
            made.close()
        else:
            QTest.keyClick(made, key)
        assert box() is None
    assert wished == []


def test_the_last_click_wins(asker: Asker, wished: list[object]) -> None:
    asker.wish(foreign(), SwitchWish("phi4-reasoning", on="sglang"))
    asker.wish(foreign(), WISH)
    assert CODER in shown().text()
    asker.wish(foreign(), StopWish("sglang"))
    assert box() is None and wished == [StopWish("sglang")]


def test_a_yes_is_to_what_was_asked(asker: Asker, wished: list[object]) -> None:
    """Another container has the place by now: that is asked anew. None has: nothing is replaced."""
    asker.wish(foreign("mine"), WISH)
    asker.take(foreign("yours"))
    yes().click()
    assert wished == [] and shown().text() == f"Replace container yours with {CODER}?"
    asker.take(pictures.picture())
    yes().click()
    assert box() is None and wished == [WISH]


def test_a_new_picture_leaves_the_question_as_it_is(asker: Asker, wished: list[object]) -> None:
    asker.take(pictures.picture())
    asker.wish(foreign(), WISH)
    made = shown()
    busy: ServerState = replace(pictures.loading(), progress=None)
    asker.take(foreign())
    asker.take(replace(foreign(), servers=(*foreign().servers[:2], busy, *foreign().servers[3:])))
    assert shown() is made
    yes().click()
    assert wished == [replace(WISH, replace=True)]


def test_it_follows_the_language_and_the_window_it_was_asked_in() -> None:
    say = pseudo_wording()
    asker = Asker(say)
    window = QWidget()
    asker.wish(foreign(), WISH, window)
    made = shown()
    assert made.parentWidget() is window
    told = (yes().text(), made.defaultButton().text(), made.text(), made.windowTitle())
    assert all(text.startswith("[") for text in (*told, *made.informativeText().split("\n\n")))
    say.speak("en")
    asker.take(foreign())
    assert (yes().text(), made.defaultButton().text()) == ("Replace", "Keep it")
    assert made.text().startswith("Replace") and "It is stopped" in made.informativeText()
    asker.close()
    assert box() is None


def busy(requests: int) -> Snapshot:
    """A server that sparktray made and that is answering."""
    state = pictures.ready("sglang", pictures.QWEN)
    return pictures.picture(replace(state, running=requests, waiting=0))


def later() -> QPushButton:
    return button(QMessageBox.ButtonRole.ActionRole)


def test_answers_under_way_can_be_waited_for(asker: Asker, wished: list[object]) -> None:
    stop = StopWish("sglang")
    for press, expected in ((later, WhenBusy.WAIT), (yes, WhenBusy.GO_ON)):
        asker.wish(busy(2), stop)
        assert shown().text() == "Cut off 2 requests?" and wished == []
        asker.take(busy(5))
        press().click()
        assert box() is None and wished.pop() == replace(stop, busy=expected)


def test_what_became_idle_meanwhile_is_done_as_chosen(asker: Asker, wished: list[object]) -> None:
    """An agent asks again the next moment: the choice holds for that too."""
    asker.wish(busy(2), StopWish("sglang"))
    asker.take(busy(0))
    later().click()
    assert wished == [StopWish("sglang", busy=WhenBusy.WAIT)]


def test_a_question_without_a_later_has_no_such_button(asker: Asker) -> None:
    asker.wish(foreign(), WISH)
    assert len(shown().buttons()) == 2
