"""Copying: the exact text or nothing, proven by reading it back."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtGui import QClipboard, QGuiApplication

from sparktray.domain.text import has_hidden


class Copied(StrEnum):
    """How copying ended."""

    DONE = "done"
    REFUSED = "refused"  # the text holds characters that nobody can see
    FAILED = "failed"  # what is on the clipboard is not what was put there


def copy(text: str) -> Copied:
    """Put the text on the clipboard, unchanged, and on X11 on the selection of the middle button too."""
    if has_hidden(text):
        return Copied.REFUSED
    clipboard = QGuiApplication.clipboard()
    clipboard.setText(text, QClipboard.Mode.Clipboard)
    if clipboard.text(QClipboard.Mode.Clipboard) != text:
        return Copied.FAILED
    if clipboard.supportsSelection():
        clipboard.setText(text, QClipboard.Mode.Selection)
    return Copied.DONE
