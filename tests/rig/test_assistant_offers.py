"""A host named in ~/.ssh/config is chosen in the assistant, and ends as a saved host that works."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMessageLogContext, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sparktray.domain.host import HostProfile
from sparktray.store.catalogue_file import load_catalogue
from sparktray.store.paths import ConfigFolder
from sparktray.ui.background import Background
from sparktray.ui.hosts.access import Access
from sparktray.ui.hosts.assistant import Assistant
from sparktray.ui.hosts.secret_window import PersonAtDesk
from sparktray.ui.hosts.steps.offers import offers
from sparktray.wiring import dialer, key_setup, open_program, shown_key, vault_of
from sparktray.wording import Wording
from tests.rig.rig import Rig
from tests.waiting import wait_until

# What Qt 6.11 says of its offscreen platform, and not of the program.
OFFSCREEN = ("This plugin does not support propagateSizeHints()", "This plugin does not support raise()")
LEFT = Qt.MouseButton.LeftButton
CONFIG = """
Host elsewhere
    HostName 192.0.2.1
    ProxyJump bastion
Host my-spark
    HostName {address}
    Port {port}
    IdentityFile ~/keys/missing
    IdentityFile "~/keys/for the spark"
Host my-*
    User {user}
"""


@pytest.fixture(scope="module")
def application() -> QApplication:
    """The one application object."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    return QApplication(["sparktray", "-platform", "offscreen"])


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


@pytest.fixture
def background() -> Iterator[Background]:
    """What the windows have done elsewhere."""
    made = Background()
    yield made
    made.close()


def until(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> None:
    """Let Qt work until it is so."""

    def met() -> bool:
        QApplication.processEvents()
        return bool(condition())

    wait_until(met, what, seconds=seconds)


def test_from_an_alias_to_a_saved_host(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, background: Background
) -> None:
    """The key lies outside ~/.ssh: only the configuration can have named it, and that is not written."""
    monkeypatch.setenv("HOME", str(tmp_path))
    server = rig.server
    for name in (".ssh", "keys"):
        (tmp_path / name).mkdir(mode=0o700)
    key = tmp_path / "keys/for the spark"
    shutil.copy(rig.client_key, key)
    config = tmp_path / ".ssh/config"
    config.write_text(CONFIG.format(address=server.address, port=server.port, user=server.user))
    before = config.read_bytes()
    folder = ConfigFolder(tmp_path / "config")
    catalogue = load_catalogue(folder)
    program = open_program(folder.path)
    person = PersonAtDesk(Wording("en"))
    access = Access(
        *(program.hosts, dialer(program.vault, person), shown_key, lambda: catalogue),
        *(key_setup(program, person), program.vault.forget, person),
    )

    assistant = Assistant(Wording("en"), background, access)
    assistant.show()
    known = assistant.where.known
    until(known.isVisible, "what is offered")
    assert [known.list.item(row).text() for row in range(known.list.count())] == [
        f"my-spark – {server.user}@{server.address}:{server.port}"
    ]
    QTest.mouseClick(known.list.viewport(), LEFT, pos=known.list.visualItemRect(known.list.item(0)).center())
    QTest.mouseClick(assistant.onward, LEFT)
    until(lambda: assistant.step is assistant.host_key, "the host key")
    assert assistant.host_key.shown.text() == server.fingerprints["ed25519"]
    QTest.mouseClick(assistant.onward, LEFT)
    until(assistant.login.complete, "the key to be looked at")
    QTest.mouseClick(assistant.onward, LEFT)
    until(lambda: assistant.step is assistant.there, "the login, and the last step")
    until(assistant.there.complete, "the checks")
    saved: list[HostProfile] = []
    assistant.saved.connect(saved.append)
    QTest.mouseClick(assistant.onward, LEFT)
    until(lambda: saved, "the end")

    host = access.hosts.load().get()
    assert host is not None and saved == [host]
    assert (host.name, host.address, host.port) == ("my-spark", server.address, server.port)
    assert (host.user, host.key_file) == (server.user, str(key))
    assert host.fingerprint == server.fingerprints["ed25519"]
    remote = dialer(vault_of(folder))(host)
    try:
        assert remote.run(["true"], deadline=10.0).stdout == b""
    finally:
        remote.close()
    assert config.read_bytes() == before
    assert offers(access.offered(), access.hosts.load().profiles, "") == ()
