"""What is changed while the tray runs: hosts, models, settings, by whomever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from sparktray.store.catalogue_file import make_own
from sparktray.store.paths import ConfigFolder
from sparktray.store.settings import SettingsFile
from tests.rig.desktop import Desktop, Item
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.waiting import wait_until

SCOUT, QWEN = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4"


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


@contextmanager
def shown(program: Program, desktop: Desktop) -> Iterator[Item]:
    with desktop.watcher() as watcher, tray(program, desktop):
        item = desktop.item(watcher)
        says(item, "No model is running on spark.")
        yield item


def says(item: Item, sentence: str) -> None:
    wait_until(lambda: item.visible()[0] == sentence, sentence, seconds=30)


def test_another_host_is_used(rig: Rig, program: Program, desktop: Desktop) -> None:
    """By the command line, then by a click; the one in use is marked, and removing it goes back."""
    with shown(program, desktop) as item:
        assert item.find("Hosts") is None
        program.add(rig, "second")
        wait_until(lambda: item.find("Hosts"), "the hosts in the menu")
        assert len([row for row in item.rows() if row.visible]) <= 14 + 4  # rows, and the separators
        program.ok("host", "use", "second")
        says(item, "No model is running on second.")
        assert item.row("second").checked and not item.row("spark").checked
        item.click("spark")
        says(item, "No model is running on spark.")
        program.ok("host", "remove", "spark")
        says(item, "No model is running on second.")
        program.ok("host", "remove", "second")
        says(item, "No host is set up yet.")
        assert item.find(SCOUT) is None and item.find("Quit") is not None


def test_the_first_host_of_all(rig: Rig, tmp_path: Path, desktop: Desktop) -> None:
    """Started with nothing set up: one way on; a host added elsewhere is watched at once."""
    program = Program(tmp_path / "config")
    quicken(rig)
    with desktop.watcher() as watcher, tray(program, desktop):
        item = desktop.item(watcher)
        says(item, "No host is set up yet.")
        program.add(rig)
        says(item, "No model is running on spark.")


def test_the_list_of_models_is_edited(program: Program, desktop: Desktop) -> None:
    """A good edit is in the menu at once, a bad one changes nothing, and the operation goes on."""
    with shown(program, desktop) as item:
        own = make_own(ConfigFolder(program.config))
        content = json.loads(own.read_bytes())
        content["models"] = content["models"][1:3]
        own.write_text(json.dumps(content), encoding="utf-8")
        wait_until(lambda: item.find(SCOUT) is None, "the model that was taken out")
        assert item.find(QWEN) is not None
        own.write_text("{", encoding="utf-8")
        item.click(QWEN)
        says(item, f"{QWEN} is ready on spark.")
        assert item.find(SCOUT) is None


def test_the_language_is_switched(program: Program, desktop: Desktop) -> None:
    """Every row, at once."""
    settings = SettingsFile(ConfigFolder(program.config))
    with shown(program, desktop) as item:
        assert item.visible()[-1] == "Quit"
        settings.change(lambda before: replace(before, language="de"))
        wait_until(lambda: item.visible()[-1] == "Beenden", "the menu in German")
        assert item.visible()[0] == item.tooltip != "No model is running on spark."
        settings.change(lambda before: replace(before, language=None))
        wait_until(lambda: item.visible()[-1] == "Quit", "the menu in English")


def test_a_broken_settings_file(program: Program, desktop: Desktop) -> None:
    """Kept aside, the last good one used, at the start and while it runs."""
    folder = ConfigFolder(program.config)
    SettingsFile(folder).change(lambda before: replace(before, language="de"))
    folder.file("settings.json").write_text("{broken", encoding="utf-8")
    with desktop.watcher() as watcher, tray(program, desktop):
        item = desktop.item(watcher)
        wait_until(lambda: item.visible()[-1] == "Beenden", "the menu in German")
        wait_until(lambda: len(list(program.config.glob("settings.json.corrupt-*"))) == 1, "the file aside")
        wait_until(lambda: "version" in folder.file("settings.json").read_text("utf-8"), "the good one back")
        folder.file("settings.json").write_text("[]", encoding="utf-8")
        wait_until(lambda: len(list(program.config.glob("settings.json.corrupt-*"))) == 2, "the second one")
        assert item.visible()[-1] == "Beenden"


def test_a_broken_list_of_models_at_the_start(program: Program, desktop: Desktop) -> None:
    """The tray comes with the last good one; the command line says what is wrong."""
    own = make_own(ConfigFolder(program.config))
    content = json.loads(own.read_bytes())
    content["models"] = content["models"][1:3]
    own.write_text(json.dumps(content), encoding="utf-8")
    with shown(program, desktop) as item:
        wait_until(lambda: item.find(SCOUT) is None, "the list in use")
    own.write_text("{", encoding="utf-8")
    with shown(program, desktop) as item:
        assert item.find(SCOUT) is None and item.find(QWEN) is not None
    assert program.refused(2, "status")["code"].startswith("catalogue")
