from __future__ import annotations

from itertools import product
from types import ModuleType
from typing import Any, get_args

import pytest
from msgspec.structs import fields, replace

from sparktray.domain import action, events
from sparktray.domain.action import Action, CheckAgain, Expectation
from sparktray.domain.catalogue import Catalogue, EngineKind, Server
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.events import DOCKER_CHANGES, Event
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    OperationKind,
    Step,
    StepName,
    StepRun,
    StepState,
    StopWish,
    SwitchWish,
)
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.problem import Failure, Problem
from sparktray.domain.snapshot import LinkPhase, Phase, ServerState, first_snapshot

SERVERS = tuple(
    Server(name=name, engine=EngineKind.SGLANG, container=f"{name}-box", port=port, image="m")
    for name, port in [("sglang", 30000), ("sglang-main", 30001)]
)
HOST = HostProfile("spark", "spark.local")
EMPTY = first_snapshot(HOST, Catalogue(servers=SERVERS))
BOXES = tuple(
    Container(identity, name, "m", ContainerState.RUNNING)
    for identity, name in [("a" * 64, "sglang-box"), ("b" * 64, "other"), ("c" * 64, "")]
)
SEEN = replace(EMPTY, containers=BOXES, containers_known=True)
STEP = Step(StepName.CHECK, phrase("Look again"), CheckAgain())
RUNS = tuple(StepRun(replace(STEP, name=name)) for name in (StepName.LOCK, StepName.STOP, StepName.START))
CHANGE = Operation(1, "op1", SwitchWish("qwen"), OperationKind.SWITCH, 5.0, runs=RUNS)


def test_a_phrase_keeps_its_sentence_and_its_values() -> None:
    assert phrase("{name} is ready", name="qwen") == Phrase("{name} is ready", {"name": "qwen"})
    assert phrase("Ready") == Phrase("Ready", {}, None, None)
    assert phrase("{msgid}", msgid="a value of that name").values == {"msgid": "a value of that name"}


@pytest.mark.parametrize("count", [0, 1, 2, 11])
def test_a_phrase_of_a_number_says_the_number(count: int) -> None:
    said = phrase_n("{count} request on {name}", "{count} requests on {name}", count, name="qwen")

    assert (said.plural, said.count) == ("{count} requests on {name}", count)
    assert said.msgid.format_map(dict(said.values)) == f"{count} request on qwen"


def test_a_phrase_may_hold_another() -> None:
    inner = phrase("port {port}", port=30000)

    assert phrase("{place} is taken", place=inner).values["place"] is inner


def test_the_first_picture_claims_nothing() -> None:
    assert [state.name for state in EMPTY.servers] == ["sglang", "sglang-main"]
    assert {state.phase for state in EMPTY.servers} == {Phase.UNKNOWN}
    assert EMPTY.link is LinkPhase.CONNECTING and not EMPTY.containers_known
    assert EMPTY.active is None and EMPTY.observed_at is None and EMPTY.vitals.total_bytes is None


@pytest.mark.parametrize("name", ["sglang", "sglang-main", "SGLANG", "sglang-box", ""])
def test_a_server_s_state_is_found_by_its_exact_name(name: str) -> None:
    found = EMPTY.state_of(name)

    assert (found.name if found else None) == (name if name in {"sglang", "sglang-main"} else None)


@pytest.mark.parametrize(
    ("name", "found"), [("sglang-box", BOXES[0]), ("other", BOXES[1]), ("sglang", None), ("/other", None)]
)
def test_a_container_is_found_by_its_exact_name(name: str, found: Container | None) -> None:
    assert SEEN.container_named(name) is found


@pytest.mark.parametrize(("identity", "found"), [("b" * 64, BOXES[1]), ("b" * 12, None), ("", None)])
def test_a_container_is_found_by_its_whole_id(identity: str, found: Container | None) -> None:
    assert SEEN.container(identity) is found


@pytest.mark.parametrize("phase", Phase)
def test_requests_are_answered_when_ready_or_busy_only(phase: Phase) -> None:
    assert ServerState(SERVERS[0], phase=phase).ready is (str(phase) in {"ready", "busy"})


@pytest.mark.parametrize("end", [None, *OperationEnd])
def test_an_operation_is_active_until_its_end(end: OperationEnd | None) -> None:
    change = replace(CHANGE, end=end)

    assert replace(SEEN, operation=change).active is (change if end is None else None)


@pytest.mark.parametrize(
    ("index", "end", "runs"), [*product(range(5), [None, *OperationEnd], [(), RUNS[:1], RUNS])]
)
def test_an_operation_works_on_one_run_between_its_plan_and_its_end(
    index: int, end: OperationEnd | None, runs: tuple[StepRun, ...]
) -> None:
    change = replace(CHANGE, index=index, end=end, runs=runs)

    assert change.current is (runs[index] if end is None and index < len(runs) else None)


def test_an_operation_goes_back_once_a_run_takes_something_back() -> None:
    back = replace(RUNS[0], back=True)

    assert not CHANGE.going_back and not replace(CHANGE, runs=()).going_back
    assert replace(CHANGE, runs=(*RUNS, back)).going_back


@pytest.mark.parametrize(("state", "started"), [*product(StepState, [None, 0.0, 5.0])])
def test_a_run_that_was_tried_may_have_been_done_whatever_its_state(
    state: StepState, started: float | None
) -> None:
    assert StepRun(STEP, state, started_at=started).begun is (started is not None)


def test_a_wish_changes_carefully_unless_told_otherwise() -> None:
    wish = SwitchWish("qwen")

    assert wish.rollback and not (wish.dry_run or wish.replace)
    assert wish.on is None and wish.timeout is None
    assert StopWish() == StopWish(server=None, dry_run=False)


FROZEN: list[tuple[Any, str]] = [
    (EMPTY, "servers"),
    (SERVERS[0], "port"),
    (HOST, "address"),
    (CHANGE, "index"),
    (RUNS[0], "state"),
    (BOXES[0], "name"),
    (phrase("x"), "msgid"),
]


@pytest.mark.parametrize(("value", "name"), FROZEN, ids=[type(value).__name__ for value, _ in FROZEN])
def test_values_are_never_changed_in_place(value: object, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(value, name, None)


def _declared(module: ModuleType, besides: frozenset[str] = frozenset()) -> set[type]:
    kinds = {kind for kind in vars(module).values() if isinstance(kind, type)}
    return {kind for kind in kinds if kind.__module__ == module.__name__ and kind.__name__ not in besides}


def test_every_event_is_one_of_the_reducer_s() -> None:
    assert set(get_args(Event)) == _declared(events)


FRAME = frozenset({"Guard"})


def test_every_action_and_expectation_is_one_that_is_carried_out_or_proven() -> None:
    kinds = _declared(action, besides=FRAME)

    assert set(get_args(Action)) | set(get_args(Expectation)) == kinds


def test_events_that_come_too_late_can_be_told() -> None:
    """Each result carries the connection or the operation that it began in."""
    unasked = {events.Ticked, events.Woke, events.RetryNow, events.FoundInterrupted}
    for kind in get_args(Event):
        names = {field.name for field in fields(kind)}
        assert names & {"epoch", "number"} or kind in unasked, kind


def test_words_of_docker_that_change_a_container_at_once() -> None:
    assert {"die", "destroy", "oom", "pause", "unpause", "rename"} == DOCKER_CHANGES
    assert not any(action.startswith("exec_") for action in DOCKER_CHANGES)


def test_problems_and_failures_say_cause_and_remedy() -> None:
    cause, remedy = phrase("No GPU."), phrase("Look at it on the host.")

    assert Problem("gpu", cause, remedy).technical == ""
    assert (Failure("gpu", cause, remedy).log_tail, Failure("gpu", cause, remedy).at) == ((), None)
