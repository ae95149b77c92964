from __future__ import annotations

import pytest

from sparktray.domain.facts.survey import ModelFolder
from sparktray.domain.phrase import phrase
from sparktray.engines.sizes import (
    GIB,
    cache_bytes,
    folder_complete,
    kv_bytes_per_token,
    unread_cache,
    weights_bytes,
)
from tests.pure.engines.launching import QWEN, SCOUT


def _shape(layers: int, heads: int, kv_heads: int | None, hidden: int, **more: object) -> dict[str, object]:
    shape = {"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": hidden, **more}
    return shape if kv_heads is None else {**shape, "num_key_value_heads": kv_heads}


DEEPSEEK_V3 = _shape(61, 128, 128, 7168, kv_lora_rank=512, qk_rope_head_dim=64)
DEEPSEEK_V32 = {**DEEPSEEK_V3, "index_head_dim": 128}


@pytest.mark.parametrize(
    ("config", "a_token"),
    [
        (SCOUT, 196_608),
        (QWEN, 262_144),
        (_shape(48, 32, 4, 2048, head_dim=128), 98_304),
        (_shape(40, 40, 10, 5120), 204_800),
        (_shape(40, 40, 10, 5120, head_dim=None), 204_800),
        (_shape(32, 32, 8, 4096), 131_072),
        (_shape(80, 64, 8, 8192), 327_680),
        (_shape(24, 16, None, 1024), 98_304),
        (_shape(2, 4, 2, 64, head_dim=16, v_head_dim=8), 2 * 2 * 24 * 2),
        (DEEPSEEK_V3, 70_272),
        ({"n_layer": 2, "n_head": 4, "n_embd": 64}, 2 * 4 * 32 * 2),
        ({}, None),
        ({"num_hidden_layers": 2}, None),
        ({"num_hidden_layers": 2, "head_dim": 8}, None),
        (_shape(0, 4, 4, 64), None),
        (_shape(-1, 4, 4, 64), None),
        ({**QWEN, "num_hidden_layers": "64"}, None),
        ({**QWEN, "num_hidden_layers": True}, None),
        ({"text_config": 7, **QWEN}, 262_144),
    ],
)
def test_what_a_token_keeps(config: dict[str, object], a_token: int | None) -> None:
    assert kv_bytes_per_token(config) == a_token
    assert kv_bytes_per_token(config, 1.0) == (None if a_token is None else a_token // 2)


SMALL: dict[str, object] = _shape(4, 1, 1, 1, head_dim=1)  # 4 bytes a token and layer


@pytest.mark.parametrize(
    ("more", "layers"),
    [
        ({"attention_chunk_size": 10}, 4),
        ({"sliding_window": 10, "layer_types": ["sliding_attention"] * 3 + ["full_attention"]}, 4),
        ({"layer_types": ["linear_attention", "mamba", "new_kind", ["odd"]]}, 2),
        ({"layer_types": ["linear_attention"]}, 4),
        ({"hybrid_override_pattern": "M-M*"}, 1),
        ({"hybrid_override_pattern": "M*"}, 4),
        ({"full_attention_interval": 4}, 1),
        ({"full_attention_interval": "4"}, 4),
    ],
)
def test_which_layers_keep_something(more: dict[str, object], layers: int) -> None:
    """What attends in chunks or in a window is kept in full; what has a state keeps nothing a token."""
    assert kv_bytes_per_token({**SMALL, **more}) == 4 * layers


def test_the_index_of_sparse_attention_is_8_bit_whatever_the_cache_is() -> None:
    """128 bytes and one scale of 4 a layer, beside the latent vector; without one the index means nothing."""
    assert kv_bytes_per_token(DEEPSEEK_V32) == 70_272 + 61 * 132
    assert kv_bytes_per_token(DEEPSEEK_V32, 1.0) == 70_272 // 2 + 61 * 132
    assert kv_bytes_per_token({**QWEN, "index_head_dim": 128}) == 262_144


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        (None, "The model's folder has no config.json."),
        (ModelFolder("/m"), "The model's folder has no config.json."),
        (ModelFolder("/m", unread=phrase("It cannot be read.")), "It cannot be read."),
        (ModelFolder("/m", config={}), "config.json does not tell the size of the model's layers."),
        (
            ModelFolder("/m", config={"architectures": [7]}),
            "config.json does not tell the size of the model's layers.",
        ),
        (
            ModelFolder("/m", config={"architectures": ["NewOne"]}),
            "config.json does not tell the size of the model's layers: the architecture {name} is not known.",
        ),
    ],
)
def test_why_it_is_not_known_what_a_token_keeps(folder: ModelFolder | None, reason: str) -> None:
    assert unread_cache(folder).msgid == reason


def test_the_worked_figures() -> None:
    qwen, scout = kv_bytes_per_token(QWEN), kv_bytes_per_token(SCOUT)
    assert qwen is not None and qwen * 32_768 == 8 * GIB
    assert scout is not None and scout * 131_072 == 24 * GIB


def _index(**names: str) -> dict[str, object]:
    return {"metadata": {}, "weight_map": names}


FOLDERS: list[tuple[dict[str, int], dict[str, object] | None, int | None, str | None]] = [
    ({}, None, None, "The model's folder is empty."),
    ({"model.safetensors": 9, "config.json": 1}, None, 9, None),
    ({"a.safetensors": 4, "b.safetensors": 5, "config.json": 1}, None, 9, None),
    ({"a.safetensors": 4, "consolidated.safetensors": 4, "config.json": 1}, None, 4, None),
    ({"pytorch_model.bin": 7, "training_args.bin": 1, "onnx/model.bin": 9, "config.json": 1}, None, 7, None),
    ({"a.safetensors": 4, "model.safetensors.aria2": 1}, None, 4, "A download is not finished: {file}"),
    ({"a.safetensors": 4, "x.incomplete": 1}, None, 4, "A download is not finished: {file}"),
    ({"a.safetensors": 4, "x.part": 1}, None, 4, "A download is not finished: {file}"),
    ({"config.json": 1}, None, None, "The model's folder holds no weights."),
    ({"a.safetensors": 0, "config.json": 1}, None, None, "The model's folder holds no weights."),
    ({"a.safetensors": 4}, None, 4, "A file of the model is missing: {file}"),
    ({"m-00001-of-00002.bin": 4, "m-00002-of-00002.bin": 5, "config.json": 1}, None, 9, None),
    ({"m-00001-of-00002.bin": 4, "config.json": 1}, None, 4, "A file of the model is missing: {file}"),
    ({"m-00001-of-99999.bin": 4, "config.json": 1}, None, 4, None),
    ({"a": 4, "b": 5, "c": 9, "config.json": 1}, _index(x="a", y="b", z="a"), 9, None),
    ({"a": 4, "config.json": 1}, _index(x="a", y="b"), 4, "A file of the model is missing: {file}"),
    ({"a": 4, "b": 0, "config.json": 1}, _index(x="a", y="b"), 4, "A file of the model is empty: {file}"),
    ({"a.safetensors": 4, "config.json": 1}, {"weight_map": [1]}, 4, None),
    ({"a.safetensors": 4, "config.json": 1}, {}, 4, None),
]


@pytest.mark.parametrize(("files", "index", "weights", "problem"), FOLDERS)
def test_a_folder_and_its_weights(
    files: dict[str, int], index: dict[str, object] | None, weights: int | None, problem: str | None
) -> None:
    folder = ModelFolder("/m", files, None, index)
    said = folder_complete(folder)
    assert (said and said.msgid) == problem
    assert weights_bytes(folder) == weights


def test_a_file_is_quoted_without_hidden_characters() -> None:
    said = folder_complete(ModelFolder("/m", {"a\u202e\n.part": 1}))
    assert said is not None
    assert said.values == {"file": "a .part"}


@pytest.mark.parametrize(
    ("args", "width"),
    [
        ((), 2.0),
        (("--kv-cache-dtype", "auto"), 2.0),
        (("--kv-cache-dtype", "fp8_e5m2"), 1.0),
        (("--kv-cache-dtype=fp8",), 1.0),
        (("--kv-cache-dtype=bf16",), 2.0),
        (("--kv_cache_dtype", "fp8_e4m3"), 1.0),
        (("--kv-cache-dtype", "fp8", "--kv-cache-dtype", "auto"), 2.0),
        (("--kv-cache-dtype", "nvfp4"), 0.5625),
        (("--kv-cache-dtype", "mxfp8"), 1.03125),
        (("--kv-cache-dtype", "turboquant_k8v4"), None),
        (("--kv-cache-dtype",), 2.0),
        (("--other", "fp8"), 2.0),
    ],
)
def test_the_width_of_the_cache(args: tuple[str, ...], width: float | None) -> None:
    assert cache_bytes(args) == width
