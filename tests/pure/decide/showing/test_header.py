from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.showing.header import Header, header
from sparktray.domain.asking import Health, Reading, ServedModel
from sparktray.domain.events import LinkDown
from sparktray.domain.operation import SwitchWish
from sparktray.domain.snapshot import Icon, Snapshot, first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    HOST,
    ollama_box,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)
from tests.pure.decide.story import begin_story

SCOUT = sglang_box(started_at=1000.0)
QWEN = vllm_box(started_at=1000.0)
NOW = 1000.0 + 11_520


def top(snapshot: Snapshot) -> Header:
    return header(snapshot, NOW)


def lines(snapshot: Snapshot) -> list[str]:
    told = top(snapshot).lines
    return [" · ".join(part if isinstance(part, str) else rendered(part) for part in each) for each in told]


def asked(reading: Reading) -> list[str]:
    return lines(serving(SCOUT, sglang=reading).snapshot)


def test_one_ready_server_is_told_without_its_name_which_is_in_the_sentence() -> None:
    shown = top(serving(SCOUT, sglang=ready("scout")).snapshot)
    assert shown.icon is Icon.READY and rendered(shown.sentence) == "scout is ready on spark."
    assert asked(ready("scout", running=2)) == ["SGLang · 30000 · up 3 h 12 min · 2 requests running"]


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        (ready("scout"), "no requests running"),
        (ready("scout", running=1, waiting=3), "1 request running · 3 waiting"),
        (ready("scout", running=None, waiting=None), ""),
    ],
)
def test_requests_are_told_as_far_as_they_are_known(reading: Reading, told: str) -> None:
    assert asked(reading) == [" · ".join(filter(None, ("SGLang · 30000 · up 3 h 12 min", told)))]


def test_several_servers_have_a_line_each_with_the_names_of_what_they_hold() -> None:
    desk = serving(SCOUT, QWEN, sglang=ready("scout"), vllm=ready("qwen", running=None))
    assert lines(desk.snapshot) == [
        "scout · SGLang · 30000 · up 3 h 12 min · no requests running",
        "qwen · vLLM · 8000 · up 3 h 12 min",
    ]
    shown = top(desk.snapshot)
    assert [each.server for each in shown.copies] == ["sglang", "vllm"]
    assert [rendered(each.label) for each in shown.stops] == ["scout on sglang", "qwen on vllm"]


def test_more_servers_than_fit_are_counted() -> None:
    main = sglang_box("sglang-main", port=30001, model="qwen")
    desk = serving(
        SCOUT,
        main,
        QWEN,
        ollama_box(),
        sglang=ready("scout"),
        sglang_main=ready("qwen"),
        vllm=ready("qwen"),
        ollama=ready("bge-m3"),
    )
    told = lines(desk.snapshot)
    assert len(told) == 4 and told[-1] == "and 1 more server"


def test_a_server_on_its_way_is_told_with_its_state_and_not_with_its_age() -> None:
    assert asked(Reading(Health.REFUSED)) == ["SGLang · 30000 · loading"]


def test_one_that_does_not_answer_any_more_keeps_its_age() -> None:
    desk = serving(SCOUT, sglang=ready("scout"))
    for _ in range(4):
        desk.probe("sglang", Reading(Health.SILENT))
    assert lines(desk.snapshot) == ["SGLang · 30000 · degraded · up 3 h 12 min"]


def test_a_name_that_says_nothing_of_the_model_is_told_with_what_is_loaded() -> None:
    assert asked(ready("gpt-4o-mini", running=None)) == ["SGLang · 30000 · up 3 h 12 min · loaded is scout"]
    # Of a folder outside the catalogue no name is known.
    other = sglang_box(model="else", started_at=1000.0)
    assert lines(serving(other, sglang=ready("gpt-4o-mini", running=None)).snapshot) == [
        "SGLang · 30000 · up 3 h 12 min"
    ]


def test_with_nothing_running_the_next_step_is_said() -> None:
    idle = serving(ollama=Reading(Health.REFUSED)).snapshot
    assert top(idle).icon is Icon.IDLE and lines(idle) == ["Choose a model to load it."]
    assert top(idle).copies == () == top(idle).stops


def test_trouble_with_docker_is_told_with_its_way_out_before_what_was_last_known() -> None:
    known = replace(serving(SCOUT, sglang=ready("scout")).snapshot, docker_problem=problem())
    assert lines(known)[0] == "Mend it." and len(lines(known)) == 2


def test_without_a_link_the_sentence_says_it_all() -> None:
    desk = serving(SCOUT, sglang=ready("scout"))
    desk.take(LinkDown(desk.snapshot.epoch, problem("unreachable")))
    assert lines(desk.snapshot) == [] and top(desk.snapshot).copies == ()
    assert lines(first_snapshot(HOST, CATALOGUE)) == []


def test_an_id_with_characters_that_nobody_sees_is_not_offered_for_copying() -> None:
    desk = serving(SCOUT, sglang=ready("sc\u200bout"))
    assert top(desk.snapshot).copies == ()
    assert len(top(desk.snapshot).stops) == 1


def test_ollama_can_be_stopped_while_it_holds_a_model() -> None:
    box = ollama_box()
    assert top(serving(box, ollama=ready()).snapshot).stops == ()
    assert [each.server for each in top(serving(box, ollama=ready("bge-m3")).snapshot).stops] == ["ollama"]


def test_during_an_operation_nothing_can_be_stopped() -> None:
    story = begin_story(SCOUT)
    story.wish(SwitchWish("coder"))
    assert top(story.snapshot).stops == ()


@pytest.mark.parametrize(
    ("until", "told"), [(NOW + 290, ["leaves memory in 4 min"]), (NOW - 1, []), (None, [])]
)
def test_a_model_that_leaves_memory_by_itself_says_when(until: float | None, told: list[str]) -> None:
    reading = Reading(Health.READY, (ServedModel("qwen3:32b", until=until),))
    (line,) = lines(serving(ollama_box(started_at=1000.0), ollama=reading).snapshot)
    assert [part for part in line.split(" · ") if part.startswith("leaves")] == told
