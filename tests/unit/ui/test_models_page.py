from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QAccessible, QContextMenuEvent
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton, QWidget

from sparktray.control import clock
from sparktray.domain.docker.container import Container, ContainerState, PublishedPort
from sparktray.domain.facts.memory import Footprint
from sparktray.domain.operation import OperationEnd, StepName, StopWish, SwitchWish
from sparktray.domain.snapshot import LinkPhase, Phase, Snapshot
from sparktray.ui.panel.models.checklist import ChecklistView
from sparktray.ui.panel.models.model_list import ModelList
from sparktray.ui.panel.models.models_page import ModelsPage
from sparktray.ui.panel.models.standing import Standing
from sparktray.wording import Wording
from tests.unit.cli import pictures
from tests.unit.ui.panel_pictures import OFFSCREEN, many_models, offline, on_screen, switching
from tests.waiting import scaled

ENGLISH = Wording("en")
QWEN, SCOUT = "qwen3-32b-nvfp4", "llama4-scout-17b-nvfp4"


@pytest.fixture(autouse=True)
def _no_screen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@pytest.fixture
def page() -> Iterator[ModelsPage]:
    made = ModelsPage(ENGLISH)
    made.resize(600, 420)
    with on_screen(made):
        made.activateWindow()
        yield made


def part(page: QWidget, kind: type[QWidget]) -> QWidget:
    found = [each for each in page.findChildren(kind) if each.isVisible()]
    assert len(found) == 1
    return found[0]


def models(page: QWidget) -> ModelList:
    found = part(page, ModelList)
    assert isinstance(found, ModelList)
    return found


def row(page: QWidget, name: str) -> QModelIndex:
    rows = models(page).model()
    found = [rows.index(n, 0) for n in range(rows.rowCount()) if rows.index(n, 0).data() == name]
    assert len(found) == 1
    return found[0]


def buttons(page: QWidget) -> dict[str, QPushButton]:
    """What can be pressed, by its name for a screen reader."""
    found = [each for each in page.findChildren(QPushButton) if each.isVisible()]
    return {QAccessible.queryAccessibleInterface(b).text(QAccessible.Text.Name): b for b in found}


def texts(page: QWidget) -> str:
    return "\n".join(each.text() for each in page.findChildren(QLabel) if each.isVisible())


def choose(page: QWidget, name: str) -> None:
    models(page).setCurrentIndex(row(page, name))


def middle(page: QWidget, name: str) -> QPoint:
    return models(page).visualRect(row(page, name)).center()


def test_enter_switches_to_the_chosen_model(page: ModelsPage) -> None:
    page.take(pictures.picture(pictures.ready()))
    wished = QSignalSpy(page.wished)
    models(page).setFocus()
    assert models(page).currentIndex() == row(page, QWEN)  # the keyboard begins with what runs
    QTest.keyClick(models(page), Qt.Key.Key_Return)
    assert wished.count() == 0  # it runs already
    QTest.keyClick(models(page), Qt.Key.Key_Down)
    QTest.keyClick(models(page), Qt.Key.Key_Return)
    assert wished.at(0) == [SwitchWish(SCOUT, on="sglang")]


def test_the_chosen_row_has_the_button_that_switches(page: ModelsPage) -> None:
    page.take(pictures.picture(pictures.ready()))
    wished = QSignalSpy(page.wished)
    choose(page, QWEN)
    assert buttons(page) == {}
    choose(page, SCOUT)
    button = buttons(page)[f"Switch to {SCOUT}"]
    assert button.text() == "Switch" and button.accessibleDescription() == "SGLang 30000"
    models(page).setFocus()
    QTest.keyClick(models(page), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is button
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert wished.at(0) == [SwitchWish(SCOUT, on="sglang")]


def test_the_row_under_the_pointer_has_one_too(page: ModelsPage) -> None:
    page.take(pictures.picture(pictures.ready()))
    wished = QSignalSpy(page.wished)
    QTest.mouseMove(models(page).viewport(), middle(page, SCOUT))
    button = buttons(page)[f"Switch to {SCOUT}"]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert wished.at(0) == [SwitchWish(SCOUT, on="sglang")]
    QTest.mouseMove(models(page).viewport(), middle(page, QWEN))
    assert buttons(page) == {}


def test_a_double_click_switches_and_a_single_one_only_chooses(page: ModelsPage) -> None:
    page.take(pictures.picture())
    wished = QSignalSpy(page.wished)
    view, where = models(page).viewport(), middle(page, SCOUT)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=where)
    assert wished.count() == 0 and models(page).currentIndex() == row(page, SCOUT)
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=where)
    assert wished.at(0) == [SwitchWish(SCOUT, on="sglang")]


@pytest.mark.parametrize("reason", [QContextMenuEvent.Reason.Mouse, QContextMenuEvent.Reason.Keyboard])
def test_the_menu_of_a_row_offers_its_other_servers(
    page: ModelsPage, reason: QContextMenuEvent.Reason
) -> None:
    page.take(pictures.picture())
    wished = QSignalSpy(page.wished)
    choose(page, QWEN)
    where = middle(page, QWEN)
    event = QContextMenuEvent(reason, where, models(page).viewport().mapToGlobal(where))
    QApplication.sendEvent(models(page).viewport(), event)
    menu = QApplication.activePopupWidget()
    assert menu is not None
    actions = menu.actions()
    assert [each.text() for each in actions] == [
        "Switch on SGLang 30001",
        "Switch on vLLM 8000",
        "Switch on Ollama 11434",
    ]
    actions[1].trigger()
    menu.close()
    assert wished.at(0) == [SwitchWish(QWEN, on="vllm")]


def test_a_row_with_nothing_to_do_has_no_menu(page: ModelsPage) -> None:
    page.take(pictures.picture(pictures.ready("vllm", "bge-m3", "else")))
    assert models(page).ways_menu(QModelIndex()) is None


def test_the_choice_stays_where_it_is_when_other_things_change(page: ModelsPage) -> None:
    page.take(pictures.picture())
    choose(page, "bge-m3")
    page.take(pictures.picture(pictures.ready()))
    assert models(page).currentIndex() == row(page, "bge-m3")
    page.take(many_models(30))
    assert models(page).currentIndex() == row(page, "bge-m3")


def test_a_screen_reader_hears_all_of_a_row(page: ModelsPage) -> None:
    page.take(pictures.picture(pictures.ready()))
    shown = row(page, QWEN)
    assert shown.data(Qt.ItemDataRole.AccessibleTextRole) == f"{QWEN}, SGLang 30001, ready, Everyday"
    assert "everyday work" in shown.data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert models(page).accessibleName() == "Models"


def test_names_from_outside_are_never_read_as_markup(page: ModelsPage) -> None:
    base = pictures.ready("sglang", SCOUT, "<img src=x>&amp;")
    container = base.container
    assert container is not None
    elsewhere = replace(container, mounts=(replace(container.mounts[0], source="/elsewhere"),))
    page.take(pictures.picture(replace(base, container=elsewhere)))
    shown = row(page, "<img src=x>&amp;")
    assert shown.data(Qt.ItemDataRole.ToolTipRole) == "<p>&lt;img src=x&gt;&amp;amp;</p>"


def test_a_switch_takes_the_place_of_the_list_and_its_end_stays_until_it_is_closed(page: ModelsPage) -> None:
    story = switching(StepName.START)
    page.take(pictures.picture())
    models(page).setFocus()
    page.take(story.snapshot)
    part(page, ChecklistView)
    focused = QApplication.focusWidget()
    assert focused is not None and page.isAncestorOf(focused)
    QTest.keyClick(focused, Qt.Key.Key_Return)  # the one that switched, held down too long
    story.run()
    page.take(story.snapshot)
    assert "Switching to coder: done." in texts(page)
    QTest.mouseClick(buttons(page)["Close"], Qt.MouseButton.LeftButton)
    part(page, ModelList)
    page.take(story.snapshot)
    part(page, ModelList)


def test_a_good_end_that_nobody_saw_leaves_the_list_and_a_bad_one_does_not(page: ModelsPage) -> None:
    story = switching(StepName.START)
    page.take(story.snapshot)
    page.left()
    story.run()
    page.take(story.snapshot)
    part(page, ModelList)
    failed = replace(story.operation, end=OperationEnd.NEEDS_YOU)
    page.take(replace(story.snapshot, operation=failed))
    assert "could not be brought back" in texts(page)


def test_cancel_asks_for_it(page: ModelsPage) -> None:
    page.take(switching().snapshot)
    cancelled = QSignalSpy(page.cancelled)
    QTest.mouseClick(buttons(page)["Cancel"], Qt.MouseButton.LeftButton)
    assert cancelled.count() == 1
    assert "takes back what was begun: Remove the new container sglang, Start sglang again." in texts(page)


def test_the_clock_of_a_step_goes_on_by_itself(page: ModelsPage, monkeypatch: pytest.MonkeyPatch) -> None:
    story = switching()
    started = story.operation.runs[story.operation.index].started_at
    assert started is not None
    told: list[str] = []
    for seconds in (61.0, 62.0):
        monkeypatch.setattr(clock, "now", lambda at=started + seconds: at)
        page.take(story.snapshot) if not told else page.tick()
        steps = part(page, ChecklistView).findChildren(QWidget, "steps")[0]
        told.append(steps.model().index(story.operation.index, 0).data(Qt.ItemDataRole.AccessibleTextRole))  # type: ignore[attr-defined]
    assert "1:01" in told[0] and "1:02" in told[1]


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (lambda: replace(pictures.picture(), link=LinkPhase.CONNECTING), "Waiting for spark"),
        (offline, "No contact with spark\nSwitch it on.\n\nSince 11/14/23 "),
        (lambda: offline(LinkPhase.BLOCKED), "spark waits for you."),
        (lambda: replace(pictures.picture(), containers_known=False), "Waiting for Docker on spark"),
    ],
)
def test_waiting_and_broken_have_their_own_words(
    page: ModelsPage, picture: Callable[[], Snapshot], said: str
) -> None:
    page.take(picture())
    part(page, Standing)
    assert said in texts(page)


def test_what_is_broken_can_be_tried_at_once_and_its_details_unfold(page: ModelsPage) -> None:
    page.take(offline())
    retried = QSignalSpy(page.retry_asked)
    QTest.mouseClick(buttons(page)["Try now"], Qt.MouseButton.LeftButton)
    assert retried.count() == 1
    assert [each for each in page.findChildren(QPlainTextEdit) if each.isVisible()] == []
    QTest.mouseClick(buttons(page)["Details"], Qt.MouseButton.LeftButton)
    details = part(page, QPlainTextEdit)
    assert isinstance(details, QPlainTextEdit) and details.toPlainText() == "timed out"


def test_today_is_told_without_its_date(page: ModelsPage) -> None:
    page.take(replace(offline(), link_since=time.time()))
    assert "/" not in texts(page) and ":" in texts(page)


def test_no_host_is_the_first_step(page: ModelsPage) -> None:
    asked = QSignalSpy(page.setup_asked)
    page.take(None)
    QTest.mouseClick(buttons(page)["Set up a host…"], Qt.MouseButton.LeftButton)
    assert asked.count() == 1
    page.tick()


def test_a_narrow_page_tells_purpose_and_place_below_the_name(page: ModelsPage) -> None:
    page.take(pictures.picture())
    high = models(page).visualRect(row(page, QWEN)).height()
    page.resize(330, 420)
    QApplication.processEvents()
    assert models(page).visualRect(row(page, QWEN)).height() > high


def test_500_models_cost_no_handler_more_than_50_ms(page: ModelsPage) -> None:
    """Of thread time, in the middle of five; the first build of the rows, and a change of one of them."""
    many = many_models(500)
    idle = replace(
        many, servers=tuple(replace(s, container=None, served=None, phase=Phase.IDLE) for s in many.servers)
    )
    page.take(pictures.picture())
    taken, painted = [], []
    for picture in (many, idle) * 3:
        began = time.thread_time()
        page.take(picture)
        between = time.thread_time()
        QApplication.processEvents()
        taken.append(between - began)
        painted.append(time.thread_time() - between)
    assert models(page).model().rowCount() == 500
    print(f"500 models: taken in {max(taken) * 1000:.0f} ms, painted in {max(painted) * 1000:.0f} ms")
    assert sorted(taken)[3] <= scaled(0.05) and sorted(painted)[3] <= scaled(0.05)


def short_of_memory() -> Snapshot:
    """Two servers leave the host less than it needs; each holds 30 GiB."""
    shown = pictures.picture(pictures.ready(), pictures.ready("sglang", SCOUT))
    shares = tuple((s.container.id, 30 << 30) for s in shown.servers if s.container is not None)
    vitals = replace(shown.vitals, total_bytes=122 << 30, available_bytes=6 << 30, shares=shares)
    return replace(shown, vitals=vitals)


def with_stranger() -> Snapshot:
    """Somebody else's container is on vLLM's port, and something that was put aside runs."""
    ports = (PublishedPort(8000, 8888),)
    web = Container("w" * 64, "jupyter", "jupyter/base", ContainerState.RUNNING, ports)
    aside = Container("p" * 64, "sglang.previous", "lmsysorg/sglang:spark", ContainerState.RUNNING)
    return pictures.picture(pictures.ready(), others=(web, aside))


def test_what_stands_in_each_others_way_is_above_the_list_with_its_button(page: ModelsPage) -> None:
    page.take(pictures.picture(pictures.ready()))
    assert "Memory is short" not in texts(page)
    page.take(short_of_memory())
    assert "Memory is short: sglang, sglang-main leave spark" in texts(page)
    assert models(page).isVisible(), "the list stays"
    wishes = QSignalSpy(page.wished)
    buttons(page)["Stop sglang-main"].click()
    assert wishes.at(0) == [StopWish("sglang-main")]
    page.take(pictures.picture(pictures.ready()))
    assert "Memory is short" not in texts(page)


def test_what_only_a_person_can_do_is_copied(page: ModelsPage) -> None:
    page.take(with_stranger())
    shown = texts(page)
    assert "Container sglang.previous runs" in shown and "docker stop sglang.previous" in shown
    assert "and 1 more" in shown
    buttons(page)["Copy command"].click()
    assert QApplication.clipboard().text() == "docker stop sglang.previous"
    assert "Copied" in buttons(page)


def test_enter_on_a_fresh_page_stops_nothing(page: ModelsPage) -> None:
    """The keyboard begins with the list; the button comes after it."""
    page.take(short_of_memory())
    wishes = QSignalSpy(page.wished)
    chain = [models(page), buttons(page)["Stop sglang-main"]]
    first = min(chain, key=lambda each: _place(page, each))
    QTest.keyClick(first, Qt.Key.Key_Return)
    assert first is chain[0] and wishes.count() == 0


def _place(page: QWidget, widget: QWidget) -> int:
    """How many steps of Tab lead there."""
    at: QWidget | None = page
    for step in range(1000):
        if at is widget or at is None:
            return step
        at = at.nextInFocusChain()
    raise AssertionError("not in the chain")


def test_how_the_memory_comes_about_is_a_rows_tooltip(page: ModelsPage) -> None:
    gib = 1 << 30
    parts = Footprint(18 * gib, 8 * gib, 3 * gib, 1 << 18, 32768)
    shown = replace(pictures.picture(), needs=((QWEN, "sglang-main", parts),))
    page.take(shown)
    index = row(page, QWEN)
    hint = str(index.data(Qt.ItemDataRole.ToolTipRole))
    assert "<p>qwen3-32b-nvfp4</p><p>qwen3-32b-nvfp4 takes 29 GiB: weights 18" in hint
    described = str(index.data(Qt.ItemDataRole.AccessibleDescriptionRole))
    assert described.startswith("fits: 29 of 54 GiB · ") and "It fits, and 24.8 GiB" in described
