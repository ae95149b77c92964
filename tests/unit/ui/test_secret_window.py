"""The window that asks for a password, and the thread that waits for what is typed there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit

from sparktray.control.login.credentials import LoginQuestion
from sparktray.domain.phrase import phrase
from sparktray.domain.secret import Secret
from sparktray.domain.snapshot import LinkPhase
from sparktray.remote.errors import SecretMissing
from sparktray.ui.hosts.secret_window import PersonAtDesk, SecretWindow
from sparktray.wording import Wording
from tests.pseudo import pseudo_wording
from tests.unit.ui.hosts_setup import OFFSCREEN, until

PASSWORD = LoginQuestion(phrase("Password of {user} on {address}", user="me", address="spark"), "", False)
CODE = LoginQuestion(
    phrase("{address} asks {user}", user="me", address="spark"), "<b>Code</b>:", True, may_keep=False
)


@pytest.fixture(autouse=True)
def _offscreen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@pytest.fixture
def person(application: QApplication) -> Iterator[PersonAtDesk]:
    made = PersonAtDesk(Wording("en"))
    yield made
    made.settle()


class Connecting:
    """A thread that asks as a login does."""

    def __init__(self, person: PersonAtDesk, question: LoginQuestion = PASSWORD) -> None:
        self.given: Secret | None = None
        self.error: Exception | None = None
        self._person, self._question = person, question
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.given = self._person.ask(self._question)
        except SecretMissing as error:
            self.error = error

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()


def windows() -> list[SecretWindow]:
    """What is on the screen."""
    QApplication.processEvents()
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, SecretWindow) and w.isVisible()]


def window() -> SecretWindow:
    until(windows, "the window")
    (found,) = windows()
    return found


def test_what_is_typed_goes_to_the_thread_that_asked(person: PersonAtDesk) -> None:
    person.welcome()
    login = Connecting(person)
    asked = window()
    assert not asked.isModal()
    assert asked.edit.echoMode() is QLineEdit.EchoMode.Password
    QTest.keyClick(asked.edit, Qt.Key.Key_Return)
    assert asked.isVisible() and not asked.ok.isEnabled()
    QTest.keyClicks(asked.edit, "correct horse")
    QTest.keyClick(asked.edit, Qt.Key.Key_Return)
    until(lambda: login.over, "the thread to go on")
    assert login.given is not None and person.keeps()
    assert login.given.reveal() == "correct horse"
    assert asked.edit.text() == ""
    assert not windows()


def test_it_is_not_kept_against_the_persons_will(person: PersonAtDesk) -> None:
    person.welcome()
    login = Connecting(person)
    asked = window()
    asked.keep.click()
    asked.seen.click()
    assert asked.edit.echoMode() is QLineEdit.EchoMode.Normal
    asked.edit.setText("x")
    asked.ok.click()
    until(lambda: login.over, "the thread to go on")
    assert login.given is not None and not person.keeps()


def test_the_hosts_own_words_are_plain_text_and_an_answer_offers_no_keeping(person: PersonAtDesk) -> None:
    person.welcome()
    login = Connecting(person, CODE)
    asked = window()
    assert asked.prompt.text() == "<b>Code</b>:"
    assert {label.textFormat() for label in asked.findChildren(QLabel)} == {Qt.TextFormat.PlainText}
    assert asked.edit.echoMode() is QLineEdit.EchoMode.Normal
    assert not asked.keep.isVisible() and not asked.seen.isVisible()
    asked.edit.setText("123456")
    asked.ok.click()
    until(lambda: login.over, "the thread to go on")
    assert login.given is not None and login.given.reveal() == "123456"


def cancel(asked: SecretWindow) -> None:
    asked.cancel.click()


def gone(asked: SecretWindow) -> bool:
    return asked not in windows()


def escape(asked: SecretWindow) -> None:
    QTest.keyClick(asked.edit, Qt.Key.Key_Escape)


@pytest.mark.parametrize("no", [escape, SecretWindow.close, cancel])
def test_a_no_is_no_answer_whatever_was_typed(
    person: PersonAtDesk, no: Callable[[SecretWindow], object]
) -> None:
    person.welcome()
    login = Connecting(person)
    asked = window()
    asked.edit.setText("half a pass")
    no(asked)
    until(lambda: login.over, "the thread to go on")
    assert login.given is None and login.error is None


def test_one_window_at_a_time(person: PersonAtDesk) -> None:
    person.welcome()
    first, second = Connecting(person), Connecting(person)
    for answer in ("one", "two"):
        asked = window()
        asked.edit.setText(answer)
        asked.ok.click()
        until(partial(gone, asked), "the window to go")
    until(lambda: first.over and second.over, "both to go on")
    assert first.given is not None and second.given is not None
    assert {first.given.reveal(), second.given.reveal()} == {"one", "two"}


def test_no_window_opens_unless_a_person_asked_for_the_attempt(person: PersonAtDesk) -> None:
    login = Connecting(person)
    until(lambda: login.over, "the thread to go on")
    assert isinstance(login.error, SecretMissing)
    assert not windows()


def test_the_attempts_end_takes_the_window_away_and_wakes_the_thread(person: PersonAtDesk) -> None:
    person.welcome()
    person.take(LinkPhase.BLOCKED)  # late, from before
    person.take(LinkPhase.CONNECTING)
    login = Connecting(person)
    window()
    person.take(LinkPhase.OFFLINE)
    until(lambda: login.over, "the thread to go on")
    assert login.given is None and not windows()
    later = Connecting(person)
    until(lambda: later.over, "the thread to go on")
    assert isinstance(later.error, SecretMissing)


def test_it_speaks_another_language_at_once_and_nothing_is_cut(application: QApplication) -> None:
    made = SecretWindow(pseudo_wording(), PASSWORD)
    made.show()
    QApplication.processEvents()
    for widget in (made.seen, made.keep, made.ok, made.cancel):
        assert widget.text().startswith(("[", "&[")) or "[" in widget.text()
        assert widget.width() >= widget.sizeHint().width()
    assert made.what.height() >= made.what.heightForWidth(made.what.width())
    made.close()


def test_why_nothing_can_be_kept_stands_below(person: PersonAtDesk) -> None:
    person.welcome()
    login = Connecting(person, replace(PASSWORD, may_keep=False, note=phrase("No keyring here.")))
    asked = window()
    assert asked.note.isVisible() and asked.note.text() == "No keyring here."
    assert not asked.keep.isVisible()
    asked.reject()
    until(lambda: login.over, "the thread to go on")
