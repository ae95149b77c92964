"""Whose log is shown, and what is said when there is none."""

from __future__ import annotations

import msgspec

from sparktray.decide.identity import running_on
from sparktray.decide.showing.containers import Trouble, trouble
from sparktray.decide.showing.present import shown_name
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Phase, ServerState, Snapshot
from sparktray.domain.text import clean_name

# What a person opens the log for, most wanted first.
_WANTED = (
    {Phase.LOADING, Phase.STARTING},
    {Phase.FAILED},
    {Phase.DEGRADED, Phase.STOPPING},
    {Phase.READY, Phase.BUSY},
)


class LogChoice(msgspec.Struct, frozen=True):
    """A server whose log can be chosen."""

    server: str
    label: Phrase


class Run(msgspec.Struct, frozen=True):
    """What a log belongs to: one run of one container over one connection to one host.

    When any of it changes, the log is to be read anew.
    """

    host: str
    epoch: int
    container: str
    started_at: float | None


def log_choices(snapshot: Snapshot) -> tuple[LogChoice, ...]:
    """All servers of the catalogue, each with what it runs."""
    return tuple(LogChoice(state.name, _label(snapshot, state)) for state in snapshot.servers)


def _label(snapshot: Snapshot, state: ServerState) -> Phrase:
    running = running_on(snapshot, state)
    if running.model is None and running.model_id is None:
        return phrase("{server}", server=clean_name(state.name))
    return phrase("{server} – {name}", server=clean_name(state.name), name=shown_name(running, state))


def wanted_log(snapshot: Snapshot) -> str | None:
    """The server whose log is shown before anybody chose: one at work or in trouble, else any with a log."""
    for phases in _WANTED:
        found = next((state for state in snapshot.servers if state.phase in phases), None)
        if found is not None:
            return found.name
    held = next((state for state in snapshot.servers if state.container is not None), None)
    return next((state.name for state in (held, *snapshot.servers) if state is not None), None)


def log_run(snapshot: Snapshot, server: str) -> Run | None:
    """What the log of a server belongs to now; None when it has none or cannot be read."""
    container = _container(snapshot, server)
    if container is None or trouble(snapshot) is not None or container.state is ContainerState.CREATED:
        return None
    return Run(snapshot.host.name, snapshot.epoch, container.id, container.started_at)


def log_missing(snapshot: Snapshot, server: str) -> Trouble | None:
    """Why there is no log of that server; None when there is one."""
    known = trouble(snapshot)
    if known is not None:
        return known
    container = _container(snapshot, server)
    if container is None:
        return Trouble(
            phrase("{server} has no container on the host.", server=clean_name(server)),
            phrase("Switch to one of its models, and its log appears here."),
        )
    if container.state is ContainerState.CREATED:
        return Trouble(
            phrase("Container {name} was never started, so it has no log.", name=clean_name(container.name)),
            None,
        )
    return None


def log_state(snapshot: Snapshot, server: str) -> Phrase | None:
    """What is to be known of the container whose log is shown; None while it runs."""
    container = _container(snapshot, server)
    if container is None or container.running:
        return None
    if container.exit_code is None:
        return phrase("The container has ended.")
    if container.oom_killed:
        return phrase(
            "The container has ended with exit code {code}: memory ran out.", code=container.exit_code
        )
    return phrase("The container has ended with exit code {code}.", code=container.exit_code)


def _container(snapshot: Snapshot, server: str) -> Container | None:
    state = snapshot.state_of(server)
    return None if state is None else state.container
