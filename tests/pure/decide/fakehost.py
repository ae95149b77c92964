"""A host in memory that carries out effects: what Docker, the engines and the executor would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from sparktray.decide.effects import (
    Connect,
    Effect,
    Perform,
    Probe,
    ReadContainer,
    ReadContainers,
    ReadLogTail,
    TakeSurvey,
)
from sparktray.domain.action import CheckAgain, LoadOllama, RecreateContainer, RunDocker, UnloadOllama
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.answers import DockerEvent
from sparktray.domain.docker.container import LABEL_SERVER, Container, ContainerState, Mount, PublishedPort
from sparktray.domain.docker.proofs import Leave, guarded, holds, started_and_over
from sparktray.domain.events import (
    ContainerRead,
    ContainersRead,
    DockerHappened,
    Event,
    LinkUp,
    LogTailRead,
    Probed,
    StepDone,
    StepFailed,
    Surveyed,
)
from sparktray.domain.facts.survey import Survey
from sparktray.domain.operation import SwitchWish
from sparktray.engines.registry import ENGINES
from tests.pure.decide.building import CATALOGUE, NOW, folder, happened, identity, problem, ready, survey

LIVES = {ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.RESTARTING}
_WITH_VALUE = {"--name", "--gpus", "-p", "-v", "--label", "-e", "--env-file"}


@dataclass
class FakeHost:
    """Containers by id, what Ollama holds, and how the next model behaves.

    ``load_seconds`` from a container's start to its readiness; ``dies`` is the exit code with which
    a container started by ``docker run`` ends at half that time, ``says`` its last lines.
    ``requests`` is what every server is answering.
    """

    containers: dict[str, Container] = field(default_factory=dict)
    loaded: list[str] = field(default_factory=list)
    installed: tuple[str, ...] = ("qwen3:32b", "qwen3-coder:30b", "bge-m3:latest")
    load_seconds: float = 4.0
    dies: int | None = None
    says: tuple[str, ...] = ()
    requests: int = 0
    now: float = NOW
    told: list[DockerEvent] = field(default_factory=list)
    removed: dict[str, Container] = field(default_factory=dict)
    performed: list[Perform] = field(default_factory=list)
    change_survey: Callable[[Survey], Survey] = lambda told: told
    made: int = 0

    def named(self, name: str) -> Container | None:
        """The container with that name or id."""
        return next((c for c in self.containers.values() if name in {c.name, c.id}), None)

    def pass_time(self, now: float) -> None:
        """Containers that shall die do so at their time."""
        self.now = now
        for container in list(self.containers.values()):
            doomed = self.dies is not None and LABEL_SERVER in container.labels
            started = container.started_at or now
            if doomed and container.state in LIVES and now >= started + self.load_seconds / 2:
                self._end(container, self.dies or 0)

    def carry_out(self, effect: Effect) -> list[Event]:
        """What comes back for an effect; nothing for those that expect no answer."""
        match effect:
            case Connect():
                return [LinkUp(effect.epoch)]
            case ReadContainers():
                return [ContainersRead(effect.epoch, effect.asked, tuple(self.containers.values()))]
            case ReadContainer():
                found = self.containers.get(effect.id)
                return [ContainerRead(effect.epoch, effect.asked, effect.id, found)]
            case Probe():
                reading = self._reading(effect)
                return [Probed(effect.epoch, effect.server.name, effect.container, reading)]
            case ReadLogTail():
                return [LogTailRead(effect.epoch, effect.server, effect.container, self.says)]
            case TakeSurvey():
                return [Surveyed(effect.number, self.survey(effect), 12.0)]
            case Perform():
                return self.perform(effect)
            case _:
                return []

    def survey(self, effect: TakeSurvey | Perform) -> Survey:
        """The facts for a plan."""
        wish = effect.wish
        model = CATALOGUE.model(wish.model) if isinstance(wish, SwitchWish) else None
        return self.change_survey(survey(None, folder=folder(model) if model else None, host_time=self.now))

    def perform(self, effect: Perform) -> list[Event]:
        """Do a step and prove it, as the executor does."""
        self.performed.append(effect)
        number, index, action = effect.number, effect.index, effect.action
        match action:
            case RunDocker():
                return self._run_docker(effect, action)
            case CheckAgain():
                seen = tuple(self.containers.values())
                return [StepDone(number, index, None, self.survey(effect), seen, effect.asked)]
            case RecreateContainer():
                if self.named(action.name) is None:
                    self._add(replace(self.removed[action.container], id=self._fresh()), start=False)
                self._start(action.name)
                return [StepDone(number, index, self.named(action.name))]
            case LoadOllama():
                if action.name not in self.loaded:
                    self.loaded.append(action.name)
            case UnloadOllama():
                self.loaded = [name for name in self.loaded if name != action.name]
            case _:
                pass
        return [StepDone(number, index)]

    def _run_docker(self, effect: Perform, action: RunDocker) -> list[Event]:
        number, index = effect.number, effect.index
        before = self.named(action.expect.container)
        if holds(action.expect, before):
            return [StepDone(number, index, before)]
        if action.guard is not None:
            match guarded(action.guard, self.named(action.guard.name)):
                case Leave.NOTHING_OF_OURS:
                    return [StepDone(number, index)]
                case Leave.CHANGED:
                    return [StepFailed(number, index, problem("host-changed"))]
                case Leave.RUN:
                    pass
        self.docker(action.argv[1:])
        found = self.named(action.expect.container)
        if holds(action.expect, found) or started_and_over(action.expect, found):
            return [StepDone(number, index, found)]
        return [StepFailed(number, index, problem("not-achieved"))]

    def docker(self, argv: tuple[str, ...]) -> None:
        """The docker commands of plans, with what each does to a real Docker."""
        match argv:
            case ("create" | "run", *words):
                self._create(tuple(words), start=argv[0] == "run")
            case ("stop", "-t", _, name):
                self._stop(name)
            case ("start", name):
                self._start(name)
            case ("rename", name, to):
                self._rename(name, to)
            case ("rm", "-f", name) | ("rm", name):
                self._remove(name, forced="-f" in argv)
            case ("update", policy, name):
                found = self.named(name)
                if found is not None:
                    self._put(replace(found, restart_policy=policy.removeprefix("--restart=")))
            case _:
                raise AssertionError(argv)

    def _create(self, words: tuple[str, ...], *, start: bool) -> None:
        values: dict[str, list[str]] = {flag: [] for flag in _WITH_VALUE}
        index = 0
        while words[index].startswith("-"):
            if words[index] in values:
                values[words[index]].append(words[index + 1])
                index += 1
            index += 1
        name = values["--name"][0]
        if self.named(name) is not None:
            return  # the name is taken: the daemon refuses
        labels = dict(word.split("=", 1) for word in values["--label"])
        ports = tuple(
            PublishedPort(int(word.split(":")[0]), int(word.split(":")[1])) for word in values["-p"]
        )
        mounts = tuple(Mount(*word.split(":")) for word in values["-v"])
        fresh = Container(
            id=self._fresh(),
            name=name,
            image=words[index],
            state=ContainerState.CREATED,
            argv=words[index + 1 :],
            labels=labels,
            ports=ports,
            mounts=mounts,
            network="bridge",
            inspected=True,
        )
        self._add(fresh, start=start)

    def _fresh(self) -> str:
        self.made += 1
        return identity(f"new{self.made}")

    def _add(self, container: Container, *, start: bool) -> Container:
        self.containers[container.id] = container
        self.told.append(happened("create", container, at=self.now))
        if start:
            self._start(container.id)
        return self.containers[container.id]

    def _start(self, name: str) -> None:
        found = self.named(name)
        if found is None or found.state in LIVES:
            return
        held = {p.port for c in self.containers.values() if c.state in LIVES for p in c.ports}
        if held & {p.port for p in found.ports}:
            self._put(replace(found, error="port is already allocated", exit_code=128))
            return
        running = replace(found, state=ContainerState.RUNNING, started_at=self.now, exit_code=None)
        self._put(replace(running, finished_at=None, error=""))
        self.told.append(happened("start", found, at=self.now))

    def _stop(self, name: str) -> None:
        found = self.named(name)
        if found is not None and found.state in LIVES:
            self._end(found, 0)

    def _end(self, container: Container, code: int) -> None:
        over = replace(container, state=ContainerState.EXITED, exit_code=code, finished_at=self.now)
        self._put(over)
        self.told.append(happened("die", over, at=self.now, exit_code=code))
        if container.auto_remove:
            self._remove(container.id, forced=True)

    def _remove(self, name: str, *, forced: bool) -> None:
        found = self.named(name)
        if found is None or (found.state in LIVES and not forced):
            return
        if found.state in LIVES:
            self._end(found, 137)
        if self.containers.pop(found.id, None) is not None:
            self.removed[found.id] = found
            self.told.append(happened("destroy", found, at=self.now))

    def _rename(self, name: str, to: str) -> None:
        found = self.named(name)
        if found is not None and self.named(to) is None:
            self._put(replace(found, name=to))
            self.told.append(happened("rename", replace(found, name=to), at=self.now))

    def _put(self, container: Container) -> None:
        self.containers[container.id] = container

    def _reading(self, effect: Probe) -> Reading:
        known = ENGINES[effect.server.engine]
        holders = [c for c in self.containers.values() if c.state in LIVES and known.recognises(c)]
        found = next((c for c in holders if effect.server.port in {p.port for p in c.ports}), None)
        if found is None or found.started_at is None:
            return Reading(Health.REFUSED)
        if known.loads_by_api:
            return ready(*self.loaded, installed=self.installed)
        if self.now < found.started_at + self.load_seconds:
            return Reading(Health.REFUSED)
        return ready(known.declared_name(found) or "/model", running=self.requests)

    def events(self, epoch: int) -> list[Event]:
        """What Docker told since the last time."""
        told, self.told = self.told, []
        return [DockerHappened(epoch, event) for event in told]
