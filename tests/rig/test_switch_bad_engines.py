"""Engines and hosts at their worst in the middle of a switch: each is told, and what ran before serves."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sparktray.decide.changing import steps
from sparktray.decide.showing.present import server_sentence
from sparktray.domain.operation import Operation, OperationEnd
from sparktray.domain.snapshot import Phase, Snapshot
from tests.pure.decide.building import rendered
from tests.rig.driving import driven, profile, quicken
from tests.rig.registry import Registry
from tests.rig.rig import Rig

SCOUT, CODER = "llama4-scout-17b-nvfp4", "qwen3-coder-30b-nvfp4"


def change_model(folder: Path, name: str, **changes: Any) -> None:
    """The person's own list of models: the shipped one with that entry changed."""
    shipped = json.loads(Path("models.json").read_text(encoding="utf-8"))
    next(each for each in shipped["models"] if each["id"] == name).update(changes)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models.json").write_text(json.dumps(shipped), encoding="utf-8")


def rolled_back(rig: Rig, operation: Operation, code: str) -> None:
    """It was told by that code, and the first model serves again."""
    assert operation.end is OperationEnd.ROLLED_BACK, operation.failure
    assert operation.failure is not None and operation.failure.code == code
    assert rig.model_ids(30000) == [SCOUT]
    assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None


def test_an_engine_that_ignores_sigterm_is_ended_after_its_grace(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docker stop kills it in the end; that it had to is no crash of the old one."""
    monkeypatch.setattr(steps, "STOP_GRACE", 2)
    quicken(rig)
    rig.behave(SCOUT, ignore_sigterm=True)
    with driven(tmp_path, profile(rig)) as program:
        assert program.switch(SCOUT).end is OperationEnd.DONE
        stopped = program.stop("sglang")
        assert stopped.end is OperationEnd.DONE and stopped.failure is None
        found = rig.inspect("sglang")
        assert found is not None and found["State"]["ExitCode"] == 137
        assert program.state("sglang").phase is Phase.IDLE and program.state("sglang").failure is None
        assert program.switch(CODER).end is OperationEnd.DONE


def test_memory_that_runs_out_inside_a_container_that_stays(rig: Rig, tmp_path: Path) -> None:
    """The kernel ends the loader alone: the container runs on and would never say a word again."""
    quicken(rig)
    change_model(tmp_path, CODER, docker_args=["--memory", "128m"])
    rig.behave(CODER, fail="oom-kill")
    with driven(tmp_path, profile(rig)) as program:
        assert program.switch(SCOUT).end is OperationEnd.DONE
        rolled_back(rig, program.switch(CODER), "out-of-memory")


def test_a_container_that_dies_before_its_first_word(rig: Rig, tmp_path: Path) -> None:
    """`docker run` has returned 0 by then."""
    quicken(rig)
    rig.behave(CODER, fail="lines", fail_lines=["python3: can't open file '/sgl'"], fail_seconds=0.0)
    with driven(tmp_path, profile(rig)) as program:
        assert program.switch(SCOUT).end is OperationEnd.DONE
        failed = program.switch(CODER)
        rolled_back(rig, failed, "exited")
        assert failed.failure is not None and "python3: can't open file '/sgl'" in failed.failure.log_tail


def test_a_container_that_docker_starts_again_and_again(rig: Rig, tmp_path: Path) -> None:
    """It is told as such with the cause, and a switch takes its place."""
    quicken(rig)
    rig.behave(SCOUT, fail="oom", fail_seconds=0.1)
    rig.start_sglang(rm=False, docker_args=("--restart", "always"))
    with driven(tmp_path, profile(rig)) as program:

        def keeps_ending(snapshot: Snapshot) -> bool:
            state = snapshot.state_of("sglang")
            failure = None if state is None else state.failure
            return failure is not None and "memory" in rendered(failure.cause)

        seen = program.until(keeps_ending, "the cause of the ends", 40)
        state = seen.state_of("sglang")
        assert state is not None and state.phase is Phase.FAILED
        assert "memory" in rendered(server_sentence(seen, state))
        taken = program.switch(CODER, replace=True)
        assert taken.end is OperationEnd.DONE, taken.failure
        assert rig.model_ids(30000) == [CODER] and rig.inspect("sglang.previous") is None


@contextmanager
def full_disk(rig: Rig) -> Iterator[None]:
    """Where dockerd puts the layers that it fetches, only a megabyte is left."""
    folder = Path(rig.docker("info", "--format", "{{.DockerRootDir}}").strip()) / "tmp"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_disk_of_the_host_that_is_full(rig: Rig, tmp_path: Path) -> None:
    """The image does not come, and nothing was stopped for it."""
    quicken(rig)
    registry = Registry()
    try:
        with driven(tmp_path / "first", profile(rig)) as program:
            assert program.switch(SCOUT).end is OperationEnd.DONE
        shipped = json.loads(Path("models.json").read_text(encoding="utf-8"))
        shipped["servers"]["vllm"]["image"] = registry.reference
        (tmp_path / "models.json").write_text(json.dumps(shipped), encoding="utf-8")
        with full_disk(rig), driven(tmp_path, profile(rig)) as program:
            refused = program.switch(CODER, "vllm")
            assert refused.end is OperationEnd.REFUSED and refused.failure is not None
            assert refused.failure.code == "disk-full"
        assert rig.model_ids(30000) == [SCOUT]
    finally:
        registry.close()
        rig.try_docker("rmi", "-f", registry.reference)
