"""An ID that was copied for a client and that its server does not serve any more."""

from __future__ import annotations

from collections.abc import Iterable

from sparktray.decide.clients.remembered import CopiedId
from sparktray.decide.clients.view import client_name
from sparktray.decide.identity import running_on
from sparktray.decide.servers import answers_to
from sparktray.decide.showing.notices.notice import ActionKind, Notice, NoticeAction, NoticeKind, Urgency
from sparktray.decide.showing.present import shown_name
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import LinkPhase, ServerState, Snapshot
from sparktray.domain.text import clean_name, has_hidden


def good(copies: Iterable[CopiedId], snapshot: Snapshot) -> frozenset[CopiedId]:
    """Those that are right at the moment: only of what was right once is it told that it is so no more."""
    return frozenset(
        each for each in copies if (s := _ready(each, snapshot)) and each.model_id in answers_to(s)
    )


def outdated(copies: Iterable[CopiedId], snapshot: Snapshot) -> frozenset[CopiedId]:
    """Those whose server is ready with other IDs.

    Not while an operation is under way: a server that is being switched is judged by what it comes to.
    """
    if snapshot.active is not None:
        return frozenset()
    return frozenset(
        each for each in copies if (s := _ready(each, snapshot)) and each.model_id not in answers_to(s)
    )


def stale(gone: Iterable[CopiedId], snapshot: Snapshot) -> tuple[Notice, ...]:
    """One notice for each server of which an ID was copied that is no longer served."""
    found: dict[str, list[CopiedId]] = {}
    for each in gone:
        found.setdefault(each.server, []).append(each)
    notices = []
    for server, copies in sorted(found.items()):
        state = snapshot.state_of(server)
        now = None if state is None else running_on(snapshot, state).model_id
        if state is not None and now is not None and not has_hidden(now):
            notices.append(_notice(snapshot, state, sorted(copies, key=lambda each: each.client), now))
    return tuple(notices)


def _ready(copy: CopiedId, snapshot: Snapshot) -> ServerState | None:
    if snapshot.link is not LinkPhase.CONNECTED or copy.host != snapshot.host.name:
        return None
    state = snapshot.state_of(copy.server)
    return state if state is not None and state.ready and state.served else None


def _notice(snapshot: Snapshot, state: ServerState, copies: list[CopiedId], now: str) -> Notice:
    clients = ", ".join(client_name(each.client) for each in copies if each.client)
    values = {
        "old": ", ".join(dict.fromkeys(clean_name(each.model_id) for each in copies)),
        "server": state.name,
        "host": snapshot.host.name,
        "new": clean_name(now),
    }
    text = phrase(
        "The ID that you copied, {old}, is no longer served on {server} of {host}; now it is {new}.", **values
    )
    if clients:
        text = phrase(
            "The ID that you copied for {clients}, {old}, is no longer served on {server} of {host}; now it "
            "is {new}.",
            clients=clients,
            **values,
        )
    return Notice(
        NoticeKind.STALE_COPY,
        f"stale:{state.name}",
        phrase("{name} is ready.", name=shown_name(running_on(snapshot, state), state)),
        text,
        Urgency.NORMAL,
        NoticeAction(ActionKind.COPY_NEW_ID, state.name),
    )
