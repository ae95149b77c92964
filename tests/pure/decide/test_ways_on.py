"""What is offered once an operation did not do what was wished."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.plan import Plan
from sparktray.decide.memory.reckoning import sum_for
from sparktray.decide.showing.checklist import checklist
from sparktray.decide.showing.notices.events import notices
from sparktray.decide.showing.notices.notice import ActionKind
from sparktray.decide.ways_on import EnterSecret, ways_on
from sparktray.domain.asking import Health, Reading, ServedModel
from sparktray.domain.facts.memory import Footprint, MemorySum
from sparktray.domain.operation import (
    BackWish,
    Operation,
    OperationEnd,
    OperationKind,
    StopWish,
    SwitchWish,
    WhenBusy,
    Wish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure, Problem
from tests.pure.decide.building import (
    GIB,
    NOW,
    Desk,
    connected,
    rendered,
    serving,
    sglang_box,
    survey,
    vllm_box,
)
from tests.pure.decide.planning import asked, between, made, script

TOTAL = 122 * GIB


def over(wish: Wish, code: str, end: OperationEnd = OperationEnd.ROLLED_BACK, most: str = "") -> Operation:
    """An operation on sglang that ended so; ``most`` are the tokens that the failure names."""
    values: Mapping[str, object] = {"most": most} if most else {}
    failure = Failure(code, phrase("It did not work."), replace(phrase("Do better."), values=values))
    server = "vllm" if isinstance(wish, SwitchWish) and wish.on == "vllm" else "sglang"
    return Operation(1, "op-1", wish, OperationKind.SWITCH, NOW, server=server, end=end, failure=failure)


def offered(desk: Desk, operation: Operation) -> list[str]:
    assert operation.end is not None
    return [rendered(words) for words, _ in ways_on(desk.snapshot, operation, operation.end)]


SCOUT, QWEN = SwitchWish("scout"), SwitchWish("qwen", on="vllm")


@pytest.mark.parametrize(
    ("wish", "code", "words"),
    [
        (StopWish(), "busy", ["Wait until idle", "Try again"]),
        (SCOUT, "busy", ["Wait until idle", "Try again"]),
        (SCOUT, "replace-needed", ["Try again"]),
        (SCOUT, "secret-missing", ["Try again"]),
        (SwitchWish("qwen", on="ollama"), "service-stopped", ["Make a container", "Try again"]),
        (SCOUT, "port-taken", ["Try again"]),
        (StopWish(), "not-released", ["Try again"]),
        (QWEN, "ptxas-sm121", ["Start it on sglang-main", "Start it on ollama"]),
        (SCOUT, "architecture", ["Start it on vllm", "Try again"]),
        (SwitchWish("qwen-long"), "ptxas-sm121", ["Try again"]),
        (SwitchWish("gone"), "ptxas-sm121", ["Try again"]),
        (SCOUT, "killed", ["Try again"]),
        (SCOUT, "memory-short", ["Try again"]),
        (SwitchWish("nobody"), "usage-unknown-model", []),
    ],
)
def test_the_ways_are_those_that_help(wish: Wish, code: str, words: list[str]) -> None:
    assert offered(connected(), over(wish, code)) == words


def test_what_waits_for_a_person_is_finished_or_gone_back_from() -> None:
    waiting = over(SCOUT, "link-lost", OperationEnd.NEEDS_YOU)
    assert ways_on(connected().snapshot, waiting, OperationEnd.NEEDS_YOU)[1][1] == BackWish("op-1")
    assert offered(connected(), waiting) == ["Finish", "Go back"]
    assert offered(connected(), over(BackWish("op-0"), "link-lost")) == []


@pytest.mark.parametrize("end", [OperationEnd.DONE, OperationEnd.CANCELLED])
def test_what_went_as_wished_needs_no_way_on(end: OperationEnd) -> None:
    """A done one has a failure where only the tidying up did not work, a cancelled one has none."""
    operation = over(SCOUT, "not-removed", end)
    if end is OperationEnd.CANCELLED:
        operation = replace(operation, failure=None)
    assert offered(connected(), operation) == []


@pytest.mark.parametrize(
    ("others", "context", "words"),
    [
        (("vllm", "ollama"), 65536, ["Stop vllm, ollama for it", "Start with 65536 tokens"]),
        (("vllm",), None, ["Stop vllm for it", "Try again"]),
        ((), 8192, ["Start with 8192 tokens", "Try again"]),
    ],
)
def test_what_does_not_fit_is_made_to_fit(
    others: tuple[str, ...], context: int | None, words: list[str]
) -> None:
    found = MemorySum("scout", "sglang", Footprint(), 1, 2, 1, others=others, context=context)
    refused = replace(over(SCOUT, "memory-short", OperationEnd.REFUSED), memory=found)
    assert offered(connected(), refused) == words


def test_a_kill_for_memory_offers_to_stop_the_largest_beside_it() -> None:
    desk = serving(vllm_box(), sglang_box("sglang-main", port=30001, model="qwen"))
    counted = tuple((c.id, size * GIB) for c, size in zip(desk.snapshot.containers, (20, 50), strict=True))
    desk.snapshot = replace(desk.snapshot, vitals=replace(desk.snapshot.vitals, shares=counted))
    largest = desk.snapshot.containers[1].name
    assert offered(desk, over(SCOUT, "killed")) == [f"Stop {largest}", "Try again"]


@pytest.mark.parametrize(
    ("most", "words"),
    [
        ("40960", ["Start with 40960 tokens", "Try again"]),
        ("40,960", ["Start with 40960 tokens", "Try again"]),
        ("512", ["Try again"]),
        ("many", ["Try again"]),
        ("٤٠٩٦", ["Try again"]),
    ],
)
def test_a_context_that_the_engine_names_is_offered(most: str, words: list[str]) -> None:
    assert offered(connected(), over(SCOUT, "context-too-long", most=most)) == words


def test_each_way_is_a_wish_that_does_it() -> None:
    desk = connected()
    busy = ways_on(desk.snapshot, over(SCOUT, "busy"), OperationEnd.REFUSED)
    assert busy[0][1] == SwitchWish("scout", busy=WhenBusy.WAIT) and busy[1][1] == SCOUT
    other = ways_on(desk.snapshot, over(QWEN, "ptxas-sm121"), OperationEnd.FAILED)
    assert other[0][1] == SwitchWish("qwen", on="sglang-main")
    smaller = ways_on(desk.snapshot, over(SCOUT, "kv-too-small", most="8192"), OperationEnd.FAILED)
    assert smaller[0][1] == SwitchWish("scout", context=8192)


def test_a_secret_that_is_not_stored_is_asked_for() -> None:
    refused = asked(connected(), SwitchWish("gated"), survey(None, unstored="hf"))
    assert isinstance(refused, Problem)
    failure = Failure(refused.code, refused.cause, refused.remedy)
    ended = replace(over(SwitchWish("gated"), "", OperationEnd.REFUSED), failure=failure)
    offers = ways_on(connected().snapshot, ended, OperationEnd.REFUSED)
    assert offers[0][1] == EnterSecret("hf", SwitchWish("gated"))
    assert [rendered(words) for words, _ in offers] == ["Enter it…", "Try again"]


def test_buttons_and_the_notification_offer_the_same() -> None:
    desk = connected()
    failed = over(SCOUT, "ptxas-sm121")
    desk_after = replace(desk.snapshot, operation=failed)
    outcome = checklist(desk_after, failed, NOW).outcome
    assert outcome is not None and outcome.offers == ways_on(desk_after, failed, OperationEnd.ROLLED_BACK)
    (told,) = notices(desk.snapshot, desk_after, frozenset({"op-1"}))
    assert told.action is not None and told.action.kind is ActionKind.WAY_ON
    assert told.action.way == outcome.offers[0]
    plain = over(SCOUT, "watchdog")
    (told,) = notices(desk.snapshot, replace(desk.snapshot, operation=plain), frozenset({"op-1"}))
    assert told.action is not None and told.action.kind is ActionKind.SHOW_LOG


# The smaller context itself.


def test_the_context_of_one_start_takes_the_place_of_the_entrys() -> None:
    steps = between(connected(), SwitchWish("scout", context=8192), survey())
    assert any("--context-length 8192 --max-total-tokens 8192" in step for step in steps)
    assert not any("131072" in step for step in steps)


def test_the_sum_is_that_of_the_context_wished() -> None:
    told = survey(memory=(22 * GIB, TOTAL))
    refused = sum_for(connected().snapshot, SCOUT, told)
    assert refused is not None and refused.short and refused.context == 8192
    found = sum_for(connected().snapshot, SwitchWish("scout", context=8192), told)
    assert found is not None and found.short == 0 and found.context is None
    assert isinstance(asked(connected(), SwitchWish("scout", context=8192), told), Plan)


def test_what_serves_with_another_context_is_started_anew() -> None:
    desk = serving(sglang_box(), sglang=Reading(Health.READY, (ServedModel("scout", "/model", 131072),)))
    same = made(desk, SwitchWish("scout", context=131072), survey())
    assert same.steps == ()
    other = made(desk, SwitchWish("scout", context=8192), survey())
    assert any("--context-length 8192" in step for step in script(other.steps))


@pytest.mark.parametrize("server", ["ollama"])
def test_a_server_that_has_its_own_context_says_so(server: str) -> None:
    refused = asked(connected(), SwitchWish("coder", on=server, context=8192), survey())
    assert isinstance(refused, Problem) and refused.code == "usage-context"
    assert rendered(refused.cause) == "coder brings its own context on ollama."
