"""The program is killed in each step of a wipe: nothing is lost, and it is finished or gone back from."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rig.driving import Program
from tests.rig.webui import contents
from tests.rig.webui.container import NAME, Container
from tests.rig.webui.people import Household
from tests.waiting import scaled, wait_until

# Each step of a wipe of all chats, by its place: its number in the plan and what it does.
STEPS = ("stop", "archive", "wipe", "start", "health")
BY_ITSELF = {"user", "config", "auth"}
Property = Callable[[str, object], None]


@pytest.fixture
def program(webui: Container, tmp_path: Path) -> Program:
    made = Program(tmp_path / "config")
    made.add(webui.rig)
    return made


def under_way(config: Path, name: str) -> bool:
    """Whether the journal's last line has that step running or done."""
    file = config / "journal" / "operations.jsonl"
    lines = file.read_bytes().splitlines() if file.exists() else []
    if not lines:
        return False
    try:
        steps = json.loads(lines[-1]).get("steps", ())
    except ValueError:
        return False
    # Before it is stopped it is waited for too: of several steps of that name the last one counts.
    named = [step["state"] for step in steps if step["name"] == name]
    return bool(named) and named[-1] in {"running", "done"}


def killed_in(program: Program, step: str, scope: str = "--all-chats") -> None:
    running: subprocess.Popen[str] = program.start("webui", "wipe", scope, "--yes")
    try:
        wait_until(lambda: under_way(program.config, step), f"step {step}", seconds=scaled(60), every=0.005)
    finally:
        running.kill()
        running.communicate()


def chats_and_more(webui: Container) -> contents.Tables:
    return {table: rows for table, rows in webui.rows().items() if table not in BY_ITSELF}


@pytest.mark.parametrize("way", ["finish", "back"])
@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=pytest.mark.fault("W2") if step == "wipe" else ()) for step in STEPS]
)
def test_killed(
    webui: Container, home: Household, program: Program, step: str, way: str, record_property: Property
) -> None:
    before = chats_and_more(webui)
    killed_in(program, step)
    # What runs inside its container goes on without the program.
    wait_until(lambda: webui.rig.inspect("sparktray-open-webui") is None, "the container's end", seconds=60)
    program.ok("resume", *(("--back",) if way == "back" else ()))
    webui.wait_ready()
    after = chats_and_more(webui)
    if way == "finish":
        assert not after["chat"] and not after["chat_message"]
        restored = program.json("webui", "restore")["operation"]
        assert restored["end"] == "done", restored
        webui.wait_ready()
        after = chats_and_more(webui)
        assert {table for table in before if set(before[table]) - set(after[table])} == set()
    else:
        assert contents.differences(before, after) == {}
    assert program.ok("resume") == "Nothing was broken off.\n"
    assert webui.rig.inspect("sparktray-lock") is None
    assert webui.rig.state(NAME) == "running"
    record_property("lost", "none")


@pytest.mark.fault("W2")
def test_everything_is_finished_behind_its_deletion_and_comes_back(
    webui: Container, home: Household, program: Program, record_property: Property
) -> None:
    before = chats_and_more(webui)
    killed_in(program, "start", "--everything")
    program.ok("resume")
    webui.wait_ready()
    assert not webui.rows()["chat"]
    assert len(program.json("webui", "archives")["archives"]) == 1, "no copy of what was emptied"
    restored = program.json("webui", "restore")["operation"]
    assert restored["end"] == "done", restored
    webui.wait_ready()
    assert contents.differences(before, chats_and_more(webui)) == {}
    record_property("lost", "none")
