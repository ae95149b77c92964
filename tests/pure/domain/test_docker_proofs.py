from __future__ import annotations

from itertools import product

import pytest
from msgspec.structs import replace

from sparktray.domain.action import Expectation, Gone, Guard, LockHeld, Named, Restarts, Running, Stopped
from sparktray.domain.docker.container import LABEL_OPERATION, Container, ContainerState
from sparktray.domain.docker.proofs import (
    Leave,
    guarded,
    holds,
    made_and_never_started,
    started_and_over,
)

S = ContainerState
ALL = frozenset(S)
LIVE = frozenset({S.RUNNING, S.PAUSED, S.RESTARTING})
OVER = ALL - LIVE
MAKERS = (None, "op1", "op2")
STARTS = (None, 5.0)

# What is expected, and of a container that is there: in which states, and made by whom, it is so.
EXPECTED: list[tuple[Expectation, frozenset[ContainerState], tuple[str | None, ...]]] = [
    (Gone("c"), frozenset(), ()),
    (Stopped("c"), OVER, MAKERS),
    (Running("c"), LIVE, MAKERS),
    (Running("c", "op1"), LIVE, ("op1",)),
    (Named("c", "sglang"), ALL, MAKERS),
    (Named("c", "sglang.previous"), frozenset(), ()),
    (Restarts("c", "on-failure:3"), ALL, MAKERS),
    (Restarts("c", "on-failure"), frozenset(), ()),
    (LockHeld("c", "op1"), ALL, ("op1",)),
]


def box(state: ContainerState, maker: str | None = None, started: float | None = 5.0) -> Container:
    labels = {} if maker is None else {LABEL_OPERATION: maker}
    return Container(
        "i1", "sglang", "m", state, labels=labels, restart_policy="on-failure:3", started_at=started
    )


@pytest.mark.parametrize(("expected", "states", "makers"), EXPECTED, ids=[str(row[0]) for row in EXPECTED])
@pytest.mark.parametrize("started", STARTS)
@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("state", S)
def test_what_is_read_proves_a_step_or_does_not(
    state: ContainerState,
    maker: str | None,
    started: float | None,
    expected: Expectation,
    states: frozenset[ContainerState],
    makers: tuple[str | None, ...],
) -> None:
    assert holds(expected, box(state, maker, started)) is (state in states and maker in makers)


@pytest.mark.parametrize("expected", [row[0] for row in EXPECTED], ids=str)
def test_a_container_that_is_not_there_is_gone_and_stopped_and_nothing_else(expected: Expectation) -> None:
    assert holds(expected, None) is isinstance(expected, Gone | Stopped)


@pytest.mark.parametrize("expected", [row[0] for row in EXPECTED], ids=str)
def test_only_what_this_operation_started_and_what_ended_is_watched_on(expected: Expectation) -> None:
    assert not started_and_over(expected, None)
    for state, maker, started in product(S, MAKERS, STARTS):
        ended = expected == Running("c", "op1") and maker == "op1" and started is not None and state in OVER
        assert started_and_over(expected, box(state, maker, started)) is ended


@pytest.mark.parametrize("expected", [row[0] for row in EXPECTED], ids=str)
def test_a_container_is_never_both_as_expected_and_over(expected: Expectation) -> None:
    for state, maker, started in product(S, MAKERS, STARTS):
        found = box(state, maker, started)
        assert not (holds(expected, found) and started_and_over(expected, found))


# A guard, what it says of a missing container, and of one by who made it.
GUARDS: list[tuple[Guard | None, Leave, dict[str | None, Leave]]] = [
    (None, Leave.RUN, dict.fromkeys(MAKERS, Leave.RUN)),
    (Guard("sglang", container="i1"), Leave.CHANGED, dict.fromkeys(MAKERS, Leave.RUN)),
    (Guard("sglang", container="i2"), Leave.CHANGED, dict.fromkeys(MAKERS, Leave.CHANGED)),
    (Guard("sglang"), Leave.CHANGED, dict.fromkeys(MAKERS, Leave.CHANGED)),
    (
        Guard("sglang", operation="op1"),
        Leave.NOTHING_OF_OURS,
        {None: Leave.NOTHING_OF_OURS, "op1": Leave.RUN, "op2": Leave.NOTHING_OF_OURS},
    ),
    (
        Guard("sglang", container="i1", operation="op1"),
        Leave.NOTHING_OF_OURS,
        {None: Leave.NOTHING_OF_OURS, "op1": Leave.RUN, "op2": Leave.NOTHING_OF_OURS},
    ),
]


@pytest.mark.parametrize(("guard", "missing", "by_maker"), GUARDS, ids=[str(row[0]) for row in GUARDS])
def test_a_guard_lets_a_command_touch_only_what_was_meant(
    guard: Guard | None, missing: Leave, by_maker: dict[str | None, Leave]
) -> None:
    assert guarded(guard, None) is missing
    for state, maker in product(S, MAKERS):
        assert guarded(guard, box(state, maker)) is by_maker[maker]


def test_only_what_this_operation_made_and_never_started_may_be_swept() -> None:
    """A container of the same name that somebody else created in between is not ours, labels or not."""
    wanted = Running("sglang", "op1")
    made = Container(
        "c", "sglang", "image", ContainerState.CREATED, labels={"org.sparktray.operation": "op1"}
    )
    assert made_and_never_started(wanted, made)
    theirs = replace(made, labels={"com.example.owner": "anna", "org.sparktray.operation": "op2"})
    for other in (
        None,
        theirs,
        replace(made, labels={}),
        replace(made, name="other"),
        replace(made, started_at=1.0, state=ContainerState.EXITED),
        replace(made, state=ContainerState.RUNNING),
    ):
        assert not made_and_never_started(wanted, other)
    assert not made_and_never_started(Running("sglang"), made)
    assert not made_and_never_started(Gone("sglang"), made)


def test_what_may_be_gone_is_left_when_it_is() -> None:
    guard = Guard("sglang", "a" * 64, may_be_gone=True)
    assert guarded(guard, None) is Leave.NOTHING_OF_OURS
    assert guarded(Guard("sglang", "a" * 64), None) is Leave.CHANGED
