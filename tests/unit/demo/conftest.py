"""A quick demo Spark for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sparktray.demo import spark as module
from sparktray.demo.folder import PassingFolder
from sparktray.demo.spark import Spark
from sparktray.wiring import Program, open_program


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Spark:
    """What the program's own demo is during a test: ten times as quick."""
    made = Spark(pace=10)
    monkeypatch.setattr(module, "_spark", made)
    return made


@pytest.fixture
def program() -> Iterator[Program]:
    """A program on a folder that passes."""
    with PassingFolder() as made:
        yield open_program(made.folder.path)
