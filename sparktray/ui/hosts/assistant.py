"""The assistant that sets up a host in four steps. Nothing is saved before its end."""

from __future__ import annotations

import getpass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.remote.contract import HostKey
from sparktray.ui.background import Background, Job
from sparktray.ui.hosts.access import Access
from sparktray.ui.hosts.status import StatusLine, problem_from
from sparktray.ui.hosts.steps.find import FindStep
from sparktray.ui.hosts.steps.host_key import HostKeyStep
from sparktray.ui.hosts.steps.login import LoginStep
from sparktray.ui.hosts.steps.offers import offers
from sparktray.ui.hosts.steps.step import Step
from sparktray.ui.hosts.steps.there import ThereStep
from sparktray.ui.hosts.window import HostWindow
from sparktray.ui.painting.texts import button, line, name_label, tint
from sparktray.ui.panel.controls import AccentButton
from sparktray.ui.theme import AROUND, GRID, large, small, tones
from sparktray.wording import Wording

_WIDTH, _HEIGHT = 560, 520


class Assistant(HostWindow):
    """Main thread only. ``saved`` brings the `HostProfile` that was saved and is in use now, as the window
    closes. ``demo_asked``, as it closes too, is somebody who has no host and wants to see one first.
    """

    saved = Signal(object)
    demo_asked = Signal()

    def __init__(
        self, say: Wording, background: Background, access: Access, parent: QWidget | None = None
    ) -> None:
        super().__init__(say, parent)
        self._background = background
        self._access = access
        self._draft = HostProfile("", "")
        self._job: Job | None = None
        self._without_host = False
        self.where = FindStep(say, access.look_at_key)
        self.host_key = HostKeyStep(say)
        self.login = LoginStep(say, background, access)
        self.there = ThereStep(say, background, access)
        self.where.picked.connect(lambda host: self.login.prefer(host.key_file))
        self._steps: tuple[Step, ...] = (self.where, self.host_key, self.login, self.there)
        self.stack = QStackedWidget()
        for step in self._steps:
            self.stack.addWidget(step)
            step.changed.connect(self._allow)
        self.trail = [name_label() for _ in self._steps]
        self.between = [name_label("/") for _ in self._steps[1:]]
        self.heading, self.advice, self.status = name_label(), line(), StatusLine(say)
        self.back, self.onward, self.cancel = button(), AccentButton(), button()
        self.demo = button()
        self.demo.hide()  # until it is known that there is no host
        self.onward.setAutoDefault(False)
        # Enter presses these while they have the focus; what leads on is pressed by Enter from anywhere else.
        self.back.setAutoDefault(True)
        self.cancel.setAutoDefault(True)
        self.demo.setAutoDefault(True)
        self.demo.clicked.connect(self._try_demo)
        self.back.clicked.connect(lambda: self._go(-1))
        self.onward.clicked.connect(self._onward)
        self.cancel.clicked.connect(self.reject)
        self.status.stopped.connect(self._stop)
        self.status.again.connect(self._onward)
        self._lay_out()
        self._begin()
        self._enter()

    @property
    def step(self) -> Step:
        """The one on the screen."""
        return self._steps[self.stack.currentIndex()]

    def tell(self) -> None:
        """All texts and colours anew; to be called when the language has changed."""
        super().tell()
        say, look = self.say, tones()
        self.setWindowTitle(say(phrase("Set up a Spark")))
        for number, (label, step) in enumerate(zip(self.trail, self._steps, strict=True)):
            label.setText(say(step.title()))
            tint(label, look.accent if number == self.stack.currentIndex() else look.quiet)
        for label in self.between:
            tint(label, look.quiet)
        self.heading.setText(say(self.step.title()))
        self.advice.setText(say(self.step.advice()))
        tint(self.advice, look.quiet)
        self.back.setText(say(phrase("&Back")))
        self.onward.setText(say(self.step.onward()))
        if self.step.enter_goes_on:
            self.onward.dress()
        else:
            self.onward.setStyleSheet("")  # nothing shall lure a person into accepting
        self.cancel.setText(say(phrase("Cancel")))
        self.demo.setText(say(phrase("&Try the demo")))
        self.status.tell()
        self.step.tell()

    def reject(self) -> None:
        """Close without saving; also what Escape and the window's own button do."""
        if self._job is not None and self.step is self.there:
            return  # it is being saved, and that takes no time
        self._stop()
        self.step.leave()
        super().reject()

    def _begin(self) -> None:
        """Which names are taken, and who is here; both are read from disk."""
        hosts = self._access.hosts

        def read() -> tuple[tuple[HostProfile, ...], str]:
            return hosts.load().profiles, getpass.getuser()

        self._reading = self._background.run(read, lambda known: self._know(*known), self._failed)
        self.finished.connect(lambda: self._reading.cancel())

    def _try_demo(self) -> None:
        self.reject()
        self.demo_asked.emit()

    def _know(self, profiles: tuple[HostProfile, ...], user: str) -> None:
        """Then what can be offered: it is not waited for, as configurations can be long."""
        self.where.know(tuple(each.name for each in profiles), user)
        self._without_host = not profiles
        self._allow()
        offered = self._access.offered
        self._reading = self._background.run(lambda: offers(offered(), profiles, user), self.where.offer)

    def _go(self, by: int) -> None:
        """Another step; on this computer itself there is neither a host key nor a login."""
        self._stop()
        self._draft = self.step.draft(self._draft)
        self.step.leave()
        here = self._draft.is_local and self.stack.currentIndex() in {0, 3}
        self.stack.setCurrentIndex(self.stack.currentIndex() + (3 * by if here else by))
        self._enter()

    def _enter(self) -> None:
        step = self.step
        self.status.show_state(None)
        step.enter(self._draft)
        step.setFocus()
        self.onward.setDefault(step.enter_goes_on)
        self.tell()
        self._allow()

    def _onward(self) -> None:
        if self._job is not None or not self.step.complete():
            return
        draft = self.step.draft(self._draft)
        work = self.step.proof(draft)
        if work is None:
            self._go(1)
            return
        working, job = work
        self._draft = draft
        self._access.person.welcome()
        self.status.show_state(working)
        self._job = self._background.run(job, self._proven, self._failed)
        self._allow()

    def _proven(self, outcome: object) -> None:
        self._job = None
        self._access.person.settle()
        self.step.proven(outcome)
        if isinstance(outcome, HostKey):
            self.host_key.show_key(outcome)
        if self.step is self.there:
            self.accept()
            self.saved.emit(self._draft)
        else:
            self._go(1)

    def _failed(self, error: Exception) -> None:
        self._job = None
        self._access.person.settle()
        self.status.show_state(problem_from(error, self._draft))
        self._allow()

    def _stop(self) -> None:
        """What was asked for is not waited for any more."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self._access.person.settle()
            self.status.show_state(None)
            self._allow()

    def _allow(self) -> None:
        """What can be pressed now."""
        busy = self._job is not None
        self.step.setEnabled(not busy)
        self.cancel.setEnabled(not (busy and self.step is self.there))
        self.back.setEnabled(self.step is not self.where and not busy)
        self.onward.setEnabled(self.step.complete() and not busy)
        self.demo.setVisible(self._without_host and self.step is self.where)

    def _lay_out(self) -> None:
        self.heading.setFont(large())
        trail = QHBoxLayout()
        trail.setSpacing(GRID)
        for number, label in enumerate(self.trail):
            if number:
                self.between[number - 1].setFont(small())
                trail.addWidget(self.between[number - 1])
            label.setFont(small())
            trail.addWidget(label)
        trail.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.demo)
        buttons.addStretch(1)
        buttons.addWidget(self.back)
        buttons.addWidget(self.onward)
        column = QVBoxLayout(self)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(GRID)
        column.addLayout(trail)
        column.addWidget(self.heading)
        column.addWidget(self.advice)
        column.addSpacing(GRID)
        column.addWidget(self.stack, 1)
        column.addWidget(self.status)
        column.addSpacing(GRID)
        column.addLayout(buttons)
        self.resize(_WIDTH, _HEIGHT)
