"""After a reboot Docker starts what has a restart policy, also what had been stopped for another model."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparktray.decide import conflicts as judged
from sparktray.decide.conflicts import Conflict, ConflictCode, conflicts
from sparktray.domain.operation import OperationEnd, StopWish
from tests.pure.decide.building import rendered
from tests.rig.driving import Driver, Program, driven, profile, quicken
from tests.rig.rig import Rig

SCOUT, QWEN = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4"


def both_ready(rig: Rig, program: Driver) -> tuple[Conflict, ...]:
    for server in ("sglang", "sglang-main"):
        program.until_ready(server)
    return conflicts(program.snapshot)


def test_what_docker_started_by_itself_is_named_and_stays_down_when_told(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judged, "_EARLIER_SECONDS", 0.3)  # nobody waits a minute between the two stops
    quicken(rig)
    rig.start_sglang(QWEN, container="sglang-main", port=30001, rm=False, docker_args=("--restart", "always"))
    rig.wait_http(30001, "/health")
    rig.docker("stop", "sglang-main")
    rig.start_sglang(SCOUT, rm=False, docker_args=("--restart", "unless-stopped"))
    rig.wait_http(30000, "/health")
    rig.engine.reboot()
    with driven(tmp_path, profile(rig)) as program:
        (found,) = both_ready(rig, program)
        assert found.code is ConflictCode.STARTED_BY_DOCKER and found.servers == ("sglang-main", "sglang")
        assert found.way_out.command == "sparktray stop sglang-main --stay-down"
        assert rendered(found.sentence) == (
            "Docker started sglang-main by its restart policy, although only sglang ran before."
        )
        wish = found.way_out.wish
        assert wish == StopWish("sglang-main", stay_down=True)
        assert program.do(wish).end is OperationEnd.DONE
        assert conflicts(program.snapshot) == ()
    rig.engine.reboot()
    rig.wait_http(30000, "/health")
    assert rig.state("sglang-main") == "exited" and rig.state("sglang") == "running"
    with driven(tmp_path, profile(rig)) as program:
        program.until_ready("sglang")
        assert conflicts(program.snapshot) == ()


def test_two_that_leave_the_host_too_little_memory(rig: Rig, tmp_path: Path) -> None:
    """Both run and the host is near its freeze: the one to stop is named, and stopping it ends the matter."""
    quicken(rig)
    program = Program(tmp_path / "config")
    program.add(rig)
    rig.start_sglang(QWEN, container="sglang-main", port=30001, rm=False)
    rig.start_sglang(SCOUT, rm=False)
    rig.wait_http(30000, "/health")
    rig.wait_http(30001, "/health")
    rig.set_memory(3_000_000)
    (found,) = program.json("status")["conflicts"]
    assert found["code"] == "memory-low" and found["wish"]["kind"] == "stop"
    assert found["sentence"] in program.ok("status")
    program.ok(*found["command"].split()[1:])
    rig.set_memory(60_000_000)
    assert program.json("status")["conflicts"] == []
