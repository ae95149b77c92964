"""Starting with the session on freedesktop.org desktops.

Desktop Application Autostart Specification 0.5, Desktop Entry Specification 1.5.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from sparktray.domain.phrase import phrase
from sparktray.store.atomic import write_file
from sparktray.store.autostart.entry import PROGRAM, Entry, refused, writing

_GROUP = "Desktop Entry"
_ICON = "org.sparktray.sparktray"  # as the program's own desktop entry names it (packaging/linux)
# "Reserved characters" of the key Exec; an argument that holds one is quoted. Newlines are, too.
_RESERVED = re.compile(r"""[\s"'\\><~|&;$*?#()`]""")
_ESCAPED_IN_QUOTES = re.compile(r'(["`$\\])')
# Escape sequences of values of type string.
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_UNESCAPES = {"\\": "\\", "n": "\n", "t": "\t", "r": "\r", "s": " "}


class DesktopEntry:
    """`~/.config/autostart/NAME.desktop`, or below XDG_CONFIG_HOME."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        base = os.environ.get("XDG_CONFIG_HOME", "")
        # "All paths set in these environment variables must be absolute" (XDG Base Directory 0.8).
        home = Path(base) if os.path.isabs(base) else Path.home() / ".config"
        self.path = home / "autostart" / f"{entry.name}.desktop"

    def enabled(self) -> bool:
        """False also when a desktop's own settings switched it off, or what it starts is gone."""
        try:
            keys = _read(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        if keys.get("Hidden") == "true" or keys.get("X-GNOME-Autostart-enabled") == "false":
            return False
        needed = keys.get("TryExec")
        return bool(keys.get("Exec")) and (needed is None or shutil.which(needed) is not None)

    def enable(self) -> None:
        """Write the entry anew, so that nothing of what switched it off is left."""
        try:
            text = _written(self._entry).encode()
        except UnicodeEncodeError as error:
            raise refused(
                phrase("A path of sparktray holds characters that a desktop entry cannot."),
                phrase("Put sparktray and its config folder into folders with readable names."),
                str(error),
            ) from error
        with writing(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(self.path, text)

    def disable(self) -> None:
        """Remove the entry."""
        with writing(self.path):
            self.path.unlink(missing_ok=True)


def _written(entry: Entry) -> str:
    keys = {
        "Type": "Application",
        "Name": PROGRAM,
        "Exec": " ".join(_argument(each) for each in entry.command),
        "TryExec": entry.command[0],
        "Icon": _ICON,
        "Terminal": "false",
        "StartupNotify": "false",
        "X-GNOME-Autostart-enabled": "true",
    }
    return f"[{_GROUP}]\n" + "".join(f"{key}={_escaped(value)}\n" for key, value in keys.items())


def _argument(text: str) -> str:
    """One argument of Exec, quoted where it must be; ``%`` would begin a field code."""
    plain = text.replace("%", "%%")
    if text and not _RESERVED.search(text):
        return plain
    return '"' + _ESCAPED_IN_QUOTES.sub(r"\\\1", plain) + '"'


def _escaped(value: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in value)


def _read(text: str) -> dict[str, str]:
    """The keys of the entry's own group; localised ones are of no interest."""
    keys: dict[str, str] = {}
    group = ""
    for line in text.split("\n"):
        if line.startswith("["):
            group = line.strip().strip("[]")
        elif group == _GROUP and not line.startswith("#"):
            key, equals, value = line.partition("=")
            if equals:
                keys.setdefault(key.strip(), _unescaped(value.strip()))
    return keys


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: _UNESCAPES.get(found[1], found[0]), value)
