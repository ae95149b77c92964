"""`restore` of chats: what was wiped is back to the byte, and what came since is still there."""

from __future__ import annotations

import json
import os
import types
import uuid
from pathlib import Path

import pytest

from tests.unit.open_webui.program import done, run, sent
from tests.unit.open_webui.volume import VERSIONS, Volume, content, states
from tests.unit.open_webui.world import World, world


@pytest.fixture
def made(tmp_path: Path) -> World:
    made = world(tmp_path)
    made.archived()
    return made


@pytest.mark.parametrize("days", [None, 30])
@pytest.mark.parametrize("version", VERSIONS)
def test_everything_is_as_it_was(tmp_path: Path, version: str, days: int | None) -> None:
    made = world(tmp_path, version)
    made.archived()
    before = content(made.data)
    made.wiped(older_than_days=days)
    assert content(made.data) != before
    told = sent("restore", data=made.data, archive=made.archive, scope="chats")
    assert told.code == 0, told.result
    assert content(made.data) == before
    assert told.result["restored"]["chat"] == (2 if days else 4 + ("shared_chat" not in made.volume.tables))
    assert told.result["not_restored"] == {}
    assert told.result["schema"] == {"archive": VERSIONS[version], "volume": VERSIONS[version]}
    again = made.restored()
    assert again["restored"] == {} and content(made.data) == before


def test_the_archive_is_only_read(made: World) -> None:
    made.wiped()
    before = states(made.archive)
    made.restored()
    assert states(made.archive) == before


def test_what_came_since_stays(made: World) -> None:
    made.wiped()
    new = made.volume.chat("ada", "after the wipe", tags=("later",))
    made.volume.insert("memory", id="m9", content="after the wipe")
    made.volume.rows("UPDATE config SET value = 9")
    before = content(made.data)
    made.restored()
    after = content(made.data)
    for table, rows in before.items():
        if not table.startswith("automation"):  # refer again to what came back
            assert rows.items() <= after[table].items(), table
    assert made.volume.ids("chat") == {new, *made.chats.values()}


def test_a_chat_that_was_changed_since_stays_as_it_is_now(made: World) -> None:
    made.wiped(older_than_days=30)
    made.volume.rows("UPDATE chat SET title = 'new title' WHERE id = ?", made.chats["new"])
    # A message that somebody took out of a chat that is there is not put back into it.
    made.volume.rows("DELETE FROM chat_message WHERE chat_id = ?", made.chats["new"])
    told = made.restored()
    assert made.volume.rows("SELECT title FROM chat WHERE id = ?", made.chats["new"]) == [("new title",)]
    assert made.volume.rows("SELECT * FROM chat_message WHERE chat_id = ?", made.chats["new"]) == []
    assert told["restored"]["chat"] == 2 and told["kept"]["chat"] == 2  # type: ignore[index]


def test_permissions_that_were_taken_away_stay_away(made: World) -> None:
    made.wiped(older_than_days=30)
    made.volume.rows("DELETE FROM access_grant")
    made.restored()
    assert made.volume.ids("access_grant") == set()


def test_what_an_automation_runs_into_by_now_stays(made: World) -> None:
    made.wiped()
    made.volume.rows("UPDATE automation SET folder_id = 'another'")
    told = made.restored()
    assert made.volume.rows("SELECT folder_id FROM automation") == [("another",)]
    assert made.volume.rows("SELECT chat_id FROM automation_run") == [(made.chats["old"],)]
    assert told["changed"] == {"automation_run": 1, "automation": 0}


def test_only_one_accounts_chats(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.archived(user="ada")
    made.wiped()
    told = made.restored()
    assert made.volume.ids("chat") == {made.chats["new"], made.chats["old"]}
    assert made.volume.ids("folder") == {made.folders["plain"]}
    assert made.volume.ids("shared_chat") == set() and made.volume.ids("access_grant") == set()
    assert told["restored"]["feedback"] == 1  # type: ignore[index]
    assert made.files["chat"] in made.volume.ids("file")
    assert {name[:36] for name in os.listdir(made.data / "uploads")} == set(made.files.values())


def test_after_the_api_deleted_one_accounts_chats(tmp_path: Path) -> None:
    """What `DELETE /api/v1/chats/` leaves and takes, as measured with 0.12.4."""
    made = world(tmp_path)
    made.archived(user="ada")
    before = content(made.data)
    with made.volume.opened() as connection:
        own = "(SELECT id FROM chat WHERE user_id = 'ada')"
        connection.execute(f"UPDATE automation_run SET chat_id = NULL WHERE chat_id IN {own}")  # noqa: S608
        connection.execute(f"DELETE FROM chat_message WHERE chat_id IN {own}")  # noqa: S608
        connection.execute("DELETE FROM tag WHERE user_id = 'ada'")
        connection.execute("DELETE FROM chat WHERE user_id = 'ada'")
    made.restored()
    assert content(made.data) == before


def test_a_newer_version_has_columns_that_the_archive_does_not_know(made: World) -> None:
    made.wiped()
    with made.volume.opened() as connection:
        connection.execute("ALTER TABLE chat ADD COLUMN flavour TEXT NOT NULL DEFAULT 'plain'")
        connection.execute("ALTER TABLE chat DROP COLUMN tasks")
        connection.execute("DROP TABLE feedback")
        connection.execute("ALTER TABLE chat_file RENAME TO old")
        connection.execute("CREATE TABLE chat_file (id TEXT PRIMARY KEY, chat_id TEXT, must TEXT NOT NULL)")
    told = made.restored()
    assert made.volume.ids("chat") == set(made.chats.values())
    assert set(made.volume.rows("SELECT flavour FROM chat")) == {("plain",)}
    assert told["not_restored"] == {"feedback": 1, "chat_file": 3}
    assert told["restored"]["chat_file"] == 0  # type: ignore[index]


@pytest.mark.parametrize("old", ["v0_8", "v0_7", "v0_3"])
def test_from_an_older_version_into_the_newest(tmp_path: Path, old: str) -> None:
    made = world(tmp_path, old)
    made.archived()
    newest = Volume(tmp_path / "newest")
    newest.person("ada")
    told = done("restore", data=newest.data, archive=made.archive)
    assert newest.ids("chat") == set(made.chats.values())
    assert told["schema"] == {"archive": VERSIONS[old], "volume": VERSIONS["v0_12"]}
    assert told["without_account"] == 2
    # A shared copy becomes what the newest version has for it, which anybody with the link may read.
    (shared,) = newest.rows("SELECT id, chat_id, user_id, title FROM shared_chat")
    assert shared[1:] == (made.chats["shared"], "ben", "SHAREWORD")
    assert newest.rows("SELECT share_id FROM chat WHERE id = ?", shared[1]) == [(shared[0],)]
    grant = "SELECT resource_type, resource_id, principal_type, principal_id, permission FROM access_grant"
    assert newest.rows(grant) == [("shared_chat", shared[1], "user", "*", "read")]
    assert json.loads(newest.rows("SELECT meta FROM chat WHERE id = ?", made.chats["new"])[0][0] or "{}") in (
        {"tags": ["work"]}, {},
    )  # fmt: skip
    before = content(newest.data)
    done("restore", data=newest.data, archive=made.archive)
    assert content(newest.data) == before


def test_a_share_that_was_ended_since_is_not_made_again(tmp_path: Path) -> None:
    made = world(tmp_path, "v0_8")
    made.archived()
    made.wiped(older_than_days=30)
    made.volume.rows("DELETE FROM chat WHERE user_id LIKE 'shared-%'")
    made.restored()
    assert made.volume.ids("chat") == set(made.chats.values())


def test_an_upload_that_is_missing_comes_back(made: World) -> None:
    for path in (made.data / "uploads").iterdir():
        path.unlink()
    told = made.restored()
    assert told["files"] == {"count": 4, "bytes": 46, "not_restored": 0}
    assert {name[:36] for name in os.listdir(made.data / "uploads")} == set(made.files.values())


def test_a_file_that_was_deleted_since_is_not_made_again(made: World) -> None:
    made.wiped(older_than_days=30)
    made.volume.rows("DELETE FROM file WHERE id = ?", made.files["alone"])
    (path,) = (made.data / "uploads").glob(f"{made.files['alone']}_*")
    path.unlink()
    told = made.restored()
    assert made.files["alone"] not in made.volume.ids("file") and not path.exists()
    assert told["files"] == {"count": 0, "bytes": 0, "not_restored": 0}


def test_nothing_is_written_through_a_link(made: World, tmp_path: Path) -> None:
    made.wiped()
    (made.data / "uploads").rename(tmp_path / "outside")
    (made.data / "uploads").symlink_to(tmp_path / "outside")
    (tmp_path / "work").mkdir()
    (made.data / ".sparktray").symlink_to(tmp_path / "work")
    before = os.listdir(tmp_path / "outside")
    told = made.restored()
    assert os.listdir(tmp_path / "outside") == before and os.listdir(tmp_path / "work") == []
    assert told["files"]["not_restored"] == 1  # type: ignore[index]


def test_an_upload_of_the_archive_is_damaged(made: World) -> None:
    made.wiped()
    (path,) = (made.archive / "data/uploads").glob(f"{made.files['chat']}_*")
    path.write_text("other word")
    before = content(made.data)
    assert run("restore", data=made.data, archive=made.archive).problem == "archive-damaged"
    after = content(made.data)
    assert {table: rows for table, rows in after.items() if table != "files"} == {
        table: rows for table, rows in before.items() if table != "files"
    }


def test_a_short_disk(made: World) -> None:
    made.wiped()

    def small(module: types.ModuleType) -> None:
        module.__dict__["free_bytes"] = lambda folder: 100

    before = content(made.data)
    assert run("restore", change=small, data=made.data, archive=made.archive).problem == "no-space"
    assert content(made.data) == before


def test_without_a_database_there_is_nowhere_to_put_them(made: World) -> None:
    made.wiped(scope="everything")
    assert run("restore", data=made.data, archive=made.archive).problem == "no-database"


def test_without_an_archive(made: World) -> None:
    assert run("restore", data=made.data, archive=False).problem == "bad-request"


def test_odd_chats_come_back_as_they_were(tmp_path: Path) -> None:
    made = world(tmp_path)
    with made.volume.opened() as connection:
        connection.execute("INSERT INTO chat (id, user_id, title, chat, meta) VALUES "
                           "('odd', NULL, CAST(x'ff00fe' AS TEXT), '{no json', 'null')")  # fmt: skip
        connection.execute(
            "INSERT INTO chat (id, user_id, chat) VALUES (CAST(x'ff' AS TEXT), 'nobody', x'0001')"
        )
    made.volume.insert("chatidtag", id=str(uuid.uuid4()), tag_name="x", chat_id="odd", user_id="ada")
    made.archived()
    before = content(made.data)
    made.wiped()
    assert made.volume.rows("SELECT id FROM chat") == []
    made.restored()
    assert content(made.data) == before
