"""Step 3: the key file that opens the host."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from sparktray.control.checking import Dial
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.remote.ssh.keyfile import KeyFile, check_key_file, usual_key_files
from sparktray.ui.background import Background, Job
from sparktray.ui.hosts.status import StatusLine, Well, Working, problem_from
from sparktray.ui.hosts.steps.step import Step
from sparktray.ui.hosts.texts import button, code_label, name_label, text_label
from sparktray.ui.theme import GRID
from sparktray.wording import Wording


class LoginStep(Step):
    """One of the usual key files, or any other; looked at before anything is sent."""

    def __init__(
        self, say: Wording, background: Background, dial: Dial, parent: QWidget | None = None
    ) -> None:
        super().__init__(say, parent)
        self._background = background
        self._dial = dial
        self._draft = HostProfile("", "")
        self._usable = False
        self._none_found = False
        self._looking: Job | None = None
        self.label, self.keys, self.choose = name_label(), QComboBox(), button()
        self.keys.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.label.setBuddy(self.keys)
        self.about = StatusLine(say)
        self.install_first, self.install = text_label(), code_label()
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.keys, 1)
        row.addWidget(self.choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.label)
        column.addLayout(row)
        column.addWidget(self.about)
        column.addSpacing(GRID)
        column.addWidget(self.install_first)
        column.addWidget(self.install)
        column.addStretch(1)
        self.keys.currentIndexChanged.connect(self._chosen)
        self.choose.clicked.connect(self._browse)
        self.about.again.connect(self.look_again)
        self.setFocusProxy(self.keys)

    def title(self) -> Phrase:
        """See `Step`."""
        return phrase("Login")

    def advice(self) -> Phrase:
        """See `Step`."""
        return phrase(
            "With which key file do you log in to {address} as {user}? The file stays where it is; only its "
            "path is kept.",
            address=self._draft.address,
            user=self._draft.user or "",
        )

    def tell(self) -> None:
        """See `Step`."""
        say = self.say
        self.label.setText(say(phrase("&Key file")))
        self.keys.setAccessibleName(say(phrase("Key file")))
        self.choose.setText(say(phrase("&Other file…")))
        self.about.tell()
        if self._none_found:
            self.install_first.setText(say(phrase("There is no key in ~/.ssh yet. In a terminal, make one:")))
            self.install.setText("ssh-keygen -t ed25519 -N ''")
        else:
            self.install_first.setText(
                say(phrase("If the Spark does not know this key yet, bring it there from a terminal:"))
            )
            self.install.setText(install_command(self._path(), self._draft))
        self.install.setAccessibleName(say(phrase("Command to type in a terminal")))

    def enter(self, draft: HostProfile) -> None:
        """See `Step`."""
        self._draft = draft
        self.tell()
        self.look_again()

    def look_again(self) -> None:
        """Which keys are there, and whether the chosen one can be used: it may just have been mended."""
        self._cancel()
        self._looking = self._background.run(usual_key_files, self._found)

    def offer(self, path: str) -> None:
        """Choose that file, one of the usual or any other."""
        listed = [_full(self.keys.itemText(row)) for row in range(self.keys.count())]
        if _full(path) in listed:
            at = listed.index(_full(path))
        else:
            self.keys.addItem(path)
            at = self.keys.count() - 1
        self.keys.setCurrentIndex(at)

    def prefer(self, path: str | None) -> None:
        """The key file of the host that was picked, None when none is known: chosen when the step comes."""
        self._usable = False
        self.keys.blockSignals(True)
        self.keys.clear()
        if path is not None:
            self.keys.addItem(path)
        self.keys.blockSignals(False)

    def draft(self, draft: HostProfile) -> HostProfile:
        """See `Step`."""
        return replace(draft, key_file=os.path.expanduser(self._path()) or None)

    def complete(self) -> bool:
        """See `Step`."""
        return self._usable

    def proof(self, draft: HostProfile) -> tuple[Working, Callable[[], None]] | None:
        """See `Step`. The host has to let this user in with this key."""
        doing = phrase("Logging in to {address} as {user}…", address=draft.address, user=draft.user or "")
        return Working(doing), lambda: self._dial(draft).close()

    def leave(self) -> None:
        """See `Step`."""
        self._cancel()

    def _path(self) -> str:
        return self.keys.currentText()

    def _cancel(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    def _found(self, paths: tuple[str, ...]) -> None:
        """The list anew; what was chosen stays chosen, also when it is not one of the usual."""
        chosen = self._path()
        self.keys.blockSignals(True)
        self.keys.clear()
        self.keys.addItems(paths)
        if chosen:
            self.offer(chosen)
        self.keys.blockSignals(False)
        self._none_found = self.keys.count() == 0
        self._chosen()

    def _chosen(self) -> None:
        self._cancel()
        self._usable = False
        self.about.show_state(None)
        path = self._path()
        self.keys.setEnabled(bool(path))
        if path:
            self._looking = self._background.run(lambda: check_key_file(path), self._good, self._bad)
        self.tell()
        self.changed.emit()

    def _good(self, file: KeyFile) -> None:
        self._usable = True
        said = phrase("This key can be used.")
        if file.encrypted:
            said = phrase("This key can be used; its passphrase is asked for when it is needed.")
        self.about.show_state(Well(said))
        self.changed.emit()

    def _bad(self, error: Exception) -> None:
        self.about.show_state(problem_from(error, self.draft(self._draft)))
        self.changed.emit()

    def _browse(self) -> None:
        dialog = QFileDialog(self, self.say(phrase("Key file")), os.path.expanduser("~/.ssh"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.offer)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _full(path: str) -> str:
    """The one way to write it, for comparing."""
    return os.path.normcase(os.path.normpath(os.path.expanduser(path)))


def install_command(path: str, host: HostProfile, platform: str = sys.platform) -> str:
    """What brings the public half of a key to a host, asking for the password there once.

    Windows has ssh but no ssh-copy-id.
    """
    where = f"{host.user}@{host.address}"
    port = [] if host.port == 22 else ["-p", str(host.port)]
    if platform == "win32":
        logged_in = " ".join(["ssh", *port, where])
        return f"""type "{path}.pub" | {logged_in} "cat >> .ssh/authorized_keys\""""
    public = f"{path}.pub"
    if shlex.quote(public.removeprefix("~/")) != public.removeprefix("~/"):
        public = shlex.quote(os.path.expanduser(public))  # a shell leaves a quoted ~ as it is
    return f"ssh-copy-id -i {public} " + shlex.join([*port, where])
