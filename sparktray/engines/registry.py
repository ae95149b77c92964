"""All engines by their kind: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sparktray.domain.catalogue import EngineKind, Model, Secret
from sparktray.engines.ollama import Ollama
from sparktray.engines.protocol import Engine
from sparktray.engines.sglang import Sglang
from sparktray.engines.vllm import Vllm

ENGINES: Mapping[EngineKind, Engine] = MappingProxyType(
    {
        EngineKind.SGLANG: Sglang(),
        EngineKind.VLLM: Vllm(),
        EngineKind.OLLAMA: Ollama(),
    }
)


def engine(kind: EngineKind) -> Engine:
    """The engine of that kind."""
    return ENGINES[kind]


def engine_key(model: Model, kind: EngineKind) -> str | None:
    """The keyring's name of the key that this engine asks clients for, where the entry gives it one."""
    value = model.env.get(engine(kind).key_variable or "")
    return value.name if isinstance(value, Secret) else None
