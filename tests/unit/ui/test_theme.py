from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from sparktray.ui.theme import Tones, dress, mixed, tones


@pytest.fixture(params=["#efefef", "#202020"])
def look(request: pytest.FixtureRequest) -> Iterator[Tones]:
    """The colours on a light and on a dark desktop."""
    before = QApplication.palette()
    QApplication.setPalette(QPalette(QColor(request.param)))
    yield tones()
    QApplication.setPalette(before)


def luminance(colour: QColor) -> float:
    """Relative luminance as WCAG 2.2 defines it."""

    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part) for part in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_text_can_be_read_on_every_ground(look: Tones) -> None:
    """Chosen rows and rows under the pointer are grounds too."""
    grounds = [look.page, look.card, mixed(look.accent, look.card, 0.10), mixed(look.text, look.card, 0.04)]
    words = [look.text, look.quiet, look.good, look.busy, look.warning, look.bad]
    poor = [
        (word.name(), ground.name(), round(contrast(word, ground), 2))
        for word in words
        for ground in grounds
        if contrast(word, ground) < 4.5
    ]
    assert poor == []
    assert contrast(look.on_accent, look.accent) >= 4.5


def test_marks_and_rings_stand_out(look: Tones) -> None:
    assert all(contrast(look.accent, ground) >= 3 for ground in (look.page, look.card))


def test_what_is_dressed_hands_its_colours_down(look: Tones) -> None:
    """A style sheet alone would cut the widgets below it off from the colours of their window."""
    window = QWidget()
    button = QPushButton(window)
    dress(window, look)
    assert button.palette().color(QPalette.ColorRole.Base) == look.card
    assert window.palette().color(QPalette.ColorRole.Window) == look.page
