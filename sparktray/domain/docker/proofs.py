"""Whether the host is as a step claims: exit codes are never proof, only what is read is."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from sparktray.domain.action import Expectation, Gone, Guard, LockHeld, Named, Restarts, Running, Stopped
from sparktray.domain.docker.container import LABEL_OPERATION, Container


def holds(expected: Expectation, found: Container | None) -> bool:
    """True when the container that ``expected.container`` names, as just read, is as expected."""
    match expected:
        case Gone():
            return found is None
        case Stopped():
            return found is None or not found.running
        case Running(operation=operation):
            return found is not None and found.running and _made_by(found, operation)
        case Named(name=name):
            return found is not None and found.name == name
        case Restarts(policy=policy):
            return found is not None and found.restart_policy == policy
        case LockHeld(operation=operation):
            return found is not None and _made_by(found, operation)
        case _:  # pragma: no cover
            assert_never(expected)


def started_and_over(expected: Expectation, found: Container | None) -> bool:
    """True for a container that was started as expected and has ended since: it is watched, not
    started again, so that its log tells why.
    """
    if not isinstance(expected, Running) or expected.operation is None or found is None:
        return False
    over = found.started_at is not None and not found.running
    return over and _made_by(found, expected.operation)


def made_and_never_started(expected: Expectation, found: Container | None) -> bool:
    """True for a container that this very operation made and Docker could not start: only such a one
    may be removed without having been planned for.
    """
    if not isinstance(expected, Running) or expected.operation is None or found is None:
        return False
    ours = found.name == expected.container and _made_by(found, expected.operation)
    return ours and found.started_at is None and not found.running


class Leave(StrEnum):
    """What a guard says about a command right before it is run."""

    RUN = "run"
    NOTHING_OF_OURS = "nothing-of-ours"  # there is nothing to take back
    CHANGED = "changed"  # somebody put another container in that place


def guarded(guard: Guard | None, found: Container | None) -> Leave:
    """Whether a command may touch the container that now bears the guard's name."""
    if guard is None:
        return Leave.RUN
    if guard.operation is not None:
        ours = found is not None and _made_by(found, guard.operation)
        return Leave.RUN if ours else Leave.NOTHING_OF_OURS
    if found is None and guard.may_be_gone:
        return Leave.NOTHING_OF_OURS
    return Leave.RUN if found is not None and found.id == guard.container else Leave.CHANGED


def _made_by(container: Container, operation: str | None) -> bool:
    return operation is None or container.labels.get(LABEL_OPERATION) == operation
