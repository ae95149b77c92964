"""Docker on the host hangs, crashes, restarts, refuses, has no room: row by row of the fault matrix."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from tests.rig.driving import quicken
from tests.rig.engine import SOCKET
from tests.rig.faults.scene import READY, SCOUT, Stage, passes
from tests.rig.rig import Rig
from tests.waiting import scaled, wait_until

QWEN, CODER = "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"
SILENT = "Docker on spark does not answer."


@pytest.fixture(autouse=True)
def docker_runs(rig: Rig) -> Iterator[None]:
    """Whatever a test did to dockerd, the next one finds it running."""
    yield
    rig.engine.revive()


@pytest.mark.fault("D1")
def test_a_docker_that_hangs(stage: Stage) -> None:
    """It takes connections and never answers: said in 10 s, and the model that serves is still named."""
    with stage.scene() as scene:
        stage.rig.engine.freeze()
        assert scene.shows(SILENT) <= scaled(12.0)
        assert scene.item.row(SCOUT).checked and scene.item.find("Copy model ID")
        stage.rig.engine.thaw()
        scene.well_again()


@pytest.mark.fault("D2")
def test_a_docker_that_crashes(stage: Stage) -> None:
    """The model serves on and is still named; the new dockerd stops it, and then that is what is shown.

    The proxy that publishes its port on the host's loopback dies with dockerd: the container is asked itself.
    """
    rig = stage.rig
    with stage.scene() as scene:
        found = rig.inspect("sglang")
        assert found is not None
        address = found["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        rig.engine.kill()
        scene.shows(SILENT)
        with urlopen(f"http://{address}:30000/v1/models", timeout=10) as answer:
            assert SCOUT in answer.read().decode()
        assert scene.item.row(SCOUT).checked
        rig.engine.start()
        scene.well_again(begins="No model is running on spark.")
        assert rig.state("sglang") != "running"
        scene.item.click(SCOUT)
        scene.shows(READY)
        scene.calm(1)


@pytest.mark.fault("D3")
def test_two_models_come_up_with_docker(stage: Stage) -> None:
    """By their restart policies: the one that had been stopped before is named, and stays down when told."""
    rig = stage.rig
    quicken(rig)
    rig.start_sglang(QWEN, container="sglang-main", port=30001, rm=False, docker_args=("--restart", "always"))
    rig.wait_http(30001, "/health")
    rig.docker("stop", "sglang-main")
    passes(62.0)  # what was stopped within a minute of the other was not stopped for it
    rig.start_sglang(SCOUT, rm=False, docker_args=("--restart", "unless-stopped"))
    rig.wait_http(30000, "/health")
    with stage.scene() as scene:
        rig.engine.reboot()
        scene.shows("Docker started sglang-main by its restart policy", 40.0)
        wait_until(lambda: rig.http(30001, "/health"), "the other one", seconds=20)
        scene.program.ok("stop", "sglang-main", "--stay-down")
        scene.well_again()
        rig.engine.reboot()
        rig.wait_http(30000, "/health")
        scene.well_again()
        assert rig.state("sglang-main") == "exited"


@pytest.mark.fault("D4")
def test_a_socket_that_is_closed_to_this_user(stage: Stage) -> None:
    """What is open goes on; the next connection is refused, by name."""
    with stage.scene() as scene:
        SOCKET.chmod(0o600)
        try:
            scene.server.drop_sessions()
            scene.shows("Docker on spark refuses the user sparkuser.")
        finally:
            SOCKET.chmod(0o660)
        scene.well_again()
