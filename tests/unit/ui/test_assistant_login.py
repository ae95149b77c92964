"""The step of the assistant in which a person says how to log in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from sparktray.domain.host import HostProfile, Login
from sparktray.remote.errors import LoginRefused
from sparktray.ui.hosts.assistant import Assistant
from sparktray.ui.hosts.secret_window import SecretWindow
from sparktray.ui.hosts.steps.login import Way
from tests.unit.ui.assistant_steps import at_login
from tests.unit.ui.hosts_setup import KEY, OFFSCREEN, PRIVATE_KEY, Setting, setting, until


@pytest.fixture(autouse=True)
def offscreen(qt_messages: list[str]) -> Iterator[None]:
    """The platform's own complaints are none of the program."""
    yield
    qt_messages[:] = [text for text in qt_messages if text not in OFFSCREEN]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own with one key."""
    (tmp_path / ".ssh").mkdir()
    key = tmp_path / ".ssh/id_ed25519"
    key.write_text(PRIVATE_KEY)
    key.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def around(home: Path) -> Iterator[Setting]:
    """The roads out."""
    with setting(home / "config") as made:
        yield made


@pytest.fixture
def port() -> Iterator[int]:
    """Where the checks of the last step find something that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_key_file_that_others_can_read(around: Setting, home: Path) -> None:
    (home / ".ssh/id_ed25519").chmod(0o644)
    assistant = at_login(around)
    login = assistant.login
    until(lambda: login.about.retry.isVisible(), "the problem of the key")
    assert "chmod 600" in login.about.remedy.text() and not assistant.onward.isEnabled()
    (home / ".ssh/id_ed25519").chmod(0o600)
    login.about.retry.click()
    until(lambda: assistant.onward.isEnabled(), "the key to be usable")
    assert around.logins == []


def test_without_any_key_it_says_how_to_make_one(around: Setting, home: Path) -> None:
    (home / ".ssh/id_ed25519").unlink()
    assistant = at_login(around)
    login = assistant.login
    until(lambda: login.install.text() == "ssh-keygen -t ed25519 -N ''", "the way to make a key")
    assert not assistant.onward.isEnabled() and not login.keys.isEnabled()
    elsewhere = home / "elsewhere"
    elsewhere.write_text(PRIVATE_KEY)
    elsewhere.chmod(0o600)
    login.offer(str(elsewhere))
    until(login.complete, "the other file to be usable")
    login.look_again()
    until(login.complete, "the other file to be looked at again")
    assert login.draft(HostProfile("a", "b")).key_file == str(elsewhere)


def test_a_refused_login_is_told_where_the_key_is_chosen(around: Setting) -> None:
    assistant = at_login(around)
    until(assistant.login.complete, "the key")
    around.refusal = LoginRefused(user="sparkuser", key_file="x")
    assistant.onward.click()
    until(lambda: assistant.status.retry.isVisible(), "the refusal")
    assert assistant.step is assistant.login and "ssh-copy-id" in assistant.status.remedy.text()
    assert around.logins[0].fingerprint == KEY.fingerprint
    assert not around.file.path.exists()


def choose(assistant: Assistant, way: Way) -> None:
    assistant.login.ways.setCurrentIndex(list(Way).index(way))
    assert assistant.login.way is way


def password_window() -> SecretWindow:
    def windows() -> list[SecretWindow]:
        return [w for w in QApplication.topLevelWidgets() if isinstance(w, SecretWindow) and w.isVisible()]

    until(windows, "the question")
    return windows()[0]


def test_a_fresh_key_is_brought_by_a_password_that_is_not_kept(around: Setting, port: int) -> None:
    assistant = at_login(around, port)
    choose(assistant, Way.FRESH_KEY)
    assert not assistant.login.keys.isVisible() and assistant.login.way_told.isVisible()
    assistant.onward.click()
    asked = password_window()
    assert not asked.keep.isVisible()
    asked.edit.setText("of the host")
    asked.accept()
    until(lambda: assistant.step is assistant.there, "the last step")
    until(assistant.there.complete, "the checks to end", 20)
    assistant.onward.click()
    until(lambda: not assistant.isVisible(), "the end")
    saved = around.file.load().get()
    assert saved is not None and (saved.login, saved.key_file) == (
        Login.KEY,
        str(around.file.path.parent / "keys" / "spark-1"),
    )


def test_without_the_password_it_stays_at_the_login(around: Setting) -> None:
    assistant = at_login(around)
    choose(assistant, Way.FRESH_KEY)
    assistant.onward.click()
    password_window().reject()
    until(lambda: assistant.status.retry.isVisible(), "the problem")
    assert assistant.step is assistant.login and not around.file.path.exists()


@pytest.mark.parametrize(("way", "login"), [(Way.AGENT, Login.AGENT), (Way.PASSWORD, Login.PASSWORD)])
def test_by_agent_or_password(around: Setting, port: int, way: Way, login: Login) -> None:
    assistant = at_login(around, port)
    choose(assistant, way)
    assistant.onward.click()
    until(lambda: assistant.step is assistant.there, "the last step")
    assert (around.logins[0].login, around.logins[0].key_file) == (login, None)
