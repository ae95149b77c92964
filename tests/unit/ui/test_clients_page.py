"""The page about clients: what it shows, copies and asks for; that it works is tested on the rig."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sparktray.decide.clients.checkup import Line, Verdict
from sparktray.decide.clients.client import Client
from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.ways_on import EnterSecret
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.container import PublishedPort
from sparktray.domain.phrase import phrase
from sparktray.domain.secret import Secret
from sparktray.domain.snapshot import Snapshot
from sparktray.remote.contract import Remote
from sparktray.remote.errors import LinkLost
from sparktray.store.paths import ConfigFolder
from sparktray.store.settings import Settings, SettingsFile
from sparktray.ui.background import Background
from sparktray.ui.clients import page as pages
from sparktray.ui.clients.handing import Handing
from sparktray.ui.clients.page import ClientsPage
from sparktray.ui.clipboard import Copier
from sparktray.ui.settings.saving import Saving
from sparktray.wording import Wording
from tests.pure.decide.building import connected, ready, serving, sglang_box, vllm_box
from tests.unit.test_forwards import free_port
from tests.unit.ui.hosts_setup import OFFSCREEN, until

SCOUT = serving(sglang_box(), sglang=ready("scout")).snapshot
CLOSED = serving(
    sglang_box(ports=(PublishedPort(30000, 30000, "127.0.0.1"),)), sglang=ready("scout")
).snapshot
GOOD = Line("listed", Verdict.GOOD, phrase("It is listed."))
BAD = Line("public-https", Verdict.BAD, phrase("It is refused."), phrase("Get a tunnel."))


@pytest.fixture(autouse=True)
def _offscreen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@dataclass
class _Remote:
    http: object = None


@dataclass
class Found:
    """What the check-up finds, as a test sets it, and what it was asked."""

    lines: list[Line] = field(default_factory=lambda: [GOOD])
    error: Exception | None = None
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def __call__(self, *asked: object) -> Iterator[Line]:
        self.asked.append(asked)
        yield from self.lines
        if self.error is not None:
            raise self.error


class Desk:
    """A page, what is behind it, and what is kept on disk."""

    def __init__(self, folder: Path, found: Found, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
        self.file = SettingsFile(ConfigFolder(folder))
        self.background = Background()
        self.keys: dict[str, Secret] = {}
        self.found = found
        say = Wording(language)
        monkeypatch.setattr(pages, "checked", found)
        copier = Copier(say, self.background)
        saving = Saving(ConfigFolder(folder), self.background)
        saving.saved.connect(self.settings_saved)
        self.handing = Handing(copier, saving, self.background, lambda: None, self.keys.get)
        self.page = ClientsPage(
            say,
            copier,
            self.background,
            lambda: cast(Remote, _Remote()),
            self.handing.forwards.states,
            self.keys.get,
        )
        self.handing.serve(self.page)
        self.handing.opened.connect(lambda: self.page.take(self.snapshot))
        self.keys_asked: list[object] = []
        self.handing.key_asked.connect(self.keys_asked.append)
        self.snapshot: Snapshot | None = None
        self.page.show()

    def settings_saved(self, settings: Settings) -> None:
        self.handing.take_settings(settings)
        self.page.take_settings(settings)

    def take(self, snapshot: Snapshot | None) -> None:
        self.snapshot = snapshot
        self.handing.take(snapshot)
        self.page.take(snapshot)

    @property
    def kept(self) -> Settings:
        return self.file.load()[0]

    def close(self) -> None:
        self.handing.close()
        self.page.close_errands()
        self.page.close()
        self.background.close()


@pytest.fixture
def desk(application: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path, Found(), monkeypatch, "en")
    yield made
    made.close()


def pasted() -> str:
    return QGuiApplication.clipboard().text()


def test_without_a_server_it_says_what_to_do(desk: Desk) -> None:
    for snapshot in (None, connected().snapshot):
        desk.take(snapshot)
        assert desk.page.empty.isVisible() and desk.page.empty.text()
        assert not desk.page.addresses.isVisible() and not desk.page.settings.isVisible()
        assert not desk.page.check.isVisible()


def test_id_and_url_are_copied_and_the_id_is_remembered(desk: Desk) -> None:
    desk.take(SCOUT)
    assert not desk.page.empty.isVisible() and not desk.page.server.isVisible()
    desk.page.addresses.copy_direct.click()
    assert pasted() == "http://spark.local:30000/v1" and desk.page.addresses.copy_direct.text() == "Copied"
    desk.page.addresses.copy_id.click()
    assert pasted() == "scout"
    copied = CopiedId(host="spark", server="sglang", model_id="scout")
    until(lambda: desk.kept.copies == (copied,), "what was copied to be kept")
    until(lambda: desk.page.addresses.copy_id.text() == "Copy", "the button to be itself again")


def test_the_settings_of_each_client_are_shown_and_copied_whole(desk: Desk) -> None:
    desk.take(SCOUT)
    for client in Client:
        desk.page.choose(client)
        desk.page.settings.copy.click()
        assert pasted() == desk.page.settings.text.toPlainText() and "scout" in pasted()
        assert desk.page.settings.where.text()
    until(lambda: len(desk.kept.copies) == len(Client), "all of them to be kept")
    assert {each.client for each in desk.kept.copies} == set(Client)


def test_a_public_address_is_kept_and_taken_for_cursor_alone(desk: Desk) -> None:
    desk.take(SCOUT)
    QTest.keyClicks(desk.page.addresses.public, " https://spark.example.org/v1 ")
    desk.page.addresses.public.editingFinished.emit()
    until(lambda: len(desk.kept.public) == 1, "the address to be kept")
    until(desk.page.addresses.copy_public.isVisible, "the address")
    desk.page.choose(Client.CURSOR)
    assert "https://spark.example.org/v1" in desk.page.settings.text.toPlainText()
    desk.page.choose(Client.CLINE)
    assert "http://spark.local:30000/v1" in desk.page.settings.text.toPlainText()
    way = desk.page.settings.way
    assert way.isVisible() and way.count() == 2
    way.setCurrentIndex(1)
    way.activated.emit(1)
    assert "https://spark.example.org/v1" in desk.page.settings.text.toPlainText()


def test_a_forward_is_opened_listed_and_ended(desk: Desk) -> None:
    desk.take(CLOSED)
    rows = desk.page.addresses
    assert not rows.direct.isVisible() and "open on spark alone" in rows.notes.text()
    assert rows.port.value() == 30000, "the host's own: a client is set up once"
    assert not desk.page.settings.copy.isEnabled()
    port = free_port()
    rows.port.setValue(port)
    rows.forwarding.click()
    until(rows.copy_forward.isVisible, "the forward")
    assert rows.forward.text() == f"http://127.0.0.1:{port}/v1"
    assert f"http://127.0.0.1:{port}" in desk.page.settings.text.toPlainText()
    (url, what, again, end) = desk.page.forwards.rows[0]
    assert (url.text(), what.text()) == (rows.forward.text(), "leads to sglang, 0 connections")
    assert not again.isVisible()
    end.click()
    until(lambda: not rows.copy_forward.isVisible(), "its end")
    assert desk.kept.forwards == () and not desk.page.forwards.isVisible()


def test_a_port_that_another_program_holds_is_said(desk: Desk) -> None:
    import socket

    with socket.socket() as theirs:
        theirs.bind(("127.0.0.1", 0))
        theirs.listen()
        desk.take(CLOSED)
        desk.page.addresses.port.setValue(theirs.getsockname()[1])
        desk.page.addresses.forwarding.click()
        until(lambda: bool(desk.page.forwards.rows), "the row")
        (_, what, again, _) = desk.page.forwards.rows[0]
        assert "another program" in what.text() and again.isVisible()
    again.click()
    until(lambda: "leads to sglang" in what.text(), "the forward")


def test_a_locked_server_has_its_key_asked_for(desk: Desk) -> None:
    desk.take(serving(sglang_box(), sglang=Reading(Health.LOCKED)).snapshot)
    assert desk.page.addresses.why.text() == "sglang asks for a key."
    assert not desk.page.addresses.copy_id.isVisible() and not desk.page.settings.isVisible()
    desk.page.addresses.enter_key.click()
    assert desk.keys_asked == [EnterSecret("spark/sglang-api-key", None, "sglang")]


def test_the_check_tells_line_by_line_and_its_last_word(desk: Desk) -> None:
    desk.take(SCOUT)
    desk.page.check.button.click()
    until(lambda: desk.page.check.last_word.isVisible(), "the last word")
    (mark, sentence, remedy) = desk.page.check.rows[0]
    assert (mark.text(), sentence.text(), remedy.isVisible()) == ("✓", "It is listed.", False)
    desk.found.lines = [GOOD, BAD]
    desk.page.check.button.click()
    until(lambda: len(desk.page.check.rows) == 2 and desk.page.check.button.isEnabled(), "the second")
    (mark, sentence, remedy) = desk.page.check.rows[1]
    assert (mark.text(), remedy.text(), remedy.isVisible()) == ("✗", "Get a tunnel.", True)
    assert not desk.page.check.last_word.isVisible()


def test_a_check_that_breaks_off_says_why(desk: Desk) -> None:
    desk.found.error = LinkLost(reason="closed")
    desk.take(SCOUT)
    desk.page.check.button.click()
    until(desk.page.check.trouble.isVisible, "the problem")
    assert not desk.page.check.last_word.isVisible()


def test_of_two_servers_the_chosen_one_is_shown(desk: Desk) -> None:
    desk.take(serving(sglang_box(), vllm_box(), sglang=ready("scout"), vllm=ready("qwen")).snapshot)
    assert desk.page.server.isVisible() and desk.page.addresses.model_id.text() == "scout"
    desk.page.check.button.click()
    until(lambda: desk.page.check.last_word.isVisible(), "the last word")
    desk.page.server.setCurrentIndex(1)
    desk.page.server.activated.emit(1)
    assert desk.page.addresses.model_id.text() == "qwen"
    assert not desk.page.check.last_word.isVisible(), "that was of the other one"
    assert desk.page.addresses.port.value() == 8000


def test_what_a_client_has_and_is_no_longer_served_is_said(desk: Desk) -> None:
    old = CopiedId(host="spark", server="sglang", model_id="coder-30b", client="cursor")
    desk.page.take_settings(Settings(copies=(old,)))
    desk.take(SCOUT)
    assert desk.page.addresses.outdated.text() == "Cursor was given coder-30b, which is no longer served."
