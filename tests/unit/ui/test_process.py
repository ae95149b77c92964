from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QCoreApplication, QObject, Slot

from sparktray.domain.snapshot import Snapshot
from sparktray.store.paths import ConfigFolder
from sparktray.ui.bridge import Bridge
from sparktray.ui.process import IDENTITY, Interrupts, known_to_the_taskbar, only_one
from tests.unit.cli import pictures
from tests.waiting import wait_until


def processed(condition: Callable[[], object]) -> Callable[[], object]:
    def asked() -> object:
        QCoreApplication.processEvents()
        return condition()

    return asked


def test_only_one_per_config_folder(tmp_path: Path) -> None:
    folder, other = ConfigFolder(tmp_path / "a"), ConfigFolder(tmp_path / "b")
    with only_one(folder) as first, only_one(folder) as second, only_one(other) as elsewhere:
        assert (first, second, elsewhere) == (None, os.getpid(), None)
    with only_one(folder) as again:
        assert again is None


@pytest.mark.skipif(sys.platform == "win32", reason="a process there cannot send itself SIGTERM")
def test_a_signal_reaches_qt_and_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    interrupts = Interrupts()
    asked: list[bool] = []
    interrupts.asked.connect(lambda: asked.append(True))
    os.kill(os.getpid(), signal.SIGTERM)
    wait_until(processed(lambda: asked), "the signal")
    interrupts.close()
    assert signal.getsignal(signal.SIGTERM) is before


def test_windows_is_told_whose_windows_these_are(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    shell = SimpleNamespace(SetCurrentProcessExplicitAppUserModelID=told.append)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(shell32=shell), raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    known_to_the_taskbar(IDENTITY)
    monkeypatch.setattr(sys, "platform", "linux")
    known_to_the_taskbar("nobody")
    assert told == ["org.sparktray.sparktray"]
    # "CompanyName.ProductName, no more than 128 characters, no spaces" (Application User Model IDs)
    assert len(IDENTITY) <= 128 and " " not in IDENTITY and "." in IDENTITY


class _Receiver(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.got: list[tuple[int, Snapshot, threading.Thread]] = []

    @Slot(int, object)
    def take(self, number: int, snapshot: Snapshot) -> None:
        self.got.append((number, snapshot, threading.current_thread()))


def test_snapshots_cross_to_the_main_thread_and_none_after_the_end() -> None:
    receiver, bridge = _Receiver(), Bridge()
    bridge.changed.connect(receiver.take)
    picture = pictures.picture()

    def publish() -> None:
        bridge.publish(1, picture)

    thread = threading.Thread(target=publish)
    thread.start()
    thread.join()
    assert receiver.got == [], "nothing runs on the thread that publishes"
    wait_until(processed(lambda: receiver.got), "the snapshot")
    assert receiver.got == [(1, picture, threading.main_thread())]
    bridge.close()
    publish()
    QCoreApplication.processEvents()
    assert len(receiver.got) == 1


def test_a_late_picture_of_an_earlier_controller_is_left_out() -> None:
    receiver, bridge = _Receiver(), Bridge()
    bridge.changed.connect(receiver.take)
    for number in (1, 2, 1, 2):
        bridge.publish(number, pictures.picture())
    wait_until(processed(lambda: len(receiver.got) == 3), "three pictures")
    assert [number for number, _, _ in receiver.got] == [1, 2, 2]
