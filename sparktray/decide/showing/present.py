"""From a snapshot to what a person reads: the one sentence, and the names of things."""

from __future__ import annotations

from typing import assert_never

from sparktray.decide.conflicts import conflicts
from sparktray.decide.identity import Running, running_on
from sparktray.decide.truth import icon_of, waits_for_somebody
from sparktray.domain.asking import Health
from sparktray.domain.catalogue import EngineKind
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
    Operation,
    OperationEnd,
    RestoreWish,
    StopWish,
    SwitchWish,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.snapshot import Icon, LinkPhase, Phase, ServerState, Snapshot
from sparktray.domain.text import clean_name


def engine_name(kind: EngineKind) -> str:
    """The engine's name as its makers write it."""
    match kind:
        case EngineKind.SGLANG:
            return "SGLang"
        case EngineKind.VLLM:
            return "vLLM"
        case EngineKind.OLLAMA:
            return "Ollama"
        case _:  # pragma: no cover
            assert_never(kind)


def shown_name(running: Running, state: ServerState) -> str:
    """What to call the thing a server runs: its model, else its ID, else the server itself."""
    if running.model is not None and not running.misnamed:
        return running.model.id
    if running.model_id is not None:
        return clean_name(running.model_id)
    return running.model.id if running.model is not None else state.name


def sentence(snapshot: Snapshot) -> Phrase:
    """The one sentence about the whole, also where no more can be shown: tooltip, first menu row, JSON."""
    if icon_of(snapshot) in {Icon.READY, Icon.IDLE}:
        pressing = next((each for each in conflicts(snapshot) if each.presses), None)
        if pressing is not None:
            return pressing.sentence
    return state_sentence(snapshot)


def state_sentence(snapshot: Snapshot) -> Phrase:
    """The same where conflicts have a place of their own: the panel, and ``status`` for people."""
    icon = icon_of(snapshot)
    host = snapshot.host.name
    if snapshot.link is not LinkPhase.CONNECTED:
        return _without_link(snapshot, icon)
    if snapshot.docker_problem is not None:
        return snapshot.docker_problem.cause
    if not snapshot.containers_known:
        return phrase("Reading what runs on {host}…", host=host)
    if snapshot.active is not None:
        return operation_sentence(snapshot.active)
    if snapshot.operation is not None and waits_for_somebody(snapshot):
        return operation_sentence(snapshot.operation)
    for phase in (Phase.FAILED, Phase.DEGRADED, Phase.LOADING, Phase.STARTING, Phase.STOPPING):
        state = next((s for s in snapshot.servers if s.phase is phase), None)
        if state is not None and icon in _ICONS[phase]:
            return server_sentence(snapshot, state)
    ready = [s for s in snapshot.servers if s.ready]
    if not ready and icon is Icon.CONNECTING:
        return phrase("Reading what runs on {host}…", host=host)
    if not ready:
        return phrase("No model is running on {host}.", host=host)
    names = ", ".join(shown_name(running_on(snapshot, s), s) for s in ready)
    return phrase_n(
        "{names} is ready on {host}.", "{names} are ready on {host}.", len(ready), names=names, host=host
    )


_ICONS = {
    Phase.FAILED: {Icon.FAILED, Icon.DEGRADED},
    Phase.DEGRADED: {Icon.DEGRADED},
    Phase.LOADING: {Icon.LOADING},
    Phase.STARTING: {Icon.LOADING},
    Phase.STOPPING: {Icon.LOADING},
}


def _without_link(snapshot: Snapshot, icon: Icon) -> Phrase:
    if icon is Icon.CONNECTING or snapshot.problem is None:
        return phrase("Connecting to {host}…", host=snapshot.host.name)
    cause = snapshot.problem.cause
    if snapshot.link is not LinkPhase.OFFLINE or not snapshot.last_ready:
        return cause
    names = ", ".join(shown_name(running_on(snapshot, s), s) for s in snapshot.last_ready)
    return phrase("{cause} Last known: {names}.", cause=cause, names=names)


def server_sentence(snapshot: Snapshot, state: ServerState) -> Phrase:
    """One sentence about one server."""
    running = running_on(snapshot, state)
    name = shown_name(running, state)
    match state.phase:
        case Phase.FAILED:
            cause = state.failure.cause if state.failure is not None else phrase("It keeps ending.")
            return phrase("{server} failed: {cause}", server=state.name, cause=cause)
        case Phase.DEGRADED if state.health is Health.LOCKED:
            return phrase("{server} asks for a key.", server=state.name)
        case Phase.DEGRADED:
            return phrase("{name} on {server} does not answer as it should.", name=name, server=state.name)
        case Phase.LOADING if state.progress is not None:
            return phrase("{name} is loading: {phase}", name=name, phase=state.progress.phase)
        case Phase.LOADING | Phase.STARTING:
            return phrase("{name} is loading.", name=name)
        case Phase.STOPPING:
            return phrase("{server} is stopping.", server=state.name)
        case Phase.READY:
            return phrase("{name} is ready.", name=name)
        case Phase.BUSY if state.running:
            return phrase_n(
                "{name} is answering {count} request.",
                "{name} is answering {count} requests.",
                state.running,
                name=name,
            )
        case Phase.BUSY:
            return phrase("{name} is busy.", name=name)
        case Phase.IDLE:
            return _idle(state)
        case Phase.UNKNOWN:
            return phrase("{server} has not been read yet.", server=state.name)
        case _:  # pragma: no cover
            assert_never(state.phase)


def _idle(state: ServerState) -> Phrase:
    container = state.container
    if state.stranger is not None:
        return phrase(
            "{server} is not running; container {name} holds its port {port}.",
            server=state.name,
            name=state.stranger,
            port=state.server.port,
        )
    if container is None or container.exit_code is None:
        return phrase("{server} is not running.", server=state.name)
    return phrase(
        "{server} is not running; it ended with exit code {code}.",
        server=state.name,
        code=container.exit_code,
    )


def operation_sentence(operation: Operation) -> Phrase:
    """One sentence about an operation, under way or over."""
    what = wish_words(operation.wish)
    current = operation.current
    if operation.end is None:
        step = current.step.title if current is not None else phrase("Looking at the host")
        return phrase("{what}: {step}", what=what, step=step)
    match operation.end:
        case OperationEnd.DONE:
            return phrase("{what}: done.", what=what)
        case OperationEnd.PLANNED:
            return phrase("{what}: this is what would be done.", what=what)
        case OperationEnd.REFUSED:
            return phrase("{what}: refused, nothing was changed.", what=what)
        case OperationEnd.ROLLED_BACK:
            return phrase("{what}: failed. What ran before runs again.", what=what)
        case OperationEnd.FAILED:
            return phrase("{what}: failed.", what=what)
        case OperationEnd.NEEDS_YOU:
            return phrase("{what}: failed, and what ran before could not be brought back.", what=what)
        case OperationEnd.INTERRUPTED:
            return phrase("{what}: broken off.", what=what)
        case OperationEnd.CANCELLED if isinstance(operation.wish, StopWish):
            return phrase("{what}: cancelled.", what=what)
        case OperationEnd.CANCELLED:
            return phrase("{what}: cancelled, what was begun is taken back.", what=what)
        case _:  # pragma: no cover
            assert_never(operation.end)


def wish_words(wish: Wish) -> Phrase:
    """What an operation is for, as the beginning of a sentence about it."""
    match wish:
        case SwitchWish():
            return phrase("Switching to {model}", model=clean_name(wish.model))
        case StopWish() if wish.server is None:
            return phrase("Stopping all servers")
        case StopWish():
            return phrase("Stopping {server}", server=clean_name(wish.server or ""))
        case BackWish():
            return phrase("Going back to what ran before")
        case WipeWish(scope=WipeScope.EVERYTHING):
            return phrase("Deleting everything in Open WebUI")
        case WipeWish():
            return phrase("Deleting chats in Open WebUI")
        case RestoreWish():
            return phrase("Bringing back what Open WebUI held")
        case ForgetWish():
            return phrase("Removing what was kept of Open WebUI")
