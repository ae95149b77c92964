"""The tray with ten hosts of which one is connected, 50 containers and 500 models, next to a plain one.

Run by ``make bench`` inside the rig's namespaces.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import MISSING_PARTS, Figure, Measured, by_turns, missing, report
from benchmarks.refresh import PARTS
from benchmarks.tray import Idle, idle, wire_bytes
from sparktray.store.shipped import shipped
from tests.rig.desktop import Desktop, Item, Watcher
from tests.rig.driving import Program
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.waiting import wait_until

HOSTS, CONTAINERS, MODELS = 10, 50, 500
OPENINGS = 20
# In two seconds at rest; reading 50 containers moves 300 kB a second.
QUIET_BYTES = 10_000


def with_models(program: Program, count: int) -> None:
    """A list of models of one's own, that long."""
    catalogue = json.loads(shipped("models.json").read_text(encoding="utf-8"))
    first, there = catalogue["models"][0], len(catalogue["models"])
    catalogue["models"] += [
        {**first, "id": f"model-{n}", "path": f"{{models}}/m{n}"} for n in range(count - there)
    ]
    (program.config / "models.json").write_text(json.dumps(catalogue), encoding="utf-8")


def opened(item: Item) -> None:
    """What a panel asks for when a person opens the menu."""
    item.open()
    item.rows()


def watched(rig: Rig, program: Program, desktop: Desktop, seconds: float) -> tuple[Measured, Idle]:
    """How long the menu takes, and what the tray does while nothing happens."""
    with desktop.watcher() as watcher, tray(program, desktop) as running:
        item = _ready(desktop, watcher)
        _settled(rig)
        (menu,) = by_turns(OPENINGS, {"the menu opens": lambda: opened(item)})
        return menu, idle(running.process.pid, seconds, rig.port)


def _ready(desktop: Desktop, watcher: Watcher) -> Item:
    item = desktop.item(watcher)
    wait_until(lambda: item.visible()[0] == "No model is running on spark.", "the host", seconds=60)
    return item


def _settled(rig: Rig) -> None:
    """Wait until all containers have been looked at: until little has moved for two seconds."""
    before = wire_bytes(rig.port)

    def quiet() -> bool:
        nonlocal before
        time.sleep(2.0)  # a rate needs a span
        moved, before = wire_bytes(rig.port) - before, wire_bytes(rig.port)
        return moved < QUIET_BYTES

    wait_until(quiet, "a host that was read", seconds=60)


def main(words: list[str]) -> int:
    """Measure, print, judge."""
    given = argparse.ArgumentParser(prog="benchmarks.crowd", description=__doc__)
    given.add_argument("--seconds", type=float, default=30.0, help="how long to watch each idle program")
    seconds: float = given.parse_args(words).seconds
    if missing((*PARTS, "Xvfb", "dbus-daemon")):
        return MISSING_PARTS
    rig, desktop = Rig(), Desktop()
    try:
        with tempfile.TemporaryDirectory() as folder:
            program = Program(Path(folder) / "config")
            program.add(rig)
            plain_menu, plain = watched(rig, program, desktop, seconds)
            for number in range(1, HOSTS):
                program.add(rig, f"spark-{number}")
            with_models(program, MODELS)
            for number in range(CONTAINERS):
                sleep = ("--entrypoint", "sleep", "ollama/ollama", "3600")
                rig.docker("run", "-d", "--name", f"other-{number}", *sleep)
            menu, crowded = watched(rig, program, desktop, seconds)
    finally:
        desktop.close()
        rig.close()
    one = "one host, six models"

    def value(what: str, mine: float, other: float, unit: str, most: float) -> Figure:
        return Figure(Measured(what, (mine,), unit), Measured(one, (other,), unit), most=most)

    return report(
        "crowd",
        (
            Figure(menu, Measured(one, plain_menu.values), most=50.0),
            value("idle, of a core", crowded.percent, plain.percent, "%", 1.0),
            value("resident memory", crowded.megabytes, plain.megabytes, "MB", 140.0),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
