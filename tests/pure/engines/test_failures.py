from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from sparktray.domain.catalogue import EngineKind
from sparktray.domain.phrase import Phrase
from sparktray.engines import ollama, sglang, vllm
from sparktray.engines.failures import GENERAL_RULES, Rule
from sparktray.engines.registry import engine

S, V = EngineKind.SGLANG, EngineKind.VLLM
RULES = {S: sglang.RULES, V: vllm.RULES, EngineKind.OLLAMA: ollama.RULES}


def said(sentence: Phrase) -> str:
    return sentence.msgid.format(**sentence.values)


PTXAS = "ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'"
TABLE = tomllib.loads(Path(__file__).with_name("failure_lines.toml").read_text(encoding="utf-8"))["line"]
LINES = [
    pytest.param(EngineKind(kind), entry, id=f"{kind} {entry['code']}")
    for entry in TABLE
    for kind in entry["engines"].split()
]


@pytest.mark.parametrize(("kind", "entry"), LINES)
def test_a_line_names_its_cause(kind: EngineKind, entry: dict[str, Any]) -> None:
    lines = ("before", entry["text"], "after")
    common = entry.get("common", False)
    assert (engine(kind).diagnose(lines) is None) == common
    failure = engine(kind).diagnose(lines, died=common)
    assert failure is not None
    assert failure.code == entry["code"]
    assert entry.get("part", "") in said(failure.cause)
    assert said(failure.remedy)
    assert failure.log_tail == lines


@pytest.mark.parametrize("kind", list(EngineKind))
def test_every_rule_is_proven_by_a_line_of_the_real_thing(kind: EngineKind) -> None:
    own = {entry["code"] for entry in TABLE if kind in entry["engines"].split()}
    proven = {entry["code"] for entry in TABLE}
    assert {each.code for each in RULES[kind] if each not in GENERAL_RULES} <= own
    assert {each.code for each in RULES[kind]} <= proven
    assert all(entry["source"] for entry in TABLE)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [pytest.param(kind, each, id=f"{kind} {each.code}") for kind, rules in RULES.items() for each in rules],
)
def test_what_a_rule_says_is_seen_leads_to_it(kind: EngineKind, shown: Rule) -> None:
    assert shown.compiled.search(shown.seen)
    failure = engine(kind).diagnose((shown.seen,), died=shown.common)
    assert failure is not None
    assert failure.code == shown.code


@pytest.mark.parametrize(
    "line",
    [
        "[2026-11-23 10:00:00] server_args=ServerArgs(trust_remote_code=True, error='CUDA out of memory')",
        "(APIServer pid=1) INFO non-default args: {'trust_remote_code': True, 'x': 'gated repo'}",
        "Initializing a V1 LLM engine (v0.33.0) with config: trust_remote_code=True, PTXASError",
        "INFO: 127.0.0.1 - GET /health 200 OK",
        "ValueError: a request was wrong",
        "",
        # sglang 0.5.23, entrypoints/engine.py, _launch_subprocesses
        "[2026-11-23 10:00:00] server_args={'trust_remote_code': True, 'x': 'gated repo'}",
        # sglang 0.5.4 and 0.5.23, model_loader/utils.py: it goes on with that
        "NewModel has no SGLang implementation, falling back to Transformers implementation.",
        # sglang 0.5.4 with SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN, vllm 0.11 with its like: a warning
        "Warning: User-specified context_length (9) is greater than the derived context_length (1). This may",
        "User-specified max_model_len (9) is greater than the derived max_model_len (x=1 or model_max_length="
        "None in model's config.json). VLLM_ALLOW_LONG_MAX_MODEL_LEN must be used with extreme caution.",
        # sglang 0.5.23, utils/watchdog.py: a soft one only writes this down
        "Scheduler watchdog timeout (self.watchdog_timeout=60, self.soft=True)",
        # sglang 0.5.23, models/gemma3_causal.py: a warning
        "Some weights are not initialized from checkpoints: {'lm_head.weight'}",
        # sglang 0.5.4, managers/tokenizer_manager.py; vllm 0.33, entrypoints/logger.py: what people wrote
        "[2026-11-23 10:00:00] Receive: obj=GenerateReqInput(text='CUDA out of memory, what now?')",
        "Received request chatcmpl-1: prompt: 'torch.OutOfMemoryError', params: SamplingParams(n=1)",
    ],
)
@pytest.mark.parametrize("kind", list(EngineKind))
def test_a_line_that_names_none(kind: EngineKind, line: str) -> None:
    assert engine(kind).diagnose((line,)) is None


@pytest.mark.parametrize(
    ("kind", "ready"),
    [
        (S, "[2026-11-23 10:00:00] The server is fired up and ready to roll!"),
        (V, "(APIServer pid=1) INFO:     Application startup complete."),
    ],
)
def test_what_was_said_before_it_was_ready_ended_no_load(kind: EngineKind, ready: str) -> None:
    warning, cause = "401 Client Error: Unauthorized, trying again", "CUDA error: out of memory"
    assert engine(kind).diagnose((warning,)) is not None
    assert engine(kind).diagnose((warning, ready, "GET /health 200 OK")) is None
    failure = engine(kind).diagnose((warning, ready, cause))
    assert failure is not None
    assert failure.code == "out-of-memory"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("ValueError: --tp 7 does not divide 32 heads", "ValueError: --tp 7 does not divide 32 heads"),
        (
            "  Value error, Chunked prefill is not for this model. [type=value_error, input_value=x]",
            "Chunked prefill is not for this model.",
        ),
        ("(APIServer pid=1) ERROR 11-23 [x.py:1]   Value error, Not so", "Not so"),
    ],
)
def test_a_program_that_ended_by_an_exit_code_tells_its_last_exception(line: str, error: str) -> None:
    """Most of what is wrong with arguments ends the first process, without any word of a death."""
    lines = ("Traceback (most recent call last):", "pydantic.ValidationError: 1 validation error for X", line)
    assert engine(V).diagnose(lines) is None
    failure = engine(V).diagnose(lines, died=True)
    assert failure is not None
    assert said(failure.cause) == f"The server ended with an error: {error}"


def test_an_exit_code_without_an_exception_is_left_to_whoever_knows_the_code() -> None:
    assert engine(S).diagnose(("Segmentation fault",), died=True) is None


def test_no_lines_are_no_failure() -> None:
    assert engine(S).diagnose(()) is None


def test_the_remedy_of_ptxas_is_sglang_on_vllm_only() -> None:
    on_vllm, on_sglang = engine(V).diagnose((PTXAS,)), engine(S).diagnose((PTXAS,))
    assert on_vllm is not None
    assert on_sglang is not None
    assert said(on_vllm.remedy) == "Start the same model on SGLang."
    assert "SGLang." not in said(on_sglang.remedy)


def test_a_sglang_that_ends_with_0_tells_its_last_exception() -> None:
    lines = (
        "[2026-11-23 10:00:00] Scheduler hit an exception: Traceback (most recent call last):",
        '  File "/x.py", line 3, in f',
        "KeyError: 'first'",
        "During handling of the above exception, another exception occurred:",
        "RuntimeError: CUDA error: an illegal memory access was encountered",
        "[2026-11-23 10:00:01] Received sigquit from a child process. It usually means the child failed.",
        "subprocess.CalledProcessError: later",
    )
    failure = engine(S).diagnose(lines)
    assert failure is not None
    assert failure.code == "engine-died"
    assert said(failure.cause) == (
        "The server ended with an error: RuntimeError: CUDA error: an illegal memory access was encountered"
    )


def test_a_vllm_tells_the_exception_before_the_wrapper() -> None:
    lines = (
        "(EngineCore pid=87) ERROR 11-23 10:00:00 [core.py:9] EngineCore failed to start.",
        "(EngineCore pid=87) ERROR 11-23 10:00:00 [core.py:9] Traceback (most recent call last):",
        "(EngineCore pid=87) ERROR 11-23 10:00:00 [core.py:9] my.pkg.StrangeError: the cause",
        "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause"
        " above. Failed core proc(s): {}",
    )
    failure = engine(V).diagnose(lines)
    assert failure is not None
    assert said(failure.cause) == "The server ended with an error: my.pkg.StrangeError: the cause"


def test_a_cause_is_found_before_a_death_and_the_last_line_of_its_kind_counts() -> None:
    lines = (
        "context_length (9) is greater than the derived context_length (1). To allow overriding this",
        "context_length (8) is greater than the derived context_length (2). To allow overriding this",
        *("filler",) * 30,
        "Received sigquit from a child process.",
    )
    failure = engine(S).diagnose(lines)
    assert failure is not None
    assert failure.cause.values == {"asked": "8", "most": "2"}
    assert len(failure.log_tail) == 20
    assert failure.log_tail[-1] == lines[-1]


def test_values_are_cleaned() -> None:
    failure = engine(S).diagnose(("Unknown quantization method: \u202eevil\x07 .",))
    assert failure is not None
    assert failure.cause.values == {"method": "evil"}
