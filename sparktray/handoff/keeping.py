"""The forwards that a person wants open for as long as the program runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import msgspec

from sparktray.handoff.forward import Forward, PortTaken
from sparktray.remote.contract import Remote


class WantedForward(msgspec.Struct, frozen=True):
    """A server, its port on the host, and the port of this computer that shall lead there."""

    server: str
    to: int
    port: int


class ForwardState(msgspec.Struct, frozen=True):
    """How it stands with one: how many clients are connected, None when another program holds its port."""

    wanted: WantedForward
    connections: int | None


class Forwards:
    """Those of one program. Any thread; ``keep`` and ``close`` open and close ports of the loopback."""

    def __init__(self, remote: Callable[[], Remote | None]) -> None:
        self._remote = remote
        self._lock = threading.Lock()
        self._open: dict[WantedForward, Forward | None] = {}

    def keep(self, wanted: Iterable[WantedForward]) -> None:
        """Have exactly these open from now on. One whose port was taken is tried again."""
        with self._lock:
            asked = tuple(wanted)
            for each in [each for each in self._open if each not in asked]:
                gone = self._open.pop(each)
                if gone is not None:
                    gone.close()
            for each in asked:
                if self._open.get(each) is None:
                    self._open[each] = self._opened(each)

    def states(self) -> tuple[ForwardState, ...]:
        """How it stands with each, by server."""
        with self._lock:
            found = sorted(self._open.items(), key=lambda each: each[0].server)
            return tuple(ForwardState(w, None if f is None else f.connections) for w, f in found)

    def close(self) -> None:
        """End them all."""
        self.keep(())

    def _opened(self, wanted: WantedForward) -> Forward | None:
        try:
            return Forward(self._remote, wanted.to, wanted.port)
        except PortTaken:
            return None
