"""Items that take their time, brought to the main thread one by one."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest
from PySide6.QtWidgets import QApplication

from sparktray.ui.background import Background
from sparktray.ui.hosts.walk import Walk
from tests.unit.ui.hosts_setup import until


class Heard:
    """What came, in order, and on which thread."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.ends: list[Exception | None] = []
        self.threads: set[threading.Thread] = set()

    def each(self, item: int) -> None:
        self.items.append(item)
        self.threads.add(threading.current_thread())

    def over(self, error: Exception | None) -> None:
        self.ends.append(error)


@pytest.mark.usefixtures("application")
def test_each_item_and_then_the_end() -> None:
    background, heard = Background(), Heard()
    Walk(background, (n for n in range(5)), heard.each, heard.over)
    until(lambda: heard.ends, "the end")
    assert heard.items == [0, 1, 2, 3, 4] and heard.ends == [None]
    assert heard.threads == {threading.main_thread()}
    background.close()


@pytest.mark.usefixtures("application")
def test_an_error_is_the_end() -> None:
    background, heard = Background(), Heard()

    def fails() -> Generator[int, None, None]:
        yield 1
        raise ValueError("no")

    Walk(background, fails(), heard.each, heard.over)
    until(lambda: heard.ends, "the end")
    assert heard.items == [1] and isinstance(heard.ends[0], ValueError)
    background.close()


@pytest.mark.usefixtures("application")
def test_stopped_within_an_item_it_lets_go_and_nothing_more_is_told() -> None:
    background, heard = Background(), Heard()
    waits, may_go, let_go = threading.Event(), threading.Event(), threading.Event()

    def slowly() -> Generator[int, None, None]:
        try:
            yield 1
            waits.set()
            may_go.wait(20)
            yield 2
        finally:
            let_go.set()

    walk = Walk(background, slowly(), heard.each, heard.over)
    until(waits.is_set, "the second item to be under way")
    walk.stop()
    may_go.set()
    until(let_go.is_set, "the generator to be closed")
    QApplication.processEvents()
    assert heard.items == [1] and heard.ends == []
    background.close()
