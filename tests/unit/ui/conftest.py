"""Qt without a display, one application for all tests, and its warnings as failures."""

from __future__ import annotations

import os

# Qt reads it when the application object is made.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

_QUIET = frozenset({QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg})
# What the platform without a screen says of every window that is shown or brought to the front.
_OFFSCREEN = frozenset(f"This plugin does not support {what}()" for what in ("propagateSizeHints", "raise"))


@pytest.fixture(scope="session")
def application() -> QApplication:
    """The one application object a process may have."""
    existing = QApplication.instance()
    return existing if isinstance(existing, QApplication) else QApplication(["sparktray"])


@pytest.fixture(autouse=True)
def qt_messages(application: QApplication) -> Iterator[list[str]]:
    """What Qt warned of during the test; the test fails when anything is left in the list."""
    heard: list[str] = []

    def hear(kind: QtMsgType, _where: QMessageLogContext, text: str) -> None:
        if kind not in _QUIET and text not in _OFFSCREEN:
            heard.append(text)

    before = qInstallMessageHandler(hear)
    yield heard
    for window in QApplication.topLevelWidgets():
        window.hide()  # one that a test left on the screen would take the next one's mouse
    qInstallMessageHandler(before)
    assert heard == []
