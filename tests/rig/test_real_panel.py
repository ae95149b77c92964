"""The tray in a real panel, seen on the screen and used with the mouse, on the rig."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.screen import Picture
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


def other(panel: Xfce, *than: Picture) -> Picture | None:
    """How the panel looks, when that is like none of these."""
    seen = panel.look()
    return None if seen in than else seen


def at_rest(panel: Xfce, *unlike: Picture) -> Picture:
    """How the panel looks once it is like none of these and does not change between two looks."""
    last: list[Picture | None] = [None]

    def rests() -> Picture | None:
        before, last[0] = last[0], other(panel, *unlike)
        return last[0] if last[0] == before else None

    # The panel fades what the mouse has left for 0.2 s, and fetches an icon after it was told of it.
    found = wait_until(rests, "the panel to be at rest", seconds=20, every=0.25)
    assert found is not None
    return found


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
        wait_until(lambda: panel.look() != empty, "the icon on the panel", seconds=10)
        idle = at_rest(panel, empty)

        menu = panel.open_menu()
        labels = item.visible()
        rows = wait_until(
            lambda: found if len(found := panel.rows_of(menu)) == len(labels) else None, "all rows", seconds=5
        )
        assert all(row.height < 24 for row in rows), rows
        panel.screen.look().save(PICTURES / "menu.png")
        panel.click_row(next(number for number, label in enumerate(labels) if label.startswith(QWEN)))
        wait_until(lambda: panel.menu() is None, "the menu to close", seconds=5)
        panel.screen.point(640, 600)  # what the mouse is on looks different

        wait_until(lambda: item.visible()[0].startswith(f"Switching to {QWEN}"), "the switch", seconds=10)
        loading = wait_until(lambda: other(panel, idle), "the icon to change", seconds=10)
        loading.save(PICTURES / "loading.png")
        wait_until(lambda: item.visible()[0].startswith(f"{QWEN} is ready"), "ready", seconds=30)
        ready = at_rest(panel, idle, loading)
        ready.save(PICTURES / "ready.png")

        panel.kill()
        panel.start()
        wait_until(lambda: panel.look() == ready, "the same icon on the new panel", seconds=20)
        assert panel.item().visible()[0].startswith(f"{QWEN} is ready")
