"""The laptop sleeps and wakes: a stopped program on a clock that goes on is the same to it."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from sparktray.control.crew import Crew
from sparktray.control.performing.records import Records
from sparktray.decide.effects import CheckLink, Connect
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.events import Event, LinkDown, LinkUp, Sampled
from sparktray.domain.snapshot import LinkPhase
from sparktray.store.paths import ConfigFolder
from sparktray.wiring import dialer, vault_of
from tests.rig import namespace
from tests.rig.desktop import Desktop, Item
from tests.rig.driving import Program, driven, profile, quicken
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd, free_port
from tests.rig.tray_program import TrayProgram, tray
from tests.waiting import scaled, wait_until

SCOUT = "llama4-scout-17b-nvfp4"
# More than the program takes for being late; the next sign of life would be due 15 s after connecting.
ASLEEP_SECONDS = 8.0
# A look at the clock every 2 s, 3 s for an answer, a connection; without waking it takes 11 s at least.
BACK_SECONDS = 7.0


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


@pytest.fixture
def server(rig: Rig) -> Sshd:
    """It tells of each question whether it is still there."""
    return rig.sshd({"LogLevel": "DEBUG1"})


@pytest.fixture
def program(rig: Rig, server: Sshd, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig, server=server)
    return made


def said(item: Item, begins: str, seconds: float = 30.0) -> None:
    """The first row begins so."""
    wait_until(lambda: item.visible()[0].startswith(begins), begins, seconds=seconds)


def logins(server: Sshd) -> int:
    return server.log().count("Accepted publickey")


def checks(server: Sshd) -> int:
    """Questions of the program whether the host is there."""
    return server.log().count("server_input_global_request: rtype")


def sleep_through(running: TrayProgram, meanwhile: Callable[[], object]) -> None:
    """Stop the tray for a while, during which that happens; it goes on when this returns."""
    clock = time.CLOCK_BOOTTIME
    running.process.send_signal(signal.SIGSTOP)
    began = time.clock_gettime(clock)
    meanwhile()
    slept = scaled(ASLEEP_SECONDS)
    wait_until(lambda: time.clock_gettime(clock) - began > slept, "the night", seconds=2 * ASLEEP_SECONDS)
    running.process.send_signal(signal.SIGCONT)


@pytest.mark.fault("N19")
def test_the_clock_counts_what_was_slept() -> None:
    """In a time namespace whose clock of sleep is 10 h ahead, as after a night."""
    text = (
        "import time; from sparktray.control.clock import sleep_clock; "
        "print(sleep_clock()() - time.monotonic())"
    )
    here = [sys.executable, "-c", text]
    there = ["unshare", "--time", "--fork", "--boottime", "36000", *here]
    awake, slept = (float(subprocess.check_output(command)) for command in (here, there))
    assert slept - awake == pytest.approx(36000, abs=scaled(1.0))


@pytest.mark.fault("N19")
def test_a_link_that_died_in_the_night_is_back_at_once_and_nothing_is_told(
    rig: Rig, server: Sshd, program: Program, desktop: Desktop
) -> None:
    """The host has the old session still and never answers on it, as after another address was given out."""
    rig.start_sglang(SCOUT)
    with desktop.watcher() as watcher, desktop.notifications() as theirs, tray(program, desktop) as running:
        item = desktop.item(watcher)
        said(item, f"{SCOUT} is ready")
        before, old = logins(server), server.session_pids()

        def cut() -> None:
            for pid in old:
                namespace.kill(pid, signal.SIGSTOP)

        sleep_through(running, cut)
        woke = time.monotonic()
        wait_until(lambda: logins(server) > before, "another login", seconds=30)
        took = time.monotonic() - woke
        assert took <= scaled(BACK_SECONDS), f"{took:.1f} s"
        said(item, f"{SCOUT} is ready")
        assert theirs.told == []
        assert running.quit() <= scaled(2.0)


@pytest.mark.fault("N19")
def test_a_link_that_outlived_the_night_is_kept(
    rig: Rig, server: Sshd, program: Program, desktop: Desktop
) -> None:
    """It is asked at once, and it answers; what ended on the host meanwhile is seen, and not told."""
    rig.start_sglang(SCOUT)
    with desktop.watcher() as watcher, desktop.notifications() as theirs, tray(program, desktop) as running:
        item = desktop.item(watcher)
        said(item, f"{SCOUT} is ready")
        before = logins(server)
        asked = checks(server)
        sleep_through(running, lambda: rig.docker("kill", "sglang"))
        woke = time.monotonic()
        wait_until(lambda: checks(server) > asked, "the question", seconds=20)
        assert time.monotonic() - woke < scaled(4.0)
        said(item, "No model")
        assert logins(server) == before and theirs.told == []


@pytest.fixture
def another_network() -> Iterator[Callable[[], None]]:
    """What brings this computer into another network, once."""
    commands = (
        "ip link add roam type veth peer name beyond",
        "ip link set beyond up",
        "ip addr add 10.99.0.1/24 dev roam",
        "ip link set roam up",
        "ip route add default via 10.99.0.254",
    )

    def go() -> None:
        for command in commands:
            subprocess.run(command.split(), check=True)

    yield go
    subprocess.run(["ip", "link", "del", "roam"], check=False, capture_output=True)


def test_another_network_and_a_host_that_lost_the_session(
    rig: Rig, server: Sshd, program: Program, desktop: Desktop, another_network: Callable[[], None]
) -> None:
    """The way to the host is another, and the old session hangs: a new one within seconds, and no word."""
    rig.start_sglang(SCOUT)
    with desktop.watcher() as watcher, desktop.notifications() as theirs, tray(program, desktop) as running:
        item = desktop.item(watcher)
        said(item, f"{SCOUT} is ready")
        before, asked = logins(server), checks(server)
        for pid in server.session_pids():
            namespace.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        another_network()
        wait_until(lambda: logins(server) > before, "another login", seconds=30)
        assert time.monotonic() - began <= scaled(10.0)
        assert checks(server) == asked
        said(item, f"{SCOUT} is ready")
        assert theirs.told == []
        assert running.quit() <= scaled(2.0)


def test_a_dead_link_is_replaced_without_a_back_off(server: Sshd, tmp_path: Path, rig: Rig) -> None:
    """Attempt 20 waits at least 10 s by itself, but not when a check after sleep has failed."""
    host, posted = profile(rig, server), queue.SimpleQueue[Event]()
    catalogue = Catalogue(servers=(), models=())
    crew = Crew(
        host,
        catalogue,
        partial(dialer(vault_of(ConfigFolder(Path("/nowhere")))), host),
        cast(Records, None),
        keep_trying=True,
    )
    crew.report_to(posted.put)

    def until(wanted: Event) -> None:
        wait_until(lambda: posted.get(timeout=scaled(20.0)) == wanted, f"{wanted}", seconds=20)

    try:
        crew.carry_out(Connect(1))
        until(LinkUp(1))
        # sshd makes the process that serves the person only after the login.
        wait_until(lambda: isinstance(posted.get(timeout=scaled(20.0)), Sampled), "a sample", seconds=20)
        for pid in server.session_pids():
            namespace.kill(pid, signal.SIGSTOP)
        crew.carry_out(CheckLink(1))
        crew.carry_out(CheckLink(99))
        wait_until(lambda: isinstance(posted.get(timeout=scaled(20.0)), LinkDown), "the loss", seconds=20)
        began = time.monotonic()
        crew.carry_out(Connect(2, 20))
        until(LinkUp(2))
        assert time.monotonic() - began < scaled(2.0)
    finally:
        crew.close(scaled(2.0))


def test_a_person_who_looks_does_not_wait_for_the_back_off(rig: Rig, tmp_path: Path) -> None:
    """After some failures the next attempt is seconds away; a menu that opens makes it now."""
    port = free_port()
    server = rig.sshd(port=port)
    with driven(tmp_path, profile(rig, server)) as driver:
        server.stop()
        driver.until(lambda s: s.link is LinkPhase.OFFLINE and s.attempts >= 4, "some attempts", 30.0)
        rig.sshd(port=port)
        began = time.monotonic()
        driver.controller.retry()
        driver.until(lambda s: s.link is LinkPhase.CONNECTED, "the link")
        assert time.monotonic() - began < scaled(1.5), "4 s to 8 s by itself"
        epoch = driver.snapshot.epoch
        driver.controller.retry()
        assert driver.switch(SCOUT).end is not None
        assert (driver.snapshot.link, driver.snapshot.epoch) == (LinkPhase.CONNECTED, epoch)
