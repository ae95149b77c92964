"""A page of the journal on a screen, and the journal behind it, as tests of both use them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QListView, QPushButton

from sparktray.decide.changing import steps
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    OperationKind,
    StepRun,
    StepState,
    SwitchWish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import Snapshot
from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder
from sparktray.ui.background import Background
from sparktray.ui.panel.controls import Text
from sparktray.ui.panel.journal.entry_list import EntryList
from sparktray.ui.panel.journal.page import JournalPage
from sparktray.wording import Wording
from tests.unit.cli import pictures
from tests.unit.ui.panel_pictures import on_screen
from tests.waiting import wait_until

OLD = Container("abc123", "sglang", "image", ContainerState.RUNNING)
IDLE = pictures.picture()
_TIME = re.compile(r"\d+:\d\d")
TEXT = Qt.ItemDataRole.AccessibleTextRole
BELOW = Qt.ItemDataRole.AccessibleDescriptionRole


def run(
    step: object, state: StepState = StepState.DONE, seconds: float = 1.5, *, back: bool = False
) -> StepRun:
    ended = None if state is StepState.RUNNING else 100.0 + seconds
    return StepRun(step, state, back, 100.0, ended)  # type: ignore[arg-type]


def switch(name: str, end: OperationEnd | None = OperationEnd.DONE, *runs: StepRun, **more: Any) -> Operation:
    made = Operation(
        *(1, name, SwitchWish("coder"), OperationKind.SWITCH, time.time() - 92.0),
        server="sglang",
        model="coder",
        runs=runs,
        end=end,
    )
    return replace(made, **more)


STOP = run(steps.stop(OLD, None))
BROKE = Failure("exited", phrase("It ended."), phrase("Look at its log."), ("a log line",))


def until(condition: Callable[[], object], what: str) -> None:
    def met() -> object:
        QApplication.processEvents()
        return condition()

    wait_until(met, what, seconds=10)


@dataclass
class Desk:
    """The page on a screen, and the journal behind it."""

    page: JournalPage
    journal: Journal
    folder: Path
    wished: list[object] = field(default_factory=list)

    @property
    def entries(self) -> EntryList:
        found = self.page.findChild(EntryList)
        assert isinstance(found, EntryList)
        return found

    @property
    def steps(self) -> QListView:
        return self.page.findChildren(QListView, "steps")[0]

    def take(self, snapshot: Snapshot | None) -> None:
        self.page.take(snapshot)
        QApplication.processEvents()

    def shows(self, *rows: str) -> None:
        until(lambda: self.heard() == list(rows), f"the rows {rows}")

    def heard(self) -> list[str]:
        """What a screen reader says of each row, without the time of day."""
        told = [str(self._cell(row, TEXT)).split(", ") for row in range(self.entries.model().rowCount())]
        return [", ".join(part for part in each if not _TIME.match(part)) for each in told]

    def below(self, row: int) -> str:
        return str(self._cell(row, BELOW))

    def _cell(self, row: int, role: Qt.ItemDataRole) -> object:
        return self.entries.model().index(row, 0).data(role)

    def open(self, row: int) -> None:
        """As a person does, with the mouse."""
        place = self.entries.visualRect(self.entries.model().index(row, 0)).center()
        QTest.mouseClick(self.entries.viewport(), Qt.MouseButton.LeftButton, pos=place)

    def texts(self) -> list[str]:
        return [each.text() for each in self.page.findChildren(Text) if each.isVisible()]

    def buttons(self) -> dict[str, QPushButton]:
        found = [each for each in self.page.findChildren(QPushButton) if each.isVisible()]
        return {each.accessibleName() or each.text(): each for each in found}

    def step_rows(self) -> list[str]:
        rows = self.steps.model()
        return [str(rows.index(n, 0).data(TEXT)) for n in range(rows.rowCount())]

    def seconds(self, count: int) -> None:
        for _ in range(count):
            self.page.tick()
            QApplication.processEvents()


@contextmanager
def opened(folder: Path) -> Iterator[Desk]:
    """A page of its own on the screen, with a journal in that folder."""
    journal = Journal(ConfigFolder(folder))
    background = Background()
    page = JournalPage(Wording("en"), background, _Guarded(journal))
    page.resize(560, 400)
    made = Desk(page, journal, folder / "journal")
    page.wished.connect(made.wished.append)
    with on_screen(page):
        page.activateWindow()
        yield made
        page.left()
    background.close()


class _Guarded(Journal):
    """A journal that is never touched by the main thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __getattribute__(self, name: str) -> Any:
        journal = object.__getattribute__(self, "_journal")

        def guarded(*words: Any) -> Any:
            assert threading.current_thread() is not threading.main_thread(), name
            return getattr(journal, name)(*words)

        return guarded
