"""The settings as a page of the panel."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Snapshot
from sparktray.store.autostart.entry import Autostart
from sparktray.store.paths import ConfigFolder
from sparktray.store.settings import Settings
from sparktray.ui.background import Background
from sparktray.ui.entries.jobs import Controllers
from sparktray.ui.painting.texts import Trouble
from sparktray.ui.panel.controls import Hairline, scrolled
from sparktray.ui.panel.page import Page
from sparktray.ui.settings.general import General
from sparktray.ui.settings.models import Models
from sparktray.ui.settings.notifications import Notifications
from sparktray.ui.settings.saving import Saving
from sparktray.ui.theme import AROUND
from sparktray.wording import Wording


class SettingsPage(Page):
    """Shows what is on disk and saves what is chosen; nothing takes effect but by being read again.

    ``written`` is emitted when something was written: `ui.reloading.Reloading.look` then tells everybody.
    """

    written = Signal()

    def __init__(
        self,
        say: Wording,
        folder: ConfigFolder,
        background: Background,
        saving: Saving,
        autostart: Autostart,
        controllers: Controllers,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(say, parent)
        self._settings = Settings()
        self._wrong: Problem | None = None
        self._looked = False
        self.trouble = Trouble()
        self.general = General(say, saving, autostart, background)
        self.notifications = Notifications(say, saving)
        self.models = Models(say, folder, background, controllers)
        saving.saved.connect(self._saved)
        saving.failed.connect(self._not_saved)
        self.models.written.connect(self.written)
        self._lay_out()

    def title(self) -> Phrase:
        """Its name in the panel's list."""
        return phrase("Settings")

    def take(self, snapshot: Snapshot | None) -> None:
        """All texts and colours anew; the host's picture says nothing here."""
        if not self._looked:
            self._looked = True
            self.general.ask_session()
            self.models.ask_which()
        self._tell()

    def left(self) -> None:
        """What others may change meanwhile is asked for again next time."""
        self._looked = False

    def take_settings(self, settings: Settings, problem: Problem | None) -> None:
        """What is on disk now, and what is wrong with the file."""
        self._settings, self._wrong = settings, problem
        self._show()

    def take_catalogue_problem(self, problem: Problem | None) -> None:
        """What is wrong with the person's own list of models; None when nothing is."""
        self.models.take_broken(problem)

    def _saved(self, settings: Settings) -> None:
        self.take_settings(settings, None)
        self.written.emit()

    def _not_saved(self, problem: Problem) -> None:
        """The switches go back to what is on disk."""
        self.take_settings(self._settings, problem)

    def _show(self) -> None:
        self.trouble.show_problem(self._wrong, self.say)
        self.general.take(self._settings)
        self.notifications.take(self._settings)

    def _tell(self) -> None:
        for group in (self.general, self.notifications, self.models):
            group.tell()
        self.trouble.show_problem(self._wrong, self.say)

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(AROUND, AROUND, AROUND, AROUND)
        column.setSpacing(AROUND)
        column.addWidget(self.trouble)
        column.addWidget(self.general)
        column.addWidget(Hairline())
        column.addWidget(self.notifications)
        column.addWidget(Hairline())
        column.addWidget(self.models)
        column.addStretch(1)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(scrolled(inner))
