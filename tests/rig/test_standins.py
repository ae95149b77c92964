"""The stand-ins answer, log and die as the engines do."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.rig.rig import Rig
from tests.waiting import wait_until

SCOUT = "llama4-scout-17b-nvfp4"
QUICK = {"load_seconds": 0.1, "warm_seconds": 0.1, "health_seconds": 0.05}


def test_a_well_server_takes_a_second_to_say_so_and_a_hung_one_its_time_out(rig: Rig) -> None:
    rig.behave(SCOUT, load_seconds=0.1, warm_seconds=0.1, hung_seconds=1.5)
    rig.start_sglang()
    rig.wait_http(30000, "/health")
    started = time.monotonic()
    assert rig.http(30000, "/health") == (200, b"")
    assert time.monotonic() - started >= 1.0
    rig.behave_live(30000, hung=True)
    started = time.monotonic()
    assert rig.http(30000, "/health") == (503, b"")
    assert time.monotonic() - started >= 1.5
    assert rig.model_ids(30000) == [SCOUT]


def test_sglang_speaks_as_the_real_one(rig: Rig) -> None:
    rig.behave(SCOUT, **QUICK)
    rig.start_sglang(
        served_name="gpt-4o-mini", args=("--context-length", "131072", "--max-total-tokens", "262144")
    )
    rig.wait_http(30000, "/health")
    card = json.loads(rig.wait_http(30000, "/v1/models"))["data"][0]
    created = card.pop("created")
    assert isinstance(created, int)
    assert card == {
        "id": "gpt-4o-mini", "object": "model", "owned_by": "sglang", "root": "gpt-4o-mini",
        "max_model_len": 131072,
    }  # fmt: skip
    assert json.loads(rig.wait_http(30000, "/get_model_info"))["model_path"] == "/model"
    missing = rig.http(30000, "/v1/models/other")
    assert missing is not None
    assert missing[0] == 404
    assert json.loads(missing[1])["error"]["code"] == "model_not_found"
    assert rig.http(30000, "/") == (404, b'{"detail":"Not Found"}')
    log = rig.logs("sglang")
    order = [
        "server_args=ServerArgs(", "Init torch distributed begin", "Load weight begin. avail mem=",
        "100% Completed | 13/13", "Load weight end. type=", "KV Cache is allocated. #tokens: ",
        "Memory pool end. avail mem=", "Capture cuda graph begin", "Capturing batches (bs=8 avail_mem=",
        "Capture cuda graph end", "max_total_num_tokens=", "Uvicorn running on",
        "fired up and ready to roll!",
    ]  # fmt: skip
    places = [log.index(text) for text in order]
    assert places == sorted(places)
    assert "context_len=131072" in log


def chat(rig: Rig, port: int, **asked: Any) -> tuple[int, bytes]:
    body = json.dumps({"messages": [{"role": "user", "content": "Hello"}], **asked})
    answer = rig.http(port, "/v1/chat/completions", body)
    assert answer is not None
    return answer


def test_chat_keeps_to_max_tokens_plain_and_streamed(rig: Rig) -> None:
    rig.behave(SCOUT, **QUICK)
    rig.start_sglang()
    rig.wait_http(30000, "/health")
    status, body = chat(rig, 30000, model=SCOUT, max_tokens=1)
    told = json.loads(body)
    assert status == 200
    assert told["usage"]["completion_tokens"] == 1
    assert told["choices"][0]["finish_reason"] == "length"
    status, body = chat(
        rig, 30000, model=SCOUT, max_tokens=3, stream=True, stream_options={"include_usage": True}
    )
    events = [line.removeprefix("data: ") for line in body.decode().splitlines() if line]
    assert events[-1] == "[DONE]"
    assert json.loads(events[-2])["usage"]["completion_tokens"] == 3
    assert "".join(c["delta"].get("content", "") for e in events[:-1] for c in json.loads(e)["choices"])


def test_embedding_mode_embeds_and_refuses_to_chat(rig: Rig) -> None:
    rig.behave("bge-m3", **QUICK)
    rig.start_sglang("bge-m3", args=("--is-embedding", "--trust-remote-code"))
    rig.start_vllm("bge-m3", args=("--runner", "pooling"))
    for port in (30000, 8000):
        rig.wait_http(port, "/health")
        answer = rig.http(port, "/v1/embeddings", json.dumps({"model": "bge-m3", "input": "one"}))
        assert answer is not None
        assert len(json.loads(answer[1])["data"][0]["embedding"]) == 1024
        assert chat(rig, port, model="bge-m3")[0] == 400


def test_busy_is_told_by_load_and_by_log(rig: Rig) -> None:
    rig.behave(SCOUT, **QUICK, running=2, waiting=1)
    rig.start_sglang()
    rig.wait_http(30000, "/health")
    load = json.loads(rig.wait_http(30000, "/get_load"))
    assert load == [{"dp_rank": 0, "num_reqs": 3, "num_waiting_reqs": 1, "num_tokens": 256}]
    pattern = r"Decode batch, #running-req: (\d+).*gen throughput \(token/s\): ([\d.]+), #queue-req: (\d+)"
    found = wait_until(lambda: re.search(pattern, rig.logs("sglang")), "a decode line")
    assert found is not None
    assert found.groups() == ("2", "46.80", "1")


def test_an_api_key_locks_all_but_health(rig: Rig) -> None:
    rig.behave(SCOUT, **QUICK)
    rig.start_sglang(args=("--api-key", "k"))
    rig.wait_http(30000, "/health")
    assert rig.http(30000, "/v1/models") == (401, b'{"error":"Unauthorized"}')
    opened = rig.http(30000, "/v1/models", headers={"Authorization": "Bearer k"})
    assert opened is not None
    assert opened[0] == 200


@pytest.mark.parametrize(
    ("fail", "code", "line"),
    [
        ("oom", 1, "torch.OutOfMemoryError: CUDA out of memory."),
        ("exit0", 0, "Received sigquit from a child process. It usually means the child failed"),
    ],
)
def test_sglang_dies_with_its_own_words(rig: Rig, fail: str, code: int, line: str) -> None:
    rig.behave(SCOUT, fail=fail)
    rig.start_sglang(rm=False)
    rig.wait_state("sglang", "exited")
    found = rig.inspect("sglang")
    assert found is not None
    assert found["State"]["ExitCode"] == code
    assert line in rig.logs("sglang")
    assert "Scheduler hit an exception: Traceback (most recent call last):" in rig.logs("sglang")


def test_a_model_can_load_for_ever_and_still_be_stopped(rig: Rig) -> None:
    rig.behave(SCOUT, fail="never")
    rig.start_sglang(rm=False)
    wait_until(lambda: "Completed | 6/13" in rig.logs("sglang"), "half of the shards")
    started = time.monotonic()
    rig.docker("stop", "-t", "10", "sglang")
    assert time.monotonic() - started < 3
    assert rig.http(30000, "/health") is None


def test_the_kernel_kills_the_loader_and_the_container_stays(rig: Rig) -> None:
    rig.behave(SCOUT, fail="oom-kill")
    started = int(time.time())
    name = rig.start_sglang(rm=False, docker_args=("--memory", "128m"))
    killed = ["events", "--since", str(started), "--filter", f"container={name}", "--filter", "event=oom"]

    def told() -> str:
        return rig.docker(*killed, "--until", f"{time.time():.3f}")

    wait_until(told, "the kernel's kill to be reported", seconds=20, every=0.1)
    assert rig.state("sglang") == "running"
    rig.docker("kill", "sglang")
    found = rig.inspect("sglang")
    assert found is not None
    # Docker 20.10 sets it when the container ends, newer ones at once.
    assert found["State"]["OOMKilled"]


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        ("empty", "/model does not appear to have a file named config.json"),
        ("no weights", "Cannot find any model weights"),
        ("a shard missing", "No such file or directory: /model/model-00002-of-00013.safetensors"),
        (
            "context",
            "User-specified context_length (99999999) is greater than the derived context_length (10485760)",
        ),
    ],
)
def test_a_spoilt_model_fails_as_it_would(rig: Rig, spoil: str, line: str) -> None:
    folder, args = rig.folder(SCOUT), []
    match spoil:
        case "empty":
            folder = rig.models_folder / "nothing-here"
        case "no weights":
            for shard in folder.glob("*.safetensors"):
                shard.unlink()
        case "a shard missing":
            (folder / "model-00002-of-00013.safetensors").unlink()
        case _:
            args = ["--context-length", "99999999"]
    rig.start_sglang(folder, rm=False, args=args)
    rig.wait_state("sglang", "exited")
    assert line in rig.logs("sglang")


def test_vllm_refuses_until_ready_and_tells_its_path(rig: Rig) -> None:
    rig.start_vllm(rm=False)
    answers: list[tuple[int, bytes] | None] = []

    def look() -> tuple[int, bytes] | None:
        answers.append(rig.http(8000, "/health"))
        return answers[-1]

    assert wait_until(look, "vLLM to answer", seconds=20) == (200, b"")
    assert answers[0] is None
    card = json.loads(rig.wait_http(8000, "/v1/models"))["data"][0]
    assert (card["id"], card["root"], card["owned_by"]) == ("qwen3-32b-nvfp4", "/model", "vllm")
    assert (card["max_model_len"], card["parent"], len(card["permission"])) == (32768, None, 1)
    assert chat(rig, 8000, model="qwen3-32b-nvfp4", max_tokens=1)[0] == 200
    assert chat(rig, 8000, model="unknown")[0] == 404
    rig.behave_live(8000, running=3)
    assert 'vllm:num_requests_running{engine="0",model_name="qwen3-32b-nvfp4"} 3.0' in (
        rig.wait_http(8000, "/metrics").decode()
    )
    assert b"version" in rig.wait_http(8000, "/version")
    log = rig.logs("vllm")
    order = [
        "vLLM API server version", "Initializing a V1 LLM engine (v", "Starting to load model /model...",
        "100% Completed | 4/4", "Loading weights took", "Available KV cache memory:", "GPU KV cache size:",
        "Graph capturing finished in", "Application startup complete.",
    ]  # fmt: skip
    places = [log.index(text) for text in order]
    assert places == sorted(places)


def test_vllm_dies_of_its_toolchain(rig: Rig) -> None:
    rig.behave("qwen3-32b-nvfp4", vllm={"fail": "ptxas"})
    rig.start_vllm(rm=False)
    rig.wait_state("vllm", "exited")
    found = rig.inspect("vllm")
    assert found is not None
    assert found["State"]["ExitCode"] == 1
    log = rig.logs("vllm")
    assert "ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'" in log
    assert "EngineCore failed to start." in log
    rig.behave("qwen3-32b-nvfp4", **QUICK)
    rig.start_sglang("qwen3-32b-nvfp4")
    rig.wait_http(30000, "/health")


def test_a_server_crashes_when_told(rig: Rig) -> None:
    rig.behave(SCOUT, **QUICK)
    rig.start_sglang(rm=False)
    rig.wait_http(30000, "/health")
    rig.behave_live(30000, crash=True)
    rig.wait_state("sglang", "exited")
    found = rig.inspect("sglang")
    assert found is not None
    assert found["State"]["ExitCode"] == 0


def test_ollama_loads_shows_and_unloads(rig: Rig) -> None:
    rig.start_ollama()
    assert rig.wait_http(11434, "/") == b"Ollama is running"
    assert rig.model_ids(11434) == ["qwen3:32b", "bge-m3:latest", "deepseek-r1:8b"]
    assert json.loads(rig.wait_http(11434, "/api/ps")) == {"models": []}
    loaded = rig.http(11434, "/api/generate", '{"model":"qwen3:32b","keep_alive":"30m"}')
    assert loaded is not None
    assert json.loads(loaded[1])["done_reason"] == "load"
    assert [m["name"] for m in json.loads(rig.wait_http(11434, "/api/ps"))["models"]] == ["qwen3:32b"]
    assert chat(rig, 11434, model="qwen3:32b", max_tokens=2)[0] == 200
    embedded = rig.http(11434, "/api/embed", '{"model":"bge-m3","input":["a","b"]}')
    assert embedded is not None
    assert len(json.loads(embedded[1])["embeddings"]) == 2
    unloaded = rig.http(11434, "/api/generate", '{"model":"qwen3:32b","keep_alive":0}')
    assert unloaded is not None
    assert json.loads(unloaded[1])["done_reason"] == "unload"
    wait_until(lambda: b"qwen3" not in rig.wait_http(11434, "/api/ps"), "the model to be released")
    assert rig.http(11434, "/api/show", '{"model":"x"}') == (404, b'{"error":"model \'x\' not found"}')
    rig.ollama_installed([])
    assert rig.wait_http(11434, "/v1/models") == b'{"object":"list","data":null}'
