"""Whole start-up logs go through ``progress``: phases in their order, a bar that never goes back."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby, pairwise

import pytest

from sparktray.domain.catalogue import EngineKind
from sparktray.domain.snapshot import LoadProgress
from sparktray.domain.text import split_log
from sparktray.engines.registry import engine
from tests.pure.engines import startup_logs

S, V = EngineKind.SGLANG, EngineKind.VLLM
GRAPHS, COUNTED = "Capturing CUDA graphs", "Capturing CUDA graphs ({done}/{total})"
WEIGHTS, FILES = "Loading weights", "Loading weights ({done}/{total})"
CACHE, COMPILING, MEASURING = "Allocating the KV cache", "Compiling the model", "Measuring the memory"
TUNING, WARMING = "Tuning kernels", "Warming up"

LOADS: list[tuple[EngineKind, Callable[[], str], list[str]]] = [
    (
        S,
        startup_logs.sglang_0_5_4,
        ["Starting", WEIGHTS, FILES, CACHE, GRAPHS, COUNTED, WARMING, "Ready"],
    ),
    (
        S,
        startup_logs.sglang_0_5_10,
        [
            *("Starting", WEIGHTS, FILES, CACHE, GRAPHS, COUNTED, WARMING, GRAPHS, COUNTED, WARMING),
            *(WEIGHTS, FILES, CACHE, GRAPHS, COUNTED, WARMING, "Ready"),
        ],
    ),
    (
        S,
        startup_logs.sglang_0_5_23,
        [
            *("Starting", WEIGHTS, FILES, CACHE, TUNING, GRAPHS, COUNTED, GRAPHS, COUNTED, WARMING),
            "Ready",
        ],
    ),
    (
        V,
        startup_logs.vllm_0_11,
        ["Starting", WEIGHTS, FILES, WEIGHTS, COMPILING, CACHE, COUNTED, WARMING, "Ready"],
    ),
    (
        V,
        startup_logs.vllm_0_33,
        [
            *("Starting", WEIGHTS, FILES, WEIGHTS, COMPILING, MEASURING, CACHE, COUNTED, WARMING),
            "Ready",
        ],
    ),
]


def followed(kind: EngineKind, log: str) -> list[LoadProgress]:
    """The progress after each line, from the first that told any."""
    found, last = [], None
    for line in split_log(log):
        last = engine(kind).progress((line,), last)
        if last is not None:
            found.append(last)
    return found


@pytest.mark.parametrize(("kind", "log", "phases"), LOADS, ids=lambda x: getattr(x, "__name__", ""))
def test_a_whole_load(kind: EngineKind, log: Callable[[], str], phases: list[str]) -> None:
    seen = followed(kind, log())
    assert [phase for phase, _ in groupby(each.phase.msgid for each in seen)] == phases
    bars = [each.fraction for each in seen if each.fraction is not None]
    assert len(bars) == len(seen)
    assert all(before <= after for before, after in pairwise(bars))
    assert all(bar < 1.0 for each, bar in zip(seen, bars, strict=True) if each.phase.msgid != "Ready")
    assert bars[-1] == 1.0


@pytest.mark.parametrize(("kind", "log"), [(kind, log) for kind, log, _ in LOADS])
def test_it_does_not_matter_how_the_lines_are_cut(kind: EngineKind, log: Callable[[], str]) -> None:
    lines = split_log(log())
    assert engine(kind).progress(lines, None) == followed(kind, log())[-1]


@pytest.mark.parametrize(("kind", "log"), [(kind, log) for kind, log, _ in LOADS])
def test_the_weights_are_most_of_the_bar_and_move_it_file_by_file(
    kind: EngineKind, log: Callable[[], str]
) -> None:
    files = [each.fraction for each in followed(kind, log()) if each.phase.msgid == FILES]
    assert len(set(files)) > 2
    assert files[0] == 0.02


@pytest.mark.parametrize(("kind", "log"), [(kind, log) for kind, log, _ in LOADS])
def test_a_load_that_goes_well_speaks_of_no_failure(kind: EngineKind, log: Callable[[], str]) -> None:
    lines = split_log(log())
    assert all(engine(kind).diagnose(lines[:end]) is None for end in range(len(lines) + 1))


@pytest.mark.parametrize(
    ("kind", "line", "fraction"),
    [
        # The other loaders: sglang 0.5.23 and vllm 0.33, model_loader/weight_utils.py
        (S, "Loading safetensors using Runai Model Streamer:  50% Completed | 2/4 [00:02<00:02]", 0.36),
        (S, "Loading safetensors using Fastsafetensor loader:  50%|#####     | 2/4 [00:02<00:02]", 0.36),
        (S, "Loading np_cache checkpoint shards:  50% Completed | 2/4 [00:02<00:02]", 0.36),
        (S, "Multi-thread loading pt checkpoint shards:  50% Completed | 2/4 [00:02<00:02]", 0.36),
        (V, "Loading safetensors checkpoint shards (eager):  50% Completed | 2/4 [00:02<00:02]", 0.31),
        (V, "Loading safetensors using Fastsafetensor loader:  50%|#####     | 2/4 [00:02<00:02]", 0.31),
        # vllm 0.33, entrypoints/common/startup.py with VLLM_DISABLE_LOG_LOGO
        (V, "(APIServer pid=1) INFO [startup.py:41] vLLM server version 0.33.0, serving model /model", 0.0),
        # vllm 0.33, v1/worker/gpu_model_runner.py, profile_cudagraph_memory
        (V, "Profiling CUDA graph memory: PIECEWISE=51 (largest=512), FULL=35 (largest=256)", 0.75),
        # vllm 0.33, v1/worker/gpu_worker.py, determine_available_memory
        (
            V,
            "Initial free memory 100.1 GiB, reserved 8.0 GiB memory for KV Cache as specified by"
            " kv_cache_memory_bytes config and skipped memory profiling.",
            0.76,
        ),
    ],
)
def test_a_line_of_another_way_to_load(kind: EngineKind, line: str, fraction: float) -> None:
    said = engine(kind).progress((line,), None)
    assert said is not None
    assert said.fraction == fraction


def test_bytes_are_not_counted_as_files() -> None:
    """vllm 0.33, instanttensor: its bar counts bytes."""
    line = "Loading safetensors using InstantTensor loader:  50% Completed | 9.05G/18.1G [00:02<00:02]"
    assert engine(V).progress((line,), None) is None
