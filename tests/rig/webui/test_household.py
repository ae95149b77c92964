"""The two people are really there, and what Open WebUI itself does with their chats is as written down."""

from __future__ import annotations

from contextlib import closing

from tests.rig.webui import contents, image
from tests.rig.webui.api import Api
from tests.rig.webui.conftest import Furnished
from tests.rig.webui.container import NAME, Container
from tests.rig.webui.people import ADA, BEN, CHATS, MODEL, PEOPLE, THINGS, Household, ask, word

ROWS = {
    "access_grant": 6, "auth": 2, "automation": 1, "automation_run": 1, "channel": 1, "channel_member": 2,
    "chat": 17, "chat_file": 2, "chat_message": 34, "feedback": 2, "file": 5, "folder": 2, "knowledge": 1,
    "knowledge_file": 1, "memory": 2, "message": 2, "message_reaction": 2, "model": 2, "model_history": 2,
    "note": 2, "pinned_note": 2, "prompt": 1, "prompt_history": 1, "shared_chat": 2, "tag": 2, "tool": 1,
    "tool_history": 1, "user": 2,
}  # fmt: skip
NOT_OF_PEOPLE = {"alembic_version", "config"}

# Where a chat's text stands, beside what only some have.
OF_A_CHAT = {"chat.title": 1, "chat.chat": 1, "chat_message.content": 2}
WHERE = {
    "shared": {**OF_A_CHAT, "shared_chat.title": 1, "shared_chat.chat": 1},
    "answered": {"chat.chat": 1, "chat_message.content": 1, "feedback.snapshot": 1},
    "folder": {"folder.name": 1, "folder.data": 1},
    "tag": {"chat.meta": 1, "tag.id": 1, "tag.name": 1},
    "memory": {"memory.content": 1},
    "note": {"note.data": 1},
    "channel": {"message.content": 1},
    "feedback": {"feedback.data": 1},
    "file-in-chat": {"chat.chat": 1, "chat_message.sources": 1, "feedback.snapshot": 1, "file.data": 1},
    "file-alone": {"file.data": 1},
}


def signed_in(container: Container) -> tuple[Api, Api]:
    """Ada's and Ben's sessions."""
    sessions = []
    for person in PEOPLE:
        session = Api(container.url)
        session.sign_in(person)
        sessions.append(session)
    return sessions[0], sessions[1]


def test_everything_they_have_is_where_it_was_found_to_be(furnished: Furnished) -> None:
    with contents.opened(furnished.folder, running=False) as connection:
        found = contents.rows(connection)
        assert {
            table: len(rows) for table, rows in found.items() if rows and table not in NOT_OF_PEOPLE
        } == ROWS
        for person in PEOPLE:
            for kind in (*CHATS, *THINGS):
                where = contents.columns_with(connection, word(kind, person))
                assert where == WHERE.get(kind, OF_A_CHAT), f"{kind} of {person.name}"
    assert len(contents.files(furnished.folder, "uploads")) == 5
    # A stop does not merge the log into the database: an archive needs both.
    assert (furnished.folder / "webui.db-wal").stat().st_size > 0
    with contents.opened(furnished.folder, running=False, database=contents.VECTORS) as connection:
        named = {str(name) for (name,) in connection.execute("SELECT name FROM collections")}
    own = (furnished.home.ada, furnished.home.ben)
    assert named == {
        *(f"file-{file}" for belongings in own for file in belongings.files.values()),
        *(f"user-memory-{belongings.user_id}" for belongings in own),
        furnished.home.ada.things["knowledge"],
        "knowledge-bases",
    }


def test_a_stop_loses_nothing_and_both_can_sign_in_afterwards(webui: Container, home: Household) -> None:
    before, vectors = webui.rows(), webui.rows(contents.VECTORS)
    files = webui.files("uploads", "vector_db", "cache")
    webui.stop()
    assert contents.differences(before, webui.rows()) == {}
    webui.start()
    assert contents.differences(before, webui.rows()) == {}
    assert contents.differences(vectors, webui.rows(contents.VECTORS)) == {}
    assert webui.files("uploads", "vector_db", "cache") == files
    for session, own in zip(signed_in(webui), (home.ada, home.ben), strict=True):
        with closing(session):
            for kind, chat_id in own.chats.items():
                assert session.get(f"/api/v1/chats/{chat_id}")["user_id"] == own.user_id, kind
            assert session.get(f"/api/v1/chats/{ask(session, 'Are you back?', MODEL)}")
    inspected = webui.rig.inspect(NAME)
    assert inspected is not None
    assert inspected["Config"]["Image"] == image.IMAGE


def test_deleting_all_chats_by_the_interface_leaves_what_is_written_down(
    webui: Container, home: Household
) -> None:
    before, files = webui.rows(), contents.files(webui.folder, "uploads", "vector_db")
    ada, ben = signed_in(webui)
    with closing(ada), closing(ben):
        assert ada.raw("DELETE", "/api/v1/chats").status_code == 405
        assert ada.delete("/api/v1/chats/") is True
        assert len(ben.get("/api/v1/chats/all/archived")) == 1
    changes = contents.differences(before, webui.rows())
    # Signing in is noted.
    changes.pop("user", None)
    gone = {table: len(found.gone) for table, found in changes.items() if found.gone}
    assert gone == {"chat": 9, "chat_message": 18, "shared_chat": 1, "tag": 1}
    assert {key[0] for key in changes["chat"].gone} == set(home.ada.chats.values())
    assert [table for table, found in changes.items() if found.changed] == ["automation_run"]
    assert not any(found.new for found in changes.values())
    assert contents.files(webui.folder, "uploads", "vector_db") == files
    assert webui.columns_with(word("answered", ADA)) == {"feedback.snapshot": 1}
    assert webui.columns_with(word("plain", ADA)) == {}
    assert webui.columns_with(word("plain", BEN)) == OF_A_CHAT
    webui.stop()
    # The bytes are still there: rows are deleted in the log only.
    assert "webui.db" in contents.files_with(webui.folder, word("plain", ADA))
