"""What the tray's menu shows: every row as a value, from the snapshot alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import assert_never

from sparktray.decide.changing.operations import can_cancel
from sparktray.decide.changing.preflight import loads_by_api, may
from sparktray.decide.identity import base_url, running_on
from sparktray.decide.showing.present import sentence, shown_name
from sparktray.domain.catalogue import Model, Purpose
from sparktray.domain.operation import Operation, StepName, StepRun, StopWish, SwitchWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Phase, ServerState, Snapshot
from sparktray.domain.text import clean_name, has_hidden

# With the rows that are always there the menu has at most 14, which fit any screen without scrolling.
_MODELS = 6
_RUNS = {Phase.READY, Phase.BUSY, Phase.DEGRADED, Phase.LOADING}


@dataclass(frozen=True, slots=True)
class ModelRow:
    """An entry of the catalogue. ``checked`` means it runs, or is being loaded.

    ``server`` is where a click switches it on: where it runs, else the entry's default. ``label`` is plain
    text of one line; ``note`` is the catalogue's advice by language, for the tooltip.
    """

    model: str
    label: str
    purpose: Phrase | None
    checked: bool
    enabled: bool
    note: Mapping[str, str]
    server: str


@dataclass(frozen=True, slots=True)
class StopRow:
    """A running server that can be stopped now."""

    server: str
    label: Phrase


@dataclass(frozen=True, slots=True)
class CopyRow:
    """What a client needs of a ready server: the exact ``model_id`` and the ``base_url``.

    ``label`` names model and server, for the submenu when there are several. ``hidden`` means that
    the ID holds characters a reader cannot see: it is not copied.
    """

    server: str
    model_id: str
    base_url: str
    label: Phrase
    hidden: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """All that changes in the menu. ``progress`` is None without an operation.

    While there is one, ``models`` and ``more`` are disabled and give way to ``progress`` and, while
    ``cancel`` holds, to Cancel. ``stop`` has one row a server: empty hides it, several make a
    submenu, to which the window adds "all". ``models`` are at most six, ``more`` is the rest.
    """

    sentence: Phrase
    progress: Phrase | None
    cancel: bool
    models: tuple[ModelRow, ...]
    more: tuple[ModelRow, ...]
    stop: tuple[StopRow, ...]
    copies: tuple[CopyRow, ...]


def menu(snapshot: Snapshot) -> Menu:
    """The menu for that picture."""
    active = snapshot.active
    running = _running(snapshot)
    rows = tuple(_model_row(snapshot, model, running.get(model.id)) for model in snapshot.catalogue.models)
    return Menu(
        sentence=sentence(snapshot),
        progress=None if active is None else _progress(snapshot, active),
        cancel=active is not None and can_cancel(active),
        models=rows[:_MODELS],
        more=rows[_MODELS:],
        stop=_stop_rows(snapshot),
        copies=_copy_rows(snapshot),
    )


def _running(snapshot: Snapshot) -> dict[str, str]:
    """The server that runs each entry which runs; of several, the first of the catalogue."""
    found: dict[str, str] = {}
    for state in snapshot.servers:
        model = running_on(snapshot, state).model if state.phase in _RUNS else None
        if model is not None:
            found.setdefault(model.id, state.name)
    return found


def _model_row(snapshot: Snapshot, model: Model, running: str | None) -> ModelRow:
    server = running or model.servers[0]
    return ModelRow(
        model=model.id,
        label=clean_name(model.id),
        purpose=_purposes(model),
        checked=running is not None,
        enabled=may(snapshot, SwitchWish(model.id, on=server)) is None,
        note=model.note,
        server=server,
    )


def _purposes(model: Model) -> Phrase | None:
    words = [_purpose(each) for each in model.purposes]
    return reduce(lambda one, other: phrase("{one}, {other}", one=one, other=other), words) if words else None


def _purpose(purpose: Purpose) -> Phrase:
    match purpose:
        case Purpose.DOCUMENTS:
            return phrase("documents")
        case Purpose.GENERAL:
            return phrase("general")
        case Purpose.CODING:
            return phrase("coding")
        case Purpose.REASONING:
            return phrase("reasoning")
        case Purpose.EMBEDDINGS:
            return phrase("embeddings")
        case Purpose.UNCENSORED:
            return phrase("uncensored")
        case _:  # pragma: no cover
            assert_never(purpose)


def _progress(snapshot: Snapshot, operation: Operation) -> Phrase:
    """Where an operation is; the sentence above it says what it is for."""
    current = operation.current
    if current is None:
        return phrase("Looking at the host")
    detail = _load_phase(snapshot, operation, current) or current.step.title
    if operation.going_back:
        return phrase("Going back: {step}", step=detail)
    if operation.cancelled:
        return phrase("Cancelling: {step}", step=detail)
    return phrase(
        "Step {number} of {count}: {step}",
        number=operation.index + 1,
        count=len(operation.runs),
        step=detail,
    )


def _load_phase(snapshot: Snapshot, operation: Operation, current: StepRun) -> Phrase | None:
    """How far a load is by the log; None for any other step."""
    state = snapshot.state_of(operation.server or "")
    if current.step.name is not StepName.LOAD or state is None or state.progress is None:
        return None
    if state.progress.fraction is None:
        return state.progress.phase
    percent = int(100 * state.progress.fraction)
    return phrase("{phase}, {percent} %", phase=state.progress.phase, percent=percent)


def _stop_rows(snapshot: Snapshot) -> tuple[StopRow, ...]:
    states = [s for s in snapshot.servers if _runs(s) and may(snapshot, StopWish(s.name)) is None]
    return tuple(StopRow(s.name, _stop_label(snapshot, s, len(states))) for s in states)


def _runs(state: ServerState) -> bool:
    """True when there is something to stop: of Ollama that is what it has loaded."""
    if loads_by_api(state.server):
        return bool(state.served)
    return state.container is not None and state.container.running


def _stop_label(snapshot: Snapshot, state: ServerState, count: int) -> Phrase:
    name = shown_name(running_on(snapshot, state), state)
    if count == 1:
        return phrase("Stop {name}", name=name)
    return phrase("{name} on {server}", name=name, server=state.name)


def _copy_rows(snapshot: Snapshot) -> tuple[CopyRow, ...]:
    return tuple(
        CopyRow(
            server=state.name,
            model_id=model_id,
            base_url=base_url(snapshot.host, state),
            label=phrase("{name} on {server}", name=clean_name(model_id), server=state.name),
            hidden=has_hidden(model_id),
        )
        for state in snapshot.servers
        if state.ready and (model_id := running_on(snapshot, state).model_id) is not None
    )
