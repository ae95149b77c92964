"""What a model takes of the host's memory, and whether the host has it: a sum whose parts can be shown.

Bytes everywhere; None is what nobody knows.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sparktray.domain.phrase import Phrase


class Base(StrEnum):
    """What an engine takes its share of."""

    AVAILABLE = "available"  # at the moment of its start: SGLang's --mem-fraction-static
    TOTAL = "total"  # of the host, whatever else runs: vLLM's --gpu-memory-utilization


class Share(msgspec.Struct, frozen=True):
    """The most that an engine takes: a fraction (0..1) of something."""

    fraction: float
    of: Base


class Footprint(msgspec.Struct, frozen=True):
    """What a model will take once it is loaded, before it is known what the host has.

    ``cache`` is ``tokens`` times ``a_token``, or a size that was asked for. ``tokens`` is None where nothing
    limits them: then the engine fills its ``share``, which otherwise only caps it. ``fixed`` is the
    catalogue's own figure and stands for everything. ``unknown`` says why a part is not known.
    """

    weights: int | None = None
    cache: int | None = None
    overhead: int = 0
    a_token: int | None = None
    tokens: int | None = None
    share: Share | None = None
    fixed: int | None = None
    unknown: Phrase | None = None

    @property
    def fills(self) -> bool:
        """True for an engine that takes all of its share: nothing fits beside it."""
        limited = self.fixed is not None or self.cache is not None or self.tokens is not None
        return self.share is not None and not limited

    @property
    def parts(self) -> int | None:
        """Weights, cache and overhead together."""
        if self.weights is None or self.cache is None:
            return None
        return self.weights + self.cache + self.overhead

    def asks(self, at_start: int | None, total: int | None) -> int | None:
        """What it is to take on a host with so much in all, ``at_start`` of it available when it starts."""
        if self.fixed is not None:
            return self.fixed
        return self._most(at_start, total) if self.fills else self.parts

    def takes(self, at_start: int | None, total: int | None) -> int | None:
        """What it takes there: its share where it asks for more, with a smaller cache then."""
        asks, most = self.asks(at_start, total), self._most(at_start, total)
        if asks is None or most is None or self.fixed is not None:
            return asks
        return min(asks, most)

    def _most(self, at_start: int | None, total: int | None) -> int | None:
        """Its share. What an engine cannot do without it takes all the same, or does not start."""
        if self.share is None:
            return None
        base = at_start if self.share.of is Base.AVAILABLE else total
        least = 0 if self.weights is None else self.weights + self.overhead
        return None if base is None else max(int(self.share.fraction * base), least)


class MemorySum(msgspec.Struct, frozen=True):
    """Whether a model fits on its server now.

    ``available`` is now, ``back`` what the containers named by ``stops`` give back, ``kept`` what no model
    may take. ``unused`` is what holds nothing at all, not even the page cache, which counts as available.
    ``others`` are the servers whose end would make a model fit that does not, ``context`` the tokens with
    which it would.
    """

    model: str
    server: str
    footprint: Footprint
    available: int
    total: int
    kept: int
    back: int = 0
    stops: tuple[str, ...] = ()
    unused: int | None = None
    others: tuple[str, ...] = ()
    context: int | None = None

    @property
    def at_start(self) -> int:
        """What is available once those have stopped."""
        return min(self.total, self.available + self.back)

    @property
    def takes(self) -> int | None:
        """What the model will take then; where not even its share can be had, what it asks for."""
        takes = self.footprint.takes(self.at_start, self.total)
        fits = takes is not None and takes <= self.room
        return takes if fits else self.footprint.asks(self.at_start, self.total)

    @property
    def room(self) -> int:
        """What a model can have then; below zero where not even the host's own is there."""
        return self.at_start - self.kept

    @property
    def left(self) -> int | None:
        """What another model could have beside it; below zero by as much as it is short."""
        return None if self.takes is None else self.room - self.takes

    @property
    def short(self) -> int | None:
        """How much of what it takes could not be had; 0 when it fits."""
        return None if self.left is None else max(0, -self.left)
