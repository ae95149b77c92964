"""What a model's folder tells of the model. What it does not tell is None: nothing here is guessed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sparktray.domain.catalogue import ModelKind
from sparktray.domain.facts.survey import ModelFolder
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import clean_name
from sparktray.engines.sizes import weights_bytes

Config = Mapping[str, object]

_TYPES = {"bfloat16": ("BF16", 2), "float16": ("FP16", 2), "float32": ("FP32", 4)}
_TRAINED = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
# Their positions begin behind the padding token (Hugging Face's RobertaEmbeddings).
_BEHIND_PADDING = frozenset({"roberta", "xlm-roberta", "camembert"})
_EMBEDDERS = frozenset(
    {"BertModel", "GteModel", "GteNewModel", "LlamaModel", "MistralModel", "ModernBertModel", "NewModel"}
    | {"NomicBertModel", "RobertaModel", "XLMRobertaModel", "Gemma2Model", "Gemma3TextModel", "Qwen2Model"}
)
_DRAFTS = ("Eagle", "EAGLE", "NextN", "Medusa", "MTP")
_JUDGES = ("ForSequenceClassification", "ForTokenClassification", "RewardModel")


class ModelFacts(msgspec.Struct, frozen=True):
    """Facts of one model, each None where its files do not tell.

    ``quantization`` in the words people use ("NVFP4", "AWQ 4 bit", "BF16"); ``trained_context`` in tokens;
    ``own_code``: it brings Python code that an engine runs to load it. ``neither`` says why it is no model
    that chats or embeds.
    """

    architecture: str | None = None
    kind: ModelKind = ModelKind.CHAT
    quantization: str | None = None
    parameters: int | None = None
    experts: int | None = None
    trained_context: int | None = None
    weights_bytes: int | None = None
    own_code: bool = False
    neither: Phrase | None = None


def read_facts(folder: ModelFolder, quantization: Config | None = None) -> ModelFacts:
    """The facts of a folder; ``quantization`` is its parsed `hf_quant_config.json`."""
    config = folder.config or {}
    text = _part(config, "text_config") or config
    architecture = _architecture(config)
    weights = weights_bytes(folder)
    kind_of_number = _number_type(config, text)
    quantized = _quantization(config, text, quantization)
    return ModelFacts(
        architecture=architecture,
        kind=_kind(architecture, folder),
        quantization=quantized or (kind_of_number[0] if kind_of_number else None),
        parameters=_parameters(folder, weights, None if quantized else kind_of_number),
        experts=_first(text, _EXPERTS),
        trained_context=_trained_context(text),
        weights_bytes=weights,
        own_code=_part(config, "auto_map") is not None,
        neither=_neither(architecture),
    )


def _architecture(config: Config) -> str | None:
    names = config.get("architectures")
    first = names[0] if isinstance(names, list) and names else None
    return clean_name(first) or None if isinstance(first, str) else None


def _kind(architecture: str | None, folder: ModelFolder) -> ModelKind:
    """Sentence Transformers lists its modules in a file of its own, also for a model with a chat's name."""
    embeds = architecture is not None and (architecture in _EMBEDDERS or "Embedding" in architecture)
    return ModelKind.EMBEDDING if embeds or "modules.json" in folder.files else ModelKind.CHAT


def _neither(architecture: str | None) -> Phrase | None:
    if architecture is None:
        return None
    if any(word in architecture for word in _DRAFTS):
        return phrase("It is a draft model, which only speeds up another one.")
    if architecture.endswith(_JUDGES):
        return phrase("It judges texts (a reranker or classifier): it neither chats nor embeds.")
    return None


def _number_type(config: Config, text: Config) -> tuple[str, int] | None:
    """The name of the type of its numbers, and the bytes of one."""
    named = (part.get(key) for part in (config, text) for key in ("dtype", "torch_dtype"))
    return next((_TYPES[each] for each in named if isinstance(each, str) and each in _TYPES), None)


def _quantization(config: Config, text: Config, beside: Config | None) -> str | None:
    """By the config itself, else by the file that ModelOpt puts beside it."""
    parts = (_part(each, "quantization_config") for each in (config, text))
    inside = next((part for part in parts if part is not None), None)
    if inside is not None:
        return _method(inside)
    told = _part(beside or {}, "quantization") or {}
    return _word(told.get("quant_algo"))


def _method(told: Config) -> str | None:
    method = told.get("quant_method")
    algorithm = _word(told.get("quant_algo"))
    bits = told.get("bits", told.get("w_bit"))
    of_bits = f" {bits} bit" if isinstance(bits, int) else ""
    match method:
        case "modelopt" | "modelopt_fp4" | "modelopt_fp8":
            return algorithm or {"modelopt_fp4": "NVFP4", "modelopt_fp8": "FP8"}.get(method)
        case "compressed-tensors":
            return _compressed(told)
        case "awq" | "gptq":
            return f"{method.upper()}{of_bits}"
        case "bitsandbytes":
            return "bitsandbytes 4 bit" if told.get("load_in_4bit") is True else "bitsandbytes 8 bit"
        case _:
            return _word(method) or algorithm


def _compressed(told: Config) -> str | None:
    """compressed-tensors names the form of the numbers: "nvfp4-pack-quantized", "float-quantized"."""
    form = told.get("format")
    match form:
        case "nvfp4-pack-quantized":
            return "NVFP4"
        case "mxfp4-pack-quantized":
            return "MXFP4"
        case "float-quantized" | "naive-quantized":
            return "FP8"
        case "int-quantized":
            return "INT8"
        case _:
            return _word(form)


def _word(value: object) -> str | None:
    """A method's name as people write it: capital letters."""
    return clean_name(value).upper() or None if isinstance(value, str) else None


def _parameters(folder: ModelFolder, weights: int | None, number: tuple[str, int] | None) -> int | None:
    """By the weight index where it says so, else by the size of weights that are not quantized."""
    told = _first(_part(folder.index or {}, "metadata") or {}, ("total_parameters",))
    if told is not None or weights is None or number is None:
        return told
    return weights // number[1]


def _trained_context(text: Config) -> int | None:
    positions = _first(text, _TRAINED)
    kind = text.get("model_type")
    if positions is None or not isinstance(kind, str) or kind not in _BEHIND_PADDING:
        return positions
    padding = text.get("pad_token_id")
    before = padding + 1 if isinstance(padding, int) and not isinstance(padding, bool) else 2
    return max(1, positions - max(0, before))


def _first(config: Config, keys: tuple[str, ...]) -> int | None:
    values = (config.get(key) for key in keys)
    return next(
        (v for v in values if isinstance(v, int) and not isinstance(v, bool) and 0 < v < 1 << 63), None
    )


def _part(config: Config, key: str) -> Config | None:
    part = config.get(key)
    return part if isinstance(part, Mapping) else None
