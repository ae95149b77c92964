"""What a benchmark tells: each budget line with its target, what was measured, the baseline and the ratio.

A script prints its figures and, where ``SPARKTRAY_FIGURES`` names a folder, leaves them there as JSON;
`benchmarks.page` makes the document of them.
"""

from __future__ import annotations

import compileall
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

FOLDER_VARIABLE = "SPARKTRAY_FIGURES"
# Half of all values within a band as wide as the median: beyond it the median says little.
_NOISY = 1.0
HELD, MISSED, MISSING_PARTS = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Measured:
    """One thing done many times, each value in ``unit``."""

    what: str
    values: tuple[float, ...]
    unit: str = "ms"

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def share(self, part: float) -> float:
        """The value below which that part of all lies; ``part`` 0 to 1."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]

    @property
    def noisy(self) -> bool:
        """Whether the middle half is spread wider than the median is large."""
        return len(self.values) > 1 and self.share(0.75) - self.share(0.25) > _NOISY * self.median


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, and what it has to hold: at most ``most`` (at least, when ``at_least``), and at most
    ``ratio`` of the baseline. A figure without both is told and judged by nobody.
    """

    ours: Measured
    baseline: Measured | None = None
    most: float | None = None
    ratio: float | None = None
    at_least: bool = False

    @property
    def of_baseline(self) -> float | None:
        """Ours by the baseline's; None without one."""
        base = self.baseline
        return None if base is None or not base.median else self.ours.median / base.median

    @property
    def held(self) -> bool | None:
        """Whether the budget holds; None where there is none."""
        judged = []
        if self.most is not None:
            value = self.ours.median
            judged.append(value >= self.most if self.at_least else value <= self.most)
        if self.ratio is not None and self.of_baseline is not None:
            judged.append(self.of_baseline >= self.ratio if self.at_least else self.of_baseline <= self.ratio)
        return all(judged) if judged else None

    @property
    def noisy(self) -> bool:
        """Whether it, or what it is compared with, is spread too wide to be called good."""
        return self.ours.noisy or (self.baseline is not None and self.baseline.noisy)

    def target(self) -> str:
        """The budget as it is written."""
        sign = "≥" if self.at_least else "≤"
        parts = [] if self.most is None else [f"{sign} {self.most:g} {self.ours.unit}"]
        if self.ratio is not None:
            parts.append(f"{sign} {self.ratio:g}x the baseline")
        return ", ".join(parts)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A figure as it is written down."""

    script: str
    what: str
    unit: str
    target: str
    median: float
    low: float
    high: float
    runs: int
    baseline: str
    baseline_median: float | None
    of_baseline: float | None
    verdict: str


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


def compiled() -> None:
    """Compile the program's modules, as pip does when it installs.

    Without, each start would compile some 200 of them anew wherever PYTHONDONTWRITEBYTECODE is set: 0.2 s.
    """
    compileall.compile_dir("sparktray", quiet=1)


def missing(parts: Sequence[str]) -> bool:
    """Whether one of these programs is not there; which, and what brings it, is said."""
    absent = [part for part in parts if shutil.which(part) is None]
    if absent:
        print(f"Not measured: {', '.join(absent)} is missing. Run: make system", file=sys.stderr)
    return bool(absent)


def report(script: str, figures: Sequence[Figure]) -> int:
    """Print them, leave them for the page, and judge; the script's exit code."""
    told = [_told(script, each) for each in figures]
    print(f"{'':<58} {'median':>9} {'10 %':>9} {'90 %':>9} {'runs':>5} {'baseline':>9} {'ratio':>7}")
    for each in told:
        base = "" if each.baseline_median is None else f"{each.baseline_median:9.2f}"
        ratio = "" if each.of_baseline is None else f"{each.of_baseline:6.2f}x"
        row = f"{each.what + ', ' + each.unit:<58} {each.median:9.2f} {each.low:9.2f} {each.high:9.2f}"
        print(f"{row} {each.runs:5} {base:>9} {ratio:>7}  {each.verdict} {each.target}".rstrip())
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{script}.json").write_bytes(msgspec.json.encode(told))
    return MISSED if any(each.held is False for each in figures) else HELD


def _told(script: str, figure: Figure) -> Told:
    ours, base = figure.ours, figure.baseline
    return Told(
        script=script,
        what=ours.what,
        unit=ours.unit,
        target=figure.target(),
        median=ours.median,
        low=ours.share(0.1),
        high=ours.share(0.9),
        runs=len(ours.values),
        baseline="" if base is None else base.what,
        baseline_median=None if base is None else base.median,
        of_baseline=figure.of_baseline,
        verdict=_verdict(figure),
    )


def _verdict(figure: Figure) -> str:
    if figure.held is None:
        return ""
    if not figure.held:
        return "missed"
    return "noisy" if figure.noisy else "held"
