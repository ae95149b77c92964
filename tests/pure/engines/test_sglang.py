from __future__ import annotations

from typing import Any

import pytest

from sparktray.domain.asking import Answer, Health, Heard, Reading, ServedModel
from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.engines.protocol import Activity, Depth
from sparktray.engines.sglang import Sglang
from tests.pure.engines.launching import BROKEN, LATE, REFUSED, Talk, answer, container, launch, server

SGLANG = Sglang()
PAGE = (
    "python3 -m sglang.launch_server --model-path /model --served-model-name llama4-scout-17b-nvfp4"
    " --host 0.0.0.0 --port 30000 --trust-remote-code --tp 1"
)


def test_the_page_s_own_command() -> None:
    argv = SGLANG.run_argv(launch(EngineKind.SGLANG, labels={"org.sparktray.server": "sglang"}))
    assert " ".join(argv) == (
        "docker run -d --name sglang --gpus all -p 30000:30000"
        " -v /home/sparkuser/ai/models/llama4/llama4-scout-17b-nvfp4:/model"
        " -v /home/sparkuser/ai/cache/sglang:/root/.cache"
        " --label org.sparktray.server=sglang lmsysorg/sglang:spark " + PAGE
    )


@pytest.mark.parametrize(
    ("values", "end"),
    [
        ({"context": 100}, "--context-length 100 --max-total-tokens 100"),
        ({"context": 100, "parallel": 3}, "--context-length 100 --max-total-tokens 300"),
        ({"kind": ModelKind.EMBEDDING}, "--is-embedding"),
        (
            {"kind": ModelKind.EMBEDDING, "context": 9, "parallel": 2},
            "--context-length 9 --max-total-tokens 18 --is-embedding",
        ),
        (
            {"context": 100, "args": {EngineKind.SGLANG: ("--max-total-tokens=7",)}},
            "--max-total-tokens=7 --context-length 100",
        ),
        (
            {"context": 100, "args": {EngineKind.SGLANG: ("--context-length", "5", "--x")}},
            "--context-length 5 --x --max-total-tokens 100",
        ),
        (
            {"kind": ModelKind.EMBEDDING, "args": {EngineKind.SGLANG: ("--is-embedding",)}},
            "30000 --is-embedding",
        ),
        (
            {"served_name": "gpt-4o-mini"},
            "gpt-4o-mini --host 0.0.0.0 --port 30000 --trust-remote-code --tp 1",
        ),
        ({"on": server(EngineKind.SGLANG, port=30001)}, "--port 30001 --trust-remote-code --tp 1"),
    ],
)
def test_the_end_of_the_command(values: dict[str, Any], end: str) -> None:
    assert " ".join(SGLANG.run_argv(launch(EngineKind.SGLANG, **values))).endswith(end)


@pytest.mark.parametrize(
    ("image", "argv", "known"),
    [
        ("lmsysorg/sglang:spark", PAGE, True),
        ("my/own", PAGE, True),
        ("my/own", "/usr/bin/sglang serve --model-path /m", True),
        ("nvcr.io/nvidia/sglang:26.02-py3", "/opt/nvidia/nvidia_entrypoint.sh /start.sh", True),
        ("lmsysorg/sglang:spark", "", True),
        ("lmsysorg/sglang:spark", "sleep infinity", False),
        ("lmsysorg/sglang:spark", "/bin/bash", False),
        ("lmsysorg/sglang-router", "python3 -m sglang_router.launch_router", False),
        ("vllm/vllm-openai", "vllm serve /m", False),
        ("debian", "sglang --help", False),
        ("debian:sglang", "x", False),
    ],
)
def test_what_is_recognised(image: str, argv: str, known: bool) -> None:
    assert SGLANG.recognises(container(image, argv)) is known


def test_a_server_started_through_a_shell_is_read() -> None:
    seen = container("my/own", ("bash", "-c", PAGE.replace("30000", "30001")))
    assert SGLANG.recognises(seen)
    assert SGLANG.port_of(seen) == 30001
    assert SGLANG.model_path(seen) == "/model"
    assert SGLANG.declared_name(seen) == "llama4-scout-17b-nvfp4"


@pytest.mark.parametrize(
    ("argv", "port", "path", "name"),
    [
        ("x", 30000, None, None),
        ("x --model /a --port=1", 1, "/a", None),
        ("x --model-path=/b --served-model-name gpt-4o-mini", 30000, "/b", "gpt-4o-mini"),
    ],
)
def test_what_the_command_line_tells(argv: str, port: int, path: str | None, name: str | None) -> None:
    seen = container(argv=argv)
    assert (SGLANG.port_of(seen), SGLANG.model_path(seen), SGLANG.declared_name(seen)) == (port, path, name)


LIST = answer({"object": "list", "data": [{"id": "m", "root": "m", "max_model_len": 4096}]})
SERVED = (ServedModel("m", "m", 4096),)
OK, NOT_YET, NO_KEY = Answer(200), Answer(503), answer({"error": "Unauthorized"}, 401)
NEW = "/v1/loads?include=core,queues"
LOADS = answer(
    {
        "loads": [
            {"num_running_reqs": 1, "num_waiting_reqs": 2, "gen_throughput": 10.5},
            {"num_running_reqs": 1, "num_waiting_reqs": 0, "gen_throughput": 1},
        ]
    }
)
OLD = answer([{"dp_rank": 0, "num_reqs": 3, "num_waiting_reqs": 1, "num_tokens": 9}])

W, H = Depth.WATCH, Depth.HEALTH
ALL = ["/v1/models", "/health", NEW]


@pytest.mark.parametrize(
    ("depth", "table", "reading", "paths"),
    [
        (H, {"/v1/models": REFUSED}, Reading(Health.REFUSED), ALL[:1]),
        (H, {"/v1/models": LATE}, Reading(Health.SILENT), ALL[:1]),
        (H, {"/v1/models": BROKEN}, Reading(Health.SILENT), ALL[:1]),
        (W, {"/v1/models": REFUSED}, Reading(Health.REFUSED), ALL[:1]),
        (W, {"/v1/models": NO_KEY}, Reading(Health.LOCKED), ALL[:1]),
        (W, {"/v1/models": Answer(500)}, Reading(Health.SILENT), ALL[:1]),
        (H, {"/v1/models": LIST, "/health": NOT_YET}, Reading(Health.WARMING, SERVED), ALL[:2]),
        (
            H,
            {"/v1/models": LIST, "/health": OK},
            Reading(Health.READY, SERVED),
            [*ALL, "/get_load"],
        ),
        (H, {"/v1/models": LIST, "/health": LATE}, Reading(Health.SILENT, SERVED), ALL[:2]),
        (H, {"/v1/models": LIST, "/health": REFUSED}, Reading(Health.REFUSED, SERVED), ALL[:2]),
        (H, {"/v1/models": LIST, "/health": Answer(500)}, Reading(Health.SILENT, SERVED), ALL[:2]),
        (
            H,
            {"/v1/models": NO_KEY, "/health": OK},
            Reading(Health.LOCKED),
            [*ALL, "/get_load"],
        ),
        (H, {"/v1/models": NO_KEY, "/health": NOT_YET}, Reading(Health.WARMING), ALL[:2]),
        (
            H,
            {"/v1/models": LIST, "/health": OK, NEW: LOADS},
            Reading(Health.READY, SERVED, running=2, waiting=2, tokens_per_second=11.5),
            ALL,
        ),
        (
            W,
            {"/v1/models": LIST, NEW: LOADS},
            Reading(Health.UNKNOWN, SERVED, running=2, waiting=2, tokens_per_second=11.5),
            ["/v1/models", NEW],
        ),
        (
            W,
            {"/v1/models": LIST, "/get_load": OLD},
            Reading(Health.UNKNOWN, SERVED, running=2, waiting=1),
            ["/v1/models", NEW, "/get_load"],
        ),
        (
            W,
            {"/v1/models": LIST, "/get_load": answer([{"num_reqs": 3}])},
            Reading(Health.UNKNOWN, SERVED),
            ["/v1/models", NEW, "/get_load"],
        ),
        (W, {"/v1/models": LIST}, Reading(Health.UNKNOWN, SERVED), ["/v1/models", NEW, "/get_load"]),
        (W, {"/v1/models": LIST, NEW: LATE}, Reading(Health.UNKNOWN, SERVED), ["/v1/models", NEW]),
        (W, {"/v1/models": LIST, NEW: NO_KEY}, Reading(Health.UNKNOWN, SERVED), ["/v1/models", NEW]),
        (
            W,
            {
                "/v1/models": LIST,
                NEW: answer({"loads": [{"num_running_reqs": None, "gen_throughput": None}]}),
            },
            Reading(Health.UNKNOWN, SERVED),
            ["/v1/models", NEW],
        ),
    ],
)
def test_a_probe(depth: Depth, table: dict[str, Heard], reading: Reading, paths: list[str]) -> None:
    talk = Talk(table)
    assert talk.carry_out(SGLANG.probe(depth)) == reading
    assert talk.paths == paths
    assert all(ask.method == "GET" and ask.json is None for ask in talk.asked)


def test_health_is_waited_for_longer_than_sglang_s_own_limit_of_20_s() -> None:
    talk = Talk({"/v1/models": LIST, "/health": OK})
    talk.carry_out(SGLANG.probe(Depth.HEALTH))
    assert [ask.deadline for ask in talk.asked] == [3.0, 25.0, 2.0, 2.0]


LOAD_OF_0_5_4 = [
    ("[2026-11-23 10:00:00] server_args=ServerArgs(model_path='/model', api_key=***", "Starting", 0.0),
    ("[2026-11-23 10:00:01] Init torch distributed begin.", "Starting", 0.0),
    ("[2026-11-23 10:00:02] Load weight begin. avail mem=112.40 GB", "Loading weights", 0.02),
    (
        "Loading safetensors checkpoint shards:   0% Completed | 0/4 [00:00<?, ?it/s]",
        "Loading weights (0/4)",
        0.02,
    ),
    (
        "Loading safetensors checkpoint shards:  50% Completed | 2/4 [00:10<00:10,  5.00s/it]",
        "Loading weights (2/4)",
        0.36,
    ),
    (
        "Loading safetensors checkpoint shards: 100% Completed | 4/4 [00:20<00:00,  5.00s/it]",
        "Loading weights (4/4)",
        0.7,
    ),
    (
        "[2026-11-23 10:01:00] Load weight end. type=Qwen3ForCausalLM, dtype=torch.bfloat16,"
        " avail mem=90.00 GB, mem usage=19.00 GB.",
        "Allocating the KV cache",
        0.7,
    ),
    (
        "[2026-11-23 10:01:01] KV Cache is allocated. #tokens: 32768, K size: 4.00 GB, V size: 4.00 GB",
        "Allocating the KV cache",
        0.74,
    ),
    ("[2026-11-23 10:01:01] Memory pool end. avail mem=82.00 GB", "Allocating the KV cache", 0.78),
    (
        "[2026-11-23 10:01:02] Capture cuda graph begin. This can take up to several minutes."
        " avail mem=82.00 GB",
        "Capturing CUDA graphs",
        0.78,
    ),
    (
        "Capturing batches (bs=4 avail_mem=81.00 GB):  50%|█████     | 2/4 [00:01<00:01,  2.00it/s]",
        "Capturing CUDA graphs (2/4)",
        0.865,
    ),
    (
        "[2026-11-23 10:01:09] Capture cuda graph end. Time elapsed: 7.00 s. mem usage=0.50 GB.",
        "Warming up",
        0.95,
    ),
    (
        "[2026-11-23 10:01:09] max_total_num_tokens=32768, chunked_prefill_size=8192, "
        "max_prefill_tokens=16384, max_running_requests=256, context_len=32768,"
        " available_gpu_mem=81.00 GB",
        "Warming up",
        0.95,
    ),
    (
        "[2026-11-23 10:01:10] INFO:     Uvicorn running on http://0.0.0.0:30000 (Press CTRL+C to quit)",
        "Warming up",
        0.96,
    ),
    ("[2026-11-23 10:01:20] The server is fired up and ready to roll!", "Ready", 1.0),
]


def test_the_load_of_0_5_4_line_by_line() -> None:
    before = None
    for line, phase, fraction in LOAD_OF_0_5_4:
        before = SGLANG.progress((line,), before)
        assert before is not None
        assert before.phase.msgid.format(**before.phase.values) == phase, line
        assert before.fraction == fraction, line
    assert SGLANG.progress([line for line, _, _ in LOAD_OF_0_5_4], None) == before


@pytest.mark.parametrize(
    ("line", "phase", "fraction"),
    [
        (
            "Capturing prefill shape (num_tokens=64):  50%|##   | 1/2 [00:01<00:01]",
            "Capturing CUDA graphs ({done}/{total})",
            0.81,
        ),
        ("Capture target prefill CUDA graph end. elapsed=3.1 s", "Capturing CUDA graphs", 0.84),
        ("Capture target decode CUDA graph begin. backend=full", "Capturing CUDA graphs", 0.78),
        ("Capture target decode CUDA graph end. elapsed=3.1 s", "Warming up", 0.95),
        ("KV Cache VA upper bound. #tokens: 5, KV size: 4.00 GB", "Allocating the KV cache", 0.74),
        (
            "Multi-thread loading shards: 100% Completed | 4/4 [00:20<00:00]",
            "Loading weights ({done}/{total})",
            0.7,
        ),
    ],
)
def test_the_lines_of_0_5_23(line: str, phase: str, fraction: float) -> None:
    said = SGLANG.progress((line,), None)
    assert said is not None
    assert (said.phase.msgid, said.fraction) == (phase, fraction)


def test_progress_never_goes_back_and_other_lines_change_nothing() -> None:
    ready = SGLANG.progress(("The server is fired up and ready to roll!",), None)
    assert SGLANG.progress(("Load weight begin. avail mem=1 GB", "something"), ready) == ready
    assert SGLANG.progress(("something",), None) is None
    odd = SGLANG.progress(("Loading pt checkpoint shards: 900% Completed | 9/0 [00:00<?]",), None)
    assert odd is not None
    assert (odd.phase.msgid, odd.fraction) == ("Loading weights", 0.02)


@pytest.mark.parametrize(
    ("lines", "activity"),
    [
        (
            [
                "[t] Decode batch. #running-req: 9, #token: 46, gen throughput (token/s): 1.0,"
                " #queue-req: 9, ",
                "[t] Decode batch [40], #running-req: 1, #token: 46, token usage: 0.00, cuda graph: True, "
                "gen throughput (token/s): 12.34, #queue-req: 0, ",
                "[t] Prefill batch. #new-seq: 1, #running-req: 5, #queue-req: 5",
            ],
            Activity(1, 0, 12.34),
        ),
        (["Decode batch, #running-req: 2"], Activity(2)),
        (["nothing"], Activity()),
        ([], Activity()),
    ],
)
def test_the_log_of_a_running_server(lines: list[str], activity: Activity) -> None:
    assert SGLANG.activity(lines) == activity
