from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sparktray.decide.showing.memory import MemoryBarView, gibs, memory_bar
from sparktray.domain.docker.container import PublishedPort
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.snapshot import LinkPhase, Phase, Snapshot
from tests.pure.decide.building import (
    GIB,
    connected,
    ended,
    identity,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)


def host(
    total: int | None,
    available: int | None,
    snapshot: Snapshot | None = None,
    shares: tuple[tuple[str, int], ...] | None = None,
) -> Snapshot:
    made = connected().snapshot if snapshot is None else snapshot
    return replace(made, vitals=Vitals(1.0, total, available, shares=shares))


def two_models() -> Snapshot:
    """Scout on SGLang, Qwen on vLLM."""
    return serving(sglang_box(), vllm_box(), sglang=ready("scout"), vllm=ready("qwen")).snapshot


TWO_MODELS = two_models()


def shown(view: MemoryBarView | None) -> list[tuple[str, float]]:
    """The first label and the GiB of each used segment."""
    assert view is not None
    return [(rendered(part.labels[0]), part.size / GIB) for part in (*view.servers, view.rest)]


def users(view: MemoryBarView) -> list[str]:
    """What the description says of each part."""
    parts = view.description.values["parts"]
    assert isinstance(parts, tuple)
    return [rendered(part) for part in parts]


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
    assert (view.total, view.rest.size, view.free.size) == (100 * GIB, 40 * GIB, 60 * GIB)
    assert view.headroom == 8 * GIB and not view.scarce and view.servers == ()
    assert [rendered(text) for text in view.rest.labels] == ["used 40", "40"]
    assert [rendered(text) for text in view.free.labels] == ["free 60", "60"]
    assert rendered(view.total_label) == "100 GiB"
    told = "40 of 100 GiB used, 60 GiB free; 8.0 GiB of it are kept for the host."
    assert rendered(view.description) == told


@pytest.mark.parametrize("shares", [None, (), (("f" * 64, 50 * GIB),)], ids=["unknown", "none", "others"])
def test_what_runs_names_the_used_part_where_nothing_is_measured(
    shares: tuple[tuple[str, int], ...] | None,
) -> None:
    view = memory_bar(host(100 * GIB, 20 * GIB, two_models(), shares))
    assert view is not None and view.servers == ()
    assert [rendered(text) for text in view.rest.labels] == ["scout, qwen and system 80", "used 80", "80"]
    assert rendered(view.description).endswith(" Running: scout, qwen.")


def test_each_server_has_what_its_processes_hold() -> None:
    shares = ((identity("vllm"), 21 * GIB), (identity("someone"), 2 * GIB), (identity("sglang"), 41 * GIB))
    view = memory_bar(host(100 * GIB, 30 * GIB, two_models(), shares))
    assert shown(view) == [("scout 41", 41), ("qwen 21", 21), ("other 8.0", 8)]
    assert view is not None and view.free.size == 30 * GIB
    assert [rendered(part.labels[-1]) for part in (*view.servers, view.rest)] == ["41", "21", "8.0"]
    assert view.description.msgid == "{whole} Used by: {parts}."
    assert users(view) == ["scout 41 GiB", "qwen 21 GiB", "other 8.0 GiB"]


def test_one_of_two_is_measured() -> None:
    """The other one is still before its first allocation: what it holds is with the rest."""
    view = memory_bar(host(100 * GIB, 30 * GIB, two_models(), ((identity("vllm"), 21 * GIB),)))
    assert shown(view) == [("qwen 21", 21), ("other 49", 49)]


def test_more_than_is_used_shrinks_alike_and_leaves_no_rest() -> None:
    """A count from a moment ago: the bar never grows beyond what /proc/meminfo says, nor below nothing."""
    shares = ((identity("sglang"), 60 * GIB), (identity("vllm"), 20 * GIB))
    view = memory_bar(host(100 * GIB, 60 * GIB, two_models(), shares))
    assert shown(view) == [("scout 30", 30), ("qwen 10", 10), ("other 0.0", 0)]
    assert view is not None and users(view) == ["scout 30 GiB", "qwen 10 GiB"]
    assert shown(memory_bar(host(100 * GIB, 100 * GIB, two_models(), shares))) == [
        ("scout, qwen and system 0.0", 0)
    ]


def test_a_container_that_has_ended_has_no_segment() -> None:
    """Its share is from before its end."""
    desk = serving(ended(sglang_box()), vllm_box(), vllm=ready("qwen"))
    shares = ((identity("sglang"), 41 * GIB), (identity("vllm"), 21 * GIB))
    view = memory_bar(host(100 * GIB, 70 * GIB, desk.snapshot, shares))
    assert shown(view) == [("qwen 21", 21), ("other 9.0", 9)]


def test_a_failed_server_that_still_holds_memory_is_shown() -> None:
    snapshot = two_models()
    failed = tuple(replace(s, phase=Phase.FAILED) if s.name == "sglang" else s for s in snapshot.servers)
    view = memory_bar(
        host(100 * GIB, 50 * GIB, replace(snapshot, servers=failed), ((identity("sglang"), 41 * GIB),))
    )
    assert shown(view) == [("scout 41", 41), ("other 9.0", 9)]


def test_one_container_behind_two_servers_is_counted_once() -> None:
    both = sglang_box(ports=(PublishedPort(30000, 30000), PublishedPort(30001, 30000)))
    snapshot = serving(both, sglang=ready("scout")).snapshot
    assert [s.name for s in snapshot.servers if s.container is not None] == ["sglang", "sglang-main"]
    view = memory_bar(host(100 * GIB, 50 * GIB, snapshot, ((both.id, 41 * GIB),)))
    assert shown(view) == [("scout 41", 41), ("other 9.0", 9)]


@given(
    st.integers(1, 200 * GIB),
    st.integers(0, 200 * GIB),
    st.lists(
        st.tuples(st.sampled_from(["sglang", "vllm", "x"]).map(identity), st.integers(0, 1 << 60)), max_size=3
    ),
)
def test_the_parts_always_make_up_the_whole(
    total: int, available: int, shares: list[tuple[str, int]]
) -> None:
    view = memory_bar(host(total, available, TWO_MODELS, tuple(shares)))
    assert view is not None
    assert all(part.size > 0 for part in view.servers) and view.rest.size >= 0
    assert sum(part.size for part in view.servers) + view.rest.size + view.free.size == total


def test_less_than_the_headroom_is_said() -> None:
    view = memory_bar(host(100 * GIB, 5 * GIB))
    assert view is not None and view.scarce
    told = "95 of 100 GiB used, only 5.0 GiB free. Below 8.0 GiB the host may freeze."
    assert rendered(view.description) == told


def test_more_available_than_there_is_counts_as_all() -> None:
    view = memory_bar(host(100 * GIB, 101 * GIB))
    assert view is not None and view.rest.size == 0 and view.free.size == 100 * GIB


@pytest.mark.parametrize(
    ("size", "shown"), [(0, 0.0), (9.94 * GIB, 9.9), (9.96 * GIB, 10.0), (50.6 * GIB, 51)]
)
def test_small_sizes_have_a_decimal(size: float, shown: float) -> None:
    assert gibs(size) == shown
