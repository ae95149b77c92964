"""Each command is killed at each of its points: nothing is lost, it can be finished, and it can be undone."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.open_webui.program import done, killed, run
from tests.unit.open_webui.volume import Content, Volume, content, holding

WORD = "SECRETWORD"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A small volume and its finished archive, to be copied for each point."""
    volume = Volume(tmp_path / "first/data")
    ada = volume.person("ada")
    volume.chat(ada, WORD, files=(volume.file(ada, WORD),), folder=volume.folder(ada), tags=("t",))
    volume.feedback(None, ada, WORD)
    volume.insert("memory", id="m", content="kept")
    speech = volume.data / "cache/audio/speech" / ("a" * 64 + ".json")
    speech.write_text(WORD)
    (volume.data / "vector_db").mkdir()
    (volume.data / "vector_db/store").write_text("vectors")
    (tmp_path / "first/archive").mkdir()
    done("archive", data=volume.data, archive=tmp_path / "first/archive", operation="op")
    return tmp_path / "first"


def points(place: Path, command: str, **options: object) -> Iterator[Path]:
    """A fresh copy for each point, in which the command was killed there; they end when it was not killed."""
    for point in range(1, 1000):
        copy = place.with_name(f"copy{point}")
        shutil.copytree(place, copy, symlinks=True)
        where = {"data": copy / "data", "archive": copy / "archive"}
        if not killed(point, command, **{**where, **options}):
            assert point > 8, "hardly any point to be killed at"
            return
        yield copy
        shutil.rmtree(copy)


def rows(found: Content) -> Content:
    """Without the files, and without what a wipe notes for its next run."""
    return {table: each for table, each in found.items() if table not in ("files", "sparktray_pending")}


def same(copy: Path) -> dict[str, object]:
    """The folders of a copy, as options."""
    return {"data": copy / "data", "archive": copy / "archive"}


def test_archive(place: Path) -> None:
    before = content(place / "data")
    wanted = content(place / "archive/data")
    shutil.rmtree(place / "archive")
    (place / "archive").mkdir()
    for copy in points(place, "archive", operation="op"):
        assert content(copy / "data") == before
        assert run("verify", archive=copy / "archive").problem in ("archive-incomplete", None)
        done("archive", **same(copy), operation="op")
        done("verify", archive=copy / "archive")
        assert content(copy / "archive/data") == wanted


def test_wipe_of_chats(place: Path) -> None:
    before = content(place / "data")
    whole = place.with_name("whole")
    shutil.copytree(place, whole)
    done("wipe", **same(whole), operation="op")
    after = content(whole / "data")
    halves = 0
    for copy in points(place, "wipe", operation="op"):
        undone = copy.with_name("undone")
        shutil.copytree(copy, undone)
        found = content(copy / "data")
        assert rows(found) in (rows(before), rows(after))
        halves += rows(found) == rows(after) and found["files"] != after["files"]
        done("wipe", **same(copy), operation="op")
        assert content(copy / "data") == after
        assert holding(copy / "data", WORD) == []
        done("restore", **same(undone))
        assert content(undone / "data") == before
        shutil.rmtree(undone)
    assert halves > 1, "the files were never half removed"


def test_restore_of_chats(place: Path) -> None:
    before = content(place / "data")
    done("wipe", **same(place), operation="op")
    wiped = content(place / "data")
    for copy in points(place, "restore"):
        found = content(copy / "data")
        assert rows(found) in (rows(before), rows(wiped))
        assert found["files"].items() >= wiped["files"].items()
        done("restore", **same(copy))
        assert content(copy / "data") == before


def test_wipe_of_everything(place: Path) -> None:
    before = content(place / "data")
    for copy in points(place, "wipe", operation="op", scope="everything"):
        undone = copy.with_name("undone")
        shutil.copytree(copy, undone)
        if (copy / "data/webui.db").exists():
            assert content(copy / "data") == before
        done("wipe", **same(copy), operation="op", scope="everything")
        assert [path.name for path in (copy / "data").rglob("*")] == ["cache", "embedding", "model.bin"]
        done("restore", **same(undone), scope="everything")
        assert content(undone / "data") == before
        shutil.rmtree(undone)


def test_restore_of_everything(place: Path) -> None:
    before = content(place / "data")
    done("wipe", **same(place), operation="op")
    with closing(sqlite3.connect(place / "data/webui.db")) as connection, connection:
        connection.execute("INSERT INTO memory (id, content) VALUES ('later', 'later')")
    (place / "data/vector_db/later").write_text("x")
    (place / "data/uploads/later").write_text("x")
    there = content(place / "data")
    for copy in points(place, "restore", scope="everything"):
        found = content(copy / "data")
        assert rows(found) in (rows(before), rows(there))
        done("restore", **same(copy), scope="everything")
        assert content(copy / "data") == before
