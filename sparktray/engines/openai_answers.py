"""The OpenAI-shaped part that all three engines share: the list of models, one token, one embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sparktray.domain.asking import Answer, Ask, Dialogue, Heard, Proof, ServedModel, Silence
from sparktray.domain.catalogue import ModelKind
from sparktray.domain.text import clean_line

LIST_DEADLINE = 3.0
QUICK_DEADLINE = 2.0
PROOF_DEADLINE = 120.0  # a first request may compile kernels for minutes; warm-up has done most of it
_LONGEST_DETAIL = 300

# An entry of vLLM with its permissions has 450 bytes; an adapter for each of 100,000 customers is one, too.
LIST_BYTES = 64 << 20
ASK_LIST = Ask("GET", "/v1/models", deadline=LIST_DEADLINE, most=LIST_BYTES)


def served_models(heard: Heard) -> tuple[ServedModel, ...] | None:
    """The entries of ``GET /v1/models`` with their IDs as they are; None when it is no such list.

    ``data`` is null and not an empty list on an Ollama that has nothing (Ollama 0.33 openai.go).
    """
    if not isinstance(heard, Answer) or heard.status != 200:
        return None
    body = heard.json()
    if not isinstance(body, dict) or "data" not in body:
        return None
    entries = body["data"] or []
    if not isinstance(entries, list):
        return None
    return tuple(model for entry in entries if (model := _served(entry)) is not None)


def _served(entry: object) -> ServedModel | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not entry["id"]:
        return None
    root = entry.get("root")
    return ServedModel(
        id=entry["id"],
        root=root if isinstance(root, str) else None,
        context_length=whole(entry.get("max_model_len")),
    )


def whole(value: object) -> int | None:
    """A JSON value as a whole number from 0 to 2**63; None for anything else, true and false included."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else None


def prove(served_name: str, kind: ModelKind) -> Dialogue[Proof]:
    """Ask for one token of a chat model, or for one vector of an embedding model."""
    body: Mapping[str, object]
    if kind is ModelKind.EMBEDDING:
        body = {"model": served_name, "input": "spark"}
        heard = yield Ask("POST", "/v1/embeddings", json=body, deadline=PROOF_DEADLINE)
        return verdict(heard, _has_vector(heard))
    messages = [{"role": "user", "content": "Say OK."}]
    body = {"model": served_name, "messages": messages, "max_tokens": 1, "temperature": 0}
    heard = yield Ask("POST", "/v1/chat/completions", json=body, deadline=PROOF_DEADLINE)
    return verdict(heard, _has_token(heard))


def verdict(heard: Heard, holds: bool) -> Proof:
    """A proof that tells what came instead when it does not hold."""
    return Proof(True) if holds and succeeded(heard) else Proof(False, told(heard))


def succeeded(heard: Heard) -> bool:
    """True for an answer with status 200."""
    return isinstance(heard, Answer) and heard.status == 200


def told(heard: Heard) -> str:
    """A short technical text of an answer that was not hoped for."""
    if isinstance(heard, Silence):
        return heard.value
    text = clean_line(" ".join(heard.body[: 4 * _LONGEST_DETAIL].decode("utf-8", "replace").split()))
    return f"HTTP {heard.status}: {text[:_LONGEST_DETAIL]}".rstrip(": ")


def _has_token(heard: Heard) -> bool:
    """A choice counts even with empty text: a reasoning model's first token is not part of it."""
    if not isinstance(heard, Answer):
        return False
    choices, tokens = heard.field("choices"), heard.field("usage", "completion_tokens")
    return isinstance(choices, list) and bool(choices) and (tokens is None or bool(whole(tokens)))


def _has_vector(heard: Heard) -> bool:
    entries = heard.field("data") if isinstance(heard, Answer) else None
    first = entries[0] if isinstance(entries, list) and entries else None
    vector = first.get("embedding") if isinstance(first, dict) else None
    return isinstance(vector, list) and bool(vector) and all(_is_number(v) for v in vector)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def summed(entries: object, key: str) -> int | None:
    """The sum of a whole number over all entries; None when there are none or one does not tell."""
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        return None
    values = [whole(entry.get(key)) if isinstance(entry, dict) else None for entry in entries]
    told_values = [value for value in values if value is not None]
    return sum(told_values) if len(told_values) == len(values) else None
