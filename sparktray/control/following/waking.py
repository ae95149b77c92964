"""Notices that this computer was away: asleep, stopped for a while, or that it is elsewhere now."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sparktray.control.clock import sleep_clock
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
