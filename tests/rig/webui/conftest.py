"""Open WebUI for tests: the image once, two people with all they have once, a copy of them for every test."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.rig import Rig
from tests.rig.webui import image, old_schemas, people
from tests.rig.webui.container import Container

_TIMES: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long the parts took that every test pays for."""
    if _TIMES:
        terminalreporter.write_line("Open WebUI: " + ", ".join(_TIMES))


@pytest.fixture(scope="session")
def webui_rig(rig: Rig) -> Rig:
    """The rig, with Open WebUI's image."""
    began = time.monotonic()
    image.ensure(rig.engine)
    _TIMES.append(f"image {time.monotonic() - began:.0f} s")
    return rig


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for copies of volumes.

    Not pytest's: that one is searched for passwords at the end, and Chroma writes memory as it finds it.
    """
    with tempfile.TemporaryDirectory(prefix="sparktray-webui-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def furnished(webui_rig: Rig, scratch: Path) -> people.Furnished:
    """Two people who moved in."""
    webui_rig.clean()  # whatever an earlier test of this run made
    container = Container(webui_rig)
    people.start_backends(webui_rig)
    container.run()
    began = time.monotonic()
    home = people.move_in(container)
    _TIMES.append(f"first start {container.starts[0]:.0f} s, moving in {time.monotonic() - began:.0f} s")
    container.stop()
    shutil.copytree(container.folder, scratch / "furnished", symlinks=True)
    return people.Furnished(home, scratch / "furnished")


@pytest.fixture
def home(furnished: people.Furnished) -> people.Household:
    """What the two have, by ID."""
    return furnished.home


@pytest.fixture
def container(webui_rig: Rig) -> Iterator[Container]:
    """Open WebUI, not yet made, on a host without its volume."""
    made = Container(webui_rig)
    yield made
    if made.starts:
        _TIMES.append("starts " + " and ".join(f"{seconds:.0f} s" for seconds in made.starts))


@pytest.fixture
def webui(container: Container, furnished: people.Furnished) -> Container:
    """Open WebUI with the two people in it, running."""
    people.start_backends(container.rig)
    container.fill(furnished.folder)
    container.run()
    return container


@pytest.fixture(scope="session")
def old_volumes(webui_rig: Rig, scratch: Path) -> dict[old_schemas.OldVersion, Path]:
    """The data folders of older versions."""
    began = time.monotonic()
    (scratch / "old").mkdir()
    made = old_schemas.make_all(webui_rig.engine, scratch / "old")
    _TIMES.append(f"older schemas {time.monotonic() - began:.0f} s")
    return made
