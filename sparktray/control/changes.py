"""Performs the steps of operations: runs the command, then proves by reading what it achieved."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from sparktray.control import leftover, reading
from sparktray.control.problems import changed, internal, no_image, not_achieved, problem_of
from sparktray.control.records import Records
from sparktray.control.surveying import Surveyor
from sparktray.decide.changing.preflight import locked_by, ollama_refusal
from sparktray.decide.effects import Perform, RememberLoad, TakeSurvey
from sparktray.domain.action import (
    AwaitIdle,
    AwaitRelease,
    AwaitServing,
    CheckAgain,
    Expectation,
    LoadOllama,
    LockHeld,
    ProveServing,
    PullImage,
    RecordContainer,
    RecreateContainer,
    RunDocker,
    Running,
    UnloadOllama,
)
from sparktray.domain.asking import Health, Proof
from sparktray.domain.catalogue import Catalogue, EngineKind
from sparktray.domain.docker.answers import inspected
from sparktray.domain.docker.container import Container
from sparktray.domain.docker.proofs import Leave, guarded, holds, made_and_never_started, started_and_over
from sparktray.domain.docker.recreation import recreation
from sparktray.domain.events import Event, StepDone, StepFailed, StepSaid, Surveyed
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import BackWish, Operation, SwitchWish, Wish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.survey import Survey
from sparktray.domain.text import clean_line, split_log
from sparktray.engines import ollama
from sparktray.engines.docker_failures import diagnose_docker
from sparktray.engines.protocol import Depth
from sparktray.engines.registry import engine
from sparktray.remote.contract import Finished, Http, Remote
from sparktray.remote.errors import Cancelled, CommandFailed, DeadlinePassed, LinkLost, RemoteError
from sparktray.remote.link import Cancel
from sparktray.store.paths import StoreError

Post = Callable[[Event], None]
_log = logging.getLogger(__name__)

# With --rm the container is removed a moment after docker stop has returned.
_PROOF_SECONDS = 10.0
_PROOF_PAUSE = 0.05
# Ollama waits for requests under way before it gives a model up.
_UNLOAD_SECONDS = 60.0
_UNLOAD_PAUSE = 0.2
# Ollama listens within a second of its start; a host short of memory is slower.
_OLLAMA_UP_SECONDS = 30.0
# An image of 20 GB over 50 Mbit/s.
_PULL_DEADLINE = 3 * 3600.0


class NotProven(Exception):
    """A step was tried and the host is not as it claims."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.code)


@dataclass(frozen=True, slots=True)
class _Task:
    """One step being performed."""

    remote: Remote
    effect: Perform
    say: Callable[[str], None]
    cancel: Cancel


class Changes:
    """Performs steps one after the other, on the operation lane; ``interrupt`` from any thread."""

    def __init__(self, host: HostProfile, catalogue: Catalogue, records: Records) -> None:
        self._host = host
        self._catalogue = catalogue
        self._records = records
        self._surveyor = Surveyor(host, catalogue)
        self._cancel: Cancel | None = None
        self._performing = self._interrupted = (0, 0)
        self._unwritten: Problem | None = None
        self._lock = threading.Lock()

    def interrupt(self, number: int, index: int) -> None:
        """Break off that step, where that is harmless; one that has not begun yet is broken off then."""
        with self._lock:
            self._interrupted = (number, index)
            if self._cancel is not None and self._performing == (number, index):
                self._cancel.set()

    def give_up(self) -> None:
        """The program ends: break off whatever can be."""
        with self._lock:
            if self._cancel is not None:
                self._cancel.set()

    def journal(self, operation: Operation) -> None:
        """Write how an operation stands. Where nothing can be written, nothing will be changed either."""
        try:
            self._records.write(operation, self._host.name)
        except StoreError as error:
            self._unwritten = error.problem
        else:
            self._unwritten = None

    def remember(self, effect: RememberLoad) -> None:
        """Keep how long a load took."""
        self._records.remember(self._host.name, effect.server, effect.model, effect.seconds)

    def survey(self, remote: Remote | None, effect: TakeSurvey) -> Event:
        """Read the facts for a plan."""
        usual = None
        if isinstance(effect.wish, SwitchWish):
            model = self._catalogue.model(effect.wish.model)
            if model is not None:
                usual = self._records.usual(self._host.name, effect.wish.on or model.servers[0], model.id)
        try:
            if remote is None:
                raise LinkLost(reason="not connected")
            survey = self._surveyed(remote, effect.wish)
        except RemoteError as error:
            return Surveyed(effect.number, problem_of(error, self._host), usual)
        except Exception as error:
            _log.exception("the survey failed")
            return Surveyed(effect.number, internal(error), usual)
        return Surveyed(effect.number, survey, usual)

    def _surveyed(self, remote: Remote, wish: Wish) -> Survey:
        host = self._host.name
        survey = self._surveyor.take(
            remote, wish, self._records.put_aside(host), self._records.interrupted(host)
        )
        if not isinstance(wish, BackWish):
            return survey
        return replace(survey, broken=leftover.broken_off(self._records, host, wish.operation))

    def needs(self, remote: Remote) -> tuple[tuple[str, str, int], ...]:
        """What each model would take on each of its servers; for a list that tells what fits."""
        return self._surveyor.needs(remote)

    def interrupted(self) -> Operation | None:
        """What an earlier program left in the middle; None when the journal cannot be read, too."""
        try:
            return leftover.interrupted(self._records, self._host.name)
        except StoreError as error:
            _log.warning("the journal cannot be read: %s", error.problem.code)
            return None

    def perform(self, remote: Remote | None, effect: Perform, post: Post) -> Event:
        """Do one step; exactly one result, whatever happens."""
        number, index = effect.number, effect.index
        cancel = Cancel()
        with self._lock:
            self._cancel, self._performing = cancel, (number, index)
            if self._interrupted == (number, index):
                cancel.set()
        try:
            if remote is None:
                raise LinkLost(reason="not connected")
            if index == 0 and self._unwritten is not None:
                raise NotProven(self._unwritten)
            return self._do(_Task(remote, effect, lambda line: post(StepSaid(number, index, line)), cancel))
        except NotProven as failed:
            return StepFailed(number, index, failed.problem)
        except LinkLost as error:
            return StepFailed(number, index, problem_of(error, self._host), lost=True)
        except RemoteError as error:
            return StepFailed(number, index, problem_of(error, self._host))
        except StoreError as error:
            return StepFailed(number, index, error.problem)
        except Exception as error:
            _log.exception("step %d failed", index)
            return StepFailed(number, index, internal(error))
        finally:
            with self._lock:
                self._cancel = None

    def _do(self, task: _Task) -> Event:
        action = task.effect.action
        found: Container | None = None
        match action:
            case RunDocker():
                found = self._run_docker(task, action)
            case PullImage():
                self._pull(task, action)
            case CheckAgain():
                return self._check_again(task)
            case RecordContainer():
                self._record(task, action)
            case RecreateContainer():
                found = self._recreate(task, action)
            case ProveServing():
                self._prove(task, action)
            case LoadOllama():
                self._load(task, action)
            case UnloadOllama():
                self._unload(task, action)
            case AwaitIdle() | AwaitRelease() | AwaitServing():
                pass  # judged by the reducer from the snapshot, never performed
            case _:  # pragma: no cover
                assert_never(action)
        return StepDone(task.effect.number, task.effect.index, found)

    def _run_docker(self, task: _Task, action: RunDocker) -> Container | None:
        """The container as proven, None when it is gone as it should be."""
        remote = task.remote
        before = _found(remote, action.expect.container)
        if holds(action.expect, before):
            return before
        if action.guard is not None:
            match guarded(action.guard, _found(remote, action.guard.name)):
                case Leave.NOTHING_OF_OURS:
                    return None
                case Leave.CHANGED:
                    raise NotProven(changed(action.guard.name))
                case Leave.RUN:
                    pass
        told = _run(task, action.argv, action.deadline)
        return self._prove_docker(task, action, told)

    def _prove_docker(self, task: _Task, action: RunDocker, told: Finished | None) -> Container | None:
        """Read until the host is as claimed; what the command said matters only when it is not."""
        until = time.monotonic() + _PROOF_SECONDS
        while True:
            found = _found(task.remote, action.expect.container)
            if holds(action.expect, found) or started_and_over(action.expect, found):
                return found
            refused = told is not None and told.exit_code != 0
            if refused or time.monotonic() > until:
                break
            time.sleep(_PROOF_PAUSE)  # not cut short by cancel: what was begun is waited for
        self._sweep_unstarted(task.remote, action.expect, found)
        said = told.stderr.decode("utf-8", "replace") if told is not None else ""
        problem = diagnose_docker(said)
        # The lock may have been there for a moment only: then Docker alone tells of it.
        if isinstance(action.expect, LockHeld) and problem is not None and problem.code == "name-taken":
            problem = locked_by(found)
        raise NotProven(problem or not_achieved(action.argv, said))

    def _sweep_unstarted(self, remote: Remote, expect: Expectation, found: Container | None) -> None:
        """Remove a container that ``docker run`` made and could not start: it never was anything."""
        if found is not None and made_and_never_started(expect, found):
            remote.run(["docker", "rm", found.id], deadline=30.0)

    def _pull(self, task: _Task, action: PullImage) -> None:
        def heard(stdout: bytes, stderr: bytes) -> None:
            for line in split_log((stdout + stderr).decode("utf-8", "replace")):
                task.say(line)

        told = None
        with contextlib.suppress(DeadlinePassed, Cancelled):
            told = task.remote.run(
                ["docker", "pull", action.image], deadline=_PULL_DEADLINE, on_output=heard, cancel=task.cancel
            )
        if task.remote.docker.image(action.image) is None:
            said = told.stderr.decode("utf-8", "replace") if told is not None else ""
            raise NotProven(diagnose_docker(said) or no_image(action.image, said))

    def _check_again(self, task: _Task) -> Event:
        survey = self._surveyed(task.remote, task.effect.wish)
        containers = reading.containers_of(task.remote, self._catalogue)
        effect = task.effect
        return StepDone(effect.number, effect.index, None, survey, containers, effect.asked)

    def _record(self, task: _Task, action: RecordContainer) -> None:
        inspect = task.remote.docker.inspect(action.container)
        if inspect is None:
            raise NotProven(changed(action.container[:12]))
        self._records.record(task.effect.operation, self._host.name, action.container, inspect)

    def _recreate(self, task: _Task, action: RecreateContainer) -> Container | None:
        found = _found(task.remote, action.name)
        if found is None:
            by = action.recorded_by or task.effect.operation
            inspect = self._records.recorded(by, action.container)
            body = recreation(inspect) if inspect is not None else None
            if body is None:
                raise NotProven(not_achieved(("docker", "create", action.name), "no description is kept"))
            task.remote.docker.create_container(action.name, body)
        start = RunDocker(("docker", "start", action.name), Running(action.name))
        return self._run_docker(task, start)

    def _prove(self, task: _Task, action: ProveServing) -> None:
        server = self._catalogue.server(action.server)
        kind = server.engine if server is not None else EngineKind.SGLANG
        dialogue = engine(kind).prove(action.served_name, action.kind)
        _must(reading.converse(task.remote.http, self._port(action.server), dialogue))

    def _load(self, task: _Task, action: LoadOllama) -> None:
        """Load once Ollama is up; its container may have been started a moment ago."""
        port, http = self._port(action.server), task.remote.http
        known = engine(EngineKind.OLLAMA)
        until = time.monotonic() + _OLLAMA_UP_SECONDS
        while True:
            told = reading.converse(http, port, known.probe(Depth.HEALTH))
            if told.health is Health.READY or time.monotonic() > until or task.cancel.is_set():
                break
            task.cancel.wait(0.1)
        server = self._catalogue.server(action.server)
        lacking = ollama_refusal(action.name, told.installed or (), server) if server is not None else None
        if lacking is not None:
            raise NotProven(lacking)
        _must(reading.converse(http, port, ollama.load(action.name)))

    def _unload(self, task: _Task, action: UnloadOllama) -> None:
        """Unload and watch it go; a server that is down, or does not hold the model, is fine as it is."""
        port, http = self._port(action.server), task.remote.http
        if not _ollama_holds(http, port, action.name):
            return
        _must(reading.converse(http, port, ollama.unload(action.name)))
        until = time.monotonic() + _UNLOAD_SECONDS
        while _ollama_holds(http, port, action.name):
            if time.monotonic() > until:
                raise NotProven(
                    Problem(
                        "still-loaded",
                        phrase("Ollama still holds {model}.", model=action.name),
                        phrase("It waits for requests under way. Try again in a minute."),
                    )
                )
            time.sleep(_UNLOAD_PAUSE)

    def _port(self, server: str) -> int:
        found = self._catalogue.server(server)
        return found.port if found is not None else 0


def _ollama_holds(http: Http, port: int, name: str) -> bool:
    """Whether Ollama on that port has the model in memory."""
    told = reading.converse(http, port, engine(EngineKind.OLLAMA).probe(Depth.WATCH))
    held = {model.id for model in told.served or ()}
    return bool({name, f"{name}:latest"} & held)


def _found(remote: Remote, name: str) -> Container | None:
    return inspected(remote.docker.inspect(name))


def _run(task: _Task, argv: tuple[str, ...], deadline: float) -> Finished | None:
    """Run a command that changes something; never broken off, since the daemon goes on anyway."""
    try:
        return task.remote.run(list(argv), deadline=deadline)
    except (DeadlinePassed, CommandFailed):
        return None


def _must(proof: Proof) -> None:
    if not proof.holds:
        raise NotProven(
            Problem(
                "no-answer",
                phrase("The model does not answer: {detail}", detail=clean_line(proof.detail)),
                phrase("Look at the last lines of its log."),
                proof.detail,
            )
        )
