"""A full refresh on a warm connection with 10 containers, next to ``ssh host docker ps``.

Run by ``make bench`` inside the rig's namespaces. Prints medians, spread and the ratio; ends with 1
when the budget is missed and with 2 when the rig's parts are not there.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from sparktray.control.reading import containers_of
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.remote.contract import Remote, SshTarget
from sparktray.remote.host import open_host
from sparktray.store.shipped import shipped
from tests.rig.rig import Rig

BUDGET_MS = 15.0
LEAST_RATIO = 10.0
CONTAINERS = 10
PARTS = ("dockerd", "sshd", "ssh", "unshare", "debootstrap")


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of one thing done many times."""

    what: str
    times: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.times)

    def row(self) -> str:
        """One line of the table."""
        ordered = sorted(self.times)
        low, high = ordered[len(ordered) // 10], ordered[len(ordered) * 9 // 10]
        return f"{self.what:<58} {self.median:9.2f} {low:9.2f} {high:9.2f} {len(ordered):5}"


def measure(what: str, times: int, work: Callable[[], object]) -> Measured:
    """Do something that often and keep each duration; the first one only warms up."""
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return Measured(what, tuple(taken))


def populate(rig: Rig) -> None:
    """The page's servers, loaded, and others that only keep Docker's list long."""
    rig.start_sglang()
    rig.start_sglang("qwen3-32b-nvfp4", container="sglang-main", port=30001)
    rig.start_vllm()
    rig.start_ollama()
    for number in range(CONTAINERS - 4):
        rig.docker("run", "-d", "--name", f"other-{number}", "--entrypoint", "sleep", "ollama/ollama", "600")
    for port in (30000, 30001, 8000):
        rig.wait_http(port, "/health", 200, seconds=30)


def refresh(remote: Remote, catalogue: Catalogue) -> None:
    """One full reading, as the program does it: the list, and the details of what may be a server."""
    found = containers_of(remote, catalogue)
    if len(found) != CONTAINERS:
        raise RuntimeError(f"{len(found)} containers instead of {CONTAINERS}")


def main() -> int:
    """Measure, print, judge."""
    missing = [part for part in PARTS if shutil.which(part) is None]
    if missing:
        print(f"Not measured: {', '.join(missing)} is missing. Run: make system", file=sys.stderr)
        return 2
    catalogue = read_catalogue(shipped("models.json").read_bytes(), "models.json")
    rig = Rig()
    try:
        populate(rig)
        target = SshTarget("127.0.0.1", rig.port, rig.user, str(rig.client_key), rig.fingerprint)
        remote = open_host(target)
        whole = "full refresh, warm connection, 10 containers"
        ours = measure(whole, 200, lambda: refresh(remote, catalogue))
        one = measure("  of it: the list alone", 200, remote.docker.containers)
        baseline = measure("ssh host docker ps", 15, lambda: rig.ssh("docker ps"))
        remote.close()
    finally:
        rig.close()
    print(f"{'milliseconds':<58} {'median':>9} {'10 %':>9} {'90 %':>9} {'runs':>5}")
    for measured in (ours, one, baseline):
        print(measured.row())
    ratio = baseline.median / ours.median
    held = ours.median <= BUDGET_MS and ratio >= LEAST_RATIO
    print(f"budget {BUDGET_MS:.0f} ms and {LEAST_RATIO:.0f}x: {'held' if held else 'missed'} ({ratio:.1f}x)")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
