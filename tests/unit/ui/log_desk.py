"""A log page on a screen, and the host behind it, as tests of both use them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from sparktray.domain.snapshot import Snapshot
from sparktray.ui.panel.controls import Text
from sparktray.ui.panel.logs.page import LogPage
from sparktray.ui.panel.logs.view import LogView
from sparktray.wording import Wording
from tests.unit.cli import pictures
from tests.unit.ui.log_source import Printed, Source
from tests.waiting import wait_until


def until(condition: Callable[[], object], what: str) -> None:
    """Let Qt work until the condition holds."""

    def met() -> object:
        QApplication.processEvents()
        return condition()

    wait_until(met, what)


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("sparktray-log")]


W = TypeVar("W", bound=QWidget)


@dataclass
class Desk:
    """The page on a screen, and the host behind it."""

    page: LogPage
    source: Source
    connected: bool = True

    @property
    def view(self) -> LogView:
        return self.part(LogView)

    @property
    def field(self) -> QLineEdit:
        """Where the text to search for is typed."""
        return self.part(QLineEdit)

    def part(self, kind: type[W], name: str = "") -> W:
        """The one of that kind; of several the one with that text."""
        return next(e for e in self.page.findChildren(kind) if name in {"", e.property("text")})

    def take(self, snapshot: Snapshot | None) -> None:
        self.page.take(snapshot)
        QApplication.processEvents()

    def log(self, number: int = -1) -> Printed:
        """One of the logs that were opened, the last one unless told otherwise."""
        until(lambda: self.source.opened, "an open log")
        return self.source.opened[number]

    def texts(self) -> list[str]:
        """The sentences that are seen."""
        return [each.text() for each in self.page.findChildren(Text) if each.isVisibleTo(self.page)]

    def shows(self, *lines: str) -> None:
        until(lambda: tuple(self.view.lines) == lines, f"the lines {lines}")
        assert self.view.toPlainText() == "\n".join(lines)

    def filled(self, count: int) -> None:
        """A log of so many lines, at its end."""
        self.take(running())
        self.log()
        self.view.add([f"line {n}" for n in range(count)])
        self.take(running())
        assert self.view.isVisible()


@contextmanager
def opened() -> Iterator[Desk]:
    """A page of its own, and no thread of it left afterwards."""
    window = QWidget()  # without a layout, so that none asks the platform for sizes it does not know
    source = Source()
    made = Desk(LogPage(Wording("en"), lambda: source.remote() if made.connected else None, window), source)
    made.page.resize(560, 360)
    window.show()
    yield made
    made.page.left()
    wait_until(lambda: not threads(), "the end of the threads")


def running(**changes: object) -> Snapshot:
    made = pictures.picture(pictures.ready())
    return replace(made, **changes)


def with_container(**changes: object) -> Snapshot:
    """The ready server with another container."""
    made = pictures.picture(pictures.ready())
    states = tuple(
        replace(state, container=replace(state.container, **changes))
        if state.container is not None
        else state
        for state in made.servers
    )
    return replace(made, servers=states)
