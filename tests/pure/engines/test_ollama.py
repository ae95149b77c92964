from __future__ import annotations

import pytest

from sparktray.domain.asking import Answer, Health, Heard, Proof, Reading, ServedModel
from sparktray.domain.catalogue import EngineKind
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import LoadProgress
from sparktray.engines.ollama import FetchReader, Ollama, load, unload
from sparktray.engines.protocol import Activity, Depth
from tests.pure.engines.launching import BROKEN, LATE, REFUSED, Talk, answer, container, launch, server

OLLAMA = Ollama()


def test_the_server_is_started_without_a_model() -> None:
    on = server(EngineKind.OLLAMA, port=11435)
    assert " ".join(OLLAMA.run_argv(launch(EngineKind.OLLAMA, on=on))) == (
        "docker run -d --name ollama --gpus all -p 11435:11434 -v ollama:/root/.ollama ollama/ollama"
    )


@pytest.mark.parametrize(
    ("image", "argv", "known"),
    [
        ("ollama/ollama", "/bin/ollama serve", True),
        ("x", "ollama serve", True),
        ("ollama/ollama:0.13.5", "", True),
        ("ghcr.io/me/ollama:1", "/start.sh", True),
        ("ollama", "/start.sh", True),
        ("ollama/ollama", "/bin/ollama pull x", False),
        ("ollama/ollama", "sleep 1d", False),
        ("ghcr.io/open-webui/open-webui:ollama", "bash start.sh", False),
        ("me/ollama-exporter", "x", False),
        ("x", "ollama", False),
    ],
)
def test_what_is_recognised(image: str, argv: str, known: bool) -> None:
    assert OLLAMA.recognises(container(image, argv)) is known


def test_its_command_line_tells_nothing_else() -> None:
    seen = container("ollama/ollama", "/bin/ollama serve")
    assert (OLLAMA.port_of(seen), OLLAMA.model_path(seen), OLLAMA.declared_name(seen)) == (11434, None, None)
    before = LoadProgress(phrase("x"), 0.5)
    assert OLLAMA.progress(("time=1 level=INFO msg=x",), before) is before
    assert OLLAMA.activity(("time=1 level=INFO msg=x",)) == Activity()


VERSION = answer({"version": "0.13.5"})
PS = answer(
    {"models": [{"name": "qwen3:32b", "model": "qwen3:32b", "context_length": 4096}, {"name": ""}, 7]}
)
TAGS = answer(
    {"models": [{"name": "qwen3:32b"}, {"name": "bge-m3:latest"}, {"name": "c", "remote_host": "x"}]}
)
SERVED = (ServedModel("qwen3:32b", None, 4096),)
V, P, T = "/api/version", "/api/ps", "/api/tags"
H, W = Depth.HEALTH, Depth.WATCH


@pytest.mark.parametrize(
    ("depth", "table", "reading", "paths"),
    [
        (H, {V: REFUSED}, Reading(Health.REFUSED), [V]),
        (H, {V: LATE}, Reading(Health.SILENT), [V]),
        (H, {V: BROKEN}, Reading(Health.SILENT), [V]),
        (H, {}, Reading(Health.SILENT), [V]),
        (H, {V: answer({"version": 1})}, Reading(Health.SILENT), [V]),
        (W, {V: VERSION, P: PS}, Reading(Health.READY, SERVED), [V, P]),
        (W, {V: VERSION, P: answer({"models": []})}, Reading(Health.READY, ()), [V, P]),
        (W, {V: VERSION, P: answer({"models": None})}, Reading(Health.READY, ()), [V, P]),
        (W, {V: VERSION, P: answer({"models": "x"})}, Reading(Health.READY), [V, P]),
        (W, {V: VERSION, P: answer([])}, Reading(Health.READY), [V, P]),
        (W, {V: VERSION, P: LATE}, Reading(Health.READY), [V, P]),
        (
            H,
            {V: VERSION, P: PS, T: TAGS},
            Reading(Health.READY, SERVED, ("qwen3:32b", "bge-m3:latest")),
            [V, P, T],
        ),
        (H, {V: VERSION, P: PS, T: LATE}, Reading(Health.READY, SERVED), [V, P, T]),
    ],
)
def test_a_probe(depth: Depth, table: dict[str, Heard], reading: Reading, paths: list[str]) -> None:
    talk = Talk(table)
    assert talk.carry_out(OLLAMA.probe(depth)) == reading
    assert talk.paths == paths
    assert all(ask.method == "GET" and ask.json is None for ask in talk.asked)


G, E = "/api/generate", "/api/embed"
DONE = answer({"model": "m", "response": "", "done": True, "done_reason": "load"})
NO_GENERATE = answer({"error": '"m" does not support generate'}, 400)


@pytest.mark.parametrize(
    ("table", "proof", "paths"),
    [
        ({G: DONE}, Proof(True), [G]),
        ({G: NO_GENERATE, E: answer({"model": "m", "embeddings": []})}, Proof(True), [G, E]),
        (
            {G: NO_GENERATE, E: NO_GENERATE},
            Proof(False, 'HTTP 400: {"error": "\\"m\\" does not support generate"}'),
            [G, E],
        ),
        (
            {G: answer({"error": "model 'm' not found"}, 404)},
            Proof(False, 'HTTP 404: {"error": "model \'m\' not found"}'),
            [G],
        ),
        ({G: answer({"error": "x"})}, Proof(False, 'HTTP 200: {"error": "x"}'), [G]),
        ({G: Answer(200, b"")}, Proof(False, "HTTP 200"), [G]),
        ({G: LATE}, Proof(False, "late"), [G]),
    ],
)
def test_loading_and_unloading(table: dict[str, Heard], proof: Proof, paths: list[str]) -> None:
    for act, keep, deadline in ((load, -1, 600.0), (unload, 0, 30.0)):
        talk = Talk(table)
        assert talk.carry_out(act("m")) == proof
        assert talk.paths == paths
        for ask in talk.asked:
            assert ask.json is not None
            assert (ask.json["keep_alive"], ask.deadline) == (keep, deadline)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("model requires more system memory (20.1 GiB) than is available (9.0 GiB)", "out-of-memory"),
        ('level=ERROR error="llama runner process has terminated: signal: killed"', "killed"),
        ('level=ERROR error="llama runner process has terminated: exit status 2"', "engine-died"),
        ("model 'm' not found", "model-not-installed"),
        ("Error: listen tcp 0.0.0.0:11434: bind: address already in use", "port-taken"),
        ("panic: runtime error", "engine-died"),
        ("time=1 level=INFO msg=x", None),
    ],
)
def test_failures(line: str, code: str | None) -> None:
    failure = OLLAMA.diagnose((line,))
    assert (failure and failure.code) == code


def test_the_stream_of_a_fetch() -> None:
    reader = FetchReader()
    reader.feed(b'{"status":"pulling manifest"}\n{"status":"pulling ab","digest":"sha256:ab","total":100,')
    assert (reader.done, reader.total, reader.last) == (0, 0, "pulling manifest")
    reader.feed(b'"completed":40}\n{"status":"pulling cd","digest":"sha256:cd","total":10}\nnonsense\n[1]\n')
    assert (reader.done, reader.total) == (40, 110)
    reader.feed(b'{"status":"x","digest":"sha256:ab","total":100,"completed":30}\n{"digest":1,"total":5}\n')
    reader.feed(b'{"digest":"sha256:ef","total":5,"completed":9}\n{"status":"success"}\n')
    assert (reader.done, reader.total, reader.succeeded, reader.error) == (40, 110, True, None)
    reader.feed(b'{"error":"no space left on device"}\n' + b"x" * 70_000)
    assert reader.error == "no space left on device"
    reader.feed(b'\n{"status":"again"}\n')
    assert reader.last == "again"


def test_layers_without_end_are_not_kept() -> None:
    reader = FetchReader()
    for number in [*range(1_500), 0]:
        reader.feed(b'{"digest":"%d","total":4,"completed":1}\n' % number)
    reader.feed(b'{"digest":"0","total":4,"completed":3}\n')
    assert (reader.done, reader.total) == (1_002, 4_000)


@pytest.mark.parametrize(
    ("expires", "until"),
    [
        ("2026-11-28T12:04:05.5Z", 1_795_867_445.5),
        ("2026-11-28T13:04:05.5+01:00", 1_795_867_445.5),
        ("2319-03-11T12:00:00.123456789Z", None),  # keep_alive -1: the longest duration of Go
        ("0001-01-01T00:00:00Z", None),
        ("soon", None),
        (None, None),
    ],
)
def test_when_a_model_leaves_is_told_by_those_that_do(expires: str | None, until: float | None) -> None:
    listed = answer({"models": [{"name": "qwen3:32b", "expires_at": expires}]})
    found = Talk({V: VERSION, P: listed}).carry_out(OLLAMA.probe(W))
    assert found.served == (ServedModel("qwen3:32b", until=until),)
