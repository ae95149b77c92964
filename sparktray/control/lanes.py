"""Threads that do slow work one piece after the other, as long as the program lives."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

Job = Callable[[], None]
_log = logging.getLogger(__name__)


class Lane:
    """One thread and its queue. Jobs run in order; a job that raises is logged and the next one runs."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"sparktray-{name}", daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Have a job done, from any thread."""
        self._jobs.put(job)

    def end(self) -> None:
        """Let the thread end after the jobs it has."""
        self._jobs.put(None)

    def join(self, timeout: float) -> None:
        """Wait for the end, at most ``timeout`` seconds."""
        self._thread.join(timeout)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                _log.exception("a job of %s failed", self._thread.name)


class Lanes:
    """Lanes by name, made when first needed."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()

    def put(self, name: str, job: Job) -> None:
        """Have a job done on the lane of that name."""
        with self._lock:
            lane = self._lanes.get(name)
            if lane is None:
                lane = self._lanes[name] = Lane(name)
        lane.put(job)

    def close(self, timeout: float) -> None:
        """End all lanes; those still at work after ``timeout`` seconds end with the program."""
        with self._lock:
            lanes, self._lanes = list(self._lanes.values()), {}
        for lane in lanes:
            lane.end()
        for lane in lanes:
            lane.join(timeout / max(1, len(lanes)))
