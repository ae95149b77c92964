"""Which uploads, collections and cached files the text of rows speaks of: their names are unmistakable."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import step
    from resources.open_webui.choosing import count_chosen
    from resources.open_webui.database import columns, named
    from resources.open_webui.files import Entry, entries

UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
# Collections of pages and searches: a hash, or this word with one (routers/retrieval.py of 0.12.4).
PAGES = r"web-search-[0-9A-Za-z-]+|[0-9a-f]{63,64}"
# With the ids of files, and the names of cached speech, recordings and pictures.
NAMES = re.compile(rf"{PAGES}|{UUID}")


def names_in(value: object) -> Iterator[str]:
    """The names in one value of a row."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        yield from NAMES.findall(value)


def name_of_file(path: str) -> str | None:
    """The name by which rows know a file of `uploads/` (`<id>_<name>`) or of the cache."""
    own = path.rpartition("/")[2]
    found = re.match(rf"({UUID}|[0-9a-f]{{64}})(?:[_.]|$)", own)
    return found[1] if found else None


def files_by_name(data: Path, folders: Iterable[str]) -> dict[str, list[Entry]]:
    """The files directly in some folders, by the name that rows know them by; others are left out."""
    found: dict[str, list[Entry]] = {}
    for folder in folders:
        for entry in entries(data, folder):
            name = name_of_file(entry.path)
            if name is not None and entry.kind == "file" and entry.path.count("/") == folder.count("/") + 1:
                found.setdefault(name, []).append(entry)
    return found


@dataclass(slots=True)
class Mentions:
    """Names that rows speak of, each with the accounts whose rows those are."""

    owners: dict[str, set[object]] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.owners


def mentions(
    connection: Connection,
    among: Iterable[str],
    interest: set[str],
    *,
    chosen: bool,
    schema: str = "main",
) -> Mentions:
    """What the chosen rows of some tables speak of, or those that are not chosen (`choosing.py`).

    A row of `file` always names itself, which says nothing.
    """
    found = Mentions()
    if not interest:
        return found
    for table in among:
        there = columns(connection, table, schema)
        owner = there.index("user_id") if "user_id" in there else None
        own_id = there.index("id") if table == "file" and "id" in there else None
        for row in _rows_read(connection, table, chosen, schema):
            itself = row[own_id] if own_id is not None else None
            for name in {name for value in row for name in names_in(value)} & interest:
                if name != itself:
                    found.owners.setdefault(name, set()).add(row[owner] if owner is not None else None)
    return found


def _rows_read(connection: Connection, table: str, chosen: bool, schema: str) -> Iterator[tuple[object, ...]]:
    where = f"rowid {'IN' if chosen else 'NOT IN'} (SELECT row FROM temp.chosen WHERE tab = :table)"
    if not chosen and count_chosen(connection, table) == 0:
        where = "true"  # a table without rowids has no row that could be chosen
    question = f"SELECT * FROM {schema}.{named(table)} WHERE {where}"
    for done, row in enumerate(connection.execute(question, {"table": table})):
        if done % 100 == 0:
            step(f"read {table}", done)
        yield row
