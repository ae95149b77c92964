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
FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"


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


def _checkpoint(
    model: str, family: str, *, nvfp4: bool = False, extra: dict[str, str] | None = None
) -> Checkpoint:
    """The model of that name as tests/fixtures has it: its config.json, its weights' size."""
    weights = json.loads((FIXTURES / "weights.json").read_text(encoding="utf-8"))[model]
    config = json.loads((FIXTURES / model / "config.json").read_text(encoding="utf-8"))
    return Checkpoint(model, family, weights["bytes"], weights["shards"], config, nvfp4, extra or {})


CHECKPOINTS = (
    _checkpoint("llama4-scout-17b-nvfp4", "llama4", nvfp4=True),
    _checkpoint("qwen3-32b-nvfp4", "qwen3", nvfp4=True),
    _checkpoint("qwen3-coder-30b-nvfp4", "qwen3", nvfp4=True),
    _checkpoint("phi4-reasoning", "phi4"),
    _checkpoint(
        "bge-m3",
        "bge",
        extra={"modules.json": "[]", "sentence_bert_config.json": '{"max_seq_length": 8192}'},
    ),
    _checkpoint("deepseek-r1-8b-abliterated-bf16", "deepseek"),
)


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
