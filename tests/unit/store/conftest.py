"""What several tests of the store need."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """That of a config folder of its own."""
    return Journal(ConfigFolder(tmp_path))
