"""What the tray costs, next to the least that PySide6 can do: its start, its memory, and being idle.

Run by ``make bench`` inside the rig's namespaces, with a model ready on the one host. Starts of both
programs alternate, so that what else the machine does strikes both. Prints medians and ratios; ends with 1
when a budget is missed and with 2 when the rig's parts are not there.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import MISSING_PARTS, Figure, Measured, compiled, missing, report
from tests.rig.desktop import Desktop
from tests.rig.driving import Program, quicken
from tests.rig.namespace import end
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.waiting import wait_until

START_MS, START_RATIO = 500.0, 2.0
MEMORY_MB = 110.0
IDLE_PERCENT = 0.2  # of one core
WIRE_BYTES = 1000.0  # a second
STARTS = 9
PARTS = ("dockerd", "sshd", "Xvfb", "dbus-daemon", "ss", "unshare", "debootstrap")
MODEL = "llama4-scout-17b-nvfp4"
# Of a segment on the wire beside what it carries: IPv4 20 bytes, TCP 20 and its timestamps 12.
_HEADERS = 52

EMPTY = """
import sys
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon
application = QApplication(sys.argv)
picture = QPixmap(22, 22)
picture.fill()
menu, icon = QMenu(), QSystemTrayIcon(QIcon(picture))
menu.addAction("Quit")
icon.setContextMenu(menu)
icon.show()
application.exec()
"""


@dataclass(frozen=True, slots=True)
class Idle:
    """What a program did while nothing happened."""

    percent: float  # of one core
    megabytes: float  # resident in the end
    bytes_a_second: float


def started_ours(program: Program, desktop: Desktop) -> float:
    """Milliseconds from the process's start to its icon on the bus."""
    with desktop.watcher() as watcher, tray(program, desktop) as running:
        desktop.item(watcher)
        return (watcher.registered[0] - running.began) * 1000


@contextmanager
def empty(desktop: Desktop) -> Iterator[subprocess.Popen[bytes]]:
    """The empty tray, while the block lasts."""
    process = subprocess.Popen([sys.executable, "-c", EMPTY], env={**os.environ, **desktop.environment})
    try:
        yield process
    finally:
        end(process)


def started_empty(desktop: Desktop) -> float:
    """The same of the empty tray."""
    with desktop.watcher() as watcher:
        began = time.time()
        with empty(desktop):
            desktop.item(watcher)
            return (watcher.registered[0] - began) * 1000


def idle(pid: int, seconds: float, port: int) -> Idle:
    """Watch a process for that long, and its connection to a port if it has one."""
    used, moved, began = cpu_seconds(pid), wire_bytes(port), time.monotonic()
    # The one place that lets time pass: it is what is measured.
    time.sleep(seconds)
    passed = time.monotonic() - began
    busy = (cpu_seconds(pid) - used) / passed * 100
    return Idle(busy, resident_megabytes(pid), (wire_bytes(port) - moved) / passed)


def cpu_seconds(pid: int) -> float:
    """What the process has used of the processor, its own time and the kernel's (proc(5))."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    """The memory it holds."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    kib = int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
    return kib * 1024 / 1e6


def wire_bytes(port: int) -> float:
    """What has gone over the connections to a port, both ways, headers counted."""
    command = ["ss", "--tcp", "--info", "--no-header", f"dport = :{port}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {"bytes_sent": 0, "bytes_received": 0, "segs_out": 0, "segs_in": 0}
    for name, value in re.findall(r"\b(bytes_sent|bytes_received|segs_out|segs_in):(\d+)", said):
        found[name] += int(value)
    segments = found["segs_out"] + found["segs_in"]
    return found["bytes_sent"] + found["bytes_received"] + segments * _HEADERS


def idle_ours(rig: Rig, program: Program, desktop: Desktop, seconds: float) -> Idle:
    """The tray with a model that is ready and that nobody asks."""
    with desktop.watcher() as watcher, tray(program, desktop) as running:
        item = desktop.item(watcher)
        wait_until(lambda: item.visible()[0].startswith(f"{MODEL} is ready"), "the model", seconds=60)
        return idle(running.process.pid, seconds, rig.port)


def idle_empty(rig: Rig, desktop: Desktop, seconds: float) -> Idle:
    """The empty tray."""
    with desktop.watcher() as watcher, empty(desktop) as process:
        desktop.item(watcher)
        return idle(process.pid, seconds, rig.port)


def figures(ours: tuple[float, ...], theirs: tuple[float, ...], busy: Idle, still: Idle) -> list[Figure]:
    """Both beside each other, with the budgets."""
    empty_tray = "an empty PySide6 tray"
    pairs = (
        ("resident memory", "MB", busy.megabytes, still.megabytes, MEMORY_MB),
        ("idle, of a core", "%", busy.percent, still.percent, IDLE_PERCENT),
        ("idle, on the wire", "B/s", busy.bytes_a_second, still.bytes_a_second, WIRE_BYTES),
    )
    start = Measured("start to registered icon", ours)
    return [
        Figure(start, Measured(empty_tray, theirs), most=START_MS, ratio=START_RATIO),
        *(
            Figure(Measured(what, (mine,), unit), Measured(empty_tray, (other,), unit), most=budget)
            for what, unit, mine, other, budget in pairs
        ),
    ]


def main(words: list[str]) -> int:
    """Measure, print, judge."""
    given = argparse.ArgumentParser(prog="benchmarks/tray.py", description=__doc__)
    given.add_argument("--seconds", type=float, default=60.0, help="how long to watch each idle program")
    seconds: float = given.parse_args(words).seconds
    if missing(PARTS):
        return MISSING_PARTS
    compiled()
    rig = Rig()
    desktop = Desktop()
    try:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            program = Program(Path(folder) / "config")
            program.add(rig)
            quicken(rig)
            rig.start_sglang(MODEL)
            rig.wait_http(30000, "/health", 200, seconds=30)
            pairs = [(started_ours(program, desktop), started_empty(desktop)) for _ in range(STARTS + 1)]
            # The first pair only warms the page cache up.
            ours, theirs = zip(*pairs[1:], strict=True)
            busy = idle_ours(rig, program, desktop, seconds)
            still = idle_empty(rig, desktop, seconds)
    finally:
        desktop.close()
        rig.close()
    return report("tray", figures(ours, theirs, busy, still))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
