"""What stands at the top of the panel: the state of the whole, its servers, and what can be done at once."""

from __future__ import annotations

import msgspec

from sparktray.decide.changing.preflight import loads_by_api, may
from sparktray.decide.identity import running_on
from sparktray.decide.showing.present import engine_name, shown_name, state_sentence
from sparktray.decide.showing.words import phase_word, span
from sparktray.decide.truth import icon_of
from sparktray.domain.operation import StopWish
from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.snapshot import Icon, LinkPhase, Phase, ServerState, Snapshot
from sparktray.domain.text import clean_name, has_hidden

# More lines would push the page away; the models page tells of every server.
_MOST_LINES = 3
Line = tuple[Phrase | str, ...]
_TOLD = {Phase.READY, Phase.BUSY, Phase.DEGRADED, Phase.LOADING, Phase.STARTING, Phase.STOPPING}


class Choice(msgspec.Struct, frozen=True):
    """One server that something can be done with; ``label`` tells it from the others."""

    server: str
    label: Phrase


class Header(msgspec.Struct, frozen=True):
    """The top of the panel.

    ``lines`` are a way out of a trouble and the servers at work, each as parts to be set off from one
    another; a part that is no phrase is a name or a number. ``copies`` are the servers whose model ID can
    be copied, ``stops`` those that can be stopped now.
    """

    icon: Icon
    sentence: Phrase
    lines: tuple[Line, ...]
    copies: tuple[Choice, ...]
    stops: tuple[Choice, ...]


def header(snapshot: Snapshot, now: float) -> Header:
    """The top for that picture, ``now`` in seconds since 1970."""
    icon = icon_of(snapshot)
    told = [state for state in snapshot.servers if state.phase in _TOLD]
    lines: list[Line] = [_line(snapshot, state, now, alone=len(told) == 1) for state in told[:_MOST_LINES]]
    if len(told) > _MOST_LINES:
        lines.append(
            (phrase_n("and {count} more server", "and {count} more servers", len(told) - _MOST_LINES),)
        )
    if snapshot.link is LinkPhase.CONNECTED and snapshot.docker_problem is not None:
        lines.insert(0, (snapshot.docker_problem.remedy,))
    elif icon is Icon.IDLE:
        lines.append((phrase("Choose a model to load it."),))
    return Header(icon, state_sentence(snapshot), tuple(lines), _copies(snapshot), _stops(snapshot))


def _line(snapshot: Snapshot, state: ServerState, now: float, *, alone: bool) -> Line:
    running = running_on(snapshot, state)
    parts: list[Phrase | str] = [engine_name(state.server.engine), str(state.server.port)]
    if not alone:
        parts.insert(0, shown_name(running, state))
    if not state.ready:
        parts.append(phase_word(state.phase))
    since = None if state.container is None else state.container.started_at
    if since is not None and (state.ready or state.phase is Phase.DEGRADED):
        parts.append(phrase("up {duration}", duration=span(now - since)))
    if running.until is not None and running.until > now:
        parts.append(phrase("leaves memory in {duration}", duration=span(running.until - now)))
    parts += _requests(state)
    if running.misnamed and running.model is not None:
        parts.append(phrase("loaded is {model}", model=clean_name(running.model.id)))
    return tuple(parts)


def _requests(state: ServerState) -> list[Phrase]:
    """None of them is told as such; of an engine that does not say nothing is told."""
    told = []
    if state.ready and state.running == 0:
        told.append(phrase("no requests running"))
    elif state.ready and state.running is not None:
        told.append(phrase_n("{count} request running", "{count} requests running", state.running))
    if state.ready and state.waiting:
        told.append(phrase_n("{count} waiting", "{count} waiting", state.waiting))
    return told


def _copies(snapshot: Snapshot) -> tuple[Choice, ...]:
    return tuple(
        Choice(state.name, phrase("{name} on {server}", name=clean_name(model_id), server=state.name))
        for state in snapshot.servers
        if state.ready
        and (model_id := running_on(snapshot, state).model_id) is not None
        and not has_hidden(model_id)
    )


def _stops(snapshot: Snapshot) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            state.name,
            phrase(
                "{name} on {server}", name=shown_name(running_on(snapshot, state), state), server=state.name
            ),
        )
        for state in snapshot.servers
        if _runs(state) and may(snapshot, StopWish(state.name)) is None
    )


def _runs(state: ServerState) -> bool:
    """True when there is something to stop: of Ollama that is what it has loaded."""
    if loads_by_api(state.server):
        return bool(state.served)
    return state.container is not None and state.container.running
