from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.showing.history import (
    SPAN_SECONDS,
    History,
    Measure,
    chart,
    point_near,
    told,
)
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.snapshot import LinkPhase, Snapshot
from tests.pure.decide.building import (
    GIB,
    HOST,
    NOW,
    connected,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)

IDLE = connected().snapshot
BUSY = serving(
    sglang_box(),
    vllm_box(),
    sglang=ready("scout", running=2, tokens_per_second=30.0),
    vllm=ready("qwen", running=1, tokens_per_second=15.5),
).snapshot


def at(
    seconds: float, snapshot: Snapshot = IDLE, used: float | None = 20.0, gpu: float | None = 50.0
) -> Snapshot:
    """That picture with a sample taken SECONDS after the beginning; used in GiB."""
    available = None if used is None else int((100 - used) * GIB)
    return replace(snapshot, vitals=Vitals(NOW + seconds, 100 * GIB, available, "NVIDIA GB10", gpu))


def off(seconds: float) -> Snapshot:
    return replace(at(seconds), link=LinkPhase.OFFLINE)


def fed(*pictures: Snapshot) -> History:
    history = History()
    for each in pictures:
        history = history.with_(each)
    return history


def times(history: History) -> list[float]:
    return [point.at - NOW for point in history.points]


def lines(history: History, measure: Measure = Measure.MEMORY) -> list[list[float]]:
    now = history.points[-1].at
    return [[place - NOW for place, _ in line] for line in chart(history, measure, now).lines]


def test_one_point_a_sample() -> None:
    first = fed(at(0), at(5))
    assert times(first) == [0, 5]
    assert first.with_(at(5, BUSY)) is first


def test_nothing_sampled_yet_is_no_point() -> None:
    history = fed(replace(IDLE, vitals=Vitals()))
    assert history.points == () and history.host == HOST.name
    assert chart(history, Measure.GPU, NOW).lines == ()


def test_bounded_by_time_and_by_count() -> None:
    slow = fed(*(at(5.0 * n) for n in range(400)))
    assert times(slow)[0] == 5.0 * 399 - SPAN_SECONDS and len(slow.points) == 181
    quick = fed(*(at(0.5 * n) for n in range(2000)))
    assert len(quick.points) == 900 and times(quick)[-1] == 999.5


def test_a_lost_link_is_a_gap_however_short() -> None:
    history = fed(at(0), at(1), off(1), at(2), at(3))
    assert lines(history) == [[0, 1], [2, 3]]


def test_only_the_first_picture_without_a_link_changes_anything() -> None:
    broken = fed(at(0), off(0))
    assert broken.with_(off(0)) is broken


def test_a_pause_without_a_sample_is_a_gap() -> None:
    """The laptop slept: nothing told of a lost link."""
    assert lines(fed(at(0), at(15), at(500), at(505))) == [[0, 15], [500, 505]]


def test_a_missing_value_is_a_gap_of_its_own_line_only() -> None:
    history = fed(at(0), at(5, used=None), at(10), at(15, gpu=None))
    assert lines(history) == [[0], [10, 15]]
    assert lines(history, Measure.GPU) == [[0, 5, 10]]


def test_another_host_begins_anew() -> None:
    other = replace(at(10), host=replace(HOST, name="other"))
    history = fed(at(0), at(5), other)
    assert history.host == "other" and times(history) == [10]


def test_a_clock_set_back_begins_anew() -> None:
    assert times(fed(at(0), at(5), at(-3600))) == [-3600]


def test_speeds_are_of_ready_servers_that_tell() -> None:
    (point,) = fed(at(0, BUSY)).points
    assert point.speeds == (("sglang", 30.0), ("vllm", 15.5)) and point.tokens == 45.5
    assert fed(at(0)).points[0].tokens is None


def test_a_server_without_requests_makes_no_tokens() -> None:
    """Whatever speed it had with its last ones."""
    quiet = serving(sglang_box(), sglang=ready("scout", running=0, tokens_per_second=30.0)).snapshot
    assert fed(at(0, quiet)).points[0].speeds == (("sglang", 0.0),)


@pytest.mark.parametrize(
    ("measure", "title", "latest", "top"),
    [
        (Measure.MEMORY, "Memory", "20 GiB", "100 GiB"),
        (Measure.GPU, "GPU", "50 %", "100 %"),
        (Measure.TOKENS, "Tokens per second", "46/s (sglang 30, vllm 16)", "50/s"),
    ],
)
def test_a_chart(measure: Measure, title: str, latest: str, top: str) -> None:
    made = chart(fed(at(0, BUSY)), measure, NOW)
    assert made.measure is measure and rendered(made.title) == title
    assert rendered(made.latest) == latest and rendered(made.top_label) == top
    assert rendered(made.description).startswith(f"Now {latest}; in the last 15 minutes between ")


def test_the_description_names_the_extremes() -> None:
    made = chart(fed(at(0, used=12), at(5, used=71.2), at(10, used=50)), Measure.MEMORY, NOW + 10)
    assert rendered(made.description) == "Now 50 GiB; in the last 15 minutes between 12 GiB and 71 GiB."


def test_without_samples_nothing_is_claimed() -> None:
    made = chart(History(), Measure.MEMORY, NOW)
    assert rendered(made.latest) == "–" and made.lines == () and made.top > 0
    assert rendered(made.description) == "Nothing is known of the last 15 minutes."


def test_an_old_value_is_not_the_one_of_now() -> None:
    history = fed(at(0))
    assert rendered(chart(history, Measure.GPU, NOW + 20).latest) == "50 %"
    assert rendered(chart(history, Measure.GPU, NOW + 21).latest) == "–"
    assert rendered(chart(history.with_(off(0)), Measure.GPU, NOW + 1).latest) == "–"


def test_what_is_older_than_the_chart_is_left_out() -> None:
    history = fed(at(0), at(5), at(10))
    assert len(chart(history, Measure.GPU, NOW + SPAN_SECONDS + 6).lines[0]) == 1


@pytest.mark.parametrize(
    ("speed", "top"), [(0.0, 10), (10.0, 10), (10.1, 20), (21, 50), (51, 100), (4000, 5000), (1e12, 1e12)]
)
def test_the_scale_of_tokens_changes_seldom(speed: float, top: float) -> None:
    quick = serving(sglang_box(), sglang=ready("scout", running=1, tokens_per_second=speed)).snapshot
    assert chart(fed(at(0, quick)), Measure.TOKENS, NOW).top == top


def test_the_sample_near_a_time() -> None:
    history = fed(at(0), at(5), at(100))
    for wanted, found in ((-3, 0), (2, 0), (3, 5), (20, 5), (95, 100), (119, 100)):
        point = point_near(history, NOW + wanted)
        assert point is not None and point.at == NOW + found
    assert point_near(history, NOW + 50) is None and point_near(history, NOW + 121) is None
    assert point_near(History(), NOW) is None


def test_a_sample_tells_of_one_server_without_its_name() -> None:
    one = serving(sglang_box(), sglang=ready("scout", running=1, tokens_per_second=3.14)).snapshot
    assert rendered(told(fed(at(0, one)).points[0], Measure.TOKENS)) == "3.1/s"
    assert rendered(told(fed(at(0, used=None)).points[0], Measure.MEMORY)) == "–"
