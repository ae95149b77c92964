"""Which kind of entry this platform reads."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sparktray.store.autostart.entry import Autostart, entry_for
from sparktray.store.autostart.xdg import DesktopEntry
from sparktray.store.paths import ConfigFolder


def autostart_for(folder: ConfigFolder, command: Sequence[str] | None = None) -> Autostart:
    """Starting with the session for the program of that config folder. Touches nothing yet.

    ``command`` is how the program is started, by default as this one was.
    """
    entry = entry_for(folder, command)
    if sys.platform == "win32":
        from sparktray.store.autostart.windows import CurrentUser, RunKey

        return RunKey(entry, CurrentUser())
    elif sys.platform == "darwin":
        from sparktray.store.autostart.macos import LaunchAgent

        return LaunchAgent(entry)
    else:
        return DesktopEntry(entry)
