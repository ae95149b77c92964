"""What a program that ended in the middle of something left behind: its lock, its operation."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from sparktray.control.records import Records
from sparktray.domain.docker.answers import inspected
from sparktray.domain.docker.container import LABEL_OPERATION
from sparktray.domain.operation import Operation
from sparktray.domain.survey import BrokenOff


def interrupted(records: Records, host: str) -> Operation | None:
    """The operation on that host that waits for somebody to finish it or to go back; None for none."""
    return records.broken_off(host, program_lives)


def broken_off(records: Records, host: str, operation: str) -> BrokenOff | None:
    """What is known of that operation, for the way back; None when it is not the one that waits."""
    found = interrupted(records, host)
    if found is None or found.id != operation:
        return None
    read = (inspected(each) for each in records.descriptions(operation))
    return BrokenOff(operation, found.server, tuple(each for each in read if each is not None))


def dead_lock(lock: Mapping[str, object] | None, ours: frozenset[str]) -> frozenset[str]:
    """The lock's id when an operation of this computer left it whose program is gone."""
    config = (lock or {}).get("Config")
    labels = config.get("Labels") if isinstance(config, dict) else None
    operation = labels.get(LABEL_OPERATION) if isinstance(labels, dict) else None
    if lock is None or not isinstance(operation, str) or operation not in ours or program_lives(operation):
        return frozenset()
    return frozenset({str(lock.get("Id"))})


def program_lives(operation: str) -> bool:
    """Whether the program of an operation still runs; its id holds the process number.

    On Windows there is no harmless way to ask by number, so its lock waits for its expiry.
    """
    process = operation.split("-")[1] if operation.count("-") == 2 else ""
    if sys.platform == "win32" or not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
