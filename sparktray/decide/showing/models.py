"""The panel's list of models: by purpose, each with where it runs, how it stands, and what a click does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

import msgspec

from sparktray.decide.changing.preflight import closed
from sparktray.decide.changing.room import Fit, fit, sum_now
from sparktray.decide.identity import running_on, started_model
from sparktray.decide.memory.words import sum_lines
from sparktray.decide.showing.present import engine_name, shown_name
from sparktray.decide.showing.words import phase_word
from sparktray.domain.catalogue import EngineKind, Model, Purpose, Server
from sparktray.domain.facts.memory import MemorySum
from sparktray.domain.operation import SwitchWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import LinkPhase, Phase, ServerState, Snapshot
from sparktray.domain.text import clean_name
from sparktray.engines.sizes import GIB


class Mark(StrEnum):
    """How a model stands, for a shape beside its word."""

    RUNS = "runs"
    UNDER_WAY = "under-way"
    TROUBLE = "trouble"
    RESTS = "rests"


class Way(msgspec.Struct, frozen=True):
    """One server a model can be switched to."""

    label: str
    wish: SwitchWish


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One row. ``key`` is the same from picture to picture.

    ``place`` is engine and port. ``state`` is None for a model that is at rest. ``note`` is the
    catalogue's advice by language, ``reason`` what a person must know instead: why it failed, or why
    it cannot be switched to. ``wish`` is what a click does, None for nothing; ``ways`` are all the
    servers it can be switched to now. ``fit`` is what it would take, and whether that could be had, ``sum``
    how that comes about.
    """

    key: str
    name: str
    place: str
    mark: Mark = Mark.RESTS
    state: Phrase | None = None
    note: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    reason: Phrase | None = None
    wish: SwitchWish | None = None
    ways: tuple[Way, ...] = ()
    fit: Phrase | None = None
    sum: tuple[Phrase, ...] = field(default=(), compare=False)  # or every sample would change every row


class Group(msgspec.Struct, frozen=True):
    """Models for one purpose, in the order of the catalogue."""

    title: Phrase
    lines: tuple[ModelLine, ...]


class Hindrance(msgspec.Struct, frozen=True):
    """What stands in the way of the whole list, beside the sentence that the header shows.

    ``remedy`` is the way out, None while there is nothing to do but wait. ``since`` is when it began,
    in seconds since 1970; ``tried`` whether it is tried again by itself; ``technical`` what was heard;
    ``way_on`` whether a person is offered to try at once: never past a host key.
    """

    title: Phrase
    remedy: Phrase | None = None
    since: float | None = None
    tried: bool = True
    technical: str = ""
    way_on: bool = True


# Everyday work first; a model for several purposes stands under its own first one.
_ORDER = (
    Purpose.GENERAL,
    Purpose.DOCUMENTS,
    Purpose.CODING,
    Purpose.REASONING,
    Purpose.EMBEDDINGS,
    Purpose.UNCENSORED,
)


def hindrance(snapshot: Snapshot) -> Hindrance | None:
    """Why nothing is known of the models; None when the list can be shown."""
    host, since = snapshot.host.name, snapshot.link_since
    match snapshot.link:
        case LinkPhase.CONNECTED if snapshot.containers_known:
            return None
        case LinkPhase.CONNECTED:
            title = phrase("Waiting for Docker on {host}", host=host)
            return _told(title, snapshot.docker_problem, since)
        case LinkPhase.CONNECTING:
            return _told(phrase("Waiting for {host}", host=host), None, since)
        case LinkPhase.OFFLINE:
            return _told(phrase("No contact with {host}", host=host), snapshot.problem, since)
        case LinkPhase.BLOCKED:
            title = phrase("{host} waits for you.", host=host)
            return _told(title, snapshot.problem, since, tried=False)
        case _:  # pragma: no cover
            assert_never(snapshot.link)


def _told(title: Phrase, problem: Problem | None, since: float | None, *, tried: bool = True) -> Hindrance:
    if problem is None:
        return Hindrance(title, since=since, tried=tried)
    way_on = not problem.code.startswith("host-key")
    return Hindrance(title, problem.remedy, since, tried, problem.technical, way_on)


def groups(snapshot: Snapshot) -> tuple[Group, ...]:
    """All models: those of the catalogue by purpose, what runs and is no entry, what Ollama has beside."""
    free = closed(snapshot) is None
    places = {server.name: _place(server) for server in snapshot.catalogue.servers}
    held = _held(snapshot)
    filed: dict[Purpose | None, list[ModelLine]] = {}
    for model in snapshot.catalogue.models:
        first = model.purposes[0] if model.purposes else None
        filed.setdefault(first, []).extend(_lines(snapshot, model, held.get(model.id, []), places, free=free))
    found = [Group(_title(each), tuple(filed[each])) for each in _ORDER if each in filed]
    others = [*filed.get(None, []), *_strangers(snapshot, places)]
    beside = [_installed(state, name, places) for state, name in beside_catalogue(snapshot)]
    if others:
        found.append(Group(phrase("Other"), tuple(others)))
    if beside:
        found.append(Group(phrase("Only in Ollama"), tuple(beside)))
    return tuple(found)


def beside_catalogue(snapshot: Snapshot) -> list[tuple[ServerState, str]]:
    """What an Ollama has installed that no entry names."""
    found = []
    for state in snapshot.servers:
        if state.server.engine is EngineKind.OLLAMA:
            entries = {model.ollama for model in snapshot.catalogue.models_on(state.name)}
            names = {name: name.removesuffix(":latest") for name in state.installed}
            found += [(state, name) for name, short in names.items() if not {name, short} & entries]
    return found


def _place(server: Server) -> str:
    return f"{engine_name(server.engine)} {server.port}"


def _held(snapshot: Snapshot) -> dict[str, list[ServerState]]:
    """The servers that hold each entry, or ended in trouble with it."""
    found: dict[str, list[ServerState]] = {}
    for state in snapshot.servers:
        if state.phase in _AT_WORK:
            model = running_on(snapshot, state).model
        else:
            model = started_model(snapshot, state) if state.phase is Phase.FAILED else None
        if model is not None:
            found.setdefault(model.id, []).append(state)
    return found


_AT_WORK = {Phase.READY, Phase.BUSY, Phase.DEGRADED, Phase.LOADING, Phase.STARTING, Phase.STOPPING}


def _lines(
    snapshot: Snapshot, model: Model, held: list[ServerState], places: Mapping[str, str], *, free: bool
) -> list[ModelLine]:
    """One row for each server that holds the model, else one for where it would be loaded."""
    able = [name for name in model.servers if name in places]
    name = model.id
    if not held:
        ways = _ways(model, able, places) if free else ()
        place = places[able[0]] if able else ""
        wish = ways[0].wish if ways else None
        resting = ModelLine(model.id, name, place, note=model.note, wish=wish, ways=ways)
        server = snapshot.catalogue.server(able[0]) if able else None
        found = None if server is None else sum_now(snapshot, model, server)
        if found is None:
            return [resting]
        return [replace(resting, fit=room_words(found), sum=sum_lines(snapshot, found))]
    rows = []
    for state in held:
        ended = state.phase is Phase.FAILED
        to = [each for each in able if ended or each != state.name]
        ways = _ways(model, to, places) if free else ()
        again = next((way.wish for way in ways if ended and way.wish.on == state.name), None)
        rows.append(
            ModelLine(
                key=f"{model.id} {state.name}",
                name=name,
                place=places[state.name],
                mark=mark_of(state.phase),
                state=phase_word(state.phase),
                note=model.note,
                reason=_cause(state),
                wish=again,
                ways=ways,
            )
        )
    return rows


def fit_words(snapshot: Snapshot, model: Model, name: str) -> Phrase | None:
    """What the model would take on that server, and whether it would fit now; None when not known."""
    server = snapshot.catalogue.server(name)
    found = None if server is None else fit(snapshot, model, server)
    return None if found is None else words_of_fit(found)


def words_of_fit(found: Fit) -> Phrase:
    """What a model would take, and whether it would fit now."""
    needs = round(found.needs / GIB)
    if not found.short:
        return phrase("{needs} GiB, fits now", needs=needs)
    return phrase("{needs} GiB, {short} GiB short", needs=needs, short=max(1, round(found.short / GIB)))


def room_words(found: MemorySum) -> Phrase:
    """What a model takes of what can be had, in a few words."""
    if found.takes is None or found.short is None:
        return phrase("memory: not known")
    if found.short:
        return phrase("needs {size} GiB more", size=max(1, round(found.short / GIB)))
    return phrase("fits: {needs} of {room} GiB", needs=round(found.takes / GIB), room=round(found.room / GIB))


def _ways(model: Model, servers: list[str], places: Mapping[str, str]) -> tuple[Way, ...]:
    return tuple(Way(places[name], SwitchWish(model.id, on=name)) for name in servers)


def _cause(state: ServerState) -> Phrase | None:
    if state.phase is not Phase.FAILED or state.failure is None:
        return None
    return phrase("{cause} {remedy}", cause=state.failure.cause, remedy=state.failure.remedy)


def _strangers(snapshot: Snapshot, places: Mapping[str, str]) -> list[ModelLine]:
    """What a server holds or ended with that no entry stands for; what Ollama holds is listed elsewhere."""
    return [
        ModelLine(
            key=f" {state.name}",
            name=shown_name(running_on(snapshot, state), state),
            place=places[state.name],
            mark=mark_of(state.phase),
            state=phase_word(state.phase),
            reason=_cause(state) or phrase("It runs there, but no entry of your list stands for it."),
        )
        for state in snapshot.servers
        if _strange(snapshot, state)
    ]


def _strange(snapshot: Snapshot, state: ServerState) -> bool:
    if state.phase is Phase.FAILED:
        return started_model(snapshot, state) is None
    known = state.server.engine is EngineKind.OLLAMA or running_on(snapshot, state).model is not None
    return state.phase in _AT_WORK and not known


def _installed(state: ServerState, name: str, places: Mapping[str, str]) -> ModelLine:
    loaded = name in {served.id for served in state.served or ()}
    return ModelLine(
        key=f"{name} {state.name} ",
        name=clean_name(name),
        place=places[state.name],
        mark=Mark.RUNS if loaded else Mark.RESTS,
        state=phase_word(state.phase) if loaded else None,
        reason=phrase("Ollama has it installed. Give it an entry in models.json to switch to it here."),
    )


def mark_of(phase: Phase) -> Mark:
    """The shape for the state of a server."""
    match phase:
        case Phase.READY | Phase.BUSY:
            return Mark.RUNS
        case Phase.STARTING | Phase.LOADING | Phase.STOPPING:
            return Mark.UNDER_WAY
        case Phase.DEGRADED | Phase.FAILED:
            return Mark.TROUBLE
        case Phase.IDLE | Phase.UNKNOWN:
            return Mark.RESTS
        case _:  # pragma: no cover
            assert_never(phase)


def _title(purpose: Purpose) -> Phrase:
    match purpose:
        case Purpose.GENERAL:
            return phrase("Everyday")
        case Purpose.DOCUMENTS:
            return phrase("Documents")
        case Purpose.CODING:
            return phrase("Coding")
        case Purpose.REASONING:
            return phrase("Reasoning")
        case Purpose.EMBEDDINGS:
            return phrase("Embeddings")
        case Purpose.UNCENSORED:
            return phrase("Uncensored")
        case _:  # pragma: no cover
            assert_never(purpose)
