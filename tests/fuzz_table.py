"""The long form of fuzzing, and the table of docs/fuzzing.md from what it tried.

    FUZZ_SECONDS=600 pytest -p tests.fuzz_table -m fuzz tests/unit/fuzz

shares that time out among all targets, and writes the page when nothing broke. A file of that folder in its
place has the time for its own targets, and leaves the page alone.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.fuzz.fuzzing import CAMPAIGN, Count

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "tests/unit/fuzz"
PAGE = ROOT / "docs" / "fuzzing.md"
FOUND = "## What was found"
_HEAD = """\
# Input that is not well meant

Written by `make fuzz`, but for what was found. Everything that comes from outside is given inputs that begin
as real ones (`tests/corpus`, and every input that ever broke something) and are then changed in up to six
places: bytes flipped, cut out or doubled, values of JSON of another type, in another place, missing or twice,
numbers beyond every range, NaN, halves of characters, NULs, bidirectional marks, 100,000 characters, 3,000
brackets. They take the program's own way from the link or the file to the sentences of menu, panel and
command line. For each input:

- a reader raises nothing but the errors that it declares
- no sentence holds a hidden character, and none is longer than 20,000
- a model ID is passed on byte for byte, or not at all
- numbers that count something are never negative, and fractions lie between 0 and 1
- it takes less than a second of the processor's time

A part of it, always the same inputs, belongs to `make test-unit`. What a server can do to time and memory (a
gzip bomb, a drip, headers or redirects without end) is tested with real sockets in
`tests/unit/remote/test_http.py` and `tests/unit/remote/test_http_hostile.py`. `FUZZ_SECONDS=3600 make fuzz`
goes on for an hour.
"""


class Plugin:
    """Gives each target its time, and writes the page."""

    def __init__(self) -> None:
        self._failed = False
        self._whole = False
        self._targets: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Pytest's: what will be run is known."""
        self._whole = session.config.args == [FOLDER]
        self._targets = [mark.args[0] for item in session.items for mark in item.iter_markers("fuzz")]
        assert len(set(self._targets)) == len(self._targets), "two targets of one name"
        CAMPAIGN.seconds = float(os.environ.get("FUZZ_SECONDS", "180")) / max(1, len(self._targets))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Pytest's: a test, its set-up or its end is over."""
        self._failed = self._failed or report.failed

    def pytest_sessionfinish(self) -> None:
        """Pytest's: all are over."""
        if self._whole and not self._failed and set(CAMPAIGN.counts) == set(self._targets):
            PAGE.write_text(page(CAMPAIGN.counts), encoding="utf-8")
            print(f"\n{PAGE.relative_to(ROOT)} is written.")


def pytest_configure(config: pytest.Config) -> None:
    """Pytest calls it when this file is named with -p."""
    config.pluginmanager.register(Plugin(), "fuzz-table")


def page(counts: Mapping[str, Count]) -> str:
    """The whole page; what people wrote about what was found stays."""
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()
    inputs = sum(count.inputs for count in counts.values())
    seconds = sum(count.seconds for count in counts.values())
    lines = [
        _HEAD,
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {platform.system()} on {platform.machine()} with "
        f"{os.cpu_count()} cores, Python {platform.python_version()}: {len(counts)} targets,",
        f"{inputs:,} inputs in {seconds:.0f} s. Nothing broke.",
        "",
        "| Target | Inputs | Slowest, ms of the processor |",
        "|---|---|---|",
        *(f"| {name} | {each.inputs:,} | {1000 * each.slowest:.0f} |" for name, each in counts.items()),
        "",
    ]
    return "\n".join(lines) + "\n" + _kept()


def _kept() -> str:
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    return FOUND + text.partition(FOUND)[2] if FOUND in text else FOUND + "\n"
