from __future__ import annotations

from itertools import product

import pytest
from msgspec.structs import fields, replace

from sparktray.decide.identity import Running
from sparktray.decide.reduce import begin
from sparktray.decide.showing.present import (
    engine_name,
    operation_sentence,
    sentence,
    server_sentence,
    shown_name,
)
from sparktray.domain.catalogue import EngineKind
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.events import ContainersUnread, LinkDown, LinkUp, Surveyed, Wished
from sparktray.domain.operation import Operation, OperationEnd, OperationKind, StopWish, SwitchWish, Wish
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import LoadProgress, Phase, ServerState, first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    HOST,
    NOW,
    SCOUT,
    SGLANG,
    Desk,
    connected,
    ended,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
    survey,
    vllm_box,
)
from tests.pure.decide.test_truth import phases


def test_the_names_of_the_engines() -> None:
    assert [engine_name(kind) for kind in EngineKind] == ["SGLang", "vLLM", "Ollama"]


@pytest.mark.parametrize(
    ("running", "name"),
    [
        (Running(SCOUT, "scout"), "scout"),
        (Running(SCOUT, None), "scout"),
        (Running(SCOUT, "gpt-4o-mini", "/m", True), "gpt-4o-mini"),
        (Running(None, "a\x1b[0m\nb"), "a [0m b"),
        (Running(), "sglang"),
        (Running(SCOUT, None, "/m", True), "scout"),
    ],
)
def test_what_to_call_what_runs(running: Running, name: str) -> None:
    assert shown_name(running, ServerState(SGLANG)) == name


IDLE_BOX = ended(sglang_box(), 143)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (ServerState(SGLANG, phase=Phase.UNKNOWN), "sglang has not been read yet."),
        (ServerState(SGLANG, phase=Phase.IDLE), "sglang is not running."),
        (
            ServerState(SGLANG, IDLE_BOX, phase=Phase.IDLE),
            "sglang is not running; it ended with exit code 143.",
        ),
        (
            ServerState(SGLANG, stranger="web", phase=Phase.IDLE),
            "sglang is not running; container web holds its port 30000.",
        ),
        (ServerState(SGLANG, phase=Phase.STARTING), "sglang is loading."),
        (ServerState(SGLANG, sglang_box(), phase=Phase.LOADING), "scout is loading."),
        (
            ServerState(SGLANG, progress=LoadProgress(phrase("Warming up")), phase=Phase.LOADING),
            "sglang is loading: Warming up",
        ),
        (ServerState(SGLANG, phase=Phase.STOPPING), "sglang is stopping."),
        (ServerState(SGLANG, sglang_box(), phase=Phase.READY), "scout is ready."),
        (ServerState(SGLANG, running=1, phase=Phase.BUSY), "sglang is answering 1 request."),
        (ServerState(SGLANG, running=3, phase=Phase.BUSY), "sglang is answering 3 requests."),
        (ServerState(SGLANG, waiting=1, phase=Phase.BUSY), "sglang is busy."),
        (ServerState(SGLANG, phase=Phase.DEGRADED), "sglang on sglang does not answer as it should."),
        (ServerState(SGLANG, phase=Phase.FAILED), "sglang failed: It keeps ending."),
        (
            ServerState(
                SGLANG, failure=Failure("x", phrase("{a} died.", a="It"), phrase("b")), phase=Phase.FAILED
            ),
            "sglang failed: It died.",
        ),
    ],
)
def test_the_sentence_about_a_server(state: ServerState, text: str) -> None:
    assert rendered(server_sentence(connected().snapshot, state)) == text


STARVED = sglang_box(state=ContainerState.RESTARTING, restarts=9)
MAIN = sglang_box("sglang-main", port=30001, model="qwen")


@pytest.mark.parametrize(
    ("desk", "text"),
    [
        (connected(ended(sglang_box(), 0, ago=1e6)), "No model is running on spark."),
        (connected(sglang_box()), "Reading what runs on spark…"),
        (serving(sglang_box(), sglang=ready("scout")), "scout is ready on spark."),
        (
            serving(sglang_box(), MAIN, sglang=ready("scout"), sglang_main=ready("qwen")),
            "scout, qwen are ready on spark.",
        ),
        (connected(STARVED), "sglang failed: It keeps ending."),
        (serving(STARVED, MAIN, sglang_main=ready("qwen")), "sglang failed: It keeps ending."),
        (serving(sglang_box(), sglang=ready()), "scout is loading."),
        (
            serving(vllm_box(state=ContainerState.PAUSED), MAIN, sglang_main=ready("qwen")),
            "qwen on vllm does not answer as it should.",
        ),
        (connected(sglang_box(state=ContainerState.REMOVING)), "sglang is stopping."),
        (connected(sglang_box(state=ContainerState.RESTARTING)), "scout is loading."),
    ],
)
def test_the_one_sentence_about_the_whole(desk: Desk, text: str) -> None:
    assert rendered(sentence(desk.snapshot)) == text


def test_the_sentence_while_nothing_is_known() -> None:
    desk = Desk()
    assert rendered(sentence(desk.snapshot)) == "Connecting to spark…"
    desk.snapshot, _ = begin(desk.snapshot, NOW)
    desk.take(LinkUp(1))
    assert rendered(sentence(desk.snapshot)) == "Reading what runs on spark…"
    desk.take(ContainersUnread(1, problem()))
    assert rendered(sentence(desk.snapshot)) == "It broke."
    desk.read()
    assert rendered(sentence(desk.snapshot)) == "No model is running on spark."
    desk.take(LinkDown(1, problem()))
    assert rendered(sentence(desk.snapshot)) == "It broke."


def test_every_combination_of_phases_makes_a_sentence() -> None:
    for one, other in product(Phase, Phase):
        assert rendered(sentence(phases(one, other)))
        assert rendered(sentence(phases(other, one, docker_problem=problem())))


def test_the_sentence_during_an_operation_names_its_step() -> None:
    desk = connected()
    desk.take(Wished(SwitchWish("scout"), 1, "op-1"))
    assert rendered(sentence(desk.snapshot)) == "Switching to scout: Looking at the host"
    desk.take(Surveyed(1, survey()))
    assert rendered(sentence(desk.snapshot)) == "Switching to scout: Take the lock on the host"


WISHES: list[tuple[Wish, str]] = [
    (SwitchWish("scout"), "Switching to scout"),
    (SwitchWish("we\x1b[31mird"), "Switching to we [31mird"),
    (StopWish("sglang"), "Stopping sglang"),
    (StopWish(), "Stopping all servers"),
]


@pytest.mark.parametrize("end", [None, *OperationEnd])
@pytest.mark.parametrize(("wish", "what"), WISHES)
def test_the_sentence_about_an_operation(wish: Wish, what: str, end: OperationEnd | None) -> None:
    operation = Operation(1, "op-1", wish, OperationKind.SWITCH, NOW, end=end)
    text = rendered(operation_sentence(operation))
    assert text.startswith(f"{what}: ")
    ends = {rendered(operation_sentence(replace(operation, end=other))) for other in OperationEnd}
    assert len(ends) == len(OperationEnd), "each end has its own sentence"


def test_phrases_are_values() -> None:
    assert phrase("a {b}", b=1) == Phrase("a {b}", {"b": 1})
    assert rendered(phrase_n("{count} day", "{count} days", 1)) == "1 day"
    assert rendered(phrase_n("{count} day", "{count} days", 0)) == "0 days"
    assert {f.name for f in fields(Phrase)} == {"msgid", "values", "plural", "count"}
    there: Container = sglang_box()
    assert first_snapshot(HOST, CATALOGUE).container_named(there.name) is None
