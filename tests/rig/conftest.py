"""The rig's fixtures: one rig a run, a clean host for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rig.rig import Rig


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """The host made of real parts. Needs `tests/rig/enter`."""
    made = Rig()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def clean_host(rig: Rig) -> None:
    """No containers, volumes or behaviours of an earlier test."""
    rig.clean()
