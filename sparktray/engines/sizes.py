"""Memory arithmetic: what a model folder will take once it is loaded, and whether the folder is complete.

Bytes everywhere. Figures come from the folder's ``config.json`` (Hugging Face's keys) and file sizes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sparktray.domain.catalogue import Model, ModelKind
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.survey import ModelFolder
from sparktray.domain.text import clean_name

GIB = 1 << 30
OVERHEAD = 4 * GIB  # CUDA context, activations and graphs come to 3 to 6 GB in both engines
_WEIGHT_SHARE = 1.1  # buffers beside the weights while loading

_WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt")
_PARTIAL = (".incomplete", ".part", ".aria2")
_NOT_MODEL = ("training_args.bin", "consolidated")  # Mistral ships its weights twice: consolidated.*
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<of>\d{5})(?P<ending>\.safetensors|\.bin|\.gguf)")
_MOST_SHARDS = 10_000  # no model has more; a name that claims them is not worth counting through
_LLAMA4_PATTERN = 4  # every fourth layer attends to all, the others in chunks (SGLang 0.5.4 llama4.py)

Config = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Cache:
    """What one token keeps in each layer, and how many tokens a layer keeps at most (None: all)."""

    bytes_per_layer: float
    most: tuple[int | None, ...]


def weights_bytes(folder: ModelFolder) -> int | None:
    """The size of the weight files, about what they take in memory; None when there are none."""
    named = _indexed(folder)
    if named:
        return sum(folder.files.get(name, 0) for name in named) or None
    for ending in _WEIGHTS:
        sizes = [size for name, size in folder.files.items() if _is_weight(name, ending)]
        if sizes:
            return sum(sizes) or None
    return None


def _is_weight(name: str, ending: str) -> bool:
    return name.endswith(ending) and "/" not in name and not name.startswith(_NOT_MODEL)


def _indexed(folder: ModelFolder) -> tuple[str, ...]:
    """The files the weight index names, each once."""
    weight_map = (folder.index or {}).get("weight_map")
    names = weight_map.values() if isinstance(weight_map, Mapping) else ()
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def kv_bytes_per_token(config: Config, cache_bytes: float = 2.0) -> int | None:
    """Upper bound of what one token keeps: all layers at full context. None when the config does not tell.

    ``cache_bytes`` is the size of one number: 2 for bf16, 1 for an 8-bit cache.
    """
    cache = _cache(config, cache_bytes)
    return None if cache is None else round(cache.bytes_per_layer * len(cache.most))


def kv_bytes(config: Config, tokens: int, parallel: int, cache_bytes: float = 2.0) -> int | None:
    """What ``parallel`` requests of ``tokens`` keep when chunked and sliding layers drop what they can."""
    cache = _cache(config, cache_bytes)
    if cache is None:
        return None
    kept = sum(tokens if most is None else min(tokens, most) for most in cache.most)
    return round(cache.bytes_per_layer * kept) * parallel


def _cache(config: Config, cache_bytes: float) -> Cache | None:
    text = config.get("text_config")
    text = text if isinstance(text, Mapping) else config
    layers = _positive(text, "num_hidden_layers", "n_layer")
    numbers = _latent(text) or _heads(text)
    if layers is None or numbers is None:
        return None
    return Cache(numbers * cache_bytes, _most(text, layers))


def _latent(text: Config) -> int | None:
    """Multi-head latent attention keeps one compressed vector and its rotary part, not keys and values."""
    rank, rotary = _positive(text, "kv_lora_rank"), _positive(text, "qk_rope_head_dim")
    return None if rank is None or rotary is None else rank + rotary


def _heads(text: Config) -> int | None:
    heads = _positive(text, "num_attention_heads", "n_head")
    width = _positive(text, "hidden_size", "n_embd")
    by_width = width // heads if width and heads else None
    size = _positive(text, "head_dim") or by_width
    kept = _positive(text, "num_key_value_heads") or heads
    if not size or kept is None:
        return None
    return kept * (size + (_positive(text, "v_head_dim") or size))


def _most(text: Config, layers: int) -> tuple[int | None, ...]:
    chunk, window = _positive(text, "attention_chunk_size"), _positive(text, "sliding_window")
    kinds = text.get("layer_types")
    if isinstance(kinds, Sequence) and len(kinds) == layers:
        by_kind = {
            "sliding_attention": window,
            "chunked_attention": chunk,
            "linear_attention": 0,
            "mamba": 0,
        }
        return tuple(by_kind.get(kind) if isinstance(kind, str) else None for kind in kinds)
    if chunk is not None:
        return tuple(chunk if rotary else None for rotary in _rotary(text, layers))
    pattern = _positive(text, "sliding_window_pattern")
    if window is not None and pattern is not None:
        return tuple(None if (layer + 1) % pattern == 0 else window for layer in range(layers))
    return (None,) * layers


def _rotary(text: Config, layers: int) -> tuple[bool, ...]:
    """Llama 4: ``no_rope_layers`` is 1 where a layer has rotary positions, and those attend in chunks."""
    told = text.get("no_rope_layers")
    if isinstance(told, Sequence) and len(told) == layers:
        return tuple(entry != 0 for entry in told)
    return tuple((layer + 1) % _LLAMA4_PATTERN != 0 for layer in range(layers))


def _positive(config: Config, *keys: str) -> int | None:
    values = (config.get(key) for key in keys)
    return next((v for v in values if isinstance(v, int) and not isinstance(v, bool) and v > 0), None)


def needed_bytes(model: Model, folder: ModelFolder | None, kv: int | None) -> int | None:
    """What a loaded model takes, with ``kv`` bytes of cache; None when the folder does not tell.

    The catalogue's own figure wins. An embedding model keeps nothing between requests.
    """
    if model.memory_gib is not None:
        return round(model.memory_gib * GIB)
    weights = weights_bytes(folder) if folder is not None else None
    kept = 0 if model.kind is ModelKind.EMBEDDING else kv
    if weights is None or kept is None:
        return None
    return round(weights * _WEIGHT_SHARE) + kept + OVERHEAD


def cache_bytes(args: Sequence[str]) -> float:
    """The size of one number in the cache by the engine's flags: 8-bit kinds all begin with ``fp8``."""
    for before, word in zip(("", *args), args, strict=False):
        flag, _, value = word.partition("=")
        if (before == "--kv-cache-dtype" and word.startswith("fp8")) or (
            flag == "--kv-cache-dtype" and value.startswith("fp8")
        ):
            return 1.0
    return 2.0


def _missing_shard(folder: ModelFolder) -> str | None:
    """A shard that the names of the others speak of: model-00001-of-00004.safetensors and so on."""
    for name in folder.files:
        found = _SHARD.fullmatch(name)
        if found is None or int(found["of"]) > _MOST_SHARDS:
            continue
        for number in range(1, int(found["of"]) + 1):
            wanted = f"{found['stem']}-{number:0{len(found['number'])}}-of-{found['of']}{found['ending']}"
            if wanted not in folder.files:
                return wanted
    return None


def folder_complete(folder: ModelFolder) -> Phrase | None:
    """What is missing in a model's folder, None when it looks whole."""
    if not folder.files:
        return phrase("The model's folder is empty.")
    partial = next((name for name in folder.files if name.endswith(_PARTIAL)), None)
    if partial is not None:
        return phrase("A download is not finished: {file}", file=clean_name(partial))
    for name in _indexed(folder):
        if name not in folder.files:
            return phrase("A file of the model is missing: {file}", file=clean_name(name))
        if folder.files[name] == 0:
            return phrase("A file of the model is empty: {file}", file=clean_name(name))
    missing = _missing_shard(folder)
    if missing is not None:
        return phrase("A file of the model is missing: {file}", file=clean_name(missing))
    if weights_bytes(folder) is None:
        return phrase("The model's folder holds no weights.")
    if "config.json" not in folder.files:
        return phrase("A file of the model is missing: {file}", file="config.json")
    return None
