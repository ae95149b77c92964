"""What was copied for a client and is no longer so."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.showing.notices.notice import ActionKind, NoticeAction, NoticeKind
from sparktray.decide.showing.notices.stale import good, outdated, stale
from sparktray.domain.events import LinkDown
from sparktray.domain.operation import SwitchWish
from sparktray.domain.snapshot import Snapshot
from tests.pure.decide.building import (
    Desk,
    identity,
    ollama_box,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)
from tests.pure.decide.story import begin_story

SCOUT = sglang_box()
CODER = sglang_box(model="coder", served="coder-30b", id=identity("another"))
OF_SCOUT = CopiedId(host="spark", server="sglang", model_id="scout")
OF_QWEN = CopiedId(host="spark", server="vllm", model_id="qwen")


def scout() -> Desk:
    return serving(SCOUT, vllm_box(), sglang=ready("scout"), vllm=ready("qwen"))


def coder() -> Desk:
    return serving(CODER, vllm_box(), sglang=ready("coder-30b"), vllm=ready("qwen"))


def told(copies: Iterable[CopiedId], snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(rendered(each.text) for each in stale(outdated(copies, snapshot), snapshot))


def test_only_what_is_served_here_is_good() -> None:
    snapshot = scout().snapshot
    elsewhere = CopiedId(host="other", server="sglang", model_id="scout")
    other = CopiedId(host="spark", server="sglang", model_id="Scout")
    gone = CopiedId(host="spark", server="no such", model_id="scout")
    assert good((OF_SCOUT, OF_QWEN, elsewhere, other, gone), snapshot) == {OF_SCOUT, OF_QWEN}
    assert outdated((OF_SCOUT, OF_QWEN, elsewhere, other, gone), snapshot) == {other}
    assert stale({gone}, snapshot) == ()


def test_another_model_in_its_place_is_told_with_a_button() -> None:
    copied = (OF_SCOUT, OF_QWEN)
    assert outdated(copied, scout().snapshot) == frozenset()
    after = coder().snapshot
    (notice,) = stale(outdated(copied, after), after)
    assert notice.kind is NoticeKind.STALE_COPY
    assert notice.action == NoticeAction(ActionKind.COPY_NEW_ID, "sglang")
    assert rendered(notice.title) == "coder is ready."
    assert rendered(notice.text) == (
        "The ID that you copied, scout, is no longer served on sglang of spark; now it is coder-30b."
    )


def test_the_clients_that_have_it_are_named() -> None:
    copies = [
        CopiedId(host="spark", server="sglang", model_id="scout", client=each)
        for each in ("cursor", "claude-code", "of a later version")
    ]
    assert told(copies, coder().snapshot) == (
        "The ID that you copied for Claude Code, Cursor, of a later version, scout, is no longer served on "
        "sglang of spark; now it is coder-30b.",
    )


def test_what_is_not_known_now_is_not_judged() -> None:
    copied = (OF_SCOUT,)
    down = coder()
    down.take(LinkDown(down.snapshot.epoch, problem()))
    assert told(copied, down.snapshot) == ()
    assert told(copied, serving(replace(CODER, ports=())).snapshot) == ()
    assert told(copied, serving(CODER).snapshot) == (), "it does not serve yet"
    story = begin_story(SCOUT)
    story.wish(SwitchWish("coder"))
    other = CopiedId(host="spark", server="sglang", model_id="other")
    assert told((other,), story.snapshot) == (), "it is being switched"
    hidden = serving(CODER, sglang=ready("co\u202eder"))
    assert told(copied, hidden.snapshot) == (), "nothing that could be copied"


@pytest.mark.parametrize(
    ("installed", "count"), [(("qwen3:32b", "bge-m3:latest"), 0), (("bge-m3:latest",), 1)]
)
def test_ollama_serves_whatever_it_has(installed: tuple[str, ...], count: int) -> None:
    desk = serving(ollama_box(), ollama=ready("bge-m3:latest", installed=installed))
    copied = CopiedId(host="spark", server="ollama", model_id="qwen3:32b")
    assert len(told((copied,), desk.snapshot)) == count
