"""A value that a model lacks, asked for in a window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from sparktray.decide.ways_on import EnterSecret
from sparktray.domain.operation import SwitchWish
from sparktray.domain.secret import Secret
from sparktray.store.secrets_errors import KeyringUnavailable
from sparktray.ui.background import Background
from sparktray.ui.entries.secret_entry import SecretEntry
from sparktray.ui.hosts.secret_window import SecretWindow
from sparktray.wording import Wording
from tests.pure.decide.building import problem
from tests.unit.ui.hosts_setup import OFFSCREEN, until

WANTED = EnterSecret("hf", SwitchWish("gated"))


@pytest.fixture(autouse=True)
def _offscreen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


class Desk:
    """A desk whose keyring may be locked."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str]] = []
        self.wished: list[object] = []
        self.locked = False
        self.background = Background()
        self.entry = SecretEntry(Wording("en"), self.background, self._keep)
        self.entry.stored.connect(self.wished.append)

    def _keep(self, name: str, value: Secret) -> None:
        if self.locked:
            raise KeyringUnavailable(problem("keyring-locked"))
        self.kept.append((name, value.reveal()))

    @property
    def window(self) -> SecretWindow | None:
        shown = [each for each in QApplication.topLevelWidgets() if isinstance(each, SecretWindow)]
        return next((each for each in shown if each.isVisible()), None)

    def type(self, text: str) -> None:
        window = self.window
        assert window is not None
        QTest.keyClicks(window.edit, text)
        QTest.keyClick(window.edit, Qt.Key.Key_Return)


@pytest.fixture
def desk(application: QApplication) -> Iterator[Desk]:
    made = Desk()
    yield made
    made.entry.close()
    made.background.close()


def test_what_is_typed_is_stored_and_the_switch_wished_again(desk: Desk) -> None:
    desk.entry.ask(WANTED, None)
    window = desk.window
    assert window is not None and window.windowTitle() == "Secret"
    assert window.what.text() == "Value of hf" and "gated gets it" in window.note.text()
    assert window.edit.echoMode() is QLineEdit.EchoMode.Password
    desk.type("hf_secret ")
    until(lambda: desk.wished == [SwitchWish("gated")], "the wish")
    assert desk.kept == [("hf", "hf_secret")] and desk.window is None


def test_a_cancel_stores_nothing(desk: Desk) -> None:
    desk.entry.ask(WANTED, None)
    window = desk.window
    assert window is not None
    window.cancel.click()
    assert desk.window is None and desk.kept == [] and desk.wished == []


def test_a_keyring_that_refuses_says_why_and_asks_again(desk: Desk) -> None:
    desk.locked = True
    desk.entry.ask(WANTED, None)
    desk.type("hf_secret")
    until(lambda: desk.window is not None and desk.window.note.text() == "It broke. Mend it.", "the reason")
    assert desk.wished == []
    desk.locked = False
    desk.type("hf_secret")
    until(lambda: desk.wished == [SwitchWish("gated")], "the wish")


def test_a_key_that_a_server_waits_for_is_stored_and_nothing_is_wished(desk: Desk) -> None:
    desk.entry.ask(EnterSecret("sglang-api-key", None, "sglang"), None)
    desk.type("sk-spark")
    until(lambda: bool(desk.wished), "the answer")
    assert desk.kept == [("sglang-api-key", "sk-spark")] and desk.wished == [None]
