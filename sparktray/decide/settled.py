"""Whether the picture is complete: what a command waits for before it prints or changes anything."""

from __future__ import annotations

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
