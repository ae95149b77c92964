"""The six models of the catalogue on the rig's disk: real config files, sparse weights of realistic size."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.rig.people import SPARKUSER

ROOT = SPARKUSER.home / "ai"
MODELS = ROOT / "models"
CACHE = ROOT / "cache"
BEHAVIOUR = ".behaviour.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One model folder. BYTES is the sum of the weight files, in SHARDS files."""

    model: str
    family: str
    bytes: int
    shards: int
    config: dict[str, Any]
    nvfp4: bool = False
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where it lies on the rig's host."""
        return MODELS / self.family / self.model


def _decoder(architecture: str, kind: str, **figures: Any) -> dict[str, Any]:
    return {"architectures": [architecture], "model_type": kind, "torch_dtype": "bfloat16", **figures}


def _shape(
    layers: int, heads: int, kv_heads: int, hidden: int, context: int, vocabulary: int
) -> dict[str, Any]:
    return {
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": 128,
        "hidden_size": hidden,
        "max_position_embeddings": context,
        "vocab_size": vocabulary,
    }


_SCOUT_TEXT = {
    **_shape(48, 40, 8, 5120, 10_485_760, 202_048),
    "model_type": "llama4_text",
    "attention_chunk_size": 8192,
    "no_rope_layers": [0 if layer % 4 == 3 else 1 for layer in range(48)],
    "num_local_experts": 16,
    "num_experts_per_tok": 1,
    "torch_dtype": "bfloat16",
}

CHECKPOINTS = (
    Checkpoint(
        "llama4-scout-17b-nvfp4", "llama4", 60_400_000_000, 13, nvfp4=True,
        config=_decoder("Llama4ForConditionalGeneration", "llama4", text_config=_SCOUT_TEXT),
    ),
    Checkpoint(
        "qwen3-32b-nvfp4", "qwen3", 19_300_000_000, 4, nvfp4=True,
        config=_decoder("Qwen3ForCausalLM", "qwen3", **_shape(64, 64, 8, 5120, 40_960, 151_936)),
    ),
    Checkpoint(
        "qwen3-coder-30b-nvfp4", "qwen3", 17_200_000_000, 4, nvfp4=True,
        config=_decoder(
            "Qwen3MoeForCausalLM", "qwen3_moe", **_shape(48, 32, 4, 2048, 262_144, 151_936),
            num_experts=128, num_experts_per_tok=8,
        ),
    ),
    Checkpoint(
        "phi4-reasoning", "phi4", 29_320_000_000, 6,
        config=_decoder("Phi3ForCausalLM", "phi3", **_shape(40, 40, 10, 5120, 32_768, 100_352)),
    ),
    Checkpoint(
        "bge-m3", "bge", 2_271_000_000, 1,
        config={
            "architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta", "torch_dtype": "float32",
            "num_hidden_layers": 24, "num_attention_heads": 16, "hidden_size": 1024,
            "max_position_embeddings": 8194, "vocab_size": 250_002,
        },
        extra={"modules.json": "[]", "sentence_bert_config.json": '{"max_seq_length": 8192}'},
    ),
    Checkpoint(
        "deepseek-r1-8b-abliterated-bf16", "deepseek", 16_060_000_000, 4,
        config=_decoder("LlamaForCausalLM", "llama", **_shape(32, 32, 8, 4096, 131_072, 128_256)),
    ),
)  # fmt: skip


def _write_weights(checkpoint: Checkpoint) -> None:
    folder, count = checkpoint.folder, checkpoint.shards
    each = checkpoint.bytes // count
    if count == 1:
        names = ["model.safetensors"]
    else:
        names = [f"model-{number:05d}-of-{count:05d}.safetensors" for number in range(1, count + 1)]
        index = {
            "metadata": {"total_size": each * count},
            "weight_map": {f"model.layers.{number}.weight": name for number, name in enumerate(names)},
        }
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    for name in names:
        with (folder / name).open("wb") as shard:
            shard.truncate(each)


def write(checkpoint: Checkpoint) -> None:
    """Make the folder of one model, complete."""
    folder = checkpoint.folder
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(checkpoint.config, indent=2))
    (folder / "tokenizer.json").write_text('{"version": "1.0", "model": {"type": "BPE"}}')
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    if checkpoint.nvfp4:
        quantization = {
            "quantization": {"quant_algo": "NVFP4", "group_size": 16, "exclude_modules": ["lm_head"]}
        }
        (folder / "hf_quant_config.json").write_text(json.dumps(quantization))
    for name, text in checkpoint.extra.items():
        (folder / name).write_text(text)
    _write_weights(checkpoint)


def reset() -> None:
    """All six folders as new, and the engines' cache folders empty (a few ms: the weights are sparse)."""
    shutil.rmtree(ROOT, ignore_errors=True)
    for checkpoint in CHECKPOINTS:
        write(checkpoint)
    for engine in ("sglang", "vllm"):
        (CACHE / engine).mkdir(parents=True)
    for place, folders, files in os.walk(ROOT):
        for name in (".", *folders, *files):
            os.chown(Path(place) / name, SPARKUSER.uid, SPARKUSER.uid)


def folder_of(model: str | Path) -> Path:
    """The folder of a catalogue model by its ID; a path is taken as it is."""
    for checkpoint in CHECKPOINTS:
        if checkpoint.model == model:
            return checkpoint.folder
    return Path(model)


def change_behaviour(folder: Path, changes: dict[str, Any]) -> None:
    """Merge CHANGES into FOLDER's behaviour file, in one step for its readers; None takes a key away."""
    path = folder / BEHAVIOUR
    now = json.loads(path.read_text()) if path.exists() else {}
    now = {name: value for name, value in {**now, **changes}.items() if value is not None}
    unfinished = folder / f"{BEHAVIOUR}.new"
    unfinished.write_text(json.dumps(now))
    unfinished.rename(path)
