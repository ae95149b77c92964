"""What containers and other people do to a server, row by row of the fault matrix."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rig.driving import quicken
from tests.rig.faults.laptop import SPARK
from tests.rig.faults.scene import IDLE, READY, SCOUT, Scene, Stage, passes
from tests.rig.holding import Holding
from tests.rig.namespace import running
from tests.rig.rig import Rig
from tests.waiting import wait_until

QWEN, CODER = "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"
IMAGE = "lmsysorg/sglang:spark"


@pytest.fixture
def holding(rig: Rig) -> Iterator[Holding]:
    made = Holding(rig, SPARK)
    yield made
    made.let_go()


def same(rig: Rig, before: dict[str, Any] | None) -> None:
    """It is the very container that ran before, it answers, and nothing of ours is left."""
    now = rig.inspect("sglang")
    assert before is not None and now is not None and now["Id"] == before["Id"]
    assert now["State"]["Status"] == "running" and rig.model_ids(30000) == [SCOUT]
    assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None


def unchanged(scene: Scene, before: dict[str, Any] | None, *words: str) -> None:
    """One notification that says so, and what ran is shown as before."""
    told = scene.told_of()
    assert all(word in told for word in words), told
    scene.well_again(notifications=1)
    same(scene.rig, before)


@pytest.mark.fault("D6")
def test_an_image_that_is_not_there(stage: Stage) -> None:
    """And no registry can be reached: said before anything is stopped."""
    with stage.scene() as scene:
        before = stage.rig.inspect("sglang")
        stage.rig.docker("tag", IMAGE, "kept:for-later")
        stage.rig.docker("rmi", IMAGE)
        try:
            scene.item.click(CODER)
            unchanged(scene, before, "nothing was changed")
        finally:
            stage.rig.docker("tag", "kept:for-later", IMAGE)
            stage.rig.docker("rmi", "kept:for-later")


@pytest.mark.fault("D7")
def test_a_container_that_somebody_deletes(stage: Stage) -> None:
    """Nothing runs, and the entry starts it anew."""
    with stage.scene() as scene:
        stage.rig.docker("rm", "--force", "sglang")
        scene.shows(IDLE)
        assert not scene.item.row(SCOUT).checked and scene.item.find("Stop") is None
        scene.item.click(SCOUT)
        scene.well_again(notifications=1)


@pytest.mark.fault("D8")
def test_a_name_that_somebody_takes(stage: Stage, holding: Holding) -> None:
    """In the moment in which it is free: said, and what ran before runs again."""
    stage.rig.start_sglang(SCOUT, rm=False)
    stage.rig.wait_http(30000, "/v1/models")
    with stage.scene(holding.server) as scene:
        before = stage.rig.inspect("sglang")
        holding.at("docker run")
        scene.item.click(CODER)
        holding.reached()
        stage.rig.docker("create", "--name", "sglang", IMAGE, "true")
        holding.let_go()
        scene.shows(f"Switching to {CODER}: Wait until name, port and memory are free")
        theirs = stage.rig.inspect("sglang")
        assert theirs is not None and theirs["Config"]["Cmd"] == ["true"], "not ours to remove"
        stage.rig.docker("rm", "sglang")
        unchanged(scene, before, "failed. What ran before runs again")


@pytest.mark.fault("D9")
def test_a_port_that_somebody_holds(stage: Stage) -> None:
    """A program of the host that is no container: the port is named, and nothing was changed."""
    with stage.scene() as scene, running(["python3", "-m", "http.server", "30001"]):
        wait_until(lambda: stage.rig.http(30001, "/"), "the program", seconds=10)
        before = stage.rig.inspect("sglang")
        scene.item.click(QWEN)
        unchanged(scene, before, "30001", "nothing was changed")


@pytest.mark.fault("D10")
def test_an_engine_that_ignores_sigterm(stage: Stage) -> None:
    """The wait is shown, Docker's kill after 30 s is no crash."""
    quicken(stage.rig)
    stage.rig.behave(SCOUT, ignore_sigterm=True)
    stage.rig.start_sglang(SCOUT, rm=False)
    stage.rig.wait_http(30000, "/health")
    with stage.scene() as scene:
        scene.item.click("Stop ")
        scene.shows("Stopping sglang: ")
        scene.shows(IDLE, 50.0)
        found = stage.rig.inspect("sglang")
        assert found is not None and found["State"]["ExitCode"] == 137
        assert not [beat for beat in scene.pulse.beats if "failed" in beat.said]
        scene.calm(1)


@pytest.mark.fault("D11")
def test_memory_that_runs_out(stage: Stage) -> None:
    """Named as such where the kernel did it; an end by `docker kill`, with the same exit code, is none."""
    rig = stage.rig
    with stage.scene(serving=False) as scene:
        rig.behave(SCOUT, fail="oom-kill")
        rig.start_sglang(SCOUT, rm=False, docker_args=("--memory", "128m", "--memory-swap", "128m"))
        scene.shows("sglang failed: The host ran out of memory")
        rig.docker("rm", "--force", "sglang")
        rig.behave(SCOUT, fail=None)
        rig.start_sglang(SCOUT, rm=False)
        scene.well_again()
        rig.docker("kill", "sglang")
        scene.shows(IDLE)
        found = rig.inspect("sglang")
        assert found is not None and found["State"]["ExitCode"] == 137
        passes(3.0)
        assert scene.pulse.said == IDLE
        scene.calm()


@pytest.mark.fault("D12")
def test_a_container_that_docker_starts_again_and_again(stage: Stage) -> None:
    """One failure with its cause; what is shown does not flicker with each start."""
    rig = stage.rig
    with stage.scene(serving=False) as scene:
        rig.behave(SCOUT, fail="oom", fail_seconds=0.1)
        rig.start_sglang(SCOUT, rm=False, docker_args=("--restart", "always"))
        scene.shows("sglang failed: ", 40.0)
        shown = scene.pulse.said
        began = time.monotonic()
        passes(30.0)
        assert scene.pulse.since(began) == [shown]
        scene.calm()
        rig.behave(SCOUT, fail=None)
        scene.well_again(seconds=90.0)


@pytest.mark.fault("D24")
def test_somebody_stops_it(stage: Stage) -> None:
    """By `docker stop` in another session: a change like any other, no failure and no word at once."""
    stage.rig.start_sglang(SCOUT, rm=False)
    stage.rig.wait_http(30000, "/v1/models")
    with stage.scene() as scene:
        stage.rig.ssh("docker stop sglang")
        assert scene.shows(IDLE) < 5.0
        passes(10.0)
        assert scene.pulse.said == IDLE
        scene.calm()
        stage.rig.docker("start", "sglang")
        scene.well_again(begins=READY)
