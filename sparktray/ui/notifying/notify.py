"""Showing notifications: one of a key at a time, a later one in the place of an earlier one."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

import msgspec
from PySide6.QtWidgets import QSystemTrayIcon


class Weight(IntEnum):
    """How much it matters, by the numbers of the Desktop Notifications Specification."""

    LOW = 0
    NORMAL = 1
    CRITICAL = 2


class Message(msgspec.Struct, frozen=True):
    """A notification as text. ``action`` is the label of its one button, None without one.

    ``opening`` says what a click on the notification itself does, for services that write it out.
    """

    key: str
    title: str
    text: str
    weight: Weight = Weight.NORMAL
    action: str | None = None
    opening: str = ""


class Notifier(Protocol):
    """Where notifications go. Called on the main thread, never blocks, never fails."""

    def show(self, message: Message) -> None:
        """Show it, in place of the one of the same key."""
        ...

    def withdraw(self, key: str) -> None:
        """Take the one of that key back."""
        ...

    def close(self) -> None:
        """End."""
        ...


class TrayMessages:
    """Notifications by the tray icon itself, for Windows and macOS; they cannot be taken back there.

    A click on one is the icon's ``messageClicked``.
    """

    # Windows 10 and later ignore the time; macOS shows its own.
    _MILLISECONDS = 10_000

    def __init__(self, icon: QSystemTrayIcon) -> None:
        self._icon = icon

    def show(self, message: Message) -> None:
        """Show it; the button is left out."""
        kinds = QSystemTrayIcon.MessageIcon
        kind = kinds.Critical if message.weight is Weight.CRITICAL else kinds.Information
        self._icon.showMessage(message.title, message.text, kind, self._MILLISECONDS)

    def withdraw(self, key: str) -> None:
        """Nothing: these vanish by themselves."""

    def close(self) -> None:
        """Nothing to end."""
