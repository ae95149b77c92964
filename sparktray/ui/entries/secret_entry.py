"""A value that a model or a server needs and the keyring lacks: asked for, stored, then tried again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from sparktray.control.login.credentials import LoginQuestion
from sparktray.decide.ways_on import EnterSecret
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.secret import Secret
from sparktray.domain.text import clean_name
from sparktray.store.secrets_errors import KeyringUnavailable
from sparktray.ui.background import Background
from sparktray.ui.hosts.secret_window import SecretWindow
from sparktray.wording import Wording


class SecretEntry(QObject):
    """One window at a time. Main thread only.

    Emits ``stored`` with the wish that waited for the value, None where none did.

    ``keep`` stores a value under a name; it raises KeyringUnavailable, and runs on a thread of its own.
    """

    stored = Signal(object)

    def __init__(
        self,
        say: Wording,
        background: Background,
        keep: Callable[[str, Secret], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._say = say
        self._background = background
        self._keep = keep
        self._window: SecretWindow | None = None

    def ask(self, wanted: EnterSecret, parent: QWidget | None, note: Phrase | None = None) -> None:
        """Ask for it; ``note`` is why it is asked for again."""
        self.close()
        name = clean_name(wanted.name)
        if wanted.then is None:
            kept = phrase("It is kept in the keyring and sent to {server} alone.", server=wanted.server)
        else:
            model = clean_name(wanted.then.model)
            kept = phrase("It is kept in the keyring, and {model} gets it when it starts.", model=model)
        question = LoginQuestion(
            phrase("Value of {name}", name=name), "", echo=False, may_keep=False, note=note or kept
        )
        self._window = SecretWindow(self._say, question, parent, phrase("Secret"))
        self._window.accepted.connect(partial(self._store, wanted, parent))
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()

    def tell(self) -> None:
        """In another language from now on."""
        if self._window is not None:
            self._window.tell()

    def close(self) -> None:
        """Take an open window away, without an answer."""
        window, self._window = self._window, None
        if window is not None:
            window.edit.clear()
            window.close()
            window.deleteLater()

    def _store(self, wanted: EnterSecret, parent: QWidget | None) -> None:
        given = None if self._window is None else self._window.given
        self.close()
        if given is None:
            return
        # What is pasted often brings a line's end along, which the field makes a blank.
        value = Secret(given.reveal().strip())
        self._background.run(
            partial(self._keep, wanted.name, value),
            lambda _: self.stored.emit(wanted.then),
            partial(self._refused, wanted, parent),
        )

    def _refused(self, wanted: EnterSecret, parent: QWidget | None, error: Exception) -> None:
        if not isinstance(error, KeyringUnavailable):
            raise error
        problem = error.problem
        self.ask(wanted, parent, phrase("{cause} {remedy}", cause=problem.cause, remedy=problem.remedy))
