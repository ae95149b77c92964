"""Take the pictures: the real program on the rig, on a real desktop, light and dark, English and German.

Run by ``make screenshots`` inside the rig's namespaces. Everything goes to build/screenshots, and what README
shows to docs/screenshots. Ends with 1 when README shows one that there is not, or that is too large.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from sparktray.store.paths import ConfigFolder
from sparktray.store.settings import SettingsFile
from tests.rig.desktop import Desktop, Item
from tests.rig.driving import Program
from tests.rig.namespace import put_in_front, running
from tests.rig.rig import Rig
from tests.rig.screen import Area, Picture, Screen, at_rest, display
from tests.rig.tray_program import tray
from tests.rig.xfce import Xfce, xfce
from tests.waiting import wait_until

EVERYTHING, SHOWN = Path("build/screenshots"), Path("docs/screenshots")
MOST_BYTES = 120_000
LOOKS, LANGUAGES = ("light", "dark"), ("en", "de")
# Of the panel, as its list has them; for the names of the files.
PAGES = ("models", "monitor", "logs", "clients", "open-webui", "journal", "hosts", "settings")
SCALE = 2  # 720 wide on a page, and sharp on a screen of 200 %
WIDTH, HEIGHT = 900 * SCALE, 800 * SCALE
AWAY = (WIDTH - 1, HEIGHT - 1)  # where the mouse is in nobody's way
QWEN, CODER, SCOUT = "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4", "llama4-scout-17b-nvfp4"
ADDRESS = "spark.local"
AVAILABLE_KIB = 78_000_000  # while the first model is loaded


class Photographed(Program):
    """The program in a home of its own."""

    def __init__(self, config: Path, look: str) -> None:
        super().__init__(config)
        self._look = look

    @property
    def environment(self) -> dict[str, str]:
        """As on Xfce."""
        home = self.config.parent
        return {**super().environment, **settings_of(home, self._look), "QT_SCALE_FACTOR": str(SCALE)}


def settings_of(home: Path, look: str) -> Mapping[str, str]:
    """A home with that look, as environment; Qt has font and colours from GTK there (its gtk3 plug-in)."""
    settings = home / ".config" / "gtk-3.0" / "settings.ini"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("[Settings]\ngtk-font-name=Inter 10\n", encoding="utf-8")
    return {
        "HOME": str(home),
        "LOGNAME": "anna",  # whom the assistant offers as user
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CURRENT_DESKTOP": "XFCE",
        "GTK_THEME": "Adwaita:dark" if look == "dark" else "Adwaita",
    }


def keep(name: str, picture: Picture) -> None:
    """Save a picture."""
    shrink(picture.save(EVERYTHING / f"{name}.png"))


def shrink(path: Path) -> None:
    """Reduce a saved picture to the colours it needs."""
    command = ["pngquant", "--quality", "80-98", "--speed", "1", "--strip", "--force", "--ext", ".png"]
    ended = subprocess.run([*command, "--skip-if-larger", str(path)], check=False).returncode
    # 98: it came out larger, 99: not so good as asked for; either way it stays as it was.
    if ended not in (0, 98, 99):
        raise RuntimeError(f"pngquant ended with {ended} for {path}")
    print(f"{path}  {path.stat().st_size / 1000:.0f} kB", flush=True)


def publish() -> list[str]:
    """Put those that README shows where it shows them from; what is wrong with them."""
    names = sorted(set(re.findall(rf"{SHOWN}/([\w-]+\.png)", Path("README.md").read_text(encoding="utf-8"))))
    missing = [name for name in names if not (EVERYTHING / name).exists()]
    if missing:
        return [f"README shows {name}, which was not taken" for name in missing]
    shutil.rmtree(SHOWN, ignore_errors=True)
    SHOWN.mkdir(parents=True)
    sizes = {name: shutil.copy(EVERYTHING / name, SHOWN / name).stat().st_size for name in names}
    large = [name for name, size in sizes.items() if size > MOST_BYTES]
    return [f"{name} is larger than {MOST_BYTES / 1000:.0f} kB" for name in large]


@dataclass(frozen=True, slots=True)
class Studio:
    """One desktop of one look, and what stands on it."""

    rig: Rig
    look: str
    desktop: Desktop
    screen: Screen
    panel: Xfce
    display: str
    folder: Path
    seconds: float

    def first_start(self, language: str) -> None:
        """The assistant, which opens while no host is set up."""
        program = Photographed(self.folder / f"new-{language}" / "config", self.look)
        speak(program, language)
        with tray(program, self.desktop, silent=False, DISPLAY=self.display):
            wait_until(lambda: len(self._windows()) == 2, "the panel and the assistant", seconds=30)
            window = min(self._windows(), key=lambda each: self._area(each).width)
            self._come_forward(window)
            self._keep("assistant", language, self._rested(window))

    def every_day(self) -> None:
        """Menu, panel, a switch and its notification, in the order in which a person sees them."""
        program = Photographed(self.folder / "spark" / "config", self.look)
        program.add(self.rig, "spark", dataclasses.replace(self.rig.server, address=ADDRESS))
        with tray(program, self.desktop, silent=False, DISPLAY=self.display):
            item = self.panel.item()
            self._until(item, QWEN)
            self._work()
            for language in LANGUAGES:
                quit_row = item.visible()[-1]
                speak(program, language)
                if language != LANGUAGES[0]:
                    wait_for_change(lambda: item.visible()[-1], quit_row, "the language")
                self._menu("menu", language, item)
                self._panel_pages(item, language)
                self._notification(item, language)
                # Back to how it was, whatever the menu's language.
                program.ok("stop", "sglang")
                self._until(item, QWEN)

    def _work(self) -> None:
        """Have the Spark do something for a while, so that the histories have something to show."""
        ends, number = time.monotonic() + self.seconds, 0
        while time.monotonic() < ends:
            busy = (1, 3, 2, 4, 4, 3, 1, 2)[number % 8]
            self.rig.behave_live(30001, running=busy)
            self.rig.set_gpu(
                utilization=min(97, busy * 24), temperature=41 + 5 * busy, power=14.0 + 17 * busy
            )
            self.rig.set_memory(AVAILABLE_KIB - busy * 400_000)
            number += 1
            time.sleep(min(10.0, self.seconds / 8))  # two of the program's samples

    def _panel_pages(self, item: Item, language: str) -> None:
        window = self._open_panel(item)
        for number, (name, picture) in enumerate(zip(PAGES, self._pages(window), strict=True), 1):
            self._keep(f"panel-{number}-{name}", language, picture)
        self.screen.press("ctrl+1")
        item.click(CODER)
        wait_until(lambda: self.rig.state("sglang") == "running", "the container", seconds=30)
        # The second third of the icon: by then the load has told something of itself.
        for _ in range(2):
            wait_for_change(lambda: item.pixels, item.pixels, "the load to go on")
        self._keep("panel-switching", language, self._look_at(window))
        self._come_forward(window)  # it grew, which takes it to the corner where the panel's icon may be
        self._menu("menu-switching", language, item)
        self._until(item, CODER)
        self.screen.focus(window)
        self.screen.press(f"ctrl+{PAGES.index('journal') + 1}")  # with something in it now
        self._keep("panel-journal", language, self._rested(window))
        self.screen.press("ctrl+w")
        wait_until(lambda: not self._windows(), "the panel to close", seconds=10)

    def _notification(self, item: Item, language: str) -> None:
        item.click(SCOUT)
        shown = wait_until(lambda: self.screen.windows("Dunst"), "the notification", seconds=60)[0]
        self._keep("notification", language, self._rested(shown))
        environment = {**os.environ, **self.desktop.environment}
        subprocess.run(["dunstctl", "close-all"], check=True, env=environment)

    def _until(self, item: Item, model: str) -> None:
        """That model is ready: its name begins the sentence in every language."""
        wait_until(lambda: item.visible()[0].startswith(model), f"{model} to be ready", seconds=60)

    def _menu(self, name: str, language: str, item: Item) -> None:
        self.screen.point(*AWAY)
        menu = self.panel.open_menu()
        wait_until(lambda: len(self.panel.rows_of(menu)) >= len(item.visible()), "all rows", seconds=10)
        self.screen.point(*AWAY)
        with_panel = Area(menu.left, 0, menu.width, menu.top + menu.height)
        self._keep(name, language, self.screen.look().cut(with_panel))
        self.screen.press("Escape")
        wait_until(lambda: self.panel.menu() is None, "the menu to close", seconds=10)

    def _open_panel(self, item: Item) -> int:
        # The row above Quit, in any language.
        rows = [row for row in item.rows() if row.visible and not row.separator]
        item.click_on(rows[-2])
        window = wait_until(self._windows, "the panel", seconds=20)[0]
        self._come_forward(window)
        return window

    def _come_forward(self, window: int) -> None:
        """What a window manager would do; there is none."""
        self.screen.place(window, 20 * SCALE, 60 * SCALE)
        self.screen.focus(window)

    def _windows(self) -> tuple[int, ...]:
        """The program's windows."""
        found = ((window, self.screen.area(window)) for window in self.screen.windows("sparktray"))
        return tuple(window for window, area in found if area is not None and area.width > 200 * SCALE)

    def _area(self, window: int) -> Area:
        area = self.screen.area(window)
        if area is None:
            raise RuntimeError(f"window {window} is gone")
        return area

    def _look_at(self, window: int) -> Picture:
        return self.screen.look().cut(self._area(window))

    def _rested(self, window: int) -> Picture:
        try:
            return at_rest(lambda: self._look_at(window), seconds=4)
        except AssertionError:
            # A log that goes on is never at rest.
            return self._look_at(window)

    def _pages(self, window: int) -> Iterator[Picture]:
        """Every page of the panel, in order."""

        def marks() -> Picture:
            """A strip of the list of pages, where nothing changes by itself."""
            whole = self._look_at(window)
            return whole.cut(Area(0, whole.height // 7, whole.width // 20, 5 * whole.height // 8))

        self.screen.press(f"ctrl+{len(PAGES)}")  # wherever it was left, the first is another
        self._rested(window)
        for number in range(1, len(PAGES) + 1):
            before = at_rest(marks)
            self.screen.press(f"ctrl+{number}")
            wait_for_change(marks, before, f"page {number}")
            yield self._rested(window)

    def _keep(self, name: str, language: str, picture: Picture) -> None:
        keep(f"{name}-{self.look}-{language}", picture)


def speak(program: Program, language: str) -> None:
    """Choose the language, as the settings page does; a running program follows."""
    SettingsFile(ConfigFolder(program.config)).change(lambda kept: replace(kept, language=language))


def wait_for_change(look: Callable[[], object], before: object, what: str) -> None:
    """Wait until something is not as before."""
    wait_until(lambda: look() != before, what, seconds=30)


def icons() -> None:
    """Every state in every look, large and as small as panels have it."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QRect
    from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter

    from sparktray.domain.snapshot import Icon
    from sparktray.ui.icons import LOADING_STEPS, Look, icon

    application = QGuiApplication(["icons"])
    application.setApplicationName("icons")
    cell, large, small = 96, 64, 16
    steps = {Icon.LOADING: LOADING_STEPS}
    states = [(state, step) for state in Icon for step in range(steps.get(state, 1))]
    looks = (Look.LIGHT, Look.DARK, Look.COLOURED_LIGHT, Look.COLOURED_DARK)
    sheet = QImage(cell * len(states), cell * len(looks), QImage.Format.Format_RGB32)
    painter = QPainter(sheet)
    for row, look in enumerate(looks):
        ground = QColor("#24292F" if look in (Look.DARK, Look.COLOURED_DARK) else "#F6F7F9")
        painter.fillRect(QRect(0, row * cell, sheet.width(), cell), ground)
        for column, (state, step) in enumerate(states):
            drawn = icon(state, look, step)
            painter.drawPixmap(column * cell + 6, row * cell + 16, drawn.pixmap(large, large))
            corner = (column * cell + cell - small - 6, row * cell + cell - small - 16)
            painter.drawPixmap(*corner, drawn.pixmap(small, small))
    painter.end()
    sheet.save(str(EVERYTHING / "icons.png"))
    shrink(EVERYTHING / "icons.png")


def dunst_settings(folder: Path) -> Path:
    """Settings of the notification service that fit the screen."""
    settings = folder / "dunstrc"
    lines = (
        *("[global]", f"font = Inter {10 * SCALE}", f"width = {360 * SCALE}", "origin = bottom-right"),
        *("frame_width = 0", "icon_position = off", "show_indicators = no", f"padding = {8 * SCALE}"),
        *(f"horizontal_padding = {8 * SCALE}", "[urgency_normal]", "timeout = 0"),
    )
    settings.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return settings


def photograph(rig: Rig, look: str, folder: Path, seconds: float) -> None:
    """Everything in one look."""
    rig.clean()
    rig.behave(CODER, load_seconds=16.0)
    rig.set_memory(AVAILABLE_KIB)
    rig.start_sglang(QWEN, container="sglang-main", port=30001)
    rig.wait_http(30001, "/health", 200, seconds=30)
    folder.mkdir()
    with ExitStack() as stack:
        desktop = Desktop()
        stack.callback(desktop.close)
        own = stack.enter_context(display(WIDTH, HEIGHT))
        environment = {**settings_of(folder, look), "DISPLAY": own, "GDK_SCALE": str(SCALE)}
        panel = stack.enter_context(xfce(desktop, dark=look == "dark", **environment))
        address = [f"DISPLAY={own}", f"DBUS_SESSION_BUS_ADDRESS={desktop.address}"]
        stack.enter_context(running(["env", *address, "dunst", "-config", str(dunst_settings(folder))]))
        studio = Studio(rig, look, desktop, panel.screen, panel, own, folder, seconds)
        for language in LANGUAGES:
            studio.first_start(language)
        studio.every_day()


def main(words: list[str]) -> int:
    """Take them all."""
    given = argparse.ArgumentParser(prog="scripts/screenshots.py", description=__doc__)
    given.add_argument("--seconds", type=float, default=300.0, help="how long the Spark works before")
    seconds: float = given.parse_args(words).seconds
    shutil.rmtree(EVERYTHING, ignore_errors=True)
    rig = Rig()
    try:
        hosts = Path("/etc/hosts").read_text(encoding="utf-8")
        put_in_front(Path("/etc/hosts"), f"{hosts}\n127.0.0.1 {ADDRESS}\n")
        with tempfile.TemporaryDirectory(prefix="screenshots-") as folder:
            for look in LOOKS:
                photograph(rig, look, Path(folder) / look, seconds)
    finally:
        rig.close()
    icons()
    faults = publish()
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
