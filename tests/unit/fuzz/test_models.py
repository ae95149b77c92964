"""What people paste, and what lies in a model's folder."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from sparktray.decide.finding.from_run import draft
from sparktray.decide.finding.proposals import proposals
from sparktray.decide.finding.shell_words import RunLineError, commands_in
from sparktray.domain.asking import Answer
from sparktray.domain.catalogue_file.reading import CatalogueError, read_catalogue
from sparktray.domain.facts.discovery import Discovery, FoundFolder
from sparktray.domain.facts.survey import ModelFolder
from sparktray.engines.models.facts import read_facts
from sparktray.engines.protocol import Launch
from sparktray.engines.registry import engine
from sparktray.engines.sizes import folder_complete, kv_bytes_per_token, unread_cache, weights_bytes
from sparktray.store.catalogue_file import problem_of_catalogue
from tests.pure.decide.building import CATALOGUE, GIB, HOST, SCOUT, SGLANG, VLLM, connected
from tests.unit.fuzz.fuzzing import ROOT, corpus, fuzz
from tests.unit.fuzz.looking import plain, said, told
from tests.unit.fuzz.mutating import changed, changed_json

LINES = corpus("run-lines")
SHELL = [
    *(
        b" -v /a:/model ",
        b" --mount type=bind,src=/a,dst=/model ",
        b" -e X=$(id) ",
        b" -p 8000:8000 ",
        b" && ",
    ),
    *(
        b" vllm serve /model ",
        b" --model-path /model ",
        b" --context-length 9e9 ",
        b" bash -c '",
        b"${X:-",
        b"<<E",
    ),
]


@fuzz(
    "pasted docker run lines",
    changed(LINES, SHELL).map(lambda data: data.decode("utf-8", "surrogateescape")),
    examples=100,
    first=[line.decode() for line in LINES],
)
def test_run_lines(text: str) -> None:
    try:
        commands_in(text)
        found = draft(text, CATALOGUE, HOST)
    except RunLineError as error:
        told(error.problem)
        return
    said(found.remarks)
    json.dumps(found.entry).encode()


CONFIGS = corpus("model-configs") + [
    path.read_bytes() for path in sorted((ROOT / "tests/fixtures/models").glob("*/config.json"))
]


@fuzz(
    "config.json, index and quantization",
    st.tuples(
        changed_json(CONFIGS),
        changed_json(corpus("model-index")),
        changed_json(corpus("model-quantization")),
    ),
    first=[(config, b"{}", b"{}") for config in CONFIGS],
)
def test_folders(files: tuple[bytes, bytes, bytes]) -> None:
    config, index, quantization = (_object(text) for text in files)
    names = {"config.json": 900, "model.safetensors": 8 * GIB, "model-00001-of-00002.safetensors": GIB}
    folder = ModelFolder(f"{HOST.models_dir}/m", names, config, index)
    facts = read_facts(folder, quantization)
    said((facts, folder_complete(folder), unread_cache(folder)))
    for text in (facts.architecture, facts.quantization):
        plain(text or "")
    for size in (facts.parameters, facts.experts, facts.trained_context, weights_bytes(folder)):
        assert size is None or size > 0
    assert config is None or (kv_bytes_per_token(config) or 0) >= 0
    for server in (SGLANG, VLLM):
        launch = Launch(server, SCOUT, HOST, folder, total_bytes=120 * GIB)
        said(engine(server.engine).footprint(launch))
        assert all(isinstance(word, str) for word in engine(server.engine).run_argv(launch))
    found = proposals(connected().snapshot, Discovery((FoundFolder("m", folder, quantization),)))
    for each in found:
        plain(each.id)
        said((each.reason, each.unknown, each.remarks, each.fit))
        json.dumps(each.entry).encode()


def _object(text: bytes) -> dict[str, object] | None:
    """A file as the program reads it."""
    decoded = Answer(200, text).json()
    return decoded if isinstance(decoded, dict) else None


MODELS = [*corpus("models-json"), (ROOT / "models.json").read_bytes()]


@fuzz("models.json", changed_json(MODELS) | changed(MODELS), examples=100, first=MODELS)
def test_catalogues(text: bytes) -> None:
    try:
        read = read_catalogue(text, "models.json")
    except CatalogueError as error:
        told(problem_of_catalogue(error.problem))
        return
    for server in read.servers:
        assert 0 < server.port < 65_536
    for model in read.models:
        plain(model.id)
        for name in model.servers:
            at = read.server(name)
            assert at is not None
            if model.start is not None:
                continue  # the person's own scripts start it
            said(engine(at.engine).footprint(Launch(at, model, HOST)))
            assert engine(at.engine).run_argv(Launch(at, model, HOST))[:2] == ("docker", "run")
