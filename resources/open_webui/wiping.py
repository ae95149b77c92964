"""Taking the chats out of Open WebUI, or everything, so that no byte of them is left in the volume.

Chats: one transaction takes the rows and notes which files go with them; the files follow, and a run that
was killed in between is finished by the next. Everything: the database goes first, in one piece, so that Open
WebUI never comes up with chats but no accounts, or the other way round.
"""

from pathlib import Path
from sqlite3 import Connection, OperationalError
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import Options, Problem, step
    from resources.open_webui.choosing import TAKEN, Going, choose, count_chosen, picked
    from resources.open_webui.covering import covered, covered_files
    from resources.open_webui.database import PENDING, alone, columns, counts, faults, named, tables, whole
    from resources.open_webui.files import (
        CACHED,
        CHROMA,
        DATABASE,
        UPLOADS,
        WORK,
        entries,
        entry_of,
        is_model_or_above,
        removed,
        removed_entry,
        room_for,
        settled,
        within,
    )
    from resources.open_webui.references import files_by_name
    from resources.open_webui.vectors import removable, remove_collections


def wipe(options: Options) -> dict[str, object]:
    """The command, of either scope."""
    return _wipe_everything(options) if options.scope == "everything" else _wipe_chats(options)


def _wipe_chats(options: Options) -> dict[str, object]:
    data = options.data
    with alone(data / DATABASE, options.patience) as connection:
        whole(connection, DATABASE)
        _refuse_triggers(connection)
        before = _volume_bytes(data)
        # Up to all pages of the database go through its -wal, and again when it is written anew without them.
        room_for(data, (data / DATABASE).stat().st_size)
        step("choose")
        going = choose(connection, data, options.cutoff)
        if options.archive is not None:
            covered(connection, options, going)
        removable(going.collections)
        # Nobody came in between: the lock is held from the first look on.
        connection.execute("BEGIN EXCLUSIVE")
        rows, changed = _take(connection, going)
        step("before commit")
        connection.execute("COMMIT")
        step("committed")
        files = _finish(connection, data)
        compacted = _compact(connection)
        left = counts(connection)
        integrity = faults(connection)
    return {
        "removed": rows,
        "chats": going.chats,
        "changed": changed,
        "files": files,
        "bytes": {"before": before, "after": _volume_bytes(data)},
        "compacted": compacted,
        "integrity": integrity,
        "left": left,
        "audit_log": entry_of(data, "audit.log") is not None,
    }


def _volume_bytes(data: Path) -> int:
    return sum(entry.size for entry in entries(data) if entry.kind == "file")


def _refuse_triggers(connection: Connection) -> None:
    """Open WebUI has none: a trigger would change more than was looked at."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    if found:
        raise Problem("unexpected", f"the database has triggers, as {found[0][0]}")


def _take(connection: Connection, going: Going) -> tuple[dict[str, int], dict[str, int]]:
    """Take the chosen rows and note the files; what was taken, and in how many rows a reference to it."""
    before = counts(connection)
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {PENDING} (kind TEXT, name TEXT, PRIMARY KEY (kind, name))"
    )
    noted = [("file", file) for file in going.files]
    noted += [("cached", entry.path) for entry in going.cached]
    noted += [("collection", name) for name in going.collections]
    connection.executemany(f"INSERT OR IGNORE INTO {PENDING} VALUES (?, ?)", noted)
    changed = _let_go(connection)
    taken = {}
    for done, table in enumerate(TAKEN):
        step("delete rows", done, len(TAKEN))
        if table in before:
            taken[table] = count_chosen(connection, table)
            chosen = "rowid IN (SELECT row FROM temp.chosen WHERE tab = ?)"
            connection.execute(f"DELETE FROM main.{named(table)} WHERE {chosen}", (table,))
    after = counts(connection)
    expected = {table: rows - taken.get(table, 0) for table, rows in before.items()}
    if after != expected:
        odd = sorted(table for table in {*after, *expected} if after.get(table) != expected.get(table))
        raise Problem("unexpected", f"other rows would change, in {', '.join(odd)}")
    return taken, changed


def _let_go(connection: Connection) -> dict[str, int]:
    """Have what stays refer to nothing that goes; the rows that were changed."""
    changed = {}
    for table, column, of in (("automation_run", "chat_id", "chat"), ("automation", "folder_id", "folder")):
        if column not in columns(connection, table) or of not in tables(connection):
            continue
        chosen = "rowid IN (SELECT row FROM temp.chosen WHERE tab = ?)"
        goes = f"{column} IN (SELECT id FROM main.{of} WHERE {chosen})"
        update = f"UPDATE main.{table} SET {column} = NULL WHERE {column} IS NOT NULL AND {goes}"
        changed[table] = connection.execute(update, (of,)).rowcount
    return changed


def _finish(connection: Connection, data: Path) -> dict[str, int]:
    """Remove the files that were noted, also by a run that was killed; what rows have again stays."""
    noted = connection.execute(f"SELECT kind, name FROM {PENDING}").fetchall()
    known = {row["id"] for _, row in picked(connection, "file", "id")}
    files = {name for kind, name in noted if kind == "file" and name not in known}
    cached = [name for kind, name in noted if kind == "cached" and _is_cached(data, name)]
    uploads = files_by_name(data, [UPLOADS]) if files else {}
    gone = [entry.path for name in sorted(files) for entry in uploads.get(name, ())]
    freed = 0
    for done, path in enumerate([*gone, *cached]):
        step("delete files", done, len(gone) + len(cached))
        freed += removed(data, path)
    vectors = {
        name for kind, name in noted if kind == "collection" and name.removeprefix("file-") not in known
    }
    dropped = remove_collections(data, vectors)
    for folder in (UPLOADS, *CACHED):
        found = entry_of(data, folder)
        if found is not None and found.kind == "folder" and within(data, folder):
            settled(data / folder)
    connection.execute(f"DROP TABLE {PENDING}")
    step("files deleted")
    return {"uploads": len(gone), "cached": len(cached), "bytes": freed, "collections": dropped}


def _is_cached(data: Path, path: str) -> bool:
    return path.rpartition("/")[0] in CACHED and within(data, path)


def _compact(connection: Connection) -> bool:
    """Write the database anew without what was deleted; False when the disk had no room for that.

    What was deleted is overwritten in either case (`secure_delete`); only the file stays as large.
    """
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    step("compact")
    try:
        connection.execute("VACUUM")
    except OperationalError as failed:
        if failed.sqlite_errorname != "SQLITE_FULL":
            raise
        return False
    finally:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    step("compacted")
    return True


def _wipe_everything(options: Options) -> dict[str, object]:
    """Empty the volume but for the models. Killed at any point, the next run goes on."""
    data = options.data
    before = _volume_bytes(data)
    rows = _database_that_goes(options)
    if options.archive is not None:
        covered_files(options)
    step("empty")
    freed = sum(removed(data, DATABASE + ending) for ending in ("", "-wal", "-shm", "-journal"))
    settled(data)
    step("database gone")
    # Chroma starts anew without its database, and stumbles over one whose folders are missing.
    freed += removed(data, CHROMA)
    files = 0
    for entry in reversed(list(entries(data))):
        if not is_model_or_above(data, entry):
            files += entry.kind != "folder"
            freed += removed_entry(data, entry)
    freed += removed(data, WORK)
    settled(data)
    return {
        "removed": rows,
        "files": {"count": files, "bytes": freed},
        "bytes": {"before": before, "after": _volume_bytes(data)},
        "left": {"models_bytes": _volume_bytes(data)},
    }


def _database_that_goes(options: Options) -> dict[str, int]:
    """The rows that go. Refuses while another program has the database; one that is damaged may go."""
    if entry_of(options.data, DATABASE) is None:
        return {}
    try:
        with alone(options.data / DATABASE, options.patience) as connection:
            if options.archive is not None:
                whole(connection, DATABASE)
                covered(connection, options, None)
            return counts(connection)
    except Problem as problem:
        if options.archive is None and problem.code in ("database-corrupt", "no-database"):
            return {}
        raise
