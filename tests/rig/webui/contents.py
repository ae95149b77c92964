"""What is in a volume of Open WebUI, to the row and the byte. Nothing here ever changes the volume."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Key = tuple[Any, ...]
Tables = dict[str, dict[Key, str]]

DATABASE = "webui.db"
VECTORS = "vector_db/chroma.sqlite3"


@contextmanager
def opened(folder: Path, *, running: bool, database: str = DATABASE) -> Iterator[sqlite3.Connection]:
    """A copy of a database of the volume, with what its write-ahead log holds.

    While the container runs SQLite makes the copy. When nobody has the database open, files are copied: a
    connection of ours would merge the log into it.
    """
    source = folder / database
    with tempfile.TemporaryDirectory(prefix="sparktray-webui-") as scratch:
        copy = Path(scratch) / "copy.db"
        if running:
            with (
                closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as live,
                closing(sqlite3.connect(copy)) as target,
            ):
                live.backup(target)
        else:
            shutil.copy(source, copy)
            log = source.with_name(source.name + "-wal")
            if log.exists():
                shutil.copy(log, copy.with_name(copy.name + "-wal"))
        with closing(sqlite3.connect(copy)) as connection:
            yield connection


def table_names(connection: sqlite3.Connection) -> list[str]:
    """The tables, sorted."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [str(name) for (name,) in found]


def rows(connection: sqlite3.Connection) -> Tables:
    """Every row of every table: table -> primary key (rowid without one) -> hash of all columns by name."""
    return {table: _rows_of(connection, table) for table in table_names(connection)}


def _rows_of(connection: sqlite3.Connection, table: str) -> dict[Key, str]:
    columns = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    names = [str(column[1]) for column in columns]
    keys = [names.index(str(column[1])) for column in sorted(columns, key=lambda each: each[5]) if column[5]]
    found: dict[Key, str] = {}
    selected = ", ".join(f'"{name}"' for name in names)
    query = f'SELECT {selected} FROM "{table}"'  # noqa: S608 (names read from the schema)
    for number, row in enumerate(connection.execute(query)):
        key = tuple(row[place] for place in keys) or (number,)
        found[key] = _hash(repr(sorted(zip(names, row, strict=True))).encode())
    return found


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of the rows of one table, or of the files of a folder."""

    gone: frozenset[Any]
    new: frozenset[Any]
    changed: frozenset[Any]


def difference(before: Mapping[Any, str], after: Mapping[Any, str]) -> Difference:
    """AFTER against BEFORE."""
    both = before.keys() & after.keys()
    return Difference(
        frozenset(before.keys() - after.keys()),
        frozenset(after.keys() - before.keys()),
        frozenset(key for key in both if before[key] != after[key]),
    )


def differences(before: Tables, after: Tables) -> dict[str, Difference]:
    """The tables that differ; one that is missing counts as empty."""
    compared = {
        table: difference(before.get(table, {}), after.get(table, {}))
        for table in before.keys() | after.keys()
    }
    return {table: found for table, found in compared.items() if found.gone or found.new or found.changed}


def files(folder: Path, *below: str) -> dict[str, str]:
    """Mode, owner and content of everything in these folders of the volume, by relative path."""
    return {
        str(path.relative_to(folder)): _describe(path)
        for start in below
        for path in sorted((folder / start).rglob("*"))
    }


def _describe(path: Path) -> str:
    found = path.lstat()
    if path.is_symlink():
        content = f"-> {path.readlink()}"
    elif stat.S_ISDIR(found.st_mode):
        content = "folder"
    else:
        content = _hash(path.read_bytes())
    return f"{found.st_mode:o} {found.st_uid}:{found.st_gid} {content}"


def files_with(folder: Path, word: str) -> list[str]:
    """The files of the volume that hold WORD's bytes anywhere, also in pages no longer in use."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and word.encode() in path.read_bytes():
            found.append(str(path.relative_to(folder)))
    return found


def columns_with(connection: sqlite3.Connection, word: str) -> dict[str, int]:
    """`table.column` -> in how many rows WORD stands there."""
    found: dict[str, int] = {}
    for table in table_names(connection):
        for column in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            name = column[1]
            query = f'SELECT count(*) FROM "{table}" WHERE instr("{name}", ?) > 0'  # noqa: S608 (as above)
            count = int(connection.execute(query, (word,)).fetchone()[0])
            if count:
                found[f"{table}.{name}"] = count
    return found
