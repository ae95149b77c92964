from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QColor, QFontMetrics, QPalette
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QLabel, QListWidget, QPushButton, QWidget

from sparktray.domain.operation import StopWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.ui.painting.rows import width_of
from sparktray.ui.panel.page import Page
from sparktray.ui.panel.window import PanelWindow
from sparktray.ui.theme import strong
from sparktray.wording import Wording
from tests.pseudo import pseudo_wording
from tests.unit.cli import pictures
from tests.unit.ui.panel_pictures import (
    OFFSCREEN,
    clipped,
    focusable,
    larger_text,
    many_models,
    offline,
    on_screen,
    reached_by_tab,
    rolled_back,
    switching,
)
from tests.waiting import wait_until

ENGLISH = Wording("en")


@pytest.fixture(autouse=True)
def _no_screen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


class Blank(Page):
    """A page that remembers what it was fed."""

    def __init__(self, name: str, say: Wording = ENGLISH) -> None:
        super().__init__(say)
        self._name = name
        self.taken: list[Snapshot | None] = []
        self.leavings = 0

    def title(self) -> Phrase:
        return phrase(self._name)

    def take(self, snapshot: Snapshot | None) -> None:
        self.taken.append(snapshot)

    def left(self) -> None:
        self.leavings += 1


@pytest.fixture
def panel() -> Iterator[PanelWindow]:
    window = PanelWindow(ENGLISH)
    with on_screen(window):
        yield window


def until(condition: Callable[[], bool], what: str) -> None:
    """Let Qt work until that is so."""

    def worked() -> bool:
        QApplication.processEvents()
        return condition()

    wait_until(worked, what)


def texts(widget: QWidget) -> str:
    return "\n".join(each.text() for each in widget.findChildren(QLabel) if each.isVisible() and each.text())


def button(widget: QWidget, text: str) -> QPushButton:
    found = [each for each in widget.findChildren(QPushButton) if each.isVisible() and each.text() == text]
    assert len(found) == 1, f"{text}: {len(found)}"
    return found[0]


def pages_list(window: PanelWindow) -> QListWidget:
    return window.findChildren(QListWidget)[0]


def test_the_top_tells_what_runs_and_copying_and_stopping_are_one_click(panel: PanelWindow) -> None:
    panel.take(pictures.picture(pictures.ready()))
    assert "qwen3-32b-nvfp4 is ready on spark." in texts(panel)
    assert "SGLang · 30001 · up" in texts(panel)
    copied, wished = QSignalSpy(panel.copy_asked), QSignalSpy(panel.wished)
    QTest.mouseClick(button(panel, "Copy ID"), Qt.MouseButton.LeftButton)
    QTest.mouseClick(button(panel, "Stop"), Qt.MouseButton.LeftButton)
    assert copied.at(0) == ["sglang-main"]
    assert wished.at(0) == [StopWish("sglang-main")]


def test_with_several_servers_a_menu_asks_which(panel: PanelWindow) -> None:
    panel.take(pictures.picture(pictures.ready(), pictures.ready("sglang", "llama4-scout-17b-nvfp4")))
    stop = button(panel, "Stop")
    wished, copied = QSignalSpy(panel.wished), QSignalSpy(panel.copy_asked)
    rows = stop.menu().actions()
    assert [row.text() for row in rows] == [
        "llama4-scout-17b-nvfp4 on sglang",
        "qwen3-32b-nvfp4 on sglang-main",
        "Stop all servers",
    ]
    rows[0].trigger()
    rows[2].trigger()
    assert [wished.at(n)[0] for n in range(2)] == [StopWish("sglang"), StopWish(None)]
    button(panel, "Copy ID").menu().actions()[1].trigger()
    assert copied.at(0) == ["sglang-main"]
    panel.take(pictures.picture(pictures.ready()))
    assert button(panel, "Stop").menu() is None


def test_what_copying_came_to_is_said_for_a_moment(panel: PanelWindow) -> None:
    panel.take(pictures.picture(pictures.ready()))
    panel.copied(phrase("Copied"))
    assert button(panel, "Copied").accessibleName() == "Copy model ID"
    until(lambda: "Copy ID" in _buttons(panel), "the button to say its own name again")


def _buttons(widget: QWidget) -> list[str]:
    return [each.text() for each in widget.findChildren(QPushButton) if each.isVisible()]


def test_only_the_page_on_the_screen_is_fed() -> None:
    window, first, second = PanelWindow(ENGLISH), Blank("One"), Blank("Two")
    window.add(first)
    window.add(second)
    shown = pictures.picture()
    window.take(shown)
    assert first.taken == second.taken == []
    with on_screen(window):
        window.show_page(first)
        assert first.taken == [shown] and second.taken == []
        window.show_page(second)
        assert (first.leavings, second.leavings) == (1, 0)
        later = replace(shown, observed_at=1.0)
        window.take(later)
        assert second.taken == [shown, later] and first.taken == [shown]
        window.hide()
        assert second.leavings == 1
        window.take(shown)
        assert second.taken == [shown, later]
        window.show()
        assert second.taken == [shown, later, shown]


def test_pages_are_turned_by_key_and_by_arrow(panel: PanelWindow) -> None:
    first, second = Blank("One"), Blank("Two")
    panel.add(first)
    panel.add(second)
    panel.activateWindow()
    QTest.keyClick(panel, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert second.isVisible()
    pages = pages_list(panel)
    pages.setFocus()
    QTest.keyClick(pages, Qt.Key.Key_Up)
    assert first.isVisible() and not second.isVisible()
    QTest.keyClick(panel, Qt.Key.Key_9, Qt.KeyboardModifier.ControlModifier)
    assert first.isVisible()
    assert [item.text() for item in pages.selectedItems()] == ["One"]


@pytest.mark.parametrize(
    ("key", "modifier"),
    [
        (Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier),
    ],
)
def test_closing_hides_and_says_so(panel: PanelWindow, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
    panel.take(pictures.picture())
    panel.activateWindow()
    closed = QSignalSpy(panel.closed)
    focused = QApplication.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, key, modifier)
    assert closed.count() == 1 and not panel.isVisible()
    panel.present()
    assert panel.isVisible()


def test_place_and_size_are_told_and_taken_back() -> None:
    window = PanelWindow(ENGLISH)
    told = QSignalSpy(window.geometry_changed)
    with on_screen(window):
        assert window.size().toTuple() == (720, 520)
        window.resize(780, 640)
        window.move(QPoint(30, 40))
        until(lambda: told.count() > 0, "the window to tell where it is")
        place = told.at(0)[0]
    other = PanelWindow(ENGLISH)
    other.restore("nonsense, é")
    other.restore(place)
    with on_screen(other):
        assert other.size().toTuple() == (780, 640)


def test_a_window_left_where_it_was_tells_nothing() -> None:
    window = PanelWindow(ENGLISH)
    told = QSignalSpy(window.geometry_changed)
    with on_screen(window):
        window.take(pictures.picture())
    assert told.count() == 0


def test_one_that_is_closed_while_it_is_moved_tells_its_place_first(panel: PanelWindow) -> None:
    told = QSignalSpy(panel.geometry_changed)
    panel.resize(800, 600)
    panel.close()
    assert told.count() == 1


def test_a_line_at_the_top_stays_until_it_is_taken_away(panel: PanelWindow) -> None:
    pressed = QSignalSpy(panel.notice_pressed)
    panel.notice(phrase("No tray."), phrase("Why?"))
    assert "No tray." in texts(panel)
    QTest.mouseClick(button(panel, "Why?"), Qt.MouseButton.LeftButton)
    assert pressed.count() == 1
    panel.notice(phrase("No tray."))
    assert "Why?" not in _buttons(panel)
    panel.notice(None)
    assert "No tray." not in texts(panel)


def test_without_a_host_there_is_one_thing_to_do_and_the_demo(panel: PanelWindow) -> None:
    panel.take(None)
    asked, demo = QSignalSpy(panel.setup_asked), QSignalSpy(panel.demo_asked)
    assert _buttons(panel) == ["Set up a host…", "Try the demo"]
    QTest.mouseClick(button(panel, "Set up a host…"), Qt.MouseButton.LeftButton)
    assert (asked.count(), demo.count()) == (1, 0)
    QTest.mouseClick(button(panel, "Try the demo"), Qt.MouseButton.LeftButton)
    assert (asked.count(), demo.count()) == (1, 1)
    panel.take(pictures.picture())
    assert "No model is running on spark." in texts(panel)


def test_a_change_of_language_tells_everything_anew() -> None:
    say = Wording("de")
    window = PanelWindow(say)
    window.take(offline())
    with on_screen(window):
        window.notice(phrase("Copied"), phrase("Cancel"))
        before = texts(window), _buttons(window)
        say.speak("en")
        window.tell()
        assert "Copied" in texts(window) and "Cancel" in _buttons(window)
        assert "No contact with spark" in texts(window)
        assert (texts(window), _buttons(window)) != before


def test_a_change_of_look_is_followed(panel: PanelWindow) -> None:
    panel.take(pictures.picture(pictures.ready()))
    before = QApplication.palette()
    light = panel.grab().toImage().pixelColor(3, panel.height() // 2)
    try:
        QApplication.setPalette(QPalette(QColor("#202020")))
        QApplication.processEvents()
        dark = panel.grab().toImage().pixelColor(3, panel.height() // 2)
    finally:
        QApplication.setPalette(before)
    QApplication.processEvents()
    assert light.lightnessF() > 0.8 and dark.lightnessF() < 0.3
    assert panel.grab().toImage().pixelColor(3, panel.height() // 2) == light


PICTURES: dict[str, Callable[[], Snapshot | None]] = {
    "ready": lambda: pictures.picture(pictures.ready()),
    "two": lambda: pictures.picture(pictures.ready(), pictures.ready("sglang", "llama4-scout-17b-nvfp4")),
    "idle": pictures.picture,
    "failed": lambda: pictures.picture(pictures.failed()),
    "loading": lambda: pictures.picture(pictures.loading()),
    "switching": lambda: switching().snapshot,
    "rolled back": rolled_back,
    "offline": offline,
    "blocked": lambda: offline(LinkPhase.BLOCKED),
    "no host": lambda: None,
    "many": lambda: many_models(40),
}


@pytest.mark.parametrize("name", PICTURES)
def test_tab_reaches_everything_and_everything_has_a_name(panel: PanelWindow, name: str) -> None:
    panel.add(Blank("Another"))
    panel.take(PICTURES[name]())
    panel.notice(phrase("No tray."), phrase("Why?"))
    panel.activateWindow()
    pages_list(panel).setFocus()
    there = focusable(panel)
    assert len(there) >= 2
    nameless = [each for each in there if not _name(each)]
    assert nameless == []
    assert set(there) - reached_by_tab(panel) == set()


def _name(widget: QWidget) -> str:
    return QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)


@pytest.mark.parametrize("factor", [1.0, 2.0])
@pytest.mark.parametrize("name", PICTURES)
def test_no_text_is_clipped_however_long_or_large(name: str, factor: float) -> None:
    with larger_text(factor):
        window = PanelWindow(pseudo_wording())
        window.take(PICTURES[name]())
        window.notice(phrase("Your desktop shows no tray icons."), phrase("Get the extension"))
        with on_screen(window):
            QApplication.processEvents()
            assert clipped(window) == []
            window.resize(1, 1)
            QApplication.processEvents()
            assert clipped(window) == []


def test_a_width_is_enough_for_the_line_it_was_taken_of() -> None:
    """A width of 82.09 that is taken as 82 cuts a word off: each name of some hundred, heavy and plain."""
    for font in (strong(), QApplication.font()):
        for length in range(1, 200):
            text = "Einstellungen"[:length] * (1 + length // 13)
            metrics = QFontMetrics(font)
            assert metrics.elidedText(text, Qt.TextElideMode.ElideRight, width_of(text, font)) == text
