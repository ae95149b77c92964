"""The process around the windows: its signals, what Qt has to say, and that there is only one of it."""

from __future__ import annotations

import locale
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from PySide6.QtCore import (
    QLibraryInfo,
    QLockFile,
    QMessageLogContext,
    QObject,
    QSocketNotifier,
    QtMsgType,
    Signal,
    qInstallMessageHandler,
)

from sparktray.store.paths import ConfigFolder, unwritable

# Of the desktop entry and AppStream (packaging/linux), the bundle of macOS and the taskbar of Windows.
IDENTITY = "org.sparktray.sparktray"
# Comes first wherever the locale is C, and is no reason for anything.
_ABOUT_THE_LOCALE = "Detected locale "
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_log = logging.getLogger("qt")


def plain_letters() -> None:
    """Have the C library treat letters as in English; to be called once Qt has taken over the locale.

    In Turkish and Azeri a capital i has a dot, so that PySide 6.11 does not find the setter of a property
    that begins with i, and a timer with an interval ends the program (tests/rig/faults, row L13). Sentences,
    dates and numbers do not go by this part of the locale.
    """
    for name in ("C.UTF-8", "en_US.UTF-8"):
        with suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, name)
            return


def known_to_the_taskbar(identity: str) -> None:
    """Have Windows show its windows and notifications as this program's, not as those of what runs it.

    To be called before the first window (Microsoft's SetCurrentProcessExplicitAppUserModelID); nothing
    happens on other systems.
    """
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(identity)


class Interrupts(QObject):
    """Emits ``asked`` when a signal asks the process to end; Python's own handlers wait for Python to run."""

    asked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._read, self._written = socket.socketpair()
        self._read.setblocking(False)
        self._written.setblocking(False)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._taken)
        self._before_descriptor = signal.set_wakeup_fd(self._written.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _nothing) for number in _wanted()}

    def close(self) -> None:
        """Give the signals back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before_descriptor)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._read.close()
        self._written.close()

    def _taken(self) -> None:
        with suppress(BlockingIOError):
            self._read.recv(64)
        self.asked.emit()


def _wanted() -> list[int]:
    """Those that ask for an end; one that the process was started to ignore (nohup) stays so."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    known = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]


def _nothing(_number: int, _frame: object) -> None:
    """Taken through the wake-up descriptor."""


@contextmanager
def qt_in_the_log(hopeless: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """Put what Qt says into Python's log, from the moment on that the function given back is called.

    That is when the application was made. For want of a display Qt ends the process with SIGABRT
    before; ``hopeless`` is called instead with the first thing Qt said of it, then it ends with exit code 1.
    """
    early: list[tuple[int, str]] | None = []

    def says(kind: QtMsgType, _context: QMessageLogContext, text: str | None) -> None:
        said = (_LEVELS[kind], text or "")
        if early is not None:
            early.append(said)
        else:
            _log.log(said[0], "%s", said[1])
        if kind is QtMsgType.QtFatalMsg:
            reasons = (text for _level, text in early or () if not text.startswith(_ABOUT_THE_LOCALE))
            hopeless(next(reasons, said[1]))
            if sys.stderr is not None:
                sys.stderr.flush()
            os._exit(1)

    def made() -> None:
        nonlocal early
        for level, text in early or ():
            _log.log(level, "%s", text)
        early = None

    before = qInstallMessageHandler(says)
    try:
        yield made
    finally:
        qInstallMessageHandler(before)


def unloadable_platform() -> str:
    """What the loader says of the platform plug-in for this desktop; empty when it can be loaded.

    Qt says only that it could not be, and its hint at libxcb-cursor0 comes whatever is missing (6.11).
    """
    import ctypes

    wanted = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    names = [wanted] if wanted else ["wayland"] * ("WAYLAND_DISPLAY" in os.environ) + ["xcb"]
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)
    for name in names:
        try:
            ctypes.CDLL(os.path.join(folder, "platforms", f"libq{name}.so"))
        except OSError as error:
            return str(error.__cause__ or error)  # a frozen program has a sentence of PyInstaller's around it
    return ""


@contextmanager
def only_one(folder: ConfigFolder) -> Iterator[int | None]:
    """None when this is the only tray of that config folder, as long as the block lasts; else the other's id.

    What a killed one left is taken over. Raises `StoreError` when the folder cannot be written.
    """
    path = folder.made() / "tray.lock"
    lock = QLockFile(str(path))
    lock.setStaleLockTime(0)  # never by age: only when the process that took it is gone
    taken = lock.tryLock(0) or (_of_nobody(lock) and lock.removeStaleLockFile() and lock.tryLock(0))
    if not taken and lock.error() is not QLockFile.LockError.LockFailedError:
        raise unwritable(path, OSError(lock.error().name))
    try:
        yield None if taken else int(lock.getLockInfo()[0])
    finally:
        if taken:
            lock.unlock()


def _of_nobody(lock: QLockFile) -> bool:
    """Whether the file names no process, as after a crash of the machine: Qt would keep it for ever."""
    return lock.error() is QLockFile.LockError.LockFailedError and int(lock.getLockInfo()[0]) == 0
