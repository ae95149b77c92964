"""The assistant, step by step, with a host that answers as told; on the rig it meets a real one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QSpinBox, QWidget

from sparktray.domain.host import HostProfile, Login
from sparktray.remote.contract import HostKey
from sparktray.remote.errors import HostSilent, LoginRefused
from sparktray.store.atomic import sole_writer
from sparktray.store.paths import ConfigFolder
from sparktray.ui.hosts.assistant import Assistant
from sparktray.ui.hosts.secret_window import SecretWindow
from sparktray.ui.hosts.status import Working
from sparktray.ui.hosts.steps.login import Way
from sparktray.wording import Wording
from tests.pseudo import pseudo_wording
from tests.unit.ui.hosts_setup import KEY, OFFSCREEN, PRIVATE_KEY, Setting, setting, until

ENTER = Qt.Key.Key_Return


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


def shown(around: Setting, say: Wording | None = None) -> Assistant:
    """A new assistant, once it knows whose names are taken."""
    assistant = Assistant(say or Wording("en"), around.background, around.access)
    assistant.show()
    until(lambda: assistant.where.name.text, "the names to be known")
    return assistant


def fill(assistant: Assistant, port: int = 22) -> None:
    assistant.where.address.edit.setText("127.0.0.1")
    assistant.where.port.setValue(port)
    assistant.where.user.edit.setText("sparkuser")
    assistant.where.name.edit.setText("spark-1")


def at_host_key(around: Setting, port: int = 22, say: Wording | None = None) -> Assistant:
    assistant = shown(around, say)
    fill(assistant, port)
    QTest.keyClick(assistant.where.address.edit, ENTER)
    until(lambda: assistant.step is assistant.host_key, "the host key")
    return assistant


def at_login(around: Setting, port: int = 22, say: Wording | None = None) -> Assistant:
    assistant = at_host_key(around, port, say)
    QTest.mouseClick(assistant.onward, Qt.MouseButton.LeftButton)
    assert assistant.step is assistant.login
    return assistant


def at_the_end(around: Setting, port: int, say: Wording | None = None) -> Assistant:
    assistant = at_login(around, port, say)
    until(assistant.login.complete, "the key to be looked at")
    QTest.keyClick(assistant, ENTER)
    until(lambda: assistant.step is assistant.there, "the last step")
    until(assistant.there.complete, "the checks to end", 20)
    return assistant


def test_what_cannot_be_used_is_told_as_it_is_typed(around: Setting) -> None:
    around.file.add(HostProfile("taken", "local"))
    assistant = shown(around)
    assert not assistant.onward.isEnabled() and assistant.where.name.text == "spark"
    fill(assistant)
    assert assistant.onward.isEnabled()
    where = assistant.where
    for edit, wrong, right in (
        (where.address, "-oProxyCommand=x", "spark.local"),
        (where.user, "a;b", "me"),
        (where.name, "<img src=x>", "spark-2"),
        (where.name, "taken", "other"),
    ):
        edit.edit.setText(wrong)
        assert edit.below.isVisible() and edit.below.text() and not assistant.onward.isEnabled()
        QTest.keyClick(edit.edit, ENTER)
        assert assistant.step is where and around.asked == []
        edit.edit.setText(f" {right}\n")  # as it comes with a copied line
        assert not edit.below.isVisible() and assistant.onward.isEnabled()


def test_a_free_name_is_offered(around: Setting) -> None:
    for name in ("spark", "spark-2"):
        around.file.add(HostProfile(name, "local"))
    assert shown(around).where.name.text == "spark-3"


def test_the_host_key_is_shown_and_enter_does_not_accept_it(around: Setting) -> None:
    assistant = at_host_key(around)
    step = assistant.host_key
    assert (step.kind.text(), step.shown.text()) == ("ED25519", KEY.fingerprint)
    assert step.command.text() == "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
    assert around.asked == [("127.0.0.1", 22)] and around.logins == []
    for widget in (step.expected.edit, assistant, step.shown):
        QTest.keyClick(widget, ENTER)
        assert assistant.step is step and assistant.isVisible()
    assistant.onward.setFocus()
    QTest.keyClick(assistant.onward, ENTER)
    assert assistant.step is step and not assistant.onward.isDefault()
    QTest.keyClick(assistant.onward, Qt.Key.Key_Space)
    assert assistant.stack.currentWidget() is assistant.login


def test_what_is_pasted_is_compared(around: Setting) -> None:
    assistant = at_host_key(around)
    step = assistant.host_key
    step.expected.edit.setText(f"256 {KEY.fingerprint} root@spark (ED25519)")
    assert step.same.isVisible() and assistant.onward.isEnabled()
    for wrong in ("SHA256:" + "x" * 43, KEY.fingerprint + "k", KEY.fingerprint[:-1], "what?"):
        step.expected.edit.setText(wrong)
        assert not assistant.onward.isEnabled() and step.expected.below.isVisible()
        assert not step.same.isVisible()
        assistant.onward.click()
        assert assistant.step is step
    step.expected.edit.clear()
    assert assistant.onward.isEnabled()


def test_another_key_than_before_is_compared_anew(around: Setting) -> None:
    assistant = at_host_key(around)
    assistant.host_key.expected.edit.setText(KEY.fingerprint)
    assistant.back.click()
    assert assistant.step is assistant.where
    other = around.key = HostKey("ssh-rsa", "SHA256:" + "o" * 43)
    assistant.onward.click()
    until(lambda: assistant.step is assistant.host_key, "the other key")
    assert assistant.host_key.shown.text() == other.fingerprint and assistant.host_key.expected.text == ""


def test_a_host_that_is_off_can_be_tried_again(around: Setting) -> None:
    assistant = shown(around)
    fill(assistant)
    around.refusal = HostSilent(address="127.0.0.1", port="22")
    assistant.onward.click()
    assert isinstance(assistant.status.state, Working) and not assistant.onward.isEnabled()
    assert assistant.status.said.text() == "Connecting to 127.0.0.1…"
    until(lambda: assistant.status.retry.isVisible(), "the problem")
    assert assistant.status.said.text() == "spark-1 does not answer at 127.0.0.1."
    assert "switched on" in assistant.status.remedy.text() and assistant.step is assistant.where
    around.refusal = None
    assistant.status.retry.click()
    until(lambda: assistant.step is assistant.host_key, "the host key")
    assert not assistant.status.isVisible()


def test_connecting_can_be_stopped_and_a_late_answer_is_dropped(around: Setting) -> None:
    assistant = shown(around)
    fill(assistant)
    around.awake.clear()
    assistant.onward.click()
    until(lambda: around.asked, "the host to be asked")
    assistant.status.stop.click()
    assert not assistant.status.isVisible() and assistant.onward.isEnabled()
    before = {thread for thread in threading.enumerate() if thread.name == "sparktray-background"}
    around.awake.set()
    until(lambda: not any(thread.is_alive() for thread in before), "the late answer")
    QApplication.processEvents()
    assert assistant.step is assistant.where


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


def test_to_the_end_and_only_then_saved(around: Setting, home: Path, port: int) -> None:
    around.file.add(HostProfile("before", "local"))
    before = around.file.path.read_bytes()
    assistant = at_the_end(around, port)
    there = assistant.there
    there.models.edit.setText(str(home))
    QTest.keyClick(there.models.edit, Qt.Key.Key_Tab)
    until(there.complete, "the checks of the other folder", 20)
    assert around.file.path.read_bytes() == before
    saved: list[HostProfile] = []
    assistant.saved.connect(saved.append)
    assistant.onward.click()
    until(lambda: saved, "the end")
    expected = HostProfile(
        "spark-1", "127.0.0.1", port, "sparkuser", str(home / ".ssh/id_ed25519"), KEY.fingerprint, str(home)
    )
    assert saved == [expected] and not assistant.isVisible()
    hosts = around.file.load()
    assert hosts.get() == expected and hosts.in_use == "spark-1" and len(hosts.profiles) == 2


def test_cancel_and_escape_save_nothing(around: Setting, port: int) -> None:
    assistant = at_the_end(around, port)
    assistant.cancel.click()
    assert not assistant.isVisible() and not around.file.path.exists()
    other = at_login(around)
    QTest.keyClick(other, Qt.Key.Key_Escape)
    assert not other.isVisible() and not around.file.path.exists()


def test_what_is_being_saved_cannot_be_cancelled(around: Setting, home: Path, port: int) -> None:
    assistant = at_the_end(around, port)
    with sole_writer(ConfigFolder(home / "config")):
        assistant.onward.click()
        QTest.keyClick(assistant, Qt.Key.Key_Escape)
        assert assistant.isVisible() and not assistant.cancel.isEnabled()
    until(lambda: not assistant.isVisible(), "the end")
    assert around.file.get("spark-1") is not None


def test_folders_are_those_of_the_user_and_can_be_changed(around: Setting, home: Path, port: int) -> None:
    assistant = shown(around)
    fill(assistant, port)
    assistant.where.user.edit.setText("anna")
    assistant.onward.click()
    until(lambda: assistant.step is assistant.host_key, "the host key")
    assistant.onward.click()
    until(assistant.login.complete, "the key")
    assistant.onward.click()
    until(lambda: assistant.step is assistant.there, "the last step")
    there = assistant.there
    until(there.complete, "the checks", 20)
    assert (there.models.text, there.cache.text) == ("/home/anna/ai/models", "/home/anna/ai/cache")
    assert there.status.retry.isVisible() and assistant.onward.isEnabled()
    there.models.edit.setText("relative")
    assert there.models.below.isVisible() and not assistant.onward.isEnabled()
    there.models.edit.setText(str(home))
    assistant.back.click()
    assert assistant.step is assistant.login


def test_this_computer_needs_neither_key_nor_login(around: Setting) -> None:
    assistant = shown(around)
    assistant.where.here.click()
    assert not assistant.where.address.isEnabled() and assistant.onward.isEnabled()
    assistant.onward.click()
    until(lambda: assistant.step is assistant.there, "the last step")
    until(assistant.there.complete, "the checks", 20)
    assert around.asked == []
    assert "Login" not in texts(assistant.there) and "Docker" in texts(assistant.there)
    assistant.back.click()
    assert assistant.step is assistant.where


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_lost(
    home: Path, around: Setting, port: int
) -> None:
    assistant = at_the_end(around, port)
    (home / "config").write_text("a file where the folder should be")
    assistant.onward.click()
    until(lambda: assistant.status.retry.isVisible(), "the problem")
    assert "cannot be" in assistant.status.said.text() and assistant.isVisible()
    (home / "config").unlink()
    assistant.status.retry.click()
    until(lambda: not assistant.isVisible(), "the end")
    assert around.file.get("spark-1") is not None


def texts(window: QWidget) -> list[str]:
    labels = [each.text() for each in window.findChildren(QLabel) if each.isVisible()]
    buttons = [each.text() for each in window.findChildren(QAbstractButton) if each.isVisible()]
    return [text for text in labels + buttons if text and text not in {"/", "✓", "✗", "·"}]


def test_every_sentence_changes_with_the_language(around: Setting, port: int) -> None:
    say = pseudo_wording()
    assistant = shown(around, say)
    outside = {
        "ED25519", KEY.fingerprint, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        "127.0.0.1", str(port), "sparkuser",
        f"ssh-copy-id -i ~/.ssh/id_ed25519.pub -p {port} sparkuser@127.0.0.1",
    }  # fmt: skip

    def english() -> set[str]:
        return {text for text in texts(assistant) if "[" not in text} - outside

    assert english() == set()
    fill(assistant, port)
    assistant.onward.click()
    until(lambda: assistant.step is assistant.host_key, "the host key")
    assert english() == set()
    assistant.onward.click()
    until(assistant.login.complete, "the key")
    assert english() == set()
    assistant.onward.click()
    until(lambda: assistant.step is assistant.there, "the last step")
    until(assistant.there.complete, "the checks", 20)
    assert english() == set()
    say.speak("en")
    assistant.tell()
    assert [text for text in texts(assistant) if text.startswith("[")] == []


def test_all_of_it_has_names_and_nothing_is_clipped(around: Setting) -> None:
    """In a language that is longer by two fifths, at the size the window has."""
    assistant = at_login(around, say=pseudo_wording())
    until(assistant.login.complete, "the key")
    for _ in range(2):
        for edit in assistant.findChildren(QLineEdit):
            in_a_spin_box = isinstance(edit.parent(), QSpinBox)  # which has the name
            assert not edit.isVisible() or edit.accessibleName() or in_a_spin_box
        for label in assistant.findChildren(QLabel):
            assert label.textFormat() is Qt.TextFormat.PlainText
            if label.isVisible() and label.text():
                right = label.mapTo(assistant, QPoint(label.width(), 0)).x()
                assert right <= assistant.width() and label.width() >= label.minimumSizeHint().width(), (
                    label.text()
                )
        assistant.back.click()


def test_a_list_of_hosts_that_cannot_be_read_is_told(around: Setting, home: Path) -> None:
    around.file.add(HostProfile("before", "local"))
    around.file.path.write_text("{")
    assistant = Assistant(Wording("en"), around.background, around.access)
    assistant.show()
    until(lambda: assistant.status.retry.isVisible(), "the problem")
    assert "is kept as" in assistant.status.said.text()


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
