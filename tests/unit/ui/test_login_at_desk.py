"""When the desk asks for a password: only in the attempt that a person wants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from sparktray import wiring
from sparktray.domain.host import HostProfile, Login
from sparktray.domain.snapshot import LinkPhase
from sparktray.remote.contract import Credentials, Remote, SshTarget, Wanted, WantedKind
from sparktray.remote.errors import LoginRefused
from sparktray.ui.desk import Desk
from sparktray.ui.hosts.secret_window import SecretWindow
from sparktray.wording import Wording
from tests.unit.ui.hosts_setup import OFFSCREEN, until


class Sshd:
    """A host that wants a password and is content with none."""

    def __init__(self) -> None:
        self.attempts = 0
        self.heard: list[str] = []

    def open(self, target: SshTarget, credentials: Credentials, *, sudo: bool) -> Remote:
        self.attempts += 1
        self.heard.append(credentials.secret(Wanted(WantedKind.PASSWORD, target)).reveal())
        raise LoginRefused(user=target.user)


@pytest.fixture(autouse=True)
def _offscreen(qt_messages: list[str]) -> Iterator[None]:
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@pytest.fixture
def sshd(monkeypatch: pytest.MonkeyPatch) -> Sshd:
    made = Sshd()
    monkeypatch.setattr(wiring, "open_host", made.open)
    return made


@pytest.fixture
def desk(application: QApplication, sshd: Sshd, tmp_path: Path) -> Iterator[Desk]:
    host = HostProfile("spark", "spark.example", user="me", login=Login.PASSWORD)
    made = Desk(Wording("en"), wiring.open_program(tmp_path), host)
    made._begin(host)  # as `open` does, which also goes to the desktop's bus
    yield made
    made.close()


def windows() -> list[SecretWindow]:
    """What is on the screen."""
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, SecretWindow) and w.isVisible()]


def blocked(desk: Desk, code: str) -> None:
    """Wait until the link waits for a person, for that reason."""

    def so() -> bool:
        latest = desk._latest
        found = None if latest is None or latest.link is not LinkPhase.BLOCKED else latest.problem
        return found is not None and found.code == code

    until(so, code)


def test_at_start_and_when_the_menu_opens_nothing_asks(desk: Desk, sshd: Sshd) -> None:
    blocked(desk, "secret-missing")
    desk._retry()
    QApplication.processEvents()
    assert sshd.attempts == 1 and not windows()


def test_a_click_asks_a_no_ends_the_attempt_and_another_click_asks_again(desk: Desk, sshd: Sshd) -> None:
    blocked(desk, "secret-missing")
    desk._try_now()
    until(windows, "the window")
    windows()[0].reject()
    blocked(desk, "login-cancelled")
    assert sshd.attempts == 2 and not windows()
    desk._try_now()
    until(windows, "the window")
    windows()[0].edit.setText("wrong")
    windows()[0].accept()
    blocked(desk, "login-refused")
    assert sshd.heard == ["wrong"] and sshd.attempts == 3 and not windows()


def test_the_end_of_the_program_takes_an_open_question_away(desk: Desk) -> None:
    blocked(desk, "secret-missing")
    desk._try_now()
    until(windows, "the window")
    desk.close()
    assert not windows()
