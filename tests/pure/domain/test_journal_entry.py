"""Operations as the journal keeps them."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from sparktray.decide.changing import steps
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.journal.entry import Entry, EntryStep, broken_at, entry_of, wish_of
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
    Operation,
    OperationEnd,
    OperationKind,
    RestoreWish,
    StepRun,
    StepState,
    StopWish,
    SwitchWish,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from tests.pure.decide.building import rendered

OLD = Container("abc", "sglang", "image", ContainerState.RUNNING)
STOP = steps.stop(OLD, None)


def operation(**changes: object) -> Operation:
    made = Operation(1, "op1", SwitchWish("coder"), OperationKind.SWITCH, 100.0, "sglang", "coder")
    return replace(made, **changes)


def entry(**changes: object) -> Entry:
    made = Entry(id="op1", kind="switch", host="spark", server="sglang", model="m", started_at=1.0, time=2.0)
    return msgspec.structs.replace(made, **changes)


def test_an_entry_tells_how_it_stands_and_why() -> None:
    failure = Failure("exited", phrase("It ended."), phrase("Look."), ("a line of the log",), 120.0)
    runs = (StepRun(STOP, StepState.DONE, started_at=100.0, ended_at=101.5), StepRun(STOP))
    made = entry_of(operation(runs=runs, failure=failure, end=OperationEnd.FAILED), "spark", 130.0)
    assert (made.id, made.kind, made.host, made.server, made.model) == (
        "op1",
        "switch",
        "spark",
        "sglang",
        "coder",
    )
    assert (made.started_at, made.time, made.end, made.failure) == (100.0, 130.0, "failed", "exited")
    assert (made.cause, made.remedy) == (phrase("It ended."), phrase("Look."))
    first, second = made.steps
    assert (first.name, first.state, first.seconds) == ("stop", "done", 1.5)
    assert (second.state, second.seconds, second.back) == ("waiting", None, False)
    assert first.title is not None and rendered(first.title) == "Stop sglang"
    assert "a line of the log" not in repr(made)


def test_before_the_plan_it_is_known_what_was_wished() -> None:
    made = entry_of(operation(server=None, model=None), "spark", 100.0)
    assert (made.server, made.model, made.steps) == (None, "coder", ())
    stopping = operation(wish=StopWish(), kind=OperationKind.STOP, server=None, model=None)
    assert entry_of(stopping, "spark", 100.0).model is None


def test_a_cause_is_kept_as_it_may_be_shown() -> None:
    said = "started\nwith --api-key sesame \x1b[31m"
    inner = phrase("Docker said: {text}", text=said)
    cause = phrase("{a} {b} {c} {d} {e}", a=inner, b=[said, inner], c=3, d=0.5, e=StepState.DONE)
    made = entry_of(operation(failure=Failure("x", cause, phrase("Look."))), "spark", 100.0)
    shown = "started with --api-key ***"
    assert made.cause is not None
    assert made.cause.values == {
        "a": phrase("Docker said: {text}", text=shown),
        "b": [shown, phrase("Docker said: {text}", text=shown)],
        "c": 3,
        "d": 0.5,
        "e": "done",
    }


@pytest.mark.parametrize(
    ("kept", "wish"),
    [
        (entry(), SwitchWish("m", on="sglang")),
        (entry(model=None), None),
        (entry(kind="stop", model=None), StopWish("sglang")),
        (entry(kind="stop", server=None, model=None), StopWish()),
        (entry(kind="back"), BackWish("op1")),
        (entry(kind="wipe"), None),
        (entry(kind="teleport"), None),
    ],
)
def test_what_was_wished(kept: Entry, wish: Wish | None) -> None:
    assert wish_of(kept) == wish


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        (WipeWish(WipeScope.CHATS, 30, archive=False), OperationKind.WIPE),
        (RestoreWish("sparktray-archive-x"), OperationKind.RESTORE),
        (ForgetWish("sparktray-archive-x"), OperationKind.FORGET),
    ],
)
def test_what_was_wished_of_open_webui_is_kept_whole(wish: Wish, kind: OperationKind) -> None:
    made = entry_of(operation(wish=wish, kind=kind, server=None, model=None), "spark", 100.0)
    assert wish_of(made) == wish


@pytest.mark.parametrize(
    ("begun", "told"),
    [
        ((), "The program ended in the middle."),
        ((("stop", ("docker", "stop", "a")),), "The program ended in the middle, at: docker stop a"),
        (
            (("start", ("docker", "run", "-d", "image")),),
            "The program ended in the middle, at: docker run -d …",
        ),
        ((("load", ()),), "The program ended while the model was loading."),
        ((("prove", ()),), "The program ended in the middle."),
    ],
)
def test_where_it_was_broken_off(begun: tuple[tuple[str, tuple[str, ...]], ...], told: str) -> None:
    made = tuple(EntryStep(name=name, state="running", command=command) for name, command in begun)
    kept = entry(steps=(*made, EntryStep(name="unlock", state="waiting", command=("docker", "rm"))))
    assert rendered(broken_at(kept)) == told
