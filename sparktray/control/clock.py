"""The clock that decisions go by: wall time as it was at the start, counted on by what nobody can set."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


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


_ticks = sleep_clock()
_BEGAN = time.time() - _ticks()


def now() -> float:
    """Seconds since 1970 by the wall clock of this program's start. Any thread.

    A wall clock that is set forward would end a load for having taken a day, one that is set back would
    put off the next look at a server by as much.
    """
    return _BEGAN + _ticks()
