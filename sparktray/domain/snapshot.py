"""The snapshot: one immutable picture of a host, its servers, its vitals and the operation."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sparktray.domain.asking import Health, ServedModel
from sparktray.domain.catalogue import Catalogue, Server
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.memory import Footprint
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import Operation
from sparktray.domain.phrase import Phrase
from sparktray.domain.problem import Failure, Problem

Needs = tuple[tuple[str, str, Footprint], ...]
"""Model, server, and what the one would take on the other."""


class LinkPhase(StrEnum):
    """How it stands with the connection to the host."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    OFFLINE = "offline"  # tried again by itself
    BLOCKED = "blocked"  # waits for a person: host key, login, configuration


class Phase(StrEnum):
    """The state of one server."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    STARTING = "starting"
    LOADING = "loading"
    STOPPING = "stopping"
    READY = "ready"
    BUSY = "busy"
    DEGRADED = "degraded"
    FAILED = "failed"


class Icon(StrEnum):
    """The state of the whole, one shape each."""

    READY = "ready"
    LOADING = "loading"
    IDLE = "idle"
    DEGRADED = "degraded"
    FAILED = "failed"
    OFFLINE = "offline"
    CONNECTING = "connecting"
    ATTENTION = "attention"


class LoadProgress(msgspec.Struct, frozen=True):
    """How far a load is by the log: a phase and, where the engine counts, a fraction 0..1."""

    phase: Phrase
    fraction: float | None = None


class ServerState(msgspec.Struct, frozen=True):
    """What is known about one server of the catalogue.

    ``phase`` is derived from all the others by ``decide.truth`` and never set by hand. ``strikes``
    counts health answers missed since the last good one, ``ever_ready`` holds for this run of the
    container, as does ``wants_key``: it has refused us without a key.
    ``read_at``/``health_at`` are when the last probe and the last health answer came,
    ``installed_at`` when Ollama last told what it has, ``asking`` while a probe is on its way.
    ``following`` while its log is read as it grows, ``log_at`` is when its last line came;
    ``tail_of`` is the run (container id and start) whose last lines were asked for after its end,
    ``tail_read`` once they are here.
    """

    server: Server
    container: Container | None = None
    contradiction: Phrase | None = None
    stranger: str | None = None
    health: Health = Health.UNKNOWN
    served: tuple[ServedModel, ...] | None = None
    installed: tuple[str, ...] = ()
    installed_at: float | None = None
    running: int | None = None
    waiting: int | None = None
    tokens_per_second: float | None = None
    generated_tokens: float | None = None
    strikes: int = 0
    ever_ready: bool = False
    wants_key: bool = False
    asking: bool = False
    read_at: float | None = None
    health_at: float | None = None
    log: tuple[str, ...] = ()
    log_at: float | None = None
    following: bool = False
    tail_of: str | None = None
    tail_read: bool = False
    progress: LoadProgress | None = None
    failure: Failure | None = None
    phase: Phase = Phase.UNKNOWN

    @property
    def name(self) -> str:
        """The server's name in the catalogue."""
        return self.server.name

    @property
    def ready(self) -> bool:
        """True when requests are answered."""
        return self.phase in {Phase.READY, Phase.BUSY}


class Snapshot(msgspec.Struct, frozen=True):
    """Everything known about one host at one moment; owned by the controller's thread.

    ``epoch`` counts connections, ``sequence`` counts Docker's events. ``reading`` and ``stale``
    order full reads: one at a time, and another one when something happened meanwhile.
    ``observed_at`` is when Docker last answered, ``link_since`` when the link came into its present
    phase, both seconds since 1970. ``attempts`` counts connections tried since the last good one.
    ``tombstones`` are ids of destroyed containers with the sequence of that event, so that an
    older answer cannot bring them back. ``last_ready`` are the servers that were ready when the link was
    lost, as they were then; empty while there is one. ``needs`` is what each model would take on each of its
    servers, by the files of the host; a model whose folder is missing or incomplete is not in it.
    """

    host: HostProfile
    catalogue: Catalogue
    servers: tuple[ServerState, ...]
    link: LinkPhase = LinkPhase.CONNECTING
    problem: Problem | None = None
    docker_problem: Problem | None = None
    containers: tuple[Container, ...] = ()
    containers_known: bool = False
    vitals: Vitals = msgspec.field(default_factory=Vitals)
    operation: Operation | None = None
    epoch: int = 0
    sequence: int = 0
    reading: bool = False
    stale: bool = False
    read_at: float | None = None
    observed_at: float | None = None
    link_since: float | None = None
    attempts: int = 0
    tombstones: tuple[tuple[str, int], ...] = ()
    last_ready: tuple[ServerState, ...] = ()
    needs: Needs = ()

    def state_of(self, server: str) -> ServerState | None:
        """The state of the server of that name."""
        return next((state for state in self.servers if state.name == server), None)

    def container_named(self, name: str) -> Container | None:
        """The container of that name."""
        return next((c for c in self.containers if c.name == name), None)

    def container(self, identity: str) -> Container | None:
        """The container of that id."""
        return next((c for c in self.containers if c.id == identity), None)

    @property
    def active(self) -> Operation | None:
        """The operation that is not over yet."""
        return self.operation if self.operation is not None and self.operation.end is None else None


def first_snapshot(host: HostProfile, catalogue: Catalogue) -> Snapshot:
    """The picture before anything was read."""
    return Snapshot(host, catalogue, tuple(ServerState(server) for server in catalogue.servers))
