"""What was copied for a client and is no longer so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sparktray.decide.showing.notices.notice import ActionKind, NoticeAction, NoticeKind
from sparktray.decide.showing.notices.stale import noted, stale, still_good
from sparktray.domain.events import LinkDown
from sparktray.domain.operation import SwitchWish
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


def scout() -> Desk:
    return serving(SCOUT, vllm_box(), sglang=ready("scout"), vllm=ready("qwen"))


def coder() -> Desk:
    return serving(CODER, vllm_box(), sglang=ready("coder-30b"), vllm=ready("qwen"))


def test_only_an_id_that_is_served_is_noted() -> None:
    snapshot = scout().snapshot
    assert noted({}, snapshot, "scout") == {"sglang": "scout"}
    assert noted({"vllm": "qwen"}, snapshot, "scout") == {"vllm": "qwen", "sglang": "scout"}
    for text in ("http://spark.local:30000/v1", "", "Scout"):
        assert noted({}, snapshot, text) == {}


def test_another_model_in_its_place_is_told_once_with_a_button() -> None:
    copied = {"sglang": "scout", "vllm": "qwen"}
    assert stale(copied, scout().snapshot) == ()
    (told,) = stale(copied, coder().snapshot)
    assert told.kind is NoticeKind.STALE_COPY
    assert told.action == NoticeAction(ActionKind.COPY_NEW_ID, "sglang")
    assert rendered(told.title) == "coder is ready."
    assert rendered(told.text) == (
        "The ID that you copied, scout, is no longer served on sglang of spark; now it is coder-30b."
    )
    left = still_good(copied, (told,))
    assert left == {"vllm": "qwen"} and stale(left, coder().snapshot) == ()


def test_what_is_not_known_now_is_not_judged() -> None:
    copied = {"sglang": "scout"}
    down = coder()
    down.take(LinkDown(down.snapshot.epoch, problem()))
    assert stale(copied, down.snapshot) == ()
    assert stale(copied, serving(replace(CODER, ports=())).snapshot) == ()
    assert stale(copied, serving(CODER).snapshot) == (), "it does not serve yet"
    story = begin_story(SCOUT)
    story.wish(SwitchWish("coder"))
    assert stale({"sglang": "other"}, story.snapshot) == (), "it is being switched"
    hidden = serving(CODER, sglang=ready("co\u202eder"))
    assert stale(copied, hidden.snapshot) == (), "nothing that could be copied"


@pytest.mark.parametrize(
    ("installed", "told"), [(("qwen3:32b", "bge-m3:latest"), 0), (("bge-m3:latest",), 1)]
)
def test_ollama_serves_whatever_it_has(installed: tuple[str, ...], told: int) -> None:
    desk = serving(ollama_box(), ollama=ready("bge-m3:latest", installed=installed))
    assert len(stale({"ollama": "qwen3:32b"}, desk.snapshot)) == told
