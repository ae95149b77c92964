"""Which host is watched: one controller at a time, replaced when host or settings change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from sparktray.control.controller import Controller
from sparktray.decide.settled import settled
from sparktray.domain.snapshot import Snapshot

# A changed list of models shall not make the icon flicker through "connecting"; a host that does not
# answer shall not keep the change from being seen.
_SETTLING_SECONDS = 5.0
_NAP_SECONDS = 0.5


Onlooker = Callable[[int, Snapshot], None]


class Watch:
    """The present controller, and its pictures for one onlooker. Any thread may call it.

    ``make`` builds a controller that has not been started. ``onlooker`` gets each picture with the
    number of its controller: a greater one than before says that another one was begun, a smaller one
    is a late picture of an earlier one. It is called on the controllers' threads.
    """

    def __init__(self, make: Callable[[], Controller], onlooker: Onlooker) -> None:
        self._gate = threading.RLock()
        self._onlooker = onlooker
        self._controller = make()
        self._number = 0
        self._turn = 0
        self._closing = threading.Event()
        self._leaving: list[threading.Thread] = []

    @property
    def controller(self) -> Controller:
        """The present one."""
        return self._controller

    def start(self) -> None:
        """Begin to watch; the first picture comes at once."""
        self._controller.start()
        self._show(self._controller)

    def close(self) -> None:
        """End everything, within about 2 s."""
        with self._gate:
            self._closing.set()
            leaving = list(self._leaving)
        self._controller.close()
        for thread in leaving:
            thread.join(2.0)

    def turn_to(self, make: Callable[[], Controller]) -> None:
        """Watch something else at once, as when the person chooses another host; an operation comes first."""
        with self._gate:
            before = self._controller
            if self._closing.is_set():
                return
            if not before.quiet:
                self.renew(make)
                return
            self._turn += 1
            new = make()
            new.start()
            self._show(new)
            self._leave(before.close)

    def renew(self, make: Callable[[], Controller]) -> None:
        """Watch the same with other settings, as soon as that disturbs nothing.

        The one before goes on until no operation runs and the new one knows as much as it can.
        """
        with self._gate:
            if self._closing.is_set():
                return
            self._turn += 1
            self._leave(partial(self._renew, self._turn, make))

    def _show(self, controller: Controller) -> None:
        self._number += 1
        self._controller = controller
        controller.subscribe(partial(self._onlooker, self._number))

    def _leave(self, work: Callable[[], None]) -> None:
        """Do what takes its time on a thread of its own."""
        self._leaving = [each for each in self._leaving if each.is_alive()]
        thread = threading.Thread(target=work, name="sparktray-watch", daemon=True)
        self._leaving.append(thread)
        thread.start()

    def _renew(self, turn: int, make: Callable[[], Controller]) -> None:
        if not self._quiet(turn):
            return
        new = make()
        new.start()
        new.wait(settled, _SETTLING_SECONDS)
        while self._quiet(turn):
            with self._gate:
                before = self._controller
                if turn == self._turn and before.quiet and not self._closing.is_set():
                    self._show(new)
                    break
        else:
            before = new
        before.close()

    def _quiet(self, turn: int) -> bool:
        """Wait until the present controller is quiet; False when this turn is no longer wanted."""
        while turn == self._turn and not self._closing.is_set():
            if self._controller.quiet:
                return True
            self._closing.wait(_NAP_SECONDS)
        return False
