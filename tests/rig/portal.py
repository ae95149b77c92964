"""`org.freedesktop.portal.Settings`, as far as Qt asks it: whether the desktop is light or dark.

Qt 6.11 listens to it with the platform theme plug-in `xdgdesktopportal` (and `gnome`); without
XDG_CURRENT_DESKTOP and without QT_QPA_PLATFORMTHEME it does not ask and stays light.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jeepney import DBusAddress, Message, new_signal  # type: ignore[import-untyped]  # ships no types

from tests.rig.desktop import Desktop, Service

NAME, PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
SETTINGS = "org.freedesktop.portal.Settings"
APPEARANCE, SCHEME = "org.freedesktop.appearance", "color-scheme"
_DARK, _LIGHT = 1, 2
# QT_QPA_PLATFORMTHEME of a program that shall follow it, whatever the desktop is called.
FOLLOWING = "xdgdesktopportal"


class Portal(Service):
    """The desktop's settings; only the colour scheme is known."""

    def __init__(self, address: str, *, dark: bool) -> None:
        self._scheme = _DARK if dark else _LIGHT
        super().__init__(address, NAME, PATH)

    def answer(self, member: str, message: Message) -> tuple[str | None, tuple[Any, ...]] | None:
        """The methods of the portal's documentation, and the version of each of its interfaces."""
        match member:
            case "ReadAll":
                found: Mapping[str, Mapping[str, tuple[str, Any]]] = {
                    APPEARANCE: {SCHEME: ("u", self._scheme)}
                }
                return "a{sa{sv}}", (found,)
            case "Get":
                return "v", (("u", 2),)
            case _:
                return None

    def turn(self, *, dark: bool) -> None:
        """A person chooses another look."""
        self._scheme = _DARK if dark else _LIGHT
        body = (APPEARANCE, SCHEME, ("u", self._scheme))
        self._connection.send(
            new_signal(DBusAddress(PATH, interface=SETTINGS), "SettingChanged", "ssv", body)
        )


@contextmanager
def portal(desktop: Desktop, *, dark: bool) -> Iterator[Portal]:
    """A desktop with that look, while the block lasts."""
    made = Portal(desktop.address, dark=dark)
    try:
        yield made
    finally:
        made.close()
