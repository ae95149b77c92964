"""Putting archived chats back: what is there now is not touched, what is missing comes back.

Files first, rows last and in one transaction: no row ever speaks of a file that is not there.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import Options, Problem, step
    from resources.open_webui.choosing import (
        HANGING,
        TAKEN,
        add_chosen,
        begin_choice,
        chat_of_feedback,
        chosen_values,
        count_chosen,
        original_of,
        picked,
    )
    from resources.open_webui.database import (
        PENDING,
        alone,
        columns,
        count,
        counts,
        frozen,
        key,
        named,
        revision,
        whole,
    )
    from resources.open_webui.files import DATABASE
    from resources.open_webui.manifest import COPY, Manifest, databases, prove, read_manifest
    from resources.open_webui.references import PAGES, mentions
    from resources.open_webui.replacing import replace_everything
    from resources.open_webui.returning import bring_missing
    from resources.open_webui.vectors import bring_collections, collections, kind_of_vectors, removable

# What a wipe only made forget what it referred to: table, column, and the table that it refers to.
FORGOTTEN = (("automation_run", "chat_id", "chat"), ("automation", "folder_id", "folder"))

HANGS = ("chat_id", "user_id")


@dataclass(frozen=True, slots=True)
class Archived:
    """The chats of an archive by id, those that come back, and whose they are; None for everybody's."""

    user: str | None
    there: frozenset[object]
    coming: frozenset[object]

    def take(self, chat: object, owner: object) -> bool:
        """Whether a row that hangs on a chat comes back: with its chat, or as one that never had one."""
        return chat in self.coming or (chat not in self.there and self.is_of(owner))

    def is_of(self, owner: object) -> bool:
        """Whether somebody's rows are to come back at all."""
        return self.user is None or owner == self.user


def restore(options: Options) -> dict[str, object]:
    """The command, of either scope."""
    manifest = read_manifest(options.kept)
    if options.scope == "everything":
        return replace_everything(options, manifest)
    prove(options.kept, manifest, databases(manifest))
    with alone(options.data / DATABASE, options.patience) as connection:
        whole(connection, DATABASE)
        connection.execute("ATTACH ? AS archive", (frozen(options.kept / COPY / DATABASE),))
        step("choose")
        archived = _choose_missing(connection, manifest)
        mentioned = _mentioned(connection, options)
        _choose(connection, "file", lambda row: row["id"] in mentioned, "id")
        vectors = _collections_to_bring(connection, options, mentioned)
        removable(vectors)
        files = _bring_files(connection, options, manifest)
        brought = bring_collections(options.kept / COPY, options.data, vectors)
        connection.execute("BEGIN EXCLUSIVE")
        result = _insert(connection, archived)
        _forget_pending(connection, manifest, vectors)
        step("before commit")
        connection.execute("COMMIT")
        step("committed")
        schema = {"archive": revision(connection, "archive"), "volume": revision(connection)}
        connection.execute("DETACH archive")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return {**result, "files": files, "collections": brought, "schema": schema, "integrity": "ok"}


def _choose_missing(connection: Connection, manifest: Manifest) -> Archived:
    """Choose, among the archive's rows, those of chats that are not there now, and what hangs on them."""
    begin_choice(connection)
    owners, converts = _owners(connection), _converts(connection)
    none = Archived(manifest.user, frozenset(owners), frozenset())
    _choose(connection, "chat", lambda row: none.is_of(row["user_id"]) and not _is_copy(row), "user_id")
    own = Archived(none.user, none.there, frozenset(chosen_values(connection, "chat", "id", "archive")))

    def is_of_coming(row: dict[str, object]) -> bool:
        original = original_of(row["user_id"])
        return original is not None and not converts and own.take(original, owners.get(original))

    _choose(connection, "chat", is_of_coming, "user_id")
    archived = Archived(none.user, none.there, frozenset(chosen_values(connection, "chat", "id", "archive")))
    for table in HANGING:
        _choose(connection, table, lambda row: archived.take(row["chat_id"], row["user_id"]), *HANGS)
    rated = ("meta", "snapshot", "user_id")
    _choose(connection, "feedback", lambda row: archived.take(chat_of_feedback(row), row["user_id"]), *rated)
    for table in ("tag", "folder"):
        _choose(connection, table, lambda row: archived.is_of(row["user_id"]), "user_id")
    _choose_grants(connection, archived)
    return archived


def _is_copy(row: dict[str, object]) -> bool:
    return original_of(row["user_id"]) is not None


def _owners(connection: Connection) -> dict[object, object]:
    """Whose the archived chats are, by the chat's id."""
    found = picked(connection, "chat", "id", "user_id", schema="archive")
    return {row["id"]: row["user_id"] for _, row in found}


def _converts(connection: Connection) -> bool:
    """Whether shared copies were chats in the archive, and have a table of their own here (since 0.9.0)."""
    return bool(columns(connection, "shared_chat")) and not columns(connection, "shared_chat", "archive")


def _choose(
    connection: Connection, table: str, take: Callable[[dict[str, object]], bool], *names: str
) -> None:
    """Choose the archive's rows of a table that are not here, by their key, and that are to come back."""
    if not columns(connection, table) or not columns(connection, table, "archive"):
        return
    shared = [name for name in columns(connection, table) if name in columns(connection, table, "archive")]
    known = [name for name in key(connection, table) if name in shared] or shared
    same = " AND ".join(f"this.{named(name)} IS that.{named(name)}" for name in known)
    here = f"SELECT 1 FROM main.{named(table)} AS this WHERE {same}"
    question = f"SELECT rowid FROM archive.{named(table)} AS that WHERE NOT EXISTS ({here})"
    missing = {row for (row,) in connection.execute(question)}
    found = picked(connection, table, *names, schema="archive")
    add_chosen(connection, table, [row for row, each in found if row in missing and take(each)])


def _choose_grants(connection: Connection, archived: Archived) -> None:
    """Permissions on what comes back, never others: somebody may have taken them away on purpose."""
    shares = {row["id"] for _, row in picked(connection, "shared_chat", "id", schema="archive")}
    coming = chosen_values(connection, "shared_chat", "id", "archive")
    folders = chosen_values(connection, "folder", "id", "archive")

    def take(row: dict[str, object]) -> bool:
        on = row["resource_id"]
        if row["resource_type"] == "folder":
            return on in folders
        orphan = on not in shares and archived.take(on, None)
        return row["resource_type"] == "shared_chat" and (on in coming or orphan)

    _choose(connection, "access_grant", take, "resource_type", "resource_id")


def _mentioned(connection: Connection, options: Options) -> set[str]:
    """The uploads and collections that rows speak of which come back."""
    files = {str(row["id"]) for _, row in picked(connection, "file", "id", schema="archive")}
    interest = files | collections(options.kept / COPY)
    there = [table for table in TAKEN if columns(connection, table, "archive")]
    return set(mentions(connection, there, interest, chosen=True, schema="archive").owners)


def _collections_to_bring(connection: Connection, options: Options, mentioned: set[str]) -> set[str]:
    """The collections of the uploads that come back, and of pages that their chats read."""
    if kind_of_vectors(options.data) == "other":
        return set()
    wanted = {f"file-{file}" for file in chosen_values(connection, "file", "id", "archive")}
    wanted |= {name for name in mentioned if re.fullmatch(PAGES, name)}
    return wanted & collections(options.kept / COPY)


def _bring_files(connection: Connection, options: Options, manifest: Manifest) -> dict[str, int]:
    """Bring the uploads that rows speak of or will, and what was cached of chats, where they are missing."""
    known = chosen_values(connection, "file", "id", "archive")
    known |= {row["id"] for _, row in picked(connection, "file", "id")}
    return bring_missing(options, manifest, known, cached=manifest.user is None)


def _insert(connection: Connection, archived: Archived) -> dict[str, object]:
    """Insert the chosen rows, with the columns that both versions have: what came, stayed, could not come."""
    before = counts(connection)
    added: dict[str, int] = {}
    short: dict[str, int] = {}
    for done, table in enumerate(TAKEN):
        step("insert rows", done, len(TAKEN))
        wanted = count_chosen(connection, table)
        if not wanted:
            continue
        there = columns(connection, table, "archive")
        listed = ", ".join(named(name) for name in columns(connection, table) if name in there)
        chosen = "rowid IN (SELECT row FROM temp.chosen WHERE tab = ?) ORDER BY rowid"
        rows = f"SELECT {listed} FROM archive.{named(table)} WHERE {chosen}"
        into = f"INSERT OR IGNORE INTO main.{named(table)} ({listed}) {rows}"
        added[table] = connection.execute(into, (table,)).rowcount
        if added[table] < wanted:
            short[table] = wanted - added[table]
    _convert_copies(connection, added)
    remembered = _remember(connection, archived)
    after = counts(connection)
    if after != {table: rows + added.get(table, 0) for table, rows in before.items()}:
        raise Problem("unexpected", "other rows would change")
    whole(connection, "what would be put back")
    kept: dict[str, int] = {}
    for table in TAKEN:
        if not columns(connection, table, "archive"):
            continue
        rest = count(connection, table, "archive") - added.get(table, 0) - short.get(table, 0)
        (kept if table in before else short)[table] = rest
    return {
        "restored": added,
        "kept": kept,
        "not_restored": short,
        "changed": remembered,
        "without_account": _without_account(connection),
    }


def _convert_copies(connection: Connection, added: dict[str, int]) -> None:
    """Make shared chats of an old version's copies, as Open WebUI's migration c1d2e3f4a5b6 does."""
    if not _converts(connection):
        return
    chosen = set(chosen_values(connection, "chat", "id", "archive"))
    owners = {
        row["id"]: row["user_id"] for _, row in picked(connection, "chat", "id", "user_id", schema="archive")
    }
    grants = bool(columns(connection, "access_grant"))
    for row, each in list(picked(connection, "chat", "id", "user_id", "created_at", schema="archive")):
        chat = original_of(each["user_id"])
        if chat not in chosen:
            continue
        done = connection.execute(
            "INSERT OR IGNORE INTO main.shared_chat "
            "(id, chat_id, user_id, title, chat, created_at, updated_at) "
            "SELECT id, ?, ?, title, chat, created_at, updated_at FROM archive.chat WHERE rowid = ?",
            (chat, owners[chat], row),
        ).rowcount
        added["shared_chat"] = added.get("shared_chat", 0) + done
        if done and grants:
            added["access_grant"] = (
                added.get("access_grant", 0)
                + connection.execute(
                    "INSERT OR IGNORE INTO main.access_grant "
                    "(id, resource_type, resource_id, principal_type, principal_id, permission, created_at) "
                    "VALUES (?, 'shared_chat', ?, 'user', '*', 'read', ?)",
                    (str(uuid.uuid4()), chat, each["created_at"] or 0),
                ).rowcount
            )


def _remember(connection: Connection, archived: Archived) -> dict[str, int]:
    """Have what stayed refer again to what came back, unless it refers to something else by now."""
    changed = {}
    for table, column, of in FORGOTTEN:
        if not {column, "id"} <= set(columns(connection, table)) & set(columns(connection, table, "archive")):
            continue
        back = set(chosen_values(connection, of, "id", "archive"))
        there = {row["id"] for _, row in picked(connection, of, "id", schema="archive")}
        told = [
            (row[column], row["id"])
            for _, row in picked(connection, table, column, "id", schema="archive")
            if row[column] is not None and (row[column] in back or row[column] not in there)
        ]
        update = f"UPDATE main.{table} SET {column} = ? WHERE id = ? AND {column} IS NULL"
        changed[table] = connection.executemany(update, told).rowcount if told else 0
    return changed


def _forget_pending(connection: Connection, manifest: Manifest, back: set[str]) -> None:
    """What came back is not to be removed by the next wipe, which finishes one that was killed."""
    if not columns(connection, PENDING):
        return
    known = {row["id"] for _, row in picked(connection, "file", "id")}
    noted = connection.execute(f"SELECT rowid, kind, name FROM {PENDING}").fetchall()
    for row, kind, name in noted:
        if (kind == "file" and name in known) or (kind != "file" and (name in back or name in manifest.kept)):
            connection.execute(f"DELETE FROM {PENDING} WHERE rowid = ?", (row,))
    if count(connection, PENDING) == 0:
        connection.execute(f"DROP TABLE {PENDING}")


def _without_account(connection: Connection) -> int:
    """Chats here whose account is not: nobody but an administrator of the database sees them."""
    accounts = {row["id"] for _, row in picked(connection, "user", "id")}
    owners = [row["user_id"] for _, row in picked(connection, "chat", "user_id")]
    return sum(owner not in accounts and original_of(owner) is None for owner in owners)
