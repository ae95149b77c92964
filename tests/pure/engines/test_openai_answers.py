from __future__ import annotations

import pytest

from sparktray.domain.asking import Answer, Heard, Proof, ServedModel
from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.engines.openai_answers import served_models, summed, told
from sparktray.engines.registry import engine
from tests.pure.engines.launching import BROKEN, LATE, REFUSED, Talk, answer


@pytest.mark.parametrize(
    ("heard", "models"),
    [
        (answer({"data": [{"id": "a", "root": "/m", "max_model_len": 4}]}), (ServedModel("a", "/m", 4),)),
        (answer({"data": [{"id": "gpt-4o-mini\u202e "}]}), (ServedModel("gpt-4o-mini\u202e "),)),
        (answer({"data": [{"id": "a", "root": 1, "max_model_len": None}]}), (ServedModel("a"),)),
        (answer({"data": [{"id": "a", "max_model_len": True}]}), (ServedModel("a"),)),
        (answer({"data": [{"id": ""}, {"id": 7}, {}, "x", None]}), ()),
        (answer({"data": None}), ()),
        (answer({"data": []}), ()),
        (answer({"data": "abc"}), None),
        (answer({"object": "list"}), None),
        (answer([]), None),
        (answer({"data": []}, 401), None),
        (Answer(200, b"<html>"), None),
        (Answer(200, b"[" * 100_000), None),
        (LATE, None),
    ],
)
def test_the_list_of_models(heard: Heard, models: tuple[ServedModel, ...] | None) -> None:
    assert served_models(heard) == models


def _chat(**usage: object) -> Answer:
    return answer({"choices": [{"message": {"content": ""}}], **usage})


@pytest.mark.parametrize(
    ("heard", "proof"),
    [
        (_chat(), Proof(True)),
        (_chat(usage=None), Proof(True)),
        (_chat(usage={"completion_tokens": 1}), Proof(True)),
        (_chat(usage={"completion_tokens": 0}), Proof(False, "HTTP 200: ")),
        (_chat(usage={"completion_tokens": "1"}), Proof(False, "HTTP 200: ")),
        (answer({"choices": []}), Proof(False, 'HTTP 200: {"choices": []}')),
        (answer([]), Proof(False, "HTTP 200: []")),
        (answer({"error": {"message": "no\n such\x1b[31m model"}}, 404), Proof(False, "HTTP 404: ")),
        (_chat().__class__(500, _chat().body), Proof(False, "HTTP 500: ")),
        (Answer(503), Proof(False, "HTTP 503")),
        (REFUSED, Proof(False, "refused")),
        (BROKEN, Proof(False, "broken")),
    ],
)
@pytest.mark.parametrize("kind", list(EngineKind))
def test_a_chat_model_is_proven_by_one_token(kind: EngineKind, heard: Heard, proof: Proof) -> None:
    talk = Talk({"/v1/chat/completions": heard})
    found = talk.carry_out(engine(kind).prove("m", ModelKind.CHAT))
    assert found.holds is proof.holds
    assert found.detail.startswith(proof.detail)
    (ask,) = talk.asked
    assert ask.method == "POST"
    assert ask.json == {
        "model": "m",
        "messages": [{"role": "user", "content": "Say OK."}],
        "max_tokens": 1,
        "temperature": 0,
    }


@pytest.mark.parametrize(
    ("heard", "holds"),
    [
        (answer({"data": [{"embedding": [0.5, 1]}]}), True),
        (answer({"data": [{"embedding": []}]}), False),
        (answer({"data": [{"embedding": "AAAA"}]}), False),
        (answer({"data": [{"embedding": [None]}]}), False),
        (answer({"data": [{"embedding": [True]}]}), False),
        (answer({"data": [7]}), False),
        (answer({"data": []}), False),
        (answer({"data": [{"embedding": [0.5]}]}, 500), False),
        (LATE, False),
    ],
)
def test_an_embedding_model_is_proven_by_one_vector(heard: Heard, holds: bool) -> None:
    talk = Talk({"/v1/embeddings": heard})
    found = talk.carry_out(engine(EngineKind.SGLANG).prove("bge-m3", ModelKind.EMBEDDING))
    assert found.holds is holds
    assert (found.detail == "") is holds
    assert talk.asked[0].json == {"model": "bge-m3", "input": "spark"}


def test_a_long_answer_is_told_short_and_clean() -> None:
    text = told(Answer(500, b"\xff\x1b[31m" + b"x " * 5000))
    assert len(text) < 320
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("entries", "value"),
    [
        ([{"n": 1}, {"n": 2}], 3),
        ([{"n": 0}], 0),
        ([{"n": 1}, {}], None),
        ([{"n": 1}, {"n": None}], None),
        ([{"n": -1}], None),
        ([{"n": 1}, "x"], None),
        ([], None),
        ("n", None),
        (None, None),
    ],
)
def test_a_rank_that_does_not_tell_is_not_taken_for_idle(entries: object, value: int | None) -> None:
    assert summed(entries, "n") == value
