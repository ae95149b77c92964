"""A password asked for by the window, used on a real sshd, kept in a real keyring."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sparktray.domain.host import Login
from sparktray.domain.snapshot import LinkPhase
from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from sparktray.ui.desk import Desk
from sparktray.ui.hosts.secret_window import SecretWindow
from sparktray.wiring import open_program
from sparktray.wording import Wording
from tests.canary import CANARY
from tests.rig.driving import profile
from tests.rig.keyring import SecretService, secret_service
from tests.rig.people import PASSWORD
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def application(monkeypatch: pytest.MonkeyPatch) -> QApplication:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    found = QApplication.instance()
    return found if isinstance(found, QApplication) else QApplication([])


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[SecretService]:
    home = tmp_path / "home"
    home.mkdir()
    with secret_service(home) as (_, service):
        yield service


@pytest.fixture
def server(rig: Rig) -> Sshd:
    return rig.sshd({"PasswordAuthentication": "yes", "LogLevel": "DEBUG2"})


def until(condition: Callable[[], Any], what: str) -> None:
    def met() -> bool:
        QApplication.processEvents()
        return bool(condition())

    wait_until(met, what, seconds=20)


def begun(rig: Rig, server: Sshd, folder: Path) -> Desk:
    host = profile(rig, server, login=Login.PASSWORD, key_file=None)
    HostsFile(ConfigFolder(folder)).add(host)
    desk = Desk(Wording("en"), open_program(folder), host)
    desk._begin(host)  # as `open` does, which also goes to the desktop's bus
    return desk


def link(desk: Desk) -> LinkPhase | None:
    return None if desk._latest is None else desk._latest.link


def windows() -> list[SecretWindow]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, SecretWindow) and w.isVisible()]


def tries(server: Sshd) -> int:
    return server.log().count("service ssh-connection method password")


def test_a_password_is_asked_for_when_a_person_wants_and_kept(
    rig: Rig, server: Sshd, tmp_path: Path, keyring: SecretService
) -> None:
    folder = tmp_path / "config"
    desk = begun(rig, server, folder)
    try:
        until(lambda: link(desk) is LinkPhase.BLOCKED, "a login that waits for a person")
        assert windows() == []
        assert tries(server) == 0
        desk._try_now()
        until(windows, "the question")
        (window,) = windows()
        QTest.keyClicks(window.edit, f"{CANARY} no")
        window.accept()
        until(lambda: windows() and windows() != [window], "the question again")
        (again,) = windows()
        assert again.what.text().startswith("That was not right.")
        QTest.keyClicks(again.edit, PASSWORD)
        again.accept()
        until(lambda: link(desk) is LinkPhase.CONNECTED, "the connection")
        assert tries(server) == 2
    finally:
        desk.close()
    (kept,) = keyring.values().values()
    assert json.loads(kept) == {"password": PASSWORD}
    later = begun(rig, server, folder)
    try:
        until(lambda: link(later) is LinkPhase.CONNECTED, "the connection without a question")
        assert windows() == []
    finally:
        later.close()


@pytest.mark.fault("S18")
def test_a_no_leaves_it_waiting_and_nothing_is_sent(
    rig: Rig, server: Sshd, tmp_path: Path, keyring: SecretService
) -> None:
    desk = begun(rig, server, tmp_path / "config")
    try:
        until(lambda: link(desk) is LinkPhase.BLOCKED, "a login that waits for a person")
        desk._try_now()
        until(windows, "the question")
        windows()[0].reject()
        until(lambda: link(desk) is LinkPhase.BLOCKED and not windows(), "the login waiting again")
        assert tries(server) == 0
        assert keyring.values() == {}
    finally:
        desk.close()
