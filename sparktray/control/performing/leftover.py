"""What a program that ended in the middle of something left behind: its lock, its operation."""

from __future__ import annotations

from collections.abc import Mapping

from sparktray.control.performing.records import Records
from sparktray.domain.docker.answers import inspected
from sparktray.domain.docker.container import LABEL_OPERATION
from sparktray.domain.facts.survey import BrokenOff
from sparktray.domain.operation import Operation, OperationKind, StepName


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
    about = found.kind in {OperationKind.WIPE, OperationKind.RESTORE, OperationKind.FORGET}
    wiped = any(run.step.name in {StepName.WIPE, StepName.RESTORE} for run in found.runs)
    return BrokenOff(operation, found.server, containers, found.model, about, wiped)


def dead_lock(lock: Mapping[str, object] | None, ours: frozenset[str]) -> frozenset[str]:
    """The lock's id when one of these operations left it, whose programs are gone."""
    config = (lock or {}).get("Config")
    labels = config.get("Labels") if isinstance(config, dict) else None
    operation = labels.get(LABEL_OPERATION) if isinstance(labels, dict) else None
    if lock is None or not isinstance(operation, str) or operation not in ours:
        return frozenset()
    return frozenset({str(lock.get("Id"))})
