"""How far a fetch is, in figures and in words, and where they are shown."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.fetching import amount, course, fraction, further
from sparktray.decide.effects import Perform
from sparktray.decide.showing.checklist import checklist
from sparktray.decide.showing.menu import menu
from sparktray.domain.events import StepSaid, Surveyed, Wished
from sparktray.domain.operation import Fetched, StepName, SwitchWish
from tests.pure.decide.building import NOW, connected, only, rendered, survey

MB, GB = 10**6, 10**9


def test_it_never_goes_back() -> None:
    first = further(None, (10, 100), NOW)
    assert first == Fetched(10, 100, 10, NOW, NOW)
    assert further(first, None, NOW + 1) == first
    same = further(first, (5, 50), NOW + 2)
    assert same == first
    more = further(first, (200, 0), NOW + 3)
    assert more == Fetched(200, 200, 10, NOW, NOW + 3)


@pytest.mark.parametrize(
    ("fetched", "words", "part"),
    [
        (Fetched(0, 0, 0, NOW, NOW), "0.0 of 0.0 MB", None),
        (Fetched(512_000, 2 * MB, 0, NOW, NOW), "0.5 of 2.0 MB", 0.256),
        (Fetched(3_100 * MB, 9_400 * MB, 0, NOW, NOW), "3.1 of 9.4 GB", 3.1 / 9.4),
    ],
)
def test_how_much_is_here(fetched: Fetched, words: str, part: float | None) -> None:
    assert rendered(amount(fetched)) == words and fraction(fetched) == part


@pytest.mark.parametrize(
    ("fetched", "after", "words"),
    [
        (Fetched(0, GB, 0, NOW, NOW), 1.0, None),
        (Fetched(100 * MB, GB, 0, NOW, NOW + 2), 3.0, None),
        (Fetched(100 * MB, GB, 0, NOW, NOW + 10), 11.0, "10.0 MB/s, about 2 min left"),
        (Fetched(100 * MB, 120 * MB, 0, NOW, NOW + 10), 11.0, "10.0 MB/s, about 2 s left"),
        (Fetched(GB, GB, 0, NOW, NOW + 10), 11.0, "100.0 MB/s"),
        (Fetched(5, GB, 5, NOW, NOW + 10), 11.0, None),
        (Fetched(100 * MB, GB, 0, NOW, NOW + 10), 130.0, "nothing has come for 2 min"),
    ],
)
def test_how_it_goes(fetched: Fetched, after: float, words: str | None) -> None:
    found = course(fetched, NOW + after)
    assert (None if found is None else rendered(found)) == words


def test_it_stands_in_the_checklist_and_the_menu() -> None:
    desk = connected()
    desk.take(Wished(SwitchWish("scout"), 1, "op-1"))
    desk.take(Surveyed(1, replace(survey(), image_present=False)))
    index = only(Perform, desk.effects)[-1].index
    operation = desk.snapshot.active
    assert operation is not None and operation.current is not None
    assert operation.current.step.name is StepName.PULL
    desk.take(StepSaid(1, index, "4f4fb700ef54: Downloading", (GB, 4 * GB)))
    desk.take(StepSaid(1, index, "4f4fb700ef54: Downloading", (2 * GB, 4 * GB)), after=20.0)
    operation = desk.snapshot.active
    assert operation is not None
    line = checklist(desk.snapshot, operation, desk.now).steps[index]
    assert line.phase is not None and rendered(line.phase) == "2.0 of 4.0 GB" and line.fraction == 0.5
    assert line.pace is not None and rendered(line.pace) == "50.0 MB/s, about 40 s left"
    shown = menu(desk.snapshot).progress
    assert shown is not None and rendered(shown).endswith(
        "Fetch the image lmsysorg/sglang:spark: 2.0 of 4.0 GB"
    )
