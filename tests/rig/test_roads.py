"""The main job over every road sshd may leave open."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparktray.domain.operation import OperationEnd
from sparktray.domain.snapshot import Phase
from tests.rig import namespace
from tests.rig.driving import driven, profile, quicken
from tests.rig.rig import Rig
from tests.rig.sshd import default_path

SCOUT, CODER = "llama4-scout-17b-nvfp4", "qwen3-coder-30b-nvfp4"


@pytest.mark.parametrize(
    "options",
    [
        {"AllowStreamLocalForwarding": "no"},
        {"MaxSessions": "2"},
        {"MaxSessions": "1"},
    ],
    ids=["no-streamlocal", "two-sessions", "one-session"],
)
@pytest.mark.fault("S6")
def test_switch_over_a_narrow_road(rig: Rig, tmp_path: Path, options: dict[str, str]) -> None:
    """Docker over dial-stdio, or few session channels: slower, but the same job."""
    quicken(rig)
    narrow = rig.sshd(options)
    with driven(tmp_path, profile(rig, narrow)) as program:
        assert program.switch(SCOUT).end is OperationEnd.DONE
        assert program.switch(CODER).end is OperationEnd.DONE
        assert rig.model_ids(30000) == [CODER]
        assert program.stop().end is OperationEnd.DONE


@pytest.mark.fault("S6")
def test_where_sshd_forbids_asking_nothing_is_claimed(rig: Rig, tmp_path: Path) -> None:
    """AllowTcpForwarding no: containers are read, but whether a server is ready stays unknown."""
    quicken(rig)
    rig.start_sglang()
    rig.wait_http(30000, "/health", 200)
    closed = rig.sshd({"AllowTcpForwarding": "no", "AllowStreamLocalForwarding": "yes"})
    with driven(tmp_path, profile(rig, closed)) as program:
        state = program.state("sglang")
        assert state.container is not None and state.container.running
        assert state.phase is Phase.UNKNOWN


def test_a_docker_that_prints_noise_before_its_output(rig: Rig, tmp_path: Path) -> None:
    """Somebody's own script named docker, that greets on both streams."""
    folder = namespace.RUN / "noisy-bin"
    folder.mkdir()
    script = folder / "docker"
    script.write_text('#!/bin/sh\necho "Welcome!"\necho "Mind the gap." >&2\nexec /usr/bin/docker "$@"\n')
    script.chmod(0o755)
    quicken(rig)
    noisy = {"AllowStreamLocalForwarding": "no", "SetEnv": f"PATH={folder}:{default_path()}"}
    with driven(tmp_path / "config", profile(rig, rig.sshd(noisy))) as driver:
        assert driver.switch(SCOUT).end is OperationEnd.DONE
        assert driver.stop("sglang").end is OperationEnd.DONE
