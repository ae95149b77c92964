"""`wipe` of everything: an empty volume, but for the models."""

from __future__ import annotations

import os
import types
from pathlib import Path
from typing import Any

import pytest

from tests.unit.open_webui.program import done, run, sent
from tests.unit.open_webui.volume import VERSIONS, content, states
from tests.unit.open_webui.world import World, world


@pytest.fixture
def made(tmp_path: Path) -> World:
    made = world(tmp_path)
    made.archived()
    return made


@pytest.mark.parametrize("version", VERSIONS)
def test_only_the_models_stay(tmp_path: Path, version: str) -> None:
    made = world(tmp_path, version)
    made.volume.crash()
    made.archived()
    told = sent("wipe", data=made.data, archive=made.archive, operation="op", scope="everything")
    assert told.code == 0, told.result
    left = {path.relative_to(made.data).as_posix() for path in made.data.rglob("*")}
    assert left == {"cache", "cache/embedding", "cache/embedding/model.bin"}
    assert told.result["left"] == {"models_bytes": len(b"downloaded")}
    assert told.result["removed"]["chat"] >= 4 and told.result["removed"]["user"] == 2
    assert told.result["bytes"]["after"] == len(b"downloaded") < told.result["bytes"]["before"]


def test_links_go_and_what_they_lead_to_stays(made: World, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (made.data / "linked").symlink_to(outside)
    (made.data / "cache/embedding/snapshot").symlink_to("model.bin")
    os.mkfifo(made.data / "pipe")
    done("wipe", data=made.data, archive=False, scope="everything")
    assert (outside / "precious").read_text() == "mine"
    assert {path.name for path in made.data.rglob("*")} == {"cache", "embedding", "model.bin", "snapshot"}


def test_a_cache_that_lies_elsewhere_stays_there(made: World, tmp_path: Path) -> None:
    (made.data / "cache").rename(tmp_path / "elsewhere")
    (made.data / "cache").symlink_to(tmp_path / "elsewhere")
    done("wipe", data=made.data, archive=False, scope="everything")
    assert [path.name for path in made.data.iterdir()] == ["cache"]
    assert (tmp_path / "elsewhere/embedding/model.bin").exists()


def test_a_volume_without_models_is_empty(made: World) -> None:
    (made.data / "cache/embedding/model.bin").unlink()
    (made.data / "cache/embedding").rmdir()
    done("wipe", data=made.data, archive=False, scope="everything")
    assert os.listdir(made.data) == []


def test_again_there_is_nothing_to_do(made: World) -> None:
    made.wiped(scope="everything")
    told = made.wiped(scope="everything")
    assert told["removed"] == {} and told["files"] == {"count": 0, "bytes": 0}


def test_a_damaged_database_goes_only_without_a_copy(made: World) -> None:
    made.volume.database.write_bytes(b"no database at all, but quite long" * 100)
    assert run("wipe", data=made.data, archive=made.archive, operation="op", scope="everything").problem == (
        "database-corrupt"
    )
    assert len(os.listdir(made.data)) > 3
    done("wipe", data=made.data, archive=False, scope="everything")
    assert os.listdir(made.data) == ["cache"]


def test_a_name_that_is_no_text(made: World) -> None:
    (made.data / os.fsdecode(b"\xff\n")).mkdir()
    (made.data / os.fsdecode(b"\xff\n") / "x").write_text("x")
    done("wipe", data=made.data, archive=False, scope="everything")
    assert os.listdir(made.data) == ["cache"]


def test_deep_folders(made: World) -> None:
    path = made.data
    for _ in range(1010):
        path = path / "d"
        path.mkdir()
    done("wipe", data=made.data, archive=False, scope="everything")
    assert os.listdir(made.data) == ["cache"]


@pytest.mark.parametrize("what", ["account", "setting", "upload", "new file", "removed row"])
def test_what_came_after_the_copy_is_not_lost(made: World, what: str) -> None:
    match what:
        case "account":
            made.volume.person("carl")
        case "setting":
            made.volume.rows("UPDATE config SET value = 2")
        case "upload":
            (path,) = (made.data / "uploads").glob(f"{made.files['alone']}_*")
            path.write_text("other")
        case "new file":
            (made.data / "new").write_text("x")
        case _:
            made.volume.rows("DELETE FROM memory")
    before = content(made.data)
    told = run("wipe", data=made.data, archive=made.archive, operation="op", scope="everything")
    if what == "removed row":
        assert told.code == 0  # all that is there is in the copy
    else:
        assert told.problem == "no-archive"
        assert content(made.data) == before


def test_without_an_archive_nothing_goes(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.volume.rows("SELECT 1")
    before = states(made.data)
    assert (
        run("wipe", data=made.data, archive=made.archive, operation="op", scope="everything").problem
        == "no-archive"
    )
    assert states(made.data) == before


def test_a_file_that_cannot_be_removed(made: World) -> None:
    def busy(module: types.ModuleType) -> None:
        removed = module.removed_entry

        def refusing(root: Path, entry: Any) -> object:
            if entry.path == "audit.log":
                raise OSError(16, "Device or resource busy", entry.path)
            return removed(root, entry)

        module.__dict__["removed_entry"] = refusing

    told = run("wipe", change=busy, data=made.data, archive=made.archive, operation="op", scope="everything")
    assert told.problem == "unreadable" and "audit.log" in told.detail
    assert not (made.data / "webui.db").exists()
    made.wiped(scope="everything")
    assert os.listdir(made.data) == ["cache"]
