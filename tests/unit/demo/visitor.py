"""Somebody who uses the demo through a real controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sparktray.control.controller import Controller
from sparktray.decide.identity import running_on
from sparktray.decide.settled import settled
from sparktray.domain.host import DEMO_HOST
from sparktray.domain.open_webui import Contents
from sparktray.domain.operation import Operation, Wish
from sparktray.domain.snapshot import Phase, Snapshot
from sparktray.remote.contract import Remote
from sparktray.webui.household import household
from sparktray.wiring import Program, controller_for
from tests.waiting import scaled


class Visitor:
    """Wishes, and waits for what comes of them; ``pictures`` are all since the beginning."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.pictures: list[Snapshot] = []
        controller.subscribe(self.pictures.append)

    @property
    def remote(self) -> Remote:
        """The connection."""
        remote = self.controller.open_remote()
        assert remote is not None
        return remote

    def wait(self, condition: Callable[[Snapshot], bool], seconds: float = 20.0) -> Snapshot:
        """The first picture that is so."""
        found = self.controller.wait(condition, scaled(seconds))
        assert found is not None, self.controller.snapshot
        return found

    def settled(self) -> Snapshot:
        """Once all is known."""
        return self.wait(settled)

    def begin(self, wish: Wish) -> str:
        """Wish, and wait until it is under way or over."""
        identity = self.controller.wish(wish)
        self.wait(lambda s: s.operation is not None and s.operation.id == identity)
        return identity

    def over(self, identity: str) -> Operation:
        """The operation once it is over and all is known again."""

        def ended(snapshot: Snapshot) -> bool:
            operation = snapshot.operation
            return operation is not None and operation.id == identity and operation.end is not None

        operation = self.wait(ended).operation
        assert operation is not None
        return operation

    def do(self, wish: Wish) -> Operation:
        """Wish and wait for the end."""
        return self.over(self.begin(wish))

    def serving(self) -> dict[str, str | None]:
        """Model IDs by server, of those that are ready; waits until no other server is on its way."""
        on_its_way = {Phase.STARTING, Phase.LOADING, Phase.STOPPING, Phase.UNKNOWN}
        now = self.wait(lambda s: settled(s) and all(each.phase not in on_its_way for each in s.servers))
        ready = [each for each in now.servers if each.phase in {Phase.READY, Phase.BUSY}]
        return {each.server.name: running_on(now, each).model_id for each in ready}

    def contents(self) -> Contents:
        """What Open WebUI holds."""
        found = household(self.remote, self.controller.snapshot.catalogue.open_webui).contents
        assert isinstance(found, Contents)
        return found


@contextmanager
def visiting(program: Program) -> Iterator[Visitor]:
    """A visitor who is connected, and leaves."""
    controller = controller_for(program, DEMO_HOST, keep_trying=True, measure=True)
    visitor = Visitor(controller)
    controller.start()
    try:
        visitor.settled()
        yield visitor
    finally:
        controller.close()
