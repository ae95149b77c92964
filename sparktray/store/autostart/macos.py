"""Starting with the session on macOS: a launch agent (launchd.plist(5))."""

from __future__ import annotations

import plistlib
from pathlib import Path
from xml.parsers.expat import ExpatError

from sparktray.domain.phrase import phrase
from sparktray.store.atomic import write_file
from sparktray.store.autostart.entry import Entry, refused, writing

# Where macOS runs a downloaded app from until it is moved; another path at each start.
_TRANSLOCATED = "/AppTranslocation/"


class LaunchAgent:
    """`~/Library/LaunchAgents/org.sparktray.NAME.plist`; launchd reads it when the session begins."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._label = f"org.sparktray.{entry.name}"
        self.path = Path.home() / "Library" / "LaunchAgents" / f"{self._label}.plist"

    def enabled(self) -> bool:
        """What the file says. What System Settings holds against it ("Login Items") is not asked."""
        try:
            job = plistlib.loads(self.path.read_bytes())
        except (OSError, ValueError, ExpatError, plistlib.InvalidFileException):
            return False
        return isinstance(job, dict) and job.get("RunAtLoad") is True and job.get("Disabled") is not True

    def enable(self) -> None:
        """Write the agent; it runs from the next session on."""
        if _TRANSLOCATED in self._entry.command[0]:
            raise refused(
                phrase("macOS runs sparktray from a place that will not last."),
                phrase("Move sparktray to the Applications folder, start it there and try again."),
                self._entry.command[0],
            )
        job = {
            "Label": self._label,
            "ProgramArguments": list(self._entry.command),
            "RunAtLoad": True,
            "ProcessType": "Interactive",  # else launchd throttles it as a background job
            "LimitLoadToSessionType": "Aqua",
        }
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self.path, plistlib.dumps(job))

    def disable(self) -> None:
        """Remove the agent."""
        with writing(self.path):
            self.path.unlink(missing_ok=True)
