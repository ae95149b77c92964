"""The tray as a program: what is made, in which order, and how it ends."""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtGui import QSessionManager
from PySide6.QtWidgets import QApplication

from sparktray.control.controller import Controller
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import Wish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Snapshot
from sparktray.ui.bridge import Bridge
from sparktray.ui.icons import application_icon
from sparktray.ui.notifying.announcing import Announcer
from sparktray.ui.notifying.notify import Notifier, TrayMessages
from sparktray.ui.process import Interrupts, only_one, qt_in_the_log
from sparktray.ui.tray.tray import Tray
from sparktray.wiring import Program, controller_for
from sparktray.wording import Wording

NAME = "sparktray"
_ON_BUS = sys.platform.startswith("linux")


def run(program: Program, host: HostProfile) -> int:
    """Show the tray for a host until it is quit; the exit code. Main thread.

    1 without a display or a D-Bus session, 0 also when another tray of the same config folder runs.
    Raises `StoreError` when that folder cannot be written.
    """
    say = Wording()

    def hopeless(reason: str) -> None:
        _tell(say, phrase("There is no display to show the tray on: {reason}", reason=reason))
        _tell(say, phrase("On the command line: {command}", command="sparktray status"))

    with qt_in_the_log(hopeless) as made, only_one(program.folder) as alone:
        if not alone:
            _tell(say, phrase("sparktray is running already; its icon is in the tray."))
            return 0
        application = QApplication([NAME])
        made()
        application.setApplicationName(NAME)
        application.setApplicationDisplayName(NAME)
        application.setDesktopFileName(NAME)
        application.setWindowIcon(application_icon())
        application.setQuitOnLastWindowClosed(False)
        application.commitDataRequest.connect(_not_started_again)
        interrupts = Interrupts()
        interrupts.asked.connect(application.quit)
        desk = Desk(say, controller_for(program, host, keep_trying=True))
        try:
            if not desk.open():
                _tell(say, phrase("There is no D-Bus session, without which no tray icon can be shown."))
                return 1
            return application.exec()
        finally:
            desk.close()
            interrupts.close()


class Desk(QObject):
    """One controller and its tray: the pictures go in, the wishes go out."""

    def __init__(self, say: Wording, controller: Controller) -> None:
        super().__init__()
        self._say = say
        self._controller = controller
        self._bridge = Bridge(controller, self)
        self._bridge.changed.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._tray: Tray | None = None
        self._notifier: Notifier | None = None
        self._announcer: Announcer | None = None
        self._latest: Snapshot | None = None
        self._began = False

    def open(self) -> bool:
        """Begin to watch the host, and show the icon as soon as the desktop shows any."""
        if _ON_BUS:
            from sparktray.ui.tray.watcher import TrayHost

            desktop = TrayHost(self)
            if not desktop.reachable:
                return False
            desktop.appeared.connect(self._show_tray)
            desktop.start()
        else:
            QTimer.singleShot(0, self, self._show_tray)
        self._began = True
        self._controller.start()
        self._bridge.open()
        return True

    def close(self) -> None:
        """End everything, within 2 s; the models run on."""
        self._bridge.close()
        if self._tray is not None:
            self._tray.close()
        if self._notifier is not None:
            self._notifier.close()
        if self._began:
            self._controller.close()

    @Slot()
    def _show_tray(self) -> None:
        tray = Tray(self._say, over_bus=_ON_BUS, parent=self)
        tray.rows.wished.connect(self._wish)
        tray.rows.cancelled.connect(self._controller.cancel)
        tray.rows.quit_asked.connect(QApplication.quit)
        self._tray = tray
        self._announce(tray)
        if self._latest is not None:
            self._take(self._latest)

    def _announce(self, tray: Tray) -> None:
        if _ON_BUS:
            from sparktray.ui.notifying.bus_notify import BusNotifications

            notifier = BusNotifications(NAME, self)
            self._announcer = Announcer(self._say, notifier, self)
            notifier.pressed.connect(self._announcer.pressed)
            self._notifier = notifier
        else:
            self._notifier = TrayMessages(tray.icon)
            self._announcer = Announcer(self._say, self._notifier, self)
        self._announcer.copy_asked.connect(tray.rows.copy_id)

    @Slot(object)
    def _take(self, snapshot: Snapshot) -> None:
        self._latest = snapshot
        if self._tray is not None and self._announcer is not None:
            self._tray.show(snapshot)
            self._announcer.take(snapshot)

    @Slot(object)
    def _wish(self, wish: Wish) -> None:
        identity = self._controller.wish(wish)
        if self._announcer is not None:
            self._announcer.asked(identity)


def _not_started_again(session: QSessionManager) -> None:
    """At the session's end: whether the tray starts with the next one is the person's own setting."""
    session.setRestartHint(QSessionManager.RestartHint.RestartNever)


def _tell(say: Wording, sentence: Phrase) -> None:
    if sys.stderr is not None:
        sys.stderr.write(say(sentence) + "\n")
