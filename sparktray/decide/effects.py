"""What the reducer wants done. Carried out by the lanes of ``control``, never here."""

from __future__ import annotations

from dataclasses import dataclass

from sparktray.domain.action import Action
from sparktray.domain.catalogue import Server
from sparktray.domain.operation import Operation, Wish
from sparktray.engines.protocol import Depth


@dataclass(frozen=True, slots=True)
class Connect:
    """Make the connection of this epoch; ``attempt`` > 0 waits its back-off first."""

    epoch: int
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class ConnectNow:
    """Let the next attempt to connect begin at once: the back-off under way, or the next one, is over."""


@dataclass(frozen=True, slots=True)
class ReadKeysAnew:
    """Ask the keyring again for the keys of servers, which were read once and kept."""


@dataclass(frozen=True, slots=True)
class FindInterrupted:
    """Look in the journal for an operation on this host that was broken off."""


@dataclass(frozen=True, slots=True)
class ReadNeeds:
    """Read from the model folders what each model would take; only where somebody looks at the list."""

    epoch: int


@dataclass(frozen=True, slots=True)
class CheckLink:
    """Find out at once whether the connection of this epoch still answers; end it if it does not."""

    epoch: int


@dataclass(frozen=True, slots=True)
class ReadContainers:
    """Read the list and the details of what may be a server."""

    epoch: int
    asked: int


@dataclass(frozen=True, slots=True)
class ReadContainer:
    """Inspect one container."""

    epoch: int
    asked: int
    id: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask a server's port how it is; ``container`` is the id it is meant for, None outside Docker.

    ``key`` is the keyring's name of the key that its engine asks for, None for none.
    """

    epoch: int
    server: Server
    container: str | None
    depth: Depth
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FollowLog:
    """Send a container's log lines as they come, beginning with those of its present run."""

    epoch: int
    server: str
    container: str
    tty: bool
    since: float | None


@dataclass(frozen=True, slots=True)
class StopFollowing:
    """End the following of that server's log."""

    server: str


@dataclass(frozen=True, slots=True)
class ReadLogTail:
    """Send the last 200 lines of a container that ended."""

    epoch: int
    server: str
    container: str
    tty: bool
    since: float | None


@dataclass(frozen=True, slots=True)
class TakeSurvey:
    """Read from the host what a plan for this wish needs."""

    number: int
    wish: Wish


@dataclass(frozen=True, slots=True)
class Perform:
    """Do a step of the operation and prove it; ``asked`` is the sequence of events by now."""

    asked: int
    number: int
    index: int
    operation: str
    wish: Wish
    action: Action


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Break off this step, where that is harmless, even when it is still waiting for its lane."""

    number: int
    index: int


@dataclass(frozen=True, slots=True)
class Journal:
    """Write how the operation stands; done before whatever was asked for after it."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class RememberLoad:
    """Keep how long a model took to load on this host."""

    model: str
    server: str
    seconds: float


Effect = (
    Connect
    | ConnectNow
    | ReadKeysAnew
    | CheckLink
    | FindInterrupted
    | ReadNeeds
    | ReadContainers
    | ReadContainer
    | Probe
    | FollowLog
    | StopFollowing
    | ReadLogTail
    | TakeSurvey
    | Perform
    | Interrupt
    | Journal
    | RememberLoad
)
