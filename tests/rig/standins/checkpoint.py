"""What an engine reads from a model folder before it loads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GB = 2**30


class Unloadable(Exception):
    """The folder is no model. `early`: found while reading the config, before any weight."""

    def __init__(self, kind: str, message: str, *, early: bool) -> None:
        """KIND is the exception an engine shows, MESSAGE its text."""
        super().__init__(message)
        self.kind = kind
        self.early = early


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model folder's figures: weights in bytes, shards, trained context in tokens, KV bytes a token."""

    architecture: str
    weights: int
    shards: int
    context: int
    kv_bytes: int

    @property
    def gigabytes(self) -> float:
        """Weights as the engines print them."""
        return self.weights / GB


def _config(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise Unloadable(
            "huggingface_hub.errors.HFValidationError",
            f"Repo id must be in the form 'repo_name' or 'namespace/repo_name': '{folder}'."
            " Use `repo_type` argument if needed.",
            early=True,
        )
    path = folder / "config.json"
    if not path.exists():
        raise Unloadable("OSError", f"{folder} does not appear to have a file named config.json.", early=True)
    config: dict[str, Any] = json.loads(path.read_bytes())
    return config


def read(folder: Path) -> Checkpoint:
    """The figures of FOLDER; Unloadable when it is missing, empty or incomplete."""
    config = _config(folder)
    text = config.get("text_config", config)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise Unloadable("RuntimeError", f"Cannot find any model weights with `{folder}`", early=False)
    index = folder / "model.safetensors.index.json"
    if index.exists():
        for name in sorted(set(json.loads(index.read_bytes())["weight_map"].values())):
            if not (folder / name).exists():
                raise Unloadable(
                    "FileNotFoundError", f"No such file or directory: {folder / name}", early=False
                )
    heads = int(text["num_attention_heads"])
    head = int(text.get("head_dim") or text["hidden_size"] // heads)
    kv_heads = int(text.get("num_key_value_heads", heads))
    return Checkpoint(
        architecture=str(config["architectures"][0]),
        weights=sum(path.stat().st_size for path in weights),
        shards=len(weights),
        context=int(text["max_position_embeddings"]),
        kv_bytes=int(text["num_hidden_layers"]) * kv_heads * head * 2 * 2,
    )
