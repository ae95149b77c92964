"""The hosts as a page of the panel: which there are, which one is in use, and whether they are well."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMessageBox, QVBoxLayout, QWidget

from sparktray.control.checking import Check, checks
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.store.hosts import Hosts
from sparktray.ui.background import Background
from sparktray.ui.hosts.access import Access
from sparktray.ui.hosts.assistant import Assistant
from sparktray.ui.hosts.edit import HostForm
from sparktray.ui.hosts.hosts_view import HostsView
from sparktray.ui.hosts.status import Advice, State, Well, Working, problem_from
from sparktray.ui.hosts.walk import Walk
from sparktray.ui.hosts.window import HostWindow
from sparktray.ui.panel.page import Page
from sparktray.ui.theme import dress, tones
from sparktray.wording import Wording


class HostsPage(Page):
    """Main thread only. ``changed`` brings the `Hosts` after each change that was made here; ``demo_asked``
    is somebody who has no host and wants to see one.
    """

    changed = Signal(object)
    demo_asked = Signal()

    def __init__(
        self, say: Wording, background: Background, access: Access, parent: QWidget | None = None
    ) -> None:
        super().__init__(say, parent)
        self._background = background
        self._access = access
        self._asked = False
        self._walk: Walk[Check] | None = None
        self._again: Callable[[], None] = self._ask
        self.window_open: HostWindow | None = None
        self.question: QMessageBox | None = None
        self.view = HostsView(say, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)
        for pressed, act in (
            (self.view.first, self.open_assistant),
            (self.view.add, self.open_assistant),
            (self.view.use, self._use),
            (self.view.edit, self._edit),
            (self.view.test, self._test),
            (self.view.remove, self._ask_remove),
        ):
            pressed.clicked.connect(act)
        self.view.demo.clicked.connect(self.demo_asked)
        self.view.list.itemActivated.connect(self._edit)
        self.view.status.stopped.connect(self._stop)
        self.view.status.again.connect(lambda: self._again())

    def title(self) -> Phrase:
        """See `Page`."""
        return phrase("Hosts")

    def take(self, snapshot: Snapshot | None) -> None:
        """See `Page`. The picture of one host says nothing about the list of them."""
        self.view.in_demo(is_so=snapshot is not None and snapshot.host.is_demo)
        if not self._asked:
            self._ask()
        self.tell()

    def left(self) -> None:
        """See `Page`."""
        self._stop()
        self._asked = False

    def tell(self) -> None:
        """All texts and colours anew, of an open window too; to be called when the language has changed."""
        self.view.tell()
        if self.window_open is not None:
            self.window_open.tell()

    def take_hosts(self, hosts: Hosts) -> None:
        """What is on disk now."""
        self.view.take(hosts)

    def open_assistant(self) -> None:
        """Set up one more host."""
        if self.window_open is None:
            assistant = Assistant(self.say, self._background, self._access, self)
            assistant.saved.connect(lambda _: self._ask(tell=True))
            assistant.demo_asked.connect(self.demo_asked)
            self._open(assistant)
        else:
            self._open(self.window_open)

    def _edit(self) -> None:
        host = self.view.chosen
        if host is not None and self.window_open is None:
            form = HostForm(self.say, self._background, self._access.hosts, host, self)
            form.saved.connect(self._changed)
            self._open(form)

    def _open(self, window: HostWindow) -> None:
        if self.window_open is None:
            self.window_open = window
            window.finished.connect(self._closed)
        window.show()
        window.raise_()
        window.activateWindow()

    def _closed(self) -> None:
        if self.window_open is not None:
            self.window_open.deleteLater()
            self.window_open = None

    def _ask(self, *, tell: bool = False) -> None:
        """Read the list; ``tell`` others of it."""
        self._asked = True
        took = self._changed if tell else self._read
        self._do(None, self._access.hosts.load, took, lambda: self._ask(tell=tell))

    def _use(self) -> None:
        host = self.view.chosen
        if host is not None:
            self._do(phrase("Saving…"), lambda: self._access.hosts.use(host.name), self._changed, self._use)

    def _ask_remove(self) -> None:
        host = self.view.chosen
        if host is None or self.question is not None:
            return
        say = self.say
        box = self.question = QMessageBox(self)
        dress(box, tones())
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(say(phrase("Remove {host} from the list?", host=host.name)))
        box.setInformativeText(
            say(
                phrase(
                    "Nothing on the host itself is changed. To add it again, its host key has to be compared."
                )
            )
        )
        yes = box.addButton(say(phrase("Remove")), QMessageBox.ButtonRole.DestructiveRole)
        no = box.addButton(say(phrase("Cancel")), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(no)
        box.setEscapeButton(no)
        box.finished.connect(self._answered)
        yes.clicked.connect(lambda: self._remove(host))
        box.open()

    def _answered(self) -> None:
        if self.question is not None:
            self.question.deleteLater()
            self.question = None

    def _remove(self, host: HostProfile) -> None:
        def removed() -> Hosts:
            left = self._access.hosts.remove(host.name)
            self._access.forget(host)
            return left

        self._do(phrase("Saving…"), removed, self._changed, lambda: self._remove(host))

    def _test(self) -> None:
        host = self.view.chosen
        if host is None:
            return
        self._stop()
        self._again = self._test
        self.view.begin(host)
        self.view.show_state(Working(phrase("Looking at {host}…", host=host.name)))

        def over(error: Exception | None) -> None:
            self._walk = None
            self._access.person.settle()
            self.view.show_state(self._outcome(error, host))

        self._access.person.welcome()
        self._walk = Walk(
            self._background,
            checks(host, self._access.dial, self._access.catalogue()),
            self.view.checklist.add,
            over,
        )

    def _outcome(self, error: Exception | None, host: HostProfile) -> State:
        if error is not None:
            return problem_from(error, host)
        if any(check.problem is not None for check in self.view.checklist.checks):
            return Advice(phrase("When it is put right, look again."))
        return Well(phrase("{host} is ready to be used.", host=host.name))

    def _stop(self) -> None:
        if self._walk is not None:
            self._walk.stop()
            self._walk = None
            self._access.person.settle()
            self.view.show_state(None)

    def _do(
        self,
        doing: Phrase | None,
        job: Callable[[], Hosts],
        done: Callable[[Hosts], None],
        again: Callable[[], None],
    ) -> None:
        """Read or write the list; a test that runs is over."""
        self._stop()
        self._again = again
        if doing is not None:
            self.view.show_state(Working(doing, can_stop=False))
        self._background.run(job, done, self._failed)

    def _failed(self, error: Exception) -> None:
        self.view.show_state(problem_from(error, self.view.chosen or HostProfile("", "")))

    def _read(self, hosts: Hosts) -> None:
        self.view.show_state(None)
        self.view.take(hosts)

    def _changed(self, hosts: Hosts) -> None:
        self._read(hosts)
        self.changed.emit(hosts)
