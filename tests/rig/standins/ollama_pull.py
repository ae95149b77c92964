"""`POST /api/pull`: a model comes layer by layer, as fast as a test wants, and is installed at the end."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator

from .behaviour import Behaviour

# A model's own sizes, small enough for a test and large enough for gigabytes on the screen.
LAYERS = (4_000_000_000, 600_000_000, 2_000)
STEPS = 20


class Pulls:
    """What came of each model so far, which a repeated pull does not fetch again."""

    def __init__(self, behaviour: Behaviour, install: Callable[[str], None]) -> None:
        self._behaviour = behaviour
        self._install = install
        self._lock = threading.Lock()
        self._came: dict[str, int] = {}

    def stream(self, name: str) -> Iterator[bytes]:
        """The lines; closed by who reads them, it ends where it is."""
        yield self._line(status="pulling manifest")
        error = self._behaviour.value("fail_pull", {}).get(name)
        if error is not None and not str(error).startswith("later:"):
            yield self._line(error=error)
            return
        for number, total in enumerate(LAYERS):
            yield from self._layer(name, number, total, error)
            if error is not None and number == 0:
                yield self._line(error=str(error).removeprefix("later:"))
                return
        for status in ("verifying sha256 digest", "writing manifest"):
            yield self._line(status=status)
        self._install(name)
        yield self._line(status="success")

    def _layer(self, name: str, number: int, total: int, error: object) -> Iterator[bytes]:
        digest = "sha256:" + hashlib.sha256(f"{name} {number}".encode()).hexdigest()
        status = f"pulling {digest[7:19]}"
        for step in range(self._came.get(digest, 0), STEPS + 1):
            while self._behaviour.value("stall_pull", False) and step >= STEPS // 4:
                time.sleep(0.05)
            with self._lock:
                self._came[digest] = step
            done = total * step // STEPS
            yield self._line(status=status, digest=digest, total=total, completed=done)
            time.sleep(self._behaviour.seconds("pull_seconds", 0.5) / STEPS)

    def _line(self, **told: object) -> bytes:
        return json.dumps(told).encode() + b"\n"
