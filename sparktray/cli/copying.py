"""`--copy`: the clipboard of a running tray, else that of a program which this computer has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sparktray.control.door.listening import Live

_SECONDS = 3.0


class _Tool(NamedTuple):
    """A program that takes text for the clipboard on its stdin, and how to read back what is there."""

    put: tuple[str, ...]
    get: tuple[str, ...] | None
    encoding: str = "utf-8"


# wl-copy's own --type: without it, it asks xdg-mime what the text might be (wl-clipboard 2.1).
_WAYLAND = _Tool(("wl-copy", "--type", "text/plain;charset=utf-8"), ("wl-paste", "--no-newline"))
_X11 = _Tool(("xclip", "-selection", "clipboard", "-in"), ("xclip", "-selection", "clipboard", "-out"))
# clip.exe takes its input as UTF-16 when that begins with a byte order mark, else in the console's code
# page. There is no program that reads back.
_WINDOWS = _Tool(("clip.exe",), None, "utf-16")
_MACOS = _Tool(("pbcopy",), ("pbpaste",))


def copy(text: str, live: Live | None) -> bool:
    """Put the text on the clipboard, byte for byte; whether it is there. Blocks for at most some seconds."""
    if live is not None:
        return live.copy(text)
    return any(_copied(text, tool) for tool in _tools() if shutil.which(tool.put[0]) is not None)


def _tools() -> tuple[_Tool, ...]:
    if sys.platform == "darwin":
        return (_MACOS,)
    if sys.platform == "win32":
        return (_WINDOWS,)
    return (_WAYLAND, _X11, _WINDOWS)  # the last one for Windows' own Linux


def _copied(text: str, tool: _Tool) -> bool:
    content = text.encode(tool.encoding)
    try:
        # What stays behind to serve the clipboard must not hold this command's stdout open.
        put = subprocess.run(
            tool.put,
            input=content,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
        if put.returncode != 0 or tool.get is None:
            return put.returncode == 0
        found = subprocess.run(
            tool.get, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.stdout == content
