"""Copying on a real Wayland compositor, where a tray has no focus and so may not own the clipboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop, Item
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.rig.wayland import Wayland, compositor
from tests.waiting import wait_until

SCOUT = "llama4-scout-17b-nvfp4"
SERVED = "org/a&b_c <é>"


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


@pytest.fixture
def wayland() -> Iterator[Wayland]:
    with compositor() as made:
        yield made


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    rig.start_sglang(SCOUT, served_name=SERVED)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def ready(item: Item) -> None:
    wait_until(lambda: item.visible()[0].startswith(SERVED), "the model", seconds=30)


@pytest.mark.fault("L12")
def test_the_program_of_the_desktop_copies(program: Program, desktop: Desktop, wayland: Wayland) -> None:
    """The exact bytes, and they stay when the tray has ended."""
    wayland.empty()
    with desktop.watcher() as watcher, tray(program, desktop, silent=False, **wayland.environment) as running:
        item = desktop.item(watcher)
        ready(item)
        item.click("Copy model ID")
        wait_until(lambda: item.find("Copied"), "the row to say so")
        assert wayland.pasted() == SERVED.encode()
        running.quit()
    assert wayland.pasted() == SERVED.encode()


@pytest.mark.fault("L12")
def test_without_that_program_a_window_copies(
    program: Program, desktop: Desktop, wayland: Wayland, tmp_path: Path
) -> None:
    """It holds the ID, comes with the keyboard, and its button is pressed by Enter."""
    wayland.empty()
    environment = {**wayland.environment, "PATH": str(tmp_path)}
    with desktop.watcher() as watcher, tray(program, desktop, silent=False, **environment):
        item = desktop.item(watcher)
        ready(item)
        item.click("Copy model ID")
        wait_until(lambda: item.find("Not copied yet"), "the row to say so")
        wait_until(lambda: wayland.focused().startswith("Copy to the clipboard"), "the window")
        assert wayland.pasted() == b""
        wayland.press("Return")
        wait_until(lambda: wayland.pasted() == SERVED.encode(), "the ID on the clipboard")
        wait_until(lambda: not wayland.focused(), "the window's end")
        assert wayland.pasted() == SERVED.encode()
