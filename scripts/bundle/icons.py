"""The program's icon as Windows and macOS want it in a program's file, made from resources/icon/icon.svg.

Usage: `python -m scripts.bundle.icons FOLDER` writes sparktray.ico and sparktray.icns there.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from PySide6.QtCore import QBuffer

from sparktray.ui.icons import application_images

# What Windows shows at 100 to 200 %, and the large one of the Explorer.
ICO_SIZES = (16, 20, 24, 32, 40, 48, 64, 256)
# Kinds of PNG in an .icns: https://en.wikipedia.org/wiki/Apple_Icon_Image_format
ICNS_KINDS = {b"icp4": 16, b"icp5": 32, b"icp6": 64, b"ic07": 128, b"ic08": 256, b"ic09": 512, b"ic10": 1024}


def ico() -> bytes:
    """The bytes of an .ico that holds PNGs, which Windows reads since Vista."""
    pictures = [_png(size) for size in ICO_SIZES]
    head, entries = struct.pack("<HHH", 0, 1, len(pictures)), b""
    place = len(head) + 16 * len(pictures)
    for size, picture in zip(ICO_SIZES, pictures, strict=True):
        side = size % 256  # 256 is written as 0
        entries += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), place)
        place += len(picture)
    return head + entries + b"".join(pictures)


def icns() -> bytes:
    """The bytes of an .icns."""
    pictures = {kind: _png(size) for kind, size in ICNS_KINDS.items()}
    parts = [kind + struct.pack(">I", 8 + len(each)) + each for kind, each in pictures.items()]
    return b"icns" + struct.pack(">I", 8 + sum(map(len, parts))) + b"".join(parts)


def write_icons(folder: Path) -> tuple[Path, Path]:
    """Write both; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "sparktray.ico", folder / "sparktray.icns"
    for path, content in zip(written, (ico(), icns()), strict=True):
        path.write_bytes(content)
    return written


def _png(size: int) -> bytes:
    (image,) = application_images((size,))
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    # PySide6 asks for bytes here, and takes only a string (6.11.3).
    if not image.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise OSError(f"Qt could not write a picture of {size} px")
    return bytes(buffer.data().data())


if __name__ == "__main__":
    write_icons(Path(sys.argv[1]))
