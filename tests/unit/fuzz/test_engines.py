"""What engines answer and log, from the socket to what a person sees."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import partial

from hypothesis import strategies as st

from sparktray.control.reading import converse, probe
from sparktray.decide.effects import Probe
from sparktray.domain.asking import Answer
from sparktray.domain.catalogue import ModelKind, Server
from sparktray.domain.docker.container import Container
from sparktray.domain.events import LogSaid, LogTailRead
from sparktray.domain.text import split_log
from sparktray.engines import prometheus
from sparktray.engines.ollama import FetchReader, load, unload
from sparktray.engines.protocol import Depth
from sparktray.engines.registry import ENGINES, engine
from tests.pure.decide.building import (
    NOW,
    OLLAMA,
    SGLANG,
    VLLM,
    Desk,
    connected,
    ended,
    ollama_box,
    sglang_box,
    vllm_box,
)
from tests.unit.fuzz.fuzzing import corpus, fuzz
from tests.unit.fuzz.looking import looked_at, plain, said
from tests.unit.fuzz.memory_link import MemoryLink, host, http
from tests.unit.fuzz.mutating import changed, changed_json

LISTS = corpus("v1-models")
LOADS = corpus("loads")
METRICS = corpus("metrics")
LOGS = corpus("logs")
BOXES = (sglang_box(), vllm_box(), ollama_box())
STATUS = st.sampled_from([200] * 8 + [401, 404, 500, 503, 302])


def desk_after(server: Server, box: Container, answers: Mapping[str, tuple[int, bytes]]) -> Desk:
    """A host whose server was probed and gave these answers, by path without its query."""

    def answer(path: str) -> bytes:
        status, body = answers.get(path.partition("?")[0], (404, b""))
        return http(body, status)

    remote, desk = host(MemoryLink(engines=answer)), connected(*BOXES)
    for depth in (Depth.HEALTH, Depth.WATCH):
        desk.take(probe(remote, Probe(desk.snapshot.epoch, server, box.id, depth)))
    looked_at(desk.snapshot, NOW)
    return desk


def ids_in(body: bytes, *, key: str, name: str) -> set[object]:
    """The names in an answer as the decoder has them."""
    entries = Answer(200, body).field(key)
    found = [e.get(name) for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    return {each for each in found if isinstance(each, str)}


def passed_on(desk: Desk, server: str, names: set[object]) -> None:
    """A model ID is what the engine said, byte for byte, or it is none."""
    state = desk.state(server)
    assert {each.id for each in state.served or ()} <= names
    for count in (state.running, state.waiting):
        assert count is None or count >= 0


@fuzz(
    "SGLang: /v1/models, /v1/loads",
    st.tuples(STATUS, changed_json(LISTS), STATUS, changed_json(LOADS)),
    first=[(200, models, 200, loads) for models in LISTS for loads in LOADS],
)
def test_sglang(said_by_it: tuple[int, bytes, int, bytes]) -> None:
    status, models, loads_status, loads = said_by_it
    answers = {
        "/v1/models": (status, models),
        "/health": (200, b""),
        "/v1/loads": (loads_status, loads),
        "/get_load": (200, loads),
    }
    passed_on(desk_after(SGLANG, BOXES[0], answers), "sglang", ids_in(models, key="data", name="id"))


@fuzz(
    "vLLM: /v1/models, /metrics",
    st.tuples(STATUS, changed_json(LISTS), changed(METRICS, [b"vllm:num_requests_running", b"} 1\n"])),
    first=[(200, LISTS[0], metrics) for metrics in METRICS],
)
def test_vllm(said_by_it: tuple[int, bytes, bytes]) -> None:
    status, models, metrics = said_by_it
    answers = {"/health": (200, b""), "/v1/models": (status, models), "/metrics": (200, metrics)}
    passed_on(desk_after(VLLM, BOXES[1], answers), "vllm", ids_in(models, key="data", name="id"))


@fuzz(
    "Ollama: version, ps, tags",
    st.tuples(*(changed_json(corpus("ollama", f"{n}.json")) for n in ("version", "ps", "tags"))),
)
def test_ollama(said_by_it: tuple[bytes, bytes, bytes]) -> None:
    version, loaded, installed = said_by_it
    answers = {"/api/version": (200, version), "/api/ps": (200, loaded), "/api/tags": (200, installed)}
    desk = desk_after(OLLAMA, BOXES[2], answers)
    passed_on(desk, "ollama", ids_in(loaded, key="models", name="name"))
    assert set(desk.state("ollama").installed) <= ids_in(installed, key="models", name="name")


@fuzz("proofs of a token and of loading", st.tuples(STATUS, changed_json(corpus("proofs"))))
def test_proofs(answer: tuple[int, bytes]) -> None:
    status, body = answer
    remote = host(MemoryLink(engines=lambda path: http(body, status)))
    for kind in ModelKind:
        for known in ENGINES.values():
            proof = converse(remote.http, 30000, known.prove("scout", kind))
            assert status == 200 or not proof.holds
            plain(proof.detail)
    for dialogue in (load("qwen3:32b"), unload("qwen3:32b")):
        plain(converse(remote.http, 11434, dialogue).detail)


@fuzz("metrics", changed(METRICS, [b"vllm:num_requests_running", b"NaN", b"+Inf", b"1e999", b'{a="']))
def test_metrics(text: bytes) -> None:
    value = prometheus.total(text.decode("utf-8", "replace"), "vllm:num_requests_running", "other")
    assert value is None or math.isfinite(value)


@fuzz("/api/pull of Ollama", changed(corpus("ollama-pull"), [b'{"status":"success"}\n', b'"total":']))
def test_fetches(stream: bytes) -> None:
    reader = FetchReader()
    done, total = 0, 0
    for begin in range(0, len(stream), 1_000):
        reader.feed(stream[begin : begin + 1_000])
        assert done <= reader.done <= reader.total and total <= reader.total
        done, total = reader.done, reader.total


def lines_of(log: bytes) -> tuple[str, ...]:
    """The log as the program cuts and cleans it."""
    return split_log(log.decode("utf-8", "replace"))


def log_told(lines: Sequence[str], box: Container, server: str) -> None:
    """Said while it runs, and left behind when it ended with a fault."""
    desk = connected(*BOXES)
    for begin in range(0, min(len(lines), 600), 200):
        desk.take(LogSaid(desk.snapshot.epoch, server, box.id, tuple(lines[begin : begin + 200])))
    looked_at(desk.snapshot, NOW)
    assert len(desk.state(server).log) <= 1_000
    over = connected(ended(box, 1))
    over.take(LogTailRead(over.snapshot.epoch, server, box.id, tuple(lines[-200:])))
    looked_at(over.snapshot, NOW)


LOG_WORDS = [
    *(b"Decode batch, #running-req: ", b"gen throughput (token/s): ", b"Running: 9 reqs, Waiting: "),
    *(
        b"Loading safetensors checkpoint shards:  50% Completed | 1/",
        b"server_args=ServerArgs(",
        b"api_key='",
    ),
    *(
        b"Traceback (most recent call last):\n",
        b"torch.OutOfMemoryError: CUDA out of memory. ",
        b"context_length (",
    ),
]


@fuzz("log lines", changed(LOGS, LOG_WORDS), examples=40, first=LOGS)
def test_logs(log: bytes) -> None:
    lines = lines_of(log)
    for line in lines:
        plain(line)
    for server, box in zip((SGLANG, VLLM, OLLAMA), BOXES, strict=True):
        known = engine(server.engine)
        progress = known.progress(lines, None)
        assert progress is None or progress.fraction is None or 0 <= progress.fraction <= 1
        activity = known.activity(lines)
        assert activity.running is None or activity.running >= 0
        for died in (False, True):
            said(known.diagnose(lines[-200:], died=died))
        log_told(lines, box, server.name)


def test_the_corpus_is_as_engines_answer() -> None:
    assert [len(json.loads(each).get("data") or ()) for each in LISTS] == [0, 2, 1, 1, 2]
    assert all(lines_of(log) for log in LOGS)
    assert partial(ids_in, key="data", name="id")(LISTS[3]) == {"llama4-scout-17b-nvfp4"}
