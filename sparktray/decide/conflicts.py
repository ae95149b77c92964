"""What stands in each other's way on a host: who it is about, and the one action that resolves it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from sparktray.decide.changing.headroom import headroom
from sparktray.decide.changing.room import holds_memory
from sparktray.decide.identity import port_held, stranger_on
from sparktray.domain.docker.container import PREVIOUS, Container
from sparktray.domain.operation import OperationEnd, StopWish, SwitchWish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LinkPhase, Phase, ServerState, Snapshot
from sparktray.domain.text import clean_name, has_hidden
from sparktray.engines.docker_failures import diagnose_docker
from sparktray.engines.registry import engine
from sparktray.engines.sizes import GIB

# Policies by which Docker starts a container when it starts itself; "on-failure" needs a failure.
_BY_ITSELF = {"always", "unless-stopped"}
# dockerd starts all of them at once; with a GPU each takes a second or two.
_TOGETHER_SECONDS = 30.0
# What ended together ended within Docker's own grace of each other.
_EARLIER_SECONDS = 60.0


class ConflictCode(StrEnum):
    """What a conflict is about; the gravest first."""

    MEMORY_LOW = "memory-low"
    STARTED_BY_DOCKER = "started-by-docker"
    PREVIOUS_RUNS = "previous-runs"
    TWO_ON_ONE_PORT = "two-on-one-port"
    PORT_HELD = "port-held"


class WayOut(msgspec.Struct, frozen=True):
    """The one action: what ``wish`` asks for, or what only a person can do, on the host by ``command``."""

    label: Phrase
    command: str
    wish: StopWish | None = None


class Conflict(msgspec.Struct, frozen=True):
    """Two that cannot both be: ``servers`` are the catalogue's servers it concerns."""

    code: ConflictCode
    sentence: Phrase
    servers: tuple[str, ...]
    way_out: WayOut

    @property
    def presses(self) -> bool:
        """True for what cannot wait; somebody else on a port may be there for good."""
        return self.code is not ConflictCode.PORT_HELD


def conflicts(snapshot: Snapshot) -> tuple[Conflict, ...]:
    """All of them, the gravest first; none while an operation is changing the host."""
    known = snapshot.link is LinkPhase.CONNECTED and snapshot.containers_known
    if not known or snapshot.active is not None:
        return ()
    revived = _revived(snapshot)
    low = _memory_low(snapshot, revived)
    named = {low.way_out.wish.server} if low is not None and low.way_out.wish is not None else set()
    found = [_started(snapshot, state) for state in revived if state.name not in named]
    per_server = [each for state in snapshot.servers for each in _of_server(snapshot, state)]
    every = [*([] if low is None else [low]), *found, *per_server]
    order = list(ConflictCode)
    return tuple(sorted(every, key=lambda each: order.index(each.code)))


def _stop(state: ServerState) -> WayOut:
    """Stop it, and where Docker would start it again by itself, for good."""
    name, words = state.name, ("sparktray", "stop", state.name)
    if state.container is None or state.container.restart_policy not in _BY_ITSELF:
        return WayOut(phrase("Stop {server}", server=name), shlex.join(words), StopWish(name))
    label = phrase("Stop {server} and keep it down", server=name)
    return WayOut(label, shlex.join((*words, "--stay-down")), StopWish(name, stay_down=True))


def _by_hand(container: Container) -> WayOut:
    """Nothing of other people's is touched: a person stops it. By its id, where the name does not show."""
    name = clean_name(container.id[:12]) if has_hidden(container.name) else container.name
    return WayOut(phrase("Copy command"), shlex.join(("docker", "stop", name)))


def _memory_low(snapshot: Snapshot, revived: list[ServerState]) -> Conflict | None:
    """Two servers hold memory, and less than the host needs for itself is left."""
    available, total = snapshot.vitals.available_bytes, snapshot.vitals.total_bytes
    holding = [state for state in snapshot.servers if holds_memory(state)]
    if available is None or total is None or available >= headroom(total) or len(holding) < 2:
        return None
    return Conflict(
        ConflictCode.MEMORY_LOW,
        # Without what is free now, which moves all the time.
        phrase(
            "Memory is short: {names} leave {host} less than the {kept} GiB that it needs for itself.",
            names=", ".join(state.name for state in holding),
            host=snapshot.host.name,
            kept=round(headroom(total) / GIB, 1),
        ),
        tuple(state.name for state in holding),
        _stop(_dispensable(snapshot, holding, revived, headroom(total) - available)),
    )


def _dispensable(
    snapshot: Snapshot, holding: list[ServerState], revived: list[ServerState], missing: int
) -> ServerState:
    """The one to stop: started by nobody before all, idle before busy, and as small as suffices."""
    counted = dict(snapshot.vitals.shares or ())
    kept = _just_switched_to(snapshot, holding, revived)

    def size(state: ServerState) -> int:
        return counted.get(state.container.id, 0) if state.container is not None else 0

    def rank(state: ServerState) -> tuple[bool, bool, bool, int]:
        enough = size(state) >= missing
        busy = bool((state.running or 0) + (state.waiting or 0))
        return state not in revived, busy, not enough, size(state) if enough else -size(state)

    return min((state for state in holding if state is not kept), key=rank)


def _just_switched_to(
    snapshot: Snapshot, holding: list[ServerState], revived: list[ServerState]
) -> ServerState:
    """What a person wanted last: by our own last switch, else what was started last and not by Docker."""
    last = snapshot.operation
    switched = last is not None and last.end is OperationEnd.DONE and isinstance(last.wish, SwitchWish)
    wanted = last.server if last is not None and switched else None
    ours = next((state for state in holding if state.name == wanted), None)
    return ours or max(holding, key=lambda state: (state not in revived, _started_at(state)))


def _started_at(state: ServerState) -> float:
    return (state.container.started_at if state.container is not None else None) or 0.0


def _revived(snapshot: Snapshot) -> list[ServerState]:
    """Servers that Docker started again by itself, together with what really ran before.

    A running container still tells when its run before this one ended. One that was down already when the
    others ended was not wanted then: it is back by its restart policy alone.
    """
    holding = [state for state in snapshot.servers if holds_memory(state)]
    return [state for state in holding if any(_came_along(state, other) for other in holding)]


def _came_along(state: ServerState, other: ServerState) -> bool:
    one, two = state.container, other.container
    if one is None or two is None or not {one.restart_policy, two.restart_policy} <= _BY_ITSELF:
        return False
    times = (one.started_at, two.started_at, one.finished_at, two.finished_at)
    if any(time is None for time in times):
        return False
    together = abs(_started_at(state) - _started_at(other)) <= _TOGETHER_SECONDS
    return together and (two.finished_at or 0.0) - (one.finished_at or 0.0) > _EARLIER_SECONDS


def _started(snapshot: Snapshot, state: ServerState) -> Conflict:
    others = [each.name for each in snapshot.servers if _came_along(state, each)]
    return Conflict(
        ConflictCode.STARTED_BY_DOCKER,
        phrase(
            "Docker started {server} by its restart policy, although only {names} ran before.",
            server=state.name,
            names=", ".join(others),
        ),
        (state.name, *others),
        _stop(state),
    )


def _of_server(snapshot: Snapshot, state: ServerState) -> Iterator[Conflict]:
    """What stands in the place of one server."""
    server = state.server
    previous = snapshot.container_named(server.container + PREVIOUS)
    if previous is not None and previous.running:
        yield Conflict(
            ConflictCode.PREVIOUS_RUNS,
            phrase("Container {name} runs, which a switch had put aside.", name=clean_name(previous.name)),
            (state.name,),
            _by_hand(previous),
        )
    holders = [c for c in snapshot.containers if port_held(c, server.port)]
    known = engine(server.engine)
    claiming = [c for c in holders if known.recognises(c) and c is not previous]
    stranger = stranger_on(server, snapshot.containers)
    if len(claiming) > 1:
        # Of several the first is taken for the server.
        yield _two(state, *claiming[:2])
    elif stranger is not None and not claiming:
        yield _held(state, stranger)
    elif _no_port(state):
        yield _held_by_program(state)


def _two(state: ServerState, first: Container, second: Container) -> Conflict:
    return Conflict(
        ConflictCode.TWO_ON_ONE_PORT,
        phrase(
            "Containers {first} and {second} both claim port {port} of {server}.",
            first=clean_name(first.name),
            second=clean_name(second.name),
            port=state.server.port,
            server=state.name,
        ),
        (state.name,),
        _by_hand(second),
    )


def _held(state: ServerState, stranger: Container) -> Conflict:
    return Conflict(
        ConflictCode.PORT_HELD,
        phrase(
            "Container {name} holds port {port} of {server}.",
            name=clean_name(stranger.name),
            port=state.server.port,
            server=state.name,
        ),
        (state.name,),
        _by_hand(stranger),
    )


def _no_port(state: ServerState) -> bool:
    """True for a container that did not start because a program outside Docker had its port."""
    container = state.container
    if container is None or container.running or state.phase is not Phase.FAILED:
        return False
    told = diagnose_docker(container.error)
    return told is not None and told.code == "port-taken" and "already allocated" not in container.error


def _held_by_program(state: ServerState) -> Conflict:
    port = state.server.port
    return Conflict(
        ConflictCode.PORT_HELD,
        phrase(
            "{server} could not be started: a program of the host, and no container, held its port {port}.",
            server=state.name,
            port=port,
        ),
        (state.name,),
        # It tells which program that is.
        WayOut(phrase("Copy command"), shlex.join(("sudo", "ss", "-ltnp", f"sport = :{port}"))),
    )
