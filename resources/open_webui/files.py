"""The files of the volume: what is there, and copying, proving and removing without following a link."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from resources.open_webui.answers import Problem, step

DATABASE = "webui.db"
VECTORS = "vector_db"
CHROMA = "vector_db/chroma.sqlite3"
UPLOADS = "uploads"
# What is not finished yet; it lies in the volume, so that putting it in its place is one rename.
WORK = ".sparktray"
# Where the image has its models (its environment names these folders), and where libraries put theirs.
MODELS = frozenset({"embedding", "whisper", "tiktoken", "models", "hub", "huggingface", "torch", "nltk_data"})
# What Open WebUI keeps of chats beside its database: speech with its text, recordings, older pictures.
CACHED = ("cache/audio/speech", "cache/audio/transcriptions", "cache/image/generations")
CHUNK = 1 << 20
# Left free when something is written: a host whose disk is full does worse than refuse.
MARGIN = 64 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a folder. ``kind`` is file, folder, link or other; ``path`` is relative, with slashes."""

    path: str
    kind: str
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    target: str = ""


def entries(root: Path, below: str = "") -> Iterator[Entry]:
    """All that is below a folder, a folder before what is in it. Nothing where it is no folder itself."""
    start = entry_of(root, below) if below else None
    is_folder = start is not None and start.kind == "folder" and within(root, below)
    waiting = [below] if is_folder or not below else []
    while waiting:
        folder = waiting.pop()
        try:
            inside = sorted(os.listdir(root / folder))
        except FileNotFoundError:
            continue  # Open WebUI, which may be running, removed it
        for name in inside:
            path = f"{folder}/{name}" if folder else name
            if (entry := entry_of(root, path)) is not None and path != WORK:
                yield entry
                if entry.kind == "folder":
                    waiting.append(path)


def entry_of(root: Path, path: str) -> Entry | None:
    """What lies at a relative path; None when nothing does."""
    try:
        found = os.lstat(root / path)
        link = stat.S_ISLNK(found.st_mode)
        target = os.readlink(root / path) if link else ""
    except (FileNotFoundError, NotADirectoryError):
        return None
    folder, file = stat.S_ISDIR(found.st_mode), stat.S_ISREG(found.st_mode)
    return Entry(
        path=path,
        kind="link" if link else "folder" if folder else "file" if file else "other",
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        target=target,
    )


def within(root: Path, path: str) -> bool:
    """Whether a relative path stays below the root and leads through folders only, never through a link."""
    parts = path.split("/")
    if not path or "\0" in path or any(part in ("", ".", "..") for part in parts):
        return False
    above = ["/".join(parts[:count]) for count in range(1, len(parts))]
    found = [entry_of(root, each) for each in above]
    return all(entry is None or entry.kind == "folder" for entry in found)


def is_model(path: str) -> bool:
    """Whether it belongs to the downloaded models, which are neither copied nor removed."""
    parts = path.split("/")
    return len(parts) > 1 and parts[0] == "cache" and parts[1] in MODELS


def is_model_or_above(data: Path, entry: Entry) -> bool:
    """The models and the folder above them; also a link in its place: models may lie where it leads."""
    if entry.path == "cache":
        return entry.kind == "link" or any(is_model(each.path) for each in entries(data, entry.path))
    return is_model(entry.path)


def is_database(path: str) -> bool:
    """Whether SQLite keeps it beside a database: what is in it is part of that database."""
    return re.fullmatch(rf"({DATABASE}|{VECTORS}/chroma\.sqlite3)-(wal|shm|journal)", path) is not None


def copied(source: Path, target: Path, entry: Entry) -> str:
    """Copy a file, with mode, owner and time; the SHA-256 of what was read. It is on the disk afterwards."""
    digest = hashlib.sha256()
    with _opened(source) as read, open(target, "wb") as written:
        done = 0
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            written.write(chunk)
            done += len(chunk)
            step("copy", done, entry.size)
        written.flush()
        os.fsync(written.fileno())
    dressed(target, entry)
    return digest.hexdigest()


def dressed(target: Path, entry: Entry) -> None:
    """Give a copy the mode, the owner and the time of the original."""
    if os.geteuid() == 0:
        os.chown(target, entry.uid, entry.gid, follow_symlinks=False)
    if entry.kind != "link":
        os.chmod(target, entry.mode)
    os.utime(target, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)


def sha256(path: Path) -> str:
    """The SHA-256 of a file as it is read back."""
    digest = hashlib.sha256()
    with _opened(path) as read:
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            step("verify")
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            yield file
    except OSError as failed:
        failed.filename = failed.filename or str(path)  # a disk that fails while reading names no file
        raise


def removed(root: Path, path: str) -> int:
    """Remove what lies at a path, with all that is in it; a link, never what it leads to. Its bytes."""
    top, gone = entry_of(root, path), 0
    if top is None or not within(root, path):
        return 0
    for entry in (*reversed(list(entries(root, path))), top):
        gone += removed_entry(root, entry)
    return gone


def removed_entry(root: Path, entry: Entry) -> int:
    """Remove one thing that `entries` found, a folder when it is empty; its bytes."""
    step("remove")
    if entry.kind == "folder":
        os.rmdir(root / entry.path)
        return 0
    os.unlink(root / entry.path)
    return entry.size


def put(root: Path, made: Path, path: str) -> None:
    """Put a finished file or folder in its place by one rename, over whatever file is there."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(made, place)
    settled(place.parent)
    step("put")


def settled(folder: Path) -> None:
    """Have the names in a folder on the disk, not only in memory."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """What the file system of a folder has left for us."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def room_for(folder: Path, needed: int) -> None:
    """Refuse when a file system has less than what is needed and a margin."""
    free, wanted = free_bytes(folder), needed + MARGIN
    if free < wanted:
        raise Problem("no-space", f"{wanted} bytes are needed, {free} are free")
