"""The model ID of one server and the addresses at which it is reached, each with Copy."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSpinBox, QWidget

from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.clients.view import Address, ServerRow, Way, client_name
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import clean_name
from sparktray.ui.clipboard import Copied, Copier, answer
from sparktray.ui.painting.texts import line, quietly, tint
from sparktray.ui.theme import GRID, fixed, tones
from sparktray.wording import Wording

_FEEDBACK_MILLISECONDS = 2000
_FIRST_PORT = 1024  # below it only root may listen


class CopyButton(QPushButton):
    """Says for a moment how copying went. ``copies`` is what a click does; it tells the outcome."""

    def __init__(self, say: Wording, copies: Callable[[Callable[[Copied], None]], None]) -> None:
        super().__init__()
        self._say = say
        self._title = phrase("Copy")
        self._over = QTimer(self, singleShot=True, interval=_FEEDBACK_MILLISECONDS)
        self._over.timeout.connect(self.tell)
        self.clicked.connect(lambda: copies(self._answered))

    def tell(self) -> None:
        """Its own text, unless it is answering."""
        if not self._over.isActive():
            self.setText(self._say(self._title))

    def _answered(self, outcome: Copied) -> None:
        self.setText(self._say(answer(outcome)))
        self._over.start()


class AddressRows(QWidget):
    """Main thread only.

    ``forward_asked`` carries a server and the port of this computer that shall lead to it, None to end it;
    ``public_asked`` a server and its public address, "" for none any more; ``key_asked`` a server and the
    keyring's name of its key.
    """

    forward_asked = Signal(str, object)
    public_asked = Signal(str, str)
    key_asked = Signal(str, str)

    def __init__(self, say: Wording, copier: Copier, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._copier = copier
        self._row: ServerRow | None = None
        self._host = ""
        self._shown_server = ""
        self.model_id, self.copy_id = QLabel(), CopyButton(say, self._copy_id)
        self.direct, self.copy_direct = QLabel(), CopyButton(say, lambda told: self._copy(Way.DIRECT, told))
        self.forward, self.copy_forward = (
            QLabel(),
            CopyButton(say, lambda told: self._copy(Way.FORWARD, told)),
        )
        self.port = QSpinBox(minimum=_FIRST_PORT, maximum=65535)
        self.forwarding = QPushButton()
        self.public, self.copy_public = (
            QLineEdit(),
            CopyButton(say, lambda told: self._copy(Way.PUBLIC, told)),
        )
        self.enter_key = QPushButton()
        self.why, self.notes, self.outdated = line(), line(), line()
        self._names = {what: QLabel() for what in ("id", "direct", "forward", "public")}
        self.forwarding.clicked.connect(self._forward)
        self.public.editingFinished.connect(self._public_entered)
        self.enter_key.clicked.connect(self._enter_key)
        self._lay_out()

    def take(self, row: ServerRow, host: str, *, local: bool) -> None:
        """Show that server of that host; a ``local`` one needs no forward."""
        say, self._row, self._host = self._say, row, host
        ways = {each.way: each for each in row.addresses}
        if self._shown_server != row.server:
            self._shown_server = row.server
            self.port.setValue(row.at.port if row.at is not None else _FIRST_PORT)
            self.public.setText(_url(ways, Way.PUBLIC))
        for name, text in _NAMES.items():
            self._names[name].setText(say(text))
        there = row.at is not None
        self.model_id.setText("" if row.at is None else clean_name(row.at.model_id))
        self.direct.setText(_url(ways, Way.DIRECT))
        self.forward.setText(_url(ways, Way.FORWARD))
        forwarded = Way.FORWARD in ways
        self.forwarding.setText(say(phrase("End") if forwarded else phrase("Forward")))
        self.forwarding.setAccessibleName(say(phrase("Forward to this computer")))
        self.port.setAccessibleName(say(phrase("Port of this computer")))
        self.public.setPlaceholderText("https://…/v1")
        self.public.setAccessibleName(say(phrase("Public URL")))
        self.why.setText("" if row.why is None else say(row.why))
        self.notes.setText("\n".join(say(each) for each in row.notes))
        self.outdated.setText("\n".join(say(_is_outdated(each)) for each in row.outdated))
        tint(self.outdated, tones().bad)
        self.enter_key.setText(say(phrase("Enter it…")))
        for button in (self.copy_id, self.copy_direct, self.copy_forward, self.copy_public):
            button.tell()
        self._show_parts(there, Way.DIRECT in ways, forwarded, Way.PUBLIC in ways, local)

    def _show_parts(self, there: bool, direct: bool, forwarded: bool, public: bool, local: bool) -> None:
        row = self._row
        shown: tuple[tuple[bool, tuple[QWidget, ...]], ...] = (
            (there, (self._names["id"], self.model_id, self.copy_id)),
            (there and direct, (self._names["direct"], self.direct, self.copy_direct)),
            (there and not local, (self._names["forward"], self.forwarding)),
            (there and forwarded, (self.forward, self.copy_forward)),
            (there and not forwarded and not local, (self.port,)),
            (there, (self._names["public"], self.public)),
        )
        for visible, widgets in shown:
            for widget in widgets:
                widget.setVisible(visible)
        self.copy_public.setVisible(there and public)
        self.why.setVisible(bool(self.why.text()))
        self.notes.setVisible(bool(self.notes.text()))
        self.outdated.setVisible(bool(self.outdated.text()))
        self.enter_key.setVisible(row is not None and row.key_missing)
        for name in self._names.values():
            quietly(name)
        quietly(self.notes)
        for value in (self.model_id, self.direct, self.forward, self.public):
            value.setFont(fixed(value))

    def _copy_id(self, told: Callable[[Copied], None]) -> None:
        row = self._row
        if row is not None and row.at is not None:
            given = CopiedId(host=self._host, server=row.server, model_id=row.at.model_id)
            self._copier.give(given, given.model_id, told)

    def _copy(self, way: Way, told: Callable[[Copied], None]) -> None:
        at = None if self._row is None else self._row.reached(way)
        if at is not None:
            self._copier.copy(at.base_url, told)

    def _forward(self) -> None:
        row = self._row
        if row is not None:
            ended = row.reached(Way.FORWARD) is not None
            self.forward_asked.emit(row.server, None if ended else self.port.value())

    def _public_entered(self) -> None:
        row, url = self._row, self.public.text().strip()
        if row is None:
            return
        before = row.reached(Way.PUBLIC)
        if url != ("" if before is None else before.base_url):
            self.public_asked.emit(row.server, url)

    def _enter_key(self) -> None:
        if self._row is not None and self._row.key is not None:
            self.key_asked.emit(self._row.server, self._row.key)

    def _lay_out(self) -> None:
        for label in (self.model_id, self.direct, self.forward):
            label.setTextFormat(self.notes.textFormat())
            label.setTextInteractionFlags(_SELECTABLE)
        forwarding = QHBoxLayout()
        forwarding.setSpacing(GRID)
        for widget in (self.forward, self.port, self.forwarding):
            forwarding.addWidget(widget)
        forwarding.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.why, 0, 0, 1, 2)
        grid.addWidget(self.enter_key, 0, 2)
        grid.addWidget(self._names["id"], 1, 0)
        grid.addWidget(self.model_id, 1, 1)
        grid.addWidget(self.copy_id, 1, 2)
        grid.addWidget(self._names["direct"], 2, 0)
        grid.addWidget(self.direct, 2, 1)
        grid.addWidget(self.copy_direct, 2, 2)
        grid.addWidget(self._names["forward"], 3, 0)
        grid.addLayout(forwarding, 3, 1)
        grid.addWidget(self.copy_forward, 3, 2)
        grid.addWidget(self._names["public"], 4, 0)
        grid.addWidget(self.public, 4, 1)
        grid.addWidget(self.copy_public, 4, 2)
        grid.addWidget(self.outdated, 5, 0, 1, 3)
        grid.addWidget(self.notes, 6, 0, 1, 3)


_NAMES = {
    "id": phrase("Model ID"),
    "direct": phrase("Base URL"),
    "forward": phrase("On this computer"),
    "public": phrase("Public URL"),
}
_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


def _url(ways: dict[Way, Address], way: Way) -> str:
    return ways[way].url if way in ways else ""


def _is_outdated(copied: CopiedId) -> Phrase:
    old = clean_name(copied.model_id)
    if copied.client:
        name = client_name(copied.client)
        return phrase("{client} was given {old}, which is no longer served.", client=name, old=old)
    return phrase("{old} was copied, which is no longer served.", old=old)
