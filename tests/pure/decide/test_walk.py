from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sparktray.decide.effects import Connect, Perform
from sparktray.decide.reduce import reduce
from sparktray.decide.settled import settled
from sparktray.decide.timing import due_work, next_due
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.answers import DockerEvent
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.events import (
    CancelAsked,
    ContainerRead,
    ContainersRead,
    ContainersUnread,
    DockerHappened,
    Event,
    FoundInterrupted,
    LinkDown,
    LinkUp,
    LogSaid,
    LogTailRead,
    NeedsRead,
    Probed,
    RetryNow,
    Sampled,
    StepDone,
    StepFailed,
    StepSaid,
    StreamOpened,
    Surveyed,
    Ticked,
    Wished,
    Woke,
)
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.operation import (
    BackWish,
    Operation,
    OperationEnd,
    OperationKind,
    StopWish,
    SwitchWish,
    WhenBusy,
    Wish,
)
from sparktray.domain.snapshot import LinkPhase, Snapshot
from tests.pure.decide.building import (
    GIB,
    NOW,
    OWNER,
    ended,
    lock_box,
    ollama_box,
    problem,
    ready,
    sglang_box,
    survey,
    vllm_box,
)
from tests.pure.decide.story import Story, begin_story

ROOM = (
    sglang_box(model="coder", served="coder-30b", restart_policy="always"),
    ended(sglang_box("sglang-main", port=30001, model="qwen"), 1),
    vllm_box(auto_remove=True),
    ollama_box(),
)
WISHES: tuple[Wish, ...] = (
    SwitchWish("scout"),
    SwitchWish("scout", rollback=False),
    SwitchWish("coder", busy=WhenBusy.WAIT),
    SwitchWish("scout", make_room=True, busy=WhenBusy.GO_ON),
    BackWish("op-0"),
    SwitchWish("qwen"),
    SwitchWish("qwen", on="vllm", timeout=3.0),
    SwitchWish("qwen", on="ollama"),
    StopWish(),
    StopWish("vllm"),
)
MOVES = (
    "step",
    "step",
    "step",
    "step",
    "wish",
    "cancel",
    "lose",
    "lost-step",
    "fail",
    "docker",
    "die",
    "swap",
)
moves = st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 9)), max_size=120)


class Walk:
    """A story in which anybody may do anything at any moment."""

    def __init__(self) -> None:
        self.story = begin_story(*ROOM, loaded=("bge-m3:latest",))
        self.begun: Counter[tuple[int, int]] = Counter()

    def move(self, what: str, which: int) -> None:
        """One move of the walk."""
        story, host = self.story, self.story.host
        present = sorted(host.containers.values(), key=lambda c: c.id)
        chosen = present[which % len(present)] if present else None
        match what:
            case "wish":
                story.wish(WISHES[which % len(WISHES)])
            case "cancel":
                story.take(CancelAsked(story.number))
            case "lose":
                story.lose_link()
            case "lost-step" | "fail":
                self._break(lost=what == "lost-step")
            case "docker" if chosen is not None:
                verbs = (("stop", "-t", "1"), ("start",), ("rm", "-f"))
                host.docker((*verbs[which % 3], chosen.name))
            case "die" if chosen is not None and chosen.running:
                host.containers[chosen.id] = replace(chosen, oom_killed=bool(which % 2))
                host.docker(("stop", "-t", "1", chosen.name))
            case "swap":
                story.pending.reverse()
            case _:
                story.step()
        self.count()

    def _break(self, *, lost: bool) -> None:
        performs = [e for e in self.story.pending if isinstance(e, Perform)]
        for perform in performs[:1]:
            self.story.pending.remove(perform)
            if lost:
                self.story.lost[(perform.number, perform.index)] += 1
            self.story.take(StepFailed(perform.number, perform.index, problem(), lost=lost))

    def count(self) -> None:
        """No step is begun twice unless its link was lost; nothing is due that is not sent out."""
        effects, self.story.desk.effects = self.story.desk.effects, []
        self.begun.update((e.number, e.index) for e in effects if isinstance(e, Perform))
        for step, times in self.begun.items():
            assert times <= 1 + self.story.lost[step], step
        not_hot(self.story.snapshot, self.story.desk.now)


def not_hot(snapshot: Snapshot, now: float) -> None:
    """After an event nothing is due at once: the controller sleeps."""
    assert next_due(snapshot, now) > now
    if snapshot.link is LinkPhase.CONNECTED:
        assert due_work(snapshot, now) == (snapshot, [])


def walked(path: list[tuple[str, int]]) -> Walk:
    """Where a walk leads."""
    walk = Walk()
    walk.story.desk.effects.clear()
    for what, which in path:
        walk.move(what, which)
    return walk


quick = settings(max_examples=120)


@quick
@given(moves)
@example([("wish", 0), *[("step", 0)] * 30, ("docker", 2), ("docker", 0), *[("step", 0)] * 30])
def test_whatever_happens_an_operation_ends_and_the_picture_settles(path: list[tuple[str, int]]) -> None:
    walk = walked(path)
    story = walk.story
    for _ in range(3000):
        operation = story.snapshot.operation
        if story.snapshot.active is None and settled(story.snapshot):
            break
        story.step()
        walk.count()
    else:
        raise AssertionError(f"never ends: {operation}")
    if operation is not None and operation.end is OperationEnd.CANCELLED:
        assert story.host.named("sparktray-lock") is None


CONTAINERS: tuple[Container, ...] = (
    *ROOM,
    lock_box(),
    sglang_box("stranger", port=30001, state=ContainerState.PAUSED),
    sglang_box("sglang-main.previous", port=30001, state=ContainerState.RESTARTING, restarts=9),
    sglang_box("listed", inspected=False, state=ContainerState.REMOVING),
    sglang_box("broken", state=ContainerState.DEAD, error="no such device", oom_killed=True),
)
some = st.sampled_from(CONTAINERS)
many = st.lists(some, max_size=6, unique_by=lambda c: c.id).map(tuple)
numbers, epochs = st.integers(0, 3), st.integers(0, 3)
servers = st.sampled_from(["sglang", "sglang-main", "vllm", "ollama", "unknown"])
ids = st.sampled_from([*(c.id for c in CONTAINERS), "nobody"])
lines = st.lists(st.sampled_from(["Uvicorn running on x", "CUDA out of memory", "hm"]), max_size=3).map(tuple)
readings = st.sampled_from(
    [*(Reading(h) for h in Health), ready(), ready("scout", running=2), ready("qwen3:32b"), ready("/model")]
)
docker_events = st.builds(
    DockerEvent,
    action=st.sampled_from(
        ["die", "destroy", "pause", "unpause", "rename", "oom", "start", "exec_create", "create", "new-verb"]
    ),
    id=ids,
    name=st.sampled_from(["sglang", "sglang.previous", ""]),
    exit_code=st.sampled_from([None, 0, 1, 137]),
    time=st.just(NOW),
)
surveys = st.sampled_from([survey(), survey(None), survey(image_present=False), problem()])
BROKEN = Operation(0, "op-0", StopWish("vllm"), OperationKind.STOP, NOW, "vllm", end=OperationEnd.INTERRUPTED)
KINDS: dict[type[Any], st.SearchStrategy[Event]] = {
    Ticked: st.just(Ticked()),
    Woke: st.just(Woke()),
    RetryNow: st.just(RetryNow()),
    LinkUp: st.builds(LinkUp, epochs),
    LinkDown: st.builds(LinkDown, epochs, st.just(problem()), st.booleans()),
    ContainersRead: st.builds(ContainersRead, epochs, numbers, many),
    ContainersUnread: st.builds(ContainersUnread, epochs, st.just(problem())),
    StreamOpened: st.builds(StreamOpened, epochs),
    DockerHappened: st.builds(DockerHappened, epochs, docker_events),
    ContainerRead: st.builds(ContainerRead, epochs, numbers, ids, st.none() | some),
    Probed: st.builds(Probed, epochs, servers, st.none() | ids, readings),
    LogSaid: st.builds(LogSaid, epochs, servers, ids, lines),
    LogTailRead: st.builds(LogTailRead, epochs, servers, ids, lines),
    Sampled: st.builds(Sampled, epochs, st.sampled_from([Vitals(), Vitals(NOW, 120 * GIB, GIB)])),
    Wished: st.builds(Wished, st.sampled_from(WISHES), numbers, st.just("op-1")),
    Surveyed: st.builds(Surveyed, numbers, surveys, st.none() | st.just(9.0)),
    StepSaid: st.builds(StepSaid, numbers, numbers, st.just("hm")),
    StepDone: st.builds(
        StepDone, numbers, numbers, st.none() | some, st.none() | st.just(survey()), many, numbers
    ),
    StepFailed: st.builds(StepFailed, numbers, numbers, st.just(problem()), st.booleans()),
    CancelAsked: st.builds(CancelAsked, numbers),
    NeedsRead: st.builds(NeedsRead, epochs, st.just((("scout", "sglang", 60 * GIB),))),
    FoundInterrupted: st.builds(FoundInterrupted, st.just(BROKEN)),
}


def test_every_kind_of_event_is_thrown() -> None:
    assert set(KINDS) == set(Event.__args__)


@quick
@given(moves, st.lists(st.one_of(*KINDS.values()), max_size=40), st.floats(0.0, 400.0))
def test_the_reducer_takes_any_event_in_any_state(
    path: list[tuple[str, int]], thrown: list[Event], after: float
) -> None:
    story: Story = walked(path[:30]).story
    snapshot, now = story.snapshot, story.desk.now
    for event in thrown:
        now += after
        snapshot, effects = reduce(snapshot, event, OWNER, now)
        not_hot(snapshot, now)
        assert len({s.name for s in snapshot.servers}) == len(snapshot.servers)
        assert sum(isinstance(e, Perform) for e in effects) <= 1
        assert snapshot.link is LinkPhase.CONNECTED or not any(s.ready for s in snapshot.servers)
        assert all(isinstance(e, Connect) or e is not None for e in effects)


@given(st.lists(st.one_of(*KINDS.values()), max_size=60))
@settings(max_examples=200, deadline=None)
def test_the_reducer_takes_any_event_from_the_beginning(thrown: list[Event]) -> None:
    snapshot = begin_story().snapshot
    for event in thrown:
        snapshot, _ = reduce(snapshot, event, OWNER, NOW)
        not_hot(snapshot, NOW)
