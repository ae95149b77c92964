"""Which rows and files are chats': what a wipe of chats takes, and what it leaves because it is unsure.

A row that hangs on a chat goes with that chat. One whose chat does not exist goes by its own age. A file
goes when only rows that go speak of it. Nothing is changed here.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import Problem
    from resources.open_webui.database import columns, named, tables
    from resources.open_webui.files import CACHED, UPLOADS, Entry
    from resources.open_webui.references import PAGES, UUID, files_by_name, mentions
    from resources.open_webui.vectors import collections

# What hangs on a chat by its id, and where such a row says when it was made.
HANGING = {
    "chat_message": ("updated_at", "created_at"),
    "chat_file": ("updated_at", "created_at"),
    "shared_chat": ("updated_at", "created_at"),
    "chatidtag": ("timestamp",),
}
# Of these a wipe takes rows; of `file` those that only chats have; of `access_grant` those of what went.
TAKEN = (*HANGING, "chat", "feedback", "tag", "folder", "file", "access_grant")
# The owner of a shared copy, before there was `shared_chat`: this and the id of the chat.
COPY_OWNER = "shared-"
# Seconds since 1970 in the year 5138: a larger figure is milliseconds or finer.
NOT_SECONDS = 1e11


@dataclass(frozen=True, slots=True)
class Going:
    """What a wipe takes besides the chosen rows. ``chats`` counts no shared copies."""

    chats: int
    files: frozenset[str]
    uploads: tuple[Entry, ...]
    cached: tuple[Entry, ...]
    collections: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chats:
    """The chats by id: those that go, and all that are there."""

    cutoff: float | None
    gone: frozenset[object]
    there: frozenset[object]

    def take(self, chat: object, *times: object) -> bool:
        """Whether a row goes that hangs on a chat and has these times."""
        if self.cutoff is None or chat in self.gone:
            return True
        return chat not in self.there and is_before(self.cutoff, *times)


def choose(connection: Connection, data: Path, cutoff: float | None) -> Going:
    """Choose what a wipe of chats takes: rows into `temp.chosen`, the rest as a value."""
    there = tables(connection)
    if not {"id", "user_id"} <= set(columns(connection, "chat")):
        raise Problem("unexpected", "the database has no chats as Open WebUI keeps them")
    begin_choice(connection)
    chats = _chats(connection, cutoff)
    for table, times in HANGING.items():
        _hanging(connection, table, times, chats)
    _feedback(connection, chats)
    _tags(connection, chats)
    folders = _folders(connection, chats)
    _grants(connection, chats, folders)
    return _files(connection, data, there, chats)


def begin_choice(connection: Connection) -> None:
    """An empty list of chosen rows."""
    connection.execute("DROP TABLE IF EXISTS temp.chosen")
    connection.execute(
        "CREATE TEMP TABLE chosen (tab TEXT, row INTEGER, PRIMARY KEY (tab, row)) WITHOUT ROWID"
    )


def add_chosen(connection: Connection, table: str, rows: Iterable[int]) -> None:
    """Choose rows of a table by their rowids."""
    connection.executemany("INSERT OR IGNORE INTO temp.chosen VALUES (?, ?)", ((table, row) for row in rows))


def choose_where(
    connection: Connection, table: str, take: Callable[[dict[str, object]], bool], *names: str
) -> None:
    """Choose the rows of a table, where it exists, of which some columns say so; a missing column is None."""
    add_chosen(connection, table, [row for row, values in picked(connection, table, *names) if take(values)])


def count_chosen(connection: Connection, table: str) -> int:
    """How many rows of a table are chosen."""
    return int(connection.execute("SELECT count(*) FROM temp.chosen WHERE tab = ?", (table,)).fetchone()[0])


def chosen_values(connection: Connection, table: str, column: str, schema: str = "main") -> set[object]:
    """One column of the chosen rows; nothing where this version does not have it."""
    if column not in columns(connection, table, schema):
        return set()
    chosen = "rowid IN (SELECT row FROM temp.chosen WHERE tab = ?)"
    question = f"SELECT {named(column)} FROM {schema}.{named(table)} WHERE {chosen}"
    return {value for (value,) in connection.execute(question, (table,))}


def picked(
    connection: Connection, table: str, *names: str, schema: str = "main"
) -> Iterator[tuple[int, dict[str, object]]]:
    """The rowid and some columns of each row; None for a column that this version does not have."""
    there = columns(connection, table, schema)
    if not there:
        return
    listed = ", ".join(named(name) if name in there else "NULL" for name in names)
    for row, *values in connection.execute(f"SELECT rowid, {listed} FROM {schema}.{named(table)}"):
        yield row, dict(zip(names, values, strict=True))


def is_before(cutoff: float, *times: object) -> bool:
    """Whether the first of the times that is one lies before; unsure is no."""
    for each in times:
        if isinstance(each, int | float):
            seconds = float(each)
            while seconds > NOT_SECONDS:
                seconds /= 1000
            return seconds < cutoff
    return False


def parsed(value: object) -> dict[str, object]:
    """A JSON column as an object; empty when it is none."""
    for _ in range(2):  # some versions wrote JSON into a JSON string
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def tag_id(name: object) -> str:
    """A tag's id as Open WebUI makes it of its name (models/tags.py)."""
    return str(name).replace(" ", "_").lower()


def original_of(owner: object) -> str | None:
    """The chat that a shared copy was made of, by the copy's owner."""
    return owner.removeprefix(COPY_OWNER) if isinstance(owner, str) and owner.startswith(COPY_OWNER) else None


def _chats(connection: Connection, cutoff: float | None) -> Chats:
    rows = list(picked(connection, "chat", "id", "user_id", "updated_at", "created_at"))
    there = frozenset(values["id"] for _, values in rows)
    own = [(row, values) for row, values in rows if original_of(values["user_id"]) is None]
    chosen = [
        (row, values["id"])
        for row, values in own
        if cutoff is None or is_before(cutoff, values["updated_at"], values["created_at"])
    ]
    chats = Chats(cutoff, frozenset(chat for _, chat in chosen), there)
    for row, values in rows:
        original, times = original_of(values["user_id"]), (values["updated_at"], values["created_at"])
        if original is not None and chats.take(original, *times):
            chosen.append((row, values["id"]))
    add_chosen(connection, "chat", (row for row, _ in chosen))
    return Chats(cutoff, frozenset(chat for _, chat in chosen), there)


def _hanging(connection: Connection, table: str, times: tuple[str, ...], chats: Chats) -> None:
    def take(row: dict[str, object]) -> bool:
        return chats.take(row["chat_id"], *(row[each] for each in times))

    choose_where(connection, table, take, "chat_id", *times)


def chat_of_feedback(row: dict[str, object]) -> object:
    """The chat that a feedback was given for; None where it does not say."""
    snapshot = parsed(row["snapshot"]).get("chat")
    return parsed(row["meta"]).get("chat_id") or (snapshot.get("id") if isinstance(snapshot, dict) else None)


def _feedback(connection: Connection, chats: Chats) -> None:
    """A feedback holds a copy of the whole chat."""

    def take(row: dict[str, object]) -> bool:
        chat = chat_of_feedback(row)
        known = chat if isinstance(chat, str) else None
        return chats.take(known, row["updated_at"], row["created_at"])

    choose_where(connection, "feedback", take, "meta", "snapshot", "updated_at", "created_at")


def _tags(connection: Connection, chats: Chats) -> None:
    """All tags with all chats; else those that only chats had that go."""
    used: dict[bool, set[tuple[object, str]]] = {True: set(), False: set()}
    staying = chats.there - chats.gone
    for _, row in picked(connection, "chat", "id", "user_id", "meta"):
        found = parsed(row["meta"]).get("tags")
        used[row["id"] in chats.gone].update(
            (row["user_id"], tag_id(each)) for each in (found if isinstance(found, list) else [])
        )
    for _, row in picked(connection, "chatidtag", "chat_id", "user_id", "tag_name"):
        used[row["chat_id"] not in staying].add((row["user_id"], tag_id(row["tag_name"])))

    def take(row: dict[str, object]) -> bool:
        known = {(row["user_id"], tag_id(row["id"])), (row["user_id"], tag_id(row["name"]))}
        return chats.cutoff is None or (bool(known & used[True]) and not known & used[False])

    choose_where(connection, "tag", take, "id", "name", "user_id")


def _folders(connection: Connection, chats: Chats) -> frozenset[object]:
    """All folders with all chats; else those that held only chats that go, and nothing of their own."""
    rows = dict(picked(connection, "folder", "id", "parent_id", "data", "items"))
    if chats.cutoff is None:
        add_chosen(connection, "folder", rows)
        return frozenset(row["id"] for row in rows.values())
    held: dict[bool, set[object]] = {True: set(), False: set()}
    for _, chat in picked(connection, "chat", "id", "folder_id"):
        held[chat["id"] in chats.gone].add(chat["folder_id"])
    granted = picked(connection, "access_grant", "resource_type", "resource_id")
    kept = held[False] | {row["resource_id"] for _, row in granted if row["resource_type"] == "folder"}
    plain = {row: each for row, each in rows.items() if _is_plain(each) and each["id"] not in kept}
    gone: dict[int, object] = {}
    while True:
        emptied = held[True] | {rows[row]["parent_id"] for row in gone}
        parents = {each["parent_id"] for row, each in rows.items() if row not in gone}
        more = {
            row: each["id"]
            for row, each in plain.items()
            if row not in gone and each["id"] in emptied and each["id"] not in parents
        }
        if not more:
            add_chosen(connection, "folder", gone)
            return frozenset(gone.values())
        gone |= more


def _is_plain(folder: dict[str, object]) -> bool:
    """Whether a folder is a name and nothing else: no instructions, no files, no list of an old version."""
    return not any(any(parsed(folder[name]).values()) for name in ("data", "items"))


def _grants(connection: Connection, chats: Chats, folders: frozenset[object]) -> None:
    """Permissions on what goes. Those of a shared chat name the chat, in some versions the share."""
    shared = chats.gone | chosen_values(connection, "shared_chat", "id")

    def take(row: dict[str, object]) -> bool:
        if row["resource_type"] == "shared_chat":
            return chats.cutoff is None or row["resource_id"] in shared
        return row["resource_type"] == "folder" and row["resource_id"] in folders

    choose_where(connection, "access_grant", take, "resource_type", "resource_id")


def _files(connection: Connection, data: Path, there: list[str], chats: Chats) -> Going:
    uploads, cached = files_by_name(data, [UPLOADS]), files_by_name(data, CACHED)
    owners = {row["id"]: row["user_id"] for _, row in picked(connection, "file", "id", "user_id")}
    vectors = collections(data)
    interest = {str(each) for each in owners} | set(cached) | vectors
    said = mentions(connection, [each for each in TAKEN if each in there], interest, chosen=True)
    linked = chosen_values(connection, "chat_file", "file_id")
    kept = mentions(connection, there, interest, chosen=False)

    def only_of_chats(file: object) -> bool:
        own = isinstance(file, str) and (file in linked or owners[file] in said.owners.get(file, ()))
        return own and re.fullmatch(UUID, str(file)) is not None and file not in kept

    files = frozenset(str(file) for file in owners if only_of_chats(file))
    choose_where(connection, "file", lambda row: row["id"] in files, "id")

    def page_of_chats(name: str) -> bool:
        mentioned = name in said or (chats.cutoff is None and name.startswith("web-search-"))
        return re.fullmatch(PAGES, name) is not None and mentioned and name not in kept

    own = (
        row["id"] for _, row in picked(connection, "chat", "id", "user_id") if not original_of(row["user_id"])
    )
    return Going(
        chats=sum(chat in chats.gone for chat in own),
        files=files,
        uploads=tuple(entry for name in sorted(files) for entry in uploads.get(name, ())),
        cached=tuple(
            entry
            for name in sorted(cached)
            for entry in cached[name]
            if name not in kept and (chats.cutoff is None or is_before(chats.cutoff, entry.mtime_ns))
        ),
        collections=frozenset(
            name for name in vectors if name.removeprefix("file-") in files or page_of_chats(name)
        ),
    )
