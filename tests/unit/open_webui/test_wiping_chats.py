"""`wipe` of the chats of everybody: exactly those, and every byte of them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import types
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.unit.open_webui.program import NOW, done, run, sent
from tests.unit.open_webui.test_looking import HOLD
from tests.unit.open_webui.volume import VERSIONS, Volume, content, holding, states
from tests.unit.open_webui.world import GOES, SPEECH, STAYS, World, world

CHATS = ("chat", "chat_message", "chat_file", "shared_chat", "chatidtag", "feedback", "tag", "folder")


UPLOADED = ("UPLOADWORD", '{"input": "SPOKENWORD"}', "SPOKENWORD as sound")


@pytest.fixture
def made(tmp_path: Path) -> World:
    made = world(tmp_path)
    made.archived()
    return made


@pytest.mark.parametrize("version", VERSIONS)
def test_all_chats_go_and_nothing_else(tmp_path: Path, version: str) -> None:
    made = world(tmp_path, version)
    made.archived()
    before = content(made.data)
    told = sent("wipe", data=made.data, archive=made.archive, operation="op", scope="chats")
    assert told.code == 0, told.result
    after = content(made.data)
    assert after.keys() == before.keys()
    for table in before.keys() - {*CHATS, "files", "file", "access_grant", "automation", "automation_run"}:
        assert after[table] == before[table], table
    for table in before.keys() & {*CHATS}:
        assert after[table] == {}, table
        assert told.result["removed"][table] == len(before[table])
    # The oldest version has no notes, so only a chat speaks of that file.
    only_chats = {"chat"} if "note" in before else {"chat", "note"}
    assert made.volume.ids("file") == {id for name, id in made.files.items() if name not in only_chats}
    assert before["files"].items() >= after["files"].items()
    gone = {path.rpartition("/")[2][:36] for path in before["files"].keys() - after["files"].keys()}
    assert gone == {*(made.files[name] for name in only_chats), SPEECH[:36]}
    if "automation_run" in before:
        assert made.volume.rows("SELECT chat_id FROM automation_run") == [(None,)]
    assert told.result["chats"] == 4
    assert told.result["files"] == {
        "uploads": len(only_chats), "cached": 2, "collections": 0,
        "bytes": sum(len(each) for each in (*UPLOADED, "NOTEWORD" if "note" in only_chats else "")),
    }  # fmt: skip
    assert told.result["compacted"] is True and told.result["integrity"] == "ok"
    assert told.result["bytes"]["after"] < told.result["bytes"]["before"]
    assert told.result["left"] == {table: len(rows) for table, rows in after.items() if table != "files"}
    assert told.result["audit_log"] is True


@pytest.mark.parametrize("version", VERSIONS)
def test_no_byte_of_them_is_left(tmp_path: Path, version: str) -> None:
    made = world(tmp_path, version)
    made.volume.insert("chat", id="later", user_id="ada", title="in the WALWORD", chat={"text": "WALWORD"})
    child = os.fork()
    if child == 0:  # a crash right after writing, so that the text is in the -wal
        connection = sqlite3.connect(made.volume.database)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE chat SET title = 'CRASHWORD' WHERE id = 'later'")
        connection.commit()
        os._exit(0)
    os.waitpid(child, 0)
    assert "webui.db-wal" in holding(made.data, "CRASHWORD")
    made.archived()
    made.wiped()
    for word in (*GOES, "WALWORD", "CRASHWORD"):
        assert holding(made.data, word) == [], word
        assert holding(made.archive, word) != [] or word == "RATEWORD"
    for word in STAYS:
        assert holding(made.data, word) != [] or (
            version == "v0_3" and word in ("NOTEWORD", "CHANNELWORD")
        ), word


def test_only_old_ones(made: World) -> None:
    before = content(made.data)
    told = made.wiped(older_than_days=30)
    after = content(made.data)
    assert told["chats"] == 2
    assert made.volume.ids("chat") == {made.chats["new"], made.chats["shared"]}
    assert {chat for (chat,) in made.volume.rows("SELECT chat_id FROM chat_message")} == made.volume.ids(
        "chat"
    )
    # A tag and a folder that only they had go; what has instructions of its own stays.
    assert made.volume.ids("tag") == {"work"}
    assert made.volume.ids("folder") == {made.folders["own"]}
    assert made.volume.rows("SELECT folder_id FROM automation") == [(None,)]
    for table in ("feedback", "shared_chat", "access_grant", "file"):
        assert after[table] == before[table], table
    # The speech was made when the new chat was there.
    assert after["files"] == before["files"]


def test_a_file_of_an_old_chat_stays_while_a_new_one_speaks_of_it(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    ada = volume.person("ada")
    both, old = volume.file(ada), volume.file(ada)
    volume.chat(ada, days=100, files=(both, old))
    volume.chat(ada, f"look at /api/v1/files/{both}/content")
    done("wipe", data=volume.data, archive=False, older_than_days=30)
    assert volume.ids("file") == {both}
    assert {name[:36] for name in os.listdir(volume.data / "uploads")} == {both}


def test_speech_and_pictures_of_old_chats(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    ada = volume.person("ada")
    names = {word: str(uuid.uuid4()) for word in ("old", "used", "new")}
    folder = volume.data / "cache/image/generations"
    folder.mkdir(parents=True)
    for word, name in names.items():
        (folder / f"{name}.png").write_text(word)
        at = NOW if word == "new" else NOW - 10**7
        os.utime(folder / f"{name}.png", (at, at))
    volume.chat(ada, f"/cache/image/generations/{names['old']}.png", days=100)
    volume.insert("message", id="m", content=f"![](/cache/image/generations/{names['used']}.png)")
    done("wipe", data=volume.data, archive=False, older_than_days=30)
    assert {path.read_text() for path in folder.iterdir()} == {"used", "new"}
    done("wipe", data=volume.data, archive=False)
    assert {path.read_text() for path in folder.iterdir()} == {"used"}


def test_rows_of_chats_that_are_no_more_go_by_their_own_age(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    ada = volume.person("ada")
    kept = volume.chat(ada)
    for days in (1, 100):
        at = NOW - days * 86400
        volume.insert("chat_message", id=f"m{days}", chat_id="gone", user_id=ada, role="user", created_at=at)
        volume.insert("shared_chat", id=f"s{days}", chat_id="gone", user_id=ada, updated_at=at)
        volume.feedback("gone", ada, days=days)
    volume.insert("feedback", id="odd", meta="{no", snapshot=None, created_at=1, updated_at=1)
    volume.insert("chat_message", id="timeless", chat_id="gone", user_id=ada, role="user", created_at=None)
    done("wipe", data=volume.data, archive=False, older_than_days=30)
    assert volume.ids("chat_message") == {f"{kept}-1", "m1", "timeless"}
    assert volume.ids("shared_chat") == {"s1"}
    assert "odd" not in volume.ids("feedback") and len(volume.ids("feedback")) == 1


def test_shared_copies_of_old_versions_go_with_their_chat(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume", "v0_8")
    ada = volume.person("ada")
    old, new = volume.chat(ada, days=100), volume.chat(ada)
    copy_of_old, copy_of_new = volume.share(old, ada), volume.share(new, ada)
    orphan = volume.chat("shared-gone", days=100)
    volume.rows("UPDATE chat SET updated_at = 5 WHERE id = ?", copy_of_new)
    told = done("wipe", data=volume.data, archive=False, older_than_days=30)
    assert volume.ids("chat") == {new, copy_of_new}
    assert told["chats"] == 1 and told["removed"]["chat"] == 3
    assert {copy_of_old, orphan}.isdisjoint(volume.ids("chat"))


def test_folders_empty_upwards(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    ada = volume.person("ada")
    top = volume.folder(ada, "top")
    middle = volume.folder(ada, "middle", parent_id=top)
    low = volume.folder(ada, "low", parent_id=middle, data={"files": []}, items={"chat_ids": []})
    beside = volume.folder(ada, "never used")
    shared = volume.folder(ada, "shared")
    volume.insert("access_grant", id="g", resource_type="folder", resource_id=shared)
    for folder in (low, shared):
        volume.chat(ada, days=100, folder=folder)
    done("wipe", data=volume.data, archive=False, older_than_days=30)
    assert volume.ids("folder") == {beside, shared}
    done("wipe", data=volume.data, archive=False)
    assert volume.ids("folder") == set() and volume.ids("access_grant") == set()


def test_somebody_elses_file_that_a_chat_only_speaks_of_stays(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    ada, ben = volume.person("ada"), volume.person("ben")
    file = volume.file(ben)
    volume.chat(ada, f"what is in {file}?")
    done("wipe", data=volume.data, archive=False)
    assert volume.ids("file") == {file}


@pytest.mark.parametrize(
    "where", ["channel_file", "note", "model", "knowledge", "prompt", "user", "something_new"]
)
def test_a_file_that_anything_else_speaks_of_stays(tmp_path: Path, where: str) -> None:
    volume = Volume(tmp_path / "volume")
    ada = volume.person("ada")
    file = volume.file(ada)
    volume.chat(ada, files=(file,))
    match where:
        case "channel_file":
            volume.insert("channel_file", id="1", file_id=file, channel_id="c")
        case "note":
            volume.insert("note", id="1", data={"files": [{"id": file}]})
        case "model":
            volume.insert("model", id="1", meta={"knowledge": [{"type": "file", "id": file}]})
        case "knowledge":
            volume.insert("knowledge", id="1", data={"file_ids": [file]})
        case "prompt":
            volume.insert("prompt", id="1", content=f"![]({file})")
        case "user":
            volume.insert("user", id="2", profile_image_url=f"/api/v1/files/{file}/content")
        case _:
            volume.rows("CREATE TABLE something_new (a BLOB PRIMARY KEY) WITHOUT ROWID")
            volume.rows("INSERT INTO something_new VALUES (?)", file.encode())
    done("wipe", data=volume.data, archive=False)
    assert volume.ids("file") == {file}
    assert len(os.listdir(volume.data / "uploads")) == 1


def test_hostile_names(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    ada = volume.person("ada")
    outside = tmp_path / "outside"
    outside.write_text("precious")
    linked, plain = volume.file(ada), volume.file(ada, name="new\nline")
    for entry in (volume.data / "uploads").glob(f"{linked}*"):
        entry.unlink()
        entry.symlink_to(outside)
    for file in ("../../outside", "..", "", "x"):
        volume.insert(
            "file", id=file, user_id=ada, path="/app/backend/data/uploads/../webui.db", filename=".."
        )
    volume.chat(ada, files=(linked, plain, "../../outside", "..", "x"))
    (volume.data / "uploads" / f"{uuid.uuid4()}_unknown").write_text("unknown")
    done("wipe", data=volume.data, archive=False)
    assert outside.read_text() == "precious"
    # Unsure: ids that are none, and what is no file of its own.
    assert volume.ids("file") == {"../../outside", "..", "", "x"}
    assert len(os.listdir(volume.data / "uploads")) == 2


def test_uploads_behind_a_link_are_not_touched(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    ada = volume.person("ada")
    volume.chat(ada, files=(volume.file(ada),))
    (volume.data / "uploads").rename(tmp_path / "outside")
    (volume.data / "uploads").symlink_to(tmp_path / "outside")
    done("wipe", data=volume.data, archive=False)
    assert volume.ids("chat") == set() and len(os.listdir(tmp_path / "outside")) == 1


def test_twice_is_as_once(made: World) -> None:
    made.wiped()
    before = content(made.data)
    told = made.wiped()
    assert content(made.data) == before
    assert set(told["removed"].values()) == {0}  # type: ignore[attr-defined]


class TestRefusals:
    """Nothing is changed when it is unsure."""

    def refused(self, made: World, problem: str, **more: object) -> None:
        before = states(made.data)
        options: dict[str, Any] = {"data": made.data, "archive": made.archive, "operation": "op", **more}
        told = run("wipe", **options)
        assert told.problem == problem, told.result
        assert states(made.data) == before

    def test_no_archive(self, tmp_path: Path) -> None:
        made = world(tmp_path)
        made.volume.rows("SELECT 1")
        self.refused(made, "no-archive")

    def test_the_archive_of_another_operation(self, made: World) -> None:
        self.refused(made, "no-archive", operation="another")

    def test_a_chat_came_after_the_copy(self, made: World) -> None:
        made.volume.chat("ada", "too late")
        self.refused(made, "no-archive")

    def test_a_chat_was_changed_after_the_copy(self, made: World) -> None:
        made.volume.rows("UPDATE chat SET title = 'other' WHERE id = ?", made.chats["new"])
        self.refused(made, "no-archive")

    def test_an_upload_was_changed_after_the_copy(self, made: World) -> None:
        (path,) = (made.data / "uploads").glob(f"{made.files['chat']}_*")
        path.write_text("other")
        self.refused(made, "no-archive")

    def test_the_database_of_the_archive_is_damaged(self, made: World) -> None:
        with open(made.archive / "data/webui.db", "r+b") as file:
            file.seek(5000)
            file.write(b"x")
        self.refused(made, "archive-damaged")

    def test_what_is_kept_may_change_meanwhile(self, made: World) -> None:
        made.volume.insert("memory", id="m2", content="new")
        made.volume.chat("ada", "not old", days=1)
        assert made.wiped(older_than_days=30)["chats"] == 2

    def test_a_trigger(self, made: World) -> None:
        made.volume.rows("CREATE TRIGGER t AFTER DELETE ON chat BEGIN DELETE FROM memory; END")
        self.refused(made, "unexpected", archive=False)

    def test_a_damaged_database(self, made: World) -> None:
        with open(made.volume.database, "r+b") as file:
            file.seek(20 * 4096)
            file.write(b"\xff" * 4096)
        self.refused(made, "database-corrupt")

    def test_a_short_disk(self, made: World) -> None:
        def small(module: types.ModuleType) -> None:
            module.__dict__["free_bytes"] = lambda folder: 64 << 20

        before = content(made.data)
        told = run("wipe", change=small, data=made.data, archive=made.archive, operation="op")
        assert told.problem == "no-space" and content(made.data) == before

    def test_other_rows_would_change(self, made: World) -> None:
        def wrong(module: types.ModuleType) -> None:
            module.__dict__["_let_go"] = lambda connection: connection.execute("DELETE FROM memory") and {}

        before = content(made.data)
        told = run("wipe", change=wrong, data=made.data, archive=made.archive, operation="op")
        assert told.problem == "unexpected" and "memory" in told.detail
        assert content(made.data) == before

    @pytest.mark.parametrize("scope", ["chats", "everything"])
    def test_open_webui_is_running(self, made: World, scope: str) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, made.volume.database],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as running:  # fmt: skip
            assert running.stdout is not None and running.stdout.readline() == "open\n"
            told = run(
                "wipe", data=made.data, archive=made.archive, operation="op", patience=0.1, scope=scope
            )
            assert told.problem == "database-locked"
            restore = run("restore", data=made.data, archive=made.archive, patience=0.1, scope=scope)
            assert restore.problem == "database-locked"
            running.communicate("")
        assert made.volume.ids("chat") >= set(made.chats.values())


def test_a_disk_that_is_full_when_the_database_is_written_anew(made: World) -> None:
    def full(module: types.ModuleType) -> None:
        compact = module._compact

        class Full:
            def __init__(self, connection: sqlite3.Connection) -> None:
                self.connection = connection

            def execute(self, statement: str) -> sqlite3.Cursor:
                if statement == "VACUUM":
                    statement = "SELECT 1"
                    failed = sqlite3.OperationalError("database or disk is full")
                    failed.sqlite_errorname = "SQLITE_FULL"
                    raise failed
                return self.connection.execute(statement)

        module.__dict__["_compact"] = lambda connection: compact(Full(connection))

    told = run("wipe", change=full, data=made.data, archive=made.archive, operation="op")
    assert told.code == 0 and told.result["compacted"] is False
    # Overwritten all the same.
    assert [word for word in GOES if holding(made.data, word)] == []
    made.wiped()


def test_a_large_database_in_little_memory(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    ada = volume.person("ada")
    with closing(sqlite3.connect(volume.database)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        for number in range(40):
            connection.execute(
                "INSERT INTO chat (id, user_id, title, chat, updated_at) VALUES (?, ?, 'x', ?, 1)",
                (str(number), ada, "BIGWORD" + "x" * 1_000_000),
            )
    (tmp_path / "archive").mkdir()
    made = World(volume, tmp_path / "archive", {}, {}, {})
    made.archived()
    told = made.wiped()
    assert told["bytes"]["after"] < 2_000_000 < told["bytes"]["before"]  # type: ignore[index]
    assert holding(volume.data, "BIGWORD") == []
