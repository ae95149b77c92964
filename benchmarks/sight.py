"""How soon a change is seen: Docker's ``die`` to ``NewIcon``, and health turning 200 to the icon "ready".

The baseline is what a dashboard does that polls over ssh: ``docker ps`` each two seconds, measured likewise.
Run by ``make bench`` inside the rig's namespaces.
"""

from __future__ import annotations

import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.figures import MISSING_PARTS, Figure, Measured, missing, report
from benchmarks.refresh import PARTS
from tests.rig.desktop import Desktop, Watcher
from tests.rig.driving import Program, quicken
from tests.rig.namespace import end
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.waiting import wait_until

MODEL = "llama4-scout-17b-nvfp4"
DEATHS, LOADS, POLLED = 40, 15, 8
POLL_SECONDS = 2.0


@contextmanager
def dies() -> Iterator[queue.SimpleQueue[float]]:
    """When containers died, by Docker's own clock, seconds since 1970."""
    command = ["docker", "events", "--filter", "event=die", "--format", "{{.TimeNano}}"]
    found: queue.SimpleQueue[float] = queue.SimpleQueue()
    events = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = events.stdout
    assert output is not None

    def read() -> None:
        for line in output:
            found.put(int(line) / 1e9)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield found
    finally:
        end(events)
        reader.join()
        output.close()


def deaths(rig: Rig, desktop: Desktop, watcher: Watcher) -> Measured:
    """Milliseconds from each death to the icon."""
    rig.behave(MODEL, load_seconds=60.0)
    item = desktop.item(watcher)
    wait_until(lambda: item.visible()[0].startswith("No model"), "the host", seconds=30)
    idle, delays = item.pixels, []
    with dies() as died:
        for _ in range(DEATHS):
            rig.start_sglang(MODEL)
            wait_until(lambda: item.pixels != idle, "another icon", seconds=10)
            rig.docker("kill", "sglang")
            at = died.get(timeout=10)
            wait_until(partial(watcher.first, "NewIcon", at), "NewIcon", seconds=5)
            delays.append(((watcher.first("NewIcon", at) or at) - at) * 1000)
            wait_until(lambda: item.pixels == idle, "the idle icon", seconds=10)
            rig.wait_state("sglang", None)
    return Measured("Docker's die to NewIcon", tuple(delays))


def loads(rig: Rig, desktop: Desktop, watcher: Watcher) -> Measured:
    """Milliseconds from the first 200 of the engine's health to the icon's last change."""
    rig.behave(MODEL, load_seconds=1.0, health_seconds=0.0)
    item, delays = desktop.item(watcher), []
    for _ in range(LOADS):
        rig.start_sglang(MODEL)
        healthy = _first_healthy(rig)
        wait_until(lambda: item.visible()[0].startswith(f"{MODEL} is ready"), "ready", seconds=20)
        shown = watcher.first("NewIcon", healthy) or time.time()
        delays.append(max(0.0, shown - healthy) * 1000)
        rig.docker("kill", "sglang")
        rig.wait_state("sglang", None)
        wait_until(lambda: item.visible()[0].startswith("No model"), "the end", seconds=20)
    return Measured("health turns 200 to the icon ready", tuple(delays))


def _first_healthy(rig: Rig) -> float:
    while True:
        answer = rig.http(30000, "/health")
        if answer is not None and answer[0] == 200:
            return time.time()
        time.sleep(0.01)


def polled(rig: Rig) -> Measured:
    """The same death, seen by ``docker ps`` over ssh every two seconds."""
    delays = []
    with dies() as died:
        for number in range(POLLED):
            rig.start_sglang(MODEL)
            while "sglang" not in rig.ssh("docker ps --format '{{.Names}}'").stdout:
                time.sleep(POLL_SECONDS)
            # Wherever between two looks it may happen.
            timer = threading.Timer(POLL_SECONDS * number / POLLED, partial(rig.docker, "kill", "sglang"))
            timer.start()
            while "sglang" in rig.ssh("docker ps --format '{{.Names}}'").stdout:
                time.sleep(POLL_SECONDS)
            seen = time.time()
            timer.join()
            delays.append((seen - died.get(timeout=10)) * 1000)
            rig.wait_state("sglang", None)
    return Measured("docker ps over ssh, every 2 s", tuple(delays))


def main() -> int:
    """Measure, print, judge."""
    if missing((*PARTS, "Xvfb", "dbus-daemon")):
        return MISSING_PARTS
    rig, desktop = Rig(), Desktop()
    try:
        with tempfile.TemporaryDirectory() as folder:
            program = Program(Path(folder) / "config")
            program.add(rig)
            quicken(rig)
            with desktop.watcher() as watcher, tray(program, desktop):
                seen = deaths(rig, desktop, watcher)
                ready = loads(rig, desktop, watcher)
        baseline = polled(rig)
    finally:
        desktop.close()
        rig.close()
    worst = Measured("of these, the slowest of a hundred", (seen.share(0.99),))
    return report(
        "sight", (Figure(seen, baseline, most=50.0), Figure(worst, most=200.0), Figure(ready, most=300.0))
    )


if __name__ == "__main__":
    raise SystemExit(main())
