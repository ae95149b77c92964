"""The stage of the fault tests: a laptop's network and desktop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop
from tests.rig.faults.laptop import Laptop, laptop
from tests.rig.faults.scene import Stage
from tests.rig.namespace import put_in_front
from tests.rig.rig import Rig


@pytest.fixture(scope="session")
def cable() -> Iterator[Laptop]:
    with laptop() as made:
        yield made


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


@pytest.fixture(scope="session")
def hosts_file() -> Path:
    """The names that this machine knows, in front of its own /etc/hosts."""
    return put_in_front(Path("/etc/hosts"), "127.0.0.1 localhost\n")


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """What libfaketime reads its step of the wall clock from."""
    path = tmp_path / "clock"
    path.write_text("+0d\n", encoding="ascii")
    return path


@pytest.fixture
def stage(
    rig: Rig, cable: Laptop, desktop: Desktop, tmp_path: Path, record_property: pytest.FixtureRequest
) -> Iterator[Stage]:
    yield Stage(rig, cable, desktop, tmp_path, record_property)  # type: ignore[arg-type]
    cable.heal()
    cable.plug_in()
