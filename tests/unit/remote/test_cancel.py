"""A wish to stop wakes whoever waits, once."""

from __future__ import annotations

import threading

from sparktray.remote.link import Cancel


def test_callbacks_run_once_and_can_be_taken_back() -> None:
    cancel = Cancel()
    calls: list[str] = []
    cancel.on_set(lambda: calls.append("kept"))
    cancel.on_set(lambda: calls.append("taken back"))()
    assert not cancel.is_set()
    cancel.set()
    cancel.set()
    assert calls == ["kept"]
    cancel.on_set(lambda: calls.append("late"))()
    assert calls == ["kept", "late"]


def test_waiting_threads_are_woken() -> None:
    cancel = Cancel()
    woken: list[bool] = []
    thread = threading.Thread(target=lambda: woken.append(cancel.wait(30)))
    thread.start()
    cancel.set()
    thread.join(5)
    assert woken == [True]
    assert cancel.wait(0)
