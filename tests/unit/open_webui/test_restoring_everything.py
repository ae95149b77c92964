"""`restore` of everything: the volume is what it was, whatever is there now."""

from __future__ import annotations

import os
import shutil
import types
from pathlib import Path

import pytest

from tests.unit.open_webui.program import done, run, sent
from tests.unit.open_webui.volume import VERSIONS, Volume, content
from tests.unit.open_webui.world import World, world


@pytest.fixture
def made(tmp_path: Path) -> World:
    made = world(tmp_path)
    vectors = made.data / "vector_db" / "11111111-1111-1111-1111-111111111111"
    vectors.mkdir(parents=True)
    (vectors / "data_level0.bin").write_bytes(b"vectors")
    (made.data / "uploads" / "link").symlink_to("somewhere")
    made.archived()
    return made


@pytest.mark.parametrize("version", VERSIONS)
def test_after_everything_was_wiped(tmp_path: Path, version: str) -> None:
    made = world(tmp_path, version)
    made.archived()
    before = content(made.data)
    made.wiped(scope="everything")
    told = sent("restore", data=made.data, archive=made.archive, scope="everything")
    assert told.code == 0, told.result
    assert content(made.data) == before
    assert told.result["restored"] == {table: len(rows) for table, rows in before.items() if table != "files"}
    assert told.result["schema"] == {"archive": VERSIONS[version], "known_here": None}
    again = made.restored(scope="everything")
    assert again["files"] == {"count": 0, "bytes": 0, "removed": 0} or version
    assert content(made.data) == before


def test_over_what_is_there(made: World) -> None:
    before = content(made.data)
    folders = {path: path.stat().st_mtime_ns for path in made.data.rglob("*") if path.is_dir()}
    made.volume.chat("ada", "not in the archive")
    made.volume.crash()
    (made.data / "uploads" / "new").write_text("x")
    (made.data / "new folder").mkdir()
    (made.data / "new folder" / "x").write_text("x")
    (made.data / "audit.log").write_text("changed")
    shutil.rmtree(made.data / "vector_db")
    (made.data / "vector_db").mkdir()
    (made.data / "vector_db" / "other").write_text("x")
    (made.data / "uploads" / "link").unlink()
    (made.data / "uploads" / "link").mkdir()
    told = made.restored(scope="everything")
    assert content(made.data) == before
    assert told["files"]["removed"] >= 2  # type: ignore[index]
    models = made.data / "cache/embedding"
    assert {path: path.stat().st_mtime_ns for path in folders if path not in (models,)} == {
        path: time for path, time in folders.items() if path not in (models,)
    }


def test_the_models_of_now_stay(made: World) -> None:
    (made.data / "cache/embedding/model.bin").write_bytes(b"newer")
    (made.data / "cache/whisper").mkdir()
    (made.data / "cache/whisper/large.bin").write_bytes(b"large")
    made.restored(scope="everything")
    assert (made.data / "cache/embedding/model.bin").read_bytes() == b"newer"
    assert (made.data / "cache/whisper/large.bin").read_bytes() == b"large"


def test_a_write_ahead_log_of_the_old_database_is_not_played_into_the_new_one(made: World) -> None:
    before = content(made.data)
    made.volume.database.unlink()
    Volume(made.data / "scratch")
    (made.data / "scratch/webui.db").rename(made.volume.database)
    made.volume.crash()
    assert (made.data / "webui.db-wal").stat().st_size > 0
    made.restored(scope="everything")
    assert content(made.data) == before


@pytest.mark.parametrize("there", ["damaged", "folder", "link"])
def test_over_something_that_is_no_database(made: World, there: str, tmp_path: Path) -> None:
    before = content(made.data)
    made.volume.database.unlink()
    (tmp_path / "outside").write_text("precious")
    match there:
        case "damaged":
            made.volume.database.write_bytes(b"no database" * 1000)
            (made.data / "webui.db-wal").write_bytes(b"no wal" * 1000)
        case "folder":
            made.volume.database.mkdir()
        case _:
            made.volume.database.symlink_to(tmp_path / "outside")
    made.restored(scope="everything")
    assert content(made.data) == before
    assert (tmp_path / "outside").read_text() == "precious"


def test_a_link_in_place_of_a_folder_gives_way(made: World, tmp_path: Path) -> None:
    before = content(made.data)
    (made.data / "uploads").rename(tmp_path / "outside")
    (made.data / "uploads").symlink_to(tmp_path / "outside")
    there = sorted(os.listdir(tmp_path / "outside"))
    made.restored(scope="everything")
    assert content(made.data) == before
    assert sorted(os.listdir(tmp_path / "outside")) == there


def test_a_short_disk(made: World) -> None:
    made.wiped(scope="everything")
    before = content(made.data)

    def small(module: types.ModuleType) -> None:
        module.__dict__["free_bytes"] = lambda folder: 64 << 20

    told = run("restore", change=small, data=made.data, archive=made.archive, scope="everything")
    assert told.problem == "no-space" and content(made.data) == before


class TestVersions:
    """An older Open WebUI does not start on a newer database."""

    def images(self, folder: Path, *names: str) -> Path:
        folder.mkdir()
        for name in names:
            (folder / name).write_text("revision = 'abc'\n")
        return folder

    def test_the_image_knows_it(self, made: World, tmp_path: Path) -> None:
        here = self.images(tmp_path / "versions", "0bd252b206fb_add_missing_auth_rows.py")
        told = made.restored(scope="everything", migrations=here)
        assert told["schema"] == {"archive": "0bd252b206fb", "known_here": True}

    def test_the_image_is_older(self, made: World, tmp_path: Path) -> None:
        here = self.images(tmp_path / "versions", "7e5b5dc7342b_init.py")
        before = content(made.data)
        told = run("restore", data=made.data, archive=made.archive, scope="everything", migrations=here)
        assert told.problem == "newer-archive" and content(made.data) == before

    def test_the_image_does_not_tell(self, made: World, tmp_path: Path) -> None:
        told = made.restored(scope="everything", migrations=self.images(tmp_path / "versions"))
        assert told["schema"] == {"archive": "0bd252b206fb", "known_here": None}

    def test_the_archive_does_not_tell(self, tmp_path: Path) -> None:
        made = world(tmp_path)
        made.volume.rows("DELETE FROM alembic_version")
        made.archived()
        here = self.images(tmp_path / "versions", "7e5b5dc7342b_init.py")
        told = done("restore", data=made.data, archive=made.archive, scope="everything", migrations=here)
        assert told["schema"] == {"archive": None, "known_here": None}
