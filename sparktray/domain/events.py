"""Everything that can happen: the only input of ``decide.reduce``.

Results carry the epoch (number of the connection) they began in, results of an operation also its
number and the index of the step: what comes too late is ignored.
"""

from __future__ import annotations

import msgspec

from sparktray.domain.asking import Reading
from sparktray.domain.docker.answers import DockerEvent
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.survey import Survey
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.operation import Operation, Wish
from sparktray.domain.phrase import Phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Needs


class Ticked(msgspec.Struct, frozen=True):
    """Time passed; the controller ticks when ``decide.timing`` says something may be due."""


class LinkUp(msgspec.Struct, frozen=True):
    """Connected, logged in, the host key verified; begins the epoch."""

    epoch: int


class LinkDown(msgspec.Struct, frozen=True):
    """The connection could not be made or is lost; ``blocked`` when only a person can mend it."""

    epoch: int
    problem: Problem
    blocked: bool = False


class Woke(msgspec.Struct, frozen=True):
    """This computer slept, or is in another network: the link may be dead without anybody having noticed."""


class RetryNow(msgspec.Struct, frozen=True):
    """A person looks (a menu opened): a link that waits to be tried again is tried at once."""


class ContainersRead(msgspec.Struct, frozen=True):
    """A full reading, asked for when the sequence was ``asked``."""

    epoch: int
    asked: int
    containers: tuple[Container, ...]


class ContainersUnread(msgspec.Struct, frozen=True):
    """Docker did not give its list."""

    epoch: int
    problem: Problem


class DockerHappened(msgspec.Struct, frozen=True):
    """Docker told of a container."""

    epoch: int
    event: DockerEvent


class StreamOpened(msgspec.Struct, frozen=True):
    """The event stream was (re)opened: what happened before is not known, so everything is read."""

    epoch: int


class ContainerRead(msgspec.Struct, frozen=True):
    """One container, asked for by id when the sequence was ``asked``; None when it does not exist."""

    epoch: int
    asked: int
    id: str
    container: Container | None


class Probed(msgspec.Struct, frozen=True):
    """What a probe of a server's port showed; ``container`` is the id it was meant for, or None."""

    epoch: int
    server: str
    container: str | None
    reading: Reading


class LogSaid(msgspec.Struct, frozen=True):
    """New log lines of a server's container, cleaned."""

    epoch: int
    server: str
    container: str
    lines: tuple[str, ...]


class LogTailRead(msgspec.Struct, frozen=True):
    """The last lines of a container that ended, cleaned; empty when they are gone with it."""

    epoch: int
    server: str
    container: str
    lines: tuple[str, ...]


class Sampled(msgspec.Struct, frozen=True):
    """Vitals of the host."""

    epoch: int
    vitals: Vitals


class NeedsRead(msgspec.Struct, frozen=True):
    """What each model would take on each of its servers."""

    epoch: int
    needs: Needs


class FoundInterrupted(msgspec.Struct, frozen=True):
    """The journal tells of an operation that an earlier program began and never ended."""

    operation: Operation


class Wished(msgspec.Struct, frozen=True):
    """Somebody asked for a change; ``id`` names the operation in labels and journal."""

    wish: Wish
    number: int
    id: str


class Surveyed(msgspec.Struct, frozen=True):
    """The facts for a plan are read, or could not be."""

    number: int
    survey: Survey | Problem
    usual_seconds: float | None = None


class StepSaid(msgspec.Struct, frozen=True):
    """A line of output of the step being worked on; ``fetched`` are bytes that are here and in all."""

    number: int
    index: int
    line: str
    fetched: tuple[int, int] | None = None


class StepDone(msgspec.Struct, frozen=True):
    """A step is done and proven; ``found`` is the container as the proof read it, ``result`` what it counted.

    ``check`` brings the survey and the containers it read, asked for at that sequence.
    """

    number: int
    index: int
    found: Container | None = None
    survey: Survey | None = None
    containers: tuple[Container, ...] = ()
    asked: int = 0
    result: Phrase | None = None


class StepFailed(msgspec.Struct, frozen=True):
    """A step did not achieve what it claims; ``lost`` when only the connection broke."""

    number: int
    index: int
    problem: Problem
    lost: bool = False


class CancelAsked(msgspec.Struct, frozen=True):
    """A person wants the operation to stop and to be taken back."""

    number: int


Event = (
    Ticked
    | LinkUp
    | LinkDown
    | Woke
    | RetryNow
    | ContainersRead
    | ContainersUnread
    | StreamOpened
    | DockerHappened
    | ContainerRead
    | Probed
    | LogSaid
    | LogTailRead
    | Sampled
    | NeedsRead
    | FoundInterrupted
    | Wished
    | Surveyed
    | StepSaid
    | StepDone
    | StepFailed
    | CancelAsked
)

DOCKER_CHANGES = frozenset({"die", "destroy", "oom", "pause", "unpause", "rename"})
"""Actions that change a container in the snapshot at once, before it is confirmed by reading."""
