from __future__ import annotations

import pytest

from sparktray.decide.showing.words import clock, lasted, phase_word, purpose_word, span
from sparktray.domain.catalogue import Purpose
from sparktray.domain.snapshot import Phase
from tests.pure.decide.building import rendered


def test_every_purpose_and_every_phase_has_a_word_of_its_own() -> None:
    assert {rendered(purpose_word(each)) for each in Purpose} == {str(each) for each in Purpose}
    assert {rendered(phase_word(each)) for each in Phase} == {str(each) for each in Phase}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (11_520, "3 h 12 min"),
        (86_399, "23 h 59 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_span_has_its_two_largest_units(seconds: float, expected: str) -> None:
    assert rendered(span(seconds)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-1, "0:00"), (9.9, "0:09"), (212, "3:32"), (3600, "1:00:00"), (36_061, "10:01:01")],
)
def test_a_clock_counts_up(seconds: float, expected: str) -> None:
    assert clock(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-1.0, "0.0 s"), (2.34, "2.3 s"), (9.99, "10.0 s"), (12.0, "0:12")]
)
def test_what_was_short_is_told_in_tenths(seconds: float, expected: str) -> None:
    assert rendered(lasted(seconds)) == expected
