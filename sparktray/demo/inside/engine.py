"""What SGLang and vLLM of the demo have in common: weights that are loaded, a name, requests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from sparktray.demo.docker.container import Held
from sparktray.demo.folders import Disk, Weights
from sparktray.demo.inside.guest import Guest

_GRAPHS = 4
# CUDA context, activations and graphs; the memory sums reckon with 3 GiB.
OVERHEAD = 2_500_000_000
# A load takes 3 s and a little more for each gigabyte: the largest of the shipped models some 12 s.
_LEAST_SECONDS = 3.0
_SECONDS_A_GIGABYTE = 0.15


@dataclass(slots=True)
class Machine:
    """What a guest sees of the host: its files, what is left of its memory in bytes, and the pace of time.

    ``pace`` is how many of the demo's seconds go by in one.
    """

    disk: Disk
    available: Callable[[], int]
    pace: float = 1.0


class Serving(Guest):
    """An engine that loads one model at its start. Subclasses write its log and its answers."""

    def __init__(self, container: Held, machine: Machine) -> None:
        super().__init__(container)
        self.machine = machine
        self.argv = container.argv
        self._requests = 0
        self._lock = threading.Lock()

    def option(self, *names: str) -> str | None:
        """The value of an option of its command line."""
        for word, value in zip(self.argv, (*self.argv[1:], ""), strict=True):
            flag, equals, inside = word.partition("=")
            if flag in names:
                return inside if equals else value
        return None

    def number(self, *names: str) -> int | None:
        """The same as a whole number."""
        value = self.option(*names)
        return int(value) if value is not None and value.isdecimal() else None

    def weights(self, inside: str) -> Weights | None:
        """The model that a path of the container leads to."""
        for source, target, _ in self.container.binds:
            if PurePosixPath(inside) == PurePosixPath(target):
                return self.machine.disk.weights(source)
        return None

    def pause(self, seconds: float) -> None:
        """Let so many seconds of the demo go by."""
        self.rest(seconds / self.machine.pace)

    def busy(self, more: int) -> None:
        """A request more, or one less."""
        with self._lock:
            self._requests += more

    @property
    def running(self) -> int:
        """How many requests it answers."""
        with self._lock:
            return self._requests

    def shards(self, model: Weights, lead: str) -> None:
        """Read the weights, with the loaders' bar; the memory goes as they come."""
        seconds = load_seconds(model)
        for done in range(model.shards + 1):
            part = 100 * done // model.shards
            bar = f"Loading safetensors checkpoint shards: {part:3}% Completed | {done}/{model.shards}"
            self.say(f"\r{lead}{bar} [00:{int(seconds * done / model.shards):02}<00:01,  1.20it/s]")
            self.held = model.size * done // model.shards
            if done < model.shards:
                self.pause(0.7 * seconds / model.shards)

    def graphs(self, model: Weights, titles: Callable[[int], str]) -> None:
        """Capture graphs, with a bar."""
        for done in range(_GRAPHS + 1):
            part = 100 * done // _GRAPHS
            self.say(f"\r{titles(done)}: {part:3}%|{'#' * (part // 10):10}| {done}/{_GRAPHS} [00:00<00:00]")
            if done < _GRAPHS:
                self.pause(0.3 * load_seconds(model) / _GRAPHS)


def load_seconds(model: Weights) -> float:
    """How long a load takes."""
    return _LEAST_SECONDS + _SECONDS_A_GIGABYTE * model.size / 1e9
