"""One step being performed, and what performing it may end in."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from sparktray.control.performing.records import Records
from sparktray.decide.effects import Perform
from sparktray.domain.asking import Proof
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.docker.answers import inspected
from sparktray.domain.docker.container import Container
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.domain.text import clean_line
from sparktray.remote.contract import Remote
from sparktray.remote.link import Cancel


class NotProven(Exception):
    """A step was tried and the host is not as it claims."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.code)


NamedSecret = Callable[[str], Secret | None]


class Task(msgspec.Struct, frozen=True):
    """One step of an operation: where, what, what is kept of it, whom to tell, and what breaks it off.

    ``say`` shows a line of output, ``came`` the same with bytes that are here and in all; ``cancel`` is set
    by a person or by the end of the program. ``secret`` gives a value of the keyring by name, None when it
    is not stored; it may raise `KeyringUnavailable`.
    """

    remote: Remote
    host: HostProfile
    catalogue: Catalogue
    records: Records
    effect: Perform
    say: Callable[[str], None]
    came: Callable[[str, int, int], None]
    cancel: Cancel
    secret: NamedSecret

    def found(self, name: str) -> Container | None:
        """The container of that id or name as it is now."""
        return inspected(self.remote.docker.inspect(name))

    def port(self, server: str) -> int:
        """The port of that server on the host; 0 for one that the catalogue does not have."""
        known = self.catalogue.server(server)
        return known.port if known is not None else 0


class Pace:
    """When bytes that come are worth showing: four times a second, and each hundredth of the whole.

    The latter so that what stands still is shown where it stands, and not as it was a moment before.
    """

    def __init__(self) -> None:
        self._at, self._done = 0.0, 0

    def due(self, done: int, total: int) -> bool:
        """Whether to show this much now."""
        now = time.monotonic()
        if now - self._at < _SHOW_SECONDS and done - self._done < max(1, total // 100):
            return False
        self._at, self._done = now, done
        return True


# Docker draws ten times a second for each layer; nobody reads faster than this.
_SHOW_SECONDS = 0.25


def must(proof: Proof) -> None:
    """Raise `NotProven` where the model did not answer."""
    if not proof.holds:
        raise NotProven(
            Problem(
                "no-answer",
                phrase("The model does not answer: {detail}", detail=clean_line(proof.detail)),
                phrase("Look at the last lines of its log."),
                proof.detail,
            )
        )
