"""What the crew wants kept of operations; ``wiring`` puts journal and durations behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sparktray.domain.operation import Operation


class Records(Protocol):
    """What is kept of operations on this computer's disk."""

    def write(self, operation: Operation, host: str) -> None:
        """Keep how an operation stands; on disk when this returns."""

    def record(self, operation: str, host: str, container: str, inspect: Mapping[str, object]) -> None:
        """Keep a container's whole description; on disk when this returns."""

    def recorded(self, operation: str, container: str) -> Mapping[str, object] | None:
        """A kept description."""

    def put_aside(self, host: str) -> frozenset[str]:
        """Ids of containers that operations of ours put aside and did not tidy up."""

    def interrupted(self, host: str) -> frozenset[str]:
        """Operations of ours that never ended and that no program is at work on any more."""

    def broken_off(self, host: str) -> Operation | None:
        """Our latest operation that changed something, never ended well, and nobody set right since."""

    def descriptions(self, operation: str) -> Sequence[Mapping[str, object]]:
        """All descriptions that an operation kept, in the order in which it did."""

    def remember(self, host: str, server: str, model: str, seconds: float) -> None:
        """Keep how long a model took to load."""

    def usual(self, host: str, server: str, model: str) -> float | None:
        """How long it usually takes, in seconds."""
