"""How many session channels may be open at once; learnt from hosts that allow fewer than usual."""

import threading
import time
from collections.abc import Callable

from sparktray.remote.errors import DeadlinePassed

# sshd allows 10 sessions on a connection (MaxSessions), some hosts 1; forwarding channels do not count.
MAX_SESSIONS = 6
# sshd counts a session until its process has been reaped, a moment after the channel was closed.
_AGAIN_SECONDS = 0.05


class Sessions:
    """The places for session channels of one connection. Any thread."""

    def __init__(self) -> None:
        self._most = MAX_SESSIONS
        self._open = 0
        self._changed = threading.Condition()
        self._when_narrow: list[Callable[[], None]] = []

    def on_narrow(self, callback: Callable[[], None]) -> None:
        """Call when the host turns out to allow fewer sessions than are wanted."""
        with self._changed:
            self._when_narrow.append(callback)

    def take(self, until: float) -> None:
        """Wait for a place, to the monotonic instant ``until``. Raises DeadlinePassed."""
        with self._changed:
            left = until - time.monotonic()
            if not self._changed.wait_for(lambda: self._open < self._most, max(0.0, left)):
                raise DeadlinePassed(what="free session")
            self._open += 1

    def give_back(self) -> None:
        """A session is over, or was not opened after all."""
        with self._changed:
            self._open -= 1
            self._changed.notify()

    def refused(self) -> None:
        """The host refused one more: from now on there are only as many places as are taken now.

        Whoever holds one for long is asked to step aside. Waits a moment before it returns.
        """
        with self._changed:
            self._open -= 1
            self._most = max(1, self._open)
            callbacks = list(self._when_narrow)
        for callback in callbacks:
            callback()
        with self._changed:
            self._changed.wait(_AGAIN_SECONDS)
