"""`archive` and `verify`: a copy that is proven, or none."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import types
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.open_webui.program import NOW, done, run, sent
from tests.unit.open_webui.volume import VERSIONS, content, states
from tests.unit.open_webui.world import GOES, STAYS, World, world

UNFINISHED = '{"complete": false, "version": 1}'


@pytest.fixture
def made(tmp_path: Path) -> World:
    return world(tmp_path)


def manifest(made: World) -> dict[str, object]:
    found: dict[str, object] = json.loads((made.archive / "manifest.json").read_text())
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_copy_is_the_same_but_for_the_models(tmp_path: Path, version: str) -> None:
    made = world(tmp_path, version)
    before = content(made.data)
    told = sent("archive", data=made.data, archive=made.archive, scope="chats", operation="op",
                container="open-webui", volume="open-webui", user="ada")  # fmt: skip
    assert told.code == 0
    copy = content(made.archive / "data")
    assert before["files"].pop("cache/embedding/model.bin")
    assert copy == before
    assert (
        content(made.data)["files"].pop("cache/embedding/model.bin")
        and content(made.data)["chat"] == before["chat"]
    )
    told_by = manifest(made)
    assert {name: told_by[name] for name in ("version", "complete", "created_at", "operation", "container",
                                             "volume", "scope", "user", "schema")} == {
        "version": 1, "complete": True, "created_at": NOW, "operation": "op", "container": "open-webui",
        "volume": "open-webui", "scope": "chats", "user": "ada", "schema": VERSIONS[version],
    }  # fmt: skip
    assert told_by["counts"] == {table: len(rows) for table, rows in before.items() if table != "files"}
    assert not [name for name in os.listdir(made.archive / "data") if name.startswith("webui.db-")]


def test_the_source_is_not_touched(made: World) -> None:
    made.volume.crash()
    before = states(made.data)
    assert sent("archive", data=made.data, archive=made.archive, operation="op").code == 0
    assert states(made.data) == before
    with closing(sqlite3.connect(made.archive / "data/webui.db")) as copy:
        assert copy.execute("SELECT content FROM memory WHERE id = 'crash'").fetchone() == ("in the wal",)


def test_while_open_webui_writes(made: World) -> None:
    writing = (
        "import sqlite3, sys, time\n"
        "held = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for number in range(100000):\n"
        "    held.execute('INSERT INTO memory (id, content) VALUES (?, ?)', (str(number), 'x' * 3000))\n"
        "    if number == 20: print('writing', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writing, made.volume.database], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stdout.readline() == "writing\n"
        told = sent("archive", data=made.data, archive=made.archive, operation="op")
        running.kill()
    assert told.code == 0, told.result
    with closing(sqlite3.connect(made.archive / "data/webui.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = copy.execute("SELECT count(*) FROM memory").fetchone()[0]
        assert kept == told.result["counts"]["memory"] > 20


def test_modes_times_links_and_names(made: World) -> None:
    odd = made.data / "uploads" / os.fsdecode(b"new\nline \xff \xe2\x80\xae.txt")
    odd.write_text("odd")
    os.chmod(odd, 0o640)
    os.utime(odd, ns=(1, 1_234_567_890_123_456_789))
    (made.data / "uploads" / "out").symlink_to("/etc")
    (made.data / "uploads" / "empty").mkdir(mode=0o700)
    os.mkfifo(made.data / "pipe")
    assert sent("archive", data=made.data, archive=made.archive, operation="op").code == 0
    copy = made.archive / "data" / "uploads"
    found = (copy / odd.name).stat()
    assert (copy / odd.name).read_text() == "odd"
    assert (found.st_mode & 0o777, found.st_mtime_ns) == (0o640, 1_234_567_890_123_456_789)
    assert os.readlink(copy / "out") == "/etc" and (copy / "out").is_symlink()
    assert (copy / "empty").stat().st_mode & 0o777 == 0o700
    assert not (made.archive / "data" / "pipe").exists()
    assert done("verify", archive=made.archive)["files"] == 9


def test_a_link_in_place_of_a_folder_is_not_followed(made: World, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("SECRET")
    (made.data / "functions").symlink_to(outside)
    made.archived()
    assert "SECRET" not in "".join(str(path) for path in made.archive.rglob("*"))
    assert not list(made.archive.rglob("secret"))


def test_again_it_only_proves(made: World) -> None:
    made.archived()
    before = states(made.archive)
    made.archived()
    assert states(made.archive) == before


def test_of_another_operation_it_is_left_alone(made: World) -> None:
    made.archived()
    told = run("archive", data=made.data, archive=made.archive, operation="another")
    assert told.problem == "archive-taken"


@pytest.mark.parametrize("name", ["something", "data"])
def test_a_volume_with_something_else_is_left_alone(made: World, name: str) -> None:
    (made.archive / name).mkdir()
    (made.archive / name / "precious").write_text("mine")
    told = run("archive", data=made.data, archive=made.archive, operation="op")
    assert told.problem == "archive-taken"
    assert (made.archive / name / "precious").read_text() == "mine"


def test_an_empty_file_system_has_lost_and_found(made: World) -> None:
    (made.archive / "lost+found").mkdir()
    made.archived()


def test_a_half_made_one_is_made_anew(made: World) -> None:
    made.archived()
    (made.archive / "manifest.json").unlink()
    (made.archive / "data/uploads" / "left over").write_text("x")
    made.archived()
    assert not (made.archive / "data/uploads" / "left over").exists()
    done("verify", archive=made.archive)


def test_a_short_disk_is_noticed_before_anything_is_written(made: World) -> None:
    def small(module: types.ModuleType) -> None:
        module.__dict__["free_bytes"] = lambda folder: 64 << 20

    told = run("archive", change=small, data=made.data, archive=made.archive, operation="op")
    assert told.problem == "no-space" and "are free" in told.detail
    assert not (made.archive / "manifest.json").exists()
    assert os.listdir(made.archive / "data") == []


def test_a_disk_that_fills_up_meanwhile(made: World) -> None:
    def full(module: types.ModuleType) -> None:
        def copied(*_: object) -> str:
            raise OSError(28, "No space left on device", "/archive/data/x")

        module.__dict__["copied"] = copied

    told = run("archive", change=full, data=made.data, archive=made.archive, operation="op")
    assert told.problem == "no-space" and "/archive/data/x" in told.detail
    assert not (made.archive / "manifest.json").exists()


def test_a_file_that_may_not_be_read(made: World) -> None:
    (path,) = (made.data / "uploads").glob(f"{made.files['alone']}_*")

    def forbidden(module: types.ModuleType) -> None:
        opened = module._opened

        def refusing(file: Path) -> object:
            if file == path:
                raise PermissionError(13, "Permission denied", str(file))
            return opened(file)

        module.__dict__["_opened"] = refusing

    told = run("archive", change=forbidden, data=made.data, archive=made.archive, operation="op")
    assert told.problem == "unreadable" and path.name in told.detail


def test_a_damaged_database_is_not_archived(made: World) -> None:
    made.volume.rows("PRAGMA journal_mode = DELETE")
    with open(made.volume.database, "r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * 4096)
    told = run("archive", data=made.data, archive=made.archive, operation="op")
    assert told.problem == "database-corrupt"
    assert run("verify", archive=made.archive).problem == "archive-incomplete"


def test_a_log_that_grows_is_taken_as_it_is(made: World) -> None:
    def busy(module: types.ModuleType) -> None:
        copied = module.copied

        def while_written(source: Path, target: Path, entry: object) -> object:
            digest = copied(source, target, entry)
            if source.name == "audit.log":
                with open(source, "a") as log:
                    log.write("more\n")
            return digest

        module.__dict__["copied"] = while_written

    told = run("archive", change=busy, data=made.data, archive=made.archive, operation="op")
    assert told.code == 0 and told.result["unsettled"] == 1
    done("verify", archive=made.archive)


def test_a_file_that_vanishes_meanwhile_is_left_out(made: World) -> None:
    (path,) = (made.data / "uploads").glob(f"{made.files['alone']}_*")

    def busy(module: types.ModuleType) -> None:
        copied = module.copied

        def while_removed(source: Path, target: Path, entry: object) -> object:
            digest = copied(source, target, entry)
            if source.name == path.name:
                source.unlink()
            return digest

        module.__dict__["copied"] = while_removed

    assert run("archive", change=busy, data=made.data, archive=made.archive, operation="op").code == 0
    assert not (made.archive / "data/uploads" / path.name).exists()
    done("verify", archive=made.archive)


def test_words_are_found_in_the_copy(made: World) -> None:
    made.archived()
    for word in (*GOES, *STAYS):
        assert [
            path for path in made.archive.rglob("*") if path.is_file() and word.encode() in path.read_bytes()
        ], word


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda place: (place / "manifest.json").unlink(), "archive-incomplete"),
        (lambda place: (place / "manifest.json").write_text("{"), "archive-damaged"),
        (lambda place: (place / "manifest.json").write_text(UNFINISHED), "archive-incomplete"),
        (lambda place: (place / "manifest.json").write_text("[]"), "archive-damaged"),
        (lambda place: _edit(place, "path", "../../etc/passwd"), "archive-damaged"),
        (lambda place: _edit(place, "kind", "device"), "archive-damaged"),
        (lambda place: _edit(place, "size", "large"), "archive-damaged"),
        (lambda place: (place / "data/audit.log").write_text("Who did what\n"), "archive-damaged"),
        (lambda place: (place / "data/audit.log").write_text("shorter"), "archive-damaged"),
        (lambda place: (place / "data/audit.log").unlink(), "archive-damaged"),
        (lambda place: _link(place / "data/audit.log"), "archive-damaged"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was_made_is_found(made: World, harm: object, problem: str) -> None:
    made.archived()
    assert callable(harm)
    code = getattr(harm, "__code__", None)
    about_the_log = "audit.log" in str(getattr(code, "co_consts", ""))
    harm(made.archive)
    assert run("verify", archive=made.archive).problem == problem
    before = content(made.data)
    for scope in ("chats", "everything"):
        told = run("restore", data=made.data, archive=made.archive, scope=scope)
        # What chats do not need is not read for them.
        assert told.problem == problem or (scope == "chats" and about_the_log)
    assert content(made.data) == before


def _edit(place: Path, name: str, value: object) -> None:
    told = json.loads((place / "manifest.json").read_text())
    told["files"][-1][name] = value
    (place / "manifest.json").write_text(json.dumps(told))


def _link(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to("other")


def test_verify_as_it_is_sent(made: World) -> None:
    made.archived()
    told = sent("verify", archive=made.archive)
    assert told.code == 0 and told.result["operation"] == "op" and told.result["files"] == 8
