"""`doctor`: all that helps, and none of the secrets, whether things are well or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig

SCOUT = "llama4-scout-17b-nvfp4"
CANARY = "hf_CanaryThatMustNotBeSeen0123456789"


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def test_it_tells_what_went_wrong_without_the_keys(rig: Rig, program: Program) -> None:
    shipped = json.loads(Path("models.json").read_text(encoding="utf-8"))
    shipped["models"][0]["env"] = {"HF_TOKEN": CANARY}
    (program.config / "models.json").write_text(json.dumps(shipped), encoding="utf-8")
    planned = program.ok("switch", SCOUT, "--dry-run")
    assert "-e 'HF_TOKEN=***'" in planned
    assert CANARY not in planned
    rig.behave(SCOUT, fail="oom")
    program.refused(1, "switch", SCOUT)
    failed = rig.inspect("sglang")
    assert failed is not None
    assert f"HF_TOKEN={CANARY}" in failed["Config"]["Env"], "only what is shown is masked"
    assert CANARY not in json.dumps(program.json("journal"))
    holding = [
        path for path in program.config.rglob("*") if path.is_file() and CANARY in path.read_text("utf-8")
    ]
    assert holding == [program.config / "models.json"]
    rig.behave(SCOUT, fail=None)
    rig.start_sglang(
        container="sglang-main",
        port=30001,
        docker_args=("-e", f"HF_TOKEN={CANARY}"),
        args=("--api-key", CANARY),
    )
    rig.wait_http(30001, "/health")
    told = program.ok("doctor")
    for part in ("== Program", "sparktray", "== Settings", "✓  Docker", "== Status", "CUDA out of memory"):
        assert part in told, part
    assert "failed (out-of-memory)" in told, "the journal"
    assert CANARY not in told
    found = program.json("doctor")
    assert [stage["ok"] for stage in found["stages"]] == [True] * len(found["stages"])
    assert found["status"]["host"] == "spark" and found["operations"][-1]["failure"] == "out-of-memory"
    assert found["settings"]["hosts"][0]["login"] == "key"
    assert CANARY not in json.dumps(found)


def test_a_host_that_is_away_is_told_by_stage(rig: Rig, program: Program) -> None:
    other = rig.sshd()
    program.add(rig, "gone", other)
    other.stop()
    done = program.run("--host", "gone", "doctor")
    assert done.returncode == 3
    assert "✗  port" in done.stdout and "== Program" in done.stdout and "== Status" not in done.stdout
