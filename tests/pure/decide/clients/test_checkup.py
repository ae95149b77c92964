"""On what Cursor fails, by what a server says and what an address looks like."""

from __future__ import annotations

import json

import pytest

from sparktray.decide.clients import checkup
from sparktray.decide.clients.checkup import Verdict
from sparktray.decide.clients.endpoint import Endpoint
from sparktray.domain.asking import Answer, Heard, Silence
from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.domain.phrase import phrase
from sparktray.domain.secret import Secret
from tests.pure.decide.building import rendered
from tests.pure.engines.launching import Talk, answer

AT = Endpoint("http://spark.local:30000/v1", "scout", 30000, EngineKind.SGLANG, context=131072)


def verdicts(*lines: checkup.Line) -> list[str]:
    assert all((line.remedy is None) is (line.verdict is Verdict.GOOD) for line in lines)
    assert all(rendered(line.sentence) for line in lines)
    return [f"{line.code} {line.verdict}" for line in lines]


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("scout", ModelKind.CHAT, ["id-plain good", "name-clash good"]),
        ("GPT-4o", ModelKind.CHAT, ["id-plain good", "name-clash doubtful"]),
        ("claude-3", ModelKind.CHAT, ["id-plain good", "name-clash doubtful"]),
        ("sco\u202eut", ModelKind.CHAT, ["id-plain bad", "name-clash good"]),
        ("a\nb", ModelKind.CHAT, ["id-plain bad", "name-clash good"]),
        ("bge-m3", ModelKind.EMBEDDING, ["id-plain good", "name-clash good", "kind bad"]),
    ],
)
def test_the_name(name: str, kind: ModelKind, told: list[str]) -> None:
    at = Endpoint(AT.base_url, name, 30000, EngineKind.SGLANG, kind)
    assert verdicts(*checkup.of_the_name(at)) == told


@pytest.mark.parametrize(
    ("public", "told"),
    [
        (None, "v1 good|public-https bad"),
        ("https://spark.example.org/v1", "v1 good|public-https good"),
        ("https://spark.example.org/v1/", "v1 good|public-https good"),
        ("https://spark.tail1234.ts.net/llm/v1", "v1 good|public-https good"),
        ("https://spark.example.org", "v1 bad|public-https good"),
        ("https://spark.example.org/v1/chat/completions", "v1 bad|public-https good"),
        ("http://spark.example.org/v1", "v1 good|public-https bad"),
        ("https://192.168.1.20/v1", "v1 good|public-https bad"),
        ("https://10.0.0.1:30000/v1", "v1 good|public-https bad"),
        ("https://[fe80::1]/v1", "v1 good|public-https bad"),
        ("https://[2606:4700::1]/v1", "v1 good|public-https good"),
        ("https://1.1.1.1/v1", "v1 good|public-https good"),
        ("https://localhost/v1", "v1 good|public-https bad"),
        ("https://spark/v1", "v1 good|public-https bad"),
        ("https://spark.local/v1", "v1 good|public-https bad"),
        ("https:///v1", "v1 good|public-https bad"),
        ("nonsense", "v1 bad|public-https bad"),
    ],
)
def test_the_address(public: str | None, told: str) -> None:
    assert "|".join(verdicts(*checkup.of_the_url(AT, public))) == told


@pytest.mark.parametrize(
    ("context", "told"),
    [
        (131072, "context good"),
        (32_000, "context good"),
        (8192, "context doubtful"),
        (None, "context unknown"),
    ],
)
def test_the_context(context: int | None, told: str) -> None:
    at = Endpoint(AT.base_url, "scout", 30000, EngineKind.SGLANG, context=context)
    assert verdicts(checkup.of_the_context(at)) == [told]


LIST, CHAT = "/v1/models", "/v1/chat/completions"
LISTED = answer({"data": [7, {"id": "other"}, {"id": "scout"}]})


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        (LISTED, "listed good"),
        (answer({"data": [{"id": "Scout"}]}), "listed bad"),
        (answer({"data": None}), "listed bad"),
        (Answer(200, b"<html>"), "listed bad"),
        (answer({"data": [{"id": f"m{n}"} for n in range(100_000)]}), "listed bad"),
        (Silence.LATE, "listed bad"),
    ],
)
def test_the_list(heard: Heard, told: str) -> None:
    talk = Talk({LIST: heard})
    assert verdicts(talk.carry_out(checkup.lists(AT, Secret("k")))) == [told]
    bearer = talk.asked[0].bearer
    assert bearer is not None and bearer.reveal() == "k"


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        (Answer(401), "key good"),
        (Answer(403), "key good"),
        (LISTED, "key doubtful"),
        (Silence.BROKEN, "key doubtful"),
    ],
)
def test_the_key(heard: Heard, told: str) -> None:
    talk = Talk({LIST: heard})
    assert verdicts(talk.carry_out(checkup.asks_for_a_key())) == [told]
    assert talk.asked[0].bearer is None


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        (Answer(200, b'data: {"a":1}\n\ndata: [DONE]\n\n'), "streaming good"),
        (Answer(200, b"data: [DONE]\n\n"), "streaming bad"),
        (answer({"choices": []}), "streaming bad"),
        (answer({"error": {"message": "no\x1b[31mway"}}, 500), "streaming bad"),
        (Silence.REFUSED, "streaming bad"),
    ],
)
def test_streaming(heard: Heard, told: str) -> None:
    talk = Talk({CHAT: heard})
    assert verdicts(talk.carry_out(checkup.streams(AT, None))) == [told]
    assert talk.asked[0].json is not None and talk.asked[0].json["stream"] is True


def tool_answer(name: str) -> Answer:
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": '{"city": "Paris"}'}}
    return answer({"choices": [{"message": {"content": None, "tool_calls": [call]}}]})


@pytest.mark.parametrize("engine", EngineKind)
@pytest.mark.parametrize(
    ("heard", "told"),
    [
        (tool_answer("get_weather"), "tools good"),
        (tool_answer("other"), "tools doubtful"),
        (answer({"choices": [{"message": {"content": "It rains."}}]}), "tools doubtful"),
        (answer({"choices": []}), "tools doubtful"),
        (answer({"choices": [{"message": {"tool_calls": [1]}}]}), "tools doubtful"),
        (Answer(400, b"{}"), "tools doubtful"),
    ],
)
def test_tools(engine: EngineKind, heard: Heard, told: str) -> None:
    at = Endpoint(AT.base_url, "scout", 30000, engine)
    talk = Talk({CHAT: heard})
    assert verdicts(talk.carry_out(checkup.calls_a_tool(at, None))) == [told]
    assert "get_weather" in json.dumps(talk.asked[0].json)


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "good"), (403, "good"), (200, "doubtful"), (None, "unknown"), (404, "bad"), (502, "bad")],
)
def test_what_the_public_address_says(status: int | None, told: str) -> None:
    assert verdicts(checkup.from_outside(status, "https://x.org/v1")) == [f"outside {told}"]


def test_an_open_port_is_said_with_how_to_close_it() -> None:
    assert verdicts(checkup.of_the_port(phrase("Port 1 is open."))) == ["port-open doubtful"]
