"""What the tests of the engines share: a launch, a container, and a dialogue carried out from a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sparktray.domain.asking import Answer, Ask, Dialogue, Heard, Silence
from sparktray.domain.catalogue import EngineKind, Model, Server
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.facts.survey import ModelFolder
from sparktray.domain.host import HostProfile
from sparktray.engines.protocol import Launch

Result = TypeVar("Result")

HOST = HostProfile("spark", "spark.local")
SCOUT = {
    "model_type": "llama4",
    "text_config": {
        "num_hidden_layers": 48,
        "num_attention_heads": 40,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "hidden_size": 5120,
        "attention_chunk_size": 8192,
        "no_rope_layers": [0 if layer % 4 == 3 else 1 for layer in range(48)],
    },
}
QWEN = {
    "num_hidden_layers": 64,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 5120,
}


def server(kind: EngineKind, **changes: Any) -> Server:
    """The page's server of that engine."""
    port = {EngineKind.SGLANG: 30000, EngineKind.VLLM: 8000, EngineKind.OLLAMA: 11434}[kind]
    image = {
        EngineKind.SGLANG: "lmsysorg/sglang:spark",
        EngineKind.VLLM: "nvcr.io/nvidia/vllm:26.05-py3",
        EngineKind.OLLAMA: "ollama/ollama",
    }[kind]
    values = {"name": kind.value, "engine": kind, "container": kind.value, "port": port, "image": image}
    return Server(**(values | changes))


def model(**changes: Any) -> Model:
    """The page's example, without a context of its own."""
    values: dict[str, Any] = {
        "id": "llama4-scout-17b-nvfp4",
        "servers": ("sglang",),
        "path": "{models}/llama4/llama4-scout-17b-nvfp4",
        "args": {EngineKind.SGLANG: ("--trust-remote-code", "--tp", "1")},
    }
    return Model(**(values | changes))


def launch(
    engine: EngineKind,
    /,
    *,
    config: Mapping[str, object] | None = None,
    weights: int = 0,
    labels: Mapping[str, str] | None = None,
    on: Server | None = None,
    total: int | None = None,
    **changes: Any,
) -> Launch:
    """A start of the page's model; with WEIGHTS there is a folder."""
    folder = None
    if weights:
        folder = ModelFolder("/m", {"model.safetensors": weights, "config.json": 9}, config)
    return Launch(on or server(engine), model(**changes), HOST, folder, labels or {}, total)


def container(image: str = "debian", argv: str | tuple[str, ...] = ()) -> Container:
    """A running container; a text of argv is split at blanks."""
    words = tuple(argv.split()) if isinstance(argv, str) else argv
    return Container("c" * 64, "c", image, ContainerState.RUNNING, argv=words)


def answer(value: object, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(value).encode())


@dataclass(slots=True)
class Talk:
    """Answers by path, and what was asked; a path that is not in the table is a 404."""

    table: Mapping[str, Heard]
    asked: list[Ask] = field(default_factory=list)

    def carry_out(self, dialogue: Dialogue[Result]) -> Result:
        """The dialogue's result."""
        try:
            ask = next(dialogue)
            while True:
                self.asked.append(ask)
                ask = dialogue.send(self.table.get(ask.path, Answer(404, b'{"detail":"Not Found"}')))
        except StopIteration as end:
            result: Result = end.value
            return result

    @property
    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [ask.path for ask in self.asked]


REFUSED, LATE, BROKEN = Silence.REFUSED, Silence.LATE, Silence.BROKEN
