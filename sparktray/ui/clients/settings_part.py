"""The settings of one client for the server that is shown, ready to be pasted."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from sparktray.decide.clients.client import Client
from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.clients.snippets import Snippet, snippet
from sparktray.decide.clients.view import ServerRow, Way, client_name, preferred
from sparktray.domain.phrase import phrase
from sparktray.ui.clients.address_rows import CopyButton
from sparktray.ui.clipboard import Copied, Copier
from sparktray.ui.painting.texts import heading, line, quietly
from sparktray.ui.theme import GRID, fixed, line_height
from sparktray.wording import Wording

_LEAST_LINES, _MOST_LINES = 3, 12


class SettingsPart(QWidget):
    """Main thread only."""

    def __init__(self, say: Wording, copier: Copier, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._copier = copier
        self._row: ServerRow | None = None
        self._host = ""
        self._way: Way | None = None  # chosen by a person; None for what suits the client
        self._shown: Snippet | None = None
        self.heading, self.where, self.notes = heading(), line(), line()
        self.client, self.way = QComboBox(), QComboBox()
        for each in Client:
            self.client.addItem(client_name(each), each)
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setTabChangesFocus(True)
        self.copy = CopyButton(say, self._copy)
        self.client.activated.connect(self._client_chosen)
        self.way.activated.connect(self._way_chosen)
        self._lay_out()

    def choose(self, client: Client) -> None:
        """Show that client's settings."""
        self.client.setCurrentIndex(self.client.findData(client))
        self._client_chosen()

    def take(self, row: ServerRow, host: str) -> None:
        """Show them for that server of that host."""
        if self._row is not None and self._row.server != row.server:
            self._way = None
        self._row, self._host = row, host
        self._tell()

    def _client_chosen(self) -> None:
        self._way = None
        self._tell()

    def _way_chosen(self) -> None:
        self._way = Way(self.way.currentData())
        self._tell()

    def _tell(self) -> None:
        row, say = self._row, self._say
        if row is None:
            return
        client = Client(self.client.currentData())
        way = self._way or preferred(client, row)
        self._show_ways(row, way)
        at = row.reached(way)
        made = None if at is None else snippet(client, at)
        self.heading.setText(say(phrase("Settings for")))
        self.client.setAccessibleName(say(phrase("Client")))
        self.way.setAccessibleName(say(phrase("Address")))
        self.copy.tell()
        self.copy.setEnabled(made is not None)
        if made is None:
            self.where.setText(say(phrase("Forward it to this computer first.")))
            self.notes.setText("")
        else:
            self.where.setText(say(made.where))
            self.notes.setText("\n".join(say(note) for note in made.notes))
        self.notes.setVisible(bool(self.notes.text()))
        self.text.setVisible(made is not None)
        self.text.setAccessibleName(self.where.text())
        quietly(self.where)
        quietly(self.notes)
        if made != self._shown:
            self._shown = made
            self._show_text("" if made is None else made.text)

    def _show_ways(self, row: ServerRow, chosen: Way) -> None:
        ways = [each.way for each in row.addresses]
        if [self.way.itemData(n) for n in range(self.way.count())] != ways:
            self.way.clear()
            for way in ways:
                self.way.addItem("", way)
        for number, way in enumerate(ways):
            self.way.setItemText(number, self._say(_WAYS[way]))
        self.way.setCurrentIndex(ways.index(chosen) if chosen in ways else -1)
        self.way.setVisible(len(ways) > 1)

    def _show_text(self, text: str) -> None:
        self.text.setFont(fixed(self.text))
        self.text.setPlainText(text)
        lines = min(max(text.count("\n") + 1, _LEAST_LINES), _MOST_LINES)
        # The lines, the document's own margin, the frame, and the bar below a line that is too long.
        self.text.setFixedHeight(lines * line_height(self.text.font()) + 5 * GRID)

    def _copy(self, told: Callable[[Copied], None]) -> None:
        row, made = self._row, self._shown
        if row is not None and row.at is not None and made is not None:
            given = CopiedId(
                host=self._host, server=row.server, model_id=row.at.model_id, client=made.client.value
            )
            self._copier.give(given, made.text, told, lines=True)

    def _lay_out(self) -> None:
        self.heading.setWordWrap(False)
        top = QHBoxLayout()
        top.setSpacing(GRID)
        top.addWidget(self.heading)
        top.addWidget(self.client)
        top.addWidget(self.way)
        top.addStretch(1)
        top.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addWidget(self.where)
        column.addWidget(self.text)
        column.addWidget(self.notes)


_WAYS = {
    Way.DIRECT: phrase("at the Spark's address"),
    Way.FORWARD: phrase("on this computer"),
    Way.PUBLIC: phrase("at the public URL"),
}
