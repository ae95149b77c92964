"""The hosts this computer knows already, as a short list to choose from."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.domain.text import clean_line
from sparktray.ui.painting.texts import name_label
from sparktray.ui.theme import GRID
from sparktray.wording import Wording

_ROWS_SHOWN = 6


class KnownHosts(QWidget):
    """Main thread only. Hidden while there is nothing to offer; ``chosen`` brings a row's `HostProfile`."""

    chosen = Signal(object)

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._hosts: tuple[HostProfile, ...] = ()
        self.label, self.list = name_label(), QListWidget()
        self.label.setBuddy(self.list)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemSelectionChanged.connect(self._selected)
        # Enter on the row that has the focus, which Qt does not select when the list is come to by Tab.
        self.list.itemActivated.connect(lambda item: item.setSelected(True))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, GRID)
        column.setSpacing(GRID // 2)
        column.addWidget(self.label)
        column.addWidget(self.list)
        self.hide()

    def take(self, hosts: tuple[HostProfile, ...]) -> None:
        """Offer these."""
        self._hosts = hosts
        # No width of its own: a long name ends in "…" instead of being scrolled to.
        row = QSize(0, QFontMetrics(self.list.font()).height() + GRID)
        self.list.clear()
        for host in hosts:
            item = QListWidgetItem(_line(host))
            item.setSizeHint(row)
            self.list.addItem(item)
        rows = min(len(hosts), _ROWS_SHOWN)
        self.list.setFixedHeight(rows * row.height() + 2 * self.list.frameWidth())
        self.setVisible(bool(hosts))

    def compare(self, draft: HostProfile) -> None:
        """What is entered now; a row that says something else is not the chosen one any more."""
        entered = (draft.address, draft.port, draft.user or "")
        for item in self.list.selectedItems():
            host = self._hosts[self.list.row(item)]
            if (host.address, host.port, host.user or "") != entered:
                item.setSelected(False)

    def tell(self) -> None:
        """All texts anew."""
        said = self._say(phrase("&Known on this computer"))
        self.label.setText(said)
        self.list.setAccessibleName(said.replace("&", ""))

    def _selected(self) -> None:
        for item in self.list.selectedItems():
            self.chosen.emit(self._hosts[self.list.row(item)])


def _line(host: HostProfile) -> str:
    address = host.address
    if host.port != 22:
        address = f"[{address}]:{host.port}" if ":" in address else f"{address}:{host.port}"
    return clean_line(f"{host.name} – {host.user}@{address}" if host.user else f"{host.name} – {address}")
