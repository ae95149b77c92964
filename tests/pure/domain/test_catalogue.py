from __future__ import annotations

import msgspec
import pytest

from sparktray.domain.catalogue import Catalogue, EngineKind, Model, OpenWebUi, Server

SGLANG = Server(name="sglang", engine=EngineKind.SGLANG, container="sglang", port=30000, image="i")
VLLM = Server(name="vllm", engine=EngineKind.VLLM, container="vllm", port=8000, image="i")
CONSTANT = Server(
    name="one", engine=EngineKind.SGLANG, container="one", port=30002, image="i", served_name="spark"
)
OLLAMA = Server(name="ollama", engine=EngineKind.OLLAMA, container="ollama", port=11434, image="i")
QWEN = Model(
    id="qwen",
    servers=("ollama", "sglang"),
    served_name="served",
    ollama="qwen3:32b",
    args={EngineKind.SGLANG: ("--tp", "1")},
)
PLAIN = Model(id="plain", servers=("sglang",))
CATALOGUE = Catalogue(servers=(SGLANG, OLLAMA), models=(QWEN, PLAIN))


@pytest.mark.parametrize(
    ("model", "server", "name"),
    [
        (QWEN, SGLANG, "served"),
        (QWEN, VLLM, "served"),
        (QWEN, OLLAMA, "qwen3:32b"),
        (QWEN, CONSTANT, "spark"),
        (PLAIN, SGLANG, "plain"),
        (PLAIN, OLLAMA, "plain"),
        (PLAIN, CONSTANT, "spark"),
    ],
)
def test_the_name_a_model_is_served_under(model: Model, server: Server, name: str) -> None:
    assert model.name_on(server) == name


def test_args_are_those_of_the_engine() -> None:
    assert QWEN.args_for(EngineKind.SGLANG) == ("--tp", "1")
    assert QWEN.args_for(EngineKind.VLLM) == ()


def test_lookups() -> None:
    assert CATALOGUE.server("ollama") is OLLAMA
    assert CATALOGUE.server("none") is None
    assert CATALOGUE.model("qwen") is QWEN
    assert CATALOGUE.model("none") is None
    assert CATALOGUE.servers_of(QWEN) == (OLLAMA, SGLANG)
    assert CATALOGUE.models_on("sglang") == (QWEN, PLAIN)
    assert CATALOGUE.models_on("ollama") == (QWEN,)
    assert CATALOGUE.named(SGLANG, "served") is QWEN
    assert CATALOGUE.named(OLLAMA, "qwen3:32b") is QWEN
    assert CATALOGUE.named(OLLAMA, "served") is None
    assert CATALOGUE.open_webui == OpenWebUi(container="open-webui", volume="open-webui", port=3000)


def test_values_do_not_change() -> None:
    with pytest.raises(AttributeError):
        QWEN.id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        PLAIN.env["NAME"] = "value"  # type: ignore[index]
    assert msgspec.structs.replace(QWEN, id="other").id == "other"
