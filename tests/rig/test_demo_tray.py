"""`sparktray demo` and what `make run` starts, on a real desktop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop, Item
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.screen import Screen
from tests.rig.tray_program import tray
from tests.waiting import scaled, wait_until

CODER = "qwen3-coder-30b-nvfp4"
AT_START = "phi4-reasoning, qwen3-32b-nvfp4 are ready on demo."
ON_SPARK = "No model is running on spark."
# Looked at after a change of the panel; `make clean` takes them away.
PICTURES = Path("build/demo")


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


def says(item: Item, sentence: str) -> None:
    """The first row."""
    wait_until(lambda: item.visible()[0] == sentence, sentence, seconds=30)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The system's folder for what passes, as the program is told."""
    made = tmp_path / "scratch"
    made.mkdir()
    return made


def test_the_tray_on_the_demo(tmp_path: Path, desktop: Desktop, scratch: Path) -> None:
    program = Program(tmp_path / "config")
    with (
        desktop.watcher() as watcher,
        tray(program, desktop, words=("demo",), TMPDIR=str(scratch)) as running,
    ):
        item = desktop.item(watcher)
        says(item, AT_START)
        assert len(list(scratch.iterdir())) == 1
        item.click(CODER)
        says(item, f"{CODER}, qwen3-32b-nvfp4 are ready on demo.")
        Screen(desktop.environment).look().save(PICTURES / "own-folder.png")
        assert running.quit() < scaled(2.0)
    assert list(scratch.iterdir()) == []
    assert not program.config.exists()


def test_without_a_host_and_then_with_one(rig: Rig, tmp_path: Path, desktop: Desktop, scratch: Path) -> None:
    """What `make run` starts: the demo, until a host is set up; later the host."""
    quicken(rig)
    program = Program(tmp_path / "config")
    started = ("demo", "--if-no-host")
    with desktop.watcher() as watcher, tray(program, desktop, words=started, TMPDIR=str(scratch)):
        item = desktop.item(watcher)
        says(item, AT_START)
        Screen(desktop.environment).look().save(PICTURES / "visited.png")
        told = program.run("status")
        assert (told.returncode, "No host is set up yet." in told.stderr) == (2, True)
        program.add(rig)
        says(item, ON_SPARK)
    assert list(scratch.iterdir()) == []
    with desktop.watcher() as watcher, tray(program, desktop, words=started, TMPDIR=str(scratch)):
        says(desktop.item(watcher), ON_SPARK)
        told = program.run(*started, environment=desktop.environment)
        assert (told.returncode, told.stderr) == (0, "")
        assert "sparktray is running already; its window is shown." in told.stdout
    assert list(scratch.iterdir()) == []
