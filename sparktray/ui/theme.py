"""Colours, sizes and spaces of the windows, for light and dark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from PySide6.QtGui import QColor, QFont, QFontMetrics, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from sparktray.domain.snapshot import Icon

# The grid, in device-independent pixels: distances are multiples of it.
GRID = 8
INSIDE, AROUND = 12, 16  # inside a card, around a page
RADIUS = 8


@dataclass(frozen=True, slots=True)
class Tones:
    """The colours of one look. Text keeps 4.5:1 and marks 3:1 against ``page`` and ``card`` (WCAG 2.2)."""

    page: QColor  # behind everything
    card: QColor  # what lies on it
    text: QColor
    quiet: QColor  # second level of grey, for what explains
    hairline: QColor
    accent: QColor  # the thing one can do next
    on_accent: QColor
    good: QColor
    busy: QColor
    warning: QColor
    bad: QColor


# Hues after the palette of Okabe and Ito, safe for colour-blind eyes; darkened or lightened to the contrasts.
_LIGHT = Tones(
    page=QColor("#F6F7F9"),
    card=QColor("#FFFFFF"),
    text=QColor("#1B1F24"),
    quiet=QColor("#59636E"),
    hairline=QColor("#DFE3E8"),
    accent=QColor("#0064A4"),
    on_accent=QColor("#FFFFFF"),
    good=QColor("#007A5A"),
    busy=QColor("#0072B2"),
    warning=QColor("#96600A"),
    bad=QColor("#B84A00"),
)
_DARK = Tones(
    page=QColor("#16191D"),
    card=QColor("#1E2227"),
    text=QColor("#F2F4F7"),
    quiet=QColor("#A3ADB8"),
    hairline=QColor("#323940"),
    accent=QColor("#5AB4EA"),
    on_accent=QColor("#0B1720"),
    good=QColor("#3CC79B"),
    busy=QColor("#5AB4EA"),
    warning=QColor("#E8AE46"),
    bad=QColor("#F08A4B"),
)


def is_dark() -> bool:
    """Whether the platform's windows are dark: by their own background, which every style sets."""
    window = QGuiApplication.palette().color(QPalette.ColorRole.Window)
    return window.lightnessF() < 0.5


def tones() -> Tones:
    """The colours to paint with now; to be asked again after a ``PaletteChange`` event."""
    return _DARK if is_dark() else _LIGHT


def tone_of(icon: Icon) -> QColor:
    """The colour of a state, always beside its shape and its words."""
    look = tones()
    match icon:
        case Icon.READY:
            return look.good
        case Icon.LOADING:
            return look.busy
        case Icon.DEGRADED:
            return look.warning
        case Icon.FAILED | Icon.ATTENTION:
            return look.bad
        case Icon.IDLE | Icon.OFFLINE | Icon.CONNECTING:
            return look.quiet
        case _:  # pragma: no cover
            assert_never(icon)


def small(widget: QWidget | None = None) -> QFont:
    """For what explains: 11 where the platform's text is 13."""
    return _scaled(widget, 11 / 13)


def large(widget: QWidget | None = None) -> QFont:
    """For the one line that matters: 17 where the platform's text is 13."""
    return _scaled(widget, 17 / 13)


def figures(font: QFont) -> QFont:
    """The same font with figures of one width, so that numbers that change do not dance."""
    made = QFont(font)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def _scaled(widget: QWidget | None, factor: float) -> QFont:
    base = QApplication.font() if widget is None else QApplication.font(widget)
    made = QFont(base)
    if base.pointSizeF() > 0:
        made.setPointSizeF(base.pointSizeF() * factor)
    else:
        made.setPixelSize(round(base.pixelSize() * factor))
    return made


def line_height(font: QFont) -> int:
    """How tall one line of it is, in device-independent pixels."""
    return QFontMetrics(font).height()
