"""A tray without a desktop: the door, the watch and the controller as a process, and nothing to look at.

Run as ``python -m tests.rig.door_program CONFIG``; prints a line once commands are answered, ends with SIGTERM.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from sparktray.cli.answering import answer
from sparktray.control.door.listening import Door, Live
from sparktray.control.watch import Watch
from sparktray.decide.settled import settled
from sparktray.wiring import controller_for, open_program


def main() -> int:
    """Watch the host in use and answer until the signal."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    program = open_program(Path(sys.argv[1]))
    host = program.hosts.load().get()
    assert host is not None
    watch = Watch(lambda: controller_for(program, host, keep_trying=True), lambda number, snapshot: None)
    watch.start()
    watch.controller.wait(settled, 30.0)
    copied = program.folder.file("copied")

    def copy(text: str) -> bool:
        copied.write_text(text, encoding="utf-8")
        return True

    def show(token: str) -> None:
        program.folder.file("shown").write_text(token, encoding="utf-8")

    door = Door(Live(program.folder, lambda: watch.controller, copy, show), answer)
    door.open()
    print("open", flush=True)
    ended.wait()
    door.close()
    watch.close()
    left = [each.name for each in threading.enumerate() if each.name.startswith("sparktray-door")]
    print("left:", *left, flush=True)
    return len(left)


if __name__ == "__main__":
    raise SystemExit(main())
