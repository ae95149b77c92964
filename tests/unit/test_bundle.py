"""What goes into a frozen build, as far as it can be told without building one."""

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QBuffer, QByteArray
from PySide6.QtGui import QImageReader

from scripts.bundle.icons import ICNS_KINDS, ICO_SIZES, icns, ico
from scripts.bundle.parts import Unexplained, parts_of
from scripts.bundle.trimming import Entry, files_that_stay, links_that_stay
from scripts.bundle.windows_version import version_file
from sparktray import __version__


def entries(*places: str, kind: str = "BINARY") -> list[Entry]:
    return [(place, f"/source/{place}", kind) for place in places]


@pytest.mark.parametrize(
    ("staying", "going"),
    [
        ("PySide6/Qt/plugins/platforms/libqxcb.so", "PySide6/Qt/plugins/platforms/libqeglfs.so"),
        ("PySide6/plugins/platforms/qwindows.dll", "PySide6/plugins/platforms/qdirect2d.dll"),
        ("PySide6/Qt/plugins/platforms/libqcocoa.dylib", "PySide6/Qt/plugins/platforms/libqoffscreen.dylib"),
        ("PySide6/Qt/plugins/imageformats/libqsvg.so", "PySide6/Qt/plugins/imageformats/libqtiff.so"),
        ("PySide6/plugins/styles/qmodernwindowsstyle.dll", "PySide6/plugins/tls/qopensslbackend.dll"),
        ("PySide6/Qt/lib/libQt6Widgets.so.6", "PySide6/Qt/plugins/platformthemes/libqgtk3.so"),
        ("PySide6/QtWidgets.pyd", "PySide6/opengl32sw.dll"),
        ("PySide6/translations/qtbase_de.qm", "PySide6/translations/qtbase_fr.qm"),
        ("resources/locale/de/LC_MESSAGES/sparktray.mo", "resources/locale/de/LC_MESSAGES/sparktray.po"),
        ("plugins/tls/of_somebody_else.so", "PySide6/translations/qt_help_de.qm"),
    ],
)
def test_only_what_is_used_stays(staying: str, going: str) -> None:
    assert files_that_stay(entries(staying, going), ["de"]) == entries(staying)


def test_a_link_goes_with_what_it_leads_to() -> None:
    there = entries("PySide6/Qt/lib/libQt6Core.so.6")
    links = [
        ("libQt6Core.so.6", "PySide6/Qt/lib/libQt6Core.so.6", "SYMLINK"),
        ("libQt6Network.so.6", "PySide6/Qt/lib/libQt6Network.so.6", "SYMLINK"),
        ("models.json", "/source/models.json", "DATA"),
    ]
    assert links_that_stay(links, there) == [links[0], links[2]]


def test_a_file_from_nowhere_ends_the_build(tmp_path: Any) -> None:
    with pytest.raises(Unexplained, match="belongs to no package"):
        parts_of([str(tmp_path / "libmystery.so")])


def pictures(content: bytes, kind: str) -> list[tuple[int, int]]:
    """The sizes that Qt's own reader of that format finds."""
    buffer = QBuffer()
    buffer.setData(QByteArray(content))
    reader = QImageReader(buffer, QByteArray(kind.encode()))
    found = []
    for number in range(reader.imageCount()):
        reader.jumpToImage(number)
        image = reader.read()
        assert not image.isNull() and image.hasAlphaChannel()
        found.append((image.width(), image.height()))
    return found


def test_the_icon_of_windows_holds_every_size() -> None:
    assert pictures(ico(), "ico") == [(size, size) for size in ICO_SIZES]


def test_the_icon_of_macos_holds_every_size() -> None:
    content = icns()
    assert struct.unpack(">4sI", content[:8]) == (b"icns", len(content))
    assert sorted(pictures(content, "icns")) == sorted((size, size) for size in ICNS_KINDS.values())


def read_version(text: str) -> SimpleNamespace:
    """The file as PyInstaller reads it: an expression of the classes in its utils/win32/versioninfo.py."""

    def keep(name: str) -> Any:
        return lambda *positional, **named: SimpleNamespace(kind=name, values=positional, **named)

    kinds = ("VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "StringStruct", "VarFileInfo")
    names = {kind: keep(kind) for kind in (*kinds, "VarStruct")}
    found: SimpleNamespace = eval(text, {"__builtins__": {}}, names)  # noqa: S307 (our own text)
    return found


@pytest.mark.parametrize(
    ("version", "numbers", "flags"),
    [("0.1.0", (0, 1, 0, 0), 0), ("1.2", (1, 2, 0, 0), 0), ("2.0.1rc1", (2, 0, 1, 0), 2)],
)
def test_the_version_of_windows_is_the_program_s(version: str, numbers: tuple[int, ...], flags: int) -> None:
    read = read_version(version_file(version, "sparktrayw"))
    assert (read.ffi.filevers, read.ffi.prodvers, read.ffi.flags) == (numbers, numbers, flags)
    (table,) = read.kids[0].values[0]
    strings = dict(each.values for each in table.values[1])
    assert (strings["ProductVersion"], strings["OriginalFilename"]) == (version, "sparktrayw.exe")
    assert version_file(__version__, "sparktray")
    with pytest.raises(ValueError, match="no version"):
        version_file("soon", "sparktray")
