"""An iterator whose every item may take its time, walked through in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from sparktray.ui.background import Background

T = TypeVar("T")


class Walk(Generic[T]):
    """Brings the items of a generator to the main thread, each as soon as it is there. Main thread only.

    ``each`` gets every item; then ``over`` is called, with the error when the generator raised one. After
    `stop` neither is called again, and the generator is closed as soon as it lets go.
    """

    def __init__(
        self,
        background: Background,
        items: Generator[T, None, None],
        each: Callable[[T], None],
        over: Callable[[Exception | None], None],
    ) -> None:
        self._background = background
        self._items = items
        self._each = each
        self._over = over
        self._turn = threading.Lock()  # a generator that runs cannot be closed
        self._go_on()

    def stop(self) -> None:
        """No more of it. The item under way ends by its own deadline, on its own thread."""
        self._job.cancel()
        self._background.run(self._close, lambda _: None)

    def _go_on(self) -> None:
        self._job = self._background.run(self._next, self._take, self._over)

    def _next(self) -> tuple[T, ...]:
        """One item, none at the end; on a worker thread."""
        with self._turn:
            for item in self._items:
                return (item,)
            return ()

    def _close(self) -> None:
        with self._turn:
            self._items.close()

    def _take(self, items: tuple[T, ...]) -> None:
        if not items:
            self._over(None)
            return
        self._each(items[0])
        self._go_on()
