"""A Spark that is short of memory freezes: a switch that would bring that about is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.driving import Program, quicken
from tests.rig.gb10 import TOTAL_KIB
from tests.rig.rig import Rig

SCOUT, QWEN = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4"


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def test_what_does_not_fit_is_refused_before_anything_is_changed(rig: Rig, program: Program) -> None:
    """With the sum; what runs on the other server is not touched, and nothing is left behind."""
    before = rig.start_sglang(QWEN, container="sglang-main", port=30001)
    rig.wait_http(30001, "/health")
    rig.set_memory(40 * 1024 * 1024)
    told = program.refused(7, "switch", SCOUT)
    assert told["code"] == "memory-short"
    assert "GiB of memory, and 30." in told["message"] and "--force" in told["remedy"]
    assert program.refused(7, "switch", SCOUT, "--dry-run")["code"] == "memory-short"
    found = rig.inspect("sglang-main")
    assert found is not None and found["Id"] == before
    assert rig.inspect("sglang") is None and rig.inspect("sparktray-lock") is None


def test_force_tries_it_all_the_same(rig: Rig, program: Program) -> None:
    rig.set_memory(40 * 1024 * 1024)
    program.ok("switch", SCOUT, "--force")
    assert rig.model_ids(30000) == [SCOUT]


def test_what_stops_for_it_makes_room(rig: Rig, program: Program) -> None:
    """Little is free while the old model of the same server runs; its own memory comes back."""
    rig.start_sglang(SCOUT)
    rig.wait_http(30000, "/health")
    rig.set_memory(TOTAL_KIB // 10)
    program.ok("switch", "qwen3-coder-30b-nvfp4")
    assert rig.model_ids(30000) == ["qwen3-coder-30b-nvfp4"]


def test_another_server_stops_for_it_when_that_was_asked_for(rig: Rig, program: Program) -> None:
    """And serves again, by its own means, when the model then fails."""
    rig.start_sglang(QWEN, container="sglang-main", port=30001, rm=False)
    rig.wait_http(30001, "/health")
    before = rig.inspect("sglang-main")
    rig.set_memory(40 * 1024 * 1024)
    rig.behave(SCOUT, fail="oom")
    assert program.refused(1, "switch", SCOUT, "--make-room")["code"] == "out-of-memory"
    assert rig.model_ids(30001) == [QWEN]
    after = rig.inspect("sglang-main")
    assert before is not None and after is not None and after["Id"] == before["Id"]
    rig.behave(SCOUT, fail=None)
    program.ok("switch", SCOUT, "--make-room")
    assert rig.model_ids(30000) == [SCOUT]
    assert rig.state("sglang-main") == "exited" and rig.inspect("sparktray-lock") is None


def test_the_list_of_models_tells_what_fits(rig: Rig, program: Program) -> None:
    """By the sizes of the host's own files, beside what is free now."""
    rig.set_memory(40 * 1024 * 1024)
    listed = {each["model"]: each for each in program.json("models")["models"]}
    assert listed[SCOUT]["needs_bytes"] > 50 * 2**30 and listed[SCOUT]["fits"] is False
    assert listed["bge-m3"]["fits"] is True
    assert "GiB short" in program.ok("models") and "fits now" in program.ok("models")
