"""The catalogue: which servers a host offers and which models may be started on them.

Values only. Reading them from `models.json` is `catalogue_reading`. Every value is immutable and may be
shared between threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

import msgspec


class EngineKind(StrEnum):
    """The serving program of a server."""

    SGLANG = "sglang"
    VLLM = "vllm"
    OLLAMA = "ollama"


class ModelKind(StrEnum):
    """What a model answers with: text, or vectors."""

    CHAT = "chat"
    EMBEDDING = "embedding"


class Purpose(StrEnum):
    """What a model is good for; the menu shows it behind the name."""

    DOCUMENTS = "documents"
    GENERAL = "general"
    CODING = "coding"
    REASONING = "reasoning"
    EMBEDDINGS = "embeddings"
    UNCENSORED = "uncensored"


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """The name of a value that lies in the keyring; the value itself is never part of the catalogue."""

    name: str


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A place on a host where one engine serves: a container name and a TCP port on the host.

    `bind` is the host's address at which the port is published, None for all of them. `served_name` is what
    every model is served under here, None for each model's own name.
    """

    name: str
    engine: EngineKind
    container: str
    port: int
    image: str
    bind: str | None = None
    served_name: str | None = None


def _none() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_args() -> Mapping[EngineKind, tuple[str, ...]]:
    return MappingProxyType({})


def _no_env() -> Mapping[str, str | Secret]:
    return MappingProxyType({})


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the catalogue.

    `servers` is never empty; its first is the default. `path` is the folder on the host and may begin with
    `{models}/` or `{cache}/`, which the host's profile fills in. `context` is tokens a request, None for the
    engine's own default; `parallel` is how many requests of that length shall fit at once. `memory_gib` (GiB)
    overrides the estimate. `start` and `stop` are argv of the user's own scripts, both given or neither.
    """

    id: str
    servers: tuple[str, ...]
    path: str | None = None
    served_name: str | None = None
    kind: ModelKind = ModelKind.CHAT
    context: int | None = None
    parallel: int = 1
    purposes: tuple[Purpose, ...] = ()
    note: Mapping[str, str] = msgspec.field(default_factory=_none)
    args: Mapping[EngineKind, tuple[str, ...]] = msgspec.field(default_factory=_no_args)
    docker_args: tuple[str, ...] = ()
    env: Mapping[str, str | Secret] = msgspec.field(default_factory=_no_env)
    memory_gib: float | None = None
    ollama: str | None = None
    start: tuple[str, ...] | None = None
    stop: tuple[str, ...] | None = None

    def name_on(self, server: Server) -> str:
        """The name this model is served under there: what `/v1/models` should answer.

        On Ollama a model has no served name of ours; an entry without an Ollama name answers with its id.
        """
        match server.engine:
            case EngineKind.OLLAMA:
                return self.ollama or self.id
            case EngineKind.SGLANG | EngineKind.VLLM:
                return server.served_name or self.served_name or self.id
            case _:  # pragma: no cover
                assert_never(server.engine)

    def args_for(self, engine: EngineKind) -> tuple[str, ...]:
        """The entry's further flags for that engine, in the order written."""
        return self.args.get(engine, ())


class OpenWebUi(msgspec.Struct, frozen=True, kw_only=True):
    """Where Open WebUI runs: its container, the volume with its data, its TCP port on the host."""

    container: str = "open-webui"
    volume: str = "open-webui"
    port: int = 3000


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """All servers and models, in the order of the file."""

    servers: tuple[Server, ...]
    models: tuple[Model, ...] = ()
    open_webui: OpenWebUi = OpenWebUi()

    def server(self, name: str) -> Server | None:
        """The server of that name, or None."""
        return next((server for server in self.servers if server.name == name), None)

    def model(self, model_id: str) -> Model | None:
        """The entry with that id, or None."""
        return next((model for model in self.models if model.id == model_id), None)

    def servers_of(self, model: Model) -> tuple[Server, ...]:
        """The servers that entry may run on, the default first."""
        return tuple(server for name in model.servers if (server := self.server(name)) is not None)

    def models_on(self, server: str) -> tuple[Model, ...]:
        """The entries that may run on the server of that name, in catalogue order."""
        return tuple(model for model in self.models if server in model.servers)

    def named(self, server: Server, name: str) -> Model | None:
        """The entry that is served under that name on that server, or None."""
        here = self.models_on(server.name)
        return next((model for model in here if model.name_on(server) == name), None)
