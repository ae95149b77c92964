"""The one way tests wait: for a condition, with a deadline, never for time to pass."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.01


def scale() -> float:
    """How much longer than usual this machine may take: SPARKTRAY_TEST_SCALE, default 1.0."""
    return float(os.environ.get("SPARKTRAY_TEST_SCALE", "1.0"))


def scaled(seconds: float) -> float:
    """A deadline for this machine."""
    return seconds * scale()


def wait_until(
    condition: Callable[[], T], what: str, *, seconds: float = 5.0, every: float = POLL_SECONDS
) -> T:
    """Ask CONDITION EVERY so often until it is true; its value. After SECONDS (scaled) fail, naming WHAT.

    An exception of CONDITION ends the wait at once: a condition that may fail for a while catches it itself.
    """
    deadline = time.monotonic() + scaled(seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {scaled(seconds):g} s for {what}; last seen: {value!r}")
        time.sleep(every)
