"""Write docs/benchmarks.md from the figures that the scripts left in the folder named as the only word."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.figures import Told
from scripts.tables import table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
_COLUMNS = ("What", "Target", "Measured", "10 % to 90 %", "Runs", "Baseline", "Its median", "Ratio", "")
_HEAD = """\
# Benchmarks

Written by `make bench`: every figure beside its baseline, both measured in the same run on the test rig (real
sshd and Docker on this computer, engines as stand-ins). Ratios mean more than figures: the machine is small
and shared. "noisy" marks a figure within its budget whose middle half is spread wider than its median is
large; it counts as neither good nor bad. What was never measured here (a GB10, real engines and models, a
LAN, arm64) is in [platforms.md](platforms.md).
"""
_TITLES = {
    "refresh": "Reading the host",
    "status": "The command line",
    "sight": "Seeing a change",
    "dashboard": "Beside a page of Streamlit",
    "switch": "Switching",
    "tray": "The tray",
    "crowd": "Ten hosts, 50 containers, 500 models",
    "forward": "Forwards",
    "scaling": "What more of everything costs",
    "frozen": "The frozen program",
}
# Why a budget does not hold, by script and line; told only while it does not.
_REASONS = {
    ("status", "status, cold, no tray"): (
        "41 ms are paramiko's import of `invoke` (with `unittest.mock` and `asyncio`), for a directive of a"
        " reader of `~/.ssh/config` that is not used here; nothing of a library is replaced to save it. The"
        " frozen program does without, and unpacks its modules instead. The rest is Python's own start and"
        " the import of cryptography and the HTTP library, as far as the connection does not hide it"
        " ([0009](adr/0009-starting-quickly.md))."
    ),
    ("tray", "start to registered icon"): (
        "The time itself holds; twice an empty tray does not. 22 ms go into the enumerations of `Qt`, which"
        " PySide makes as soon as the desktop's colour scheme is asked for, the rest into 300 modules of the"
        " program's own and of the standard library: the first picture in the tray is already the true one."
    ),
    ("tray", "idle, of a core"): (
        "A sample of the host, a sign of life of Docker, and a question to the model every 5 s: some 15"
        " wakings of a thread a second in all; each costs more on this virtual machine than its work."
    ),
}


def page(folder: Path) -> str:
    """The whole page."""
    lines, missed = [_HEAD, f"{datetime.now(UTC).date()}, {machine()}", ""], list[Told]()
    for script, title in _TITLES.items():
        path = folder / f"{script}.json"
        if not path.exists():
            raise FileNotFoundError(f"no figures of {script}: run make bench")
        told = msgspec.json.decode(path.read_bytes(), type=list[Told])
        lines += [f"## {title}", "", *table(_COLUMNS, map(_row, told)), ""]
        missed += [each for each in told if each.verdict == "missed"]
    if missed:
        lines += ["## What does not hold, and why", "", *(line for each in missed for line in _why(each))]
    return "\n".join(lines)


def _why(told: Told) -> tuple[str, str]:
    """A paragraph on a budget that was missed."""
    reason = _REASONS.get((told.script, told.what), "No reason is known yet.")
    return f"**{_TITLES[told.script]}: {told.what}.** {reason}", ""


def _row(told: Told) -> tuple[str, ...]:
    base = "" if told.baseline_median is None else f"{told.baseline_median:.4g} {told.unit}"
    ratio = "" if told.of_baseline is None else f"{told.of_baseline:.3g}x"
    spread = "" if told.runs == 1 else f"{told.low:.4g} to {told.high:.4g}"
    measured = f"{told.median:.4g} {told.unit}"
    return told.what, told.target, measured, spread, str(told.runs), told.baseline, base, ratio, told.verdict


def machine() -> str:
    """The commit and this computer, in one line."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    docker = subprocess.run(["docker", "--version"], capture_output=True, text=True, check=False).stdout
    return (
        f"commit {commit}: {os.cpu_count()} cores ({platform.machine()}), "
        f"{memory:.0f} GB, Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}, "
        f"{docker.partition(',')[0] or 'no Docker'}."
    )


def main(words: list[str]) -> int:
    """Rewrite the page."""
    PAGE.write_text(page(Path(words[0])), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
