"""SQLite: opened for reading without leaving a trace, or for this program alone; tables by what is there."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from resources.open_webui.answers import Problem, step

# Rows of this program's own, in the database while a wipe has files left to remove (wiping.py).
PENDING = "sparktray_pending"


@contextmanager
def reading(path: Path, patience: float = 10.0) -> Iterator[sqlite3.Connection]:
    """One consistent picture of a database that may be in use. No file is written or created beside it.

    Raises `Problem`: `no-database`, `database-corrupt`, `database-locked`.
    """
    if path.is_symlink() or not path.is_file():
        raise Problem("no-database", f"{path.name} is not there, or no file")
    before = _signature(path)
    with sqlite_problems(path.name):
        connection, copy = _opened_for_reading(path, patience)
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            yield connection
        finally:
            connection.close()
            if copy is not None:
                shutil.rmtree(copy)
    # Without a lock nobody was kept from writing; with one this is harmless.
    if _is_unlocked(path, before) and _signature(path) != before:
        raise Problem("database-locked", f"{path.name} was changed while it was read")


def _opened_for_reading(path: Path, patience: float) -> tuple[sqlite3.Connection, Path | None]:
    """A connection that writes nothing, and the folder of a copy where only a copy can be read.

    Measured with SQLite 3.40: `mode=ro` alone makes `-shm` and `-wal` for a database in WAL mode.
    """
    wal, shm = path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
    if _size(wal) > 0 and not shm.exists():
        return _copy(path, patience)
    uri = _uri(path, "mode=ro", "readonly_shm=1")
    if _size(wal) <= 0 and _is_wal(path):
        uri = _uri(path, "mode=ro", "immutable=1")
    connection = connect(uri, patience)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as failed:
        connection.close()
        # A journal that a crash left can only be played back by who may write.
        if failed.sqlite_errorname not in ("SQLITE_READONLY_ROLLBACK", "SQLITE_CANTOPEN"):
            raise
        return _copy(path, patience)
    return connection, None


def _copy(path: Path, patience: float) -> tuple[sqlite3.Connection, Path]:
    folder = Path(tempfile.mkdtemp(prefix="sparktray-"))
    for ending in ("", "-wal", "-journal"):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            shutil.copyfile(beside, folder / beside.name)
            step("copy")
    return connect(_uri(folder / path.name), patience), folder


def _signature(path: Path) -> tuple[object, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, _size(path.with_name(path.name + "-wal"))


def _is_unlocked(path: Path, before: tuple[object, ...]) -> bool:
    return before[-1] in (-1, 0) and _is_wal(path)


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return -1


def _is_wal(path: Path) -> bool:
    """Whether the file says that its changes go to a `-wal` beside it (byte 18: the write version)."""
    with open(path, "rb") as file:
        return file.read(20)[18:19] == b"\x02"


@contextmanager
def alone(path: Path, patience: float) -> Iterator[sqlite3.Connection]:
    """A connection that is the only one: `database-locked` when any other, also an idle one, has it open.

    What is deleted through it is overwritten with zeros. Foreign keys cascade nothing.
    """
    if path.is_symlink() or not path.is_file():
        raise Problem("no-database", f"{path.name} is not there, or no file")
    with sqlite_problems(path.name):
        connection = connect(_uri(path, "mode=rw"), patience)
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            for setting in ("foreign_keys = OFF", "secure_delete = ON", "synchronous = FULL"):
                connection.execute(f"PRAGMA {setting}")
            yield connection
        finally:
            connection.close()


def connect(uri: str, patience: float = 10.0) -> sqlite3.Connection:
    """A connection without transactions of its own, which takes text that is no UTF-8 as it is."""
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=patience)
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


def frozen(path: Path) -> str:
    """The address of a database that nobody changes, as that of an archive: read without any lock."""
    return _uri(path, "mode=ro", "immutable=1")


def _uri(path: Path, *options: str) -> str:
    return f"file:{quote(os.fsencode(path.absolute()))}?{'&'.join(options)}"


@contextmanager
def sqlite_problems(name: str) -> Iterator[None]:
    """Tell SQLite's errors in this program's words."""
    try:
        yield
    except sqlite3.Error as failed:
        code = getattr(failed, "sqlite_errorcode", 0) & 0xFF
        known = {
            sqlite3.SQLITE_BUSY: "database-locked",
            sqlite3.SQLITE_LOCKED: "database-locked",
            sqlite3.SQLITE_CORRUPT: "database-corrupt",
            sqlite3.SQLITE_NOTADB: "database-corrupt",
            sqlite3.SQLITE_FULL: "no-space",
            sqlite3.SQLITE_IOERR: "unreadable",
            sqlite3.SQLITE_CANTOPEN: "unreadable",
        }
        raise Problem(known.get(code, "unexpected"), f"{name}: {failed}") from failed


def named(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def tables(connection: sqlite3.Connection, schema: str = "main") -> list[str]:
    """Open WebUI's tables, whatever its version has; neither SQLite's own nor this program's."""
    found = connection.execute(
        f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table' "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [name for (name,) in found if name != PENDING]


def columns(connection: sqlite3.Connection, table: str, schema: str = "main") -> list[str]:
    """The columns of a table, in their order; none when there is no such table."""
    return [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({named(table)})")]


def key(connection: sqlite3.Connection, table: str, schema: str = "main") -> list[str]:
    """What names a row: the primary key, else `id`, which old versions only have a unique index on."""
    found = connection.execute(f"PRAGMA {schema}.table_info({named(table)})").fetchall()
    primary = [row[1] for row in sorted(found, key=lambda row: int(row[5])) if row[5]]
    return primary or [row[1] for row in found if row[1] == "id"]


def count(connection: sqlite3.Connection, table: str, schema: str = "main") -> int:
    """The rows of a table."""
    return int(connection.execute(f"SELECT count(*) FROM {schema}.{named(table)}").fetchone()[0])


def counts(connection: sqlite3.Connection, schema: str = "main") -> dict[str, int]:
    """The rows of every table."""
    return {table: count(connection, table, schema) for table in tables(connection, schema)}


def revision(connection: sqlite3.Connection, schema: str = "main") -> str | None:
    """The version of the schema, as Open WebUI's migrations name it."""
    if "version_num" not in columns(connection, "alembic_version", schema):
        return None
    row = connection.execute(f"SELECT version_num FROM {schema}.alembic_version").fetchone()
    return str(row[0]) if row else None


def faults(connection: sqlite3.Connection, check: str = "quick_check") -> str:
    """`ok`, or the first faults that SQLite finds in the database."""
    try:
        return "; ".join(str(row[0]) for row in connection.execute(f"PRAGMA main.{check}(5)"))
    except sqlite3.DatabaseError as failed:
        return str(failed)


def whole(connection: sqlite3.Connection, what: str, check: str = "quick_check") -> None:
    """Refuse a database with faults."""
    if (found := faults(connection, check)) != "ok":
        raise Problem("database-corrupt", f"{what}: {found}")


def backed_up(source: sqlite3.Connection, target: Path) -> None:
    """Copy the picture that a connection reads into a file of its own, with nothing left beside it."""
    target.unlink(missing_ok=True)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy, pages=1024, progress=lambda _, rest, of: step("copy database", of - rest, of))
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()
    finally:
        copy.close()
    with open(target, "rb") as file:
        os.fsync(file.fileno())
