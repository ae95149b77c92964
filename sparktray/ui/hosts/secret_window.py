"""The window that asks for what a login needs, and the road to it from the thread that connects."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from sparktray.control.login.credentials import LoginQuestion
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.secret import Secret
from sparktray.domain.snapshot import LinkPhase
from sparktray.remote.errors import SecretMissing
from sparktray.ui.hosts.window import HostWindow
from sparktray.ui.painting.texts import button, line, selectable, tint
from sparktray.ui.panel.controls import AccentButton
from sparktray.ui.theme import AROUND, GRID, tones
from sparktray.wording import Wording

_WIDTH = 440
LOGIN = phrase("Login")


class SecretWindow(HostWindow):
    """One question. Main thread only; `given` is the answer once it was accepted.

    Enter means OK only when something was typed; Escape and the window's own button mean Cancel.
    """

    def __init__(
        self, say: Wording, question: LoginQuestion, parent: QWidget | None = None, title: Phrase = LOGIN
    ) -> None:
        super().__init__(say, parent)
        self._question, self._title = question, title
        self.what, self.prompt, self.note = line(), selectable(), line()
        self.edit, self.seen, self.keep = QLineEdit(), QCheckBox(), QCheckBox()
        self.cancel, self.ok = button(), AccentButton()
        self.keep.setChecked(True)
        self.seen.setChecked(question.echo)
        self.cancel.setAutoDefault(True)
        self.ok.setDefault(True)
        # Else input methods would learn it, and offer it in the next window.
        self.edit.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText
        )
        self.edit.textChanged.connect(self._allow)
        self.seen.toggled.connect(self._allow)
        self.cancel.clicked.connect(self.reject)
        self.ok.clicked.connect(self.accept)
        self._lay_out()
        self.tell()
        self._allow()

    @property
    def given(self) -> Secret | None:
        """The answer; None when it was cancelled."""
        if self.result() != self.DialogCode.Accepted:
            return None
        return Secret(self.edit.text())

    def tell(self) -> None:
        """See `HostWindow`."""
        super().tell()
        say, what = self.say, self.say(self._question.what)
        self.setWindowTitle(say(self._title))
        self.what.setText(what)
        self.prompt.setText(self._question.prompt)
        tint(self.prompt, tones().quiet)
        self.note.setText("" if self._question.note is None else say(self._question.note))
        tint(self.note, tones().quiet)
        self.edit.setAccessibleName(what)
        self.edit.setAccessibleDescription(self._question.prompt)
        self.seen.setText(say(phrase("&Show what is typed")))
        self.keep.setText(say(phrase("&Remember it in the keyring")))
        self.cancel.setText(say(phrase("Cancel")))
        self.ok.setText(say(phrase("OK")))
        self.ok.dress()

    def accept(self) -> None:
        """Qt's: an empty answer is none."""
        if self.edit.text():
            super().accept()

    def showEvent(self, event: QShowEvent) -> None:
        """Qt's."""
        super().showEvent(event)
        self.edit.setFocus()

    def _allow(self) -> None:
        mode = QLineEdit.EchoMode.Normal if self.seen.isChecked() else QLineEdit.EchoMode.Password
        if self.edit.echoMode() is not mode:
            self.edit.setEchoMode(mode)
        self.ok.setEnabled(bool(self.edit.text()))

    def _lay_out(self) -> None:
        self.what.setMinimumWidth(_WIDTH - 2 * AROUND)
        self.prompt.setVisible(bool(self._question.prompt))
        self.seen.setVisible(not self._question.echo)
        self.keep.setVisible(self._question.may_keep)
        self.note.setVisible(self._question.note is not None)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        buttons.addWidget(self.ok)
        column = QVBoxLayout(self)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(GRID)
        for widget in (self.what, self.prompt, self.edit, self.seen, self.keep, self.note):
            column.addWidget(widget)
        column.addSpacing(GRID)
        column.addLayout(buttons)
        self.resize(_WIDTH, self.heightForWidth(_WIDTH))


@dataclass(eq=False)
class _Waiting:
    """A question whose asker waits on another thread."""

    question: LoginQuestion
    done: threading.Event = field(default_factory=threading.Event)
    given: Secret | None = None


class PersonAtDesk(QObject):
    """`AsksForSecrets` by a window. Made and closed on the main thread; `ask` is for any other.

    A window opens by itself only in the attempt that a person asked for (from `welcome` to its end): at
    start, after sleep and whenever the link comes back it would take the keys that are typed elsewhere.
    """

    _came = Signal(object)

    def __init__(self, say: Wording, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._gate = threading.Lock()
        self._welcome = False
        self._begun = False
        self._kept = False
        self._waiting: list[_Waiting] = []
        self._window: SecretWindow | None = None
        self._came.connect(self._next, Qt.ConnectionType.QueuedConnection)

    def ask(self, question: LoginQuestion) -> Secret | None:
        """See `AsksForSecrets`. Raises SecretMissing while no person waits for this login."""
        waiting = _Waiting(question)
        with self._gate:
            if not self._welcome:
                raise SecretMissing(kind="", reason="nobody-waits")
            self._waiting.append(waiting)
            self._came.emit(waiting)
        waiting.done.wait()
        return waiting.given

    def keeps(self) -> bool:
        """See `AsksForSecrets`. What was ticked below the answer."""
        with self._gate:
            return self._kept

    def welcome(self) -> None:
        """A person asks for the attempt that begins now, and may be asked in it."""
        self.settle()
        with self._gate:
            self._welcome = True

    def take(self, link: LinkPhase) -> None:
        """Know how the attempt goes. Pictures from before it began are late, and no end of it."""
        if link is LinkPhase.CONNECTING:
            self._begun = self._welcome
        elif self._begun:
            self.settle()

    def settle(self) -> None:
        """The attempt is over, or nobody wants it any more: open questions are cancelled."""
        with self._gate:
            self._welcome, self._begun = False, False
            waiting, self._waiting = self._waiting, []
        window, self._window = self._window, None
        if window is not None:
            window.finished.disconnect(self._answered)
            window.close()
            window.deleteLater()
        for each in waiting:
            each.done.set()

    def tell(self) -> None:
        """In another language from now on."""
        if self._window is not None:
            self._window.tell()

    @Slot()
    def _next(self) -> None:
        """One window at a time; the others' turn comes."""
        if self._window is not None or not self._waiting:
            return
        self._window = SecretWindow(self._say, self._waiting[0].question)
        self._window.finished.connect(self._answered)
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()

    @Slot()
    def _answered(self) -> None:
        window, self._window = self._window, None
        if window is None:
            return
        with self._gate:
            waiting = self._waiting.pop(0)
            self._kept = window.keep.isChecked()
        waiting.given = window.given
        window.edit.clear()
        window.deleteLater()
        waiting.done.set()
        self._next()
