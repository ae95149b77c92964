"""The program, with whatever it does outside itself printed: a line with AUDIT each, and WATCHED at the end.

Allowed: to read files, and to write below its own temporary folder.
"""

from __future__ import annotations

import os
import sys
import tempfile

OWN = os.path.join(tempfile.gettempdir(), "sparktray-demo-")
OUTSIDE = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.")
CHANGES = {
    *("os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.rename", "os.link", "os.symlink"),
    "shutil.rmtree",
}
# Names are asked of the system without a socket being opened by it.
HARMLESS = {"socket.gethostname"}
seen: list[str] = []


def _is_own(path: object) -> bool:
    """Below the temporary folder, or by a name relative to one that is."""
    text = os.fsdecode(path) if isinstance(path, str | bytes) else ""
    return not os.path.isabs(text) or text.startswith(OWN)


def hook(event: str, arguments: tuple[object, ...]) -> None:
    """Note what leads out of the program."""
    if event == "open":
        path, _, flags = arguments
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and isinstance(path, str | bytes) and not _is_own(path) and path != os.devnull:
            seen.append(f"open {path!r}")
    elif event in CHANGES:
        if not _is_own(arguments[0]):
            seen.append(f"{event} {arguments!r}")
    elif event.startswith(OUTSIDE) and event not in HARMLESS:
        seen.append(f"{event} {arguments!r}")


def run() -> int:
    """Do what the command line says, watched."""
    from sparktray.__main__ import main

    sys.addaudithook(hook)
    code = main(sys.argv[1:])
    for line in seen:
        print(f"AUDIT {line}")
    print("WATCHED")
    return code


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(run())
