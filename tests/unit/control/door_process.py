"""A door in a process of its own: ``python -m tests.unit.control.door_process FOLDER`` echoes the words.

The word `wait` makes an answer wait for Ctrl-C, `forever` also after it.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from sparktray.control.door.listening import Door, Live, Work
from sparktray.control.door.visit import Call, Visit
from sparktray.store.paths import ConfigFolder


def answer(call: Call, live: Live) -> Work:
    """Tell the words back."""

    def work(visit: Visit) -> int:
        visit.out(" ".join(call.words).encode() + b"\n")
        happened = threading.Event()
        with visit.breaking(happened.set):
            while "wait" in call.words or "forever" in call.words:
                happened.wait()
                happened.clear()
                try:
                    visit.check()
                except KeyboardInterrupt:
                    visit.err(b"interrupted\n")
                    if "wait" in call.words:
                        return 130
        return 7

    return work


def live(folder: Path) -> Live:
    """A tray without a host, a clipboard or a window."""
    return Live(ConfigFolder(folder), lambda: None, lambda text: False, lambda token: None)


if __name__ == "__main__":
    Door(live(Path(sys.argv[1])), answer).open()
    print("open", flush=True)
    sys.stdin.read()
