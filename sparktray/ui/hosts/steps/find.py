"""Step 1: where the host is."""

from __future__ import annotations

import sys
from collections.abc import Callable

from msgspec.structs import replace
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QSpinBox, QVBoxLayout, QWidget

from sparktray.control.checking import unusable
from sparktray.domain.host import LOCAL, HostProfile, valid_host_name
from sparktray.domain.phrase import Phrase, phrase
from sparktray.remote.contract import HostKey
from sparktray.ui.hosts.field import Field
from sparktray.ui.hosts.status import Working
from sparktray.ui.hosts.steps.known import KnownHosts
from sparktray.ui.hosts.steps.step import Step
from sparktray.ui.painting.texts import name_label
from sparktray.ui.theme import GRID
from sparktray.wording import Wording

# Docker has a Unix socket there, which is what the road to this computer itself goes through.
_MAY_BE_HERE = sys.platform.startswith("linux")
_FIRST_NAME = "spark"
# Of the 63 characters a name may have; the rest is for a number.
_STEM = 58


class FindStep(Step):
    """Name, address, port and user, checked as they are typed.

    ``picked`` brings the `HostProfile` of the known host that filled them in.
    """

    picked = Signal(object)

    def __init__(
        self, say: Wording, look_at_key: Callable[[str, int], HostKey], parent: QWidget | None = None
    ) -> None:
        super().__init__(say, parent)
        self._look_at_key = look_at_key
        self._names: tuple[str, ...] = ()
        self.known = KnownHosts(say)
        self.address, self.user, self.name = Field(say), Field(say), Field(say)
        self.port_label, self.port = name_label(), QSpinBox()
        self.port.setRange(1, 65535)
        self.port.setValue(22)
        self.port_label.setBuddy(self.port)
        self.port.setMinimumHeight(self.address.edit.sizeHint().height())  # lower in Qt's style
        self.here = QCheckBox()
        self.here.setVisible(_MAY_BE_HERE)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(GRID)
        form.setHorizontalSpacing(2 * GRID)
        form.addRow(self.address.label, self.address)
        form.addRow("", self.here)
        form.addRow(self.port_label, self.port)
        form.addRow(self.user.label, self.user)
        form.addRow(self.name.label, self.name)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.known)
        column.addLayout(form)
        column.addStretch(1)
        for field in (self.address, self.user, self.name):
            field.changed.connect(self._typed)
        self.port.valueChanged.connect(self._typed)
        self.here.toggled.connect(self._typed)
        self.known.chosen.connect(self._fill)
        self.setFocusProxy(self.address)

    def know(self, names: tuple[str, ...], user: str) -> None:
        """The hosts there are already, whose names are taken, and who is at this computer."""
        self._names = names
        if not self.user.text:
            self.user.edit.setText(user)
        if not self.name.text:
            self.name.edit.setText(self._free(_FIRST_NAME))

    def offer(self, hosts: tuple[HostProfile, ...]) -> None:
        """Hosts to choose from instead of typing; without any there is no list."""
        self.known.take(hosts)

    def title(self) -> Phrase:
        """See `Step`."""
        return phrase("Find the Spark")

    def advice(self) -> Phrase:
        """See `Step`."""
        return phrase("Where is it in the network, and who are you there? Nothing is installed on it.")

    def tell(self) -> None:
        """See `Step`."""
        self.known.tell()
        self.address.tell(phrase("&Address"), "spark-1234.local")
        self.user.tell(phrase("&User"))
        self.name.tell(phrase("&Name"), _FIRST_NAME)
        port = self.say(phrase("&Port"))
        self.port_label.setText(port)
        self.port.setAccessibleName(port.replace("&", ""))
        self.here.setText(self.say(phrase("&This computer is the Spark")))

    def enter(self, draft: HostProfile) -> None:
        """See `Step`."""
        self._typed()

    def draft(self, draft: HostProfile) -> HostProfile:
        """See `Step`. Whoever comes by here judges the host key anew."""
        address = LOCAL if self.here.isChecked() else self.address.text
        user = None if address == LOCAL else self.user.text
        return replace(
            draft, name=self.name.text, address=address, port=self.port.value(), user=user, fingerprint=None
        )

    def complete(self) -> bool:
        """See `Step`."""
        draft = self.draft(HostProfile("", ""))
        return next(unusable(draft), None) is None and self.name.text not in self._names

    def proof(self, draft: HostProfile) -> tuple[Working, Callable[[], HostKey]] | None:
        """See `Step`. The host has to answer, and shows its key; nothing is told to it."""
        if draft.is_local:
            return None
        doing = phrase("Connecting to {address}…", address=draft.address)
        return Working(doing), lambda: self._look_at_key(draft.address, draft.port)

    def _fill(self, host: HostProfile) -> None:
        """A known host was chosen; all fields change at once: none is compared with the others' old text."""
        fields: tuple[QWidget, ...] = (self.address, self.port, self.user, self.name, self.here)
        for widget in fields:
            widget.blockSignals(True)
        self.here.setChecked(False)
        self.address.edit.setText(host.address)
        self.port.setValue(host.port)
        self.user.edit.setText(host.user or "")
        self.name.edit.setText(self._free(host.name))
        for widget in fields:
            widget.blockSignals(False)
        self._typed()
        self.picked.emit(host)

    def _free(self, wanted: str) -> str:
        """That name, or one like it that can be used and is not taken."""
        stem = wanted if valid_host_name(wanted) else _FIRST_NAME
        free = (f"{stem[:_STEM]}-{n}" if n > 1 else stem for n in range(1, len(self._names) + 2))
        return next(name for name in free if name not in self._names)

    def _typed(self) -> None:
        here = self.here.isChecked()
        for widget in (
            self.address,
            self.address.label,
            self.port,
            self.port_label,
            self.user,
            self.user.label,
        ):
            widget.setEnabled(not here)
        draft = self.draft(HostProfile("", ""))
        self.known.compare(draft)
        faults = {field: problem.remedy for field, problem in unusable(draft)}
        if self.name.text in self._names:
            faults["name"] = phrase("There is a host of this name already; take another one.")
        for name, field in (("address", self.address), ("user", self.user), ("name", self.name)):
            field.show_fault(faults.get(name) if field.text and field.isEnabled() else None)
        self.changed.emit()
