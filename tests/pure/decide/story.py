"""Runs an operation on the fake host to its end, with faults where a test wants them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sparktray.decide.changing.preflight import may
from sparktray.decide.effects import Connect, Effect, Journal, Perform, TakeSurvey
from sparktray.decide.timing import next_due
from sparktray.decide.truth import started_by
from sparktray.domain.docker.container import Container
from sparktray.domain.events import (
    CancelAsked,
    Event,
    LinkDown,
    Sampled,
    StepFailed,
    Surveyed,
    Ticked,
    Wished,
)
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.operation import Operation, StepName, StepState, SwitchWish, Wish
from sparktray.domain.snapshot import LinkPhase, Snapshot
from tests.pure.decide.building import GIB, Desk, connected, problem
from tests.pure.decide.fakehost import FakeHost

Fault = Callable[["Story", Perform], list[Event] | None]
"""What happens instead of a step being performed; None: it is performed as usual."""

OPERATION = "op-1"
MOST_EVENTS = 4000


@dataclass
class Story:
    """A desk, a host and what is still to be carried out."""

    host: FakeHost
    desk: Desk
    pending: list[Effect] = field(default_factory=list)
    fault: Fault | None = None
    down_for: float = 5.0
    available: int = 5 * GIB
    events: list[Event] = field(default_factory=list)
    number: int = 0
    lost: Counter[tuple[int, int]] = field(default_factory=Counter)

    @property
    def operation(self) -> Operation:
        """The operation of the last wish."""
        assert self.desk.snapshot.operation is not None
        return self.desk.snapshot.operation

    @property
    def snapshot(self) -> Snapshot:
        """The picture by now."""
        return self.desk.snapshot

    def wish(self, wish: Wish) -> None:
        """Ask for a change."""
        self.number += 1
        self.take(Wished(wish, self.number, f"op-{self.number}"))

    def take(self, event: Event, after: float = 0.0) -> None:
        """Reduce one event and check what must always hold."""
        before = self.desk.snapshot.operation
        effects = self.desk.take(event, after=after)
        self.events.append(event)
        self.pending += effects
        check(before, self.snapshot, effects)

    def step(self) -> None:
        """Carry out the oldest effect, or let time pass until something is due."""
        epoch = self.snapshot.epoch
        for told in self.host.events(epoch):
            self.take(told)
        if self.pending:
            for event in self.answer(self.pending.pop(0)):
                self.take(event)
            return
        due = next_due(self.snapshot, self.desk.now)
        self.desk.now = max(self.desk.now + 0.001, due)
        self.host.pass_time(self.desk.now)
        self.take(Sampled(epoch, Vitals(self.desk.now, 120 * GIB, self.available)))
        self.take(Ticked())

    def answer(self, effect: Effect) -> list[Event]:
        """What comes back for an effect."""
        self.host.now = self.desk.now
        epoch = self.snapshot.epoch
        if isinstance(effect, Connect):
            self.desk.now += self.down_for
            self.host.pass_time(self.desk.now)
        elif self.snapshot.link is not LinkPhase.CONNECTED or getattr(effect, "epoch", epoch) != epoch:
            return self._without_link(effect)
        if isinstance(effect, Perform) and self.fault is not None:
            instead = self.fault(self, effect)
            if instead is not None:
                return instead
        return self.host.carry_out(effect)

    def _without_link(self, effect: Effect) -> list[Event]:
        """Steps and surveys always have a result; a reading whose link is gone has none."""
        match effect:
            case Perform():
                self.lost[(effect.number, effect.index)] += 1
                return [StepFailed(effect.number, effect.index, problem("link-lost"), lost=True)]
            case TakeSurvey():
                return [Surveyed(effect.number, problem("link-lost"))]
            case _:
                return []

    def lose_link(self) -> None:
        """The connection breaks now."""
        self.take(LinkDown(self.snapshot.epoch, problem("link-lost")))

    def run(self) -> Operation:
        """To the end of the operation; fails when it takes for ever."""
        for _ in range(MOST_EVENTS):
            if self.operation.end is not None:
                return self.operation
            self.step()
        raise AssertionError(f"never ends: {self.operation.current}")

    def settle(self, rounds: int = 30) -> None:
        """Carry out what is pending and let a little time pass."""
        for _ in range(rounds):
            self.step()

    @property
    def names(self) -> list[str]:
        """The operation's steps with their states, undo steps with an arrow."""
        return [f"{'<' if r.back else ''}{r.step.name}:{r.state}" for r in self.operation.runs]


def check(before: Operation | None, snapshot: Snapshot, effects: list[Effect]) -> None:
    """What holds after every event, whatever happens."""
    after = snapshot.operation
    performs = [e for e in effects if isinstance(e, Perform)]
    assert len(performs) <= 1
    for perform in performs:
        assert after is not None and after.end is None
        assert (perform.number, perform.index) == (after.number, after.index)
        journalled = [e for e in effects[: effects.index(perform)] if isinstance(e, Journal)]
        assert journalled, "a step is journalled before it is begun"
    if before is not None and before.end is None and after is not None:
        assert after.number == before.number, "at most one operation"
    if after is None or after.end is not None or not isinstance(after.wish, SwitchWish):
        return
    assert may(snapshot, after.wish) is not None
    state = snapshot.state_of(after.server or "")
    proven = any(r.step.name is StepName.PROVE and r.state is StepState.DONE for r in after.runs)
    if state is not None and state.ready and started_by(state.container, after.id):
        assert proven, "never ready before it is proven"


def begin_story(*containers: Container, loaded: tuple[str, ...] = (), **host: Any) -> Story:
    """A connected host that has answered all that was asked."""
    there = FakeHost({c.id: c for c in containers}, list(loaded))
    for name, value in host.items():
        setattr(there, name, value)
    story = Story(there, connected(*containers))
    story.pending = [e for e in story.desk.effects if not isinstance(e, Connect)]
    story.settle()
    return story


def switched(model: str, *containers: Container, wish: SwitchWish | None = None, **host: Any) -> Story:
    """A switch on such a host, run to its end."""
    story = begin_story(*containers, **host)
    story.wish(wish or SwitchWish(model))
    story.run()
    return story


def fails_at(name: StepName, *, back: bool = False) -> Fault:
    """Every step of that name fails without having done anything."""

    def fault(story: Story, perform: Perform) -> list[Event] | None:
        run = story.operation.runs[perform.index]
        if run.step.name is not name or run.back is not back:
            return None
        return [StepFailed(perform.number, perform.index, problem(f"no-{name}", "one\ntwo"))]

    return fault


def loses_link_at(index: int, *, done: bool) -> Fault:
    """The link breaks while that step is performed, after or before the host did it."""
    lost: list[int] = []

    def fault(story: Story, perform: Perform) -> list[Event] | None:
        if perform.index != index or lost:
            return None
        lost.append(index)
        if done:
            story.host.perform(perform)
        story.lose_link()
        return [StepFailed(perform.number, perform.index, problem("link-lost"), lost=True)]

    return fault


def cancels_at(index: int) -> Fault:
    """A person cancels while that step is performed."""

    def fault(story: Story, perform: Perform) -> list[Event] | None:
        if perform.index == index:
            story.take(CancelAsked(perform.number))
        return None

    return fault
