"""A config folder of its own, and doors in it that are closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sparktray.control.door.listening import Answer, Door
from tests.unit.control.door_process import live
from tests.unit.control.visitors import Opener, threads


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "config"
    monkeypatch.setenv("SPARKTRAY_CONFIG_DIR", str(made))
    return made


@pytest.fixture
def opened(folder: Path) -> Iterator[Opener]:
    """Opens doors, and at the end sees that none of their threads is left."""
    with ExitStack() as stack:

        def open_one(answer: Answer) -> Door:
            door = Door(live(folder), answer)
            door.open()
            stack.callback(door.close)
            return door

        yield open_one
    assert threads() == []
