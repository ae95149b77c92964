"""What more containers, more models and more log cost: the value at each size, and a unit's share of it.

Containers are real ones, read over the real link; models and log go through the program's own pure parts.
Run by ``make bench`` inside the rig's namespaces.
"""

from __future__ import annotations

import time
from functools import partial

import msgspec

from benchmarks.figures import MISSING_PARTS, Figure, Measured, by_turns, missing, report
from benchmarks.refresh import PARTS
from sparktray.control.reading import containers_of
from sparktray.decide.showing.menu import menu
from sparktray.decide.showing.models import groups
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.domain.host import HostProfile
from sparktray.domain.snapshot import Snapshot, first_snapshot
from sparktray.domain.text import split_log
from sparktray.engines.sglang import Sglang
from sparktray.remote.contract import SshTarget
from sparktray.remote.host import open_host
from sparktray.store.shipped import shipped
from tests.rig.rig import Rig

CONTAINERS = (1, 10, 50, 100, 200)
MODELS = (10, 100, 500, 2000)
LOG_MEGABYTES = (1, 5, 20)
_MB = 1_000_000
LINE = b"[2026-01-01 00:00:00 TP0] Decode batch. #running-req: 1, #token: 1024, token usage: 0.01\n"


def containers(rig: Rig, catalogue: Catalogue) -> list[Figure]:
    """A full reading with that many containers."""
    target = SshTarget("127.0.0.1", rig.port, rig.user, str(rig.client_key), rig.fingerprint)
    remote, found, there = open_host(target), [], 0
    for count in CONTAINERS:
        for number in range(there, count):
            sleep = ("--entrypoint", "sleep", "ollama/ollama", "3600")
            rig.docker("run", "-d", "--network", "none", "--name", f"other-{number}", *sleep)
        there = count
        (measured,) = by_turns(
            20, {f"full refresh, {count} containers": lambda: containers_of(remote, catalogue)}
        )
        found.append(measured)
    remote.close()
    return _with_first(found)


def models(catalogue: Catalogue) -> list[Figure]:
    """The menu and the panel's list made from a picture with that many entries."""
    found = []
    first = catalogue.models[0]
    for count in MODELS:
        entries = tuple(msgspec.structs.replace(first, id=f"model-{n}") for n in range(count))
        many = msgspec.structs.replace(catalogue, models=entries)
        snapshot = first_snapshot(HostProfile("spark", "spark.local"), many)

        (measured,) = by_turns(20, {f"menu and list, {count} models": partial(_shown, snapshot)})
        found.append(measured)
    return _with_first(found)


def _shown(snapshot: Snapshot) -> None:
    menu(snapshot)
    groups(snapshot)


def logs() -> list[Figure]:
    """What cleaning its lines and reading them for progress takes."""
    found = []
    for megabytes in LOG_MEGABYTES:
        lines = megabytes * _MB // len(LINE)
        found.append(Measured(f"a log of {megabytes} MB read whole", (_taken(lines),)))
    return _with_first(found)


def _taken(lines: int) -> float:
    text, known = (LINE * 200).decode(), Sglang()
    began = time.perf_counter()
    for _ in range(lines // 200):
        known.progress(split_log(text), None)
    return (time.perf_counter() - began) * 1000


def _with_first(found: list[Measured]) -> list[Figure]:
    """Each beside the smallest, so that the curve is seen."""
    least = Measured("the smallest", found[0].values)
    return [Figure(found[0]), *(Figure(each, least) for each in found[1:])]


def main() -> int:
    """Measure and print; nothing here has a budget of its own."""
    if missing(PARTS):
        return MISSING_PARTS
    catalogue = read_catalogue(shipped("models.json").read_bytes(), "models.json")
    rig = Rig()
    try:
        of_containers = containers(rig, catalogue)
    finally:
        rig.close()
    return report("scaling", (*of_containers, *models(catalogue), *logs()))


if __name__ == "__main__":
    raise SystemExit(main())
