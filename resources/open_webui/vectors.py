"""The vectors: collections of Chroma in the volume, which hold the text of uploads a second time.

They are changed with `chromadb`, which the image has, in a process of its own: it brings its own SQLite, and
two of them in one process drop each other's locks.
"""

import importlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from resources.open_webui.answers import Problem, step
    from resources.open_webui.database import alone, columns, connect, frozen, reading, sqlite_problems
    from resources.open_webui.files import CHROMA, VECTORS, entries, entry_of, removed, within
    from resources.open_webui.references import UUID

# Collections are read and written in portions of this many pieces of text.
PORTION = 500


def kind_of_vectors(data: Path) -> str:
    """`chroma`, `none`, or `other` for a store that this program does not know."""
    found = entry_of(data, CHROMA)
    if found is not None and found.kind == "file" and within(data, CHROMA):
        return "chroma"
    folder = entry_of(data, VECTORS)
    empty = folder is None or (folder.kind == "folder" and next(entries(data, VECTORS), None) is None)
    return "none" if empty else "other"


def collections(data: Path) -> frozenset[str]:
    """The names of all collections; none where there is no Chroma."""
    if kind_of_vectors(data) != "chroma":
        return frozenset()
    with reading(data / CHROMA) as connection:
        if "name" not in columns(connection, "collections"):
            return frozenset()
        return frozenset(name for (name,) in connection.execute("SELECT name FROM collections"))


def removable(names: Iterable[str]) -> None:
    """Refuse before anything is changed, when collections have to go and `chromadb` cannot be had."""
    if any(True for _ in names):
        _apart(_load)


def remove_collections(data: Path, names: Iterable[str]) -> int:
    """Remove collections and every byte of theirs; how many there were. Also of ones removed by halves."""
    wanted = frozenset(names)
    if not wanted or kind_of_vectors(data) != "chroma":
        return 0
    going = sorted(collections(data) & wanted)
    if going:
        _apart(lambda: _delete(data / VECTORS, going))
    purge(data)
    return len(going)


def purge(data: Path) -> None:
    """Give free what removed collections leave: pages of the database, folders that nothing names now."""
    with alone(data / CHROMA, 10.0) as connection:
        known = {segment for (segment,) in connection.execute("SELECT id FROM segments")}
        connection.execute("VACUUM")
    step("vectors")
    for entry in list(entries(data, VECTORS)):
        name = entry.path.removeprefix(f"{VECTORS}/")
        if entry.kind == "folder" and re.fullmatch(UUID, name) and name not in known:
            removed(data, entry.path)


def bring_collections(source: Path, data: Path, names: Iterable[str]) -> int:
    """Copy collections of another volume that are missing here, or are here in part; how many."""
    missing = sorted(collections(source) & frozenset(names))
    if missing:
        _apart(lambda: _copy_collections(source, data / VECTORS, missing))
    return len(missing)


def _apart(work: Callable[[], None]) -> None:
    """Do it in a child process, which tells by a pipe why it failed."""
    heard, said = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(heard)
            work()
        except BaseException as failed:
            os.write(said, f"{type(failed).__name__}: {failed}"[:1000].encode("utf-8", "replace"))
            os._exit(1)
        os._exit(0)
    os.close(said)
    with open(heard, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise Problem(
            "vectors-unreadable", told.decode("utf-8", "replace") or f"chromadb ended with {status}"
        )


class Collection(Protocol):
    """What is used of Chroma's collections."""

    metadata: Mapping[str, object] | None

    def count(self) -> int:
        """How many pieces of text are in it."""

    def get(self, *, limit: int, offset: int, include: list[str]) -> Mapping[str, object]:
        """Some of them."""

    def upsert(self, **columns: object) -> None:
        """Have some of them in it."""


class Client(Protocol):
    """What is used of Chroma."""

    def delete_collection(self, name: str) -> None:
        """Remove one."""

    def get_collection(self, name: str, embedding_function: None) -> Collection:
        """One that is there."""

    def get_or_create_collection(
        self, name: str, metadata: Mapping[str, object] | None, embedding_function: None
    ) -> Collection:
        """One that is there afterwards."""


def _load() -> None:
    importlib.import_module("chromadb").PersistentClient  # noqa: B018 (a slim image may have a part of it)


def _client(folder: Path) -> Client:
    chromadb = importlib.import_module("chromadb")
    settings = chromadb.Settings(
        allow_reset=True, anonymized_telemetry=False
    )  # as Open WebUI itself opens it
    client: Client = chromadb.PersistentClient(path=str(folder), settings=settings)
    return client


def _delete(folder: Path, names: list[str]) -> None:
    client = _client(folder)
    for done, name in enumerate(names):
        step("vectors", done, len(names))
        client.delete_collection(name)
    step("vectors", len(names), len(names))


def _copy_collections(source: Path, folder: Path, names: list[str]) -> None:
    """From a copy: the archive may not be written to, and opening it writes."""
    with tempfile.TemporaryDirectory(prefix="sparktray-") as name:
        copy = Path(name)
        _copy_segments(source, copy, names)
        old, new = _client(copy), _client(folder)
        for done, each in enumerate(names):
            step("vectors", done, len(names))
            _copy_collection(old, new, each)
        step("vectors", len(names), len(names))


def _copy_segments(source: Path, copy: Path, names: list[str]) -> None:
    shutil.copyfile(source / CHROMA, copy / "chroma.sqlite3")
    with sqlite_problems(CHROMA), closing(connect(frozen(source / CHROMA))) as connection:
        found = connection.execute(
            "SELECT segments.id, name FROM segments JOIN collections ON collections.id = segments.collection"
        )
        wanted = [segment for segment, name in found if name in names and re.fullmatch(UUID, segment)]
    for segment in wanted:
        if (source / VECTORS / segment).is_dir():
            shutil.copytree(source / VECTORS / segment, copy / segment)


def _copy_collection(old: Client, new: Client, name: str) -> None:
    archived = old.get_collection(name, embedding_function=None)
    of = archived.count()
    made = new.get_or_create_collection(name, metadata=archived.metadata, embedding_function=None)
    if made.count() == of:
        return
    for done in range(0, of, PORTION):
        step("vectors", done, of)
        page = archived.get(limit=PORTION, offset=done, include=["embeddings", "documents", "metadatas"])
        made.upsert(
            ids=page["ids"],
            embeddings=page["embeddings"],
            documents=page["documents"],
            metadatas=page["metadatas"],
        )
