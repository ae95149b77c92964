"""The tray in a real panel, seen on the screen and used with the mouse, on the rig."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.screen import at_rest, changed
from tests.rig.tray_program import tray
from tests.rig.xfce import Xfce, xfce
from tests.waiting import wait_until

QWEN = "qwen3-32b-nvfp4"
# Looked at after a change of the menu or the icon; `make clean` takes them away.
PICTURES = Path("build/real-panel")


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


@pytest.fixture
def panel(desktop: Desktop) -> Iterator[Xfce]:
    with xfce(desktop) as made:
        yield made


def test_used_with_the_mouse(rig: Rig, tmp_path: Path, desktop: Desktop, panel: Xfce) -> None:
    """The icon shows, the menu opens, a model is clicked, the icon changes; a killed panel has it back."""
    quicken(rig)
    rig.behave(QWEN, load_seconds=2.0)
    program = Program(tmp_path / "config")
    program.add(rig)
    empty = panel.look()
    with tray(program, desktop):
        item = panel.item()
        wait_until(lambda: item.visible()[0].startswith("No model"), "the host", seconds=30)
        idle = at_rest(panel.look, empty)

        menu = panel.open_menu()
        labels = item.visible()
        wait_until(lambda: len(panel.rows_of(menu)) == len(labels), "all rows", seconds=5)
        panel.screen.look().save(PICTURES / "menu.png")
        panel.click_row(next(number for number, label in enumerate(labels) if label.startswith(QWEN)))
        wait_until(lambda: panel.menu() is None, "the menu to close", seconds=5)
        panel.screen.point(640, 600)  # what the mouse is on looks different

        wait_until(lambda: item.visible()[0].startswith(f"Switching to {QWEN}"), "the switch", seconds=10)
        loading = changed(panel.look, idle)
        loading.save(PICTURES / "loading.png")
        wait_until(lambda: item.visible()[0].startswith(f"{QWEN} is ready"), "ready", seconds=30)
        ready = at_rest(panel.look, idle, loading)
        ready.save(PICTURES / "ready.png")

        panel.kill()
        panel.start()
        wait_until(lambda: panel.look() == ready, "the same icon on the new panel", seconds=20)
        assert panel.item().visible()[0].startswith(f"{QWEN} is ready")
