"""The tray as a program: what is made, in which order, and how it ends."""

from __future__ import annotations

import sys

from PySide6.QtGui import QSessionManager
from PySide6.QtWidgets import QApplication

from sparktray.control.door.listening import Answer, Door, Live
from sparktray.decide.libraries import missing_library
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.ui.desk import NAME, Desk
from sparktray.ui.icons import application_icon
from sparktray.ui.process import (
    IDENTITY,
    Interrupts,
    known_to_the_taskbar,
    only_one,
    plain_letters,
    qt_in_the_log,
    unloadable_platform,
)
from sparktray.wiring import Program
from sparktray.wording import Wording, wording_for


def run(program: Program, host: HostProfile | None, answer: Answer) -> int:
    """Show the tray until it is quit; the exit code. Main thread.

    ``host`` is what is watched first, None while none is set up. ``answer`` does what commands of the
    same config folder want, which come through the door. 1 without a display, and when another tray of the
    same config folder runs: it was asked at its door before, and did not answer. Raises `StoreError` when
    that folder cannot be written.
    """
    say = wording_for(program.folder)

    def hopeless(reason: str) -> None:
        missing = missing_library(unloadable_platform())
        if missing is not None:
            _tell(say, missing.cause)
            _tell(say, missing.remedy)
            return
        _tell(say, phrase("There is no display to show the tray on: {reason}", reason=reason))
        _tell(say, phrase("On the command line: {command}", command="sparktray status"))

    with qt_in_the_log(hopeless) as made, only_one(program.folder) as other:
        if other is not None:
            _hangs(say, other)
            return 1
        known_to_the_taskbar(IDENTITY)
        application = QApplication([NAME])
        plain_letters()
        made()
        application.setApplicationName(NAME)
        application.setApplicationDisplayName(NAME)
        application.setDesktopFileName(IDENTITY)
        application.setWindowIcon(application_icon())
        application.setQuitOnLastWindowClosed(False)
        application.commitDataRequest.connect(_not_started_again)
        interrupts = Interrupts()
        interrupts.asked.connect(application.quit)
        desk = Desk(say, program, host)
        door = Door(Live(program.folder, desk.controller, desk.copy, desk.show_panel), answer)
        try:
            desk.open()
            door.open()
            return application.exec()
        finally:
            door.close()
            desk.close()
            interrupts.close()


def _not_started_again(session: QSessionManager) -> None:
    """At the session's end: whether the tray starts with the next one is the person's own setting."""
    session.setRestartHint(QSessionManager.RestartHint.RestartNever)


def _hangs(say: Wording, other: int) -> None:
    kill = f"taskkill /F /PID {other}" if sys.platform == "win32" else f"kill -9 {other}"
    _tell(say, phrase("sparktray is running already (process {pid}), but it does not answer.", pid=other))
    _tell(say, phrase("Wait a moment and try again. If that does not help, end it: {command}", command=kill))


def _tell(say: Wording, sentence: Phrase) -> None:
    if sys.stderr is not None:
        sys.stderr.write(say(sentence) + "\n")
