"""`status` while the tray runs, from process start, next to ``ssh host docker ps``.

Run by ``make bench`` inside the rig's namespaces, with the real tray on a display of its own. Prints
medians, spread and the ratio; ends with 1 when the budget is missed and with 2 when the rig's parts are
not there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.refresh import PARTS, Measured, populate
from tests.rig.desktop import Desktop
from tests.rig.driving import Program
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.waiting import wait_until

MOST_RATIO = 0.25
TIMES = 40
DISPLAY_PARTS = ("Xvfb", "dbus-daemon")


def by_turns(times: int, works: dict[str, Callable[[], object]]) -> list[Measured]:
    """Do each so often, one after the other again and again, so that a busy moment meets all of them."""
    taken: dict[str, list[float]] = {what: [] for what in works}
    for number in range(times + 1):
        for what, work in works.items():
            began = time.perf_counter()
            work()
            if number:  # the first one only warms up
                taken[what].append((time.perf_counter() - began) * 1000)
    return [Measured(what, tuple(each)) for what, each in taken.items()]


@contextmanager
def answering(rig: Rig) -> Iterator[Program]:
    """The command line, with a tray that answers it."""
    desktop = Desktop()
    try:
        with tempfile.TemporaryDirectory() as folder, desktop.watcher():
            program = Program(Path(folder) / "config")
            program.add(rig)
            with tray(program, desktop):

                def answered() -> bool:
                    return "The running tray answers." in program.run("--verbose", "status").stderr

                wait_until(answered, "the tray's answer", seconds=30)
                yield program
                assert answered()
    finally:
        desktop.close()


def command(program: Program, *words: str) -> Callable[[], object]:
    """One call as a process; its output goes nowhere."""
    argv, environment = program.argv(*words), program.environment

    def call() -> None:
        subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)

    return call


def unnamed(program: Program) -> Callable[[], object]:
    """As most people have it: the config folder is the platform's own."""
    home = program.config.parent
    (home / ".config").mkdir()
    (home / ".config/sparktray").symlink_to(program.config)
    environment = {**program.environment, "HOME": str(home), "XDG_CONFIG_HOME": ""}
    environment.pop("SPARKTRAY_CONFIG_DIR", None)
    argv = [sys.executable, "-m", "sparktray", "status"]
    return partial(subprocess.run, argv, env=environment, stdout=subprocess.DEVNULL, check=True)


def main() -> int:
    """Measure, print, judge."""
    missing = [part for part in (*PARTS, *DISPLAY_PARTS) if shutil.which(part) is None]
    if missing:
        print(f"Not measured: {', '.join(missing)} is missing. Run: make system", file=sys.stderr)
        return 2
    rig = Rig()
    try:
        populate(rig)
        with answering(rig) as program:
            works: dict[str, Callable[[], object]] = {
                "status, answered by the tray": command(program, "status"),
                "status --json, answered by the tray": command(program, "--json", "status"),
                "model-id sglang, answered by the tray": command(program, "model-id", "sglang"),
                "status, its config folder not named": unnamed(program),
                "ssh host docker ps": lambda: rig.ssh("docker ps"),
            }
            ours, *others = by_turns(TIMES, works)
    finally:
        rig.close()
    print(f"{'milliseconds':<58} {'median':>9} {'10 %':>9} {'90 %':>9} {'runs':>5}")
    for measured in (ours, *others):
        print(measured.row())
    ratio = ours.median / others[-1].median
    held = ratio <= MOST_RATIO
    print(f"budget {MOST_RATIO} of ssh host docker ps: {'held' if held else 'missed'} ({ratio:.3f})")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
