"""Whether an archive really holds what is about to go: row by row, file by file."""

from sqlite3 import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import Options, Problem, step
    from resources.open_webui.archiving import archived
    from resources.open_webui.choosing import Going
    from resources.open_webui.database import columns, frozen, key, named, tables
    from resources.open_webui.files import DATABASE, Entry
    from resources.open_webui.manifest import COPY, Manifest, prove, read_manifest
    from resources.open_webui.vectors import collections


def archive_of(options: Options) -> Manifest:
    """The archive of this very operation; `no-archive` for any other, or for none."""
    try:
        manifest = read_manifest(options.kept)
    except Problem as problem:
        raise Problem("no-archive", problem.detail) from None
    if manifest.operation != options.operation:
        raise Problem("no-archive", f"it is the archive of {manifest.operation}")
    return manifest


def covered(connection: Connection, options: Options, going: Going | None) -> None:
    """Refuse unless each row that goes is in the archive as it is: the chosen ones, or all with no choice."""
    manifest = archive_of(options)
    place = options.kept / COPY
    prove(options.kept, manifest, [DATABASE] if DATABASE in manifest.kept else [])
    connection.execute("ATTACH ? AS archive", (frozen(place / DATABASE),))
    try:
        for table in tables(connection):
            step("compare with the archive")
            if missing := _not_archived(connection, table, chosen=going is not None):
                raise Problem("no-archive", f"{missing} rows of {table} are not in it as they are now")
    finally:
        connection.execute("DETACH archive")
    if going is not None:
        for entry in (*going.uploads, *going.cached):
            _covered_file(manifest, entry)
        if strangers := going.collections - collections(place):
            raise Problem("no-archive", f"the archive lacks {len(strangers)} collections")


def _not_archived(connection: Connection, table: str, *, chosen: bool) -> int:
    """How many of a table's rows, or of its chosen ones, the archive does not hold column by column."""
    names = columns(connection, table)
    where = "this.rowid IN (SELECT row FROM temp.chosen WHERE tab = :table)" if chosen else "true"
    here = f"main.{named(table)} AS this"
    there = f"archive.{named(table)} AS that"
    if not set(names) <= set(columns(connection, table, "archive")):
        question = f"SELECT count(*) FROM {here} WHERE {where}"
    elif key(connection, table):
        same = " AND ".join(f"that.{named(name)} IS this.{named(name)}" for name in names)
        archived_row = f"SELECT 1 FROM {there} WHERE {same}"
        question = f"SELECT count(*) FROM {here} WHERE {where} AND NOT EXISTS ({archived_row})"
    else:
        listed = ", ".join(map(named, names))
        rows = f"SELECT {listed} FROM {here} WHERE {where} EXCEPT SELECT {listed} FROM {there}"
        question = f"SELECT count(*) FROM ({rows})"
    return int(connection.execute(question, {"table": table}).fetchone()[0])


def covered_files(options: Options) -> None:
    """Refuse unless each file of the volume is in the archive as it is. Rows are `covered` by themselves."""
    manifest = archive_of(options)
    for entry in archived(options.data):
        if entry.path != DATABASE:
            step("compare with the archive")
            _covered_file(manifest, entry)


def _covered_file(manifest: Manifest, entry: Entry) -> None:
    kept = manifest.kept.get(entry.path)
    if kept is not None and kept.entry.kind == entry.kind:
        same_file = (kept.original, kept.entry.mtime_ns) == (entry.size, entry.mtime_ns)
        same_link = kept.entry.target == entry.target
        if kept.unsettled or {"file": same_file, "link": same_link}.get(entry.kind, True):
            return
    raise Problem("no-archive", f"{entry.path} is not in the archive as it is now")
