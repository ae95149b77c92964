"""Copying: the exact text or nothing, proven by reading it back."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import assert_never

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QClipboard, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from sparktray.decide.clients.remembered import CopiedId
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import has_hidden
from sparktray.ui.background import Background
from sparktray.ui.theme import AROUND, GRID
from sparktray.wording import Wording

# Without the compositor's data-control protocol wl-copy waits for the focus, which it may never get
# (wl-clipboard issue 169, and 269 of GNOME).
_PROGRAM_SECONDS = 3.0
# So wide that an ID such as org/name-32b-instruct-nvfp4 is seen whole.
_FIELD_CHARACTERS = 48


class Copied(StrEnum):
    """How copying ended."""

    DONE = "done"
    REFUSED = "refused"  # the text holds characters that nobody can see
    FAILED = "failed"  # what is on the clipboard is not what was put there
    OFFERED = "offered"  # it stands in a window now, for the person to copy


def answer(copied: Copied) -> Phrase:
    """How copying went, as a row or a button says it."""
    match copied:
        case Copied.DONE:
            return phrase("Copied")
        case Copied.REFUSED:
            return phrase("Not copied: the model ID holds hidden characters")
        case Copied.FAILED:
            return phrase("Not copied: the clipboard cannot be written")
        case Copied.OFFERED:
            return phrase("Not copied yet: press Copy in the window")
        case _:  # pragma: no cover
            assert_never(copied)


class Copier(QObject):
    """Copies on any desktop. Main thread only.

    On Wayland the compositor takes a selection only from the client that has the focus (wl_data_device
    .set_selection), which a tray has not: `wl-copy` then does it, else a window for it is shown. Emits
    ``given`` with each `CopiedId` that is on the clipboard.
    """

    given = Signal(object)

    def __init__(self, say: Wording, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._background = background
        self._window: CopyWindow | None = None

    def copy(self, text: str, told: Callable[[Copied], None], *, lines: bool = False) -> None:
        """Put the text on the clipboard, unchanged; ``told`` gets the outcome, at once or later.

        OFFERED is followed by DONE when a person copies it from the window. Text with characters that nobody
        can see is refused, but for the ends of lines where it has ``lines``.
        """
        if any(map(has_hidden, text.split("\n"))) if lines else has_hidden(text):
            told(Copied.REFUSED)
        elif _may_not_own():
            self._background.run(
                lambda: copied_by_program(text),
                lambda done: told(Copied.DONE) if done else self._offer(text, told),
            )
        else:
            told(_put(text))

    def give(
        self, copied: CopiedId, text: str, told: Callable[[Copied], None], *, lines: bool = False
    ) -> None:
        """Copy ``text``, which holds that ID, for its client; see ``copy``."""

        def over(outcome: Copied) -> None:
            if outcome is Copied.DONE:
                self.given.emit(copied)
            told(outcome)

        self.copy(text, over, lines=lines)

    def close(self) -> None:
        """Take the window away."""
        if self._window is not None:
            self._window.close()

    def _offer(self, text: str, told: Callable[[Copied], None]) -> None:
        """Show it in a window; that it was copied from there is told too."""
        if self._window is None:
            self._window = CopyWindow(self._say)
        self._window.show_text(text, lambda: told(Copied.DONE))
        told(Copied.OFFERED)


def _may_not_own() -> bool:
    return QGuiApplication.platformName() == "wayland" and QGuiApplication.focusWindow() is None


def copy_lines(lines: Iterable[str]) -> bool:
    """Put lines for a person on the clipboard, whole; False when something else is there afterwards."""
    text = "\n".join(lines)
    clipboard = QGuiApplication.clipboard()
    clipboard.setText(text)
    return clipboard.text() == text


def copy(text: str) -> Copied:
    """Put text of one line on the clipboard; with characters that nobody can see it is refused."""
    return Copied.REFUSED if has_hidden(text) else _put(text)


def _put(text: str) -> Copied:
    """By Qt, and on X11 on the selection of the middle button too."""
    clipboard = QGuiApplication.clipboard()
    clipboard.setText(text, QClipboard.Mode.Clipboard)
    if clipboard.text(QClipboard.Mode.Clipboard) != text:
        return Copied.FAILED
    if clipboard.supportsSelection():
        clipboard.setText(text, QClipboard.Mode.Selection)
    return Copied.DONE


def copied_by_program(text: str) -> bool:
    """Copy with wl-copy and read back with wl-paste; False without them or when they fail. Not on the
    main thread: both are processes.
    """
    exact = text.encode()
    # wl-copy stays behind as a process that offers the text: it must not hold a pipe of ours open.
    quiet = subprocess.DEVNULL
    try:
        subprocess.run(
            ["wl-copy", "--type", "text/plain"],
            input=exact,
            stdout=quiet,
            stderr=quiet,
            timeout=_PROGRAM_SECONDS,
            check=True,
        )
        back = subprocess.run(
            ["wl-paste", "--no-newline"],
            stdin=quiet,
            stdout=subprocess.PIPE,
            stderr=quiet,
            timeout=_PROGRAM_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return back.stdout == exact


class CopyWindow(QDialog):
    """Holds one text with a Copy button: with the focus on it copying is allowed."""

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._text = ""
        self._done: Callable[[], None] = lambda: None
        self._why = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._field = QLineEdit(self, readOnly=True)
        self._field.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._field.setMinimumWidth(self._field.fontMetrics().averageCharWidth() * _FIELD_CHARACTERS)
        buttons = QDialogButtonBox(self)
        self._copy = buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        self._close = buttons.addButton("", QDialogButtonBox.ButtonRole.RejectRole)
        self._copy.setDefault(True)
        buttons.accepted.connect(self._copy_it)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(GRID)
        for widget in (self._why, self._field, buttons):
            column.addWidget(widget)

    def show_text(self, text: str, done: Callable[[], None] = lambda: None) -> None:
        """Come to the front with that text; ``done`` is called once it is copied."""
        self._text, self._done = text, done
        self._field.setText(text)
        self._field.setCursorPosition(0)
        self._tell(failed=False)
        self.show()
        self.raise_()
        self.activateWindow()
        self._copy.setFocus()

    def _tell(self, *, failed: bool) -> None:
        self.setWindowTitle(self._say(phrase("Copy to the clipboard")))
        if failed:
            why = phrase("The clipboard cannot be written. Select the text, then copy it with the keyboard.")
        else:
            why = phrase("This desktop lets a program copy only from a window of its own.")
        self._why.setText(self._say(why))
        self._field.setAccessibleName(self._say(phrase("Text to copy")))
        self._copy.setText(self._say(phrase("Copy")))
        self._close.setText(self._say(phrase("Close")))

    def _copy_it(self) -> None:
        if _put(self._text) is Copied.DONE:
            self.close()
            self._done()
        else:
            self._tell(failed=True)
            self._field.setFocus()
            self._field.selectAll()
