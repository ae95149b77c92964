"""The panel's page with what was done, after real switches of this program and of another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QListView, QPushButton

from sparktray.domain.operation import SwitchWish
from sparktray.domain.snapshot import LinkPhase
from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from sparktray.ui.desk import Desk
from sparktray.ui.panel.controls import Text
from sparktray.ui.panel.journal.entry_list import EntryList
from sparktray.ui.panel.journal.page import JournalPage
from sparktray.wiring import open_program
from sparktray.wording import Wording
from tests.rig.driving import Program, profile, quicken
from tests.rig.rig import Rig
from tests.waiting import wait_until

SCOUT, CODER = "llama4-scout-17b-nvfp4", "qwen3-coder-30b-nvfp4"
SWITCHED = f"Switched to {CODER} on sglang"


@pytest.fixture(autouse=True)
def application(monkeypatch: pytest.MonkeyPatch) -> QApplication:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    found = QApplication.instance()
    return found if isinstance(found, QApplication) else QApplication([])


def until(condition: Callable[[], Any], what: str) -> None:
    def met() -> bool:
        QApplication.processEvents()
        return bool(condition())

    wait_until(met, what, seconds=60)


class Person:
    """Somebody with the panel before their eyes, at the page of the journal."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk._front.present()
        rooms = desk._front._rooms
        assert rooms is not None
        (page,) = rooms.panel.findChildren(JournalPage)
        rooms.panel.show_page(page)
        self.page = page

    def rows(self) -> list[str]:
        """The sentences of the list."""
        model = self.page.findChildren(EntryList)[0].model()
        return [str(model.index(row, 0).data()) for row in range(model.rowCount())]

    def open(self, row: int) -> None:
        listed = self.page.findChildren(EntryList)[0]
        listed.setCurrentIndex(listed.model().index(row, 0))
        QTest.keyClick(listed, Qt.Key.Key_Return)

    def steps(self) -> list[str]:
        """What is heard of each step, without its time."""
        model = self.page.findChildren(QListView, "steps")[0].model()
        heard = Qt.ItemDataRole.AccessibleTextRole
        told = (str(model.index(row, 0).data(heard)).split(", ") for row in range(model.rowCount()))
        return [", ".join(parts[:2]) for parts in told]

    def texts(self) -> list[str]:
        return [each.text() for each in self.page.findChildren(Text) if each.isVisible()]

    def button(self, text: str) -> QPushButton | None:
        found = (each for each in self.page.findChildren(QPushButton) if each.isVisible())
        return next((each for each in found if text in {each.text(), each.accessibleName()}), None)

    def press(self, text: str) -> None:
        button = self.button(text)
        assert button is not None
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@contextmanager
def at_the_page(rig: Rig, folder: Path) -> Iterator[Person]:
    host = profile(rig)
    if HostsFile(ConfigFolder(folder)).load().get() is None:
        HostsFile(ConfigFolder(folder)).add(host)
    desk = Desk(Wording("en"), open_program(folder), host)
    desk._begin(host)  # as `open` does, which also goes to the desktop's bus
    try:
        until(lambda: desk._latest and desk._latest.link is LinkPhase.CONNECTED, "the connection")
        until(lambda: desk._latest and desk._latest.containers_known, "what runs")
        yield Person(desk)
    finally:
        desk.close()


def test_switches_of_this_program(rig: Rig, tmp_path: Path) -> None:
    """One under way is seen going on; one that failed tells why, here and on the command line."""
    quicken(rig)
    folder = tmp_path / "config"
    with at_the_page(rig, folder) as person:
        until(lambda: "Nothing was done yet." in person.texts(), "the empty page")
        person.desk._asked(SwitchWish(CODER))
        until(lambda: person.rows() and person.rows()[0].startswith(f"Switching to {CODER}: "), "the row")
        until(lambda: person.rows() == [SWITCHED], "its end")
        person.open(0)
        assert "Start sglang, done" in person.steps()
        assert f"Ask {CODER} for a first answer, done" in person.steps()
        person.press("All operations")

        rig.behave(SCOUT, fail="oom")
        person.desk._asked(SwitchWish(SCOUT))
        failed = f"Switching to {SCOUT}: failed. What ran before runs again."
        until(lambda: person.rows() == [failed, SWITCHED], "the end of the second one")
        person.open(0)
        assert f"Load {SCOUT}, failed" in person.steps()
        assert "Going back: Start sglang again, done" in person.steps()
        _, sentence, cause, remedy = person.texts()
        assert sentence == failed and cause == "The memory of the host is not enough for this model."
    program = Program(folder)
    (_, second) = program.json("journal")["operations"]
    assert second["end"] == "rolled-back" and second["cause"] == cause and second["remedy"] == remedy
    assert f"    {cause}" in program.ok("journal").splitlines()
    with at_the_page(rig, folder) as later:
        until(lambda: later.rows() == [failed, SWITCHED], "both, from the disk")
        later.open(0)
        assert "Going back: Start sglang again, done" in later.steps() and cause in later.texts()


def test_a_switch_of_another_program_that_was_killed(rig: Rig, tmp_path: Path) -> None:
    """It is followed while it runs, told as broken off afterwards, and finished from here."""
    quicken(rig)
    program = Program(tmp_path / "config")
    program.add(rig)
    program.ok("switch", SCOUT)
    rig.behave(CODER, fail="never")
    with at_the_page(rig, program.config) as person:
        with program.start("switch", CODER) as switching:
            wait_until(lambda: rig.inspect("sglang.previous") and rig.inspect("sglang"), "the new container")
            until(lambda: person.rows()[0] == f"Switching to {CODER}: Load {CODER}", "the row")
            person.open(0)
            assert "Another program on this computer is at work on it." in person.texts()
            switching.kill()
        rig.behave(CODER, fail=None)
        rig.docker("kill", "sglang")
        until(lambda: person.button("Finish"), "the ways on")
        assert f"Load {CODER}, broken off" in person.steps()
        person.press("Finish")
        until(lambda: SWITCHED in person.texts(), "its end")
        person.press("All operations")
        assert person.rows()[:2] == [SWITCHED, f"Switching to {CODER}: broken off."]
    assert rig.model_ids(30000) == [CODER]
