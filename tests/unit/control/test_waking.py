"""Noticing that the computer slept, and what the crew does then; the sleep itself is only simulated here."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

import pytest

from sparktray.control.clock import sleep_clock
from sparktray.control.crew import Crew
from sparktray.control.following.network import whereabouts
from sparktray.control.following.waking import watch_absence
from sparktray.control.performing.records import Records
from sparktray.decide.effects import Connect, ConnectNow
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.events import Event, LinkDown, Woke
from sparktray.domain.host import HostProfile
from sparktray.remote.contract import Remote
from sparktray.remote.errors import HostUnreachable
from tests.waiting import scaled, wait_until

PAUSE = 0.005


class Clock:
    """Goes on by a pause a look, as while awake, and by whatever a test adds."""

    def __init__(self) -> None:
        self.looks = 0
        self.slept = 0.0
        self.here = ("10.0.0.5", None)

    def place(self) -> object:
        return self.here

    def __call__(self) -> float:
        self.looks += 1
        return self.looks * PAUSE + self.slept

    def look(self, times: int = 3) -> None:
        """Wait for some more looks."""
        wanted = self.looks + times
        wait_until(lambda: self.looks >= wanted, "more looks at the clock")


@contextmanager
def watched(clock: Clock) -> Iterator[list[Event]]:
    posted: list[Event] = []
    closing = threading.Event()
    thread = threading.Thread(
        target=partial(watch_absence, posted.append, closing, clock.place, clock, PAUSE)
    )
    thread.start()
    try:
        yield posted
    finally:
        closing.set()
        thread.join()


def test_a_sleep_is_posted_once_whenever_it_comes() -> None:
    clock = Clock()
    with watched(clock) as posted:
        clock.look()
        assert posted == []
        for _ in range(2):
            clock.slept += 8 * 3600
            wait_until(lambda: posted, "the waking")
            clock.look(10)
            assert posted == [Woke()]
            posted.clear()


def test_a_machine_that_is_late_by_seconds_did_not_sleep() -> None:
    clock = Clock()
    with watched(clock) as posted:
        for _ in range(5):
            clock.slept += 4.9
            clock.look()
        assert posted == []
        clock.slept += 5.1
        wait_until(lambda: posted, "the waking")


def test_another_place_in_the_network_is_posted_once() -> None:
    clock = Clock()
    with watched(clock) as posted:
        clock.look()
        clock.here = ("10.8.0.2", None)
        wait_until(lambda: posted, "the change")
        clock.look(10)
        assert posted == [Woke()]


def test_the_place_is_told_without_asking_anybody() -> None:
    assert len(whereabouts("no-such-host.invalid")) == 2
    *_, towards = whereabouts("127.0.0.1")
    assert towards == "127.0.0.1"


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_platform_has_a_clock_that_goes_on(platform: str) -> None:
    clock = sleep_clock(platform)
    began = clock()
    assert wait_until(lambda: clock() > began, "the clock to go on")


class Dialling:
    """A host that is never there, and when it was tried."""

    def __init__(self) -> None:
        self.tries: queue.SimpleQueue[float] = queue.SimpleQueue()

    def __call__(self) -> Remote:
        self.tries.put(time.monotonic())
        raise HostUnreachable(address="192.0.2.1", port="22", reason="no route")


@contextmanager
def crewed(dial: Dialling) -> Iterator[tuple[Crew, queue.SimpleQueue[Event]]]:
    host, posted = HostProfile("spark", "192.0.2.1"), queue.SimpleQueue[Event]()
    crew = Crew(host, Catalogue(servers=(), models=()), dial, cast(Records, None), keep_trying=True)
    crew.report_to(posted.put)
    try:
        yield crew, posted
    finally:
        crew.close(scaled(2.0))


def test_the_back_off_ends_when_somebody_is_in_a_hurry() -> None:
    """Attempt 20 waits at least 30 s by itself."""
    dial = Dialling()
    with crewed(dial) as (crew, posted):
        for epoch in (1, 2):
            crew.carry_out(Connect(epoch, 20))
            with pytest.raises(queue.Empty):
                dial.tries.get(timeout=0.05)
            crew.carry_out(ConnectNow())
            dial.tries.get(timeout=scaled(2.0))
            down = posted.get(timeout=scaled(2.0))
            assert isinstance(down, LinkDown) and down.epoch == epoch


def test_a_hurry_during_an_attempt_shortens_the_next_pause() -> None:
    dial = Dialling()
    with crewed(dial) as (crew, _):
        crew.carry_out(ConnectNow())
        crew.carry_out(Connect(1, 20))
        dial.tries.get(timeout=scaled(2.0))


def test_the_end_does_not_wait_for_the_back_off() -> None:
    dial = Dialling()
    with crewed(dial) as (crew, _):
        crew.carry_out(Connect(1, 20))
        crew.carry_out(Connect(2, 20))
        began = time.monotonic()
    assert time.monotonic() - began < scaled(1.0)
    assert dial.tries.empty()
    ours = {"sparktray-link", "sparktray-waking"}
    wait_until(lambda: not [t for t in threading.enumerate() if t.name in ours], "their end", seconds=1.0)
