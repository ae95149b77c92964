"""The assistant, step by step, with a host that answers as told; on the rig it meets a real one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QSpinBox, QWidget

from sparktray.domain.host import HostProfile
from sparktray.remote.contract import HostKey
from sparktray.remote.errors import HostSilent
from sparktray.store.atomic import sole_writer
from sparktray.store.paths import ConfigFolder
from sparktray.ui.hosts.assistant import Assistant
from sparktray.ui.hosts.status import Working
from sparktray.wording import Wording
from tests.pseudo import pseudo_wording
from tests.unit.ui.assistant_steps import ENTER, at_host_key, at_login, at_the_end, fill, shown
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


def test_who_has_no_host_is_offered_the_demo(around: Setting) -> None:
    assistant = shown(around)
    until(assistant.demo.isVisible, "the offer")
    asked = QSignalSpy(assistant.demo_asked)
    QTest.mouseClick(assistant.demo, Qt.MouseButton.LeftButton)
    assert asked.count() == 1
    assert not assistant.isVisible()


def test_who_has_a_host_is_not(around: Setting) -> None:
    around.access.hosts.add(HostProfile("spark", "spark.local", user="me"))
    assistant = shown(around)
    assert assistant.where.name.text == "spark-2"
    assert not assistant.demo.isVisible()


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
