"""Whether the desktop shows tray icons, asked over D-Bus before Qt is: Qt keeps its first answer for ever."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, Signal
from PySide6.QtDBus import QDBusConnection, QDBusServiceWatcher

WATCHER = "org.kde.StatusNotifierWatcher"
_log = logging.getLogger(__name__)


class TrayHost(QObject):
    """Emits ``appeared`` once, when there is a watcher to register an icon with; waits for it without end.

    When a panel then shows what is registered, and that the icon comes back after a panel's restart,
    is between Qt and the watcher (Qt 6.11.3 does not ask whether a panel is there).
    """

    appeared = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bus = QDBusConnection.sessionBus()
        self._found = False
        registered = QDBusServiceWatcher.WatchModeFlag.WatchForRegistration
        self._names = QDBusServiceWatcher(WATCHER, self._bus, registered, self)
        self._names.serviceRegistered.connect(self._appeared)

    def start(self) -> None:
        """Look whether it is there already; the bus itself answers, at once. Without a bus there never is."""
        if self._bus.isConnected() and self._bus.interface().isServiceRegistered(WATCHER).value():
            self._appeared()
        else:
            _log.info("no tray yet: waiting for %s", WATCHER)

    def _appeared(self) -> None:
        if not self._found:
            self._found = True
            self.appeared.emit()
