"""Jobs away from the main thread, and their outcome back on it."""

from __future__ import annotations

import logging
import threading

import pytest
from PySide6.QtWidgets import QApplication

from sparktray.ui.background import Background
from tests.waiting import wait_until


def _until(application: QApplication, condition: object, what: str) -> None:
    def met() -> bool:
        application.processEvents()
        return bool(condition() if callable(condition) else condition)

    wait_until(met, what)


def test_the_value_comes_on_the_main_thread(application: QApplication) -> None:
    background = Background()
    seen: list[tuple[str, bool]] = []
    background.run(
        lambda: threading.current_thread().name,
        lambda name: seen.append((name, threading.current_thread() is threading.main_thread())),
    )
    _until(application, lambda: seen, "the value")
    assert seen == [("sparktray-background", True)]


def test_an_error_comes_where_it_is_wanted(application: QApplication) -> None:
    background = Background()
    seen: list[str] = []

    def fails() -> None:
        raise ValueError("no")

    background.run(fails, lambda _: seen.append("done"), lambda error: seen.append(str(error)))
    _until(application, lambda: seen, "the error")
    assert seen == ["no"]


def test_an_error_nobody_waits_for_is_logged(
    application: QApplication, caplog: pytest.LogCaptureFixture
) -> None:
    background = Background()

    def fails() -> None:
        raise ValueError("nobody looks")

    with caplog.at_level(logging.ERROR):
        background.run(fails, lambda _: None)
        _until(application, lambda: caplog.records, "the log")
    assert "nobody looks" in caplog.text


def test_what_was_cancelled_or_comes_after_the_end_is_dropped(application: QApplication) -> None:
    background = Background()
    go, seen = threading.Event(), list[str]()

    def waits(name: str) -> str:
        go.wait(10)
        return name

    cancelled = background.run(lambda: waits("cancelled"), seen.append)
    background.run(lambda: waits("kept"), seen.append)
    cancelled.cancel()
    go.set()
    _until(application, lambda: seen, "the one that is kept")
    background.close()
    background.run(lambda: "late", seen.append)
    wait_until(
        lambda: not any(t.name == "sparktray-background" for t in threading.enumerate()), "the threads' end"
    )
    application.processEvents()
    assert seen == ["kept"]
