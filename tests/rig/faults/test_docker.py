"""Docker on the host hangs, crashes, restarts, refuses, has no room: row by row of the fault matrix."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.rig import images
from tests.rig.driving import quicken
from tests.rig.engine import SOCKET, Engine
from tests.rig.faults.laptop import SPARK
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


@contextlib.contextmanager
def small_disk(rig: Rig, folder: Path) -> Iterator[Path]:
    """The host's Docker has its data on a disk of 2 GB of its own: a file, as ext4, by a loop device."""
    disk, mounted = folder / "disk", folder / "mounted"
    with disk.open("wb") as file:
        file.truncate(2 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", disk], check=True)
    mounted.mkdir()
    subprocess.run(["mount", "-o", "loop", disk, mounted], check=True)
    usual, small = rig.engine, Engine("small", mounted / "docker")
    usual.halt()
    try:
        small.start()
        rig.engine = small
        images.ensure(small)
        yield mounted
    finally:
        small.stop()
        rig.engine = usual
        usual.start()
        subprocess.run(["umount", mounted], check=True)


def fill(folder: Path) -> Path:
    """Leave not a byte free there; the file that does it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(1 << 20)):
            pass
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x"):
            pass
    return filler


@pytest.mark.fault("D5")
def test_a_disk_that_is_full(stage: Stage, tmp_path: Path) -> None:
    """The switch is refused before the old model is stopped."""
    rig = stage.rig
    with small_disk(rig, tmp_path) as mounted:
        quicken(rig)
        rig.start_sglang(SCOUT, rm=False)
        rig.wait_http(30000, "/v1/models")
        with stage.scene() as scene:
            before = rig.inspect("sglang")
            filler = fill(mounted)
            scene.item.click(CODER)
            told = scene.told_of()
            assert "nothing was changed" in told and "disk" in told, told
            now = rig.inspect("sglang")
            assert before is not None and now is not None and now["Id"] == before["Id"]
            assert now["State"]["Running"] and rig.model_ids(30000) == [SCOUT]
            filler.unlink()
            scene.well_again(notifications=1)
            scene.item.click(CODER)
            scene.well_again(notifications=2, begins=f"{CODER} is ready")


@pytest.mark.fault("D23")
def test_the_host_goes_down_in_mid_switch(stage: Stage) -> None:
    """sshd and dockerd are killed, which ends what a reboot ends, and started 10 s later."""
    rig = stage.rig
    quicken(rig)
    rig.start_sglang(SCOUT, rm=False)
    rig.wait_http(30000, "/v1/models")
    server = stage.sshd()
    with stage.scene(server) as scene:
        before = rig.inspect("sglang")
        rig.behave(CODER, fail="never")
        scene.item.click(CODER)
        scene.shows(f"Switching to {CODER}: Load", 40.0)
        port = server.port
        server.stop()
        rig.engine.kill()
        scene.shows("spark is on, but nothing answers on its SSH port")
        passes(10.0)
        rig.behave(CODER, fail=None)
        rig.engine.start()
        scene.server = rig.sshd(address=SPARK, port=port)
        told = scene.told_of(seconds=90.0)
        assert "failed. What ran before runs again" in told, told
        scene.well_again(notifications=1)
        now = rig.inspect("sglang")
        assert before is not None and now is not None and now["Id"] == before["Id"]
        assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None
        assert scene.program.json("status")["interrupted"] is None
