"""How long each model took to load on each host, so that the next load can say what is usual."""

from __future__ import annotations

import math
from statistics import median

import msgspec

from sparktray.store.atomic import read_file, sole_writer, write_file
from sparktray.store.paths import ConfigFolder

KEPT = 5  # loads a model; older ones tell of another image or disk


class _Loads(msgspec.Struct, frozen=True):
    """The last loads of one model on one server of one host, in seconds, the newest last."""

    host: str
    server: str
    model: str
    seconds: tuple[float, ...]


class Durations:
    """`durations.json`. A file that cannot be understood counts as empty: it is only learnt again."""

    def __init__(self, folder: ConfigFolder) -> None:
        self._folder = folder
        self._path = folder.file("durations.json")

    def remember(self, host: str, server: str, model: str, seconds: float) -> None:
        """Add one load. Raises `StoreError`."""
        if not (math.isfinite(seconds) and seconds >= 0):
            return
        with sole_writer(self._folder):
            loads = self._read()
            past = loads.pop((host, server, model), ())
            loads[host, server, model] = (*past, round(seconds, 3))[-KEPT:]
            rows = [_Loads(*key, values) for key, values in loads.items()]
            write_file(self._path, msgspec.json.encode(rows) + b"\n")

    def usual(self, host: str, server: str, model: str) -> float | None:
        """The median of the last loads in seconds, None when there was none. Raises `StoreError`."""
        past = self._read().get((host, server, model))
        return median(past) if past else None

    def _read(self) -> dict[tuple[str, str, str], tuple[float, ...]]:
        text = read_file(self._path)
        if text is None:
            return {}
        try:
            rows = msgspec.json.decode(text, type=list[_Loads])
        except (msgspec.DecodeError, ValueError, RecursionError):
            return {}
        return {(row.host, row.server, row.model): row.seconds for row in rows}
