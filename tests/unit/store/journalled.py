"""Operations that tests of the journal write into it."""

from __future__ import annotations

from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    OperationKind,
    Step,
    StepRun,
    StepState,
    SwitchWish,
)

OLD = Container("abc123", "sglang", "image", ContainerState.RUNNING)


def run(step: Step, state: StepState = StepState.DONE) -> StepRun:
    """A step that took a second and a half."""
    return StepRun(step, state, started_at=100.0, ended_at=101.5)


def switch(name: str = "op1", end: OperationEnd | None = OperationEnd.DONE, *runs: StepRun) -> Operation:
    """A switch to model m on server sglang."""
    return Operation(
        1, name, SwitchWish("m"), OperationKind.SWITCH, 99.0, "sglang", "m", tuple(runs), end=end
    )
