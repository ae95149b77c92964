"""Which folders below the models folder hold a model, by the names of their files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sparktray.domain.facts.discovery import Listed

# Folders from the models folder down; a Hugging Face cache has four: hub/models--…/snapshots/REVISION.
DEEPEST = 4
MOST_FOLDERS = 1000

CONFIG, ADAPTER, PIPELINE = "config.json", "adapter_config.json", "model_index.json"
QUANTIZATION, INDEX = "hf_quant_config.json", "model.safetensors.index.json"
# The names that tell of a model, as patterns of ``find -name``.
PATTERNS = (
    *(CONFIG, ADAPTER, PIPELINE, QUANTIZATION, INDEX, "modules.json"),
    *("*.safetensors", "*.gguf", "*.bin", "*.pt", "*.incomplete", "*.part", "*.aria2"),
)
READ = (CONFIG, QUANTIZATION, INDEX)

_PARTS_OF_ONE = frozenset({CONFIG, ADAPTER, PIPELINE})  # what lies below a folder with one belongs to it
_SURE = (".safetensors", ".gguf")


@dataclass(slots=True)
class Candidate:
    """A folder that may hold a model. ``path`` is relative to the models folder, "" for that itself."""

    path: str
    identity: str = ""
    files: dict[str, int] = field(default_factory=dict)
    linked: list[str] = field(default_factory=list)


def candidates(listing: Iterable[Listed]) -> list[Candidate]:
    """The folders that may hold a model, by path; not those that are a part of another one."""
    folders: dict[str, Candidate] = {}
    for each in listing:
        if each.size is None:
            folders.setdefault(each.path, Candidate(each.path)).identity = each.identity
            continue
        above, _, name = each.path.rpartition("/")
        folder = folders.setdefault(above, Candidate(above))
        folder.files[name] = each.size
        if each.linked:
            folder.linked.append(name)
    return [
        folder
        for path, folder in sorted(folders.items())
        if _may_hold_a_model(folder) and not _is_part(path, folders)
    ]


def _may_hold_a_model(folder: Candidate) -> bool:
    """Other programs keep `.bin` and `.pt` files too; they tell of a model only beside a config."""
    names = folder.files
    if PIPELINE in names:  # pictures, not texts
        return False
    return CONFIG in names or ADAPTER in names or any(_is_sure(name) for name in names)


def _is_sure(name: str) -> bool:
    return name.endswith(_SURE) or (name.startswith("pytorch_model") and name.endswith(".bin"))


def _is_part(path: str, folders: Mapping[str, Candidate]) -> bool:
    """The models folder itself owns nothing: whoever put a model right into it has others below."""
    steps = path.split("/")
    above = ("/".join(steps[:count]) for count in range(1, len(steps)))
    return any(each in folders and not _PARTS_OF_ONE.isdisjoint(folders[each].files) for each in above)
