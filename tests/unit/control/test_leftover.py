"""A stop that outlives its program: going back waits for it, and only as long as there can be one."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from msgspec.structs import replace

from sparktray.control.performing import leftover
from sparktray.decide.changing import steps
from sparktray.domain.action import CheckAgain
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    OperationKind,
    Step,
    StepName,
    StepRun,
    StepState,
    SwitchWish,
)
from sparktray.domain.phrase import phrase
from sparktray.remote.contract import Remote
from tests.pure.decide.building import sglang_box

BOX = sglang_box()


class Looked:
    """A host whose container runs for the first looks, and counts them; only `inspect` is asked of it."""

    def __init__(self, running: int) -> None:
        self.looks, self._running = 0, running
        self.docker = self

    def inspect(self, name: str) -> dict[str, Any]:
        assert name == "sglang"
        self.looks += 1
        state = "running" if self.looks <= self._running else "exited"
        return {"Id": BOX.id, "Name": "/sglang", "State": {"Status": state, "Running": state == "running"}}


def broken(state: StepState, ago: float, name: StepName = StepName.STOP) -> Operation:
    step = replace(steps.stop(BOX, None), action=CheckAgain(), name=name)
    first = StepRun(Step(StepName.CHECK, phrase("Check"), CheckAgain()), StepState.DONE)
    runs = (first, StepRun(step, state))
    wish, end = SwitchWish("m"), OperationEnd.INTERRUPTED
    return Operation(0, "op", wish, OperationKind.SWITCH, 0.0, runs=runs, end=end, ended_at=time.time() - ago)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftover, "STOP_GRACE", 1.0)
    monkeypatch.setattr(leftover, "_LATE_SECONDS", 0.5)
    monkeypatch.setattr(leftover, "_LOOK_SECONDS", 0.01)


def waited(found: Operation | None, running: int = 5) -> int:
    host = Looked(running)
    leftover.await_stop(cast(Remote, host), found)
    return host.looks


def test_it_waits_until_the_container_has_ended() -> None:
    assert waited(broken(StepState.FAILED, 0.2)) == 6


def test_it_waits_no_longer_than_a_stop_can_take() -> None:
    began = time.monotonic()
    assert waited(broken(StepState.FAILED, 0.0), running=10**6) > 10
    assert 1.4 < time.monotonic() - began < 5.0
    assert waited(broken(StepState.FAILED, 60.0)) == 0, "whoever comes later waits for nothing"


def test_a_clock_that_stepped_back_makes_it_wait_no_longer() -> None:
    began = time.monotonic()
    waited(broken(StepState.FAILED, -3600.0), running=10**6)
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize(
    "found", [None, broken(StepState.DONE, 0.0), broken(StepState.FAILED, 0.0, StepName.RENAME)]
)
def test_there_is_nothing_to_wait_for_without_a_stop_under_way(found: Operation | None) -> None:
    assert waited(found) == 0
