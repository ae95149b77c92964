"""A real sshd, dockerd and the stand-ins do what the demo does: see tests/unit/demo/test_contract.py."""

from __future__ import annotations

import pytest

from tests.contract import docker, serving
from tests.contract.docker import Check
from tests.rig.remote_hosts import open_road
from tests.rig.rig import Rig


@pytest.mark.parametrize("check", [*docker.CHECKS, *serving.CHECKS], ids=lambda check: check.__name__)
def test_contract(rig: Rig, check: Check) -> None:
    remote = open_road(rig, "ssh")
    try:
        check(remote)
    finally:
        remote.close()
