"""The form to correct a host that is set up already."""

from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from sparktray.control.checking import read_fingerprint, unusable
from sparktray.domain.host import HostProfile, Login
from sparktray.domain.phrase import Phrase, phrase
from sparktray.store.hosts import Hosts, HostsFile
from sparktray.ui.background import Background
from sparktray.ui.hosts.field import Field
from sparktray.ui.hosts.status import StatusLine, Working, problem_from
from sparktray.ui.hosts.window import HostWindow
from sparktray.ui.painting.texts import button, name_label, selectable, tint
from sparktray.ui.panel.controls import AccentButton
from sparktray.ui.theme import AROUND, GRID, large, small, tones
from sparktray.wording import Wording

_WIDTH = 560


class HostForm(HostWindow):
    """Main thread only. ``saved`` brings the changed `Hosts`.

    The host keeps its name and, at another address too, its host key: the key is the host's.
    """

    saved = Signal(object)

    def __init__(
        self,
        say: Wording,
        background: Background,
        file: HostsFile,
        host: HostProfile,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(say, parent)
        self._background = background
        self._file = file
        self._host = host
        self._busy = False
        self.heading, self.about_key = name_label(host.name), selectable()
        self.port_label, self.port = name_label(), QSpinBox()
        self.port.setRange(1, 65535)
        self.port.setValue(host.port)
        self.port_label.setBuddy(self.port)
        self.fields = {name: Field(say) for name in _LABELS}
        self.by, self.ways, self.sudo = name_label(), QComboBox(), QCheckBox()
        self.ways.addItems([""] * len(_WAYS))
        self.ways.setCurrentIndex(list(_WAYS).index(host.login))
        self.by.setBuddy(self.ways)
        self.sudo.setChecked(host.sudo)
        self.port.setMinimumHeight(self.fields["address"].edit.sizeHint().height())  # as in the assistant
        for name, field in self.fields.items():
            field.edit.setText(
                _SEVERAL.join(host.addresses) if name == "address" else getattr(host, name) or ""
            )
            field.edit.setCursorPosition(0)
            field.changed.connect(self._typed)
        self.browse, self.cancel, self.save = button(), button(), AccentButton()
        self.cancel.setAutoDefault(True)
        self.save.setDefault(True)
        self.status = StatusLine(say)
        self.ways.currentIndexChanged.connect(self._typed)
        self.browse.clicked.connect(self._browse)
        self.cancel.clicked.connect(self.reject)
        self.save.clicked.connect(self._save)
        self.status.again.connect(self._save)
        self._lay_out()
        self.tell()
        self._typed()
        self.resize(_WIDTH, self.heightForWidth(_WIDTH))

    def tell(self) -> None:
        """All texts and colours anew; to be called when the language has changed."""
        super().tell()
        self.save.dress()
        say = self.say
        self.setWindowTitle(say(phrase("Edit {host}", host=self._host.name)))
        for name, field in self.fields.items():
            field.tell(_LABELS[name], _EXAMPLES.get(name, ""))
        self.by.setText(say(phrase("Log in &with")))
        self.ways.setAccessibleName(say(phrase("Log in with")))
        for number, way in enumerate(_WAYS.values()):
            self.ways.setItemText(number, say(way))
        self.sudo.setText(say(phrase("Docker needs &sudo there (it must not ask for a password)")))
        port = say(phrase("&Port"))
        self.port_label.setText(port)
        self.port.setAccessibleName(port.replace("&", ""))
        command = read_fingerprint("ssh-ed25519")
        self.about_key.setText(say(phrase("What the host itself prints for: {command}", command=command)))
        tint(self.about_key, tones().quiet)
        self.browse.setText(say(phrase("&Other file…")))
        self.cancel.setText(say(phrase("Cancel")))
        self.save.setText(say(phrase("Save")))
        self.status.tell()

    def wanted(self) -> HostProfile:
        """The profile as it stands in the form."""
        text = {name: field.text for name, field in self.fields.items()}
        if not self._host.by_ssh:
            models, cache = text["models_dir"], text["cache_dir"]
            return replace(self._host, models_dir=models, cache_dir=cache, sudo=self.sudo.isChecked())
        address, *further = text["address"].replace(",", " ").split() or [""]
        return replace(
            self._host,
            address=address,
            further=tuple(further),
            login=self.way,
            agent_key=text["agent_key"] or None,
            sudo=self.sudo.isChecked(),
            port=self.port.value(),
            user=text["user"],
            key_file=text["key_file"] or None,
            fingerprint=text["fingerprint"] or None,
            models_dir=text["models_dir"],
            cache_dir=text["cache_dir"],
        )

    @property
    def way(self) -> Login:
        """How to log in, as it is chosen."""
        return list(_WAYS)[self.ways.currentIndex()]

    def _typed(self) -> None:
        if self._host.by_ssh:
            self.form.setRowVisible(self.key_row, self.way is Login.KEY)
            self.form.setRowVisible(self.fields["agent_key"], self.way is Login.AGENT)
        faults = {name: problem.remedy for name, problem in unusable(self.wanted())}
        for name, field in self.fields.items():
            field.show_fault(faults.get(name) if field.text else None)
        self.save.setEnabled(not faults and not self._busy)

    def _save(self) -> None:
        wanted = self.wanted()
        self._busy = True
        self.status.show_state(Working(phrase("Saving…"), can_stop=False))
        self._background.run(lambda: self._file.add(wanted), self._done, self._failed)
        self._typed()

    def _done(self, hosts: Hosts) -> None:
        self.accept()
        self.saved.emit(hosts)

    def _failed(self, error: Exception) -> None:
        self._busy = False
        self.status.show_state(problem_from(error, self._host))
        self._typed()

    def _browse(self) -> None:
        field = self.fields["key_file"]
        dialog = QFileDialog(self, self.say(phrase("Key file")), field.text)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(field.edit.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _lay_out(self) -> None:
        self.heading.setFont(large())
        self.about_key.setFont(small())
        form = self.form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(GRID)
        form.setHorizontalSpacing(2 * GRID)
        key = self.key_row = QHBoxLayout()
        key.setSpacing(GRID)
        key.addWidget(self.fields["key_file"], 1)
        key.addWidget(self.browse)
        form.addRow(self.fields["address"].label, self.fields["address"])
        form.addRow(self.port_label, self.port)
        form.addRow(self.fields["user"].label, self.fields["user"])
        form.addRow(self.by, self.ways)
        form.addRow(self.fields["key_file"].label, key)
        form.addRow(self.fields["agent_key"].label, self.fields["agent_key"])
        form.addRow(self.fields["fingerprint"].label, self.fields["fingerprint"])
        form.addRow("", self.about_key)
        for row in range(form.rowCount()):
            form.setRowVisible(row, self._host.by_ssh)
        form.addRow(self.fields["models_dir"].label, self.fields["models_dir"])
        form.addRow(self.fields["cache_dir"].label, self.fields["cache_dir"])
        form.addRow("", self.sudo)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(GRID)
        column.addWidget(self.heading)
        column.addLayout(form)
        column.addStretch(1)
        column.addWidget(self.status)
        column.addLayout(buttons)


# Between several addresses of one host.
_SEVERAL = ", "
_EXAMPLES = {
    "address": "spark-1234.local, 100.64.0.7",
    "agent_key": "SHA256:…",
    "fingerprint": "SHA256:…",
}
_WAYS = {
    Login.KEY: phrase("a key file"),
    Login.AGENT: phrase("the SSH agent"),
    Login.PASSWORD: phrase("a password"),
}
_LABELS: dict[str, Phrase] = {
    "address": phrase("&Address"),
    "user": phrase("&User"),
    "key_file": phrase("&Key file"),
    "agent_key": phrase("A&gent's key"),
    "fingerprint": phrase("&Host key"),
    "models_dir": phrase("&Models are in"),
    "cache_dir": phrase("C&aches are in"),
}
