"""The files of the demo's disk: the folders of the shipped models, by what a person would have downloaded.

Configs hold what the memory sums read of the real ones, sizes are those of the real weights. A weights file
has a size and no contents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from sparktray.domain.host import DEFAULT_CACHE_DIR, DEFAULT_MODELS_DIR

_TOKENIZER = 11_422_654


class Weights(msgspec.Struct, frozen=True):
    """A model as it lies on the disk, its size in bytes."""

    path: str
    config: Mapping[str, Any]
    size: int
    shards: int

    @property
    def architecture(self) -> str:
        """The class that loads it."""
        return str(self.config["architectures"][0])

    @property
    def context(self) -> int:
        """The longest context that it can take."""
        return int(self._text["max_position_embeddings"])

    @property
    def token_bytes(self) -> int:
        """What a token of context takes at run time: keys and values of two bytes in each layer."""
        heads = self._text.get("num_key_value_heads", 0)
        return int(self._text["num_hidden_layers"] * heads * self._text.get("head_dim", 0) * 2 * 2)

    @property
    def _text(self) -> Mapping[str, Any]:
        text: Mapping[str, Any] = self.config.get("text_config", self.config)
        return text


_SCOUT = {
    "architectures": ["Llama4ForConditionalGeneration"],
    "model_type": "llama4",
    "torch_dtype": "bfloat16",
    "text_config": {
        "model_type": "llama4_text",
        "num_hidden_layers": 48,
        "num_attention_heads": 40,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "hidden_size": 5120,
        "max_position_embeddings": 10485760,
        "vocab_size": 202048,
        "attention_chunk_size": 8192,
        "no_rope_layers": [1, 1, 1, 0] * 12,
        "num_local_experts": 16,
        "num_experts_per_tok": 1,
    },
}
_QWEN3 = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "torch_dtype": "bfloat16",
    "num_hidden_layers": 64,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 5120,
    "max_position_embeddings": 40960,
    "vocab_size": 151936,
}
_CODER = {
    **_QWEN3,
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "hidden_size": 2048,
    "max_position_embeddings": 262144,
    "num_experts": 128,
    "num_experts_per_tok": 8,
}
_PHI4 = {
    "architectures": ["Phi3ForCausalLM"],
    "model_type": "phi3",
    "torch_dtype": "bfloat16",
    "num_hidden_layers": 40,
    "num_attention_heads": 40,
    "num_key_value_heads": 10,
    "head_dim": 128,
    "hidden_size": 5120,
    "max_position_embeddings": 32768,
    "vocab_size": 100352,
}
_BGE_M3 = {
    "architectures": ["XLMRobertaModel"],
    "model_type": "xlm-roberta",
    "torch_dtype": "float32",
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "hidden_size": 1024,
    "max_position_embeddings": 8194,
    "vocab_size": 250002,
}
_DEEPSEEK = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "torch_dtype": "bfloat16",
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 4096,
    "max_position_embeddings": 131072,
    "vocab_size": 128256,
}
MODELS = (
    Weights("llama4/llama4-scout-17b-nvfp4", _SCOUT, 60_400_000_000, 13),
    Weights("qwen3/qwen3-32b-nvfp4", _QWEN3, 19_300_000_000, 4),
    Weights("qwen3/qwen3-coder-30b-nvfp4", _CODER, 17_200_000_000, 4),
    Weights("phi4/phi4-reasoning", _PHI4, 29_320_000_000, 6),
    Weights("bge/bge-m3", _BGE_M3, 2_271_000_000, 1),
    Weights("deepseek/deepseek-r1-8b-abliterated-bf16", _DEEPSEEK, 16_060_000_000, 4),
)


class File(msgspec.Struct, frozen=True):
    """A file by its size; ``content`` where somebody may read it."""

    size: int
    content: bytes | None = None


class Disk:
    """All files by their absolute path; folders are what leads to them, and ``empty`` ones."""

    def __init__(self, files: Mapping[str, File], empty: tuple[str, ...] = ()) -> None:
        self.files = dict(files)
        self._folders = {
            parent for path in (*files, *(f"{each}/" for each in empty)) for parent in _above(path)
        }

    def is_folder(self, path: str) -> bool:
        """Whether it is one."""
        return (path.rstrip("/") or "/") in self._folders

    def below(self, root: str, depth: int) -> Iterator[tuple[str, File | None]]:
        """What lies at most so many steps below a folder, each by its path from there; None for a folder."""
        start = root.rstrip("/") + "/"
        for folder in sorted(self._folders):
            inside = folder.removeprefix(start)
            if folder.startswith(start) and inside.count("/") < depth:
                yield inside, None
        for path, file in sorted(self.files.items()):
            inside = path.removeprefix(start)
            if path.startswith(start) and inside.count("/") < depth:
                yield inside, file

    def weights(self, folder: str) -> Weights | None:
        """The model in a folder."""
        there = (each for each in MODELS if folder.rstrip("/") == f"{DEFAULT_MODELS_DIR}/{each.path}")
        return next(there, None)


def disk() -> Disk:
    """The demo's disk as it is at the start."""
    files: dict[str, File] = {}
    for each in MODELS:
        folder = f"{DEFAULT_MODELS_DIR}/{each.path}"
        small = {"config.json": each.config, "tokenizer_config.json": {"model_max_length": each.context}}
        names = [f"model-{number + 1:05}-of-{each.shards:05}.safetensors" for number in range(each.shards)]
        if each.shards == 1:
            names = ["model.safetensors"]
        else:
            index = {"metadata": {"total_size": each.size}, "weight_map": {f"layer.{n}": n for n in names}}
            small["model.safetensors.index.json"] = index
        for name, value in small.items():
            text = json.dumps(value, indent=2).encode()
            files[f"{folder}/{name}"] = File(len(text), text)
        files[f"{folder}/tokenizer.json"] = File(_TOKENIZER)
        for name in names:
            files[f"{folder}/{name}"] = File(each.size // each.shards)
    return Disk(files, (f"{DEFAULT_CACHE_DIR}/sglang", f"{DEFAULT_CACHE_DIR}/vllm"))


def _above(path: str) -> Iterator[str]:
    parts = path.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count]) or "/"
