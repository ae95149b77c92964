"""What Open WebUI holds, read without changing anything, also while it runs."""

from collections import Counter
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import Options, step
    from resources.open_webui.archiving import needed_bytes
    from resources.open_webui.choosing import choose, is_before, original_of, parsed, picked
    from resources.open_webui.database import counts, faults, reading, revision
    from resources.open_webui.files import DATABASE, UPLOADS, entries, entry_of, free_bytes, is_model
    from resources.open_webui.vectors import kind_of_vectors

_MOST_MODELS = 100


def look(options: Options) -> dict[str, object]:
    """The command. Chats are counted without their shared copies."""
    data = options.data
    step("look")
    with reading(data / DATABASE, options.patience) as connection:
        found = {"integrity": faults(connection), **_figures(connection, options)}
        going = choose(connection, data, options.cutoff)
    files = [(entry.path, entry.size) for entry in entries(data) if entry.kind == "file"]
    cache = [(path, size) for path, size in files if path.startswith("cache/")]
    models = sum(size for path, size in cache if is_model(path))
    return {
        **found,
        "database_bytes": _size_of(data, DATABASE),
        "wal_bytes": _size_of(data, f"{DATABASE}-wal"),
        "volume_bytes": sum(size for _, size in files),
        "uploads": _sum([size for path, size in files if path.startswith(f"{UPLOADS}/")]),
        "cache": {"models_bytes": models, "other_bytes": sum(size for _, size in cache) - models},
        "vectors": kind_of_vectors(data),
        "chat_files": _sum([entry.size for entry in going.uploads]),
        "free_bytes": free_bytes(data),
        "needed_bytes": needed_bytes(data),
    }


def _figures(connection: Connection, options: Options) -> dict[str, object]:
    rows = counts(connection)
    chats = [row for _, row in picked(connection, "chat", "user_id", "updated_at", "created_at")]
    own = [row for row in chats if original_of(row["user_id"]) is None]
    each = Counter(row["user_id"] for row in own)
    users = picked(connection, "user", "id", "name", "email", "role")
    cutoff = options.cutoff
    return {
        "schema": revision(connection),
        "tables": rows,
        "users": [{**user, "chats": each[user["id"]]} for _, user in users],
        "chats": len(own),
        "models": _models(connection),
        "chats_older": 0
        if cutoff is None
        else sum(is_before(cutoff, row["updated_at"], row["created_at"]) for row in own),
        "folders": rows.get("folder", 0),
        "tags": rows.get("tag", 0),
        "shared": rows.get("shared_chat", 0) + len(chats) - len(own),
        "feedback": rows.get("feedback", 0),
    }


def _models(connection: Connection) -> dict[str, int]:
    """In how many chats each model is chosen, the most used ones."""
    found: Counter[str] = Counter()
    for _, row in picked(connection, "chat", "user_id", "chat"):
        names = parsed(row["chat"]).get("models") if original_of(row["user_id"]) is None else None
        if isinstance(names, list):
            found.update({name for name in names if isinstance(name, str) and name})
    return dict(found.most_common(_MOST_MODELS))


def _size_of(data: Path, name: str) -> int:
    found = entry_of(data, name)
    return 0 if found is None else found.size


def _sum(sizes: list[int]) -> dict[str, int]:
    return {"count": len(sizes), "bytes": sum(sizes)}
