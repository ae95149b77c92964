"""Step 3: how the host is opened."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import assert_never

from msgspec.structs import replace
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from sparktray.domain.host import HostProfile, Login
from sparktray.domain.phrase import Phrase, phrase
from sparktray.remote.ssh.keyfile import KeyFile, check_key_file, usual_key_files
from sparktray.ui.background import Background, Job
from sparktray.ui.hosts.access import Access
from sparktray.ui.hosts.status import StatusLine, Well, Working, problem_from
from sparktray.ui.hosts.steps.step import Step
from sparktray.ui.painting.texts import button, code_label, line, name_label
from sparktray.ui.theme import GRID
from sparktray.wording import Wording


class Way(StrEnum):
    """How to log in, as this step offers it."""

    KEY = "key"
    FRESH_KEY = "fresh-key"
    AGENT = "agent"
    PASSWORD = "password"  # noqa: S105  the name of a way


_WAYS: dict[Way, tuple[Phrase, Phrase]] = {
    Way.KEY: (phrase("a key file"), phrase("The file stays where it is; only its path is kept.")),
    Way.FRESH_KEY: (
        phrase("a fresh key, by password once"),
        phrase(
            "You are asked for the password of your user there. It brings a new key of this computer's own "
            "to the Spark and is forgotten."
        ),
    ),
    Way.AGENT: (
        phrase("the SSH agent"),
        phrase("The agent's only key is used. Another one can be named later, under Edit."),
    ),
    Way.PASSWORD: (
        phrase("a password"),
        phrase("You are asked for it now. The keyring of this computer can keep it; a key is safer."),
    ),
}


class LoginStep(Step):
    """By a key file, which is looked at before anything is sent; by a fresh key, the agent or a password."""

    def __init__(
        self, say: Wording, background: Background, access: Access, parent: QWidget | None = None
    ) -> None:
        super().__init__(say, parent)
        self._background = background
        self._access = access
        self._draft = HostProfile("", "")
        self._usable = False
        self._none_found = False
        self._looking: Job | None = None
        self.by, self.ways, self.way_told = name_label(), QComboBox(), line()
        self.ways.addItems([""] * len(_WAYS))
        self.by.setBuddy(self.ways)
        self.label, self.keys, self.choose = name_label(), QComboBox(), button()
        self.keys.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.label.setBuddy(self.keys)
        self.about = StatusLine(say)
        self.install_first, self.install = line(), code_label()
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.keys, 1)
        row.addWidget(self.choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.by)
        column.addWidget(self.ways)
        column.addWidget(self.way_told)
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
        self.ways.currentIndexChanged.connect(self._turn_to_way)
        self.setFocusProxy(self.ways)

    def title(self) -> Phrase:
        """See `Step`."""
        return phrase("Login")

    def advice(self) -> Phrase:
        """See `Step`."""
        return phrase(
            "How do you log in to {address} as {user}? Passwords are kept in the keyring, or not at all.",
            address=self._draft.address,
            user=self._draft.user or "",
        )

    def tell(self) -> None:
        """See `Step`."""
        say, way = self.say, self.way
        self.by.setText(say(phrase("Log in &with")))
        self.ways.setAccessibleName(say(phrase("Log in with")))
        for number, (name, _) in enumerate(_WAYS.values()):
            self.ways.setItemText(number, say(name))
        self.way_told.setText(say(_WAYS[way][1]))
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
        of_file: tuple[QWidget, ...] = (self.label, self.keys, self.choose, self.about)
        for widget in (*of_file, self.install_first, self.install):
            widget.setVisible(way is Way.KEY)
        self.way_told.setVisible(way is not Way.KEY)

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
        match self.way:
            case Way.KEY:
                path = os.path.expanduser(self._path()) or None
                return replace(draft, login=Login.KEY, key_file=path)
            case Way.AGENT:
                return replace(draft, login=Login.AGENT, key_file=None)
            case Way.PASSWORD | Way.FRESH_KEY:
                return replace(draft, login=Login.PASSWORD, key_file=None)
            case _:  # pragma: no cover
                assert_never(self.way)

    def complete(self) -> bool:
        """See `Step`."""
        return self._usable or self.way is not Way.KEY

    def proof(self, draft: HostProfile) -> tuple[Working, Callable[[], object]] | None:
        """See `Step`. The host has to let this user in with this key."""
        if self.way is Way.FRESH_KEY:
            doing = phrase("Bringing a fresh key to {address}…", address=draft.address)
            return Working(doing), lambda: self._access.set_up_key(draft)
        doing = phrase("Logging in to {address} as {user}…", address=draft.address, user=draft.user or "")
        return Working(doing), lambda: self._access.dial(draft).close()

    def proven(self, outcome: object) -> None:
        """See `Step`. A fresh key is a key file like any other from now on."""
        if isinstance(outcome, HostProfile) and outcome.key_file is not None:
            self.ways.setCurrentIndex(list(_WAYS).index(Way.KEY))
            self.offer(outcome.key_file)

    def leave(self) -> None:
        """See `Step`."""
        self._cancel()

    @property
    def way(self) -> Way:
        """The one that is chosen."""
        return list(_WAYS)[self.ways.currentIndex()]

    def _turn_to_way(self) -> None:
        self.tell()
        self.changed.emit()

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
