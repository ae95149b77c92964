"""Looks for the canary where no secret may be: command lines, environments, files."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from tests.canary import CANARY

_LOOK_SECONDS = 0.2
_LARGEST = 64 * 1024 * 1024
# Tools of the tests themselves that are given a secret as a script: ssh-add asks only through one.
_ALLOWED_FILES = ("agent-ask",)
_TOOLS = (b"ssh-keygen", b"/bin/sh\0")


class Lookout:
    """Looks at every process of the rig, again and again, in a thread of its own."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="lookout", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            for folder in Path("/proc").glob("[0-9]*"):
                self._look_at(folder)

    def _look_at(self, process: Path) -> None:
        for name in ("cmdline", "environ"):
            try:
                text = (process / name).read_bytes()
            except OSError:
                continue
            # The tests' own tools, which take a passphrase no other way.
            if CANARY.encode() in text and not text.startswith(_TOOLS):
                self.seen.add(f"{name}: {text[:200]!r}")


def files_with_secrets(*folders: Path) -> list[str]:
    """The files below these folders that hold the canary."""
    paths = (Path(root, name) for folder in folders for root, _, names in os.walk(folder) for name in names)
    return [str(path) for path in paths if path.name not in _ALLOWED_FILES and _holds_it(path)]


def _holds_it(path: Path) -> bool:
    try:
        small = path.is_file() and path.stat().st_size < _LARGEST
        return small and CANARY.encode() in path.read_bytes()
    except OSError:
        return False
