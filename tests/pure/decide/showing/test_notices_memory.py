"""Two servers that leave the host too little memory: told once, and taken back when that is over."""

from __future__ import annotations

from msgspec.structs import replace

from sparktray.decide.showing.notices.events import mended, notices
from sparktray.decide.showing.notices.notice import NoticeKind, Urgency, Withdraw
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.snapshot import LinkPhase, Snapshot, first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    GIB,
    HOST,
    NOW,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)

BOXES = (sglang_box(started_at=NOW - 100), vllm_box(started_at=NOW - 200))


def picture(free: int | None) -> Snapshot:
    """Both serve, and so many GiB of 120 are free; 9.6 are the host's own."""
    shown = serving(*BOXES, sglang=ready("scout"), vllm=ready("qwen")).snapshot
    return replace(shown, vitals=Vitals(NOW, 120 * GIB, None if free is None else free * GIB))


def test_it_is_told_when_it_arises_while_somebody_watches() -> None:
    (notice,) = notices(picture(30), picture(5), frozenset())
    assert (notice.kind, notice.urgency, notice.action) == (NoticeKind.MEMORY_LOW, Urgency.CRITICAL, None)
    assert rendered(notice.title) == (
        "Memory is short: sglang, vllm leave spark less than the 9.6 GiB that it needs for itself."
    )
    assert rendered(notice.text) == "Stop vllm, or the host may freeze."


def test_it_is_no_news_at_the_start_or_after_a_reconnect_or_while_it_lasts() -> None:
    low = picture(5)
    assert notices(first_snapshot(HOST, CATALOGUE), low, frozenset()) == ()
    assert notices(picture(None), low, frozenset()) == ()
    assert notices(replace(picture(30), epoch=low.epoch - 1), low, frozenset()) == ()
    assert notices(replace(picture(30), containers_known=False), low, frozenset()) == ()
    assert notices(low, picture(4), frozenset()) == ()
    assert notices(picture(30), picture(20), frozenset()) == ()


def test_it_is_taken_back_when_the_host_is_clear_of_it() -> None:
    told = {"memory"}
    assert mended(picture(5), told) == mended(picture(10), told) == mended(picture(None), told) == ()
    assert mended(replace(picture(30), link=LinkPhase.OFFLINE), told) == ()
    assert mended(picture(11), told) == (Withdraw("memory"),)
    assert mended(picture(11), set()) == ()
