"""What the rest of the program may ask of an engine. One file an engine stands behind this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from sparktray.domain.asking import Dialogue, Proof, Reading
from sparktray.domain.catalogue import EngineKind, Model, ModelKind, Server
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.memory import Footprint
from sparktray.domain.facts.survey import ModelFolder
from sparktray.domain.host import HostProfile
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import LoadProgress


class Depth(StrEnum):
    """How much a probe asks. No probe loads, evicts or wakes a model."""

    WATCH = "watch"  # a ready server: its list and its requests, nothing that costs a token
    HEALTH = "health"  # the engine's own health too, as soon as anything answers


class Launch(msgspec.Struct, frozen=True):
    """What is needed to start a model: the command is a pure function of it.

    ``labels`` go on the container; ``folder`` holds the facts read from the host for this model,
    ``total_bytes`` is the host's whole memory, both None where they are not known.
    """

    server: Server
    model: Model
    host: HostProfile
    folder: ModelFolder | None = None
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    total_bytes: int | None = None


class Activity(msgspec.Struct, frozen=True):
    """What a running server's log tells of its work; None where it tells nothing."""

    running: int | None = None
    waiting: int | None = None
    tokens_per_second: float | None = None


class Spelling(msgspec.Struct, frozen=True):
    """How an engine's own command line says what an entry of the catalogue has keys for.

    ``starts`` are the words after which its arguments begin, and ``bare_image`` an image whose command is
    arguments from the first word on. ``positional``: the model may be the first of them. ``tokens`` is for
    all requests together. ``embedding`` are arguments, alone or with their value, that make it embed.
    """

    starts: tuple[tuple[str, ...], ...] = ()
    bare_image: str | None = None
    positional: bool = False
    model: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    embedding: frozenset[str] = frozenset()


class Engine(Protocol):
    """One serving program. All methods are pure."""

    kind: EngineKind

    #: True when the program also lives outside Docker (a system service) and is probed without one.
    lives_outside_docker: bool

    #: True when /v1/models shows what is installed and the model is loaded by API, not by a start.
    loads_by_api: bool

    #: Names of the architectures it is known to load; a newer image may know more.
    architectures: frozenset[str]

    #: How to read a command line that somebody else wrote.
    spelling: Spelling

    #: The environment variable that makes its API ask for a key, None where only a flag does.
    key_variable: str | None

    def recognises(self, container: Container) -> bool:
        """True when the container runs this engine, by its command line or else its image."""

    def port_of(self, container: Container) -> int | None:
        """The port it listens on inside, by its command line or the engine's default."""

    def model_path(self, container: Container) -> str | None:
        """The model's path inside the container, by its command line."""

    def declared_name(self, container: Container) -> str | None:
        """The served name its command line asks for, None when it leaves it to the engine."""

    def run_argv(self, launch: Launch) -> tuple[str, ...]:
        """The whole ``docker run`` command that starts the model (or, for Ollama, the server)."""

    def footprint(self, launch: Launch) -> Footprint | None:
        """What the engine will take of the host's memory, by the very command that ``run_argv`` gives.

        None for an engine that decides by itself how much of a model it keeps where.
        """

    def probe(self, depth: Depth) -> Dialogue[Reading]:
        """Ask the server how it is."""

    def prove(self, served_name: str, kind: ModelKind) -> Dialogue[Proof]:
        """Ask for one token, or for one embedding."""

    def progress(self, lines: Sequence[str], before: LoadProgress | None) -> LoadProgress | None:
        """The load phase after these further log lines."""

    def activity(self, lines: Sequence[str]) -> Activity:
        """Requests and speed as the latest of these log lines tells."""

    def diagnose(self, lines: Sequence[str], *, died: bool = False) -> Failure | None:
        """The failure these last log lines (at most 200) speak of, None when they speak of none.

        ``died`` when the exit code tells already that it did not end on purpose.
        """
