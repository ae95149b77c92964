"""The assistant, opened at one of its steps."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from sparktray.ui.hosts.assistant import Assistant
from sparktray.wording import Wording
from tests.unit.ui.hosts_setup import Setting, until

ENTER = Qt.Key.Key_Return


def shown(around: Setting, say: Wording | None = None) -> Assistant:
    """A new assistant, once it knows whose names are taken."""
    assistant = Assistant(say or Wording("en"), around.background, around.access)
    assistant.show()
    until(lambda: assistant.where.name.text, "the names to be known")
    return assistant


def fill(assistant: Assistant, port: int = 22) -> None:
    assistant.where.address.edit.setText("127.0.0.1")
    assistant.where.port.setValue(port)
    assistant.where.user.edit.setText("sparkuser")
    assistant.where.name.edit.setText("spark-1")


def at_host_key(around: Setting, port: int = 22, say: Wording | None = None) -> Assistant:
    assistant = shown(around, say)
    fill(assistant, port)
    QTest.keyClick(assistant.where.address.edit, ENTER)
    until(lambda: assistant.step is assistant.host_key, "the host key")
    return assistant


def at_login(around: Setting, port: int = 22, say: Wording | None = None) -> Assistant:
    assistant = at_host_key(around, port, say)
    QTest.mouseClick(assistant.onward, Qt.MouseButton.LeftButton)
    assert assistant.step is assistant.login
    return assistant


def at_the_end(around: Setting, port: int, say: Wording | None = None) -> Assistant:
    assistant = at_login(around, port, say)
    until(assistant.login.complete, "the key to be looked at")
    QTest.keyClick(assistant, ENTER)
    until(lambda: assistant.step is assistant.there, "the last step")
    until(assistant.there.complete, "the checks to end", 20)
    return assistant
