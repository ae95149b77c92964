"""What of a frozen build's files stays: PyInstaller takes all that Qt could want, the program wants little.

Called by packaging/pyinstaller.spec. An entry is PyInstaller's: (place in the folder, source, kind).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

Entry = tuple[str, str, str]

# Qt's plug-ins by their folder, in the names of all three systems. Not there: other pictures than SVG (PNG
# needs none), networks, TLS, OpenGL, screens without a desktop, and GTK 3's theme, which brings 30 MB of GTK.
PLUGINS = {
    "platforms": {"qxcb", "qwayland", "qwindows", "qcocoa"},
    "platformthemes": {"qxdgdesktopportal"},
    "platforminputcontexts": {"composeplatforminputcontextplugin", "ibusplatforminputcontextplugin"},
    "iconengines": {"qsvgicon"},
    "imageformats": {"qsvg"},
    "styles": {"qmodernwindowsstyle", "qmacstyle"},
    "wayland-decoration-client": {"adwaita", "bradient"},
    "wayland-shell-integration": {"xdg-shell"},
}
# Libraries that Qt opens by name when somebody wants OpenGL, which nothing here does.
UNWANTED = {"opengl32sw.dll", "d3dcompiler_47.dll"}
# What every Linux desktop has itself and loads into the same process by its own graphics driver, fonts and
# session bus: an older copy from the machine of the build would clash with it.
OF_THE_DESKTOP = {
    "libstdc++.so.6", "libgcc_s.so.1", "libX11.so.6", "libX11-xcb.so.1", "libfontconfig.so.1",
    "libfreetype.so.6", "libdbus-1.so.3", "libglib-2.0.so.0", "libgthread-2.0.so.0",
}  # fmt: skip


def links_that_stay(entries: Iterable[Entry], staying: Iterable[Entry]) -> list[Entry]:
    """All but links to what is not there any more."""
    places = {place for place, _source, _kind in staying}
    return [entry for entry in entries if entry[2] != "SYMLINK" or _target(entry) in places]


def files_that_stay(entries: Iterable[Entry], languages: Iterable[str]) -> list[Entry]:
    """Those without plug-ins and translations of Qt that nothing here uses; texts in ``languages`` stay."""
    texts = {f"qtbase_{language}.qm" for language in languages}
    return [entry for entry in entries if _stays(PurePosixPath(Path(entry[0]).as_posix()), texts)]


def _stays(place: PurePosixPath, texts: set[str]) -> bool:
    if "plugins" in place.parts[:-2] and "PySide6" in place.parts:
        return place.stem.removeprefix("lib") in PLUGINS.get(place.parent.name, set())
    if place.suffix == ".qm":
        return place.name in texts
    if place.suffix == ".po":
        return False  # the program reads what is made from it
    return place.name not in UNWANTED


def libraries_that_stay(binaries: Iterable[Entry]) -> list[Entry]:
    """Those that an extension module, a plug-in or Python itself still needs, over any number of others.

    What is `OF_THE_DESKTOP` goes. Linux only, where it was tried; elsewhere all stay.
    """
    entries = list(binaries)
    if not sys.platform.startswith("linux"):
        return entries
    # A library lies where its wheel has it, or at the top, under its own name or by a link of that name.
    places = ((PurePosixPath(place).name, source) for place, source, kind in entries if kind == "BINARY")
    by_name = {name: source for name, source in places if name not in OF_THE_DESKTOP}
    roots = [e[1] for e in entries if e[2] == "EXTENSION" or "plugins" in PurePosixPath(e[0]).parts]
    needed, waiting = set(), [*roots, *(path for name, path in by_name.items() if "libpython" in name)]
    while waiting:
        path = waiting.pop()
        if path not in needed:
            needed.add(path)
            waiting += [by_name[name] for name in _wanted_by(path) if name in by_name]
    staying = {place for place, source, kind in entries if kind != "SYMLINK" and source in needed}
    return [entry for entry in entries if (_target(entry) if entry[2] == "SYMLINK" else entry[0]) in staying]


def _wanted_by(library: str) -> list[str]:
    """The libraries that it names itself; PyInstaller asks ldd, which tells those of others too."""
    said = subprocess.run([_tool("objdump"), "-p", library], capture_output=True, text=True, check=True)
    return re.findall(r"^ *NEEDED +(\S+)$", said.stdout, re.MULTILINE)


def _tool(name: str) -> str:
    return shutil.which(name) or sys.exit(f"{name} is missing; it comes with the Debian package binutils")


def _target(link: Entry) -> str:
    """Where a link leads, as a place in the folder."""
    return (PurePosixPath(link[0]).parent / link[1]).as_posix()


def stripped(entries: Iterable[Entry], folder: Path) -> list[Entry]:
    """Python's and the packages' own libraries without symbols for debuggers; copies lie in ``folder``.

    Linux only. A Python of python.org's containers carries 20 MB of them. What a wheel's repair has moved
    about (Qt, and whatever lies in a folder NAME.libs) is left alone: strip is known to break such files.
    """
    entries = list(entries)
    if not sys.platform.startswith("linux"):
        return entries
    return [_stripped(entry, folder) for entry in entries]


def _stripped(entry: Entry, folder: Path) -> Entry:
    place, source, kind = entry
    moved_about = any(part in source for part in ("PySide6", "shiboken6", ".libs"))
    if moved_about or kind not in {"BINARY", "EXTENSION"}:
        return entry
    target = folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([_tool("strip"), "--strip-unneeded", "-o", str(target), source], check=True)
    return place, str(target), kind
