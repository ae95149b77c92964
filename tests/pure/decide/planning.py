"""What the tests of plans share: a plan, its commands, and the commands that frame every plan."""

from __future__ import annotations

import shlex
from typing import Any

from msgspec.structs import replace

from sparktray.decide.changing.plan import Asker, Plan, plan
from sparktray.decide.changing.steps import pending
from sparktray.domain.facts.survey import Survey
from sparktray.domain.operation import Operation, OperationKind, Step, StepState, SwitchWish, Wish
from sparktray.domain.problem import Problem
from tests.pure.decide.building import (
    NOW,
    SPARK_IMAGE,
    Desk,
)

ME = Asker("op-1", "anna@laptop")
LOCK = (
    "docker create --name sparktray-lock"
    " --label org.sparktray.lock.expires=2027-01-15T09:00:00Z --label org.sparktray.lock.owner=anna@laptop"
    " --label org.sparktray.lock.since=2027-01-15T08:00:00Z --label org.sparktray.operation=op-1"
    f" {SPARK_IMAGE} true"
)
UNLOCK = "docker rm sparktray-lock"
SCOUT_RUN = (
    "docker run -d --name sglang --gpus all -p 30000:30000"
    " -v /home/sparkuser/ai/models/scout:/model -v /home/sparkuser/ai/cache/sglang:/root/.cache"
    " --label org.sparktray.model=scout --label org.sparktray.operation=op-1"
    " --label org.sparktray.server=sglang"
    f" {SPARK_IMAGE} python3 -m sglang.launch_server --model-path /model --served-model-name scout"
    " --host 0.0.0.0 --port 30000 --context-length 131072 --max-total-tokens 131072"
)
REPLACED = ["(release)", SCOUT_RUN, "(load)", "(prove)"]


def asked(desk: Desk, wish: Wish, told: Survey) -> Plan | Problem:
    return plan(desk.snapshot, wish, told, ME)


def made(desk: Desk, wish: Wish, told: Survey) -> Plan:
    found = asked(desk, wish, told)
    assert isinstance(found, Plan), found
    return found


def script(steps: tuple[Step, ...]) -> list[str]:
    """Each step as its command, one that only reads or calls an API as its name."""
    return [shlex.join(s.command) if s.command else f"({s.name})" for s in steps]


def undoes(steps: tuple[Step, ...]) -> list[str]:
    return [
        shlex.join(s.undo.command) if s.undo.command else f"({s.undo.name})"
        for s in steps
        if s.undo is not None
    ]


def between(desk: Desk, wish: Wish, told: Survey) -> list[str]:
    """The plan without lock, second look and unlocking, which always frame it."""
    steps = script(made(desk, wish, told).steps)
    assert steps[:2] == [LOCK, "(check)"]
    assert steps[-1] == UNLOCK
    return steps[2:-1]


def operation(*steps: Step, since: float = NOW, back: bool = False, **more: Any) -> Operation:
    """A switch that is at the last of these steps since then."""
    runs = pending(steps)
    last = replace(runs[-1], state=StepState.RUNNING, started_at=since, back=back)
    wish = SwitchWish("scout")
    return Operation(
        1,
        "op-1",
        wish,
        OperationKind.SWITCH,
        NOW,
        "sglang",
        "scout",
        (*runs[:-1], last),
        len(runs) - 1,
        **more,
    )
