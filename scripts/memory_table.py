"""Write docs/memory.md: what the six models of the shipped list take, and what fits beside what.

The sums are made by the program's own code from models.json and the folders in tests/fixtures/models.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from scripts.tables import table
from sparktray.decide.changing.headroom import headroom
from sparktray.domain.catalogue import Catalogue, EngineKind, Model, Server
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.domain.facts.memory import Footprint, MemorySum
from sparktray.domain.facts.survey import ModelFolder
from sparktray.domain.host import HostProfile
from sparktray.engines.protocol import Launch
from sparktray.engines.registry import engine
from sparktray.engines.sizes import GIB

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "memory.md"
FIXTURES = ROOT / "tests" / "fixtures" / "models"
# A GB10's MemTotal, and what is available of it while nothing is loaded.
TOTAL = 127_600_748 * 1024
AT_REST = 118_000_000 * 1024

_HEAD = """\
# What the models take

Written by `make memory-table` from `models.json` and the folders in `tests/fixtures/models`, by the code that
decides whether a switch is refused; the host's own files decide on a real one. All sizes are in GiB.

The sum of a model is its weights (the sizes of its files), its cache and 3 GiB of overhead. The cache is what
one token keeps in all layers times the tokens asked for: the entry's context times its requests at once.
SGLang gets them as `--max-total-tokens`, vLLM as `--kv-cache-memory-bytes`. Layers that attend in a window or
in chunks count in full, for that is what both engines set aside; layers with a state of fixed size keep
nothing for a token, and that state is part of the overhead. bge-m3 is an encoder and keeps nothing between
requests. A host keeps 8 % of its memory for itself, at least 2 GiB: {kept} of {total}.
"""
_PLAIN = """
## Without a context

An entry with `context: null` starts with the plain command, and nothing limits the cache. SGLang then takes
a fraction of what is available when it starts (`--mem-fraction-static`, else {sglang} with the image of the
list), vLLM one of all memory (`--gpu-memory-utilization`, else {vllm}), whatever the model.
On a host at rest, with {rest} available:
"""
_BESIDE = """
## Side by side

Everyday work on port 30001 and documents on port 30000, on a host of {total} with {rest} available at rest.
On a host with 5 GiB more, SGLang's fraction of what is available can be had, and then the whole
context is accepted, with a cache of fewer tokens than it: the plan tells of how many.
"""
_AFTER = """
What does not fit is refused with this sum, and the largest context that fits is offered; `--make-room` stops
the other server instead.
"""


def folder_of(name: str) -> ModelFolder:
    """That model's folder as the fixtures have it."""
    size = json.loads((FIXTURES / "weights.json").read_text(encoding="utf-8"))[name]["bytes"]
    config = json.loads((FIXTURES / name / "config.json").read_text(encoding="utf-8"))
    return ModelFolder(f"/models/{name}", {"config.json": 900, "model.safetensors": size}, config)


def footprint_of(model: Model, server: Server) -> Footprint:
    """What that model takes on that server; ValueError for one that decides by itself."""
    found = engine(server.engine).footprint(
        Launch(server, model, HostProfile("spark", "s"), folder_of(model.id))
    )
    if found is None:
        raise ValueError(f"{server.name} does not tell what it takes")
    return found


def beside(model: Model, server: Server, others: Iterable[MemorySum] = ()) -> MemorySum:
    """The sum for that model on a host at rest, or where those others run."""
    available = AT_REST - sum(other.takes or 0 for other in others)
    return MemorySum(model.id, server.name, footprint_of(model, server), available, TOTAL, headroom(TOTAL))


def shipped() -> Catalogue:
    """The list that this repository ships."""
    return read_catalogue((ROOT / "models.json").read_bytes(), "models.json")


def page() -> str:
    """The whole page."""
    catalogue = shipped()
    sglang, vllm = (_first(catalogue, kind) for kind in (EngineKind.SGLANG, EngineKind.VLLM))
    plain = msgspec.structs.replace(catalogue.models[0], context=None)
    shares = {server.engine.value: _share(footprint_of(plain, server)) for server in (sglang, vllm)}
    head = _HEAD.format(kept=_gib(headroom(TOTAL)), total=_gib(TOTAL))
    rows = [_row(model, catalogue.servers_of(model)[0]) for model in catalogue.models]
    alone = [_verdict(beside(plain, server)) for server in (sglang, vllm)]
    columns = ("Model", "Weights", "A token, KiB", "Tokens", "Cache", "Overhead", "Sum")
    return "\n".join(
        [
            head,
            *table(columns, rows),
            _PLAIN.format(**shares, rest=_gib(AT_REST)),
            *table(("Engine", "Takes", "Can be had", ""), alone),
            _BESIDE.format(total=_gib(TOTAL), rest=_gib(AT_REST)),
            *table(("Step", "Takes", "Can be had", ""), _side_by_side(catalogue)),
            _AFTER,
        ]
    )


def _side_by_side(catalogue: Catalogue) -> list[Sequence[str]]:
    (scout, below), (qwen, above) = (
        (model, catalogue.servers_of(model)[0]) for model in catalogue.models[:2]
    )
    first = beside(qwen, above)
    rows = [_verdict(first)]
    context = scout.context or 0
    while True:
        smaller = msgspec.structs.replace(scout, context=context)
        found = beside(smaller, below, [first])
        rows.append(_verdict(found, f"{scout.id} on {below.name}, context {context}"))
        if not found.short:
            return rows
        context //= 2


def _verdict(found: MemorySum, step: str = "") -> Sequence[str]:
    over = found.left or 0
    outcome = f"fits, {_gib(over)} can be had beside it" if over >= 0 else f"{_gib(-over)} are missing"
    return (step or f"{found.model} on {found.server}", _gib(found.takes or 0), _gib(found.room), outcome)


def _row(model: Model, server: Server) -> Sequence[str]:
    takes = footprint_of(model, server)
    keeps = takes.a_token is not None
    tokens = f"{model.parallel} x {model.context}" if keeps else "-"
    token = f"{(takes.a_token or 0) / 1024:.0f}" if keeps else "-"
    sizes = (takes.cache or 0, takes.overhead, takes.parts or 0)
    return (model.id, _gib(takes.weights or 0), token, tokens, *(_gib(size) for size in sizes))


def _share(takes: Footprint) -> str:
    return "" if takes.share is None else f"{takes.share.fraction:g}"


def _first(catalogue: Catalogue, kind: EngineKind) -> Server:
    return next(server for server in catalogue.servers if server.engine is kind)


def _gib(size: int) -> str:
    return f"{size / GIB:.1f}"


def main() -> int:
    """Rewrite the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
