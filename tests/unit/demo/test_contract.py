"""The demo does what the rig's real host does: see tests/rig/test_contract.py."""

from __future__ import annotations

import pytest

from sparktray.demo.link import open_demo
from sparktray.demo.spark import Spark
from tests.contract import docker, serving
from tests.contract.docker import Check


@pytest.mark.parametrize("check", [*docker.CHECKS, *serving.CHECKS], ids=lambda check: check.__name__)
def test_contract(check: Check) -> None:
    remote = open_demo(Spark(pace=10))
    try:
        check(remote)
    finally:
        remote.close()
