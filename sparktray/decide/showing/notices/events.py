"""What a person is told without asking: as the difference between two pictures, and mostly nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import assert_never

import msgspec

from sparktray.decide.changing.headroom import headroom
from sparktray.decide.conflicts import ConflictCode, conflicts
from sparktray.decide.identity import running_on
from sparktray.decide.showing.notices.notice import (
    ActionKind,
    Notice,
    NoticeAction,
    NoticeKind,
    Urgency,
    Withdraw,
    with_remedy,
)
from sparktray.decide.showing.present import operation_sentence, shown_name
from sparktray.decide.truth import started_by
from sparktray.decide.ways_on import WayOn, remedies
from sparktray.decide.webui.planning import archive_of_operation
from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
    Operation,
    OperationEnd,
    RestoreWish,
    StopWish,
    SwitchWish,
    WipeWish,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LinkPhase, ServerState, Snapshot
from sparktray.domain.text import has_hidden

_OPERATION_KEY, _LINK_KEY, _MEMORY_KEY = "operation", "link", "memory"
# What hovers about the mark is told once: it is over when that much more is free again.
_CLEAR_BYTES = 1 << 30

# A host key that differs may be somebody in the way; nobody must find that out by looking.
_CHANGED_KEY = "host-key-changed"


class Served(msgspec.Struct, frozen=True):
    """What a server answered with when it was last ready: its mounted folder and its exact IDs."""

    path: str | None
    ids: frozenset[str]


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
            return _failed(after, operation)
        case OperationEnd.CANCELLED | OperationEnd.PLANNED | OperationEnd.INTERRUPTED:
            return None
        case _:  # pragma: no cover
            assert_never(operation.end)


def _done(snapshot: Snapshot, operation: Operation) -> Notice:
    title, text = _done_words(snapshot, operation)
    if operation.failure is not None:  # it serves, but something could not be tidied up
        text = with_remedy(operation.failure.cause, operation.failure.remedy)
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
        case WipeWish() | RestoreWish() | ForgetWish():
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


def _failed(snapshot: Snapshot, operation: Operation) -> Notice:
    title, failure = operation_sentence(operation), operation.failure
    text = phrase("Look at the log of the server.")
    ways: tuple[WayOn, ...] = ()
    if failure is not None:
        text = with_remedy(failure.cause, failure.remedy)
        ways = remedies(snapshot, operation, failure)
    touched = operation.end is not OperationEnd.REFUSED and operation.server is not None
    action = NoticeAction(ActionKind.SHOW_LOG, operation.server) if touched and operation.server else None
    if ways and operation.end is not OperationEnd.NEEDS_YOU:
        action = NoticeAction(ActionKind.WAY_ON, operation.server or "", ways[0])
    return Notice(NoticeKind.FAILED, _OPERATION_KEY, title, text, Urgency.NORMAL, action)


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
    text = with_remedy(problem.cause, problem.remedy)
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
