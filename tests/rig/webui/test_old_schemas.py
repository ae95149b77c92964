"""The older databases have the tables of their time, and today's program takes them for real ones."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.rig.webui import contents
from tests.rig.webui.api import Api
from tests.rig.webui.container import Container
from tests.rig.webui.old_schemas import VERSIONS, OldVersion, id_of
from tests.rig.webui.people import ADA, BEN, PEOPLE, word

OWN_CHATS = {"plain", "archived", "foldered", "tagged", "shared"}
# What came with the versions after the oldest one, in their order.
LATER_TABLES = ({"folder", "feedback", "note"}, {"chat_file"}, {"chat_message", "access_grant"})
MISSING_NOW = {"shared_chat"}


def test_each_has_the_tables_of_its_time(old_volumes: dict[OldVersion, Path]) -> None:
    assert tuple(old_volumes) == VERSIONS
    for place, (version, folder) in enumerate(old_volumes.items()):
        with contents.opened(folder, running=False) as connection:
            found = contents.rows(connection)
            where = contents.columns_with(connection, word("shared", ADA))
        for later in LATER_TABLES[:place]:
            assert later <= found.keys(), version.name
        for later in (*LATER_TABLES[place:], MISSING_NOW):
            assert not later & found.keys(), version.name
        # A share is a second row of chat.
        assert len(found["chat"]) == 2 * (len(OWN_CHATS) + 1)
        assert where["chat.chat"] == 2
        assert len(found["chatidtag"]) == (4 if place == 0 else 0)
        assert len(contents.files(folder, "uploads")) == 2


def test_todays_program_takes_over_the_oldest(
    container: Container, old_volumes: dict[OldVersion, Path]
) -> None:
    container.fill(old_volumes[VERSIONS[0]])
    container.run()
    for person, other in zip(PEOPLE, reversed(PEOPLE), strict=True):
        with closing(Api(container.url)) as session:
            session.sign_in(person)
            for kind in OWN_CHATS:
                assert session.get(f"/api/v1/chats/{id_of(kind, person)}")["title"] == word(kind, person)
            shared = session.get(f"/api/v1/chats/share/{id_of('share', other)}")
            assert shared["title"] == word("shared", other)
            tags = session.get("/api/v1/chats/all/tags")
            assert [tag["name"] for tag in tags] == [word("tag", person)]
            assert session.get(f"/api/v1/chats/{id_of('tagged', person)}/pinned") is True
    found = container.rows()
    assert len(found["chat"]) == 2 * len(OWN_CHATS)
    assert len(found["shared_chat"]) == 2
    # Nothing cleans the old table up.
    assert len(found["chatidtag"]) == 4
    assert container.columns_with(word("plain", BEN))["chat_message.content"] == 2
