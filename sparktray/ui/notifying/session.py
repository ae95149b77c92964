"""The end of the session bus, on which icon, menu and notifications live."""

from __future__ import annotations

from PySide6.QtCore import SIGNAL, QObject, Signal
from PySide6.QtDBus import QDBusConnection


class SessionBus(QObject):
    """Emits ``lost`` once when the session bus ends, as it does with the session (Linux only).

    Qt (6.11.3) never connects to another one: without it nobody can reach the tray any more, while it
    would keep a second start from showing a new icon. Main thread only.
    """

    lost = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # libdbus itself puts this message at the end of what came; no bus sends it. The signature in
        # PySide6 asks for bytes, and takes only a string (6.11.3).
        QDBusConnection.sessionBus().connect(  # type: ignore[call-overload]
            "",
            "/org/freedesktop/DBus/Local",
            "org.freedesktop.DBus.Local",
            "Disconnected",
            self,
            SIGNAL("lost()"),
        )
