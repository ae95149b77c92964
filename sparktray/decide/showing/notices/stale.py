"""An ID that was copied for a client and that its server does not serve any more."""

from __future__ import annotations

from collections.abc import Mapping

from sparktray.decide.identity import running_on
from sparktray.decide.showing.notices.notice import ActionKind, Notice, NoticeAction, NoticeKind, Urgency
from sparktray.decide.showing.present import shown_name
from sparktray.domain.catalogue import EngineKind
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import LinkPhase, ServerState, Snapshot
from sparktray.domain.text import clean_name, has_hidden


def noted(copied: Mapping[str, str], snapshot: Snapshot, text: str) -> Mapping[str, str]:
    """What was copied by server, after one more text: an ID that a ready server serves, or nothing new."""
    servers = [state.name for state in snapshot.servers if state.ready and text in _ids(state)]
    return {**copied, **dict.fromkeys(servers, text)}


def stale(copied: Mapping[str, str], snapshot: Snapshot) -> tuple[Notice, ...]:
    """One notice for each server that is ready with other IDs than what was copied of it.

    Not while an operation is under way: a server that is being switched is judged by what it comes to.
    """
    if snapshot.link is not LinkPhase.CONNECTED or snapshot.active is not None:
        return ()
    found = []
    for state in snapshot.servers:
        old, now = copied.get(state.name), running_on(snapshot, state).model_id
        if old is None or now is None or not state.ready or old in _ids(state) or has_hidden(now):
            continue
        found.append(_notice(snapshot, state, old, now))
    return tuple(found)


def still_good(copied: Mapping[str, str], told: tuple[Notice, ...]) -> Mapping[str, str]:
    """What is left to look out for: nothing is said twice."""
    over = {each.action.server for each in told if each.action is not None}
    return {server: text for server, text in copied.items() if server not in over}


def _ids(state: ServerState) -> set[str]:
    """What it answers to; Ollama takes any model that it has."""
    ids = {each.id for each in state.served or ()}
    return ids | set(state.installed) if state.server.engine is EngineKind.OLLAMA else ids


def _notice(snapshot: Snapshot, state: ServerState, old: str, now: str) -> Notice:
    return Notice(
        NoticeKind.STALE_COPY,
        f"stale:{state.name}",
        phrase("{name} is ready.", name=shown_name(running_on(snapshot, state), state)),
        phrase(
            "The ID that you copied, {old}, is no longer served on {server} of {host}; now it is {new}.",
            old=clean_name(old),
            server=state.name,
            host=snapshot.host.name,
            new=clean_name(now),
        ),
        Urgency.NORMAL,
        NoticeAction(ActionKind.COPY_NEW_ID, state.name),
    )
