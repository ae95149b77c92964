"""The icon in the tray: its picture, its tooltip and its menu, set only when they differ."""

from __future__ import annotations

import os
import sys

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication, Qt
from PySide6.QtWidgets import QSystemTrayIcon

from sparktray.decide.showing.menu import Menu, menu
from sparktray.decide.truth import icon_of
from sparktray.domain.operation import Operation, StepName
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import Icon, Phase, Snapshot
from sparktray.ui.clipboard import Copier
from sparktray.ui.icons import LOADING_STEPS, Look, icon
from sparktray.ui.labels import tooltip
from sparktray.ui.tray.menu import TrayMenu
from sparktray.wording import Wording

# As often as a person sees a difference; a load reports itself more often than that.
_PACE_MILLISECONDS = 50


class Tray(QObject):
    """Shows snapshots. Main thread only; made when the desktop is known to show tray icons."""

    def __init__(
        self, say: Wording, copier: Copier, *, over_bus: bool, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._say = say
        self._hosts: tuple[str, ...] = ()
        self.rows = TrayMenu(say, copier, over_bus=over_bus, parent=self)
        self.icon = QSystemTrayIcon(self)
        self._shown_icon: tuple[Icon, Look, int] | None = None
        self._latest: Snapshot | None = None
        self._waits = False
        self._pause = QTimer(self, singleShot=True, interval=_PACE_MILLISECONDS)
        self._pause.timeout.connect(self._pause_over)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._look_changed)

    def show(self, snapshot: Snapshot | None, hosts: tuple[str, ...]) -> None:
        """Show it at once, or with others that come within the pace as one. Again after a change of language.

        None while no host is set up; ``hosts`` are the names of all that are.
        """
        self._latest, self._hosts = snapshot, hosts
        if self._pause.isActive():
            self._waits = True
        else:
            self._apply()

    def close(self) -> None:
        """Take the icon away."""
        self._pause.stop()
        self.icon.hide()

    def _pause_over(self) -> None:
        if self._waits:
            self._apply()

    def _apply(self) -> None:
        self._waits = False
        shown = self._menu()
        # Before the menu: it is what is looked at, and what must not wait.
        changed = self._set_icon()
        text = tooltip(self._say(shown.sentence))
        if self.icon.toolTip() != text:
            self.icon.setToolTip(text)
            changed = True
        changed = self.rows.show(shown) or changed
        if not self.icon.isVisible():
            # Only now: from here on each change of a row is a message to the desktop.
            self.icon.setContextMenu(self.rows.menu)
            self.icon.show()
        if changed:
            self._pause.start()

    def _menu(self) -> Menu:
        if self._latest is None:
            return Menu(phrase("No host is set up yet."))
        return menu(self._latest, self._hosts)

    def _set_icon(self) -> bool:
        latest = self._latest
        wanted = (
            (Icon.ATTENTION, look(), 0) if latest is None else (icon_of(latest), look(), loading_step(latest))
        )
        if self._shown_icon == wanted:
            return False
        self._shown_icon = wanted
        self.icon.setIcon(icon(*wanted))
        return True

    def _look_changed(self) -> None:
        if self._shown_icon is not None:
            self._set_icon()


def loading_step(snapshot: Snapshot) -> int:
    """How many thirds of a load are done, for the icon; 0 while nothing loads or the log tells nothing."""
    if _just_loaded(snapshot.active):
        return LOADING_STEPS - 1
    loading = (s.progress for s in snapshot.servers if s.phase is Phase.LOADING and s.progress is not None)
    fraction = next((progress.fraction or 0.0 for progress in loading), 0.0)
    return min(LOADING_STEPS - 1, int(fraction * LOADING_STEPS))


def _just_loaded(operation: Operation | None) -> bool:
    """The model is there and the operation about to end: an icon that empties now looks like a failure."""
    if operation is None:
        return False
    there = operation.runs[: operation.index]
    back = operation.going_back
    return any(run.step.name is StepName.LOAD and run.back is back for run in there)


def look() -> Look:
    """The look for the platform's bar; GNOME's is dark in a light theme too."""
    if sys.platform == "darwin":
        return Look.TEMPLATE
    dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    gnome = "GNOME" in os.environ.get("XDG_CURRENT_DESKTOP", "").split(":")
    return Look.DARK if dark or gnome else Look.LIGHT
