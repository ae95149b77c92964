"""`look`: right, and without a trace."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.open_webui.program import done, run, sent
from tests.unit.open_webui.volume import VERSIONS, Volume, states
from tests.unit.open_webui.world import world

HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1])
held.execute("SELECT count(*) FROM chat").fetchone()
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_there(tmp_path: Path, version: str) -> None:
    made = world(tmp_path, version)
    found = done("look", data=made.data, older_than_days=30)
    assert found["schema"] == VERSIONS[version]
    assert found["integrity"] == "ok"
    assert (found["chats"], found["chats_older"], found["tags"]) == (4, 2, 2)
    assert found["shared"] == 1
    assert {(each["id"], each["role"], each["chats"]) for each in found["users"]} == {
        ("ada", "admin", 2),
        ("ben", "user", 2),
    }
    assert found["users"][0]["email"].endswith("@example.org")
    assert found["folders"] == (0 if version == "v0_3" else 2)
    assert found["feedback"] == (0 if version == "v0_3" else 1)
    assert found["uploads"]["count"] == 4
    assert found["tables"]["chat"] == 4 + ("shared_chat" not in made.volume.tables)
    assert found["vectors"] == "none"
    assert found["cache"]["models_bytes"] == len(b"downloaded")
    assert found["cache"]["other_bytes"] == len('{"input": "SPOKENWORD"}') + len(b"SPOKENWORD as sound")
    assert 0 < found["needed_bytes"] < found["volume_bytes"] + found["wal_bytes"]
    assert found["free_bytes"] > 0
    assert found["database_bytes"] == (made.data / "webui.db").stat().st_size


def test_the_uploads_of_chats_are_those_a_wipe_would_take(tmp_path: Path) -> None:
    made = world(tmp_path)
    assert done("look", data=made.data)["chat_files"] == {"count": 1, "bytes": len("UPLOADWORD")}
    assert done("look", data=made.data, older_than_days=30)["chat_files"] == {"count": 0, "bytes": 0}


def test_without_days_no_chat_is_old(tmp_path: Path) -> None:
    assert done("look", data=world(tmp_path).data)["chats_older"] == 0


@pytest.mark.parametrize("state", ["closed", "stopped", "no shm", "empty wal", "no wal mode"])
def test_it_leaves_no_trace(tmp_path: Path, state: str) -> None:
    volume = Volume(tmp_path / "volume")
    volume.person("ada")
    extra = 0
    if state in ("stopped", "no shm"):
        volume.crash()
        extra = 1
    if state == "no shm":
        (volume.data / "webui.db-shm").unlink()
    if state == "empty wal":
        (volume.data / "webui.db-wal").touch()
    if state == "no wal mode":
        volume.rows("PRAGMA journal_mode = DELETE")
    before = states(volume.data)
    told = sent("look", data=volume.data)
    assert told.result["tables"]["memory"] == extra
    assert states(volume.data) == before


def test_it_leaves_no_trace_beside_a_running_open_webui(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    volume.crash()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, volume.database],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None and running.stdout.readline() == "open\n"
        before = states(volume.data)
        assert sent("look", data=volume.data).result["tables"]["memory"] == 1
        assert states(volume.data) == before
        running.communicate("")


def test_a_journal_that_a_crash_left_is_read_back_elsewhere(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    volume.rows("PRAGMA journal_mode = DELETE")
    for number in range(200):
        volume.insert("memory", id=str(number), content="x" * 500)
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(volume.database, isolation_level=None)
        connection.execute("PRAGMA cache_size = 5")
        connection.execute("BEGIN")
        connection.execute("UPDATE memory SET content = content || 'y'")
        os._exit(0)
    os.waitpid(child, 0)
    assert (volume.data / "webui.db-journal").stat().st_size > 0
    before = states(volume.data)
    assert done("look", data=volume.data)["tables"]["memory"] == 200
    assert states(volume.data) == before


def test_without_a_database(tmp_path: Path) -> None:
    assert run("look", data=tmp_path).problem == "no-database"
    (tmp_path / "elsewhere.db").write_bytes(b"")
    (tmp_path / "webui.db").symlink_to(tmp_path / "elsewhere.db")
    assert run("look", data=tmp_path).problem == "no-database"


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "webui.db").write_bytes(b"never a database, but long enough to look like one" * 100)
    told = run("look", data=tmp_path)
    assert told.problem == "database-corrupt" and "not a database" in told.detail


def test_a_damaged_database(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    volume.rows("PRAGMA journal_mode = DELETE")
    with open(volume.database, "r+b") as file:
        for page in range(2, 40):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    told = run("look", data=volume.data)
    assert told.problem == "database-corrupt" and "malformed" in told.detail


def test_a_database_that_is_not_open_webuis(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "webui.db")) as connection:
        connection.execute("CREATE TABLE something (id)")
    assert run("look", data=tmp_path).problem == "unexpected"


def test_odd_rows(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    for number, at in enumerate([None, "yesterday", 5, 1_000_000_000_000, 1.5]):
        volume.insert("chat", id=f"c{number}", user_id=None, chat="{no json", meta="[]", updated_at=at)
    volume.insert("chat", id=b"\xff\xfe".decode("latin-1"), user_id="nobody", chat=None)
    with volume.opened() as connection:
        connection.execute(
            "INSERT INTO user (id, name, email, role, profile_image_url, last_active_at, updated_at, "
            "created_at) VALUES ('u', CAST(x'ff41' AS TEXT), 'e', 'user', '', 0, 0, 0)"
        )
    found = sent("look", data=volume.data, older_than_days=1)
    assert found.code == 0, found.result
    assert (found.result["chats"], found.result["chats_older"]) == (6, 3)
    assert found.result["users"][0]["name"] == "?A"


def test_a_store_of_vectors_that_it_does_not_know(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    (volume.data / "vector_db").mkdir()
    assert done("look", data=volume.data)["vectors"] == "none"
    (volume.data / "vector_db" / "milvus.db").write_bytes(b"")
    assert done("look", data=volume.data)["vectors"] == "other"


def test_as_it_is_sent(tmp_path: Path) -> None:
    made = world(tmp_path)
    told = sent("look", data=made.data, older_than_days=30)
    assert told.code == 0
    here = done("look", data=made.data, older_than_days=30)
    assert told.result.pop("free_bytes") > 0 and here.pop("free_bytes") > 0
    assert told.result == here


def test_the_models_that_chats_have_chosen(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    volume.person("ada")
    chosen = ('["scout"]', '["scout", "qwen", "qwen"]', '"scout"', "[7, null]", None)
    for number, models in enumerate(chosen):
        volume.chat("ada", chat=f"chat-{number}")
        with closing(sqlite3.connect(volume.data / "webui.db")) as connection, connection:
            told = "UPDATE chat SET chat = json_set(chat, '$.models', json(?)) WHERE id = ?"
            connection.execute(told, (models or "null", f"chat-{number}"))
    assert done("look", data=volume.data)["models"] == {"scout": 2, "qwen": 1}
