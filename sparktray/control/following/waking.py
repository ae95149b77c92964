"""Notices that this computer was away: asleep, stopped for a while, or that it is elsewhere now."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from sparktray.domain.events import Event, Woke

# How long after waking it is noticed at the latest; a look costs some 40 µs of a core.
_LOOK_SECONDS = 2.0
# A busy machine is late by seconds too; a false alarm costs one question to the host.
_AWAY_SECONDS = 5.0


def watch_absence(
    post: Callable[[Event], None],
    closing: threading.Event,
    place: Callable[[], object],
    clock: Callable[[], float] | None = None,
    pause: float = _LOOK_SECONDS,
) -> None:
    """Post `Woke` when more time went by between two looks, ``pause`` seconds apart, than was waited, and
    when ``place``, the whereabouts in the network, is another.

    Blocks until ``closing``. ``clock`` counts the seconds of sleep too.
    """
    ask = clock or sleep_clock()
    before, here = ask(), place()
    while not closing.wait(pause):
        now, there = ask(), place()
        if now - before > pause + _AWAY_SECONDS or there != here:
            post(Woke())
        before, here = now, there


def sleep_clock(platform: str = sys.platform) -> Callable[[], float]:
    """A clock that goes on in sleep and that nobody can set, unlike the wall clock.

    Linux: CLOCK_BOOTTIME, clock_gettime(2); CLOCK_MONOTONIC stands still there. macOS: its
    CLOCK_MONOTONIC goes on in sleep, clock_gettime(3), while Python's ``time.monotonic`` does not
    (mach_absolute_time). Windows: ``time.monotonic`` of Python 3.11 is GetTickCount64, which counts
    sleep. The last two are assumed from their manuals; only Linux was tried.
    """
    names = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}
    kind: int | None = getattr(time, names.get(platform, ""), None)
    return time.monotonic if kind is None else lambda: time.clock_gettime(kind)
