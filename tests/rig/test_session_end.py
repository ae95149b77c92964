"""The end of the session under a running tray: the bus, the display or a signal, and nothing left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from jeepney import message_bus  # type: ignore[import-untyped]

from tests.rig import namespace
from tests.rig.desktop import Desktop, Item, with_reply
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.tray_program import TrayProgram, tray
from tests.waiting import scaled, wait_until

SCOUT = "llama4-scout-17b-nvfp4"
# Quit, and whatever the end of a session is, is over within it.
END_SECONDS = 2.0


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    """One of its own for each test, for it does not outlive it."""
    made = Desktop()
    yield made
    made.close()


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def idle(item: Item) -> None:
    """The host is connected and nothing runs."""
    wait_until(lambda: item.visible()[0].startswith("No model is running"), "the host", seconds=30)


def end_bus(desktop: Desktop) -> None:
    """Kill the session's bus, as a crash or a logout does."""
    asked = message_bus.GetConnectionUnixProcessID("org.freedesktop.DBus")
    namespace.kill(with_reply(desktop.address, asked)[0])


def end_display() -> None:
    """Kill the X server."""
    for pid in namespace.children_of(os.getpid()):
        if Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "Xvfb":
            namespace.kill(pid)


def starts_anew(program: Program) -> None:
    """Nothing of the one before keeps the next one, on another desktop, from starting."""
    other = Desktop()
    try:
        with other.watcher() as watcher, tray(program, other):
            idle(other.item(watcher))
    finally:
        other.close()


def ends(running: TrayProgram) -> int:
    """Its exit code, in time; killed by a signal is a crash."""
    code = running.ended(END_SECONDS)
    assert code >= 0, f"killed by signal {-code}: {running.said}"
    return code


def test_the_terminal_goes_away(program: Program, desktop: Desktop) -> None:
    """SIGHUP, as SIGTERM from the session's end, ends it in order."""
    with desktop.watcher() as watcher, tray(program, desktop) as running:
        idle(desktop.item(watcher))
        assert running.quit(signal.SIGHUP) <= scaled(END_SECONDS)


def test_the_bus_ends(rig: Rig, program: Program, desktop: Desktop) -> None:
    """Without it nobody reaches the tray any more: it ends by itself, in order, also when a host hangs."""
    with desktop.watcher() as watcher, tray(program, desktop) as running:
        idle(desktop.item(watcher))
        rig.server.freeze()
        watcher.close()
        end_bus(desktop)
        assert ends(running) == 0
        rig.server.thaw()
    starts_anew(program)


@pytest.mark.fault("C7")
def test_the_bus_ends_in_the_middle_of_a_switch(rig: Rig, program: Program, desktop: Desktop) -> None:
    """The model loads on."""
    rig.behave(SCOUT, load_seconds=3.0)
    with desktop.watcher() as watcher, tray(program, desktop) as running:
        item = desktop.item(watcher)
        idle(item)
        item.click(SCOUT)
        wait_until(lambda: rig.state("sglang") == "running", "the container", seconds=20)
        watcher.close()
        end_bus(desktop)
        assert ends(running) == 0
    assert rig.state("sglang") == "running"


def test_the_display_ends(program: Program, desktop: Desktop) -> None:
    """Qt ends the process then with 1 and a line of its own; it is no crash, and the next one starts."""
    with desktop.watcher() as watcher, tray(program, desktop, silent=False) as running:
        idle(desktop.item(watcher))
        end_display()
        assert ends(running) == 1
    starts_anew(program)
