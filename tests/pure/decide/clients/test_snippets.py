"""Settings of clients: each is of the syntax that its client reads, and says exactly the ID."""

from __future__ import annotations

import ast
import json
import shlex
from typing import Any

import pytest
from msgspec.structs import replace

from sparktray.decide.clients.client import Client
from sparktray.decide.clients.endpoint import Endpoint, endpoint_of
from sparktray.decide.clients.snippets import KEY_VARIABLE, snippet
from sparktray.domain.asking import Health, Reading, ServedModel
from sparktray.domain.catalogue import EngineKind, ModelKind
from tests.pure.decide.building import ready, rendered, serving, sglang_box, vllm_box

URL = "http://spark.local:30000/v1"
HARD = """it's "my" model & more $HOME `x` \\n 模型 🚀 #1: {a}"""
IDS = ["llama4-scout", HARD, "x" * 10_000]


def at(model_id: str = "scout", **changes: Any) -> Endpoint:
    return replace(Endpoint(URL, model_id, 30000, EngineKind.SGLANG, context=131072), **changes)


def exports(text: str) -> dict[str, str]:
    """What a shell makes of these lines."""
    found = {}
    for line in text.splitlines():
        word, assigned = shlex.split(line)
        assert word == "export"
        name, _, value = assigned.partition("=")
        found[name] = value
    return found


@pytest.mark.parametrize("client", Client)
@pytest.mark.parametrize("locked", [False, True])
def test_each_says_where_it_goes_and_shows_no_key(client: Client, locked: bool) -> None:
    made = snippet(client, at(locked=locked))
    assert made.client is client and rendered(made.where) and made.text
    assert all(rendered(note) for note in made.notes)
    assert ("Bearer" in made.text or KEY_VARIABLE in made.text) is locked or client is Client.CURL


@pytest.mark.parametrize("model_id", IDS, ids=["plain", "hard", "long"])
def test_a_shell_reads_the_exact_id(model_id: str) -> None:
    env = exports(snippet(Client.ENV, at(model_id)).text)
    assert env == {"OPENAI_BASE_URL": URL, "OPENAI_API_KEY": "not-needed", "OPENAI_MODEL": model_id}
    claude = exports(snippet(Client.CLAUDE_CODE, at(model_id)).text)
    assert claude["ANTHROPIC_BASE_URL"] == "http://spark.local:30000"
    assert claude["ANTHROPIC_MODEL"] == claude["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == model_id
    locked = snippet(Client.ENV, at(model_id, locked=True)).text
    assert f'export OPENAI_API_KEY="${KEY_VARIABLE}"' in locked


@pytest.mark.parametrize("model_id", IDS, ids=["plain", "hard", "long"])
@pytest.mark.parametrize("kind", ModelKind)
def test_curl_sends_json_with_the_exact_id(model_id: str, kind: ModelKind) -> None:
    words = shlex.split(snippet(Client.CURL, at(model_id, kind=kind)).text.replace("\\\n", ""))
    assert words[0] == "curl"
    path = "embeddings" if kind is ModelKind.EMBEDDING else "chat/completions"
    assert f"{URL}/{path}" in words
    assert json.loads(words[words.index("-d") + 1])["model"] == model_id


@pytest.mark.parametrize("model_id", IDS, ids=["plain", "hard", "long"])
@pytest.mark.parametrize("kind", ModelKind)
@pytest.mark.parametrize("locked", [False, True])
def test_python_is_a_program_with_the_exact_id(model_id: str, kind: ModelKind, locked: bool) -> None:
    text = snippet(Client.PYTHON, at(model_id, kind=kind, locked=locked)).text
    constants = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    assert model_id in constants and URL in constants
    assert ("os.environ" in text) is locked


@pytest.mark.parametrize("model_id", IDS, ids=["plain", "hard", "long"])
def test_continues_file_holds_the_id_as_json_which_yaml_reads_as_it_is(model_id: str) -> None:
    lines = snippet(Client.CONTINUE, at(model_id)).text.splitlines()
    told = {name.strip(" -"): value for name, _, value in (line.partition(": ") for line in lines)}
    assert json.loads(told["model"]) == model_id == json.loads(told["name"])
    assert json.loads(told["apiBase"]) == URL and told["contextLength"] == "131072"
    assert told["provider"] == "openai" and told["schema"] == "v1"
    locked = snippet(Client.CONTINUE, at(locked=True))
    assert "${{ secrets.SPARK_API_KEY }}" in locked.text
    embeds = snippet(Client.CONTINUE, at(kind=ModelKind.EMBEDDING)).text
    assert "roles: [embed]" in embeds and "contextLength" not in embeds


def test_fields_stand_in_the_order_of_the_form() -> None:
    cursor = snippet(Client.CURSOR, at())
    assert [line.split(":")[0] for line in cursor.text.splitlines()] == [
        "Add Custom Model",
        "OpenAI API Key",
        "Override OpenAI Base URL",
    ]
    assert "refused" in rendered(cursor.notes[0])
    cline = snippet(Client.CLINE, at()).text.splitlines()
    assert cline[0].split(": ")[1].strip() == "OpenAI Compatible" and cline[-1].endswith("131072")
    assert snippet(Client.CLINE, at(context=None)).text.splitlines()[-1].startswith("Model ID")
    webui = snippet(Client.OPEN_WEBUI, at()).text
    assert "http://host.docker.internal:30000/v1" in webui


@pytest.mark.parametrize("client", [Client.CURSOR, Client.CLINE, Client.CLAUDE_CODE])
def test_a_small_context_is_said(client: Client) -> None:
    notes = [rendered(note) for note in snippet(client, at(context=8192)).notes]
    assert any(note.startswith("8192 tokens of context are few") for note in notes)
    assert not any("are few" in rendered(note) for note in snippet(client, at(context=None)).notes)


def test_a_live_server_becomes_an_endpoint() -> None:
    reading = Reading(Health.READY, (ServedModel("scout", "/model", 4096),))
    desk = serving(sglang_box(), vllm_box(model="bge-m3"), sglang=reading, vllm=ready("bge-m3"))
    found = endpoint_of(desk.snapshot, desk.state())
    assert found == Endpoint("http://spark.local:30000/v1", "scout", 30000, EngineKind.SGLANG, context=4096)
    assert found.root == "http://spark.local:30000"
    other = endpoint_of(desk.snapshot, desk.state("vllm"), "http://127.0.0.1:8000/v1")
    assert other is not None and other.base_url == "http://127.0.0.1:8000/v1"
    assert endpoint_of(serving().snapshot, serving().state()) is None
