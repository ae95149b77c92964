from __future__ import annotations

import pytest

from sparktray.domain.catalogue import EngineKind
from sparktray.domain.phrase import Phrase
from sparktray.engines.registry import engine

S, V = EngineKind.SGLANG, EngineKind.VLLM
BOTH = (S, V)


def said(sentence: Phrase) -> str:
    return sentence.msgid.format(**sentence.values)


PTXAS = "ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'"
MAX_LEN = (
    "ValueError: To serve at least one request with the models's max seq len (40960), (10.00"
    " GiB KV cache is needed,"
    " which is larger than the available KV cache memory (8.00 GiB). Based on the available memory, the"
    " estimated maximum model length is 32768. Try increasing `gpu_memory_utilization`"
)

LINES: list[tuple[tuple[EngineKind, ...], str, str, str]] = [
    (BOTH, PTXAS, "ptxas-sm121", "sm_121a"),
    (
        BOTH,
        "triton.runtime.errors.PTXASError: PTXAS error: Internal Triton PTX codegen error",
        "ptxas-sm121",
        "",
    ),
    (
        BOTH,
        "CalledProcessError: Command '['/x/bin/ptxas', '-v', '--gpu-name=sm_121a', 'a.ptx']'"
        " returned non-zero exit status 255.",
        "ptxas-sm121",
        "",
    ),
    (BOTH, "CUDA error: no kernel image is available for execution on the device", "wrong-gpu-image", "GB10"),
    (
        BOTH,
        "NVIDIA GB10 with CUDA capability sm_121 is not compatible with the current PyTorch",
        "wrong-gpu-image",
        "GB10",
    ),
    (
        BOTH,
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB",
        "out-of-memory",
        "memory",
    ),
    (BOTH, "RuntimeError: CUDA error: out of memory", "out-of-memory", "memory"),
    (BOTH, "NVRM: NV_ERR_NO_MEMORY", "out-of-memory", "memory"),
    ((S,), "Exit code: -9", "killed", "memory"),
    ((S,), "Subprocess scheduler_0 (pid=77) crashed with exit code -9", "killed", "memory"),
    (
        (S,),
        "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.",
        "weights-too-large",
        "",
    ),
    ((S,), "Exception: Capture cuda graph failed: invalid argument", "graphs-failed", "graphs"),
    ((S,), "Exception: Capture cuda graph failed: CUDA out of memory.", "out-of-memory", ""),
    ((S,), "Decode out of memory. Try to lower your batch size.", "kv-full", ""),
    ((S,), "Prefill out of memory. Try to lower your batch size.", "kv-full", ""),
    (
        (V,),
        "ValueError: Free memory on device cuda:0 (61.05/119.70 GiB) on startup is less than"
        " desired GPU memory"
        " utilization (0.92, 110.12 GiB). Decrease GPU",
        "memory-held",
        "Only 61.05 GiB of memory were free; vLLM wanted 110.12",
    ),
    (
        (V,),
        "ValueError: Free memory on device (1.00/119.7 GiB) on startup is less than desired GPU memory"
        " utilization (0.52, 62.24 GiB).",
        "memory-held",
        "Only 1.00 GiB",
    ),
    (
        (V,),
        "AssertionError: Error in memory profiling. Initial free memory 1 GiB, current free memory 2 GiB.",
        "memory-moved",
        "",
    ),
    ((V,), MAX_LEN, "kv-too-small", "32768 tokens"),
    ((V,), "ValueError: No available memory for the cache blocks. Try increasing", "no-kv-memory", ""),
    (
        (S,),
        "ValueError: User-specified context_length (65536) is greater than the derived"
        " context_length (40960).",
        "context-too-long",
        "at most 40960 tokens of context, 65536 were",
    ),
    (
        (V,),
        "  Value error, User-specified max_model_len (65536) is greater than the derived max_model_len"
        " (max_position_embeddings=40960 or model_max_length=None in model's config.json).",
        "context-too-long",
        "at most 40960 tokens of context, 65536 were",
    ),
    (BOTH, "OSError: /model does not appear to have a file named config.json.", "model-path-missing", ""),
    (
        BOTH,
        "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'a/b': '/model'.",
        "model-path-missing",
        "",
    ),
    (BOTH, "OSError: x is not a local folder and is not a valid model identifier", "model-path-missing", ""),
    (BOTH, "FileNotFoundError: [Errno 2] No such file or directory: '/model'", "model-path-missing", ""),
    (BOTH, "RuntimeError: Cannot find any model weights with `/model`", "weights-missing", ""),
    (
        BOTH,
        "FileNotFoundError: No such file or directory: /model/model-00002-of-00004.safetensors",
        "weights-missing",
        "",
    ),
    (
        BOTH,
        "safetensors_rust.SafetensorError: Error while deserializing header: MetadataIncompleteBuffer",
        "weights-missing",
        "",
    ),
    (
        BOTH,
        "ValueError: Unknown quantization method: nvfp5. Must be one of",
        "quantization",
        "quantization nvfp5.",
    ),
    (
        BOTH,
        "ValueError: Quantization method specified in the model config (modelopt) does not"
        " match the quantization"
        " method specified in the `quantization` argument (awq).",
        "quantization-conflict",
        "with modelopt,",
    ),
    (
        BOTH,
        "ValueError: Model architectures ['NewModel'] are not supported for now.",
        "architecture",
        "too old",
    ),
    (BOTH, "ValueError: NewModel has no SGlang implementation", "architecture", "too old"),
    (
        BOTH,
        "ValueError: The checkpoint has model type `new` but Transformers does not recognize"
        " this architecture.",
        "architecture",
        "too old",
    ),
    (
        BOTH,
        "ValueError: The repository for /model contains custom code which must be executed",
        "remote-code",
        "",
    ),
    (
        BOTH,
        "Please pass the argument `trust_remote_code=True` to allow custom code to be run.",
        "remote-code",
        "",
    ),
    (BOTH, "OSError: You are trying to access a gated repo.", "gated", ""),
    (BOTH, "requests.exceptions.HTTPError: 401 Client Error: Unauthorized", "gated", ""),
    (
        BOTH,
        "ERROR: [Errno 98] error while attempting to bind on address ('0.0.0.0', 30000):"
        " address already in use",
        "port-taken",
        "",
    ),
    (BOTH, "Watchdog timeout (self.watchdog_last_forward_ct=1)", "watchdog", ""),
    (BOTH, "Watchdog caught collective operation timeout: WorkNCCL", "watchdog", ""),
    (BOTH, "OSError: [Errno 28] No space left on device", "disk-full", ""),
    (BOTH, "exec /usr/bin/python3: exec format error", "wrong-platform", "processor"),
    (
        BOTH,
        "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13, please update your driver",
        "driver-too-old",
        "",
    ),
    (
        BOTH,
        "RuntimeError: The NVIDIA driver on your system is too old (found version 12080).",
        "driver-too-old",
        "",
    ),
    (BOTH, "Failed to initialize NVML: Driver/library version mismatch", "driver-mismatch", ""),
    (
        BOTH,
        "launch_server.py: error: unrecognized arguments: --nonsense 1",
        "arguments",
        "argument: --nonsense 1",
    ),
    (BOTH, "launch_server.py: error: argument --tp: invalid int value: 'x'", "arguments", "argument: --tp"),
    (
        (S,),
        "Received sigquit from a child process. It usually means the child failed.",
        "engine-died",
        "without naming",
    ),
    ((S,), "Rank 0 scheduler is dead. Please check if there are relevant logs.", "engine-died", ""),
    ((S,), "Initialization failed. warmup error: Traceback (most recent call last):", "engine-died", ""),
    (
        (V,),
        "(EngineCore pid=87) ERROR 11-23 [core.py:1] EngineCore failed to start.",
        "engine-died",
        "without naming",
    ),
    ((V,), "EngineCore encountered a fatal error.", "engine-died", ""),
]


@pytest.mark.parametrize(("kinds", "line", "code", "part"), LINES)
def test_a_line_names_its_cause(kinds: tuple[EngineKind, ...], line: str, code: str, part: str) -> None:
    for kind in kinds:
        failure = engine(kind).diagnose(("before", line, "after"))
        assert failure is not None, kind
        assert failure.code == code
        assert part in said(failure.cause)
        assert said(failure.remedy)
        assert failure.log_tail == ("before", line, "after")


@pytest.mark.parametrize(
    "line",
    [
        "[2026-11-23 10:00:00] server_args=ServerArgs(trust_remote_code=True, error='CUDA out of memory')",
        "(APIServer pid=1) INFO non-default args: {'trust_remote_code': True, 'x': 'gated repo'}",
        "Initializing a V1 LLM engine (v0.33.0) with config: trust_remote_code=True, PTXASError",
        "INFO: 127.0.0.1 - GET /health 200 OK",
        "ValueError: a request was wrong",
        "",
    ],
)
@pytest.mark.parametrize("kind", list(EngineKind))
def test_a_line_that_names_none(kind: EngineKind, line: str) -> None:
    assert engine(kind).diagnose((line,)) is None


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
        "context_length (9) is greater than the derived context_length (1).",
        "context_length (8) is greater than the derived context_length (2).",
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
