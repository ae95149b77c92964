"""Steps on containers: run the docker command, then prove by reading what it achieved."""

from __future__ import annotations

import time

from sparktray.control.performing.task import NotProven, Task
from sparktray.control.problems import changed, not_achieved, unstored
from sparktray.decide.changing.locking import locked_by
from sparktray.domain.action import (
    Expectation,
    LockHeld,
    RecordContainer,
    RecreateContainer,
    RunDocker,
    Running,
)
from sparktray.domain.docker.container import Container
from sparktray.domain.docker.proofs import Leave, guarded, holds, made_and_never_started, started_and_over
from sparktray.domain.docker.recreation import recreation
from sparktray.engines.docker_failures import diagnose_docker
from sparktray.remote.contract import Finished, Remote
from sparktray.remote.errors import CommandFailed, DeadlinePassed

# With --rm the container is removed a moment after docker stop has returned.
_PROOF_SECONDS = 10.0
_PROOF_PAUSE = 0.05


def run_docker(task: Task, action: RunDocker) -> Container | None:
    """The container as proven, None when it is gone as it should be."""
    before = task.found(action.expect.container)
    if holds(action.expect, before):
        return before
    if action.guard is not None:
        match guarded(action.guard, task.found(action.guard.name)):
            case Leave.NOTHING_OF_OURS:
                return None
            case Leave.CHANGED:
                raise NotProven(changed(action.guard.name))
            case Leave.RUN:
                pass
    told = _run(task, action)
    return _prove(task, action, told)


def _run(task: Task, action: RunDocker) -> Finished | None:
    """Run a command that changes something; never broken off, since the daemon goes on anyway."""
    given = _environment(task, action)
    try:
        return task.remote.run(list(action.argv), stdin=given, deadline=action.deadline)
    except (DeadlinePassed, CommandFailed):
        return None


def _environment(task: Task, action: RunDocker) -> bytes:
    """The secret variables as ``--env-file`` reads them, a line each."""
    lines = []
    for variable, name in action.secrets:
        value = task.secret(name)
        if value is None:
            raise NotProven(unstored(name))
        lines.append(f"{variable}={value.reveal()}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def _prove(task: Task, action: RunDocker, told: Finished | None) -> Container | None:
    """Read until the host is as claimed; what the command said matters only when it is not."""
    until = time.monotonic() + _PROOF_SECONDS
    while True:
        found = task.found(action.expect.container)
        if holds(action.expect, found) or started_and_over(action.expect, found):
            return found
        refused = told is not None and told.exit_code != 0
        if refused or time.monotonic() > until:
            break
        time.sleep(_PROOF_PAUSE)  # not cut short by cancel: what was begun is waited for
    _sweep_unstarted(task.remote, action.expect, found)
    said = told.stderr.decode("utf-8", "replace") if told is not None else ""
    problem = diagnose_docker(said)
    # The lock may have been there for a moment only: then Docker alone tells of it.
    if isinstance(action.expect, LockHeld) and problem is not None and problem.code == "name-taken":
        problem = locked_by(found)
    raise NotProven(problem or not_achieved(action.argv, said))


def _sweep_unstarted(remote: Remote, expect: Expectation, found: Container | None) -> None:
    """Remove a container that ``docker run`` made and could not start: it never was anything."""
    if found is not None and made_and_never_started(expect, found):
        remote.run(["docker", "rm", found.id], deadline=30.0)


def record(task: Task, action: RecordContainer) -> None:
    """Keep a container's whole description on this computer's disk."""
    inspect = task.remote.docker.inspect(action.container)
    if inspect is None:
        raise NotProven(changed(action.container[:12]))
    task.records.record(task.effect.operation, task.host.name, action.container, inspect)


def recreate(task: Task, action: RecreateContainer) -> Container | None:
    """Make a container anew from its kept description and start it; the container as proven."""
    found = task.found(action.name)
    if found is None:
        by = action.recorded_by or task.effect.operation
        inspect = task.records.recorded(by, action.container)
        body = recreation(inspect) if inspect is not None else None
        if body is None:
            raise NotProven(not_achieved(("docker", "create", action.name), "no description is kept"))
        task.remote.docker.create_container(action.name, body)
    return run_docker(task, RunDocker(("docker", "start", action.name), Running(action.name)))
