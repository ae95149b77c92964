"""The fault matrix: what each row is, and what the tests that carry its mark have shown.

    pytest -p tests.fault_table -m fault tests/rig tests/unit/store

runs every test with a mark `fault(row)` and, when all rows were run, writes docs/faults.md.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "faults.md"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: what happens, how it is brought about here, and what the person is to see."""

    name: str
    fault: str
    by: str
    expected: str


def _rows() -> tuple[Row, ...]:
    told = tomllib.loads((ROOT / "tests" / "fault_rows.toml").read_text(encoding="utf-8"))
    return tuple(Row(name, **texts) for name, texts in told.items())


ROWS = _rows()


_HEAD = """\
# Faults, and what a person sees of them

Written by `make test-faults`. Each row is shown by tests with real parts (network namespaces, iptables,
OpenSSH, Docker, gnome-keyring, Open WebUI) that carry its mark, on Linux only; engines are stand-ins. Where
the tray itself is looked at, three things hold after every fault: the truth is shown within 30 s of the
repair (60 s and more only where a model loads first) by exactly one SSH connection, the main thread was never
more than 250 ms late, and no more was told than the row says. "Noticed" and "well again" are seconds after
fault and repair; the number behind a result is that of the tests. "Lost: none" means that volumes and models'
files on the host (rows W: every row and file of Open WebUI) were compared before and after; where nothing is
said they were not compared.""".splitlines()


@dataclass(slots=True)
class _Shown:
    """What the tests of one row came to."""

    tests: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    values: dict[str, list[object]] = field(default_factory=lambda: defaultdict(list))


class Plugin:
    """Takes the outcome of each marked test, and writes the table when all rows were run."""

    def __init__(self) -> None:
        self.rows: dict[str, _Shown] = defaultdict(_Shown)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        for mark in item.iter_markers("fault"):
            shown = self.rows[mark.args[0]]
            if report.failed:
                shown.failed.append(report.nodeid)
            if report.when == "call":
                shown.tests.append(report.nodeid)
                for name, value in report.user_properties:
                    shown.values[name].append(value)
        return report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        known = {row.name for row in ROWS}
        assert set(self.rows) <= known, set(self.rows) - known
        if set(self.rows) == known:
            TABLE.write_text(table(self.rows), encoding="utf-8")
            print(f"\n{TABLE.relative_to(ROOT)} is written.")


def pytest_configure(config: pytest.Config) -> None:
    """Pytest calls it when this file is named with -p."""
    config.pluginmanager.register(Plugin(), "fault-table")


def table(rows: dict[str, _Shown]) -> str:
    """The whole page."""
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()
    bad = [name for name, shown in rows.items() if shown.failed]
    lines = [
        *_HEAD,
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}: {len(rows) - len(bad)} of {len(rows)} rows hold.",
        "",
        "| Row | Fault | Brought about by | To be seen | Noticed | Well again "
        "| Longest gap | Lost | Result |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        shown = rows[row.name]
        cells = (
            *(row.name, row.fault, row.by, row.expected),
            *(_most(shown, "noticed", "s"), _most(shown, "back", "s"), _most(shown, "gap", "ms")),
            ", ".join(sorted({str(value) for value in shown.values.get("lost", ())})),
            "**fails**" if shown.failed else f"holds ({len(shown.tests)})",
        )
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "## The tests", ""]
    for row in ROWS:
        names = sorted({_short(each) for each in rows[row.name].tests})
        lines.append(f"- {row.name}: " + ", ".join(f"`{name}`" for name in names))
    return "\n".join(lines) + "\n"


def _most(shown: _Shown, name: str, unit: str) -> str:
    """The greatest value of a row, "" where none was taken."""
    values = [float(str(value)) for value in shown.values.get(name, ())]
    return f"{max(values):g} {unit}" if values else ""


def _short(node: str) -> str:
    return node.partition("[")[0].removeprefix("tests/")
