"""The tray's ear: hears every picture in order, keeps what it would tell, and pictures to hear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from sparktray.decide.showing.notices.down import Watched, down_since, server_down
from sparktray.decide.showing.notices.events import Served, last_served, notices
from sparktray.decide.showing.notices.notice import ActionKind, Notice, NoticeAction, Withdraw
from sparktray.domain.docker.container import Container
from sparktray.domain.events import LinkDown
from sparktray.domain.operation import Operation, OperationEnd, OperationKind, StopWish, SwitchWish
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import Snapshot
from tests.pure.decide.building import (
    NOW,
    Desk,
    ended,
    identity,
    problem,
    rendered,
    sglang_box,
)
from tests.pure.decide.story import Story, begin_story

SCOUT_BOX = sglang_box()
CODER_BOX = sglang_box(model="coder", served="coder-30b", id=identity("anothercoder"), started_at=NOW + 10)
LOG = NoticeAction(ActionKind.SHOW_LOG, "sglang")


@dataclass
class Listener:
    """Hears every picture as the tray does, and keeps what it would tell."""

    last: Snapshot
    asked: frozenset[str] = frozenset()
    served: Mapping[str, Served] = field(default_factory=dict)
    watched: Mapping[str, Watched] = field(default_factory=dict)
    told: list[Notice | Withdraw] = field(default_factory=list)

    def hear(self, snapshot: Snapshot, now: float) -> None:
        """One more picture; the same one again when only time passed."""
        self.told += notices(self.last, snapshot, self.asked, self.served)
        self.served = last_served(self.served, snapshot)
        before, self.watched = self.watched, down_since(self.watched, snapshot, now)
        self.told += server_down(snapshot, before, self.watched)
        self.last = snapshot

    @property
    def kinds(self) -> list[str]:
        """What was told, as words."""
        return ["withdraw" if isinstance(t, Withdraw) else str(t.kind) for t in self.told]

    def only(self) -> Notice:
        """The one notice that was told."""
        (notice,) = self.told
        assert isinstance(notice, Notice)
        return notice


def listening(desk: Desk, *asked: str) -> Listener:
    """A tray that knows the picture of that desk already."""
    listener = Listener(desk.snapshot, frozenset(asked))
    listener.hear(desk.snapshot, desk.now)
    assert listener.told == []
    return listener


def heard(story: Story, *asked: str) -> Listener:
    """Run the story's operation to its end with the tray hearing every picture."""
    listener = listening(story.desk, *asked)
    for _ in range(2000):
        story.step()
        listener.hear(story.snapshot, story.desk.now)
        if story.operation.end is not None:
            break
    for _ in range(200):
        story.step()
        listener.hear(story.snapshot, story.desk.now)
    return listener


def wished(wish: SwitchWish | StopWish, *containers: Container, **host: Any) -> Story:
    """A settled host on which that was just wished as ``op-1``; nothing was heard yet."""
    story = begin_story(*containers, **host)
    story.wish(wish)
    return story


def told(notice: Notice) -> tuple[str, str]:
    """Title and text in English."""
    return rendered(notice.title), rendered(notice.text)


def operation(end: OperationEnd, **changes: Any) -> Operation:
    """A switch to scout on sglang that came to that end."""
    values: dict[str, Any] = {"server": "sglang", "model": "scout", "end": end, "ended_at": NOW}
    return Operation(1, "op-1", SwitchWish("scout"), OperationKind.SWITCH, NOW, **(values | changes))


UNDER_WAY = replace(operation(OperationEnd.DONE), end=None, ended_at=None)
FAILURE = Failure("broken", problem().cause, problem().remedy)


def down(desk: Desk, code: str, *, blocked: bool) -> Snapshot:
    """The picture after the link ended; the person is needed when it is blocked."""
    desk.take(LinkDown(desk.snapshot.epoch, problem(code), blocked))
    return desk.snapshot


def ended_at(container: Container, at: float) -> Container:
    """The same container, over since then."""
    return ended(container, ago=NOW - at)
