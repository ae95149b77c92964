"""What the reducer wants done. Carried out by the lanes of ``control``, never here."""

from __future__ import annotations

import msgspec

from sparktray.domain.action import Action
from sparktray.domain.catalogue import Server
from sparktray.domain.operation import Operation, Wish
from sparktray.engines.protocol import Depth


class Connect(msgspec.Struct, frozen=True):
    """Make the connection of this epoch; ``attempt`` > 0 waits its back-off first."""

    epoch: int
    attempt: int = 0


class ConnectNow(msgspec.Struct, frozen=True):
    """Let the next attempt to connect begin at once: the back-off under way, or the next one, is over."""


class ReadKeysAnew(msgspec.Struct, frozen=True):
    """Ask the keyring again for the keys of servers, which were read once and kept."""


class FindInterrupted(msgspec.Struct, frozen=True):
    """Look in the journal for an operation on this host that was broken off."""


class ReadNeeds(msgspec.Struct, frozen=True):
    """Read from the model folders what each model would take; only where somebody looks at the list."""

    epoch: int


class CheckLink(msgspec.Struct, frozen=True):
    """Find out at once whether the connection of this epoch still answers; end it if it does not."""

    epoch: int


class ReadContainers(msgspec.Struct, frozen=True):
    """Read the list and the details of what may be a server."""

    epoch: int
    asked: int


class ReadContainer(msgspec.Struct, frozen=True):
    """Inspect one container."""

    epoch: int
    asked: int
    id: str


class Probe(msgspec.Struct, frozen=True):
    """Ask a server's port how it is; ``container`` is the id it is meant for, None outside Docker.

    ``key`` is the keyring's name of the key that its engine asks for, None for none.
    """

    epoch: int
    server: Server
    container: str | None
    depth: Depth
    key: str | None = None


class FollowLog(msgspec.Struct, frozen=True):
    """Send a container's log lines as they come, beginning with those of its present run."""

    epoch: int
    server: str
    container: str
    tty: bool
    since: float | None


class StopFollowing(msgspec.Struct, frozen=True):
    """End the following of that server's log."""

    server: str


class ReadLogTail(msgspec.Struct, frozen=True):
    """Send the last 200 lines of a container that ended."""

    epoch: int
    server: str
    container: str
    tty: bool
    since: float | None


class TakeSurvey(msgspec.Struct, frozen=True):
    """Read from the host what a plan for this wish needs."""

    number: int
    wish: Wish


class Perform(msgspec.Struct, frozen=True):
    """Do a step of the operation and prove it; ``asked`` is the sequence of events by now."""

    asked: int
    number: int
    index: int
    operation: str
    wish: Wish
    action: Action


class Interrupt(msgspec.Struct, frozen=True):
    """Break off this step, where that is harmless, even when it is still waiting for its lane."""

    number: int
    index: int


class Journal(msgspec.Struct, frozen=True):
    """Write how the operation stands; done before whatever was asked for after it."""

    operation: Operation


class RememberLoad(msgspec.Struct, frozen=True):
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
