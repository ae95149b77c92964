"""Colours, sizes and spaces of the windows, for light and dark."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetrics, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

# The grid, in device-independent pixels: distances are multiples of it.
GRID = 8
INSIDE, AROUND = 12, 16  # inside a card, around a page
RADIUS = 8


class Tones(msgspec.Struct, frozen=True):
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
    busy=QColor("#006DAA"),
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
    """Whether the platform's windows are dark: as it says, else by their own background.

    Its word comes first, since the background can stay behind: with the colour scheme of the desktop portal
    Qt 6.11 changes ``colorScheme`` at once and the palette not at all.
    """
    match QGuiApplication.styleHints().colorScheme():
        case Qt.ColorScheme.Dark:
            return True
        case Qt.ColorScheme.Light:
            return False
        case _:
            return _is_dark(QGuiApplication.palette())


def _is_dark(palette: QPalette) -> bool:
    return palette.color(QPalette.ColorRole.Window).lightnessF() < 0.5


# What tells a window that the platform looks different; no single one comes on every platform (Qt 6.11).
LOOKS = frozenset({QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange, QEvent.Type.ThemeChange})


def tones() -> Tones:
    """The colours to paint with now; to be asked again after one of the ``LOOKS`` events."""
    return _DARK if is_dark() else _LIGHT


def _palette(look: Tones) -> QPalette:
    """The same colours for what the platform's style paints: fields, buttons, lists, selections."""
    base = QGuiApplication.palette()
    # The style's own one, when that of the platform stayed behind.
    made = QPalette(base if _is_dark(base) is (look is _DARK) else QApplication.style().standardPalette())
    role = QPalette.ColorRole
    for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive):
        for roles, colour in (
            ((role.Window,), look.page),
            ((role.Base, role.Button, role.ToolTipBase), look.card),
            ((role.AlternateBase,), look.page),
            ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), look.text),
            ((role.PlaceholderText,), look.quiet),
            ((role.Highlight, role.Link, role.Accent), look.accent),
            ((role.HighlightedText,), look.on_accent),
        ):
            for each in roles:
                made.setColor(group, each, colour)
    return made


def dress(window: QWidget, look: Tones) -> None:
    """Give a window and all in it these colours; to be called again after a change of look.

    A style sheet is set only where Qt paints by itself, in its own style: on other platforms buttons and
    fields look as everywhere there.
    """
    # Without it widgets below a style sheet do not take over the colours of their window (Qt 6.11).
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_UseStyleSheetPropagationInWidgetStyles)
    window.setPalette(_palette(look))
    sheet = _plain_style(look) if QApplication.style().name() == "fusion" else ""
    if window.styleSheet() != sheet:
        window.setStyleSheet(sheet)


def _plain_style(look: Tones) -> str:
    """A style sheet for Qt's own style, which is nobody's platform: flat buttons, slim scroll bars."""
    edge = mixed(look.text, look.card, 0.5).name()
    over, down = mixed(look.text, look.card, 0.05).name(), mixed(look.text, look.card, 0.12).name()
    handle = mixed(look.text, look.card, 0.25).name()
    return (
        f"QPushButton {{ background: {look.card.name()}; color: {look.text.name()};"
        f" border: 1px solid {edge}; border-radius: 5px; padding: 3px {GRID + 4}px; }}"
        f"QPushButton:hover {{ background: {over}; }}"
        f"QPushButton:pressed, QPushButton:checked {{ background: {down}; }}"
        f"QPushButton:focus {{ border: 2px solid {look.accent.name()}; padding: 2px {GRID + 3}px; }}"
        f"QPushButton:disabled {{ color: {look.quiet.name()}; border-color: {look.hairline.name()}; }}"
        "QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }"
        "QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }"
        f"QScrollBar::handle {{ background: {handle}; border-radius: 3px; margin: 2px; }}"
        "QScrollBar::handle:vertical { min-height: 32px; } QScrollBar::handle:horizontal { min-width: 32px; }"
        "QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }"
        "QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }"
    )


def mixed(colour: QColor, ground: QColor, share: float) -> QColor:
    """A colour laid thinly on a ground: ``share`` 0..1 of it."""
    rest = 1 - share
    return QColor.fromRgbF(
        share * colour.redF() + rest * ground.redF(),
        share * colour.greenF() + rest * ground.greenF(),
        share * colour.blueF() + rest * ground.blueF(),
    )


def small(widget: QWidget | None = None) -> QFont:
    """For what explains: 11 where the platform's text is 13."""
    return _scaled(widget, 11 / 13)


def large(widget: QWidget | None = None) -> QFont:
    """For the one line that matters: 17 where the platform's text is 13."""
    return _scaled(widget, 17 / 13)


def strong(widget: QWidget | None = None) -> QFont:
    """For the name of what runs: the platform's text, heavier."""
    made = _scaled(widget, 1.0)
    made.setWeight(QFont.Weight.DemiBold)
    return made


def fixed(widget: QWidget | None = None) -> QFont:
    """For commands and log lines: the platform's font of one width, in the small size."""
    made = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    like = small(widget)
    if like.pointSizeF() > 0:
        made.setPointSizeF(like.pointSizeF())
    else:
        made.setPixelSize(like.pixelSize())
    return made


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
