from __future__ import annotations

from itertools import groupby

import pytest
from msgspec.structs import replace
from PySide6.QtGui import QColor, QImage

from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.ui.panel.memory_bar import MemoryBar
from sparktray.ui.theme import mixed, tones
from sparktray.wording import Speech, Wording
from tests.unit.cli import pictures

GIB = 1 << 30
SCOUT = "llama4-scout-17b-nvfp4"


def host(used: int, total: int = 100) -> Snapshot:
    vitals = Vitals(1.0, total * GIB, (total - used) * GIB)
    return replace(pictures.picture(pictures.ready()), vitals=vitals)


def side_by_side() -> Snapshot:
    """Scout holds 40 GiB, Qwen 20, everything else 10 of 100."""
    states = (pictures.ready("sglang", SCOUT), pictures.ready())
    shares = (("sglang-id", 40 * GIB), ("sglang-main-id", 20 * GIB))
    return replace(pictures.picture(*states), vitals=Vitals(1.0, 100 * GIB, 30 * GIB, shares=shares))


def made(snapshot: Snapshot | None, width: int = 600) -> MemoryBar:
    bar = MemoryBar(Wording("en"))
    bar.resize(width, bar.sizeHint().height())
    bar.take(snapshot)
    bar.show()
    return bar


def along(bar: MemoryBar) -> list[str]:
    """The colours just below the bar's upper edge, where no text is."""
    image: QImage = bar.grab().toImage()
    return [image.pixelColor(x, 3).name() for x in range(image.width())]


def tint(colour: QColor) -> str:
    """What a used part looks like in that colour."""
    return mixed(colour, tones().card, 0.3).name()


def test_the_used_part_is_as_long_as_it_is_large() -> None:
    look = tones()
    used, free = tint(look.accent), look.card.name()
    colours = along(made(host(40)))
    first, last = colours.index(used), len(colours) - colours[::-1].index(used)
    # The hatching of the last 8 % is drawn on the card as well.
    end = len(colours) - colours[::-1].index(free)
    assert (last - first) / (end - first) == pytest.approx(0.4, abs=0.03)


def test_each_server_has_its_segment_and_the_rest_is_grey() -> None:
    look = tones()
    bar = made(side_by_side())
    colours = along(bar)
    shown = [(colour, len(list(run))) for colour, run in groupby(colours)]
    wide = {tint(look.accent), tint(look.quiet)}
    lengths = [(colour, length) for colour, length in shown if colour in wide and length > 3]
    assert [colour for colour, _ in lengths] == [tint(look.accent), tint(look.accent), tint(look.quiet)]
    (_, first), (_, second), (_, rest) = lengths
    assert first / second == pytest.approx(40 / 20, abs=0.1) and rest / second == pytest.approx(0.5, abs=0.1)
    told = bar.accessibleDescription()
    assert told.endswith(f"Used by: {SCOUT} 40 GiB, {pictures.QWEN} 20 GiB, other 10 GiB.")


def test_segments_are_bad_too_when_little_is_free() -> None:
    shown = side_by_side()
    bar = made(replace(shown, vitals=replace(shown.vitals, available_bytes=5 * GIB)))
    assert tint(tones().bad) in along(bar) and tint(tones().accent) not in along(bar)


@pytest.mark.parametrize("width", [1, 40, 120, 200, 260, 400, 2000])
def test_no_width_is_too_small_or_too_large_for_segments(width: int) -> None:
    assert not made(side_by_side(), width).grab().isNull()


def test_what_is_not_known_is_not_drawn_as_nothing() -> None:
    for unknown in (None, replace(host(40), vitals=Vitals()), replace(host(40), link=LinkPhase.OFFLINE)):
        bar = made(unknown)
        assert bar.accessibleName() == "Memory" and bar.accessibleDescription() == "not known"
        look = tones()
        assert look.card.name() not in along(bar) and tint(look.accent) not in along(bar)


def test_too_little_free_is_seen_and_said() -> None:
    bar = made(host(97))
    assert bar.accessibleDescription().startswith("97 of 100 GiB used, only 3 GiB free.")
    look = tones()
    assert tint(look.bad) in along(bar)
    bar.take(host(40))
    assert "kept for the host" in bar.accessibleDescription() and pictures.QWEN in bar.toolTip()
    assert tint(look.bad) not in along(bar)


def test_names_cannot_be_markup_in_the_tooltip() -> None:
    odd = pictures.picture(pictures.ready(model_id="<img src=x>"))
    bar = made(replace(odd, vitals=host(40).vitals))
    assert "&lt;img src=x&gt;" in bar.toolTip() and "<img" not in bar.toolTip()


@pytest.mark.parametrize("width", [1, 40, 120, 200, 2000])
def test_no_width_is_too_small_or_too_large(width: int) -> None:
    assert not made(host(99), width).grab().isNull()


def test_it_is_said_anew_when_the_language_changes() -> None:
    say = Wording("en")
    bar = MemoryBar(say)
    bar.take(host(40))
    before = bar.minimumSizeHint().width()
    say._speech = Speech("xx", lambda text: text.replace("Memory", "Arbeitsspeicher"), lambda a, b, n: a)
    bar.take(host(40))
    assert bar.accessibleName() == "Arbeitsspeicher" and bar.minimumSizeHint().width() > before
    assert say(phrase("Memory")) == "Arbeitsspeicher"
