"""A host whose containers print what a test has them print; the rig reads real ones."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Self, cast

from sparktray.remote.contract import Remote
from sparktray.remote.errors import LinkLost


class Printed:
    """The open log of one container."""

    def __init__(self, container: str) -> None:
        self.container = container
        self.closed = threading.Event()
        self._lines: queue.SimpleQueue[bytes | LinkLost | None] = queue.SimpleQueue()

    def say(self, *lines: str) -> None:
        """Have the container print these."""
        for line in lines:
            self._lines.put(line.encode())

    def end(self) -> None:
        """Its run is over."""
        self._lines.put(None)

    def lose(self) -> None:
        """The link is."""
        self._lines.put(LinkLost(reason="test"))

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        item = self._lines.get()
        if item is None:
            raise StopIteration
        if isinstance(item, LinkLost):
            raise item
        return item

    def close(self) -> None:
        self.closed.set()
        self._lines.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Source:
    """Keeps every log that was opened; ``first`` is what each begins with."""

    def __init__(self) -> None:
        self.opened: list[Printed] = []
        self.first: tuple[str, ...] = ()

    @property
    def docker(self) -> Source:
        return self

    def follow_logs(self, container: str, *, tail: int | None = None, since: float | None = None) -> Printed:
        made = Printed(container)
        made.say(*self.first)
        self.opened.append(made)
        return made

    def remote(self) -> Remote:
        """It as what the page asks for, which uses nothing else of a host."""
        return cast(Remote, self)
