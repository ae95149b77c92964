"""Putting a whole archive in the place of what is in the volume; the models stay as they are.

Whoever asks for it has archived what is there. Single files first, then the vectors at once, then the
database in one piece, then what the archive does not have goes: killed at any point, Open WebUI finds either
its old database or the archived one, and the next run goes on.
"""

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import Options, Problem, step
    from resources.open_webui.database import alone, connect, counts, frozen, sqlite_problems
    from resources.open_webui.files import (
        DATABASE,
        VECTORS,
        WORK,
        dressed,
        entries,
        entry_of,
        is_model_or_above,
        put,
        removed,
        removed_entry,
        room_for,
        settled,
        sha256,
        within,
    )
    from resources.open_webui.manifest import Kept, Manifest, databases, prove
    from resources.open_webui.returning import bring, clear_work, make_work, staged


def replace_everything(options: Options, manifest: Manifest) -> dict[str, object]:
    """Have the volume hold what the archive holds."""
    data = options.data
    known = _known_here(options, manifest)
    databases(manifest)
    prove(options.kept, manifest)
    _nobody_else(options)
    different = [kept for kept in manifest.kept.values() if not _is_same(data, kept)]
    size = sum(kept.entry.size for kept in different if kept.entry.kind == "file")
    room_for(data, size)
    clear_work(data)
    step("begin")
    vectors = [kept for kept in manifest.kept.values() if _is_vector(kept.entry.path)]
    for done, kept in enumerate(different):
        step("copy files", done, len(different))
        if kept.entry.path != DATABASE and not _is_vector(kept.entry.path):
            _bring(options, kept)
    if any(_is_vector(kept.entry.path) for kept in different) or _has_more_vectors(data, manifest):
        _swap_vectors(options, vectors)
    if any(kept.entry.path == DATABASE for kept in different):
        _swap_database(options, manifest.kept[DATABASE])
    surplus = _remove_surplus(data, manifest)
    clear_work(data)
    settled(data)
    with sqlite_problems(DATABASE), closing(connect(frozen(data / DATABASE))) as connection:
        if (found := counts(connection)) != manifest.counts:
            raise Problem("unexpected", f"the database holds {found}, not {manifest.counts}")
    return {
        "restored": manifest.counts,
        "files": {"count": len(different), "bytes": size, "removed": surplus},
        "schema": {"archive": manifest.schema, "known_here": known},
        "integrity": "ok",
    }


def _known_here(options: Options, manifest: Manifest) -> bool | None:
    """Whether this image knows the archive's version of the schema; None when that cannot be told.

    An older Open WebUI does not start on a newer database: `newer-archive`.
    """
    here = sorted(options.migrations.glob("*.py")) if options.migrations.is_dir() else []
    if not here or manifest.schema is None:
        return None
    if not any(manifest.schema in path.name or manifest.schema in path.read_text("utf-8") for path in here):
        raise Problem("newer-archive", f"this image knows no schema {manifest.schema}")
    return True


def _nobody_else(options: Options) -> None:
    """Refuse while another program has the database; a damaged one is replaced all the same."""
    if entry_of(options.data, DATABASE) is None:
        return
    try:
        with alone(options.data / DATABASE, options.patience):
            pass
    except Problem as problem:
        if problem.code not in ("database-corrupt", "no-database"):
            raise


def _is_same(data: Path, kept: Kept) -> bool:
    found = entry_of(data, kept.entry.path)
    if found is None or not within(data, kept.entry.path):
        return False
    if found.kind != kept.entry.kind or found.target != kept.entry.target:
        return False
    return found.kind != "file" or (
        found.size == kept.entry.size and sha256(data / kept.entry.path) == kept.sha256
    )


def _is_vector(path: str) -> bool:
    return path == VECTORS or path.startswith(f"{VECTORS}/")


def _has_more_vectors(data: Path, manifest: Manifest) -> bool:
    return any(entry.path not in manifest.kept for entry in entries(data, VECTORS))


def _bring(options: Options, kept: Kept) -> None:
    _make_way(options.data, kept.entry.path, kept.entry.kind)
    _make(options, kept, options.data / kept.entry.path)


def _make(options: Options, kept: Kept, place: Path) -> None:
    entry = kept.entry
    match entry.kind:
        case "folder":
            place.mkdir(exist_ok=True)
        case "link":
            place.unlink(missing_ok=True)
            os.symlink(entry.target, place)
            dressed(place, entry)
        case _:
            bring(options, kept)


def _make_way(data: Path, path: str, kind: str) -> None:
    """Remove what is no folder above a path, and at it what is of another kind."""
    parts = path.split("/")
    for number in range(1, len(parts)):
        above = entry_of(data, "/".join(parts[:number]))
        if above is not None and above.kind != "folder":
            removed(data, above.path)
    (data / path).parent.mkdir(parents=True, exist_ok=True)
    found = entry_of(data, path)
    if found is not None and found.kind != kind:
        removed(data, path)


def _swap_vectors(options: Options, vectors: list[Kept]) -> None:
    """The folder of the vectors as a whole: its database and its indexes belong together."""
    data, new = options.data, options.data / WORK / VECTORS
    for kept in vectors:
        if kept.entry.kind == "folder":
            make_work(data, new.parent / kept.entry.path)
        elif kept.entry.kind == "file":
            staged(options, kept, kept.entry.path)
    for kept in reversed(vectors):
        if kept.entry.kind == "folder":
            dressed(new.parent / kept.entry.path, kept.entry)
            settled(new.parent / kept.entry.path)
    if entry_of(data, VECTORS) is not None:
        make_work(data, data / WORK)
        put(data, data / VECTORS, f"{WORK}/old")
    if vectors:
        put(data, new, VECTORS)


def _swap_database(options: Options, kept: Kept) -> None:
    """Put the archived database over the one that is there, of which nothing may be left beside it.

    SQLite would play back the `-wal` of the old one into the new one.
    """
    data = options.data
    new = staged(options, kept, DATABASE)
    found = entry_of(data, DATABASE)
    if found is not None and found.kind == "file":
        try:
            with alone(data / DATABASE, options.patience) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        except Problem as problem:
            if problem.code != "database-corrupt":
                raise
    elif found is not None:
        removed(data, DATABASE)
    for ending in ("-wal", "-shm", "-journal"):
        removed(data, DATABASE + ending)
    settled(data)
    step("swap database")
    put(data, new, DATABASE)


def _remove_surplus(data: Path, manifest: Manifest) -> int:
    """Remove what the archive does not have, and dress the folders that were changed; how many files went."""
    went = 0
    for entry in reversed(list(entries(data))):
        if entry.path not in manifest.kept and not is_model_or_above(data, entry):
            went += entry.kind != "folder"
            removed_entry(data, entry)
    for kept in reversed(manifest.kept.values()):
        if kept.entry.kind == "folder":
            dressed(data / kept.entry.path, kept.entry)
    return went
