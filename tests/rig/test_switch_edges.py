"""Switching where others have been: locks, Compose, leftovers, lost links, changes in between."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sparktray.domain.operation import OperationEnd, StepName, SwitchWish
from sparktray.domain.snapshot import Snapshot
from tests.rig.driving import driven, profile, quicken
from tests.rig.rig import Rig
from tests.waiting import wait_until

SCOUT, QWEN, CODER = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"
IMAGE = "lmsysorg/sglang:spark"


def lock(rig: Rig, expires: str) -> None:
    """The lock of another laptop."""
    labels = {"owner": "anna@mbp", "since": "2026-11-23T12:03:00Z", "expires": expires}
    flags = [f"--label=org.sparktray.lock.{key}={value}" for key, value in labels.items()]
    rig.docker("create", "--name", "sparktray-lock", *flags, IMAGE, "true")


def test_a_lock_of_another_laptop_is_respected(rig: Rig, tmp_path: Path) -> None:
    """Whoever changes the host is named, and nothing is touched."""
    quicken(rig)
    lock(rig, "2999-01-01T00:00:00Z")
    with driven(tmp_path, profile(rig)) as program:
        refused = program.switch(SCOUT)
        assert refused.end is OperationEnd.REFUSED and refused.failure is not None
        assert refused.failure.code == "locked"
        assert refused.failure.cause.values["owner"] == "anna@mbp"
        assert program.stop().end is OperationEnd.DONE, "nothing runs, so there is nothing to lock for"
    assert rig.inspect("sparktray-lock") is not None and rig.inspect("sglang") is None


def test_an_expired_lock_is_taken_over(rig: Rig, tmp_path: Path) -> None:
    """A laptop that vanished does not lock the host for ever; its time is judged by the host's clock."""
    quicken(rig)
    lock(rig, "2020-01-01T00:00:00Z")
    with driven(tmp_path, profile(rig)) as program:
        done = program.switch(SCOUT)
        assert done.end is OperationEnd.DONE
        assert done.runs[0].step.command == ("docker", "rm", "sparktray-lock")
    assert rig.inspect("sparktray-lock") is None


def test_a_compose_container_is_stopped_and_started_only(rig: Rig, tmp_path: Path) -> None:
    """What Compose made is never renamed or removed: not on the way there, not on the way back."""
    quicken(rig)
    rig.start_sglang(
        container="stack-llm-1", rm=False, docker_args=("--label", "com.docker.compose.project=stack")
    )
    rig.behave(CODER, fail="exit0")
    with driven(tmp_path, profile(rig)) as program:
        program.until_ready("sglang")
        back = program.switch(CODER, replace=True)
        assert back.end is OperationEnd.ROLLED_BACK
        assert rig.state("stack-llm-1") == "running"
        assert StepName.RENAME not in {r.step.name for r in back.runs}
        rig.behave(CODER, fail=None)
        program.until_ready("sglang")
        assert program.switch(CODER, replace=True).end is OperationEnd.DONE
        assert rig.state("stack-llm-1") == "exited", "stopped, under its own name"


def test_a_stopped_container_comes_back_stopped(rig: Rig, tmp_path: Path) -> None:
    """The old one did not run: a failed switch gives it its name back and does not start it."""
    quicken(rig)
    rig.behave(CODER, fail="exit0")
    with driven(tmp_path, profile(rig)) as program:
        program.switch(SCOUT)
        program.stop("sglang")
        before = rig.inspect("sglang")
        failed = program.switch(CODER)
        assert failed.end in {OperationEnd.ROLLED_BACK, OperationEnd.FAILED}
        after = rig.inspect("sglang")
        assert before is not None and after is not None and after["Id"] == before["Id"]
        assert rig.state("sglang") == "exited"


def test_a_docker_that_hangs_for_a_moment(rig: Rig, tmp_path: Path) -> None:
    """dockerd stops for a moment right at the start: a slow Docker is no reason to fail."""
    quicken(rig)
    rig.start_sglang(rm=False)
    with driven(tmp_path, profile(rig)) as program:
        program.until_ready("sglang")
        rig.engine.freeze()
        program.controller.wish(SwitchWish(CODER))
        rig.engine.thaw()
        ended = program.until(lambda s: s.operation is not None and s.operation.end is not None, "the end")
        assert ended.operation is not None
        assert ended.operation.end is OperationEnd.DONE


def test_two_links_lost_in_one_switch(rig: Rig, tmp_path: Path) -> None:
    """The link breaks while the old server stops and again while the new one loads."""
    quicken(rig)
    rig.behave(SCOUT, sigterm_seconds=1.5)
    rig.behave(CODER, load_seconds=2.0)
    with driven(tmp_path, profile(rig)) as program:
        program.switch(SCOUT)
        program.controller.wish(SwitchWish(CODER))
        for name in (StepName.STOP, StepName.LOAD):
            program.until(partial(_doing, name=name), f"step {name}")
            rig.server.drop_sessions()
        ended = program.until(lambda s: s.operation is not None and s.active is None, "the end", 60)
        assert ended.operation is not None and ended.operation.end is OperationEnd.DONE
        assert rig.model_ids(30000) == [CODER]
        assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None


def _doing(snapshot: Snapshot, name: StepName) -> bool:
    current = snapshot.active.current if snapshot.active is not None else None
    return current is not None and current.step.name is name and not current.back


def test_logs_of_a_failed_start_are_not_lost_with_rm(rig: Rig, tmp_path: Path) -> None:
    """A hand-started --rm container takes its log with it; what was followed still tells why it died."""
    quicken(rig)
    rig.behave(QWEN, fail="oom", fail_seconds=0.5)
    with driven(tmp_path, profile(rig)) as program:
        rig.start_sglang(QWEN, container="sglang-main", port=30001)
        rig.wait_state("sglang-main", None)
        wait_until(lambda: program.state("sglang-main").failure is not None, "the failure")
        failure = program.state("sglang-main").failure
        assert failure is not None and failure.code == "out-of-memory"
