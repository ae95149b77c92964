"""The tray beside a page of Streamlit that polls over ssh, as the user's own dashboard does.

Both watch the same host at once: the same deaths of containers, the same idle minute. The page's part ends
where a browser would begin to paint. Run by ``make bench`` inside the rig's namespaces, with
``SPARKTRAY_STREAMLIT`` naming the Python of an environment that has Streamlit.
"""

from __future__ import annotations

import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.figures import MISSING_PARTS, Figure, Measured, missing, report
from benchmarks.refresh import PARTS
from benchmarks.sight import MODEL, dies
from benchmarks.tray import cpu_seconds, resident_megabytes
from tests.rig.desktop import Desktop, Watcher
from tests.rig.driving import Program, quicken
from tests.rig.namespace import end
from tests.rig.rig import Rig
from tests.rig.sshd import client_argv
from tests.rig.tray_program import tray
from tests.waiting import wait_until

DEATHS, IDLE_SECONDS, PORT = 12, 30.0, 8601
HERE = Path(__file__).resolve().parent
BASELINE = "a Streamlit page that polls every 2 s"


class Page(msgspec.Struct, frozen=True):
    """The dashboard: its process, and what its viewer is shown: when, and which containers run."""

    pid: int
    shown: queue.SimpleQueue[tuple[float, str]]


@contextmanager
def dashboard(rig: Rig, python: str) -> Iterator[Page]:
    """The page and one viewer, while the block lasts."""
    ssh = [*client_argv(rig.server), f"{rig.user}@{rig.address}"]
    options = ["--server.headless=true", f"--server.port={PORT}", "--server.address=127.0.0.1"]
    options += ["--server.fileWatcherType=none", "--browser.gatherUsageStats=false"]
    serve = [python, "-m", "streamlit", "run", *options, str(HERE / "polling_page.py"), "--", *ssh]
    server = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        rig.wait_http(PORT, "/_stcore/health", 200, seconds=60)
        view = [python, str(HERE / "polling_viewer.py"), str(PORT)]
        viewer = subprocess.Popen(view, stdout=subprocess.PIPE)
        try:
            yield Page(server.pid, _lines(viewer))
        finally:
            end(viewer)
    finally:
        end(server)


def _lines(viewer: subprocess.Popen[bytes]) -> queue.SimpleQueue[tuple[float, str]]:
    output, shown = viewer.stdout, queue.SimpleQueue[tuple[float, str]]()
    assert output is not None

    def read() -> None:
        for line in output:
            at, _, text = line.decode().strip().partition(" ")
            shown.put((float(at), text))

    threading.Thread(target=read, daemon=True).start()
    return shown


def deaths(rig: Rig, desktop: Desktop, watcher: Watcher, page: Page) -> tuple[Measured, Measured]:
    """Milliseconds from each death to the icon, and to the page's viewer."""
    rig.behave(MODEL, load_seconds=60.0)
    item = desktop.item(watcher)
    wait_until(lambda: item.visible()[0].startswith("No model"), "the host", seconds=30)
    idle, ours, theirs = item.pixels, [], []
    with dies() as died:
        for number in range(DEATHS):
            rig.start_sglang(MODEL)
            wait_until(lambda: item.pixels != idle, "another icon", seconds=10)
            _first(page, lambda text: "sglang" in text)
            time.sleep(2.0 * number / DEATHS)  # wherever between two looks it may happen
            rig.docker("kill", "sglang")
            at = died.get(timeout=10)
            theirs.append((_first(page, lambda text: "sglang" not in text) - at) * 1000)
            wait_until(partial(watcher.first, "NewIcon", at), "NewIcon", seconds=5)
            ours.append(((watcher.first("NewIcon", at) or at) - at) * 1000)
            wait_until(lambda: item.pixels == idle, "the idle icon", seconds=10)
            rig.wait_state("sglang", None)
    return Measured("Docker's die to NewIcon", tuple(ours)), Measured(BASELINE, tuple(theirs))


def _first(page: Page, shows: Callable[[str], bool]) -> float:
    """When the viewer is first shown such a text, seconds since 1970."""
    while True:
        at, text = page.shown.get(timeout=30)
        if shows(text):
            return at


def used(pid: int) -> float:
    """Seconds of the processor that a process and its ended children (one ssh a poll) took (proc(5))."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return cpu_seconds(pid) + (int(after_name[13]) + int(after_name[14])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure, print, judge."""
    python = os.environ.get("SPARKTRAY_STREAMLIT", "SPARKTRAY_STREAMLIT (a Python with Streamlit)")
    if missing((*PARTS, "Xvfb", "dbus-daemon", python)):
        return MISSING_PARTS
    rig, desktop = Rig(), Desktop()
    try:
        with tempfile.TemporaryDirectory() as folder, dashboard(rig, python) as page:
            program = Program(Path(folder) / "config")
            program.add(rig)
            quicken(rig)
            with desktop.watcher() as watcher, tray(program, desktop) as running:
                ours, theirs = deaths(rig, desktop, watcher, page)
                pids = (running.process.pid, page.pid)
                before = [used(pid) for pid in pids]
                time.sleep(IDLE_SECONDS)  # it is what is measured
                busy = [
                    (used(pid) - start) / IDLE_SECONDS * 100 for pid, start in zip(pids, before, strict=True)
                ]
                memory = [resident_megabytes(pid) for pid in pids]
    finally:
        desktop.close()
        rig.close()
    return report(
        "dashboard",
        (
            Figure(ours, theirs),
            Figure(Measured("idle, of a core", (busy[0],), "%"), Measured(BASELINE, (busy[1],), "%")),
            Figure(Measured("resident memory", (memory[0],), "MB"), Measured(BASELINE, (memory[1],), "MB")),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main())
