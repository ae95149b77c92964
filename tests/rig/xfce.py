"""A real panel: xfce4-panel with nothing on it but its tray, and settings that are thrown away.

What was found out about xfce4-panel 4.18 (Debian 12): the tray is a process of its own ("wrapper-2.0"), which
owns `org.kde.StatusNotifierWatcher`, shows the icons and opens the menus. The left button calls `Activate`,
the right one opens the menu. It asks xfconfd for its settings, over D-Bus.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from jeepney import DBusAddress, Properties, message_bus  # type: ignore[import-untyped]  # ships no types

from tests.rig.desktop import WATCHER, Desktop, Item, with_reply
from tests.rig.namespace import end
from tests.rig.screen import Area, Picture, Screen
from tests.waiting import wait_until

HEIGHT = 28  # of the panel, in its own pixels
_SETTINGS_SERVICE = "org.xfce.Xfconf"
_SERVICE_FILE = Path("/usr/share/dbus-1/services/org.xfce.Xfconf.service")
_TRAY_CLASS = "Wrapper-2.0"
_FRAME = 2  # the menu's border, which goes round all rows


def _channel(*, dark: bool) -> str:
    """The settings of one panel across the top of the screen, its one plug-in the tray at its right end."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="{str(dark).lower()}"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="{HEIGHT}"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray"/>
  </property>
</channel>
"""


class Xfce:
    """The panel of a desktop. It can be killed and started again, as a person's can."""

    def __init__(self, desktop: Desktop, *, dark: bool = False, **environment: str) -> None:
        """Start it and wait until icons can register.

        ``environment`` is the panel's alone; its settings are written to the XDG_CONFIG_HOME in it, if any.
        """
        self._desktop = desktop
        self._stack = ExitStack()
        self.screen = Screen({**desktop.environment, **environment})
        folder = Path(environment.get("XDG_CONFIG_HOME", desktop.folder / "xfce"))
        settings = folder / "xfce4" / "xfconf" / "xfce-perchannel-xml" / "xfce4-panel.xml"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(_channel(dark=dark), encoding="utf-8")
        self._environment = {
            **os.environ,
            **desktop.environment,
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "XDG_CACHE_HOME": str(folder),
            "GSETTINGS_BACKEND": "memory",  # there is no dconf to ask
            "NO_AT_BRIDGE": "1",  # nor a bus for screen readers
            **environment,
        }
        try:
            self._start_settings()
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start the panel; its icons may register when this returns."""
        # Its own advice for a session without a window manager, which it would wait 5 s for.
        command = ["xfce4-panel", "--disable-wm-check", "--sm-client-disable"]
        self._panel = self._run(command)
        wait_until(lambda: self._owned(WATCHER), "the panel's tray", seconds=30)
        wait_until(self._window, "the panel on the screen", seconds=30)

    def kill(self) -> None:
        """Have it crash, its tray with it."""
        self._panel.kill()
        self._panel.wait()
        wait_until(lambda: not self._owned(WATCHER), "the tray to go with its panel", seconds=30)

    def close(self) -> None:
        """End it and its settings' service."""
        self._stack.close()

    def item(self) -> Item:
        """The one icon that has registered."""
        watcher = DBusAddress("/StatusNotifierWatcher", bus_name=WATCHER, interface=WATCHER)

        def registered() -> list[str]:
            asked = Properties(watcher).get("RegisteredStatusNotifierItems")
            return list(with_reply(self._desktop.address, asked)[0][1])

        names = wait_until(registered, "an icon to register", seconds=20)
        assert len(names) == 1, names
        return Item(self._desktop.address, names[0].split("/")[0])

    @property
    def area(self) -> Area:
        """Where the panel is on the screen."""
        found = self._window()
        assert found is not None
        return found

    def look(self) -> Picture:
        """The panel as it looks now."""
        return self.screen.look().cut(self.area)

    def icon(self) -> Area:
        """Where the one icon is on the screen: what differs from the bare panel beside it, left to right."""
        area, picture = self.area, self.look()
        columns = [
            column
            for column in range(picture.width)
            if picture.cut(Area(column, 0, 1, picture.height)) != picture.cut(Area(0, 0, 1, picture.height))
        ]
        assert columns, "nothing on the panel"
        return Area(area.left + columns[0], area.top, columns[-1] - columns[0] + 1, area.height)

    def open_menu(self) -> Area:
        """Click the icon as one does for its menu; where the menu is."""
        icon = self.icon()
        self.screen.click(icon.left + icon.width // 2, icon.top + icon.height // 2, 3)
        found = wait_until(self.menu, "the menu on the screen", seconds=10)
        assert found is not None
        return found

    def menu(self) -> Area | None:
        """Where the open menu is; None while there is none that is painted."""
        for window in self.screen.windows(_TRAY_CLASS):
            found = self.screen.area(window)
            if found is not None and found.height > 2 * HEIGHT and self.rows_of(found):
                return found
        return None

    def rows_of(self, menu: Area) -> list[Area]:
        """The lines of text in an open menu, top to bottom; what separates rows apart."""
        inside = menu.shrunk(_FRAME)
        picture = self.screen.look().cut(inside)
        rows: list[Area] = []
        began: int | None = None
        for number in range(picture.height + 1):
            inked = number < picture.height and len(picture.colours(number)) > 1
            if inked and began is None:
                began = number
            elif not inked and began is not None:
                # A line of text is taller than any rule.
                if number - began > _FRAME:
                    rows.append(Area(inside.left, inside.top + began, inside.width, number - began))
                began = None
        return rows

    def click_row(self, number: int) -> None:
        """Click that line of the open menu, counted from 0."""
        menu = self.menu()
        assert menu is not None, "no menu is open"
        row = self.rows_of(menu)[number]
        self.screen.click(row.left + row.width // 2, row.top + row.height // 2)

    def _start_settings(self) -> None:
        lines = _SERVICE_FILE.read_text(encoding="utf-8").splitlines()
        program = next(line.removeprefix("Exec=") for line in lines if line.startswith("Exec="))
        # By us and not by the bus, so that it finds the throw-away settings and not the person's.
        self._run([program])
        wait_until(lambda: self._owned(_SETTINGS_SERVICE), "the settings of the panel", seconds=20)

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=self._environment)
        self._stack.callback(end, process)
        return process

    def _owned(self, name: str) -> bool:
        return bool(with_reply(self._desktop.address, message_bus.NameHasOwner(name))[0])

    def _window(self) -> Area | None:
        areas = (self.screen.area(window) for window in self.screen.windows("Xfce4-panel"))
        return next((area for area in areas if area is not None and area.width > 2 * HEIGHT), None)


@contextmanager
def xfce(desktop: Desktop, *, dark: bool = False, **environment: str) -> Iterator[Xfce]:
    """A real panel, while the block lasts."""
    made = Xfce(desktop, dark=dark, **environment)
    try:
        yield made
    finally:
        made.close()
