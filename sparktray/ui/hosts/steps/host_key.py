"""Step 2: a person judges whether the host is the one that is meant."""

from __future__ import annotations

import re

from msgspec.structs import replace
from PySide6.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from sparktray.control.checking import key_kind, read_fingerprint
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.remote.contract import HostKey
from sparktray.ui.hosts.field import Field
from sparktray.ui.hosts.status import WELL
from sparktray.ui.hosts.steps.step import Step
from sparktray.ui.painting.texts import code_label, line, name_label, selectable, tint
from sparktray.ui.theme import GRID, tones
from sparktray.wording import Wording

# ssh-keygen -l prints "256 SHA256:… comment (ED25519)", and people copy whole lines.
_PRINTED = re.compile(r"SHA256:[A-Za-z0-9+/]{43}(?![A-Za-z0-9+/])")


class HostKeyStep(Step):
    """The key's type and fingerprint, and how to compare it. Enter is never enough to accept it."""

    enter_goes_on = False

    def __init__(self, say: Wording, parent: QWidget | None = None) -> None:
        super().__init__(say, parent)
        self._key = HostKey("", "")
        self._address = ""
        self.kind_label, self.kind = name_label(), selectable()
        self.shown_label, self.shown = name_label(), code_label()
        self.how, self.command = line(), code_label()
        self.expected, self.same = Field(say), line()
        self.expected.edit.setClearButtonEnabled(True)
        form = QFormLayout()
        form.setHorizontalSpacing(2 * GRID)
        form.addRow(self.kind_label, self.kind)
        form.addRow(self.shown_label, self.shown)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(form)
        column.addSpacing(GRID)
        column.addWidget(self.how)
        column.addWidget(self.command)
        column.addSpacing(GRID)
        column.addWidget(self.expected.label)
        column.addWidget(self.expected)
        column.addWidget(self.same)
        column.addStretch(1)
        self.expected.changed.connect(self._typed)
        self.setFocusProxy(self.expected)

    def show_key(self, key: HostKey) -> None:
        """The key that the host has just shown."""
        if key != self._key:
            self.expected.edit.clear()
        self._key = key

    def title(self) -> Phrase:
        """See `Step`."""
        return phrase("Host key")

    def advice(self) -> Phrase:
        """See `Step`."""
        return phrase(
            "{address} shows this key. Is it your Spark, or somebody in between? Nothing was sent to it yet.",
            address=self._address,
        )

    def onward(self) -> Phrase:
        """See `Step`."""
        return phrase("It is the same: accept it")

    def tell(self) -> None:
        """See `Step`."""
        say = self.say
        self.kind_label.setText(say(phrase("Type")))
        self.kind.setText(key_kind(self._key.key_type))
        self.shown_label.setText(say(phrase("Fingerprint")))
        self.shown.setText(self._key.fingerprint)
        self.shown.setAccessibleName(say(phrase("Fingerprint")))
        self.how.setText(
            say(phrase("Compare it with what the Spark itself prints, at its own screen, for this command:"))
        )
        self.command.setText(read_fingerprint(self._key.key_type))
        self.command.setAccessibleName(say(phrase("Command to type on the Spark")))
        self.expected.tell(phrase("Or &paste here what it prints, and it is compared for you:"), "SHA256:…")
        self._compare()

    def enter(self, draft: HostProfile) -> None:
        """See `Step`."""
        self._address = draft.address
        self.tell()

    def draft(self, draft: HostProfile) -> HostProfile:
        """See `Step`."""
        return replace(draft, fingerprint=self._key.fingerprint)

    def complete(self) -> bool:
        """See `Step`. What was pasted and is not the same cannot be overruled."""
        return not self.expected.text or self._pasted() == self._key.fingerprint

    def _pasted(self) -> str | None:
        found = _PRINTED.search(self.expected.text)
        return None if found is None else found[0]

    def _typed(self) -> None:
        self._compare()
        self.changed.emit()

    def _compare(self) -> None:
        said, fault = "", None
        if self.expected.text:
            if self._pasted() is None:
                fault = phrase("It looks like SHA256: and 43 characters, as ssh-keygen -l prints it.")
            elif self.complete():
                said = f"{WELL}  " + self.say(phrase("It is the same."))
            else:
                fault = phrase(
                    "It is another key: somebody may be in between. Check the address, and that it was "
                    "this command that was typed on the Spark."
                )
        self.same.setText(said)
        self.same.setVisible(bool(said))
        tint(self.same, tones().good)
        self.expected.show_fault(fault)
