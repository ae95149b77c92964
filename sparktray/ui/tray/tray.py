"""The icon in the tray: its picture, its tooltip and its menu, set only when they differ."""

from __future__ import annotations

import os
import sys

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication, Qt
from PySide6.QtWidgets import QSystemTrayIcon

from sparktray.decide.showing.menu import menu
from sparktray.decide.truth import icon_of
from sparktray.domain.snapshot import Icon, Phase, Snapshot
from sparktray.ui.icons import LOADING_STEPS, Look, icon
from sparktray.ui.labels import tooltip
from sparktray.ui.tray.menu import TrayMenu
from sparktray.wording import Wording

# As often as a person sees a difference; a load reports itself more often than that.
_PACE_MILLISECONDS = 50


class Tray(QObject):
    """Shows snapshots. Main thread only; made when the desktop is known to show tray icons."""

    def __init__(self, say: Wording, *, over_bus: bool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self.rows = TrayMenu(say, over_bus=over_bus, parent=self)
        self.icon = QSystemTrayIcon(self)
        self.icon.setContextMenu(self.rows.menu)
        self._shown_icon: tuple[Icon, Look, int] | None = None
        self._latest: Snapshot | None = None
        self._waits = False
        self._pause = QTimer(self, singleShot=True, interval=_PACE_MILLISECONDS)
        self._pause.timeout.connect(self._pause_over)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._look_changed)

    def show(self, snapshot: Snapshot) -> None:
        """Show it at once, or with others that come within the pace as one."""
        self._latest = snapshot
        if self._pause.isActive():
            self._waits = True
        else:
            self._apply(snapshot)

    def close(self) -> None:
        """Take the icon away."""
        self._pause.stop()
        self.icon.hide()

    def _pause_over(self) -> None:
        if self._waits and self._latest is not None:
            self._apply(self._latest)

    def _apply(self, snapshot: Snapshot) -> None:
        self._waits = False
        shown = menu(snapshot)
        # Before the menu: it is what is looked at, and what must not wait.
        changed = self._set_icon(snapshot)
        text = tooltip(self._say(shown.sentence))
        if self.icon.toolTip() != text:
            self.icon.setToolTip(text)
            changed = True
        changed = self.rows.show(shown) or changed
        if not self.icon.isVisible():
            self.icon.show()
        if changed:
            self._pause.start()

    def _set_icon(self, snapshot: Snapshot) -> bool:
        wanted = (icon_of(snapshot), look(), loading_step(snapshot))
        if self._shown_icon == wanted:
            return False
        self._shown_icon = wanted
        self.icon.setIcon(icon(*wanted))
        return True

    def _look_changed(self) -> None:
        if self._latest is not None:
            self._set_icon(self._latest)


def loading_step(snapshot: Snapshot) -> int:
    """How many thirds of a load are done, for the icon; 0 while nothing loads or the log tells nothing."""
    loading = (s.progress for s in snapshot.servers if s.phase is Phase.LOADING and s.progress is not None)
    fraction = next((progress.fraction or 0.0 for progress in loading), 0.0)
    return min(LOADING_STEPS - 1, int(fraction * LOADING_STEPS))


def look() -> Look:
    """The look for the platform's bar; GNOME's is dark in a light theme too."""
    if sys.platform == "darwin":
        return Look.TEMPLATE
    dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    gnome = "GNOME" in os.environ.get("XDG_CURRENT_DESKTOP", "").split(":")
    return Look.DARK if dark or gnome else Look.LIGHT
