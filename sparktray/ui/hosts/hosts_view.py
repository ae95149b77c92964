"""How the page of the hosts looks: the list with its buttons, and below it the outcome of a test."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.store.hosts import Hosts
from sparktray.ui.hosts.checklist import Checklist
from sparktray.ui.hosts.status import State, StatusLine
from sparktray.ui.painting.texts import button, line, tint
from sparktray.ui.panel.controls import AccentButton, scrolled
from sparktray.ui.theme import AROUND, GRID, large, strong, tones
from sparktray.wording import Wording

_NAME, _ADDRESS, _USER, _STATE = range(4)
_ROWS_SHOWN = 5


class HostsView(QWidget):
    """Main thread only. Buttons do nothing by themselves."""

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._hosts: Hosts | None = None
        self._rows: list[tuple[str, str, str, str]] = []
        self._tested: HostProfile | None = None
        self._demo = False
        self.empty, self.empty_advice, self.first = line(), line(), AccentButton()
        self.demo = button()
        self.list = QTreeWidget()
        self.add, self.use, self.edit, self.test, self.remove = (button() for _ in range(5))
        self.result, self.checklist, self.status = line(), Checklist(say), StatusLine(say)
        self.list.itemSelectionChanged.connect(self._allow)
        self._lay_out()

    @property
    def chosen(self) -> HostProfile | None:
        """The host of the chosen row."""
        item = self.list.currentItem()
        return None if item is None or self._hosts is None else self._hosts.get(item.text(_NAME))

    def take(self, hosts: Hosts) -> None:
        """Show that list."""
        self._hosts = hosts
        if self._tested is not None and self._tested not in hosts.profiles:
            self._tested = None
        self.tell()

    def in_demo(self, *, is_so: bool) -> None:
        """Whether the demo is being shown, and need not be offered."""
        self._demo = is_so

    def begin(self, host: HostProfile) -> None:
        """A test of that host begins."""
        self._tested = host
        self.checklist.begin(local=not host.by_ssh)
        self.tell()

    def show_state(self, state: State) -> None:
        """How the last thing asked for stands."""
        self.status.show_state(state)

    def tell(self) -> None:
        """All texts and colours anew."""
        say, look = self._say, tones()
        self.empty.setText(say(phrase("No host is set up yet.")))
        self.empty_advice.setText(
            say(
                phrase(
                    "It takes four steps: find the Spark, compare its host key, log in, look what is there."
                )
            )
        )
        self.first.setText(say(phrase("Set up a Spark…")))
        self.first.dress()
        self.demo.setText(say(phrase("&Try the demo")))
        tint(self.empty_advice, look.quiet)
        self.add.setText(say(phrase("&Add…")))
        self.use.setText(say(phrase("&Use")))
        self.edit.setText(say(phrase("&Edit…")))
        self.test.setText(say(phrase("&Test")))
        self.remove.setText(say(phrase("&Remove…")))
        names = (phrase("Name"), phrase("Address"), phrase("User"))
        self.list.setHeaderLabels([*(say(name) for name in names), ""])
        self.list.setAccessibleName(say(phrase("Hosts")))
        self._fill()
        tested = self._tested
        self.result.setText("" if tested is None else say(phrase("Test of {host}", host=tested.name)))
        self.checklist.tell()
        self.status.tell()
        self._show_parts()

    def _show_parts(self) -> None:
        known, some = self._hosts is not None, bool(self._rows)
        nothing: tuple[QWidget, ...] = (self.empty, self.empty_advice, self.first)
        for widget in nothing:
            widget.setVisible(known and not some)
        self.demo.setVisible(known and not some and not self._demo)
        listed: tuple[QWidget, ...] = (self.list, self.add, self.use, self.edit, self.test, self.remove)
        for widget in listed:
            widget.setVisible(some)
        self.result.setVisible(self._tested is not None)
        self.area.setVisible(self._tested is not None)
        self._allow()

    def _fill(self) -> None:
        """The rows, when they are others than those shown; the chosen one stays chosen."""
        hosts = self._hosts or Hosts()
        rows = [self._row(each, in_use=each.name == hosts.in_use) for each in hosts.profiles]
        if rows == self._rows:
            return
        chosen = self.chosen
        wanted = hosts.in_use if chosen is None else chosen.name
        self._rows = rows
        self.list.clear()
        for row in rows:
            item = QTreeWidgetItem(list(row))
            item.setSizeHint(_NAME, self._room_for(row[_NAME]))
            if row[_STATE]:
                for column in range(len(row)):
                    item.setFont(column, strong(self.list))
            self.list.addTopLevelItem(item)
            if row[_NAME] == wanted:
                self.list.setCurrentItem(item)
        height = self.list.sizeHintForRow(0) * min(len(rows), _ROWS_SHOWN) if rows else 0
        self.list.setFixedHeight(height + self.list.header().sizeHint().height() + 2 * self.list.frameWidth())

    def _row(self, host: HostProfile, *, in_use: bool) -> tuple[str, str, str, str]:
        say = self._say
        address = say(phrase("this computer")) if host.is_local else host.address
        if host.port != 22:
            address += f":{host.port}"
        return host.name, address, host.user or "", say(phrase("in use")) if in_use else ""

    def _room_for(self, name: str) -> QSize:
        """A row a finger can hit, and a column in which every name fits whole."""
        metrics = QFontMetrics(strong(self.list))
        return QSize(metrics.horizontalAdvance(name) + 2 * GRID, metrics.height() + GRID)

    def _allow(self) -> None:
        chosen = self.chosen
        for pressed in (self.edit, self.test, self.remove):
            pressed.setEnabled(chosen is not None)
        in_use = self._hosts is not None and chosen is not None and chosen.name == self._hosts.in_use
        self.use.setEnabled(chosen is not None and not in_use)

    def _lay_out(self) -> None:
        self.empty.setFont(large())
        self.result.setFont(strong())
        self.list.setColumnCount(_STATE + 1)
        self.list.setRootIsDecorated(False)
        self.list.setAllColumnsShowFocus(True)
        self.list.setUniformRowHeights(True)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_ADDRESS, QHeaderView.ResizeMode.Stretch)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        for pressed in (self.add, self.use, self.edit, self.test):
            buttons.addWidget(pressed)
        buttons.addStretch(1)
        buttons.addWidget(self.remove)
        self.area = scrolled(self.checklist)
        column = QVBoxLayout(self)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(GRID)
        column.addWidget(self.empty)
        column.addWidget(self.empty_advice)
        column.addWidget(self.first, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.demo, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.list)
        column.addLayout(buttons)
        column.addSpacing(GRID)
        column.addWidget(self.result)
        column.addWidget(self.area, 1)
        column.addWidget(self.status)
        column.addStretch(0)
