"""The steps of which plans are made: each with its command, its proof and its undo."""

from __future__ import annotations

from collections.abc import Sequence

from sparktray.domain.action import (
    AwaitIdle,
    AwaitRelease,
    AwaitServing,
    CheckAgain,
    FetchOllama,
    Gone,
    Guard,
    LoadOllama,
    Named,
    ProveServing,
    PullImage,
    RecordContainer,
    RecreateContainer,
    Restarts,
    RunDocker,
    Running,
    Stopped,
    UnloadOllama,
)
from sparktray.domain.catalogue import Model, Server
from sparktray.domain.docker.container import (
    PREVIOUS,
    Container,
)
from sparktray.domain.operation import HARMLESS, Step, StepName, StepRun
from sparktray.domain.phrase import phrase
from sparktray.engines.commands import shown
from sparktray.engines.registry import engine_key

# SGLang drains its requests on SIGTERM; Docker's own 10 s would cut answers off.
STOP_GRACE = 30
# docker stop returns within its grace and then some; a thrashing Spark takes longer to answer.
STOP_DEADLINE = STOP_GRACE + 30.0
# Twice the longest load; an old model that is not back by then needs a person.
BACK_SECONDS = 1800.0


def docker(*words: str) -> tuple[str, ...]:
    """A docker command line."""
    return ("docker", *words)


def pull(image: str) -> Step:
    """Fetch the image before anything is stopped."""
    title = phrase("Fetch the image {image}", image=image)
    done = phrase("The host has the image.")
    return Step(StepName.PULL, title, PullImage(image), docker("pull", image), done)


def check_again() -> Step:
    """Look at the host once more, now that nobody else changes it."""
    return Step(
        StepName.CHECK,
        phrase("Look at the host again under the lock"),
        CheckAgain(),
        proof=phrase("The plan is still the right one."),
    )


def idle(server: Server, *, patient: bool) -> Step:
    """Look whether the server is answering requests; wait for their end, or refuse."""
    title = (
        phrase("Wait until {server} is idle", server=server.name)
        if patient
        else phrase("Look whether {server} is answering requests", server=server.name)
    )
    proof = phrase("No request runs or waits.")
    return Step(StepName.IDLE, title, AwaitIdle(server.name, patient), proof=proof)


def record(container: Container) -> Step:
    """Keep the old container's whole description, so that it can come back."""
    return Step(
        StepName.RECORD,
        phrase("Write down how {container} was started", container=container.name),
        RecordContainer(container.id),
        proof=phrase("The journal holds its description."),
    )


def hold_restart(container: Container) -> Step:
    """Keep Docker from starting the old container again by itself."""
    return _restart_policy(container, "no", _restart_policy(container, container.restart_policy, None))


def _restart_policy(container: Container, policy: str, undo: Step | None) -> Step:
    argv = docker("update", f"--restart={policy}", container.name)
    return Step(
        StepName.RESTART_POLICY,
        phrase("Set the restart policy of {container} to {policy}", container=container.name, policy=policy),
        RunDocker(argv, Restarts(container.id, policy), Guard(container.name, container.id)),
        argv,
        phrase("Docker reports that policy."),
        undo,
    )


def stop(container: Container, undo: Step | None) -> Step:
    """Ask the container to end, with a grace in which it can finish its answers."""
    argv = docker("stop", "-t", str(STOP_GRACE), container.name)
    guard = Guard(container.name, container.id)
    return Step(
        StepName.STOP,
        phrase("Stop {container}", container=container.name),
        RunDocker(argv, Stopped(container.id), guard, STOP_DEADLINE),
        argv,
        phrase("It does not run any more."),
        undo,
    )


def start_again(container: Container, server: Server, recorded_by: str | None = None) -> Step:
    """Bring a stopped container back as it was; ``server`` then serves again.

    ``recorded_by`` is the operation that wrote its description down, None for the one under way.
    """
    if container.auto_remove:
        return Step(
            StepName.START,
            phrase("Create {container} again as it was", container=container.name),
            RecreateContainer(container.id, container.name, recorded_by),
            proof=phrase("It runs."),
            revives=server.name,
        )
    argv = docker("start", container.name)
    return Step(
        StepName.START,
        phrase("Start {container} again", container=container.name),
        RunDocker(argv, Running(container.id), Guard(container.name, container.id)),
        argv,
        phrase("It runs."),
        revives=server.name,
    )


def take_away(server: Server, operation: str) -> Step:
    """Remove what that operation of ours started."""
    argv = docker("rm", "-f", server.container)
    guard = Guard(server.container, operation=operation)
    return Step(
        StepName.STOP,
        phrase("Remove the new container {container}", container=server.container),
        RunDocker(argv, Gone(server.container), guard, STOP_DEADLINE),
        argv,
        phrase("It is gone."),
    )


def rename_back(container: Container, name: str) -> Step:
    """Give a container that was put aside its name again."""
    return _rename(container.id, container.name, name, None)


def restart_again(container: Container, policy: str) -> Step:
    """Give a container its restart policy again."""
    return _restart_policy(container, policy, None)


def put_aside(container: Container, *, may_be_gone: bool = False) -> Step:
    """Rename the old container, so that its name is free and it can come back."""
    aside = container.name + PREVIOUS
    back = _rename(container.id, aside, container.name, None, may_be_gone=may_be_gone)
    return _rename(container.id, container.name, aside, back, may_be_gone=may_be_gone)


def _rename(identity: str, name: str, to: str, undo: Step | None, *, may_be_gone: bool = False) -> Step:
    argv = docker("rename", name, to)
    return Step(
        StepName.RENAME,
        phrase("Rename {container} to {name}", container=name, name=to),
        RunDocker(argv, Named(identity, to), Guard(name, identity, may_be_gone=may_be_gone)),
        argv,
        phrase("Docker reports the new name."),
        undo,
    )


def release(server: Server, needs: int | None, *, name: bool = True) -> Step:
    """Wait until what was stopped has given everything back; not its ``name`` where it keeps that."""
    return Step(
        StepName.RELEASE,
        phrase("Wait until name, port and memory are free"),
        AwaitRelease(server.container if name else None, server.port, needs),
        proof=phrase("Name and port are free, memory is back."),
    )


def start(
    server: Server,
    operation: str,
    argv: tuple[str, ...],
    *,
    makes_room: bool,
    secrets: tuple[tuple[str, str], ...] = (),
) -> Step:
    """Start the new container; undone it is removed when an old one needs its name, else stopped."""
    guard = Guard(server.container, operation=operation)
    if makes_room:
        taken_back = docker("rm", "-f", server.container)
        undo = RunDocker(taken_back, Gone(server.container), guard, STOP_DEADLINE)
        title = phrase("Remove the new container {container}", container=server.container)
    else:
        taken_back = docker("stop", "-t", "10", server.container)
        undo = RunDocker(taken_back, Stopped(server.container), guard, STOP_DEADLINE)
        title = phrase("Stop the new container {container}", container=server.container)
    return Step(
        StepName.START,
        phrase("Start {container}", container=server.container),
        RunDocker(argv, Running(server.container, operation), secrets=secrets),
        shown(argv),
        phrase("It runs."),
        Step(StepName.STOP, title, undo, taken_back),
    )


def load(server: Server, model: Model, timeout: float | None) -> Step:
    """Watch the model load until the server itself says that it serves it."""
    name = model.name_on(server)
    return Step(
        StepName.LOAD,
        phrase("Load {model}", model=model.id),
        AwaitServing(server.name, name, timeout),
        proof=phrase("The server is healthy and lists {name}.", name=name),
    )


def serve_again(server: str) -> Step:
    """Watch the old container come back."""
    return Step(
        StepName.LOAD,
        phrase("Wait until {server} serves again", server=server),
        AwaitServing(server, None, BACK_SECONDS),
        proof=phrase("The server is healthy."),
    )


def prove(server: Server, model: Model) -> Step:
    """Ask the model for one token or one embedding."""
    return Step(
        StepName.PROVE,
        phrase("Ask {model} for a first answer", model=model.id),
        ProveServing(server.name, model.name_on(server), model.kind, engine_key(model, server.engine)),
        proof=phrase("It answers."),
    )


def commit(container: Container) -> Step:
    """Remove the container that was put aside; its description stays in the journal for 7 days."""
    aside = container.name + PREVIOUS
    argv = docker("rm", aside)
    return Step(
        StepName.COMMIT,
        phrase("Remove {container}", container=aside),
        RunDocker(argv, Gone(container.id), Guard(aside, container.id)),
        argv,
        phrase("It is gone."),
    )


def sweep(container: Container) -> Step:
    """Remove what an earlier operation of ours put aside and could not remove."""
    argv = docker("rm", container.name)
    return Step(
        StepName.SWEEP,
        phrase("Remove {container}", container=container.name),
        RunDocker(argv, Gone(container.id), Guard(container.name, container.id)),
        argv,
        phrase("It is gone."),
    )


def fetch_ollama(server: Server, name: str, container: str | None) -> Step:
    """Have Ollama fetch a model before any other is given up; what it has already it does not fetch again."""
    by_hand = ("ollama", "pull", name)
    return Step(
        StepName.PULL,
        phrase("Have Ollama fetch {model}", model=name),
        FetchOllama(server.name, name),
        by_hand if container is None else docker("exec", container, *by_hand),
        phrase("Ollama lists it as installed."),
    )


def load_ollama(server: Server, name: str) -> Step:
    """Have Ollama load a model."""
    return Step(
        StepName.START,
        phrase("Have Ollama load {model}", model=name),
        LoadOllama(server.name, name),
        proof=phrase("Ollama reports it as loaded."),
        undo=_unload(server, name, None),
    )


def unload_ollama(server: Server, name: str, *, undoable: bool) -> Step:
    """Have Ollama give up a model."""
    return _unload(server, name, load_ollama(server, name) if undoable else None)


def _unload(server: Server, name: str, undo: Step | None) -> Step:
    return Step(
        StepName.UNLOAD,
        phrase("Have Ollama give up {model}", model=name),
        UnloadOllama(server.name, name),
        proof=phrase("Ollama does not report it any more."),
        undo=undo,
    )


def way_back(runs: Sequence[StepRun], server: Server | None) -> tuple[StepRun, ...]:
    """What takes back the steps that were begun, the last one first; the lock is given back last.

    A step that failed is taken back too: it may have done its work all the same.
    """
    begun = [run.step for run in runs if run.begun and run.step.undo is not None]
    undone = [step.undo for step in reversed(begun) if step.undo is not None]
    unlocks = [step for step in undone if step.name is StepName.UNLOCK]
    changes = [step for step in undone if step.name is not StepName.UNLOCK]
    if any(step.name is StepName.RESTORE for step in changes):
        # What was needed once may be needed again: the copy stays for as long as any.
        changes = [step for step in changes if step.name is not StepName.SWEEP]
    revived = dict.fromkeys(step.revives for step in changes if step.revives is not None)
    if revived:
        changes += [serve_again(name) for name in revived]
        if server is not None and any(step.name is StepName.START for step in begun):
            # What was just removed may still hold memory; starting into that ends in exit 137.
            changes.insert(1, release(server, None, name=_removes(changes[0])))
    return tuple(StepRun(step, back=True) for step in (*changes, *unlocks))


def _removes(step: Step) -> bool:
    """True for a step after which the container's name is free."""
    return isinstance(step.action, RunDocker) and isinstance(step.action.expect, Gone)


def pending(steps: Sequence[Step]) -> tuple[StepRun, ...]:
    """The runs of a fresh plan."""
    return tuple(StepRun(step) for step in steps)


def changes_nothing(runs: Sequence[StepRun]) -> bool:
    """True while no step was begun that changes more than the lock."""
    return all(not r.begun or r.step.name in HARMLESS for r in runs)
