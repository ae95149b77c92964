"""Memory arithmetic: what a model folder will take once it is loaded, and whether the folder is complete.

Bytes everywhere. Figures come from the folder's ``config.json`` (Hugging Face's keys) and file sizes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sparktray.domain.facts.survey import ModelFolder
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import clean_name
from sparktray.engines.memory.flags import value_of

GIB = 1 << 30
OVERHEAD = 3 * GIB  # CUDA context, activations and graphs come to 3 to 6 GB in both engines

_WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt")
_PARTIAL = (".incomplete", ".part", ".aria2")
_NOT_MODEL = ("training_args.bin", "consolidated")  # Mistral ships its weights twice: consolidated.*
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<of>\d{5})(?P<ending>\.safetensors|\.bin|\.gguf)")
_MOST = 1 << 40  # layers, heads, widths; a figure beyond it is none
_MOST_SHARDS = 10_000  # no model has more; a name that claims them is not worth counting through
# Layers of hybrid models that keep a state of fixed size and nothing for each token.
_STATE_LAYERS = ("linear_attention", "mamba")
# Bytes a number of the cache's kinds, by how their names begin; 4-bit ones carry a scale for each 16.
_WIDTHS = {
    **{"auto": 2.0, "bfloat16": 2.0, "bf16": 2.0, "float16": 2.0, "fp16": 2.0, "half": 2.0},
    **{"fp8": 1.0, "int8": 1.0, "mxfp8": 1.03125},
    **{"nvfp4": 0.5625, "mxfp4": 0.5625, "fp4": 0.5625, "int4": 0.5625},
}

Config = Mapping[str, object]


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
    """What one token keeps in all layers together; None when the config does not tell.

    ``cache_bytes`` is the size of one number: 2 for bf16, 1 for an 8-bit cache. Layers that attend in chunks
    or in a window count in full: SGLang 0.5.4 takes ``--max-total-tokens`` times all of them (its
    ``set_num_token_hybrid`` only shares that out anew), and vLLM 0.33 refuses to start with less.
    """
    text = config.get("text_config")
    text = text if isinstance(text, Mapping) else config
    layers = _positive(text, "num_hidden_layers", "n_layer")
    numbers = _latent(text) or _heads(text)
    if layers is None or numbers is None:
        return None
    return round((numbers * cache_bytes + _index_bytes(text)) * _keeping(text, layers))


def _keeping(text: Config, layers: int) -> int:
    """How many layers keep something for each token."""
    kinds, pattern = text.get("layer_types"), text.get("hybrid_override_pattern")
    if isinstance(kinds, Sequence) and len(kinds) == layers:
        return sum(kind not in _STATE_LAYERS for kind in kinds)
    if isinstance(pattern, str) and len(pattern) == layers:
        return pattern.count("*")  # Nemotron-H: M a state, - no attention, * attention
    return layers // (_positive(text, "full_attention_interval") or 1)


def _latent(text: Config) -> int | None:
    """Multi-head latent attention keeps one compressed vector and its rotary part, not keys and values."""
    rank, rotary = _positive(text, "kv_lora_rank"), _positive(text, "qk_rope_head_dim")
    return None if rank is None or rotary is None else rank + rotary


def _index_bytes(text: Config) -> int:
    """Sparse attention (DeepSeek 3.2) keeps an 8-bit key to look tokens up by, a scale for each 128."""
    size = _positive(text, "index_head_dim")
    return 0 if size is None or _latent(text) is None else size + size // 128 * 4


def _heads(text: Config) -> int | None:
    heads = _positive(text, "num_attention_heads", "n_head")
    width = _positive(text, "hidden_size", "n_embd")
    by_width = width // heads if width and heads else None
    size = _positive(text, "head_dim") or by_width
    kept = _positive(text, "num_key_value_heads") or heads
    if not size or kept is None:
        return None
    return kept * (size + (_positive(text, "v_head_dim") or size))


def _positive(config: Config, *keys: str) -> int | None:
    values = (config.get(key) for key in keys)
    return next((v for v in values if isinstance(v, int) and not isinstance(v, bool) and 0 < v < _MOST), None)


def cache_bytes(args: Sequence[str]) -> float | None:
    """The size of one number in the cache by the engine's flags; None for an unknown kind."""
    kind = value_of(args, "--kv-cache-dtype") or "auto"
    return next((size for start, size in _WIDTHS.items() if kind.startswith(start)), None)


def unread_cache(folder: ModelFolder | None) -> Phrase:
    """Why it is not known what one token keeps."""
    if folder is None or (folder.config is None and folder.unread is None):
        return phrase("The model's folder has no config.json.")
    if folder.unread is not None:
        return folder.unread
    names = (folder.config or {}).get("architectures")
    first = names[0] if isinstance(names, list) and names else None
    if not isinstance(first, str):
        return phrase("config.json does not tell the size of the model's layers.")
    return phrase(
        "config.json does not tell the size of the model's layers: the architecture {name} is not known.",
        name=clean_name(first),
    )


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
