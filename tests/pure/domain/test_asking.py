from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.asking import Answer, Ask, Dialogue, Health, Heard, Reading, Silence
from tests.pure.domain.hostile import PLAIN_JSON, JsonValue

MODELS = b'{"object":"list","data":[{"id":"q"}],"usage":{"tokens":{"used":3}},"none":null}'


def test_a_question_waits_five_seconds_unless_told_otherwise() -> None:
    assert Ask("GET", "/health") == Ask("GET", "/health", None, 5.0)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":[1,"x",null,true]}', {"a": [1, "x", None, True]}),
        (b'"SGLang is running"', "SGLang is running"),
        (b"null", None),
        (b"Ollama is running", None),
        (b"", None),
        (b'{"a":', None),
        (b"{'a': 1}", None),
        (b"NaN", None),
        (b"1e999", None),
        (b'"\xff"', None),
        (b'{"id":"\xc3("}', None),
        (b'"\\ud800"', None),
        (b"9" * 5000, None),
        (b"[" * 100_000, None),
        (b'{"a":' * 100_000, None),
        (b"[" * 100_000 + b"]" * 100_000, None),
    ],
)
def test_a_body_that_is_no_json_is_none(body: bytes, value: object) -> None:
    assert Answer(200, body).json() == value


@given(st.binary())
def test_no_body_raises(body: bytes) -> None:
    answer = Answer(200, body)

    answer.json()
    answer.field("data", "id")


@given(PLAIN_JSON)
def test_what_an_engine_wrote_is_read(value: JsonValue) -> None:
    assert Answer(200, json.dumps(value).encode()).json() == value


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ((), json.loads(MODELS)),
        (("object",), "list"),
        (("usage", "tokens", "used"), 3),
        (("usage", "tokens", "free"), None),
        (("data", "id"), None),  # a list has no keys
        (("object", "id"), None),
        (("none", "id"), None),
        (("missing", "id"), None),
    ],
)
def test_a_field_that_is_not_there_is_none(keys: tuple[str, ...], value: object) -> None:
    assert Answer(200, MODELS).field(*keys) == value


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"no json"])
def test_a_body_without_keys_has_no_fields(body: bytes) -> None:
    assert Answer(200, body).field("data") is None


def test_a_dialogue_is_carried_out_by_whoever_holds_the_answers() -> None:
    def well() -> Dialogue[bool]:
        heard: Heard = yield Ask("GET", "/health")
        return isinstance(heard, Answer) and heard.status == 200

    table: list[tuple[Heard, bool]] = [(Answer(200), True), (Answer(503), False), (Silence.LATE, False)]
    for heard, result in table:
        talk = well()
        assert next(talk).path == "/health"
        with pytest.raises(StopIteration) as over:
            talk.send(heard)
        assert over.value.value is result


def test_a_reading_claims_nothing_that_was_not_asked() -> None:
    reading = Reading(Health.UNKNOWN)

    assert (reading.served, reading.installed, reading.running, reading.waiting) == (None, None, None, None)
    assert (reading.tokens_per_second, reading.generated_tokens) == (None, None)
