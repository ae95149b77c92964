"""What an engine takes by the very command that it is started with."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.domain.facts.memory import Base, Share
from sparktray.domain.phrase import phrase
from sparktray.engines.memory.flags import fraction_of, size_of, value_of
from sparktray.engines.memory.footprints import token_bytes
from sparktray.engines.memory.shares import sglang_share, vllm_share
from sparktray.engines.protocol import Launch
from sparktray.engines.registry import engine
from sparktray.engines.sizes import GIB, OVERHEAD
from tests.pure.engines.launching import QWEN, SCOUT, launch

S, V, O = EngineKind.SGLANG, EngineKind.VLLM, EngineKind.OLLAMA  # noqa: E741
# As much is available at the start, and in all.
THERE, TOTAL = 100 * GIB, 120 * GIB
# QWEN keeps 262,144 bytes a token: 32,768 tokens are 8 GiB.
TEN: dict[str, Any] = {"config": QWEN, "weights": 10 * GIB}


def takes(found: Launch) -> int | None:
    made = engine(found.server.engine).footprint(found)
    return None if made is None else made.takes(THERE, TOTAL)


@pytest.mark.parametrize(
    ("kind", "values", "needed"),
    [
        (S, {**TEN, "context": 32_768}, 18 * GIB + OVERHEAD),
        (S, {**TEN, "context": 32_768, "parallel": 2}, 26 * GIB + OVERHEAD),
        (S, {**TEN, "context": 32_768, "args": {S: ("--max-total-tokens", "65536")}}, 26 * GIB + OVERHEAD),
        (S, {**TEN, "context": 32_768, "args": {S: ("--max_total_tokens=64K",)}}, 26 * GIB + OVERHEAD),
        (S, {**TEN, "args": {S: ("--max-total-tokens=32768",)}}, 18 * GIB + OVERHEAD),
        (S, {**TEN, "context": 32_768, "args": {S: ("--kv-cache-dtype=fp8_e4m3",)}}, 14 * GIB + OVERHEAD),
        # Nothing limits it: its fraction of what is available, whatever the folder tells.
        (S, TEN, 89 * GIB),
        (S, {"weights": 10 * GIB}, 89 * GIB),
        (S, {}, 89 * GIB),
        (S, {**TEN, "kind": ModelKind.EMBEDDING}, 89 * GIB),
        (S, {**TEN, "args": {S: ("--mem-fraction-static", "0.5")}}, 50 * GIB),
        (S, {**TEN, "args": {S: ("--mem_fraction_static=.5",)}}, 50 * GIB),
        # The fraction caps what was asked for; less than its weights an engine cannot take.
        (S, {**TEN, "context": 32_768, "args": {S: ("--mem-fraction-static=0.2",)}}, 20 * GIB),
        (S, {**TEN, "args": {S: ("--mem-fraction-static=0.1",)}}, 10 * GIB + OVERHEAD),
        (S, {"weights": 10 * GIB, "context": 9}, None),
        (S, {"weights": 10 * GIB, "context": 9, "kind": ModelKind.EMBEDDING}, 10 * GIB + OVERHEAD),
        (S, {"context": 9}, None),
        (S, {"context": 9, "memory_gib": 1.5}, 3 * GIB // 2),
        (V, {"config": SCOUT, "weights": 10 * GIB, "context": 131_072}, 34 * GIB + OVERHEAD),
        (V, {**TEN, "args": {V: ("--kv-cache-memory-bytes", "4G")}}, 14 * GIB + OVERHEAD),
        (V, {**TEN, "args": {V: ("--kv_cache_memory=4096M",)}}, 14 * GIB + OVERHEAD),
        (
            V,
            {**TEN, "context": 32_768, "args": {V: ("--kv-cache-memory-bytes=1g",)}},
            10 * GIB + OVERHEAD + 10**9,
        ),
        (V, {"weights": 10 * GIB, "context": 9, "kind": ModelKind.EMBEDDING}, 10 * GIB + OVERHEAD),
        (V, {**TEN, "args": {V: ("--gpu-memory-utilization", "0.4")}}, 48 * GIB),
        (V, {**TEN, "context": 32_768, "args": {V: ("--gpu_memory_utilization=0.4",)}}, 48 * GIB),
        (V, {**TEN, "args": {V: ("--gpu-memory-utilization=0.05",)}}, 10 * GIB + OVERHEAD),
        (V, {"memory_gib": 2}, 2 * GIB),
        (O, {"weights": 10 * GIB}, None),
    ],
)
def test_what_a_model_needs(kind: EngineKind, values: dict[str, Any], needed: int | None) -> None:
    assert takes(launch(kind, **values)) == needed


@pytest.mark.parametrize("values", [TEN, {"weights": 10 * GIB, "context": 9}, {"context": 9}])
def test_vllm_takes_its_share_of_all_where_no_cache_can_be_asked_for(values: dict[str, Any]) -> None:
    assert takes(launch(V, **values)) == int(0.92 * TOTAL)


def test_a_share_of_what_nobody_knows_is_not_known() -> None:
    filling = engine(S).footprint(launch(S, **TEN))
    assert filling is not None and filling.fills
    assert filling.takes(None, TOTAL) is None
    limited = engine(S).footprint(launch(S, **TEN, context=32_768))
    assert limited is not None and not limited.fills
    assert limited.takes(None, None) == 18 * GIB + OVERHEAD


@pytest.mark.parametrize(
    ("kind", "values", "reason"),
    [
        (S, {"weights": 1, "context": 9}, "The model's folder has no config.json."),
        (V, {"weights": 1, "context": 9}, "The model's folder has no config.json."),
        (S, {"context": 9, "kind": ModelKind.EMBEDDING}, "The model's folder holds no weights."),
        (
            S,
            {**TEN, "context": 9, "args": {S: ("--kv-cache-dtype", "new\u202e")}},
            "The cache's kind of numbers, {name}, is not known.",
        ),
        (S, {**TEN, "context": 9}, None),
    ],
)
def test_a_part_that_is_not_known_says_why(
    kind: EngineKind, values: dict[str, Any], reason: str | None
) -> None:
    found = engine(kind).footprint(launch(kind, **values))
    assert found is not None
    assert (None if found.unknown is None else found.unknown.msgid) == reason


def test_a_foreign_name_is_cleaned() -> None:
    found = token_bytes(launch(S, **TEN, args={S: ("--kv-cache-dtype", "new\u202e")}), S)
    assert found == phrase("The cache's kind of numbers, {name}, is not known.", name="new")


CACHE, SHARE = "--kv-cache-memory-bytes", "--gpu-memory-utilization"
LIMITS: list[tuple[dict[str, Any], int | None, list[str]]] = [
    ({**TEN, "context": 32_768}, TOTAL, [CACHE, "8589934592", SHARE, "0.18"]),
    ({**TEN, "context": 32_768}, None, [CACHE, "8589934592"]),
    ({**TEN, "context": 32_768, "args": {V: ("--kv-cache-memory=2G",)}}, TOTAL, [SHARE, "0.13"]),
    ({**TEN, "context": 32_768, "args": {V: ("--gpu_memory_utilization=0.4",)}}, TOTAL, []),
    ({**TEN, "context": 9, "kind": ModelKind.EMBEDDING}, TOTAL, [SHARE, "0.11"]),
    ({"config": QWEN, "weights": 200 * GIB, "context": 9}, TOTAL, [CACHE, "2359296", SHARE, "0.92"]),
    (TEN, TOTAL, []),
    ({"weights": 10 * GIB, "context": 9}, TOTAL, []),
]


@pytest.mark.parametrize(("values", "total", "words"), LIMITS)
def test_vllm_is_told_a_share_that_is_free_beside_others(
    values: dict[str, Any], total: int | None, words: list[str]
) -> None:
    """It does not start unless its share is free, and the 92 % it would ask for never are beside a model."""
    argv = engine(V).run_argv(launch(V, **values, total=total))
    asked = [word for flag, value in pairwise(argv) if flag in {CACHE, SHARE} for word in (flag, value)]
    assert asked == words


@pytest.mark.parametrize(
    ("image", "fraction"),
    [
        ("lmsysorg/sglang:spark", 0.89),
        ("lmsysorg/sglang:v0.5.4-cu130", 0.89),
        ("lmsysorg/sglang:v0.5.23", 0.98),
        ("lmsysorg/sglang:latest-cu130", 0.98),
        ("nvcr.io/nvidia/sglang:26.02-py3", 0.89),
        ("nvcr.io/nvidia/sglang:26.12-py3", 0.98),
        ("registry:5000/sglang@sha256:0011", 0.89),
    ],
)
def test_sglangs_own_share_goes_by_its_version(image: str, fraction: float) -> None:
    assert sglang_share(image, None) == Share(fraction, Base.AVAILABLE)
    assert sglang_share(image, 0.5) == Share(0.5, Base.AVAILABLE)


@pytest.mark.parametrize(
    ("image", "fraction"),
    [
        ("nvcr.io/nvidia/vllm:26.05-py3", 0.92),
        ("nvcr.io/nvidia/vllm:25.09-py3", 0.9),
        ("vllm/vllm-openai:v0.11.0", 0.9),
        ("vllm/vllm-openai:v0.33.0", 0.92),
        ("vllm/vllm-openai:latest", 0.92),
        ("vllm/vllm-openai", 0.92),
        ("registry:5000/vllm@sha256:0011", 0.92),
    ],
)
def test_vllms_own_share_goes_by_its_version(image: str, fraction: float) -> None:
    assert vllm_share(image, None) == Share(fraction, Base.TOTAL)
    assert vllm_share(image, 0.4) == Share(0.4, Base.TOTAL)


@pytest.mark.parametrize(
    ("args", "value"),
    [
        (("--x", "1"), "1"),
        (("--x=1",), "1"),
        (("--x=1", "--x", "2"), "2"),
        (("--long_name=1",), None),
        (("--x",), ""),
        (("x", "1"), None),
        ((), None),
    ],
)
def test_a_flag_is_read_as_the_engines_do(args: tuple[str, ...], value: str | None) -> None:
    assert value_of(args, "--x", "--other") == value


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("32768", 32_768),
        ("32k", 32_000),
        ("32K", 32_768),
        ("25.6k", 25_600),
        ("1.5G", 3 << 29),
        ("4GiB", 4 << 30),
        ("2m", 2_000_000),
        ("1T", 1 << 40),
        ("auto", None),
        ("-1", None),
        ("", None),
        ("9" * 30, None),
    ],
)
def test_sizes_for_people(text: str, size: int | None) -> None:
    assert size_of(("--x", text), "--x") == size


@pytest.mark.parametrize(
    ("text", "fraction"),
    [("0.75", 0.75), (".5", 0.5), ("1", 1.0), ("0", None), ("1.5", None), ("half", None), ("", None)],
)
def test_fractions(text: str, fraction: float | None) -> None:
    assert fraction_of(("--x", text), "--x") == fraction
