"""The sum in words, as a dry run prints it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.memory.words import sum_lines
from sparktray.domain.facts.memory import Base, Footprint, MemorySum, Share
from sparktray.domain.phrase import phrase
from tests.pure.decide.building import GIB, connected, rendered

KIB = 1024
PARTS = Footprint(18 * GIB, 8 * GIB, 3 * GIB, 256 * KIB, 32_768, Share(0.89, Base.AVAILABLE))
FILLS = Footprint(18 * GIB, None, 3 * GIB, share=Share(0.89, Base.AVAILABLE))
SUM = MemorySum("qwen", "sglang-main", PARTS, 112 * GIB, 122 * GIB, 10 * GIB)
THERE = "112.0 of 122.0 GiB are available, 10.0 are kept for the host: 102.0 GiB can be had."


def lines(found: MemorySum) -> list[str]:
    return [rendered(line) for line in sum_lines(connected().snapshot, found)]


def test_the_parts_what_is_there_and_what_stays() -> None:
    assert lines(SUM) == [
        "qwen takes 29.0 GiB: weights 18.0 + cache 8.0 + overhead 3.0.",
        "The cache is for 32768 tokens of 256.0 KiB each.",
        THERE,
        "It fits, and 73.0 GiB can be had beside it.",
    ]


def test_what_stops_gives_back_and_what_is_missing_is_told() -> None:
    found = replace(SUM, available=12 * GIB, back=20 * GIB, stops=("sglang", "vllm"))
    assert lines(found)[2:] == [
        "12.0 of 122.0 GiB are available, 20.0 come back from sglang, vllm, 10.0 are kept for the host: "
        "22.0 GiB can be had.",
        "7.0 GiB are missing.",
    ]


def test_a_share_that_is_smaller_than_what_was_asked_for_holds_fewer_tokens() -> None:
    """Unless not even the share can be had: then what was asked for is what is missing."""
    small = replace(PARTS, share=Share(0.2, Base.AVAILABLE))
    assert lines(replace(SUM, footprint=small))[:2] == [
        "qwen takes 22.4 GiB: 20 % of what is available when it starts.",
        "Its cache then holds about 5734 tokens of 256.0 KiB each, not the 32768 asked for.",
    ]
    assert lines(replace(SUM, footprint=small, available=20 * GIB))[0].startswith(
        "qwen takes 29.0 GiB: weights"
    )


def test_what_nothing_limits_leaves_no_room_beside_it() -> None:
    assert lines(replace(SUM, footprint=FILLS)) == [
        "qwen takes 99.7 GiB: 89 % of what is available when it starts.",
        THERE,
        "It fits, and 2.3 GiB can be had beside it.",
        "Nothing fits beside it; with a context in models.json it would take less.",
    ]
    of_all = replace(SUM, footprint=replace(FILLS, share=Share(0.4, Base.TOTAL)))
    assert lines(of_all)[0] == "qwen takes 48.8 GiB: 40 % of all memory."


def test_the_entrys_own_figure_stands_for_all() -> None:
    found = replace(SUM, footprint=replace(PARTS, fixed=40 * GIB))
    assert lines(found)[:2] == ["qwen takes 40.0 GiB by its entry in models.json.", THERE]


@pytest.mark.parametrize("reason", [None, "config.json cannot be read."])
def test_what_is_not_known_is_said(reason: str | None) -> None:
    unknown = None if reason is None else phrase(reason)
    found = replace(SUM, footprint=replace(PARTS, cache=None, a_token=None, unknown=unknown))
    told = ["What qwen takes of the memory is not known.", *([] if reason is None else [reason]), THERE]
    assert lines(found) == told
    assert found.left is None and found.short is None


@pytest.mark.parametrize(
    ("server", "unused", "warned"),
    [("vllm", 20, True), ("vllm", 29, False), ("vllm", None, False), ("sglang", 20, False), ("?", 20, False)],
)
def test_of_the_page_cache_vllm_is_warned(server: str, unused: int | None, warned: bool) -> None:
    free = None if unused is None else unused * GIB
    last = lines(replace(SUM, server=server, unused=free))[-1]
    assert ("drop_caches" in last) is warned
    if warned:
        assert last.startswith("92.0 GiB of it hold the page cache, which older vLLM takes for used.")
