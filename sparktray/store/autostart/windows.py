"""Starting with the session on Windows: the person's own Run key.

https://learn.microsoft.com/windows/win32/setupapi/run-and-runonce-registry-keys
"""

from __future__ import annotations

import subprocess
import sys
from typing import Protocol

from sparktray.domain.phrase import phrase
from sparktray.store.autostart.entry import Entry, refused

if sys.platform == "win32":
    import winreg

RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
# Where the Task Manager and the Settings note what the person switched off there; undocumented. The
# first byte of a value is even for what starts and odd for what does not; what has none starts.
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
LONGEST_COMMAND = 260  # "the command line for a Run key can be no longer than 260 characters"


class Registry(Protocol):
    """Values below HKEY_CURRENT_USER. All raise OSError for what Windows refuses."""

    def read(self, key: str, name: str) -> str | bytes | None:
        """A text or binary value; None when it is not there or of another kind."""

    def write(self, key: str, name: str, text: str) -> None:
        """Put a text there; the key is made when it is not there."""

    def remove(self, key: str, name: str) -> None:
        """Remove a value; nothing happens when it is not there."""


class RunKey:
    """One value of the Run key."""

    def __init__(self, entry: Entry, registry: Registry) -> None:
        self._entry = entry
        self._registry = registry

    def enabled(self) -> bool:
        """False also when the Task Manager switched it off."""
        try:
            command = self._registry.read(RUN, self._entry.name)
            approved = self._registry.read(APPROVED, self._entry.name)
        except OSError:
            return False
        off = isinstance(approved, bytes) and bool(approved) and approved[0] % 2 == 1
        return isinstance(command, str) and bool(command) and not off

    def enable(self) -> None:
        """Write the command; what the Task Manager noted against it is gone, as the person asks anew."""
        command = subprocess.list2cmdline(self._entry.command)
        if len(command) > LONGEST_COMMAND:
            raise refused(
                phrase(
                    "Windows starts commands of at most {limit} characters; this one has {count}.",
                    limit=LONGEST_COMMAND,
                    count=len(command),
                ),
                phrase("Put sparktray and its config folder into folders with shorter names."),
                command,
            )
        try:
            self._registry.write(RUN, self._entry.name, command)
            self._registry.remove(APPROVED, self._entry.name)
        except OSError as error:
            raise _forbidden(error) from error

    def disable(self) -> None:
        """Remove the command."""
        try:
            self._registry.remove(RUN, self._entry.name)
            self._registry.remove(APPROVED, self._entry.name)
        except OSError as error:
            raise _forbidden(error) from error


def _forbidden(error: OSError) -> Exception:
    return refused(
        phrase("Windows refuses to change what starts with the session: {reason}", reason=str(error)),
        phrase("Ask whoever administers this computer, or use the Settings of Windows under Apps, Startup."),
        str(error),
    )


if sys.platform == "win32":

    class CurrentUser:
        """The registry of the person who is logged in."""

        def read(self, key: str, name: str) -> str | bytes | None:
            """See `Registry`."""
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                    value = winreg.QueryValueEx(opened, name)[0]
            except FileNotFoundError:
                return None
            return value if isinstance(value, str | bytes) else None

        def write(self, key: str, name: str, text: str) -> None:
            """See `Registry`."""
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as opened:
                winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, text)

        def remove(self, key: str, name: str) -> None:
            """See `Registry`."""
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, 0, winreg.KEY_SET_VALUE) as opened:
                    winreg.DeleteValue(opened, name)
            except FileNotFoundError:
                return
