"""The host's lock: how it is taken, given back and broken, and who holds it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sparktray.decide.changing.steps import docker
from sparktray.domain.action import Gone, Guard, LockHeld, RunDocker
from sparktray.domain.docker.answers import seconds
from sparktray.domain.docker.container import (
    LABEL_LOCK_EXPIRES,
    LABEL_LOCK_OWNER,
    LABEL_LOCK_SINCE,
    LABEL_OPERATION,
    LOCK_NAME,
    Container,
)
from sparktray.domain.facts.survey import Survey
from sparktray.domain.operation import Step, StepName
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_name

# A load on a Spark takes up to 15 minutes; a forgotten lock shall still free itself within the hour.
LOCK_SECONDS = 3600


def iso(seconds: float) -> str:
    """A time of the host as ISO 8601 UTC to the second, for labels."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def lock(operation: str, owner: str, image: str, host_time: float) -> Step:
    """Take the host's lock: creating a container of a fixed name succeeds for one only."""
    labels = {
        LABEL_LOCK_EXPIRES: iso(host_time + LOCK_SECONDS),
        LABEL_LOCK_OWNER: owner,
        LABEL_LOCK_SINCE: iso(host_time),
        LABEL_OPERATION: operation,
    }
    flags = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    argv = docker("create", "--name", LOCK_NAME, *flags, image, "true")
    return Step(
        StepName.LOCK,
        phrase("Take the lock on the host"),
        RunDocker(argv, LockHeld(LOCK_NAME, operation)),
        argv,
        phrase("The lock is there and ours."),
        unlock(operation),
    )


def break_lock(container: Container) -> Step:
    """Remove a lock that has expired by the host's own clock."""
    argv = docker("rm", LOCK_NAME)
    return Step(
        StepName.LOCK,
        phrase("Remove the expired lock of {owner}", owner=container.labels.get(LABEL_LOCK_OWNER, "?")),
        RunDocker(argv, Gone(container.id), Guard(LOCK_NAME, container.id)),
        argv,
        phrase("The lock is gone."),
    )


def unlock(operation: str) -> Step:
    """Give the lock back."""
    argv = docker("rm", LOCK_NAME)
    return Step(
        StepName.UNLOCK,
        phrase("Give the lock back"),
        RunDocker(argv, Gone(LOCK_NAME), Guard(LOCK_NAME, operation=operation)),
        argv,
        phrase("The lock is gone."),
    )


def lock_of(containers: Iterable[Container], operation: str) -> Container | None:
    """The host's lock, if somebody else than this operation holds it."""
    held = (c for c in containers if c.is_lock)
    return next((c for c in held if c.labels.get(LABEL_OPERATION) != operation), None)


def lock_expired(lock: Container, host_time: float) -> bool:
    """True when the lock's time is over by the host's own clock; one without a time never expires."""
    expires = seconds(lock.labels.get(LABEL_LOCK_EXPIRES))
    return expires is not None and host_time > expires


def lock_refusal(lock: Container | None, survey: Survey) -> Problem | None:
    """Somebody else changes this host at the moment."""
    if lock is None or lock_expired(lock, survey.host_time) or lock.id in survey.abandoned:
        return None
    return locked_by(lock)


def locked_by(lock: Container | None) -> Problem:
    """Who changes this host, and since when; None for a lock that was gone before it could be read."""
    if lock is None:
        return Problem(
            "locked",
            phrase("Somebody else was changing this host at the same moment."),
            phrase("Look at the status and try again."),
        )
    return Problem(
        "locked",
        phrase(
            "{owner} has been changing this host since {since}.",
            owner=clean_name(lock.labels.get(LABEL_LOCK_OWNER, "?")),
            since=clean_name(lock.labels.get(LABEL_LOCK_SINCE, "?")),
        ),
        phrase("Wait for it. If that computer is gone: docker rm {name}", name=LOCK_NAME),
    )
