"""The rig's fixtures: one rig a run, a clean host for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rig.lookout import Lookout, files_with_secrets
from tests.rig.namespace import RUN
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


@pytest.fixture(autouse=True, scope="session")
def nothing_tells_a_secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No password of any test is ever in a command line, an environment, or a file that a program wrote."""
    lookout = Lookout()
    yield
    lookout.close()
    assert lookout.seen == set()
    assert files_with_secrets(tmp_path_factory.getbasetemp(), RUN) == []
