"""Names for what is kept although something else takes its place."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from pathlib import Path


def free_name(path: Path, why: str) -> Path:
    """A name beside ``path`` that says when and ``why`` it was put aside, and that nothing has yet."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    first = path.with_name(f"{path.name}.{why}-{stamp}")
    others = (first.with_name(f"{first.name}.{number}") for number in count(2))
    return first if not first.exists() else next(name for name in others if not name.exists())
