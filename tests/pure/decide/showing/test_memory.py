from __future__ import annotations

from dataclasses import replace

import pytest

from sparktray.decide.showing.memory import gibs, memory_bar
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.domain.vitals import Vitals
from tests.pure.decide.building import GIB, connected, ready, rendered, serving, sglang_box, vllm_box


def host(total: int | None, available: int | None, snapshot: Snapshot | None = None) -> Snapshot:
    made = connected().snapshot if snapshot is None else snapshot
    return replace(made, vitals=Vitals(1.0, total, available))


@pytest.mark.parametrize(
    ("total", "available"),
    [(None, 5), (5, None), (None, None), (0, 0)],
    ids=["total", "free", "both", "zero"],
)
def test_what_is_missing_is_not_shown_as_nothing(total: int | None, available: int | None) -> None:
    assert memory_bar(host(total, available)) is None


def test_an_old_sample_is_not_shown_without_a_link() -> None:
    assert memory_bar(replace(host(120 * GIB, 60 * GIB), link=LinkPhase.OFFLINE)) is None


def test_used_free_and_headroom() -> None:
    view = memory_bar(host(100 * GIB, 60 * GIB))
    assert view is not None
    assert (view.total, view.used.size, view.free.size) == (100 * GIB, 40 * GIB, 60 * GIB)
    assert view.headroom == 8 * GIB and not view.scarce
    assert [rendered(text) for text in view.used.labels] == ["used 40", "40"]
    assert [rendered(text) for text in view.free.labels] == ["free 60", "60"]
    assert rendered(view.total_label) == "100 GiB"
    told = "40 of 100 GiB used, 60 GiB free; 8.0 GiB of it are kept for the host."
    assert rendered(view.description) == told


def test_what_runs_names_the_used_part_and_nothing_is_measured() -> None:
    desk = serving(sglang_box(), vllm_box(), sglang=ready("scout"), vllm=ready("qwen"))
    view = memory_bar(host(100 * GIB, 20 * GIB, desk.snapshot))
    assert view is not None
    assert [rendered(text) for text in view.used.labels] == ["scout, qwen and system 80", "used 80", "80"]
    assert rendered(view.description).endswith(" Running: scout, qwen.")


def test_less_than_the_headroom_is_said() -> None:
    view = memory_bar(host(100 * GIB, 5 * GIB))
    assert view is not None and view.scarce
    told = "95 of 100 GiB used, only 5.0 GiB free. Below 8.0 GiB the host may freeze."
    assert rendered(view.description) == told


def test_more_available_than_there_is_counts_as_all() -> None:
    view = memory_bar(host(100 * GIB, 101 * GIB))
    assert view is not None and view.used.size == 0 and view.free.size == 100 * GIB


@pytest.mark.parametrize(
    ("size", "shown"), [(0, 0.0), (9.94 * GIB, 9.9), (9.96 * GIB, 10.0), (50.6 * GIB, 51)]
)
def test_small_sizes_have_a_decimal(size: float, shown: float) -> None:
    assert gibs(size) == shown
