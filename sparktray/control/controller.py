"""The controller: one thread owns the snapshot, takes events, and publishes what changed."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from sparktray.control.clock import now
from sparktray.control.crew import Crew
from sparktray.decide.reduce import Outcome, begin, reduce
from sparktray.decide.settled import only_asked
from sparktray.decide.timing import next_due
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.events import CancelAsked, Event, RetryNow, Ticked, Wished
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import Wish
from sparktray.domain.snapshot import Snapshot, first_snapshot
from sparktray.remote.contract import Remote

Listener = Callable[[Snapshot], None]
_log = logging.getLogger(__name__)

# Long enough for lanes to notice that the link is closed, short enough for a person who quits.
_CLOSE_SECONDS = 1.5


class Controller:
    """Owns the snapshot of one host.

    Everything that happens comes through one queue to one thread, which reduces it, has the crew
    carry out the effects, and tells the listeners when the picture differs. All public methods may
    be called from any thread and return at once, but for ``wait`` and ``close``.
    """

    def __init__(self, host: HostProfile, catalogue: Catalogue, crew: Crew, owner: str) -> None:
        self._snapshot = first_snapshot(host, catalogue)
        self._crew = crew
        self._owner = owner
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._listeners: list[Listener] = []
        self._changed = threading.Condition()
        self._numbers = 0
        self._taken_in = 0
        self._passed_over: set[str] = set()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="sparktray-owner", daemon=True)

    @property
    def snapshot(self) -> Snapshot:
        """The picture as last published."""
        return self._snapshot

    @property
    def quiet(self) -> bool:
        """True while no operation runs and every wish was taken in; closing then loses nothing."""
        return self._taken_in == self._numbers and self._snapshot.active is None

    @property
    def closed(self) -> bool:
        """True once it was closed: no picture comes any more, and no wish is taken in."""
        return self._closed

    def start(self) -> None:
        """Connect and begin to watch."""
        self._crew.report_to(self._events.put)
        self._thread.start()

    def close(self) -> None:
        """End everything, within about 2 s; what runs on the host goes on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._events.put(None)
        self._crew.close(_CLOSE_SECONDS)
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)

    def subscribe(self, listener: Listener) -> None:
        """Call the listener here and now with the picture, then on the owner's thread for each change.

        That a question is on its way is none.
        """
        with self._changed:
            self._listeners.append(listener)
            listener(self._snapshot)

    def unsubscribe(self, listener: Listener) -> None:
        """Do not call the listener any more."""
        with self._changed:
            self._listeners.remove(listener)

    def wait(self, condition: Callable[[Snapshot], bool], timeout: float) -> Snapshot | None:
        """Block until the picture meets the condition; None when it did not within ``timeout`` s.

        Once the controller is closed nothing is waited for.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or condition(self._snapshot), timeout)
            return self._snapshot if condition(self._snapshot) else None

    def wish(self, wish: Wish) -> str:
        """Ask for a change; the id names the operation in the snapshot, the labels and the journal."""
        with self._changed:
            self._numbers += 1
            number = self._numbers
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        identity = f"{stamp}-{os.getpid()}-{number}"
        self._events.put(Wished(wish, number, identity))
        return identity

    def passed_over(self, identity: str) -> bool:
        """True when another operation was under way as that wish came, so that nothing came of it."""
        return identity in self._passed_over

    def cancel(self, identity: str | None = None) -> None:
        """Ask for the operation under way to be taken back; with an id, only if it is that wish's."""
        if identity is not None:
            self._events.put(CancelAsked(_number(identity)))
            return
        active = self._snapshot.active
        # A wish that the owner has not taken in yet can be cancelled too: it is the latest one.
        self._events.put(CancelAsked(active.number if active is not None else self._numbers))

    def retry(self) -> None:
        """A person looks: a link that waits to be tried again is tried at once."""
        self._events.put(RetryNow())

    def open_remote(self) -> Remote | None:
        """The connected host, for commands that only read; None while there is none."""
        return self._crew.remote

    def _run(self) -> None:
        self._take(begin(self._snapshot, now()))
        while True:
            pause = next_due(self._snapshot, now()) - now()
            try:
                event = self._events.get(timeout=max(0.0, pause))
            except queue.Empty:
                event = Ticked()
            if event is None:
                return
            try:
                self._take(reduce(self._snapshot, event, self._owner, now()))
            except Exception:
                # A bug must not end the owner: the next event is another chance, the log tells.
                _log.exception("taking in %s failed", type(event).__name__)
            if isinstance(event, Wished):
                operation = self._snapshot.operation
                if operation is None or operation.id != event.id:
                    self._passed_over.add(event.id)
                self._taken_in = event.number

    def _take(self, outcome: Outcome) -> None:
        snapshot, effects = outcome
        before, self._snapshot = self._snapshot, snapshot
        self._crew.pace(busy=snapshot.active is not None)
        for effect in effects:
            self._crew.carry_out(effect)
        if snapshot != before:
            with self._changed:
                if not only_asked(before, snapshot):
                    for listener in self._listeners:
                        listener(snapshot)
                self._changed.notify_all()


def _number(identity: str) -> int:
    """The number that `Controller.wish` put at the end of an id."""
    return int(identity.rpartition("-")[2])
