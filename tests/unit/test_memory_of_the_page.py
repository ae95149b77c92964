"""What the six models of the page take, by folders of their real shape, and what fits side by side."""

from __future__ import annotations

import pytest
from msgspec import structs

from scripts.memory_table import AT_REST, PAGE, TOTAL, beside, footprint_of, page, shipped
from sparktray.decide.changing.headroom import headroom
from sparktray.domain.catalogue import Catalogue
from sparktray.engines.sizes import GIB

# GiB: weights, cache for the catalogue's context and number of requests, all with the overhead.
SUMS = {
    "llama4-scout-17b-nvfp4": (56.3, 24.0, 83.3),
    "qwen3-32b-nvfp4": (18.0, 8.0, 29.0),
    "qwen3-coder-30b-nvfp4": (16.0, 12.0, 31.0),
    "phi4-reasoning": (27.3, 12.5, 42.8),
    "bge-m3": (2.1, 0.0, 5.1),
    "deepseek-r1-8b-abliterated-bf16": (15.0, 8.0, 26.0),
}
SCOUT, QWEN = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped()


@pytest.mark.parametrize("engine", ["sglang", "vllm"])
@pytest.mark.parametrize("name", list(SUMS))
def test_the_sum_of_each_model(catalogue: Catalogue, name: str, engine: str) -> None:
    model = catalogue.model(name)
    assert model is not None
    server = next(s for s in catalogue.servers_of(model) if s.engine == engine)
    takes = footprint_of(model, server)
    found = (takes.weights, takes.cache, takes.takes(AT_REST, TOTAL))
    assert tuple(round((size or 0) / GIB, 1) for size in found) == SUMS[name]


def test_any_two_of_the_smaller_ones_fit_beside_each_other(catalogue: Catalogue) -> None:
    sizes = sorted(whole for _, _, whole in SUMS.values())
    assert (sizes[-2] + sizes[-3]) * GIB <= AT_REST - headroom(TOTAL)


def test_the_two_of_the_page_side_by_side(catalogue: Catalogue) -> None:
    """With its whole context Scout lacks some GiB beside Qwen; with the half that is offered it fits."""
    qwen, scout = catalogue.model(QWEN), catalogue.model(SCOUT)
    assert qwen is not None and scout is not None
    below, above = catalogue.servers_of(scout)[0], catalogue.servers_of(qwen)[0]
    first = beside(qwen, above)
    assert first.short == 0
    assert 9 < (beside(scout, below, [first]).short or 0) / GIB < 10
    smaller = structs.replace(scout, context=(scout.context or 0) // 2)
    assert beside(smaller, below, [first]).short == 0


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make memory-table"
