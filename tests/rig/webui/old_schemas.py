"""Databases as older versions of Open WebUI left them.

The tables are made by the program's own migrations, stopped at an older revision; the rows are put in here,
as those versions wrote them (what moved where is read in the migrations that came next).
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt

from tests.rig.engine import Engine
from tests.rig.webui.api import Person
from tests.rig.webui.contents import table_names
from tests.rig.webui.image import FOLDER, IMAGE
from tests.rig.webui.people import ADA, PEOPLE, text, word

THEN = 1_700_000_000


@dataclass(frozen=True, slots=True)
class OldVersion:
    """A schema: the last revision of the migrations it has, and the releases that had it."""

    name: str
    revision: str
    releases: str


VERSIONS = (
    OldVersion("tags-in-chatidtag", "6a39f3d8e55c", "0.3.32: which chat has which tag is a table of its own"),
    OldVersion("before-chat-file", "81cc2ce44d79", "0.6.41: which file belongs to which chat is in no table"),
    OldVersion("before-chat-message", "374d2f66af06", "0.7: messages only inside the chat"),
    OldVersion("before-shared-chat", "e1f2a3b4c5d6", "0.8: what is shared is a second row of chat"),
)

# Upwards from revision to revision, with a copy at each: one start of Python for all.
_MIGRATE = f"""\
import shutil, sys
from alembic import command
from alembic.config import Config
settings = Config("/app/backend/open_webui/alembic.ini")
settings.set_main_option("script_location", "/app/backend/open_webui/migrations")
for revision in sys.argv[1:]:
    command.upgrade(settings, revision)
    shutil.copy("{FOLDER}/webui.db", f"{FOLDER}/{{revision}}.db")
"""


def make_all(engine: Engine, scratch: Path) -> dict[OldVersion, Path]:
    """A data folder for each version, below SCRATCH: the database filled, and its uploads."""
    raw = scratch / "raw"
    raw.mkdir()
    options = ["--rm", "--network", "none", "--entrypoint", "python", "-v", f"{raw}:{FOLDER}"]
    options += ["--env", "WEBUI_SECRET_KEY=of-no-account"]  # the program refuses to be loaded without
    revisions = [version.revision for version in VERSIONS]
    engine.docker("run", *options, IMAGE, "-c", _MIGRATE, *revisions)
    made = {}
    for version in VERSIONS:
        folder = scratch / version.name
        (folder / "uploads").mkdir(parents=True)
        (raw / f"{version.revision}.db").rename(folder / "webui.db")
        with closing(sqlite3.connect(folder / "webui.db")) as connection, connection:
            _Filling(connection, folder).everything()
        made[version] = folder
    return made


def id_of(kind: str, person: Person) -> str:
    """The ID of a thing or a chat of a person, the same in every version."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, word(kind, person)))


class _Filling:
    """Puts the rows in; a table or column that the version does not have is left out."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._columns = {
            table: {str(column[1]) for column in connection.execute(f'PRAGMA table_info("{table}")')}
            for table in table_names(connection)
        }

    def everything(self) -> None:
        """Both people and all they have."""
        self._put("config", id=1, data={"version": 0, "ui": {"enable_signup": False}}, version=0)
        for person in PEOPLE:
            self._account(person)
            self._chats(person)
            self._file(person)
            self._things(person)
        self._put(
            "document", collection_name="old-handbook", name="handbook", title=word("document", ADA),
            filename="handbook.txt", content="{}", user_id=id_of("user", ADA), timestamp=THEN,
        )  # fmt: skip

    def _put(self, table: str, **values: Any) -> None:
        known = {
            name: json.dumps(value) if isinstance(value, dict | list) else value
            for name, value in values.items()
            if name in self._columns.get(table, ())
        }
        if known:
            names = ", ".join(f'"{name}"' for name in known)
            marks = ", ".join("?" * len(known))
            statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 (names of the schema)
            self._connection.execute(statement, tuple(known.values()))

    def _account(self, person: Person) -> None:
        hashed = bcrypt.hashpw(person.password.encode(), bcrypt.gensalt(4)).decode()
        role = "admin" if person == ADA else "user"
        user_id = id_of("user", person)
        self._put("auth", id=user_id, email=person.email, password=hashed, active=True)
        self._put(
            "user", id=user_id, name=person.name, email=person.email, role=role, last_active_at=THEN,
            profile_image_url="/user.png", created_at=THEN, updated_at=THEN,
        )  # fmt: skip

    def _chat(self, kind: str, person: Person, **columns: Any) -> None:
        messages: dict[str, dict[str, Any]] = {
            "q": {"id": "q", "parentId": None, "childrenIds": ["a"], "role": "user"},
            "a": {"id": "a", "parentId": "q", "childrenIds": [], "role": "assistant", "done": True},
        }
        for message in messages.values():
            message["content"] = text(kind, person)
        given: dict[str, Any] = {
            "id": id_of(kind, person), "user_id": id_of("user", person), "title": word(kind, person),
            "chat": {"title": word(kind, person), "history": {"currentId": "a", "messages": messages}},
            "archived": False, "pinned": False, "meta": {}, "created_at": THEN, "updated_at": THEN,
        }  # fmt: skip
        row = {**given, **columns}
        self._put("chat", **row)
        if row["user_id"] == given["user_id"]:
            for message in messages.values():
                self._put(
                    "chat_message", id=f"{row['id']}-{message['id']}", chat_id=row["id"],
                    user_id=row["user_id"], role=message["role"], parent_id=message["parentId"],
                    content=json.dumps(message["content"]), done=True, created_at=THEN, updated_at=THEN,
                )  # fmt: skip

    def _chats(self, person: Person) -> None:
        user_id, chat_id, tag = id_of("user", person), id_of("tagged", person), word("tag", person)
        self._chat("plain", person)
        self._chat("archived", person, archived=True)
        self._chat("foldered", person, folder_id=id_of("folder", person))
        self._put(
            "folder", id=id_of("folder", person), user_id=user_id, name=word("folder", person),
            is_expanded=False, created_at=THEN, updated_at=THEN,
        )  # fmt: skip
        self._chat("tagged", person, meta={"tags": [tag]})
        self._chat("shared", person, share_id=id_of("share", person))
        copy_of = f"shared-{id_of('shared', person)}"
        self._chat("shared", person, id=id_of("share", person), user_id=copy_of)
        apart = "meta" not in self._columns["chat"]
        self._put("tag", id=id_of("tag", person) if apart else tag, name=tag, user_id=user_id)
        if apart:
            for name in (tag, "pinned"):
                self._put(
                    "chatidtag", id=id_of(f"chatidtag-{name}", person), tag_name=name, chat_id=chat_id,
                    user_id=user_id, timestamp=THEN,
                )  # fmt: skip

    def _file(self, person: Person) -> None:
        file_id, user_id = id_of("file-in-chat", person), id_of("user", person)
        stored = f"{file_id}_file-in-chat.txt"
        path = f"{FOLDER}/uploads/{stored}"
        (self._folder / "uploads" / stored).write_text(text("file-in-chat", person), encoding="utf-8")
        self._put(
            "file", id=file_id, user_id=user_id, filename="file-in-chat.txt", path=path, hash="",
            meta={"name": "file-in-chat.txt", "path": path, "collection_name": f"file-{file_id}"},
            data={"content": text("file-in-chat", person)}, created_at=THEN, updated_at=THEN,
        )  # fmt: skip
        self._put(
            "chat_file", id=id_of("chat-file", person), user_id=user_id, chat_id=id_of("plain", person),
            file_id=file_id, message_id="q", created_at=THEN, updated_at=THEN,
        )  # fmt: skip

    def _things(self, person: Person) -> None:
        user_id = id_of("user", person)
        self._put(
            "memory", id=id_of("memory", person), user_id=user_id, content=text("memory", person),
            created_at=THEN, updated_at=THEN,
        )  # fmt: skip
        self._put(
            "prompt", id=id_of("prompt", person), command=f"/greet-{person.name.lower()}", user_id=user_id,
            title="Greet", name="Greet", content=text("prompt", person), is_active=True, timestamp=THEN,
            created_at=THEN, updated_at=THEN,
        )  # fmt: skip
        self._put(
            "feedback", id=id_of("feedback", person), user_id=user_id, version=0, type="rating",
            data={"rating": 1, "comment": word("feedback", person)}, meta={"chat_id": id_of("plain", person)},
            snapshot={"chat": {"title": word("plain", person)}}, created_at=THEN, updated_at=THEN,
        )  # fmt: skip
        self._put(
            "note", id=id_of("note", person), user_id=user_id, title="Note",
            data={"content": {"md": text("note", person)}}, created_at=THEN, updated_at=THEN,
        )  # fmt: skip
