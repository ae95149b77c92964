"""Models that scripts of the person's own start and stop: which one serves, and the steps that run them.

The scripts' containers are adopted like anybody's: by the port they hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from sparktray.decide.changing import steps
from sparktray.decide.identity import declared_name, scripted_model
from sparktray.domain.action import RunScript
from sparktray.domain.catalogue import Model, Server
from sparktray.domain.docker.container import Container
from sparktray.domain.operation import Step, StepName, StepRun
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import ServerState, Snapshot


def scripted_on(snapshot: Snapshot, state: ServerState) -> Model | None:
    """The entry with scripts that a server serves or loads now, by its name; None for one of ours."""
    if state.container is None or not state.container.running:
        return None
    served = state.served[0].id if state.served else None
    return scripted_model(snapshot.catalogue, state, served or declared_name(state))


def start(server: Server, model: Model) -> Step:
    """Run the start script; taken back by the stop script."""
    return _started(server, model, undo=_stopped(server, model, undo=None))


def stop(server: Server, model: Model, *, undoable: bool) -> Step:
    """Run the stop script; taken back by the start script, after which the model is waited for."""
    return _stopped(server, model, undo=_started(server, model, undo=None) if undoable else None)


def _started(server: Server, model: Model, undo: Step | None) -> Step:
    argv = model.start or ()
    return Step(
        StepName.START,
        phrase("Run the start script of {model}", model=model.id),
        RunScript(server.port, argv, starts=True),
        argv,
        phrase("A container holds port {port}.", port=server.port),
        undo,
        None if undo is not None else server.name,
    )


def _stopped(server: Server, model: Model, undo: Step | None) -> Step:
    argv = model.stop or ()
    return Step(
        StepName.STOP,
        phrase("Run the stop script of {model}", model=model.id),
        RunScript(server.port, argv, starts=False),
        argv,
        phrase("No container holds port {port} any more.", port=server.port),
        undo,
    )


def retire(container: Container, server: Server, model: Model) -> list[Step]:
    """Journal what a script had started, have its own script stop it, and put aside what that leaves.

    Most scripts remove the container; then there is nothing to put aside.
    """
    ended = [steps.record(container), stop(server, model, undoable=True)]
    stays = not (container.auto_remove or container.of_compose)
    return [*ended, steps.put_aside(container, may_be_gone=True)] if stays else ended


def runs_script(runs: Sequence[StepRun]) -> bool:
    """True when it is a script that starts the model of this operation."""
    return any(isinstance(r.step.action, RunScript) and r.step.action.starts and not r.back for r in runs)
