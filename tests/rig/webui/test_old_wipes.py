"""The whole command on volumes as older versions left them: the schema is read, never supposed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.driving import Program
from tests.rig.webui import contents
from tests.rig.webui.container import NAME, PUBLISHED, VOLUME, Container
from tests.rig.webui.image import FOLDER, IMAGE, PORT
from tests.rig.webui.old_schemas import VERSIONS, OldVersion
from tests.rig.webui.people import PEOPLE, word

# Files that only chats have go with them, where a table tells of which chat they are.
KEPT = ("user", "auth", "prompt", "memory", "document", "knowledge", "note")


def as_left(container: Container, folder: Path) -> None:
    """A stopped Open WebUI with that volume: nothing of today's program has touched it."""
    container.fill(folder)
    publish = f"{PUBLISHED}:{PORT}"
    container.rig.docker("create", "-p", publish, "-v", f"{VOLUME}:{FOLDER}", "--name", NAME, IMAGE)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_chats_go_and_come_back(
    container: Container, old_volumes: dict[OldVersion, Path], tmp_path: Path, version: OldVersion
) -> None:
    as_left(container, old_volumes[version])
    program = Program(tmp_path / "config")
    program.add(container.rig)
    before = container.rows()
    done = program.json("webui", "wipe", "--all-chats", "--yes")["operation"]
    assert done["end"] == "done", done
    assert container.rig.state(NAME) == "created", "it did not run before either"
    wiped = container.rows()
    assert not wiped["chat"]
    for table in KEPT:
        assert wiped.get(table) == before.get(table), table
    for person in PEOPLE:
        assert contents.files_with(container.folder, word("plain", person)) == []
    restored = program.json("webui", "restore")["operation"]
    assert restored["end"] == "done", restored
    assert contents.differences(before, container.rows()) == {}
