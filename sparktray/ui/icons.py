"""The tray's icon and the program's own, rendered from one SVG source when they are asked for.

There are no rendered files: QtSvg is loaded and the source read in 4 ms once, and a state costs 0.7 ms
in all eight sizes (PySide6 6.12 on a two-core virtual machine).
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from sparktray.domain.snapshot import Icon
from sparktray.store.shipped import shipped

# Windows asks for 16, 20, 24 and 32 at 100 to 200 %, macOS for 18 points as 36, Linux panels for 22
# and 24 and their doubles.
SIZES = (16, 20, 22, 24, 32, 36, 48, 64)
# What launchers, window lists and task switchers ask for besides.
SMALL_APPLICATION_SIZES = (16, 20, 24, 32)  # the spark alone; the chip's pins would run together
LARGE_APPLICATION_SIZES = (48, 64, 128, 256)
LOADING_STEPS = 3

_SOURCE = "resources/icon/icon.svg"
_CHIP = 14  # units of the source from the chip's one edge to the other; one unit of margin around it
_INK = "#1B1F24"  # neutral on a light panel; also the neutral colour of the source
_PAPER = "#F2F4F7"  # neutral on a dark panel
_BLACK = "#000000"  # of a mask only the alpha counts
# Okabe and Ito's palette: told apart with any kind of colour vision.
_ACCENTS = ("#009E73", "#0072B2", "#E69F00", "#D55E00")


class Look(StrEnum):
    """What the icon is to stand on, and whether it has colour besides shape."""

    LIGHT = "light"  # dark strokes, for a light panel
    DARK = "dark"  # light strokes, for a dark panel
    TEMPLATE = "template"  # black on transparent: macOS colours it itself
    COLOURED_LIGHT = "coloured-light"
    COLOURED_DARK = "coloured-dark"


_NEUTRAL = {
    Look.LIGHT: _INK,
    Look.DARK: _PAPER,
    Look.TEMPLATE: _BLACK,
    Look.COLOURED_LIGHT: _INK,
    Look.COLOURED_DARK: _PAPER,
}
_COLOURED = frozenset({Look.COLOURED_LIGHT, Look.COLOURED_DARK})


def icon(state: Icon, look: Look, loading_step: int = 0) -> QIcon:
    """Return the tray's icon of a state in all `SIZES` (pixels).

    `loading_step` is 0, 1 or 2: how many thirds are full besides the first one; only `LOADING` looks
    at it. `ValueError` for any other step. The main thread calls it, with a `QGuiApplication` alive.
    """
    if not 0 <= loading_step < LOADING_STEPS:
        raise ValueError(f"loading step {loading_step} is not one of 0 to {LOADING_STEPS - 1}")
    name = f"{state}-{loading_step}" if state is Icon.LOADING else str(state)
    made = _from_images(_images(name, look, SIZES))
    made.setIsMask(look is Look.TEMPLATE)
    return made


def application_icon() -> QIcon:
    """Return the icon of windows and launchers, the same on light and dark, from 16 to 256 px.

    The main thread calls it, with a `QGuiApplication` alive.
    """
    return _from_images(application_images((*SMALL_APPLICATION_SIZES, *LARGE_APPLICATION_SIZES)))


def application_images(sizes: tuple[int, ...]) -> tuple[QImage, ...]:
    """Return its pictures in these sizes (pixels), also for the files of packages. Any thread."""
    largest_small = SMALL_APPLICATION_SIZES[-1]
    names = ("application-small" if size <= largest_small else "application" for size in sizes)
    return tuple(
        _images(name, Look.COLOURED_LIGHT, (size,))[0] for name, size in zip(names, sizes, strict=True)
    )


def _from_images(images: tuple[QImage, ...]) -> QIcon:
    made = QIcon()
    for image in images:
        made.addPixmap(QPixmap.fromImage(image))
    return made


# Images and not icons are kept: a pixmap must not outlive the QGuiApplication, an image may.
@cache
def _images(name: str, look: Look, sizes: tuple[int, ...]) -> tuple[QImage, ...]:
    """The source's group of that id, once for every size."""
    renderer = _renderer(look)
    return tuple(_image(renderer, name, size) for size in sizes)


@cache
def _renderer(look: Look) -> QSvgRenderer:
    """The source in the colours of a look."""
    source = shipped(_SOURCE).read_text(encoding="utf-8")
    neutral = _NEUTRAL[look]
    if look not in _COLOURED:
        for accent in _ACCENTS:
            source = source.replace(accent, neutral)
    return QSvgRenderer(source.replace(_INK, neutral).encode())


def _image(renderer: QSvgRenderer, name: str, size: int) -> QImage:
    """One group in one size, the chip's edges on whole pixels.

    16 units stretched to 20 or 22 pixels would put them between two pixels and blur all four.
    """
    margin = size // 16
    unit = _CHIP / (size - 2 * margin)  # of the source, per pixel
    # The group's own place in its cell is nought; the cell's is on the wrapper around it.
    cell = renderer.transformForElement(name).dx()
    corner = 1 - margin * unit
    renderer.setViewBox(QRectF(cell + corner, corner, size * unit, size * unit))
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return image
