"""What can be wrong with an Open WebUI: each is refused by name, and nothing of it is touched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.rig.driving import Program
from tests.rig.rig import Rig
from tests.rig.webui.container import NAME, PUBLISHED, VOLUME, Container
from tests.rig.webui.image import FOLDER, IMAGE, PORT
from tests.rig.webui.people import Furnished

WIPE = ("webui", "wipe", "--all-chats", "--yes")


@pytest.fixture
def program(webui_rig: Rig, tmp_path: Path) -> Program:
    made = Program(tmp_path / "config")
    made.add(webui_rig)
    return made


def create(rig: Rig, *options: str, name: str = NAME, volume: str = VOLUME, image: str = IMAGE) -> None:
    """A stopped container like Open WebUI's."""
    words = ["-p", f"{PUBLISHED}:{PORT}", "-v", f"{volume}:{FOLDER}", "--name", name]
    rig.docker("create", *words, *options, image)


def code_of(program: Program, *words: str) -> str:
    ended = program.run("--json", *words)
    assert ended.returncode != 0, ended.stdout
    told = json.loads(ended.stdout or ended.stderr.splitlines()[-1])
    failure: dict[str, Any] = told.get("error") or told["operation"]["failure"]
    assert failure["remedy"], failure
    return str(failure["code"])


def entry(program: Program, **changes: Any) -> None:
    """The catalogue with Open WebUI's entry changed."""
    shipped = json.loads(Path("models.json").read_text(encoding="utf-8"))
    shipped["open_webui"] = {**shipped.get("open_webui", {}), **changes}
    (program.config / "models.json").write_text(json.dumps(shipped), encoding="utf-8")


def test_nothing_there(program: Program, webui_rig: Rig) -> None:
    before = webui_rig.docker("volume", "ls", "-q")
    assert code_of(program, *WIPE) == "webui-volume-missing"
    assert webui_rig.docker("volume", "ls", "-q") == before, "Docker would make one in silence"


def test_a_volume_without_its_container(program: Program, container: Container, furnished: Furnished) -> None:
    """Chats are deleted where they are used; the page's own way, everything, is left."""
    container.fill(furnished.folder)
    assert code_of(program, *WIPE) == "webui-missing"


def test_another_container_of_that_name(program: Program, webui_rig: Rig) -> None:
    webui_rig.docker("create", "--name", NAME, "-v", f"{VOLUME}:/x", "lmsysorg/sglang:spark", "true")
    assert code_of(program, *WIPE) == "webui-other"


def test_a_volume_that_is_mistyped(program: Program, container: Container, furnished: Furnished) -> None:
    container.fill(furnished.folder)
    create(container.rig)
    entry(program, volume="open-webiu")
    assert code_of(program, *WIPE) == "webui-volume-other"
    assert "open-webiu" not in container.rig.docker("volume", "ls", "-q").split()


def test_a_folder_of_the_host_instead_of_a_volume(program: Program, webui_rig: Rig, tmp_path: Path) -> None:
    webui_rig.docker("volume", "create", VOLUME)
    create(webui_rig, volume=str(tmp_path))
    assert code_of(program, *WIPE) == "webui-no-volume"


def test_an_external_database(program: Program, container: Container, furnished: Furnished) -> None:
    container.fill(furnished.folder)
    create(container.rig, "-e", "DATABASE_URL=postgresql://me:secret@db/webui")
    before = container.rows()
    assert code_of(program, *WIPE) == "webui-external"
    assert container.rows() == before


def test_a_database_that_is_damaged(program: Program, container: Container, furnished: Furnished) -> None:
    container.fill(furnished.folder)
    for log in container.folder.glob("webui.db-*"):
        log.unlink()
    database = container.folder / "webui.db"
    spoilt = bytearray(database.read_bytes())
    spoilt[4096 : 4096 + 60_000] = b"\xff" * 60_000
    database.write_bytes(spoilt)
    create(container.rig)
    assert code_of(program, *WIPE) == "webui-corrupt"
    assert database.read_bytes() == bytes(spoilt)
    assert container.rig.state(NAME) == "created"
    # The remedy that it names is one.
    assert (
        program.json("webui", "wipe", "--everything", "--no-archive", "--yes")["operation"]["end"] == "done"
    )
    assert not database.exists() and not list((container.folder / "uploads").glob("*"))


def test_no_database_at_all(program: Program, container: Container) -> None:
    container.rig.docker("volume", "create", VOLUME)
    create(container.rig)
    assert code_of(program, *WIPE) == "webui-no-database"


@pytest.mark.fault("W4")
def test_no_room_for_the_copy(
    program: Program,
    container: Container,
    furnished: Furnished,
    record_property: Callable[[str, object], None],
) -> None:
    """A volume that claims more than the disk has left: an upload of many holes."""
    container.fill(furnished.folder)
    hole = container.folder / "uploads" / "large.bin"
    with hole.open("wb") as file:
        file.truncate(4 << 40)
    create(container.rig)
    with closing(sqlite3.connect(f"file:{container.folder / 'webui.db'}?mode=ro", uri=True)) as connection:
        before = connection.execute("SELECT count(*) FROM chat").fetchone()
    assert code_of(program, "webui", "wipe", "--everything", "--yes") == "disk-short"
    with closing(sqlite3.connect(f"file:{container.folder / 'webui.db'}?mode=ro", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM chat").fetchone() == before
    record_property("lost", "none")
