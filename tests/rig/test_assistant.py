"""The assistant meets a real host: sshd, Docker, model folders; to a host that is saved and works."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMessageLogContext, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from sparktray.control.checking import Stage
from sparktray.domain.host import HostProfile
from sparktray.store.catalogue_file import load_catalogue
from sparktray.store.paths import ConfigFolder
from sparktray.ui.background import Background
from sparktray.ui.hosts.access import Access
from sparktray.ui.hosts.assistant import Assistant
from sparktray.ui.hosts.hosts_page import HostsPage
from sparktray.ui.hosts.secret_window import PersonAtDesk
from sparktray.ui.hosts.status import Working
from sparktray.wiring import dialer, key_setup, open_program, shown_key
from sparktray.wording import Wording
from tests.rig.driving import Program, profile, quicken
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd
from tests.waiting import wait_until

# What Qt 6.11 says of its offscreen platform, and not of the program.
OFFSCREEN = ("This plugin does not support propagateSizeHints()", "This plugin does not support raise()")
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def application() -> QApplication:
    """The one application object."""
    existing = QApplication.instance()
    return (
        existing
        if isinstance(existing, QApplication)
        else QApplication(["sparktray", "-platform", "offscreen"])
    )


@pytest.fixture(autouse=True)
def qt_is_silent(application: QApplication) -> Iterator[None]:
    """Warnings of Qt are failures."""
    heard: list[str] = []

    def hear(kind: QtMsgType, _where: QMessageLogContext, text: str) -> None:
        if kind not in {QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg} and text not in OFFSCREEN:
            heard.append(text)

    before = qInstallMessageHandler(hear)
    yield
    qInstallMessageHandler(before)
    assert heard == []


def until(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> None:
    """Let Qt work until it is so."""

    def met() -> bool:
        QApplication.processEvents()
        return bool(condition())

    wait_until(met, what, seconds=seconds)


@dataclass
class Person:
    """Somebody with a home, a key, and an assistant before them."""

    home: Path
    background: Background
    access: Access
    assistant: Assistant

    @property
    def key(self) -> Path:
        """Their private key."""
        return self.home / ".ssh/id_ed25519"

    def find(self, server: Sshd) -> None:
        """Fill in the first step and go on."""
        where = self.assistant.where
        where.address.edit.clear()
        QTest.keyClicks(where.address.edit, server.address)
        where.port.setValue(server.port)
        where.user.edit.clear()
        QTest.keyClicks(where.user.edit, server.user)
        QTest.keyClick(where.user.edit, Qt.Key.Key_Return)

    def onward(self) -> None:
        """Press the button that leads on."""
        assert self.assistant.onward.isEnabled()
        QTest.mouseClick(self.assistant.onward, LEFT)

    def to_the_end(self, server: Sshd) -> None:
        """All steps; the host is not saved yet."""
        assistant = self.assistant
        self.find(server)
        until(lambda: assistant.step is assistant.host_key, "the host key")
        self.onward()
        until(assistant.login.complete, "the key")
        self.onward()
        until(lambda: assistant.step is assistant.there, "the last step")
        until(assistant.there.complete, "the checks")


@pytest.fixture
def person(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Their first start."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir(mode=0o700)
    shutil.copy(rig.client_key, tmp_path / ".ssh/id_ed25519")
    folder = ConfigFolder(tmp_path / "config")
    catalogue = load_catalogue(folder)
    background = Background()
    program = open_program(folder.path)
    person = PersonAtDesk(Wording("en"))
    access = Access(
        *(program.hosts, dialer(program.vault, person), shown_key, lambda: catalogue),
        *(key_setup(program, person), program.vault.forget, person),
    )
    assistant = Assistant(Wording("en"), background, access)
    assistant.show()
    until(lambda: assistant.where.name.text, "the assistant to know whose names are taken")
    yield Person(tmp_path, background, access, assistant)
    assistant.reject()
    background.close()


def test_the_host_key_is_looked_at_without_a_login(rig: Rig) -> None:
    """sshd logs every request of a login; there is none. The type is the better one of the two it has."""
    server = rig.sshd({"LogLevel": "DEBUG2"})
    key = shown_key(server.address, server.port)
    assert (key.key_type, key.fingerprint) == ("ssh-ed25519", server.fingerprints["ed25519"])
    wait_until(lambda: "Connection closed by" in server.log(), "sshd to see the end")
    assert "KEX done" in server.log() or "NEWKEYS" in server.log()
    assert "userauth" not in server.log()
    other = rig.sshd(host_keys=("ecdsa",))
    key = shown_key(other.address, other.port)
    assert (key.key_type, key.fingerprint) == ("ecdsa-sha2-nistp256", other.fingerprint)


def test_from_nothing_to_a_host_that_works(rig: Rig, person: Person) -> None:
    """Unknown key, wrong fingerprint, key file 0644, then well; the command line goes on from there."""
    quicken(rig)
    rig.start_sglang()
    rig.wait_http(30000, "/v1/models")
    server = rig.sshd({"LogLevel": "DEBUG2"})
    assistant = person.assistant
    person.find(server)
    until(lambda: assistant.step is assistant.host_key, "the host key")
    step = assistant.host_key
    assert step.shown.text() == server.fingerprint
    QTest.keyClicks(step.expected.edit, rig.sshd(host_key_name="other").fingerprint)
    assert not assistant.onward.isEnabled() and "somebody may be in between" in step.expected.below.text()
    step.expected.edit.clear()
    printed = rig.ssh(f"ssh-keygen -lf {server.config_path.parent.parent}/keys/host-main-ed25519.pub").stdout
    QGuiApplication.clipboard().setText(printed)
    QTest.keyClick(step.expected.edit, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert step.same.isVisible()
    assert "userauth-request" not in server.log()
    person.key.chmod(0o644)
    person.onward()
    until(lambda: assistant.login.about.retry.isVisible(), "the problem of the key")
    assert "chmod 600" in assistant.login.about.remedy.text() and not assistant.onward.isEnabled()
    person.key.chmod(0o600)
    QTest.mouseClick(assistant.login.about.retry, LEFT)
    until(assistant.login.complete, "the key")
    person.onward()
    until(lambda: assistant.step is assistant.there, "the last step")
    until(assistant.there.complete, "the checks")
    checks = assistant.there.checklist.checks
    assert [check.stage for check in checks] == list(Stage)
    assert [check.problem for check in checks if check.problem is not None] == []
    found = assistant.there.found.text()
    assert "Models there: llama4-scout-17b-nvfp4, qwen3-32b-nvfp4" in found
    assert "SGLang runs on port 30000, in the container sglang." in found
    assert not person.access.hosts.path.exists()
    saved: list[HostProfile] = []
    assistant.saved.connect(saved.append)
    person.onward()
    until(lambda: saved, "the end")
    assert person.access.hosts.load().get() == saved[0]
    assert saved[0].fingerprint == server.fingerprint and not assistant.isVisible()
    program = Program(person.access.hosts.path.parent)
    assert all(stage["ok"] for stage in program.json("host", "test")["stages"])
    assert program.json("status")["link"] == "connected"


def test_a_host_that_is_off_and_then_on(rig: Rig, person: Person) -> None:
    server = rig.sshd()
    server.stop()
    assistant = person.assistant
    person.find(server)
    until(lambda: assistant.status.retry.isVisible(), "the problem")
    assert "nothing answers on its SSH port" in assistant.status.said.text()
    assert assistant.status.remedy.text() == "Start sshd on it, or correct the port."
    rig.sshd(port=server.port)
    QTest.mouseClick(assistant.status.retry, LEFT)
    until(lambda: assistant.step is assistant.host_key, "the host key")


def test_a_host_that_hangs_can_be_left_at_once(rig: Rig, person: Person) -> None:
    server = rig.sshd()
    server.freeze()
    assistant = person.assistant
    person.find(server)
    assert isinstance(assistant.status.state, Working)
    QTest.mouseClick(assistant.status.stop, LEFT)
    assert assistant.where.isEnabled() and not assistant.status.isVisible()
    person.find(server)
    QTest.keyClick(assistant, Qt.Key.Key_Escape)
    assert not assistant.isVisible() and not person.access.hosts.path.exists()


def test_a_user_whom_the_host_does_not_know(rig: Rig, person: Person) -> None:
    assistant = person.assistant
    server = rig.sshd(user="nobody")
    person.find(server)
    until(lambda: assistant.step is assistant.host_key, "the host key")
    person.onward()
    until(assistant.login.complete, "the key")
    person.onward()
    until(lambda: assistant.status.retry.isVisible(), "the refusal")
    assert assistant.step is assistant.login and "refuses the login of nobody" in assistant.status.said.text()


def test_a_user_who_may_not_use_docker_can_be_saved_all_the_same(rig: Rig, person: Person) -> None:
    assistant = person.assistant
    person.to_the_end(rig.sshd(user="nodocker"))
    wrong = {check.stage for check in assistant.there.checklist.checks if check.problem is not None}
    assert wrong == {Stage.DOCKER_ALLOWED, Stage.FOLDERS}  # there is no /home/nodocker/ai
    texts = [label.text() for label in assistant.there.checklist.findChildren(QLabel)]
    assert any("usermod -aG docker" in text for text in texts)
    person.onward()
    until(lambda: not assistant.isVisible(), "the end")
    assert person.access.hosts.load().get() is not None


def test_a_folder_that_is_missing_and_another_one(rig: Rig, person: Person) -> None:
    assistant, there = person.assistant, person.assistant.there
    rig.models_folder.rename(rig.models_folder.with_name("moved"))
    person.to_the_end(rig.server)
    folders = next(each for each in there.checklist.checks if each.stage is Stage.FOLDERS)
    assert folders.problem is not None and folders.problem.code == "folder-missing"
    assert "None of the models" in there.found.text()
    there.models.edit.clear()
    QTest.keyClicks(there.models.edit, str(rig.models_folder.with_name("moved")))
    QTest.keyClick(there.models.edit, Qt.Key.Key_Tab)
    until(there.complete, "the checks")
    assert all(each.problem is None for each in there.checklist.checks)
    assert "Models there: " in there.found.text()
    person.onward()
    until(lambda: not assistant.isVisible(), "the end")
    saved = person.access.hosts.load().get()
    assert saved is not None and saved.models_dir == str(rig.models_folder.with_name("moved"))


def test_the_page_tests_a_host_in_place(rig: Rig, person: Person) -> None:
    """Well; and with another key than the pinned one it ends there, and nothing is sent."""
    other = rig.sshd({"LogLevel": "DEBUG2"}, host_key_name="other")
    person.access.hosts.add(profile(rig))
    person.access.hosts.add(profile(rig, other, name="stranger", fingerprint=rig.fingerprint))
    page = HostsPage(Wording("en"), person.background, person.access)
    page.show()
    page.take(None)
    until(lambda: page.view.list.topLevelItemCount() == 2, "the list")
    QTest.mouseClick(page.view.test, LEFT)
    until(lambda: not page.view.status.stop.isVisible(), "the end of the test")
    assert page.view.status.said.text() == "spark is ready to be used."
    QTest.keyClick(page.view.list, Qt.Key.Key_Down)
    QTest.mouseClick(page.view.test, LEFT)
    until(lambda: page.view.status.retry.isVisible(), "the end of the other test")
    last = page.view.checklist.checks[-1]
    assert last.stage is Stage.HOST_KEY and last.problem is not None
    assert last.problem.code == "host-key-changed" and "userauth-request" not in other.log()
