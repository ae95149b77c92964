"""Performs the steps of operations: runs the command, then proves by reading what it achieved."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import assert_never

from msgspec.structs import replace

from sparktray.control import reading
from sparktray.control.performing import containers, images, leftover, open_webui, scripts, serving
from sparktray.control.performing.records import Records
from sparktray.control.performing.surveying import Surveyor
from sparktray.control.performing.task import NamedSecret, NotProven, Task
from sparktray.control.problems import internal, problem_of
from sparktray.decide.effects import Perform, RememberLoad, TakeSurvey
from sparktray.domain.action import (
    AwaitIdle,
    AwaitRelease,
    AwaitServing,
    AwaitWebUi,
    CheckAgain,
    DeleteMine,
    FetchOllama,
    LoadOllama,
    MakeVolume,
    ProveServing,
    PullImage,
    RecordContainer,
    RecreateContainer,
    RemoveVolume,
    RunDocker,
    RunInside,
    RunScript,
    UnloadOllama,
)
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.docker.container import Container
from sparktray.domain.events import Event, StepDone, StepFailed, StepSaid, Surveyed
from sparktray.domain.facts.survey import Survey
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
    Operation,
    RestoreWish,
    SwitchWish,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import Phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Needs
from sparktray.remote.contract import Remote
from sparktray.remote.errors import LinkLost, RemoteError
from sparktray.remote.link import Cancel
from sparktray.store.paths import StoreError
from sparktray.store.secrets_errors import KeyringUnavailable
from sparktray.webui.household import household

Post = Callable[[Event], None]
_log = logging.getLogger(__name__)


class Changes:
    """Performs steps one after the other, on the operation lane; ``interrupt`` from any thread."""

    def __init__(
        self, host: HostProfile, catalogue: Catalogue, records: Records, secret: NamedSecret
    ) -> None:
        self._host = host
        self._catalogue = catalogue
        self._records = records
        self._secret = secret
        self._surveyor = Surveyor(host, catalogue, secret)
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
        if isinstance(wish, WipeWish | RestoreWish | ForgetWish):
            return self._surveyor.of_open_webui(remote, wish, self._records.interrupted(host))
        if isinstance(wish, BackWish):
            leftover.await_stop(remote, leftover.interrupted(self._records, host))
        survey = self._surveyor.take(
            remote, wish, self._records.put_aside(host), self._records.interrupted(host)
        )
        if not isinstance(wish, BackWish):
            return survey
        broken = leftover.broken_off(self._records, host, wish.operation)
        about = broken is not None and broken.of_open_webui
        house = household(remote, self._catalogue.open_webui) if about else None
        return replace(survey, broken=broken, household=house)

    def needs(self, remote: Remote) -> Needs:
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
            return self._do(self._task(remote, effect, post, cancel))
        except NotProven as failed:
            return StepFailed(number, index, failed.problem)
        except LinkLost as error:
            return StepFailed(number, index, problem_of(error, self._host), lost=True)
        except RemoteError as error:
            return StepFailed(number, index, problem_of(error, self._host))
        except (StoreError, KeyringUnavailable) as error:
            return StepFailed(number, index, error.problem)
        except Exception as error:
            _log.exception("step %d failed", index)
            return StepFailed(number, index, internal(error))
        finally:
            with self._lock:
                self._cancel = None

    def _task(self, remote: Remote, effect: Perform, post: Post, cancel: Cancel) -> Task:
        def say(line: str) -> None:
            post(StepSaid(effect.number, effect.index, line))

        def came(line: str, done: int, total: int) -> None:
            post(StepSaid(effect.number, effect.index, line, (done, total)))

        return Task(
            remote, self._host, self._catalogue, self._records, effect, say, came, cancel, self._secret
        )

    def _do(self, task: Task) -> Event:
        action = task.effect.action
        found: Container | None = None
        result: Phrase | None = None
        match action:
            case RunDocker():
                found = containers.run_docker(task, action)
            case RunScript():
                scripts.run_script(task, action)
            case PullImage():
                images.pull(task, action)
            case CheckAgain():
                return self._check_again(task)
            case RecordContainer():
                containers.record(task, action)
            case RecreateContainer():
                found = containers.recreate(task, action)
            case ProveServing():
                serving.prove(task, action)
            case FetchOllama():
                serving.fetch(task, action)
            case LoadOllama():
                serving.load(task, action)
            case UnloadOllama():
                serving.unload(task, action)
            case MakeVolume():
                open_webui.make_volume(task, action)
            case RemoveVolume():
                open_webui.remove_volume(task, action)
            case RunInside():
                result = open_webui.run_program(task, action)
            case AwaitWebUi():
                open_webui.await_healthy(task, action)
            case DeleteMine():
                result = open_webui.delete_mine(task, action)
            case AwaitIdle() | AwaitRelease() | AwaitServing():
                pass  # judged by the reducer from the snapshot, never performed
            case _:  # pragma: no cover
                assert_never(action)
        return StepDone(task.effect.number, task.effect.index, found, result=result)

    def _check_again(self, task: Task) -> Event:
        survey = self._surveyed(task.remote, task.effect.wish)
        read = reading.containers_of(task.remote, self._catalogue)
        effect = task.effect
        return StepDone(effect.number, effect.index, None, survey, read, effect.asked)
