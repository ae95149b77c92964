"""After an operation that was broken off: the steps that bring back what ran before it."""

from __future__ import annotations

from msgspec.structs import replace

from sparktray.decide.changing import scripts, steps
from sparktray.decide.identity import container_of
from sparktray.domain.catalogue import Model, Server
from sparktray.domain.docker.container import LABEL_OPERATION, Container
from sparktray.domain.facts.survey import BrokenOff
from sparktray.domain.operation import Step
from sparktray.domain.snapshot import Snapshot


def restoring(snapshot: Snapshot, broken: BrokenOff) -> list[Step]:
    """The steps that bring back what ran before; none when it all is as it was."""
    server = snapshot.catalogue.server(broken.server or "")
    made: list[Step] = []
    scripted = _by_script(snapshot, broken, server)
    if server is not None and scripted is not None:
        made = [scripts.stop(server, scripted, undoable=False), steps.release(server, None, name=False)]
    elif server is not None and _made_by(snapshot.container_named(server.container), broken.operation):
        made = [steps.take_away(server, broken.operation), steps.release(server, None)]
    revived = [step for old in reversed(broken.containers) for step in _revive(snapshot, broken, old)]
    names = dict.fromkeys(step.revives for step in revived if step.revives is not None)
    return [*made, *revived, *(steps.serve_again(name) for name in names)]


def _by_script(snapshot: Snapshot, broken: BrokenOff, server: Server | None) -> Model | None:
    """The model whose start script was run, where what it started holds the server's place now."""
    model = snapshot.catalogue.model(broken.model or "")
    if server is None or model is None or model.start is None:
        return None
    there = container_of(server, snapshot.containers)
    new = there is not None and there.running and there.id not in {old.id for old in broken.containers}
    return model if new else None


def _made_by(container: Container | None, operation: str) -> bool:
    return container is not None and container.labels.get(LABEL_OPERATION) == operation


def _revive(snapshot: Snapshot, broken: BrokenOff, old: Container) -> list[Step]:
    """Name, restart policy and run of one container; nothing for one that somebody removed."""
    now = snapshot.container(old.id)
    server = _server_of(snapshot, old)
    again = [steps.start_again(old, server, broken.operation)] if server is not None and old.running else []
    if now is None:
        return again if old.auto_remove else []
    found = []
    if now.name != old.name:
        found.append(steps.rename_back(now, old.name))
    named = replace(now, name=old.name)
    if now.restart_policy != old.restart_policy:
        found.append(steps.restart_again(named, old.restart_policy))
    return [*found, *(again if not now.running else [])]


def _server_of(snapshot: Snapshot, old: Container) -> Server | None:
    """The server that a container was, by itself: others may stand in its place now."""
    return next((s for s in snapshot.catalogue.servers if container_of(s, [old]) is not None), None)
