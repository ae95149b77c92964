"""Facts of a model by the files of its folder, in the shapes that models really have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.domain.facts.survey import ModelFolder
from sparktray.engines.models.facts import ModelFacts, read_facts
from sparktray.engines.registry import engine
from tests.pure.domain.hostile import JSON, JsonValue

GB = 10**9


def facts(
    config: dict[str, Any] | None,
    weights: int = 16 * GB,
    *,
    beside: dict[str, Any] | None = None,
    index: dict[str, Any] | None = None,
    files: tuple[str, ...] = (),
) -> ModelFacts:
    sizes = {"model.safetensors": weights, "config.json": 9, **dict.fromkeys(files, 1)}
    return read_facts(ModelFolder("/m", sizes, config, index), beside)


SCOUT = {
    "architectures": ["Llama4ForConditionalGeneration"],
    "model_type": "llama4",
    "text_config": {
        "model_type": "llama4_text",
        "max_position_embeddings": 10_485_760,
        "num_local_experts": 16,
        "torch_dtype": "bfloat16",
    },
}
MODELOPT = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4", "group_size": 16}}
QWEN = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "torch_dtype": "bfloat16",
    "max_position_embeddings": 40_960,
}
MOE = QWEN | {"architectures": ["Qwen3MoeForCausalLM"], "num_experts": 128}
PHI = {"architectures": ["Phi3ForCausalLM"], "dtype": "bfloat16", "max_position_embeddings": 32_768}
BGE = {
    "architectures": ["XLMRobertaModel"],
    "model_type": "xlm-roberta",
    "torch_dtype": "float32",
    "max_position_embeddings": 8194,
    "pad_token_id": 1,
}
DEEPSEEK = {
    "architectures": ["DeepseekV3ForCausalLM"],
    "model_type": "deepseek_v3",
    "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"},
    "max_position_embeddings": 163_840,
    "n_routed_experts": 256,
    "torch_dtype": "bfloat16",
    "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128]},
}
GPT_OSS = {
    "architectures": ["GptOssForCausalLM"],
    "num_local_experts": 32,
    "max_position_embeddings": 131_072,
    "quantization_config": {"quant_method": "mxfp4"},
}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            facts(SCOUT, 60 * GB, beside=MODELOPT),
            ModelFacts(
                "Llama4ForConditionalGeneration", ModelKind.CHAT, "NVFP4", None, 16, 10_485_760, 60 * GB
            ),
        ),
        (facts(QWEN), ModelFacts("Qwen3ForCausalLM", ModelKind.CHAT, "BF16", 8 * GB, None, 40_960, 16 * GB)),
        (facts(MOE), ModelFacts("Qwen3MoeForCausalLM", ModelKind.CHAT, "BF16", 8 * GB, 128, 40_960, 16 * GB)),
        (facts(PHI), ModelFacts("Phi3ForCausalLM", ModelKind.CHAT, "BF16", 8 * GB, None, 32_768, 16 * GB)),
        (
            facts(BGE, 2 * GB, files=("modules.json",)),
            ModelFacts("XLMRobertaModel", ModelKind.EMBEDDING, "FP32", GB // 2, None, 8192, 2 * GB),
        ),
        (
            facts(DEEPSEEK),
            ModelFacts(
                "DeepseekV3ForCausalLM", ModelKind.CHAT, "FP8", None, 256, 163_840, 16 * GB, own_code=True
            ),
        ),
        (
            facts(GPT_OSS, index={"metadata": {"total_parameters": 21 * GB}}),
            ModelFacts("GptOssForCausalLM", ModelKind.CHAT, "MXFP4", 21 * GB, 32, 131_072, 16 * GB),
        ),
        (facts(None), ModelFacts(weights_bytes=16 * GB)),
        (facts({"architectures": []}, 0), ModelFacts()),
    ],
    ids=["scout", "qwen", "moe", "phi", "bge", "deepseek", "gpt-oss", "no config", "nothing"],
)
def test_models_as_they_are(found: ModelFacts, expected: ModelFacts) -> None:
    assert found == expected


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "NVFP4"),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "FP8"),
        ({"quant_method": "modelopt"}, None),
        ({"quant_method": "modelopt_fp4"}, "NVFP4"),
        ({"quant_method": "awq", "bits": 4}, "AWQ 4 bit"),
        ({"quant_method": "awq", "w_bit": 4}, "AWQ 4 bit"),
        ({"quant_method": "gptq", "bits": 8}, "GPTQ 8 bit"),
        ({"quant_method": "gptq"}, "GPTQ"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bitsandbytes 4 bit"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes 8 bit"),
        ({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}, "NVFP4"),
        ({"quant_method": "compressed-tensors", "format": "mxfp4-pack-quantized"}, "MXFP4"),
        ({"quant_method": "compressed-tensors", "format": "float-quantized"}, "FP8"),
        ({"quant_method": "compressed-tensors", "format": "int-quantized"}, "INT8"),
        ({"quant_method": "compressed-tensors", "format": "pack-quantized"}, "PACK-QUANTIZED"),
        ({"quant_method": "tomorrow"}, "TOMORROW"),
        ({"quant_algo": "W4A8"}, "W4A8"),
    ],
)
def test_quantization(told: dict[str, Any], name: str | None) -> None:
    """What a quantized model's own numbers are stored as says nothing of it, unless nothing else does."""
    expected = name or "BF16"
    assert facts(QWEN | {"quantization_config": told}).quantization == expected
    assert facts(SCOUT | {"text_config": {**QWEN, "quantization_config": told}}).quantization == expected


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        ("BertModel", ModelKind.EMBEDDING),
        ("LlamaEmbeddingModel", ModelKind.EMBEDDING),
        ("Qwen3ForCausalLM", ModelKind.CHAT),
        ("TomorrowForCausalLM", ModelKind.CHAT),
    ],
)
def test_kinds(architecture: str, kind: ModelKind) -> None:
    assert facts({"architectures": [architecture]}).kind is kind
    assert facts({"architectures": [architecture]}, files=("modules.json",)).kind is ModelKind.EMBEDDING


@pytest.mark.parametrize(
    "architecture",
    ["XLMRobertaForSequenceClassification", "Qwen2ForRewardModel", "LlamaForCausalLMEagle3", "Qwen3NextMTP"],
)
def test_what_neither_chats_nor_embeds(architecture: str) -> None:
    assert facts({"architectures": [architecture]}).neither is not None
    assert facts(QWEN).neither is None and facts(None).neither is None


@pytest.mark.parametrize(
    ("config", "trained"),
    [
        ({"n_positions": 1024}, 1024),
        ({"max_position_embeddings": 514, "model_type": "roberta"}, 512),
        ({"max_position_embeddings": 514, "model_type": "roberta", "pad_token_id": -1}, 514),
        ({"max_position_embeddings": 0}, None),
        ({"max_position_embeddings": True}, None),
        ({"max_position_embeddings": "8192"}, None),
    ],
)
def test_the_trained_context(config: dict[str, Any], trained: int | None) -> None:
    assert facts(config).trained_context == trained


def test_engines_know_what_they_load() -> None:
    sglang, vllm, ollama = (engine(kind).architectures for kind in EngineKind)
    for each in (SCOUT, QWEN, MOE, PHI, BGE, DEEPSEEK, GPT_OSS):
        assert set(each["architectures"]) <= sglang & vllm  # type: ignore[call-overload]
    assert not ollama
    assert "MllamaForConditionalGeneration" in sglang - vllm
    assert "ModernBertModel" in vllm - sglang


@given(JSON, JSON)
def test_no_config_raises(config: JsonValue, beside: JsonValue) -> None:
    inside = config if isinstance(config, dict) else {"architectures": config, "text_config": config}
    found = facts(
        inside | {"quantization_config": beside, "pad_token_id": beside},
        beside=beside if isinstance(beside, dict) else {"quantization": beside},
        index={"metadata": config},
    )
    assert found.weights_bytes == 16 * GB
