"""What changes in the config folder while the program runs, whoever changes it."""

from __future__ import annotations

import logging

import msgspec
from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from sparktray.domain.catalogue import Catalogue
from sparktray.domain.problem import Problem
from sparktray.store.catalogue_file import usable_catalogue
from sparktray.store.hosts import Hosts, HostsFile
from sparktray.store.paths import ConfigFolder, StoreError
from sparktray.store.settings import Settings, SettingsFile
from sparktray.ui.background import Background

# Editors write in several steps (empty, fill, rename); what is read in between is not what was meant.
_QUIET_MILLISECONDS = 200
_FILES = ("settings.json", "models.json", "hosts.json")
_log = logging.getLogger(__name__)


class _Found(msgspec.Struct, frozen=True):
    """All that the folder holds. ``hosts`` is None when there is no usable list of them."""

    settings: Settings
    settings_problem: Problem | None
    catalogue: Catalogue
    catalogue_problem: Problem | None
    hosts: Hosts | None
    hosts_problem: Problem | None


class Reloading(QObject):
    """Watches settings, catalogue and hosts, and tells what really differs. Main thread only.

    ``settings_changed`` brings `Settings` and what is wrong with their file (`Problem` or None); it comes
    once at the start in any case. ``catalogue_changed`` brings a `Catalogue`. ``catalogue_broken`` brings
    a `Problem`, the last good catalogue stays; None when that is mended. ``hosts_changed`` brings `Hosts`,
    ``hosts_broken`` a `Problem`; a list that is gone or broken changes nothing for a running program.
    """

    settings_changed = Signal(object, object)
    catalogue_changed = Signal(object)
    catalogue_broken = Signal(object)
    hosts_changed = Signal(object)
    hosts_broken = Signal(object)

    def __init__(
        self,
        folder: ConfigFolder,
        background: Background,
        catalogue: Catalogue,
        hosts: Hosts,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._background = background
        self._settings: Settings | None = None
        self._settings_problem: Problem | None = None
        self._catalogue = catalogue
        self._catalogue_problem: Problem | None = None
        self._hosts = hosts
        self._reading = False
        self._once_more = False
        self._watcher = QFileSystemWatcher(self)
        self._quiet = QTimer(self, singleShot=True, interval=_QUIET_MILLISECONDS)
        self._quiet.timeout.connect(self.look)
        self._watcher.fileChanged.connect(self._quiet.start)
        self._watcher.directoryChanged.connect(self._quiet.start)

    def look(self) -> None:
        """Read everything now, as at the start and after the program itself has written."""
        if self._reading:
            self._once_more = True
            return
        self._reading = True
        self._watch()  # before reading, so that no change falls between
        self._background.run(lambda: _read(self._folder), self._took, self._failed)

    def _watch(self) -> None:
        """Anew each time: a file that an editor replaced is another one under the old name.

        The folder tells of files that come and go, the files tell of what is written into them.
        """
        watched = [*self._watcher.files(), *self._watcher.directories()]
        if watched:
            self._watcher.removePaths(watched)
        self._watcher.addPaths([str(self._folder.path), *(str(self._folder.file(name)) for name in _FILES)])

    def _took(self, found: _Found) -> None:
        self._reading = False
        self._tell_settings(found.settings, found.settings_problem)
        self._tell_catalogue(found.catalogue, found.catalogue_problem)
        if found.hosts_problem is not None:
            self.hosts_broken.emit(found.hosts_problem)
        elif found.hosts is not None and found.hosts != self._hosts:
            self._hosts = found.hosts
            self.hosts_changed.emit(found.hosts)
        if self._once_more:
            self._once_more = False
            self.look()

    def _failed(self, error: Exception) -> None:
        self._reading = False
        _log.error("the config folder could not be read", exc_info=error)

    def _tell_settings(self, settings: Settings, problem: Problem | None) -> None:
        if settings == self._settings and (problem is None or problem == self._settings_problem):
            # Reading a broken file repairs it: that it is whole now is no news.
            return
        self._settings, self._settings_problem = settings, problem
        self.settings_changed.emit(settings, problem)

    def _tell_catalogue(self, catalogue: Catalogue, problem: Problem | None) -> None:
        if problem != self._catalogue_problem:
            self._catalogue_problem = problem
            self.catalogue_broken.emit(problem)
        if problem is None and catalogue != self._catalogue:
            self._catalogue = catalogue
            self.catalogue_changed.emit(catalogue)


def _read(folder: ConfigFolder) -> _Found:
    settings, settings_problem = SettingsFile(folder).load()
    catalogue, catalogue_problem = usable_catalogue(folder)
    hosts, hosts_problem = None, None
    file = HostsFile(folder)
    try:
        if file.path.exists():
            hosts = file.load()
    except StoreError as error:
        hosts_problem = error.problem
    return _Found(settings, settings_problem, catalogue, catalogue_problem, hosts, hosts_problem)
