"""Closing this computer's link wakes whoever waits on it, every time."""

from __future__ import annotations

import contextlib
import os
import threading
import time

from sparktray.remote.errors import RemoteError
from sparktray.remote.host import open_local
from tests.waiting import scaled

_ROUNDS, _WAITERS = 40, 4
_TALKS_AND_SLEEPS = ("sh", "-c", "echo here; exec sleep 1000")


def left_behind() -> int:
    """How many of those who read from a command do not end when the link is closed."""
    host = open_local()
    heard = threading.Semaphore(0)

    def wait() -> None:
        with contextlib.suppress(RemoteError):
            host.run(_TALKS_AND_SLEEPS, deadline=600, on_output=lambda *_: heard.release())

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(_WAITERS)]
    for thread in threads:
        thread.start()
    for _ in threads:
        heard.acquire()
    host.close()
    until = time.monotonic() + scaled(2.0)
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return sum(thread.is_alive() for thread in threads)


if os.name == "posix":

    def test_no_reader_is_left_behind() -> None:
        """One in thirty slept on: its socket was closed when its process was gone, and woke nobody."""
        assert sum(left_behind() for _ in range(_ROUNDS)) == 0
