"""The page about Open WebUI: what it shows, asks and wishes; what is behind it is tested on a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from sparktray.domain.events import Wished
from sparktray.domain.open_webui import Household, WipeScope
from sparktray.domain.operation import OperationEnd, RestoreWish, WipeWish
from sparktray.domain.snapshot import Snapshot
from sparktray.remote.contract import Remote
from sparktray.ui.background import Background
from sparktray.ui.open_webui import page as pages
from sparktray.ui.open_webui.confirming import Confirming
from sparktray.ui.open_webui.page import OpenWebUiPage
from sparktray.wording import Wording
from tests.pure.decide.building import connected, serving
from tests.pure.decide.webui.houses import STOPPED, archive, house, webui_box
from tests.unit.ui.hosts_setup import OFFSCREEN, until


@pytest.fixture(autouse=True)
def _offscreen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


class Desk:
    """A page, the host behind it as a test sets it, and what was wished."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, language: str = "en") -> None:
        self.house = house()
        self.reads = 0
        self.wished: list[object] = []
        self.background = Background()
        monkeypatch.setattr(pages, "household", self._household)
        self.page = OpenWebUiPage(Wording(language), self.background, lambda: cast(Remote, object()))
        self.page.wished.connect(self.wished.append)
        self.page.show()

    def _household(self, *_: object) -> Household:
        self.reads += 1
        return self.house

    def take(self, snapshot: Snapshot | None = None) -> None:
        """A picture comes, and what was read of the volume."""
        reads = self.reads
        self.page.take(connected(webui_box()).snapshot if snapshot is None else snapshot)
        until(lambda: self.reads > reads and bool(self.page.contents.text()), "the reading")
        until(lambda: "…" not in self.page.contents.text(), "what was read")

    def ask(self, scope: WipeScope) -> Confirming:
        self.page.wipes[scope][2].click()
        assert self.page.asking is not None
        return self.page.asking


@pytest.fixture
def desk(application: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(monkeypatch)
    yield made
    made.page.close()
    made.background.close()


def test_what_it_holds_and_what_can_be_done(desk: Desk) -> None:
    desk.page.take(None)
    assert not desk.page.open.isEnabled()
    desk.take()
    assert "Open WebUI runs" in desk.page.standing.text()
    assert desk.page.contents.text() == "2 accounts · 13 chats · 1 knowledge base · 80 MB in the volume"
    assert desk.page.open.isEnabled() and desk.page.none_kept.isVisible()
    assert all(button.isEnabled() for _, _, button in desk.page.wipes.values())


def test_a_delete_needs_the_name_typed_and_the_button_pressed(desk: Desk) -> None:
    desk.take()
    asking = desk.ask(WipeScope.ALL_CHATS)
    assert not asking.delete.isEnabled()
    QTest.keyClicks(asking.typed, "open-webu")
    QTest.keyClick(asking.typed, Qt.Key.Key_Return)
    assert desk.wished == [] and not asking.delete.isEnabled()
    asking = desk.ask(WipeScope.ALL_CHATS) if not asking.isVisible() else asking
    asking.typed.setText("open-webui")
    asking.delete.click()
    assert desk.wished == [WipeWish(WipeScope.ALL_CHATS)]


@pytest.mark.parametrize("end", [OperationEnd.DONE, OperationEnd.FAILED])
def test_an_emptied_one_is_opened_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, end: OperationEnd
) -> None:
    """The first visitor becomes administrator; nothing is opened for a wipe of somebody else's."""
    opened: list[object] = []
    monkeypatch.setattr(desk.page, "open_page", opened.append)
    desk.take()
    shown = connected(webui_box())
    shown.take(Wished(WipeWish(WipeScope.EVERYTHING), 1, "op-1"))
    active = shown.snapshot
    assert active.operation is not None
    over = replace(active, operation=replace(active.operation, end=end))
    for picture in (active, over):
        desk.page.take(picture)
    assert opened == []
    asking = desk.ask(WipeScope.EVERYTHING)
    asking.typed.setText("open-webui")
    asking.delete.click()
    for picture in (active, over, active, over):
        desk.page.take(picture)
    assert opened == ([over] if end is OperationEnd.DONE else [])


def test_enter_and_escape_change_nothing(desk: Desk) -> None:
    desk.take()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        asking = desk.ask(WipeScope.EVERYTHING)
        asking.typed.setText("open-webui")
        QTest.keyClick(asking.typed, key)
    assert desk.wished == []


def test_what_cannot_be_wiped_says_why_and_asks_nothing(desk: Desk) -> None:
    desk.house = house(external="postgresql")
    desk.take()
    desk.page.wipes[WipeScope.ALL_CHATS][2].click()
    assert desk.page.asking is None and desk.page.trouble.isVisible()


def test_what_is_kept_is_brought_back_by_its_button(desk: Desk) -> None:
    older, newer = archive(made_at=1_799_000_000.0), archive(WipeScope.EVERYTHING, made_at=1_799_900_000.0)
    desk.house = house(archives=(older, newer))
    desk.take()
    until(lambda: len(desk.page.kept) == 2, "both rows")
    assert not desk.page.none_kept.isVisible()
    for _, button in desk.page.kept:
        button.click()
    assert desk.wished == [RestoreWish(newer.name), RestoreWish(older.name)]


def test_a_container_that_does_not_run_has_no_page_to_open(desk: Desk) -> None:
    desk.house = house(container=STOPPED)
    desk.take(connected(STOPPED).snapshot)
    assert "does not run" in desk.page.standing.text() and not desk.page.open.isEnabled()


def test_it_is_read_again_when_it_comes_back_to_the_screen(desk: Desk) -> None:
    desk.take()
    reads = desk.reads
    desk.page.take(connected(webui_box()).snapshot)
    assert desk.reads == reads, "not with every picture"
    desk.page.left()
    desk.take()
    assert desk.reads == reads + 1


def test_in_german_nothing_is_left_in_english(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(monkeypatch, "de")
    desk.take(serving(webui_box()).snapshot)
    words = [button.text() for button in desk.page.findChildren(QPushButton) if button.text()]
    assert "Löschen …" in words or "Löschen…" in words
    assert not {"Delete…", "Bring back", "Look again"} & set(words)
    desk.page.close()
    desk.background.close()


def test_during_an_operation_nothing_else_can_be_begun(desk: Desk) -> None:
    desk.take()
    shown = connected(webui_box())
    shown.take(Wished(WipeWish(WipeScope.ALL_CHATS), 1, "op-1"))
    desk.page.take(replace(shown.snapshot))
    assert not any(button.isEnabled() for _, _, button in desk.page.wipes.values())
    assert desk.page.cancel.isVisible() and desk.page.bar.isVisible()
