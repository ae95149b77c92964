"""Whether the picture is complete: what a command waits for before it prints or changes anything."""

from __future__ import annotations

from msgspec.structs import replace

from sparktray.decide.timing import probe_due
from sparktray.domain.snapshot import LinkPhase, ServerState, Snapshot


def settled(snapshot: Snapshot) -> bool:
    """True when everything that can be known now is known, or cannot be reached."""
    if snapshot.link is not LinkPhase.CONNECTED:
        return snapshot.link in {LinkPhase.BLOCKED, LinkPhase.OFFLINE}
    if not snapshot.containers_known:
        return snapshot.docker_problem is not None
    if snapshot.vitals.at is None:
        return False
    return all(_server_settled(snapshot, state) for state in snapshot.servers)


def _server_settled(snapshot: Snapshot, state: ServerState) -> bool:
    if state.container is not None and not state.container.running:
        return not state.asking and (state.tail_of is None or state.tail_read)
    unasked = probe_due(snapshot, state) is None and not state.asking
    return unasked or state.read_at is not None


def only_asked(before: Snapshot, after: Snapshot) -> bool:
    """True when questions to servers went out and nothing else is new: nothing that anybody could see.

    At rest that is so of two pictures in five.
    """
    if len(after.servers) != len(before.servers) or replace(after, servers=before.servers) != before:
        return False
    pairs = zip(before.servers, after.servers, strict=True)
    return all(new is old or replace(new, asking=old.asking) == old for old, new in pairs)
