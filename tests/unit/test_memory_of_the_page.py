"""What the six models of the page take, by folders of their real shape, and what fits side by side."""

from __future__ import annotations

import pytest

from sparktray.decide.changing.headroom import headroom
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.domain.facts.survey import ModelFolder
from sparktray.domain.host import HostProfile
from sparktray.engines.protocol import Launch
from sparktray.engines.registry import engine
from sparktray.engines.sizes import GIB, OVERHEAD, weights_bytes
from sparktray.store.shipped import shipped

MEM_TOTAL = 127_600_748 * 1024  # /proc/meminfo of a GB10


def _shape(layers: int, heads: int, kv_heads: int, head_dim: int, hidden: int) -> dict[str, object]:
    return {
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": head_dim,
        "hidden_size": hidden,
    }


# Weights in GB of the checkpoints, and what their config.json says.
FOLDERS: dict[str, tuple[float, dict[str, object]]] = {
    "llama4-scout-17b-nvfp4": (
        60,
        {"text_config": {**_shape(48, 40, 8, 128, 5120), "attention_chunk_size": 8192}},
    ),
    "qwen3-32b-nvfp4": (19, _shape(64, 64, 8, 128, 5120)),
    "qwen3-coder-30b-nvfp4": (17, _shape(48, 32, 4, 128, 2048)),
    "phi4-reasoning": (29, _shape(40, 40, 10, 128, 5120)),
    "bge-m3": (1.1, _shape(24, 16, 16, 64, 1024)),
    "deepseek-r1-8b-abliterated-bf16": (16, _shape(32, 32, 8, 128, 4096)),
}
# GiB: weights, cache for the catalogue's context and number of requests, all with the overhead.
SUMS = {
    "llama4-scout-17b-nvfp4": (55.9, 24.0, 82.9),
    "qwen3-32b-nvfp4": (17.7, 8.0, 28.7),
    "qwen3-coder-30b-nvfp4": (15.8, 12.0, 30.8),
    "phi4-reasoning": (27.0, 12.5, 42.5),
    "bge-m3": (1.0, 0.0, 4.0),
    "deepseek-r1-8b-abliterated-bf16": (14.9, 8.0, 25.9),
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(shipped("models.json").read_bytes(), "models.json")


def needed(catalogue: Catalogue, name: str) -> tuple[float, float, int]:
    """Weights, cache and sum on the model's first server; the first two in GiB, the sum in bytes."""
    model = catalogue.model(name)
    assert model is not None
    server = catalogue.server(model.servers[0])
    assert server is not None
    gigabytes, config = FOLDERS[name]
    files = {"config.json": 900, "model.safetensors": int(gigabytes * 1e9)}
    folder = ModelFolder("/models", files, config)
    size = engine(server.engine).needed_bytes(Launch(server, model, HostProfile("spark", "a"), folder))
    weights = weights_bytes(folder)
    assert size is not None and weights is not None
    return weights / GIB, (size - weights - OVERHEAD) / GIB, size


@pytest.mark.parametrize("name", list(FOLDERS))
def test_the_sum_of_each_model(catalogue: Catalogue, name: str) -> None:
    weights, cache, size = needed(catalogue, name)
    assert (round(weights, 1), round(cache, 1), round(size / GIB, 1)) == SUMS[name]


def test_the_two_that_the_page_runs_side_by_side_fit(catalogue: Catalogue) -> None:
    both = sum(needed(catalogue, name)[2] for name in ("llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4"))
    assert both <= MEM_TOTAL - headroom(MEM_TOTAL)
