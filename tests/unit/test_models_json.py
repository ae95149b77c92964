from __future__ import annotations

import pytest

from sparktray.domain.catalogue import Catalogue, EngineKind, Model, ModelKind, Purpose, Server
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.store.shipped import shipped

# Weights in bytes and KV bytes a token (bf16, every layer counted) of the two that shall run side by side.
SCOUT = (60e9, 196_608)
QWEN = (19e9, 262_144)
MEM_TOTAL = 127_600_748 * 1024  # /proc/meminfo of a GB10


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(shipped("models.json").read_bytes(), "models.json")


def test_the_servers_of_the_page(catalogue: Catalogue) -> None:
    sglang, main, vllm, ollama = catalogue.servers
    spark = "lmsysorg/sglang:spark"
    kind = EngineKind
    assert sglang == Server(name="sglang", engine=kind.SGLANG, container="sglang", port=30000, image=spark)
    assert main == Server(
        name="sglang-main", engine=kind.SGLANG, container="sglang-main", port=30001, image=spark
    )
    assert (vllm.name, vllm.engine, vllm.port) == ("vllm", kind.VLLM, 8000)
    assert (ollama.name, ollama.engine, ollama.port) == ("ollama", kind.OLLAMA, 11434)


@pytest.mark.parametrize(
    ("model_id", "servers", "path", "purposes", "ollama"),
    [
        ("llama4-scout-17b-nvfp4", "sglang vllm", "llama4", {Purpose.DOCUMENTS}, None),
        ("qwen3-32b-nvfp4", "sglang-main vllm ollama", "qwen3", {Purpose.GENERAL}, "qwen3:32b"),
        ("qwen3-coder-30b-nvfp4", "sglang vllm ollama", "qwen3", {Purpose.CODING}, "qwen3-coder:30b"),
        ("phi4-reasoning", "sglang vllm ollama", "phi4", {Purpose.REASONING}, "phi4-reasoning:14b"),
        ("bge-m3", "sglang vllm ollama", "bge", {Purpose.EMBEDDINGS}, "bge-m3"),
        (
            "deepseek-r1-8b-abliterated-bf16",
            "sglang vllm ollama",
            "deepseek",
            {Purpose.UNCENSORED, Purpose.REASONING},
            "huihui_ai/deepseek-r1-abliterated:8b",
        ),
    ],
)
def test_the_models_of_the_page(
    catalogue: Catalogue, model_id: str, servers: str, path: str, purposes: set[Purpose], ollama: str | None
) -> None:
    model = catalogue.model(model_id)
    assert model is not None
    assert model.servers == tuple(servers.split())
    assert model.path == f"{{models}}/{path}/{model_id}"
    assert model.name_on(catalogue.servers_of(model)[0]) == model_id
    assert set(model.purposes) == purposes
    assert model.ollama == ollama
    assert (model.kind is ModelKind.EMBEDDING) == (model_id == "bge-m3")


def test_the_order_is_that_of_the_menu(catalogue: Catalogue) -> None:
    assert [model.id for model in catalogue.models] == [
        "llama4-scout-17b-nvfp4",
        "qwen3-32b-nvfp4",
        "qwen3-coder-30b-nvfp4",
        "phi4-reasoning",
        "bge-m3",
        "deepseek-r1-8b-abliterated-bf16",
    ]


def test_every_model_is_bounded_and_advised_in_both_languages(catalogue: Catalogue) -> None:
    for model in catalogue.models:
        assert model.context is not None
        assert model.context <= (131_072 if "scout" in model.id else 32_768)
        assert model.memory_gib is None
        assert set(model.note) == {"en", "de"}
        assert all(20 < len(text) < 120 for text in model.note.values())
        # The command of the page: its last flags.
        assert model.args_for(EngineKind.SGLANG) == ("--trust-remote-code", "--tp", "1")


def test_weights_and_cache_of_scout_and_qwen_leave_the_head_room(catalogue: Catalogue) -> None:
    """Even when SGLang keeps the full context in every layer of Scout; its own overhead is not in the sum."""
    scout, qwen = catalogue.model("llama4-scout-17b-nvfp4"), catalogue.model("qwen3-32b-nvfp4")
    assert scout is not None
    assert qwen is not None
    head_room = 0.08 * MEM_TOTAL
    assert _bytes(scout, *SCOUT) + _bytes(qwen, *QWEN) + head_room <= MEM_TOTAL


def _bytes(model: Model, weights: float, per_token: int) -> float:
    return weights + (model.context or 0) * model.parallel * per_token
