"""A switch whose program was killed: the tray's menu offers the ways on, and takes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.waiting import wait_until

SCOUT, CODER = "llama4-scout-17b-nvfp4", "qwen3-coder-30b-nvfp4"


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


@pytest.mark.fault("C4")
@pytest.mark.parametrize(("way", "model"), [("Finish", CODER), ("Go back", SCOUT)])
def test_the_menu_offers_the_ways_on(
    rig: Rig, tmp_path: Path, desktop: Desktop, way: str, model: str
) -> None:
    quicken(rig)
    program = Program(tmp_path / "config")
    program.add(rig)
    program.ok("switch", SCOUT)
    rig.behave(CODER, fail="never")
    with program.start("switch", CODER) as switching:
        wait_until(lambda: rig.inspect("sglang.previous") and rig.inspect("sglang"), "the new container")
        switching.kill()
    rig.docker("kill", "sglang")
    rig.behave(CODER, fail=None)
    with desktop.watcher() as watcher, tray(program, desktop):
        item = desktop.item(watcher)
        wait_until(lambda: "Finish" in item.visible(), "the ways on", seconds=30)
        assert item.visible()[:3] == [f"Switching to {CODER}: broken off.", "Finish", "Go back"]
        assert len(item.visible()) <= 14
        item.click(way)
        wait_until(lambda: item.visible()[0] == f"{model} is ready on spark.", model, seconds=60)
        assert not {"Finish", "Go back"} & set(item.visible())
    assert rig.model_ids(30000) == [model]
    assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None
