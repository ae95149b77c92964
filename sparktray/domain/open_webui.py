"""Open WebUI: what can be taken from it, what it holds, and what is kept of it for a way back.

Facts are those of Open WebUI 0.12: its data lie in one volume, its accounts and chats in `webui.db` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from sparktray.domain.docker.answers import seconds
from sparktray.domain.docker.container import LABEL, Container
from sparktray.domain.problem import Problem

LABEL_ARCHIVE = f"{LABEL}.archive"
LABEL_ARCHIVE_VOLUME = f"{LABEL}.archive.volume"
LABEL_ARCHIVE_SCOPE = f"{LABEL}.archive.scope"
LABEL_ARCHIVE_MADE = f"{LABEL}.archive.made"
LABEL_ARCHIVE_OPERATION = f"{LABEL}.archive.operation"
ARCHIVE_PREFIX = "sparktray-archive-"
ARCHIVE_DAYS = 7
DATA_FOLDER = "/app/backend/data"
"""Where the image keeps its data."""


class WipeScope(StrEnum):
    """How much a wipe takes: the words of the command line, the mildest first."""

    CHATS = "chats"  # of one account, by Open WebUI's API
    ALL_CHATS = "all-chats"  # of every account
    EVERYTHING = "everything"  # accounts and settings too; downloaded models stay


class Account(msgspec.Struct, frozen=True):
    """A person's account in Open WebUI and how many chats are in it."""

    id: str
    name: str
    email: str
    role: str
    chats: int


class Files(msgspec.Struct, frozen=True):
    """A number of files and the bytes they take."""

    count: int
    bytes: int


class Contents(msgspec.Struct, frozen=True):
    """What the volume holds, read from its database and files; sizes in bytes.

    ``chats_older`` are the chats not touched for as long as was asked. ``chat_files`` are uploads that
    only chats have. ``tables`` are rows by table, ``models`` the chats by the ID of the model chosen in
    them. ``needed_bytes`` is what an archive would take, ``free_bytes`` what the file system of the volume
    has left.
    """

    accounts: tuple[Account, ...]
    chats: int
    chats_older: int
    folders: int
    shared: int
    chat_files: Files
    uploads: Files
    volume_bytes: int
    models_bytes: int
    needed_bytes: int
    free_bytes: int
    tables: Mapping[str, int] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    models: Mapping[str, int] = msgspec.field(default_factory=lambda: MappingProxyType({}))


class Archive(msgspec.Struct, frozen=True):
    """A volume that keeps what a wipe took. ``made_at`` is seconds since 1970 by the host's clock."""

    name: str
    container: str
    volume: str
    scope: WipeScope
    made_at: float
    operation: str


class Household(msgspec.Struct, frozen=True):
    """Open WebUI on a host, as it is now: what a plan to wipe or restore goes by.

    ``container`` is None when there is none of that name. ``image`` runs the program that reads and
    changes the data: the container's own by its id, else one of the host. ``volume_there`` tells whether the
    catalogue's volume exists; ``mounted`` is the volume the container really has at its data folder, None for
    a host folder or nothing. ``external`` is the kind of a database that lies elsewhere. ``sharers`` are
    names of other running containers on the same volume. ``contents`` is a problem where they cannot
    be read, None where they were not asked for.
    """

    container: Container | None
    image: str | None
    volume_there: bool
    mounted: str | None = None
    external: str | None = None
    sharers: tuple[str, ...] = ()
    contents: Contents | Problem | None = None
    archives: tuple[Archive, ...] = ()


def archive_of(volume: Mapping[str, object]) -> Archive | None:
    """The archive that a volume of Docker's list is, None for any other volume."""
    name, labels = volume.get("Name"), volume.get("Labels")
    if not isinstance(name, str) or not name.startswith(ARCHIVE_PREFIX) or not isinstance(labels, Mapping):
        return None
    told = {key: value for key, value in labels.items() if isinstance(value, str)}
    container, source = told.get(LABEL_ARCHIVE), told.get(LABEL_ARCHIVE_VOLUME)
    made_at, scope = seconds(told.get(LABEL_ARCHIVE_MADE)), told.get(LABEL_ARCHIVE_SCOPE)
    if container is None or source is None or made_at is None or scope not in set(WipeScope):
        return None
    operation = told.get(LABEL_ARCHIVE_OPERATION, "")
    return Archive(name, container, source, WipeScope(scope), made_at, operation)
