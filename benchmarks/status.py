"""`status` from process start, cold and while the tray runs, next to ``ssh host docker ps``.

Run by ``make bench`` inside the rig's namespaces, with the real tray on a display of its own; ends with 1
when a budget is missed and with 2 when the rig's parts are not there.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.figures import MISSING_PARTS, Figure, Measured, by_turns, compiled, missing, report
from benchmarks.refresh import PARTS, populate
from tests.rig.desktop import Desktop
from tests.rig.driving import Program
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.waiting import wait_until

MOST_RATIO = 0.25
TIMES = 40
COLD_TIMES = 20
DISPLAY_PARTS = ("Xvfb", "dbus-daemon")


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


def health(rig: Rig) -> Callable[[], object]:
    """What SGLang itself takes for its own health, which a command waits for when one is ready."""
    return lambda: rig.http(30000, "/health")


def main() -> int:
    """Measure, print, judge."""
    if missing((*PARTS, *DISPLAY_PARTS)):
        return MISSING_PARTS
    compiled()
    rig = Rig()
    try:
        cold, docker_ps, answer = _cold(rig)
        populate(rig)
        with answering(rig) as program:
            works: dict[str, Callable[[], object]] = {
                "status, answered by the tray": command(program, "status"),
                "status --json, answered by the tray": command(program, "--json", "status"),
                "model-id sglang, answered by the tray": command(program, "model-id", "sglang"),
                "status, its config folder not named": unnamed(program),
                "ssh host docker ps": lambda: rig.ssh("docker ps"),
            }
            *ours, baseline = by_turns(TIMES, works)
    finally:
        rig.close()
    return report(
        "status",
        (
            Figure(ours[0], baseline, ratio=MOST_RATIO),
            *(Figure(each, baseline) for each in ours[1:]),
            Figure(cold, docker_ps, ratio=1.0),
            Figure(answer),
        ),
    )


def _cold(rig: Rig) -> list[Measured]:
    """Without a tray: first with no engine, whose own health is part of it; then what that takes."""
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder) / "config")
        program.add(rig)
        cold, baseline = by_turns(
            COLD_TIMES,
            {
                "status, cold, no tray": command(program, "status"),
                "ssh host docker ps": lambda: rig.ssh("docker ps"),
            },
        )
        rig.start_sglang()
        rig.wait_http(30000, "/health", 200, seconds=30)
        (answer,) = by_turns(5, {"SGLang's own /health answer, which cold status adds": health(rig)})
        rig.docker("rm", "-f", "sglang")
    return [cold, baseline, answer]


if __name__ == "__main__":
    raise SystemExit(main())
