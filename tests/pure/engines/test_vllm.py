from __future__ import annotations

from typing import Any

import pytest

from sparktray.domain.asking import Answer, Health, Heard, Reading, ServedModel
from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.engines.protocol import Activity, Depth
from sparktray.engines.vllm import Vllm
from tests.pure.engines.launching import (
    BROKEN,
    LATE,
    QWEN,
    REFUSED,
    SCOUT,
    Talk,
    answer,
    container,
    launch,
    server,
)

VLLM = Vllm()
TRUST = {EngineKind.VLLM: ("--trust-remote-code",)}


def test_nvidia_s_image_gets_the_whole_command() -> None:
    argv = VLLM.run_argv(launch(EngineKind.VLLM, labels={"a": "b"}, args=TRUST))
    assert " ".join(argv) == (
        "docker run -d --name vllm --gpus all --ipc=host -p 8000:8000"
        " -v /home/sparkuser/ai/models/llama4/llama4-scout-17b-nvfp4:/model"
        " -v /home/sparkuser/ai/cache/vllm:/root/.cache --label a=b nvcr.io/nvidia/vllm:26.05-py3"
        " vllm serve /model --served-model-name llama4-scout-17b-nvfp4"
        " --host 0.0.0.0 --port 8000 --trust-remote-code"
    )


@pytest.mark.parametrize("image", ["vllm/vllm-openai", "docker.io/vllm/vllm-openai:v0.33.0"])
def test_the_image_whose_entrypoint_is_vllm_serve_gets_its_arguments_only(image: str) -> None:
    on = server(EngineKind.VLLM, image=image)
    assert f" {image} /model --served-model-name " in " ".join(VLLM.run_argv(launch(EngineKind.VLLM, on=on)))


G = 1 << 30


@pytest.mark.parametrize(
    ("values", "end"),
    [
        ({"context": 100}, "--max-model-len 100"),
        (
            {"context": 32_768, "config": QWEN, "weights": G},
            f"--max-model-len 32768 --kv-cache-memory-bytes {8 * G}",
        ),
        (
            {"context": 131_072, "parallel": 2, "config": SCOUT, "weights": G},
            f"--max-model-len 131072 --kv-cache-memory-bytes {48 * G}",
        ),
        ({"context": 100, "args": {EngineKind.VLLM: ("--max-model-len=5",)}}, "--max-model-len=5"),
        (
            {
                "context": 9,
                "config": QWEN,
                "weights": G,
                "args": {EngineKind.VLLM: ("--gpu-memory-utilization", "0.4")},
            },
            "--gpu-memory-utilization 0.4 --max-model-len 9",
        ),
        (
            {"context": 9, "config": QWEN, "weights": G, "kind": ModelKind.EMBEDDING},
            "--max-model-len 9 --runner pooling",
        ),
        (
            {"kind": ModelKind.EMBEDDING, "args": {EngineKind.VLLM: ("--task", "embed")}},
            "--port 8000 --task embed",
        ),
    ],
)
def test_the_end_of_the_command(values: dict[str, Any], end: str) -> None:
    assert " ".join(VLLM.run_argv(launch(EngineKind.VLLM, **values))).endswith(end)


@pytest.mark.parametrize(
    ("image", "argv", "known"),
    [
        ("x", "vllm serve /m", True),
        ("x", "/opt/nvidia/nvidia_entrypoint.sh /usr/local/bin/vllm serve /m", True),
        ("x", "python3 -m vllm.entrypoints.openai.api_server --model /m", True),
        ("vllm/vllm-openai:v0.33.0", "/m", True),
        ("nvcr.io/nvidia/vllm:26.05-py3", "sleep 1d", False),
        ("nvcr.io/nvidia/vllm:26.05-py3", "/opt/nvidia/nvidia_entrypoint.sh", False),
        ("ghcr.io/open-webui/open-webui:main", "bash start.sh", False),
        ("ghcr.io/open-webui/open-webui-vllm", "bash start.sh", False),
        ("vllm/vllm-router", "x", False),
        ("x", "vllm bench", False),
        ("x", "vllm", False),
        ("lmsysorg/sglang:spark", "python3 -m sglang.launch_server", False),
    ],
)
def test_what_is_recognised(image: str, argv: str, known: bool) -> None:
    assert VLLM.recognises(container(image, argv)) is known


@pytest.mark.parametrize(
    ("argv", "port", "path", "name"),
    [
        ("vllm serve /m", 8000, "/m", None),
        ("vllm serve --port 1 --model /n", 1, "/n", None),
        ("vllm serve", 8000, None, None),
        ("vllm serve /m --served-model-name a b --port=2", 2, "/m", "a"),
        ("vllm serve /m --served_model_name a", 8000, "/m", "a"),
        ("python3 -m vllm.entrypoints.openai.api_server --model /m", 8000, "/m", None),
    ],
)
def test_what_the_command_line_tells(argv: str, port: int, path: str | None, name: str | None) -> None:
    seen = container(argv=argv)
    assert (VLLM.port_of(seen), VLLM.model_path(seen), VLLM.declared_name(seen)) == (port, path, name)


LIST = answer({"data": [{"id": "m", "root": "/model", "max_model_len": 4096}]})
SERVED = (ServedModel("m", "/model", 4096),)
METRICS = Answer(
    200,
    b'vllm:num_requests_running{engine="0"} 1.0\nvllm:num_requests_waiting{engine="0"} 0.0\n'
    b'vllm:generation_tokens_total{engine="0"} 512.0\n',
)
OK = Answer(200)
ALL = ["/health", "/v1/models", "/metrics"]


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize(
    ("table", "reading", "paths"),
    [
        ({"/health": REFUSED}, Reading(Health.REFUSED), ALL[:1]),
        ({"/health": LATE}, Reading(Health.SILENT), ALL[:1]),
        ({"/health": BROKEN}, Reading(Health.SILENT), ALL[:1]),
        ({"/health": Answer(503)}, Reading(Health.SILENT), ALL[:1]),
        (
            {"/health": OK, "/v1/models": LIST, "/metrics": METRICS},
            Reading(Health.READY, SERVED, running=1, waiting=0, generated_tokens=512.0),
            ALL,
        ),
        ({"/health": OK, "/v1/models": LIST}, Reading(Health.READY, SERVED), ALL),
        ({"/health": OK, "/v1/models": LIST, "/metrics": LATE}, Reading(Health.READY, SERVED), ALL),
        ({"/health": OK, "/v1/models": LATE}, Reading(Health.READY), ALL),
        (
            {"/health": OK, "/v1/models": Answer(401), "/metrics": METRICS},
            Reading(Health.LOCKED, running=1, waiting=0, generated_tokens=512.0),
            ALL,
        ),
    ],
)
def test_a_probe(depth: Depth, table: dict[str, Heard], reading: Reading, paths: list[str]) -> None:
    talk = Talk(table)
    assert talk.carry_out(VLLM.probe(depth)) == reading
    assert talk.paths == paths


def test_the_load_line_by_line() -> None:
    api, core = (
        "(APIServer pid=1) INFO 11-23 10:00:00 [x.py:1] ",
        "(EngineCore pid=87) INFO 11-23 10:00:00 [y.py:2] ",
    )
    lines = [
        (api + "vLLM API server version 0.33.0", "Starting", 0.0),
        (core + "Initializing a V1 LLM engine (v0.33.0) with config: model='/model'", "Starting", 0.0),
        (core + "Starting to load model /model...", "Loading weights", 0.02),
        (
            "(EngineCore pid=87) Loading safetensors checkpoint shards:  50% Completed | 2/4 [00:10<00:10]",
            "Loading weights (2/4)",
            0.31,
        ),
        (
            "Loading safetensors checkpoint shards (eager): 100% Completed | 4/4 [00:10<00:10]",
            "Loading weights (4/4)",
            0.6,
        ),
        (core + "Loading weights took 20.00 seconds", "Loading weights", 0.6),
        (core + "Model loading took 18.1 GiB memory and 21.0 seconds", "Compiling the model", 0.62),
        (core + "Dynamo bytecode transform time: 4.10 s", "Compiling the model", 0.65),
        (core + "Compiling a graph for dynamic shape takes 20.10 s", "Compiling the model", 0.7),
        (core + "torch.compile took 24.20 s in total", "Compiling the model", 0.74),
        (core + "Available KV cache memory: 80.10 GiB", "Allocating the KV cache", 0.76),
        (core + "GPU KV cache size: 32,768 tokens", "Allocating the KV cache", 0.78),
        (
            "Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  50%|#####     | 1/2 [00:01<00:01]",
            "Capturing CUDA graphs (1/2)",
            0.82,
        ),
        (
            "Capturing CUDA graphs (decode, FULL): 100%|##########| 2/2 [00:02<00:00]",
            "Capturing CUDA graphs (2/2)",
            0.94,
        ),
        (core + "Graph capturing finished in 5 secs, took 0.50 GiB", "Warming up", 0.94),
        (core + "init engine (profile, create kv cache, warmup model) took 40.0 s", "Warming up", 0.96),
        (api + "Starting vLLM server on http://0.0.0.0:8000", "Warming up", 0.98),
        ("(APIServer pid=1) INFO:     Application startup complete.", "Ready", 1.0),
    ]
    before = None
    for line, phase, fraction in lines:
        before = VLLM.progress((line,), before)
        assert before is not None
        assert before.phase.msgid.format(**before.phase.values) == phase, line
        assert before.fraction == fraction, line


def test_the_log_of_a_running_server() -> None:
    line = (
        "(APIServer pid=1) INFO 11-23 [loggers.py:1] Engine 000: Avg prompt throughput: 4.1 tokens/s,"
        " Avg generation throughput: {speed} tokens/s, Running: {running} reqs, Waiting: 3 reqs, GPU KV"
    )
    lines = [line.format(speed=1.0, running=9), line.format(speed=12.5, running=2), "other"]
    assert VLLM.activity(lines) == Activity(2, 3, 12.5)
    assert VLLM.activity(["other"]) == Activity()
