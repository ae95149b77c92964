"""Servers that are down for longer than a restart takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import msgspec
from msgspec.structs import replace

from sparktray.decide.showing.notices.notice import (
    ActionKind,
    Notice,
    NoticeAction,
    NoticeKind,
    Urgency,
    Withdraw,
    with_remedy,
)
from sparktray.decide.showing.present import server_sentence
from sparktray.domain.asking import Health
from sparktray.domain.docker.container import ContainerState
from sparktray.domain.operation import (
    Operation,
    StopWish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import LinkPhase, Phase, ServerState, Snapshot

# A restart by Docker's policy, or a stop that a start follows, is no news.
DOWN_SECONDS = 60.0


class Watched(msgspec.Struct, frozen=True):
    """A server that was seen ready. ``down_at`` is since when it is not, by the clock of `down_since`.

    ``told`` once that was said.
    """

    down_at: float | None = None
    told: bool = False


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
        text = with_remedy(text, state.failure.remedy)
    return Notice(
        NoticeKind.DOWN,
        _down_key(state.name),
        phrase("{server} on {host} has been down for a minute.", server=state.name, host=snapshot.host.name),
        text,
        Urgency.NORMAL,
        NoticeAction(ActionKind.SHOW_LOG, state.name),
    )
