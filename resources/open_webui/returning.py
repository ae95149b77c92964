"""Bringing single files back from an archive: copied, compared, put in their place by one rename."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import Options, Problem, step
    from resources.open_webui.files import (
        CACHED,
        UPLOADS,
        WORK,
        copied,
        entry_of,
        put,
        removed,
        room_for,
        within,
    )
    from resources.open_webui.manifest import COPY, Kept, Manifest
    from resources.open_webui.references import name_of_file


def bring_missing(
    options: Options, manifest: Manifest, known: set[object], *, cached: bool
) -> dict[str, int]:
    """Bring the uploads of known files, and what was cached of chats, that are not there; how many.

    Where a link is in the way nothing is written: who knows where that would be.
    """
    wanted = [
        kept
        for path, kept in manifest.kept.items()
        if kept.entry.kind == "file"
        and (_is_upload_of(path, known) or (cached and path.rpartition("/")[0] in CACHED))
        and entry_of(options.data, path) is None
    ]
    possible = [kept for kept in wanted if within(options.data, kept.entry.path)]
    room_for(options.data, sum(kept.entry.size for kept in possible))
    for done, kept in enumerate(possible):
        step("copy files", done, len(possible))
        bring(options, kept)
    clear_work(options.data)
    size = sum(kept.entry.size for kept in possible)
    return {"count": len(possible), "bytes": size, "not_restored": len(wanted) - len(possible)}


def _is_upload_of(path: str, known: set[object]) -> bool:
    folder, _, _ = path.rpartition("/")
    return folder == UPLOADS and name_of_file(path) in known


def bring(options: Options, kept: Kept) -> None:
    """Bring one file; raises `archive-damaged` when it is not what was archived."""
    put(options.data, staged(options, kept, "part"), kept.entry.path)


def staged(options: Options, kept: Kept, name: str) -> Path:
    """A file of the archive, proven, in the volume but not in its place."""
    place = options.data / WORK / name
    make_work(options.data, place.parent)
    if copied(options.kept / COPY / kept.entry.path, place, kept.entry) != kept.sha256:
        place.unlink()
        raise Problem("archive-damaged", f"{kept.entry.path} is not what was copied")
    return place


def make_work(data: Path, folder: Path) -> None:
    """A folder of this program's own in the volume."""
    found = entry_of(data, WORK)
    if found is not None and found.kind != "folder":
        removed(data, WORK)
    folder.mkdir(parents=True, exist_ok=True)


def clear_work(data: Path) -> None:
    """Remove what is not finished."""
    removed(data, WORK)
