"""What a program that ended in the middle of something left behind: its lock, its operation."""

from __future__ import annotations

import time
from collections.abc import Mapping

from sparktray.control.performing.records import Records
from sparktray.decide.changing.steps import STOP_GRACE
from sparktray.domain.docker.answers import inspected
from sparktray.domain.docker.container import LABEL_OPERATION
from sparktray.domain.facts.survey import BrokenOff
from sparktray.domain.operation import Operation, OperationKind, StepName, StepState
from sparktray.remote.contract import Remote

# The kill at the end of the grace takes its own moment.
_LATE_SECONDS = 5.0
_LOOK_SECONDS = 0.3


def interrupted(records: Records, host: str) -> Operation | None:
    """The operation on that host that waits for somebody to finish it or to go back; None for none."""
    return records.broken_off(host)


def broken_off(records: Records, host: str, operation: str) -> BrokenOff | None:
    """What is known of that operation, for the way back; None when it is not the one that waits."""
    found = interrupted(records, host)
    if found is None or found.id != operation:
        return None
    read = (inspected(each) for each in records.descriptions(operation))
    containers = tuple(each for each in read if each is not None)
    about = found.kind in {OperationKind.WIPE, OperationKind.RESTORE}
    wiped = any(run.step.name in {StepName.WIPE, StepName.RESTORE} for run in found.runs)
    return BrokenOff(operation, found.server, containers, found.model, about, wiped)


def await_stop(remote: Remote, found: Operation | None) -> None:
    """Wait for a ``docker stop`` that outlives the program which gave it: sshd lets it go on.

    A container that still runs would be taken for one that was never stopped, and end right afterwards. Later
    than its grace after the journal's last word there is none under way. Blocks; raises RemoteError.
    """
    name = _being_stopped(found)
    if found is None or name is None:
        return
    until = min((found.ended_at or 0.0) - time.time(), 0.0) + STOP_GRACE + _LATE_SECONDS + time.monotonic()
    while time.monotonic() < until:
        container = inspected(remote.docker.inspect(name))
        if container is None or not container.running:
            return
        time.sleep(_LOOK_SECONDS)


def _being_stopped(found: Operation | None) -> str | None:
    """The container whose stop is the last that was begun."""
    last = found.runs[-1] if found is not None and found.runs else None
    if last is None or last.step.name is not StepName.STOP or last.state is StepState.DONE:
        return None
    return last.step.command[-1] if last.step.command[:2] == ("docker", "stop") else None


def dead_lock(lock: Mapping[str, object] | None, ours: frozenset[str]) -> frozenset[str]:
    """The lock's id when one of these operations left it, whose programs are gone."""
    config = (lock or {}).get("Config")
    labels = config.get("Labels") if isinstance(config, dict) else None
    operation = labels.get(LABEL_OPERATION) if isinstance(labels, dict) else None
    if lock is None or not isinstance(operation, str) or operation not in ours:
        return frozenset()
    return frozenset({str(lock.get("Id"))})
