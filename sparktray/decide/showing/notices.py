"""What a person is told without asking: as the difference between two pictures, and mostly nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from sparktray.decide.changing.headroom import headroom
from sparktray.decide.conflicts import ConflictCode, conflicts
from sparktray.decide.identity import running_on
from sparktray.decide.showing.present import operation_sentence, server_sentence, shown_name
from sparktray.decide.truth import started_by
from sparktray.decide.webui.planning import archive_of_operation
from sparktray.domain.asking import Health
from sparktray.domain.docker.container import ContainerState
from sparktray.domain.operation import (
    BackWish,
    Operation,
    OperationEnd,
    RestoreWish,
    StopWish,
    SwitchWish,
    WipeWish,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LinkPhase, Phase, ServerState, Snapshot
from sparktray.domain.text import has_hidden

# A restart by Docker's policy, or a stop that a start follows, is no news.
DOWN_SECONDS = 60.0

_OPERATION_KEY, _LINK_KEY, _MEMORY_KEY = "operation", "link", "memory"
# What hovers about the mark is told once: it is over when that much more is free again.
_CLEAR_BYTES = 1 << 30

# A host key that differs may be somebody in the way; nobody must find that out by looking.
_CHANGED_KEY = "host-key-changed"


class NoticeKind(StrEnum):
    """What a notice is about; each can be switched off on its own."""

    SWITCHED = "switched"
    WIPED = "wiped"
    FAILED = "failed"
    LINK_BLOCKED = "link-blocked"
    SWITCHED_ELSEWHERE = "switched-elsewhere"
    DOWN = "down"
    MEMORY_LOW = "memory-low"


class Urgency(StrEnum):
    """How much a notice may disturb."""

    LOW = "low"
    NORMAL = "normal"
    CRITICAL = "critical"


class ActionKind(StrEnum):
    """What a notice offers to do."""

    COPY_ID = "copy-id"
    SHOW_LOG = "show-log"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class NoticeAction:
    """A button of a notice, and the server it is about; for an undo, the archive that keeps what went."""

    kind: ActionKind
    server: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell once. One of the same ``key`` takes the place of an older one."""

    kind: NoticeKind
    key: str
    title: Phrase
    text: Phrase
    urgency: Urgency
    action: NoticeAction | None = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The notice of that key no longer holds: take it off the screen."""

    key: str


@dataclass(frozen=True, slots=True)
class Served:
    """What a server answered with when it was last ready: its mounted folder and its exact IDs."""

    path: str | None
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Watched:
    """A server that was seen ready. ``down_at`` is since when it is not, by the clock of `down_since`.

    ``told`` once that was said.
    """

    down_at: float | None = None
    told: bool = False


def notices(
    before: Snapshot, after: Snapshot, asked: frozenset[str], served: Mapping[str, Served] | None = None
) -> tuple[Notice, ...]:
    """What to tell when one picture follows on another; to be called for every published one.

    ``asked`` are the ids of the operations begun from this tray. ``served`` is what ``last_served``
    made of all pictures up to ``before``. Without it only what changes from one picture to the next
    counts as switched elsewhere, and a switch that takes time is missed.
    """
    known = last_served({}, before) if served is None else served
    found = (
        _ended(before, after, asked),
        _blocked(before, after),
        _memory_low(before, after),
        *_elsewhere(known, after),
    )
    return tuple(each for each in found if each is not None)


def _ended(before: Snapshot, after: Snapshot, asked: frozenset[str]) -> Notice | None:
    """How an operation begun from this tray came out; a cancelled one is no news to who cancelled."""
    operation = after.operation
    if operation is None or operation.end is None or operation.id not in asked or operation.wish.dry_run:
        return None
    was = before.operation
    if was is not None and was.id == operation.id and was.end is not None:
        return None
    match operation.end:
        case OperationEnd.DONE:
            return _done(after, operation) if operation.runs else None
        case OperationEnd.REFUSED | OperationEnd.ROLLED_BACK | OperationEnd.FAILED | OperationEnd.NEEDS_YOU:
            return _failed(operation)
        case OperationEnd.CANCELLED | OperationEnd.PLANNED | OperationEnd.INTERRUPTED:
            return None
        case _:  # pragma: no cover
            assert_never(operation.end)


def _done(snapshot: Snapshot, operation: Operation) -> Notice:
    title, text = _done_words(snapshot, operation)
    if operation.failure is not None:  # it serves, but something could not be tidied up
        text = _with_remedy(operation.failure.cause, operation.failure.remedy)
    match operation.wish:
        case SwitchWish():
            action = _copy(snapshot, operation)
        case WipeWish():
            kept = archive_of_operation(operation)
            action = None if kept is None else NoticeAction(ActionKind.UNDO, kept)
        case _:
            action = None
    kind = NoticeKind.WIPED if isinstance(operation.wish, WipeWish) else NoticeKind.SWITCHED
    return Notice(kind, _OPERATION_KEY, title, text, Urgency.LOW, action)


def _done_words(snapshot: Snapshot, operation: Operation) -> tuple[Phrase, Phrase]:
    host, server = snapshot.host.name, operation.server or ""
    match operation.wish:
        case SwitchWish(model=model):
            return (
                phrase("{name} is ready.", name=operation.model or model),
                phrase("It runs on {server} of {host}.", server=server, host=host),
            )
        case StopWish(server=None):
            return phrase("All servers are stopped."), phrase("No model is running on {host}.", host=host)
        case StopWish():
            return (
                phrase("{server} is stopped.", server=server),
                phrase("It holds no model any more."),
            )
        case BackWish():
            return phrase("Gone back."), phrase("What ran before runs again on {host}.", host=host)
        case WipeWish() | RestoreWish():
            return operation_sentence(operation), _result_of(operation)
        case _:  # pragma: no cover
            assert_never(operation.wish)


def _result_of(operation: Operation) -> Phrase:
    """What the last step that has something to tell told."""
    told = (run.result for run in reversed(operation.runs) if not run.back)
    found = next((each for each in told if each is not None), None)
    return found if found is not None else phrase("Open WebUI is as it was otherwise.")


def _copy(snapshot: Snapshot, operation: Operation) -> NoticeAction | None:
    """Offered only where it works: the ID is known, and nothing in it is hidden."""
    state = snapshot.state_of(operation.server or "")
    model_id = running_on(snapshot, state).model_id if state is not None and state.ready else None
    if state is None or model_id is None or has_hidden(model_id):
        return None
    return NoticeAction(ActionKind.COPY_ID, state.name)


def _failed(operation: Operation) -> Notice:
    title, failure = operation_sentence(operation), operation.failure
    text = phrase("Look at the log of the server.")
    if failure is not None:
        text = _with_remedy(failure.cause, failure.remedy)
    touched = operation.end is not OperationEnd.REFUSED and operation.server is not None
    action = NoticeAction(ActionKind.SHOW_LOG, operation.server) if touched and operation.server else None
    return Notice(NoticeKind.FAILED, _OPERATION_KEY, title, text, Urgency.NORMAL, action)


def _with_remedy(cause: Phrase, remedy: Phrase) -> Phrase:
    return phrase("{cause} {remedy}", cause=cause, remedy=remedy)


def _blocked(before: Snapshot, after: Snapshot) -> Notice | None:
    """Host key or login: the link waits for a person. Said once an occurrence.

    Not at the start: only a first connection is ``CONNECTING``, and its trouble is what icon and
    sentence show from the beginning. A changed host key is told even then.
    """
    problem = after.problem
    if after.link is not LinkPhase.BLOCKED or problem is None:
        return None
    if before.link is LinkPhase.CONNECTING and problem.code != _CHANGED_KEY:
        return None
    if (
        before.link is LinkPhase.BLOCKED
        and before.problem is not None
        and before.problem.code == problem.code
    ):
        return None
    title = phrase("{host} waits for you.", host=after.host.name)
    text = _with_remedy(problem.cause, problem.remedy)
    return Notice(NoticeKind.LINK_BLOCKED, _LINK_KEY, title, text, Urgency.CRITICAL)


def mended(snapshot: Snapshot, told: Collection[str]) -> tuple[Withdraw, ...]:
    """What no longer holds of the notices with these keys: the link is up again, memory is there again."""
    up = snapshot.link is LinkPhase.CONNECTED
    over = (_LINK_KEY, up), (_MEMORY_KEY, up and _enough(snapshot))
    return tuple(Withdraw(key) for key, holds in over if holds and key in told)


def _memory_low(before: Snapshot, after: Snapshot) -> Notice | None:
    """Two servers leave the host too little, since now: not what was so when it was first looked at."""
    if before.epoch != after.epoch or before.vitals.available_bytes is None or not before.containers_known:
        return None
    low = next((each for each in conflicts(after) if each.code is ConflictCode.MEMORY_LOW), None)
    if low is None or any(each.code is ConflictCode.MEMORY_LOW for each in conflicts(before)):
        return None
    text = phrase("{label}, or the host may freeze.", label=low.way_out.label)
    return Notice(NoticeKind.MEMORY_LOW, _MEMORY_KEY, low.sentence, text, Urgency.CRITICAL)


def _enough(snapshot: Snapshot) -> bool:
    available, total = snapshot.vitals.available_bytes, snapshot.vitals.total_bytes
    return available is not None and total is not None and available >= headroom(total) + _CLEAR_BYTES


def is_wanted(notice: Notice, silenced: frozenset[str], *, in_front: bool) -> bool:
    """Whether to tell it: its kind is not switched off, and the panel, when that is ``in_front``, has not.

    A panel that a person looks at shows how their switch ended; what failed is told all the same.
    """
    return notice.kind not in silenced and not (in_front and notice.kind is NoticeKind.SWITCHED)


def _elsewhere(known: Mapping[str, Served], after: Snapshot) -> list[Notice]:
    """Servers that answer with another model than before, though no operation of ours did it."""
    found = []
    for name, now in last_served({}, after).items():
        was, state = known.get(name), after.state_of(name)
        # Ollama loads what any client asks for and lists it in changing order: while one of the
        # models stays, nobody has switched.
        if was is None or state is None or (was.path == now.path and was.ids & now.ids):
            continue
        if after.operation is not None and started_by(state.container, after.operation.id):
            continue
        title = phrase("{name} is ready.", name=shown_name(running_on(after, state), state))
        text = phrase("Somebody else switched {server} on {host}.", server=name, host=after.host.name)
        found.append(Notice(NoticeKind.SWITCHED_ELSEWHERE, f"elsewhere:{name}", title, text, Urgency.LOW))
    return found


def last_served(known: Mapping[str, Served], snapshot: Snapshot) -> Mapping[str, Served]:
    """What each server answered with when it was last ready, by server; begin with an empty one.

    Nothing is known while the link is down, or during an operation of ours: what is found after
    that is taken as it is. An answer from before an operation's end is still about the time before.
    """
    if snapshot.link is not LinkPhase.CONNECTED or snapshot.active is not None:
        return {}
    operation = snapshot.operation
    since = 0.0 if operation is None else operation.ended_at or 0.0
    fresh = [s for s in snapshot.servers if s.ready and s.served and (s.read_at or 0.0) > since]
    return {**known, **{s.name: _served(snapshot, s) for s in fresh}}


def _served(snapshot: Snapshot, state: ServerState) -> Served:
    return Served(running_on(snapshot, state).model_path, frozenset(each.id for each in state.served or ()))


def down_since(before: Mapping[str, Watched], snapshot: Snapshot, now: float) -> Mapping[str, Watched]:
    """Since when servers that were ready are down without us, by server; begin with an empty one.

    To be called for every picture, and again at ``down_due``: nothing changes when a minute is over.
    ``now`` is in seconds of a clock that, where there is one, stands still while this computer sleeps:
    a minute asleep is none of being down.
    """
    if snapshot.link is not LinkPhase.CONNECTED or not snapshot.containers_known:
        # Whatever happens while nobody looks is no news later; what was seen to go down still is.
        return {name: seen for name, seen in before.items() if seen.down_at is not None}
    watched = {s.name: _watched(before.get(s.name), snapshot, s, now) for s in snapshot.servers}
    return {name: seen for name, seen in watched.items() if seen is not None}


def _watched(was: Watched | None, snapshot: Snapshot, state: ServerState, now: float) -> Watched | None:
    if snapshot.active is not None and _concerns(snapshot.active, state.name):
        return None
    match state.phase:
        case Phase.READY | Phase.BUSY:
            return Watched()
        case Phase.UNKNOWN:
            return was
        case Phase.STARTING | Phase.LOADING | Phase.STOPPING:
            # Somebody sees to it; but a notice that stands is withdrawn only when it is well again.
            return was if was is None or was.told else Watched()
        case Phase.DEGRADED if _answers(state):
            return Watched()
        case Phase.IDLE if _answers(state):
            return None  # Ollama has given up its model, as it does after a while
        case Phase.IDLE | Phase.DEGRADED | Phase.FAILED:
            return None if was is None else _down(was, now)
        case _:  # pragma: no cover
            assert_never(state.phase)


def _answers(state: ServerState) -> bool:
    """True when requests get through; a paused container was well when it was last asked."""
    paused = state.container is not None and state.container.state is ContainerState.PAUSED
    return state.health is Health.READY and not paused


def _concerns(operation: Operation, server: str) -> bool:
    """True when what happens to the server now is the operation's doing."""
    if isinstance(operation.wish, StopWish):
        return operation.wish.server in {None, server}
    return operation.server == server


def _down(was: Watched, now: float) -> Watched:
    if was.down_at is None:
        return Watched(now)
    return replace(was, told=was.told or now - was.down_at > DOWN_SECONDS)


def down_due(watched: Mapping[str, Watched]) -> float | None:
    """When ``down_since`` is to be called again although nothing happens; None for no need."""
    times = [w.down_at + DOWN_SECONDS for w in watched.values() if w.down_at is not None and not w.told]
    return min(times, default=None)


def server_down(
    snapshot: Snapshot, before: Mapping[str, Watched], after: Mapping[str, Watched]
) -> tuple[Notice | Withdraw, ...]:
    """What to tell, or to take back, when ``down_since`` made ``after`` of ``before``."""
    told_before = {name for name, seen in before.items() if seen.told}
    told = {name for name, seen in after.items() if seen.told}
    new = [s for s in snapshot.servers if s.name in told - told_before]
    withdrawn = [Withdraw(_down_key(name)) for name in sorted(told_before - told)]
    return (*(_down_notice(snapshot, state) for state in new), *withdrawn)


def _down_key(server: str) -> str:
    return f"down:{server}"


def _down_notice(snapshot: Snapshot, state: ServerState) -> Notice:
    text = server_sentence(snapshot, state)
    if state.failure is not None:
        text = _with_remedy(text, state.failure.remedy)
    return Notice(
        NoticeKind.DOWN,
        _down_key(state.name),
        phrase("{server} on {host} has been down for a minute.", server=state.name, host=snapshot.host.name),
        text,
        Urgency.NORMAL,
        NoticeAction(ActionKind.SHOW_LOG, state.name),
    )
