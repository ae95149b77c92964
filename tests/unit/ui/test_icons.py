from functools import cache
from itertools import combinations, product
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QImage

from sparktray.domain.snapshot import Icon
from sparktray.store.shipped import shipped
from sparktray.ui.icons import (
    LARGE_APPLICATION_SIZES,
    SIZES,
    SMALL_APPLICATION_SIZES,
    Look,
    application_icon,
    icon,
)

PICTURES = [(state, step) for state in Icon for step in (range(3) if state is Icon.LOADING else (0,))]
PANEL_SIZES = (16, 20, 22, 24, 32)
COLOURED = (Look.COLOURED_LIGHT, Look.COLOURED_DARK)
NEUTRAL = {
    Look.LIGHT: (0x1B, 0x1F, 0x24),
    Look.DARK: (0xF2, 0xF4, 0xF7),
    Look.TEMPLATE: (0, 0, 0),
    Look.COLOURED_LIGHT: (0x1B, 0x1F, 0x24),
    Look.COLOURED_DARK: (0xF2, 0xF4, 0xF7),
}
ACCENT = {
    Icon.READY: (0x00, 0x9E, 0x73),
    Icon.LOADING: (0x00, 0x72, 0xB2),
    Icon.DEGRADED: (0xE6, 0x9F, 0x00),
    Icon.FAILED: (0xD5, 0x5E, 0x00),
    Icon.ATTENTION: (0xD5, 0x5E, 0x00),
}

SVG = "{http://www.w3.org/2000/svg}"

Picture = tuple[Icon, int]
Colour = tuple[int, int, int]
Pixel = tuple[int, int, int, int]


def read(made: QIcon, size: int) -> list[Pixel]:
    """The pixels of one size, row by row, as red, green, blue and alpha."""
    image = made.pixmap(QSize(size, size)).toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    assert (image.width(), image.height(), image.bytesPerLine()) == (size, size, 4 * size)
    raw = bytes(image.constBits())
    return [(raw[i], raw[i + 1], raw[i + 2], raw[i + 3]) for i in range(0, len(raw), 4)]


@cache
def pixels(picture: Picture, look: Look, size: int) -> list[Pixel]:
    state, step = picture
    return read(icon(state, look, step), size)


def one_bit(picture: Picture, look: Look, size: int) -> list[bool]:
    return [pixel[3] >= 128 for pixel in pixels(picture, look, size)]


def covered(some: list[Pixel]) -> list[Colour]:
    """Colours of the pixels that are wholly covered."""
    return [pixel[:3] for pixel in some if pixel[3] == 255]


@pytest.mark.parametrize("look", Look)
@pytest.mark.parametrize("picture", PICTURES)
def test_every_state_is_drawn_in_every_look_and_size(picture: Picture, look: Look) -> None:
    state, step = picture
    made = icon(state, look, step)
    assert {size.width() for size in made.availableSizes()} == set(SIZES)
    for size in SIZES:
        assert 0.1 <= sum(one_bit(picture, look, size)) / size**2 <= 0.8


@pytest.mark.parametrize("size", PANEL_SIZES)
def test_any_two_states_differ_in_one_bit(size: int) -> None:
    for one, other in combinations(PICTURES, 2):
        bits = zip(one_bit(one, Look.TEMPLATE, size), one_bit(other, Look.TEMPLATE, size), strict=True)
        differing = sum(a != b for a, b in bits) / size**2
        # Steps of one state follow each other in the same place, so they may be nearer to each other.
        least = 0.12 if one[0] is not other[0] else 0.10
        assert differing >= least, f"{one} and {other} at {size} px differ in {differing:.1%} of the pixels"


@pytest.mark.parametrize("look", Look)
@pytest.mark.parametrize("size", SIZES)
def test_the_shape_is_the_same_in_every_look(size: int, look: Look) -> None:
    for picture in PICTURES:
        here = [pixel[3] for pixel in pixels(picture, look, size)]
        there = [pixel[3] for pixel in pixels(picture, Look.TEMPLATE, size)]
        # Where two shapes overlap at an edge, rounding of the sum may differ with the colour.
        assert max(abs(a - b) for a, b in zip(here, there, strict=True)) <= 2


@pytest.mark.parametrize("picture", PICTURES)
def test_the_edges_of_the_chip_lie_on_whole_pixels(picture: Picture) -> None:
    """The first row and column of the chip are drawn in full and the ones outside of it not at all."""
    for size in SIZES:
        alpha = [pixel[3] for pixel in pixels(picture, Look.LIGHT, size)]
        # At half an edge every state has its outline; the lower right is open in some.
        margin, middle = size // 16, size // 2
        row = alpha[middle * size : (middle + 1) * size]
        column = alpha[middle::size]
        for line in (row, column):
            assert line[margin] >= 250
            assert set(line[:margin]) == {0}


@pytest.mark.parametrize("look", COLOURED)
@pytest.mark.parametrize("picture", PICTURES)
def test_the_coloured_sets_hold_the_colour_of_the_state_besides_the_neutral_one(
    picture: Picture, look: Look
) -> None:
    accents = {ACCENT[picture[0]]} if picture[0] in ACCENT else set()
    colours = covered(pixels(picture, look, 64))
    assert accents <= set(colours)
    # Where the accent ends upon an outline the two mix in one row of pixels; all else is one of them.
    mixed = [colour for colour in colours if colour not in accents | {NEUTRAL[look]}]
    assert len(mixed) <= (0.03 * len(colours) if accents else 0)


@pytest.mark.parametrize("look", sorted(set(Look) - set(COLOURED)))
def test_without_colour_nothing_is_told_by_a_grey(look: Look) -> None:
    for picture, size in product(PICTURES, SIZES):
        for colour in set(covered(pixels(picture, look, size))):
            # One step off is the rounding of two layers of the same colour at an edge.
            assert max(abs(a - b) for a, b in zip(colour, NEUTRAL[look], strict=True)) <= 1


def test_a_template_is_a_mask_of_alpha_only() -> None:
    for picture in PICTURES:
        state, step = picture
        assert icon(state, Look.TEMPLATE, step).isMask()
        for size in SIZES:
            assert {pixel[:3] for pixel in pixels(picture, Look.TEMPLATE, size)} == {(0, 0, 0)}


@pytest.mark.parametrize("look", sorted(set(Look) - {Look.TEMPLATE}))
def test_other_looks_are_no_masks(look: Look) -> None:
    assert not icon(Icon.READY, look).isMask()


@pytest.mark.parametrize("state", sorted(set(Icon) - {Icon.LOADING}))
def test_only_loading_looks_at_the_step(state: Icon) -> None:
    assert pixels((state, 2), Look.LIGHT, 16) == pixels((state, 0), Look.LIGHT, 16)


@pytest.mark.parametrize("step", [-1, 3])
def test_a_step_that_is_none_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match="loading step"):
        icon(Icon.LOADING, Look.LIGHT, step)


def test_the_application_icon_is_there_in_all_sizes() -> None:
    made = application_icon()
    sizes = SMALL_APPLICATION_SIZES + LARGE_APPLICATION_SIZES
    assert {size.width() for size in made.availableSizes()} == set(sizes)
    for size in sizes:
        assert {(0x1B, 0x1F, 0x24), (0xE6, 0x9F, 0x00)} <= set(covered(read(made, size)))


def test_the_source_has_one_group_a_picture_and_a_name_for_every_shape() -> None:
    root = ElementTree.parse(shipped("resources/icon/icon.svg")).getroot()  # noqa: S314 our own file
    names = [element.attrib["id"] for element in root.iter(f"{SVG}g") if "id" in element.attrib]
    states = [f"{state}-{step}" if state is Icon.LOADING else str(state) for state, step in PICTURES]
    assert sorted(names) == sorted([*states, "application", "application-small"])
    for shape in ("path", "rect"):
        assert all(element.get("id") for element in root.iter(f"{SVG}{shape}"))
    every = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(every) == len(set(every))
