"""The list of what an archive holds: written when all of it is proven, and proven again before it is used."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import Options, Problem, step
    from resources.open_webui.files import DATABASE, VECTORS, Entry, entry_of, settled, sha256, within

MANIFEST = "manifest.json"
BEGUN = "begun.json"
COPY = "data"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing in the archive.

    ``original`` is the size of the file that was copied: SQLite's copy of a database is the same in content,
    not in bytes. ``unsettled`` says that it changed while it was copied, as a log does.
    """

    entry: Entry
    sha256: str
    original: int
    unsettled: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds, of what, and for which operation it was made."""

    operation: str
    user: str | None
    created_at: float
    schema: str | None
    counts: dict[str, int]
    kept: dict[str, Kept]


def write_manifest(options: Options, schema: str | None, rows: dict[str, int], kept: dict[str, Kept]) -> None:
    """The last file of an archive, in one piece or not at all: with it the archive is complete."""
    write_json(
        options.kept,
        MANIFEST,
        {
            "version": VERSION,
            "complete": True,
            "created_at": options.now,
            "operation": options.operation,
            "container": options.container,
            "volume": options.volume,
            "scope": options.scope,
            "user": options.user,
            "schema": schema,
            "counts": rows,
            "files": [_written(each) for each in kept.values()],
        },
    )


def write_json(folder: Path, name: str, value: object) -> None:
    """Write a file that is there whole or not at all."""
    made = folder / f"{name}.part"
    with open(made, "w", encoding="ascii") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(made, folder / name)
    settled(folder)


def _written(kept: Kept) -> dict[str, object]:
    entry = kept.entry
    return {
        "path": entry.path,
        "kind": entry.kind,
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
        "mode": entry.mode,
        "uid": entry.uid,
        "gid": entry.gid,
        "target": entry.target,
        "sha256": kept.sha256,
        "original": kept.original,
        "unsettled": kept.unsettled,
    }


def read_manifest(archive: Path) -> Manifest:
    """The list of a complete archive; raises `archive-incomplete` or `archive-damaged`."""
    found = entry_of(archive, MANIFEST)
    if found is None:
        raise Problem("archive-incomplete", "it has no manifest: it was never finished")
    if found.kind != "file":
        raise Problem("archive-damaged", "its manifest is no file")
    try:
        told = json.loads((archive / MANIFEST).read_bytes())
        if told["complete"] is not True or told["version"] != VERSION:
            raise Problem("archive-incomplete", "its manifest does not say that it is complete")
        kept = {each.entry.path: each for each in map(_read, told["files"])}
        user, schema = told["user"], told["schema"]
        counts = {str(table): int(rows) for table, rows in told["counts"].items()}
        return Manifest(str(told["operation"]), user, float(told["created_at"]), schema, counts, kept)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
        raise Problem("archive-damaged", f"its manifest cannot be read: {wrong!r}") from None


def _read(told: dict[str, object]) -> Kept:
    path, kind, target = str(told["path"]), str(told["kind"]), str(told["target"])
    size, mtime_ns, mode, uid, gid, original = (
        _whole_number(told[name]) for name in ("size", "mtime_ns", "mode", "uid", "gid", "original")
    )
    if kind not in ("file", "folder", "link") or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(f"{kind} {path!r}")
    entry = Entry(path, kind, size, mtime_ns, mode, uid, gid, target)
    return Kept(entry, str(told["sha256"]), original, told["unsettled"] is True)


def _whole_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no number")
    return value


def prove(archive: Path, manifest: Manifest, paths: list[str] | None = None) -> int:
    """Read the archive back, all of it or some paths; the bytes read. Raises `archive-damaged`."""
    root, read = archive / COPY, 0
    chosen = manifest.kept.values() if paths is None else [manifest.kept[path] for path in paths]
    for done, kept in enumerate(chosen):
        step("verify", done, len(chosen))
        entry, found = kept.entry, entry_of(root, kept.entry.path)
        if found is None or found.kind != entry.kind or not within(root, entry.path):
            raise Problem("archive-damaged", f"{entry.path} is missing")
        if entry.kind == "link" and found.target != entry.target:
            raise Problem("archive-damaged", f"{entry.path} leads elsewhere")
        if entry.kind == "file":
            if found.size != entry.size or sha256(root / entry.path) != kept.sha256:
                raise Problem("archive-damaged", f"{entry.path} is not what was copied")
            read += entry.size
    return read


def databases(manifest: Manifest) -> list[str]:
    """The parts that are read before any of the others is used."""
    found = [DATABASE, *(path for path in manifest.kept if path.startswith(f"{VECTORS}/"))]
    if DATABASE not in manifest.kept:
        raise Problem("archive-damaged", f"it holds no {DATABASE}")
    return found


def verify(options: Options) -> dict[str, object]:
    """The command: read an archive back and compare it with its list."""
    manifest = read_manifest(options.kept)
    read = prove(options.kept, manifest)
    return {
        "operation": manifest.operation,
        "created_at": manifest.created_at,
        "schema": manifest.schema,
        "counts": manifest.counts,
        "files": sum(each.entry.kind == "file" for each in manifest.kept.values()),
        "bytes": read,
    }
