"""The table of docs/switching.md, from what the tests of the eight steps have shown.

    pytest -p tests.switch_table tests/rig/test_switch_steps.py

runs them all and writes the page when none failed.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "switching.md"

_STEPS = {
    "lock": "1 Take the host's lock",
    "look": "2 Look at the host: image, folder, port, memory",
    "busy": "3 Look whether requests are being answered",
    "put-aside": "4 Write down, stop and put aside the old container",
    "release": "5 Wait until name, port and memory are free",
    "start": "6 Start the new container",
    "load": "7 Watch the model load",
    "prove": "8 Ask for a first answer, remove the old container",
}
_ENDS = {
    "done": "done",
    "refused": "refused, nothing was changed",
    "rolled-back": "rolled back: the old model serves again",
    "cancelled": "cancelled: the old model serves again",
    "needs-you": "needs you; once the reason is gone, “Go back” brings the old model back",
}
_HEAD = """\
# A switch, step by step

Written by `make test-switching`. In each of the eight steps of a switch from one model to another the step
fails, somebody cancels, or the program is killed, against a real sshd and a real Docker with stand-ins for
the engines; afterwards the old model (the very same container) or the new one is asked for its ID, no lock
and no container that was put aside is left, and the journal tells the same end.

A program that was killed is told of by the next one (`status`, the tray's sentence, the panel): “Finish” and
“Go back” are its two buttons, `sparktray resume` and `sparktray resume --back` the commands. Where nothing
but the lock had been touched there is nothing to tell; the next switch takes the dead program's lock away.
""".rstrip().splitlines()

Properties = Mapping[str, object]


class Plugin:
    """Takes what each test noted, and writes the page."""

    def __init__(self) -> None:
        self.shown: dict[str, dict[str, Properties]] = defaultdict(dict)
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Pytest's: a test, its set-up or its end is over."""
        self.failed = self.failed or report.failed
        told = dict(report.user_properties)
        if report.when == "call" and "step" in told:
            test = report.nodeid.rpartition("::")[2].partition("[")[0]
            self.shown[str(told["step"])][f"{test} {told.get('way', '')}".strip()] = told

    def pytest_sessionfinish(self) -> None:
        """Pytest's: all are over."""
        if not self.failed and set(self.shown) == set(_STEPS):
            PAGE.write_text(page(self.shown), encoding="utf-8")
            print(f"\n{PAGE.relative_to(ROOT)} is written.")


def pytest_configure(config: pytest.Config) -> None:
    """Pytest calls it when this file is named with -p."""
    config.pluginmanager.register(Plugin(), "switch-table")


def page(shown: Mapping[str, Mapping[str, Properties]]) -> str:
    """The whole page."""
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()
    lines = [
        *_HEAD,
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}.",
        "",
        "| Step | It fails, because | then | Cancelled | Killed, then “Finish” | Killed, then “Go back” |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_row(title, shown[step]) for step, title in _STEPS.items())]) + "\n"


def _row(title: str, tests: Mapping[str, Properties]) -> str:
    failed, cancelled = tests["test_it_fails"], tests["test_it_is_cancelled"]
    told = tests["test_the_program_is_killed finish"]["told"]
    finish = "told; the new model serves" if told else "nothing to tell; the next switch works"
    back = "the old model serves again" if "test_the_program_is_killed back" in tests else ""
    cells = (
        *(title, str(failed["how"]), _ENDS[str(failed["end"])]),
        *(_ENDS[str(cancelled["end"])], finish, back),
    )
    return "| " + " | ".join(cells) + " |"
