"""Volumes of Open WebUI, built in a folder with the schemas that its own migrations make."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.unit.open_webui.program import NOW

SCHEMAS = Path(__file__).parent / "schemas"
"""Dumps of what Open WebUI's migrations make up to a revision: named by the version that ended there."""

NEWEST = "v0_12"
VERSIONS = {NEWEST: "0bd252b206fb", "v0_8": "e1f2a3b4c5d6", "v0_7": "374d2f66af06", "v0_3": "242a2047eae0"}
DAY = 24 * 3600
Content = dict[str, dict[str, str]]


class Volume:
    """One volume, with what is put into it."""

    def __init__(self, folder: Path, version: str = NEWEST) -> None:
        self.data = folder
        self.version = version
        folder.mkdir(parents=True)
        for name in ("uploads", "cache", "cache/audio", "cache/audio/speech", "cache/embedding"):
            (folder / name).mkdir()
        (folder / "cache/embedding/model.bin").write_bytes(b"downloaded")
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.executescript((SCHEMAS / f"{version}.sql").read_text())
        self.insert("alembic_version", version_num=VERSIONS[version])
        self.tables = self._tables()

    @property
    def database(self) -> Path:
        """The file of the database."""
        return self.data / "webui.db"

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """The database, for writing."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            yield connection

    def _tables(self) -> dict[str, list[str]]:
        with self.opened() as connection:
            names = [
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            return {
                name: [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')] for name in names
            }

    def insert(self, table: str, **values: object) -> None:
        """A row, as far as this version has the table and its columns; what must not be empty is filled."""
        with self.opened() as connection:
            found = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
            row = {}
            for _, name, kind, not_null, default, key in found:
                if name in values:
                    row[name] = _stored(values[name])
                elif (not_null or key) and default is None:
                    row[name] = "" if "CHAR" in kind or kind in ("TEXT", "JSON") else 0
            if found:
                names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
                statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608
                connection.execute(statement, list(row.values()))

    def rows(self, question: str, *values: object) -> list[Any]:
        """What the database answers."""
        with self.opened() as connection:
            return connection.execute(question, values).fetchall()

    def ids(self, table: str) -> set[str]:
        """The ids in a table."""
        return {row for (row,) in self.rows(f'SELECT id FROM "{table}"')}  # noqa: S608

    def person(self, name: str, role: str = "user") -> str:
        """An account."""
        self.insert("user", id=name, name=name.title(), email=f"{name}@example.org", role=role)
        self.insert("auth", id=name, email=f"{name}@example.org", password="$2b$", active=1)
        return name

    def file(self, owner: str, text: str = "text", name: str = "notes.txt") -> str:
        """An upload; its id."""
        file = str(uuid.uuid4())
        stored = f"{file}_{name}"
        (self.data / "uploads" / stored).write_text(text)
        self.insert(
            "file",
            id=file,
            user_id=owner,
            filename=name,
            path=f"/app/backend/data/uploads/{stored}",
            data={"content": text},
            meta={"name": name, "collection_name": f"file-{file}"},
            created_at=NOW,
            updated_at=NOW,
        )
        return file

    def chat(
        self,
        owner: str,
        text: str = "hello",
        *,
        days: float = 0,
        files: tuple[str, ...] = (),
        folder: str | None = None,
        tags: tuple[str, ...] = (),
        chat: str | None = None,
        **more: object,
    ) -> str:
        """A chat that was last touched some days ago, with its message, links to files and tags; its id."""
        chat = chat or str(uuid.uuid4())
        at = int(NOW - days * DAY)
        attached = [{"type": "file", "id": file} for file in files]
        message = {"id": "1", "role": "user", "content": text, "files": attached}
        self.insert(
            "chat",
            id=chat,
            user_id=owner,
            title=text,
            created_at=at,
            updated_at=at,
            folder_id=folder,
            chat={"title": text, "history": {"messages": {"1": message}, "currentId": "1"}},
            meta={"tags": list(tags)},
            archived=0,
            **more,
        )
        self.insert(
            "chat_message",
            id=f"{chat}-1",
            chat_id=chat,
            user_id=owner,
            role="user",
            content=text,
            files=attached,
            created_at=at,
            updated_at=at,
        )
        for file in files:
            self.insert(
                "chat_file",
                id=str(uuid.uuid4()),
                user_id=owner,
                chat_id=chat,
                file_id=file,
                created_at=at,
                updated_at=at,
            )
        for tag in tags:
            if not self.rows("SELECT 1 FROM tag WHERE id = ? AND user_id = ?", tag, owner):
                self.insert("tag", id=tag, name=tag, user_id=owner)
            if self.version == "v0_3":
                self.insert(
                    "chatidtag", id=str(uuid.uuid4()), tag_name=tag, chat_id=chat, user_id=owner, timestamp=at
                )
        return chat

    def share(self, chat: str, owner: str, text: str = "shared") -> str:
        """Share a chat as this version does; the share's id."""
        share = str(uuid.uuid4())
        if "shared_chat" in self.tables:
            self.insert(
                "shared_chat",
                id=share,
                chat_id=chat,
                user_id=owner,
                title=text,
                chat={"text": text},
                created_at=NOW,
                updated_at=NOW,
            )
            self.insert(
                "access_grant",
                id=str(uuid.uuid4()),
                resource_type="shared_chat",
                resource_id=chat,
                principal_type="user",
                principal_id="*",
                permission="read",
                created_at=NOW,
            )
        else:
            self.chat(f"shared-{chat}", text, chat=share)
        with self.opened() as connection:
            connection.execute("UPDATE chat SET share_id = ? WHERE id = ?", (share, chat))
        return share

    def folder(self, owner: str, name: str = "Folder", **more: object) -> str:
        """A folder; its id."""
        folder = str(uuid.uuid4())
        self.insert("folder", id=folder, user_id=owner, name=name, created_at=NOW, updated_at=NOW, **more)
        return folder

    def feedback(self, chat: str | None, owner: str, text: str = "good", *, days: float = 0) -> str:
        """A rating with its copy of the chat; its id."""
        feedback = str(uuid.uuid4())
        at = int(NOW - days * DAY)
        self.insert(
            "feedback",
            id=feedback,
            user_id=owner,
            type="rating",
            meta={"chat_id": chat},
            snapshot={"chat": {"text": text}},
            created_at=at,
            updated_at=at,
        )
        return feedback

    def knowledge(self, owner: str, *files: str) -> str:
        """A knowledge base with files, as this version links them; its id."""
        knowledge = str(uuid.uuid4())
        linked = "knowledge_file" in self.tables
        self.insert(
            "knowledge",
            id=knowledge,
            user_id=owner,
            name="Base",
            created_at=NOW,
            data=None if linked else {"file_ids": list(files)},
        )
        for file in files if linked else ():
            self.insert(
                "knowledge_file",
                id=str(uuid.uuid4()),
                user_id=owner,
                knowledge_id=knowledge,
                file_id=file,
                created_at=NOW,
                updated_at=NOW,
            )
        return knowledge

    def crash(self) -> None:
        """Leave a `-wal` with rows that are not in the main file, as a stopped Open WebUI does."""
        child = os.fork()
        if child == 0:
            connection = sqlite3.connect(self.database)
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute(
                "INSERT INTO memory (id, user_id, content) VALUES ('crash', 'ada', 'in the wal')"
            )
            connection.commit()
            os._exit(0)
        os.waitpid(child, 0)
        assert self.database.with_name("webui.db-wal").stat().st_size > 0


def content(data: Path) -> Content:
    """All rows by table and all files by path, each as a hash: what has to be the same again."""
    found: Content = {"files": {}}
    for path in sorted(data.rglob("*")):
        name = path.relative_to(data).as_posix()
        if path.is_symlink():
            found["files"][name] = f"-> {os.readlink(path)}"
        elif path.is_file() and not name.startswith("webui.db"):
            found["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
    if (data / "webui.db").is_file():
        with closing(sqlite3.connect(data / "webui.db")) as connection:
            connection.text_factory = bytes
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
            for (table,) in names.fetchall():
                rows = connection.execute(f'SELECT * FROM "{table.decode()}"').fetchall()  # noqa: S608
                found[table.decode()] = {
                    hashlib.sha256(repr(row).encode()).hexdigest(): str(row[0]) for row in rows
                }
                assert len(found[table.decode()]) == len(rows), "two rows of a table are the same"
    return found


def holding(folder: Path, word: str) -> list[str]:
    """The files below a folder that hold a word in their bytes."""
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and word.encode() in path.read_bytes()
    ]


def states(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Size, time and hash of all files below a folder: to see that nothing was written."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_size,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _stored(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value
