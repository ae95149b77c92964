"""A container as Docker describes it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

LABEL = "org.sparktray"
LABEL_SERVER = f"{LABEL}.server"
LABEL_MODEL = f"{LABEL}.model"
LABEL_OPERATION = f"{LABEL}.operation"
LOCK_NAME = "sparktray-lock"
LABEL_LOCK_OWNER = f"{LABEL}.lock.owner"
LABEL_LOCK_SINCE = f"{LABEL}.lock.since"
LABEL_LOCK_EXPIRES = f"{LABEL}.lock.expires"
COMPOSE_LABEL = "com.docker.compose.project"
PREVIOUS = ".previous"


class ContainerState(StrEnum):
    """Docker's own words for the state of a container."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


class PublishedPort(msgspec.Struct, frozen=True):
    """A port of the host and the container port behind it; ``address`` is the host's own."""

    port: int
    container_port: int
    address: str = "0.0.0.0"  # noqa: S104  Docker's default, reported and not bound by us


class Mount(msgspec.Struct, frozen=True):
    """A host folder or volume seen inside a container."""

    source: str
    destination: str
    volume: str | None = None


class Container(msgspec.Struct, frozen=True):
    """One container; environment values are never part of it.

    ``inspected`` says that the details (argv, mounts, network, restart policy, times) were read
    and not only the list. ``sequence`` is the number of the last event that changed it: an answer
    asked for before that event does not overwrite it. Times are seconds since 1970, UTC.
    """

    id: str
    name: str
    image: str
    state: ContainerState
    ports: tuple[PublishedPort, ...] = ()
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    argv: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    network: str = ""
    restart_policy: str = "no"
    auto_remove: bool = False
    exit_code: int | None = None
    oom_killed: bool = False
    error: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    restarts: int = 0
    tty: bool = False
    inspected: bool = False
    confirmed: bool = True
    sequence: int = 0

    @property
    def running(self) -> bool:
        """True while its processes exist (paused ones hold memory too)."""
        return self.state in {ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.RESTARTING}

    @property
    def managed(self) -> bool:
        """True when this program started it."""
        return LABEL_SERVER in self.labels

    @property
    def of_compose(self) -> bool:
        """True when Compose made it: it is stopped and started, never renamed or removed."""
        return COMPOSE_LABEL in self.labels

    @property
    def is_lock(self) -> bool:
        """True for the lock of a running operation, which is no server and no stranger."""
        return self.name == LOCK_NAME

    def option(self, *names: str) -> str | None:
        """The value of the first of these options in its command line, ``--x v`` or ``--x=v``."""
        for index, word in enumerate(self.argv):
            flag, equals, value = word.partition("=")
            if flag in names:
                if equals:
                    return value
                return self.argv[index + 1] if index + 1 < len(self.argv) else None
        return None

    def host_path(self, inside: str) -> str | None:
        """The host folder that a path inside the container shows, None when it is not of the host."""
        best: Mount | None = None
        for mount in self.mounts:
            at = mount.destination.rstrip("/")
            covers = inside == at or inside.startswith(at + "/")
            if covers and (best is None or len(at) > len(best.destination.rstrip("/"))):
                best = mount
        if best is None or not best.source:  # a tmpfs has no source
            return None
        return best.source.rstrip("/") + inside[len(best.destination.rstrip("/")) :].rstrip("/") or "/"
