"""The settings page with everything it needs, and who stands for the desktop's editor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, QUrl, Slot

from sparktray.control.controller import Controller
from sparktray.store.autostart.choice import autostart_for
from sparktray.store.paths import ConfigFolder
from sparktray.store.settings import Settings, SettingsFile
from sparktray.ui.background import Background
from sparktray.ui.settings.page import SettingsPage
from sparktray.ui.settings.saving import Saving
from sparktray.wording import Wording
from tests.waiting import wait_until


class Opened(QObject):
    """Stands where the desktop would start an editor."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    @Slot(QUrl)
    def take(self, url: QUrl) -> None:
        self.paths.append(url.toLocalFile())


class Shown:
    """The page on the screen, with a home folder of its own."""

    def __init__(self, home: Path) -> None:
        self.folder = ConfigFolder(home / "config")
        self.file = SettingsFile(self.folder)
        self.say = Wording("en")
        self.background = Background()
        self.saving = Saving(self.folder, self.background)
        self.autostart = autostart_for(self.folder)
        self.controller: Controller | None = None
        self.page = SettingsPage(
            self.say, self.folder, self.background, self.saving, self.autostart, lambda: self.controller
        )
        self.written = 0
        self.page.written.connect(self._count)
        self.page.take_settings(*self.file.load())
        self.page.resize(560, 520)
        self.page.take(None)
        self.page.show()
        self.until(lambda: self.page.general.with_session.isEnabled(), "the session's word")

    def until(self, condition: Callable[[], object], what: str) -> None:
        def processed() -> object:
            QCoreApplication.processEvents()
            return condition()

        wait_until(processed, what)

    def on_disk(self, settings: Settings) -> None:
        self.until(lambda: self.file.load() == (settings, None), f"{settings} on disk")

    def _count(self) -> None:
        self.written += 1
