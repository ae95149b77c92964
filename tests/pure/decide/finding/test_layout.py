"""Which folders hold a model, by the names of their files."""

from __future__ import annotations

import pytest

from sparktray.decide.finding.layout import candidates
from sparktray.domain.facts.discovery import Listed


def found(*names: str) -> list[str]:
    """The folders that hold a model, of these files."""
    return [each.path for each in candidates(Listed(name, 1) for name in names)]


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        ([], []),
        (["a/config.json", "a/model.safetensors"], ["a"]),
        (["b/x/config.json", "a/config.json"], ["a", "b/x"]),
        (["config.json", "model.safetensors", "a/config.json"], ["", "a"]),
        (["a/model.gguf", "b.gguf"], ["", "a"]),
        (["a/pytorch_model-00001-of-00002.bin"], ["a"]),
        (["a/ggml.bin", "b/yolo.pt", "c/x.part"], []),
        (["a/adapter_config.json", "a/adapter_model.safetensors"], ["a"]),
        # Sentence Transformers, Meta's own weights, an export: parts of the model above them.
        (["a/config.json", "a/1_Pooling/config.json", "a/2_Dense/model.safetensors"], ["a"]),
        (["a/config.json", "a/original/consolidated.safetensors", "a/b/c/config.json"], ["a"]),
        # A picture's pipeline is none of ours, nor its parts.
        (["a/model_index.json", "a/unet/config.json", "a/unet/diffusion.safetensors"], []),
        (["ab/config.json", "a/config.json", "a/b/model.safetensors"], ["a", "ab"]),
    ],
)
def test_folders(names: list[str], folders: list[str]) -> None:
    assert found(*names) == folders


def test_what_is_known_of_a_folder() -> None:
    listing = (
        Listed("a/model.safetensors", 5, linked=True),
        Listed("a", identity="1:2"),
        Listed("a/config.json", 7),
        Listed("b", identity="1:3"),
    )
    (each,) = candidates(listing)
    assert (each.path, each.identity, each.linked) == ("a", "1:2", ["model.safetensors"])
    assert each.files == {"model.safetensors": 5, "config.json": 7}
