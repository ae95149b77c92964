"""The same things again and again: memory, threads and open files stay as they are.

A controller in this process and a real tray beside it watch one host on the rig while models are switched,
the link is lost, and nothing happens at twenty times the usual pace. Run by ``make soak``; ends with 1 when
something grows, with 2 when the rig's parts are not there. ``--write`` writes docs/soak.md anew.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch

from benchmarks.figures import HELD, MISSED, MISSING_PARTS, missing
from benchmarks.page import machine
from benchmarks.refresh import PARTS
from scripts.tables import table
from sparktray.decide import servers, timing
from sparktray.domain.operation import OperationEnd
from sparktray.domain.snapshot import Snapshot
from tests.pure.decide.building import sglang_box
from tests.pure.decide.story import switched
from tests.rig.desktop import Desktop
from tests.rig.driving import Driver, Program, driven, profile, quicken
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd
from tests.rig.test_reconnects import lose_often
from tests.rig.tray_program import tray
from tests.waiting import wait_until

PAGE = Path(__file__).resolve().parent.parent / "docs" / "soak.md"
MODELS = ("llama4-scout-17b-nvfp4", "qwen3-coder-30b-nvfp4")
# What half an hour holds; a shorter run holds its share of each.
WHOLE_MINUTES = 30.0
PURE, SWITCHES, RECONNECTS, IDLE_HOURS = 1000, 50, 1000, 1.0
# Pools of libraries, and what Python and malloc keep of freed memory, have nearly reached their size by then.
WARM = 0.2
# Each lane of the crew is made when it is first needed.
_LEAST_WARM = 4
_PACE = 20.0
# So many looks in a row, half a second apart, with the same threads and files: the tray is connected again.
_LOOKS = 6
_MIB_MORE = 12.0
# A lane or a probe may be on its way at either look; what leaks does so at each of a hundred times.
_MORE = 3
_HEAD = """\
# Soak

Written by `make soak`: the same things again and again, with a controller and a real tray watching. Each row
is one kind of thing, done so often after a fifth of it had warmed things up; memory may differ by 12 MiB,
threads and open files by 3. `make soak SOAK_MINUTES=1440` is the form for a whole day; `.ci/run` has
three minutes of it.
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process holds."""

    mib: float
    threads: int
    files: int


def sample(pid: str) -> Sample:
    """Of the process of that id, "self" for this one (proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    told = dict(line.split(":", 1) for line in lines)
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Sample(int(told["VmRSS"].split()[0]) / 1024, int(told["Threads"]), files)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of thing, and what the two processes held before and after."""

    what: str
    times: int
    seconds: float
    ours: tuple[Sample, Sample]
    trays: tuple[Sample, Sample]

    def grown(self) -> bool:
        """Whether either holds more than it did."""
        return any(_grown(*each) for each in (self.ours, self.trays))

    def cells(self) -> tuple[str, ...]:
        """A row of the page."""
        pairs = [cell for before, after in (self.ours, self.trays) for cell in _pair(before, after)]
        return (
            self.what,
            str(self.times),
            f"{self.seconds:.0f} s",
            *pairs,
            "grown" if self.grown() else "flat",
        )


def _grown(before: Sample, after: Sample) -> bool:
    more = after.mib - before.mib > _MIB_MORE
    return more or after.threads - before.threads > _MORE or after.files - before.files > _MORE


def _pair(before: Sample, after: Sample) -> tuple[str, str, str]:
    return (
        f"{before.mib:.0f} → {after.mib:.0f} MiB",
        f"{before.threads} → {after.threads}",
        f"{before.files} → {after.files}",
    )


class Soak:
    """The two programs, and the rows so far."""

    def __init__(self, tray_pid: int) -> None:
        self._tray = str(tray_pid)
        self.rows: list[Row] = []

    def row(self, what: str, times: int, work: Callable[[int], None]) -> None:
        """Do it a fifth as often to warm up, then so often, and see what is held more."""
        work(max(_LEAST_WARM, round(times * WARM)))
        before = self._rested(None)
        began = time.monotonic()
        work(times)
        seconds = time.monotonic() - began
        after = self._rested(before)
        self.rows.append(Row(what, times, seconds, (before[0], after[0]), (before[1], after[1])))
        print(" | ".join(self.rows[-1].cells()), flush=True)

    def _rested(self, before: tuple[Sample, Sample] | None) -> tuple[Sample, Sample]:
        """What they hold once what is about to end has ended, at the latest after a while."""
        gc.collect()
        seen: list[tuple[Sample, Sample]] = []

        def at_rest() -> bool:
            seen.append(self._now())
            held = {tuple((each.threads, each.files) for each in both) for both in seen[-_LOOKS:]}
            still = len(seen) >= _LOOKS and len(held) == 1
            return still and (
                before is None or not any(_grown(b, n) for b, n in zip(before, seen[-1], strict=True))
            )

        with suppress(AssertionError):  # it has grown then, which the row tells
            wait_until(at_rest, "what is about to end", seconds=30, every=0.5)
        return self._now()

    def _now(self) -> tuple[Sample, Sample]:
        return sample("self"), sample(self._tray)


def pure_switches(times: int) -> None:
    """Switches on the decisions alone."""
    for _ in range(times):
        if switched("coder", sglang_box()).operation.end is not OperationEnd.DONE:
            raise RuntimeError("a pure switch did not end well")


def rig_switches(driver: Driver, times: int) -> None:
    """Real ones, to and fro."""
    for number in range(times):
        operation = driver.switch(MODELS[number % 2])
        if operation.end is not OperationEnd.DONE:
            raise RuntimeError(f"a switch ended {operation.end}: {operation.failure}")


def reconnects(driver: Driver, server: Sshd, times: int) -> None:
    """The link is lost and comes back."""
    lose_often(driver, server, times)


def idle(driver: Driver, minutes: int) -> None:
    """What happens in so many minutes in which nothing happens: probes, readings, ticks, at a higher pace."""
    probes = round(minutes * 60 / timing.WATCH_SECONDS)
    faster = {"WATCH_SECONDS": timing, "SAFETY_SECONDS": timing, "HEALTH_SECONDS": servers}
    with ExitStack() as stack:
        for name, module in faster.items():
            stack.enter_context(patch.object(module, name, getattr(module, name) / _PACE))
        for _ in range(probes):
            last = driver.state("sglang").read_at
            driver.until(partial(_is_later, last), "the next probe", 30.0)


def _is_later(than: float | None, snapshot: Snapshot) -> bool:
    state = snapshot.state_of("sglang")
    return state is not None and state.read_at != than


def soak(minutes: float) -> list[Row]:
    """All rows, each with its share of what half an hour holds."""
    part = minutes / WHOLE_MINUTES
    rig, desktop = Rig(), Desktop()
    try:
        quicken(rig)
        server = rig.sshd()
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            program = Program(Path(folder) / "tray")
            program.add(rig, "spark", server)
            watcher = stack.enter_context(desktop.watcher())
            running = stack.enter_context(tray(program, desktop, silent=False))
            desktop.item(watcher)
            driver = stack.enter_context(driven(Path(folder) / "driver", profile(rig, server)))
            driver.switch(MODELS[0])
            run = Soak(running.process.pid)
            run.row("switches, decided", max(10, round(PURE * part)), pure_switches)
            run.row("switches, on the rig", max(2, round(SWITCHES * part)), lambda n: rig_switches(driver, n))
            run.row("links lost", max(10, round(RECONNECTS * part)), lambda n: reconnects(driver, server, n))
            run.row("minutes idle", max(2, round(60 * IDLE_HOURS * part)), lambda n: idle(driver, n))
            return run.rows
    finally:
        desktop.close()
        rig.close()


def page(rows: list[Row], minutes: float) -> str:
    """The whole page."""
    both = [f"{what}, {whose}" for whose in ("controller", "tray") for what in ("memory", "threads", "files")]
    cells = table(("What", "Times", "Took", *both, ""), (row.cells() for row in rows))
    when = f"{datetime.now(UTC).date()}, {minutes:g} minutes' share: {machine()}"
    return "\n".join([_HEAD, when, "", *cells, ""])


def main(words: list[str]) -> int:
    """Do it, print it, judge it."""
    given = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__)
    given.add_argument("--minutes", type=float, default=WHOLE_MINUTES, help="about how long it may take")
    given.add_argument("--write", action="store_true", help="write docs/soak.md anew")
    options = given.parse_args(words)
    if missing((*PARTS, "Xvfb", "dbus-daemon")):
        return MISSING_PARTS
    rows = soak(options.minutes)
    if options.write:
        PAGE.write_text(page(rows, options.minutes), encoding="utf-8")
    return MISSED if any(row.grown() for row in rows) else HELD


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
