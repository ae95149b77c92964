"""Light and dark: the tray and its window follow the desktop while they run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop
from tests.rig.driving import Program, quicken
from tests.rig.portal import FOLLOWING, portal
from tests.rig.rig import Rig
from tests.rig.screen import Area, Screen
from tests.rig.tray_program import tray
from tests.waiting import wait_until


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


def brightness(desktop: Desktop) -> float | None:
    """How bright the middle of the program's window is, 0 to 1; None while there is none."""
    screen = Screen(desktop.environment)
    areas = (screen.area(window) for window in screen.windows("sparktray"))
    area = next((area for area in areas if area is not None and area.width > 200), None)
    if area is None:
        return None
    middle = Area(area.left + area.width // 4, area.top + area.height // 4, area.width // 2, area.height // 2)
    seen = screen.look().cut(middle).pixels
    return sum(seen) / len(seen) / 255


def test_the_look_changes_while_it_runs(rig: Rig, tmp_path: Path, desktop: Desktop) -> None:
    """Dark at the start, then light, then dark: icon and window go along, and the icon is as before."""
    quicken(rig)
    program = Program(tmp_path / "config")
    program.add(rig)
    with (
        portal(desktop, dark=True) as settings,
        desktop.watcher() as watcher,
        tray(program, desktop, QT_QPA_PLATFORMTHEME=FOLLOWING),
    ):
        item = desktop.item(watcher)
        wait_until(lambda: item.visible()[0].startswith("No model is running"), "the host", seconds=30)
        item.click("Open sparktray")
        wait_until(lambda: (brightness(desktop) or 1.0) < 0.3, "a dark window", seconds=10)
        dark = item.pixels
        settings.turn(dark=False)
        wait_until(lambda: (brightness(desktop) or 0.0) > 0.8, "a light window", seconds=10)
        wait_until(lambda: item.pixels != dark, "the icon for a light panel")
        settings.turn(dark=True)
        wait_until(lambda: (brightness(desktop) or 1.0) < 0.3, "a dark window again", seconds=10)
        wait_until(lambda: item.pixels == dark, "the icon for a dark panel")
