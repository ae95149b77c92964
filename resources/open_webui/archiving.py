"""Copying what Open WebUI has into an empty volume, and reading the copy back before it counts as one."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import Options, Problem, step
    from resources.open_webui.database import (
        backed_up,
        connect,
        counts,
        frozen,
        reading,
        revision,
        sqlite_problems,
        whole,
    )
    from resources.open_webui.files import (
        CHROMA,
        DATABASE,
        Entry,
        copied,
        dressed,
        entries,
        entry_of,
        is_database,
        is_model,
        removed,
        room_for,
        settled,
        sha256,
    )
    from resources.open_webui.manifest import (
        BEGUN,
        COPY,
        MANIFEST,
        Kept,
        Manifest,
        prove,
        read_manifest,
        write_json,
        write_manifest,
    )

# A file that Open WebUI is writing is copied again, and then taken as it is.
ATTEMPTS = 3


def archive(options: Options) -> dict[str, object]:
    """The command: make the archive of an operation, or prove the one that is there.

    Open WebUI may be running: its databases are copied as of one moment.
    """
    place = options.kept
    if entry_of(place, MANIFEST) is not None:
        return _of_this_operation(options)
    _take_over(place, options.operation)
    needed = needed_bytes(options.data)
    room_for(place, needed)
    kept: dict[str, Kept] = {}
    with reading(options.data / DATABASE, options.patience) as source:
        schema, rows = revision(source), counts(source)
        step("begin")
        kept[DATABASE] = _database(options, DATABASE, source)
    for entry in archived(options.data):
        if entry.path != DATABASE and (each := _copy_of(options, entry)) is not None:
            kept[entry.path] = each
    for path in reversed(kept):  # a folder's time changes with what is put into it
        if kept[path].entry.kind == "folder":
            dressed(place / COPY / path, kept[path].entry)
            settled(place / COPY / path)
    settled(place / COPY)
    _prove(options, rows, kept)
    write_manifest(options, schema, rows, kept)
    step("complete")
    return _result(options)


def archived(data: Path) -> Iterator[Entry]:
    """All of the volume that an archive takes: not the models, not what SQLite has beside its databases."""
    for entry in entries(data):
        if entry.kind != "other" and not is_model(entry.path) and not is_database(entry.path):
            yield entry


def needed_bytes(data: Path) -> int:
    """What an archive of the volume takes."""
    wal = entry_of(data, f"{DATABASE}-wal")
    return (wal.size if wal is not None else 0) + sum(
        entry.size for entry in archived(data) if entry.kind == "file"
    )


def _of_this_operation(options: Options) -> dict[str, object]:
    manifest = read_manifest(options.kept)
    if manifest.operation != options.operation:
        raise Problem("archive-taken", f"it is the archive of {manifest.operation}")
    prove(options.kept, manifest)
    return _result(options)


def _result(options: Options) -> dict[str, object]:
    manifest = read_manifest(options.kept)
    kept = manifest.kept.values()
    return {
        "created_at": manifest.created_at,
        "schema": manifest.schema,
        "counts": manifest.counts,
        "files": sum(each.entry.kind == "file" for each in kept),
        "bytes": sum(each.entry.size for each in kept if each.entry.kind == "file"),
        "unsettled": sum(each.unsettled for each in kept),
    }


def _take_over(place: Path, operation: str) -> None:
    """Only an empty volume is filled; what an earlier run of this program left in it is made anew."""
    there = [name for name in sorted(os.listdir(place)) if name != "lost+found"]
    begun = entry_of(place, BEGUN) is not None
    strangers = [name for name in there if name not in (BEGUN, COPY) and not name.endswith(".json.part")]
    if strangers or (COPY in there and not begun):
        raise Problem("archive-taken", f"it holds {(strangers or there)[0]}, which is no archive's")
    write_json(place, BEGUN, {"operation": operation})
    step("begin")
    removed(place, COPY)
    (place / COPY).mkdir()
    settled(place)


def _database(options: Options, path: str, source: Connection) -> Kept:
    target = options.kept / COPY / path
    entry = entry_of(options.data, path)
    if entry is None:
        raise Problem("no-database", f"{path} is gone")
    backed_up(source, target)
    dressed(target, entry)
    step("copy database")
    size = target.stat().st_size
    return Kept(replace(entry, size=size), sha256(target), original=entry.size)


def _copy_of(options: Options, entry: Entry) -> Kept | None:
    """Copy one thing; None when Open WebUI, which may be running, has removed it since."""
    source, target = options.data / entry.path, options.kept / COPY / entry.path
    if entry.kind == "folder":
        target.mkdir()
        step("copy")
        return Kept(entry, "", 0)
    if entry.kind == "link":
        os.symlink(entry.target, target)
        dressed(target, entry)
        step("copy")
        return Kept(entry, "", 0)
    if entry.path == CHROMA:
        with reading(source, options.patience) as connection:
            return _database(options, entry.path, connection)
    digest = ""
    for _ in range(ATTEMPTS):
        digest = copied(source, target, entry)
        now = entry_of(options.data, entry.path)
        if now is None:
            target.unlink()
            return None
        if (now.size, now.mtime_ns) == (entry.size, entry.mtime_ns):
            return Kept(entry, digest, entry.size)
        entry = now
    return Kept(replace(entry, size=target.stat().st_size), digest, entry.size, unsettled=True)


def _prove(options: Options, rows: dict[str, int], kept: dict[str, Kept]) -> None:
    """Read everything back, and look into the database."""
    prove(options.kept, Manifest(options.operation, None, 0.0, None, rows, kept))
    path = options.kept / COPY / DATABASE
    with sqlite_problems(DATABASE), closing(connect(frozen(path))) as copy:
        whole(copy, "the copy", "integrity_check")
        if (found := counts(copy)) != rows:
            raise Problem("archive-damaged", f"the copy holds {found}, not {rows}")
    step("verify")
