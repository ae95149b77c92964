"""What the tray's menu shows: every row as a value, from the snapshot alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import msgspec

from sparktray.decide.changing.fetching import amount
from sparktray.decide.changing.operations import can_cancel
from sparktray.decide.changing.preflight import closed, loads_by_api, may
from sparktray.decide.clients.reach import direct_url
from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.identity import Running, running_on
from sparktray.decide.servers import probe_key
from sparktray.decide.showing.present import sentence, shown_name
from sparktray.decide.showing.words import purpose_word
from sparktray.decide.truth import waits_for_somebody
from sparktray.decide.ways_on import EnterSecret, ways_on
from sparktray.domain.asking import Health
from sparktray.domain.catalogue import Model
from sparktray.domain.operation import Operation, StepName, StepRun, StopWish, Wish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import Phase, ServerState, Snapshot
from sparktray.domain.text import clean_name, has_hidden

# With the rows that are always there the menu has at most 14, which fit any screen without scrolling.
_MODELS = 6
_MODELS_BESIDE_HOSTS = 5
_RUNS = {Phase.READY, Phase.BUSY, Phase.DEGRADED, Phase.LOADING}


class ModelRow(msgspec.Struct, frozen=True):
    """An entry of the catalogue. ``checked`` means it runs, or is being loaded.

    ``server`` is where a click switches it on: where it runs, else the entry's default. ``why`` says
    why this row alone cannot be clicked. What is shown is made when it is asked for, since of hundreds
    of rows few differ from one picture to the next.
    """

    entry: Model
    server: str
    checked: bool = False
    why: Phrase | None = None

    @property
    def model(self) -> str:
        """The entry's exact id."""
        return self.entry.id

    @property
    def label(self) -> str:
        """The entry's id as plain text of one line."""
        return clean_name(self.entry.id)

    @property
    def aside(self) -> Phrase | None:
        """What stands behind the name: why it cannot be clicked, else what the model is good for."""
        return self.why or _purposes(self.entry)


class HostRow(msgspec.Struct, frozen=True):
    """A host that was set up; ``checked`` is the one in use."""

    name: str
    label: str
    checked: bool
    enabled: bool


class StopRow(msgspec.Struct, frozen=True):
    """A running server that can be stopped now."""

    server: str
    label: Phrase


class CopyRow(msgspec.Struct, frozen=True):
    """What a client needs of a ready server: the exact ID and the URL.

    ``base_url`` is None where only a forward leads there.
    ``label`` names model and server, for the submenu when there are several. ``hidden`` means that
    the ID holds characters a reader cannot see: it is not copied.
    """

    given: CopiedId
    base_url: str | None
    label: Phrase
    hidden: bool


class WayRow(msgspec.Struct, frozen=True):
    """A way on from an operation that was broken off, or with a server that asks for a key."""

    label: Phrase
    wish: Wish | EnterSecret


class Menu(msgspec.Struct, frozen=True):
    """All that changes in the menu. ``progress`` is None without an operation.

    While there is one, ``models`` and ``more`` give way to ``progress`` and, while ``cancel`` holds, to
    Cancel. ``closed`` says why none of them can be clicked. ``stop`` has one row a server: empty hides
    it, several make a submenu, to which the window adds "all". ``models`` are at most six, ``more`` is
    the rest. ``hosts`` take one model's place and are empty unless there is another one than the one in
    use. ``ways`` stand above the models, and take as many of their places. ``open_webui``: its container is
    there.
    """

    sentence: Phrase
    progress: Phrase | None = None
    cancel: bool = False
    closed: Phrase | None = None
    models: tuple[ModelRow, ...] = ()
    more: tuple[ModelRow, ...] = ()
    hosts: tuple[HostRow, ...] = ()
    stop: tuple[StopRow, ...] = ()
    copies: tuple[CopyRow, ...] = ()
    ways: tuple[WayRow, ...] = ()
    open_webui: bool = False


def menu(snapshot: Snapshot, hosts: tuple[str, ...] = ()) -> Menu:
    """The menu for that picture; ``hosts`` are the names of all that were set up."""
    active = snapshot.active
    refusal = closed(snapshot)
    runs = {state.name: running_on(snapshot, state) for state in snapshot.servers}
    host_rows = _host_rows(snapshot, hosts)
    ways = () if refusal is not None else _way_rows(snapshot)
    top = (_MODELS_BESIDE_HOSTS if host_rows else _MODELS) - len(ways)
    rows = _model_rows(snapshot, runs)
    return Menu(
        sentence=sentence(snapshot),
        progress=None if active is None else _progress(snapshot, active),
        cancel=active is not None and can_cancel(active),
        closed=None if refusal is None else refusal.cause,
        models=rows[:top],
        more=rows[top:],
        hosts=host_rows,
        stop=_stop_rows(snapshot, runs),
        open_webui=snapshot.container_named(snapshot.catalogue.open_webui.container) is not None,
        copies=_copy_rows(snapshot, runs),
        ways=ways,
    )


def _way_rows(snapshot: Snapshot) -> tuple[WayRow, ...]:
    operation = snapshot.operation
    if operation is None or operation.end is None or not waits_for_somebody(snapshot):
        return _keys(snapshot)[:1]
    return tuple(WayRow(label, wish) for label, wish in ways_on(snapshot, operation, operation.end))


def _keys(snapshot: Snapshot) -> tuple[WayRow, ...]:
    """Servers whose key the keyring has not, or not any more."""
    return tuple(
        WayRow(phrase("Enter the key of {server}…", server=state.name), EnterSecret(name, None, state.name))
        for state in snapshot.servers
        if state.health is Health.LOCKED and (name := probe_key(snapshot, state)) is not None
    )


def _host_rows(snapshot: Snapshot, hosts: tuple[str, ...]) -> tuple[HostRow, ...]:
    """All hosts; another one is not begun with while an operation needs this one."""
    used, free = snapshot.host.name, snapshot.active is None
    if not set(hosts) - {used}:
        return ()
    return tuple(HostRow(name, clean_name(name), name == used, free or name == used) for name in hosts)


def _model_rows(snapshot: Snapshot, runs: Mapping[str, Running]) -> tuple[ModelRow, ...]:
    places = _places(snapshot, runs)
    plain = {entry.id: ModelRow(entry, entry.servers[0]) for entry in snapshot.catalogue.models}
    for model, server in places.items():
        entry = plain[model].entry
        elsewhere = None if server in entry.servers else phrase("runs on {server}", server=server)
        plain[model] = ModelRow(entry, server, checked=True, why=elsewhere)
    return tuple(plain.values())


def _places(snapshot: Snapshot, runs: Mapping[str, Running]) -> dict[str, str]:
    """The server that runs each entry which runs; of several, the first of the catalogue."""
    found: dict[str, str] = {}
    for state in snapshot.servers:
        model = runs[state.name].model if state.phase in _RUNS else None
        if model is not None:
            found.setdefault(model.id, state.name)
    return found


def _purposes(model: Model) -> Phrase | None:
    words = [purpose_word(each) for each in model.purposes]
    return reduce(lambda one, other: phrase("{one}, {other}", one=one, other=other), words) if words else None


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
    """How far a load is by the log, or a fetch by its bytes; None for any other step."""
    if current.fetched is not None:
        return phrase("{step}: {amount}", step=current.step.title, amount=amount(current.fetched))
    state = snapshot.state_of(operation.server or "")
    if current.step.name is not StepName.LOAD or state is None or state.progress is None:
        return None
    if state.progress.fraction is None:
        return state.progress.phase
    percent = int(100 * state.progress.fraction)
    return phrase("{phase}, {percent} %", phase=state.progress.phase, percent=percent)


def _stop_rows(snapshot: Snapshot, runs: Mapping[str, Running]) -> tuple[StopRow, ...]:
    states = [s for s in snapshot.servers if _runs(s) and may(snapshot, StopWish(s.name)) is None]
    return tuple(StopRow(s.name, _stop_label(runs[s.name], s, len(states))) for s in states)


def _runs(state: ServerState) -> bool:
    """True when there is something to stop: of Ollama that is what it has loaded."""
    if loads_by_api(state.server):
        return bool(state.served)
    return state.container is not None and state.container.running


def _stop_label(running: Running, state: ServerState, count: int) -> Phrase:
    name = shown_name(running, state)
    if count == 1:
        return phrase("Stop {name}", name=name)
    return phrase("{name} on {server}", name=name, server=state.name)


def _copy_rows(snapshot: Snapshot, runs: Mapping[str, Running]) -> tuple[CopyRow, ...]:
    return tuple(
        CopyRow(
            given=CopiedId(host=snapshot.host.name, server=state.name, model_id=model_id),
            base_url=direct_url(snapshot.host, state),
            label=phrase("{name} on {server}", name=clean_name(model_id), server=state.name),
            hidden=has_hidden(model_id),
        )
        for state in snapshot.servers
        if state.ready and (model_id := runs[state.name].model_id) is not None
    )
