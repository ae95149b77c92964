"""The OpenAI shapes all three engines share: chat, plain or streamed, and embeddings."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Iterator
from typing import Any

from .behaviour import Behaviour
from .serving import Answer, Load, as_json

SENTENCE = "A Spark answers from the rig with these few plain words ."
WORDS = tuple(f"{word} " for word in SENTENCE.split())


def prompt_tokens(asked: dict[str, Any]) -> int:
    """A word is a token here."""
    words = sum(len(str(message.get("content", "")).split()) for message in asked.get("messages") or ())
    return max(1, words) + 4


def generate(asked: dict[str, Any], behaviour: Behaviour) -> Iterator[str]:
    """The tokens of an answer, each after its time; ends at max_tokens."""
    most = asked.get("max_completion_tokens") or asked.get("max_tokens") or len(WORDS)
    total = min(int(most), int(behaviour.value("reply_tokens", len(WORDS))))
    pause = behaviour.seconds("token_seconds", 0.001)
    for number in range(total):
        while behaviour.value("hung", False):
            time.sleep(0.05)
        time.sleep(pause)
        yield WORDS[number % len(WORDS)]


def _reason(asked: dict[str, Any], made: int, behaviour: Behaviour) -> str:
    whole = int(behaviour.value("reply_tokens", len(WORDS)))
    return "stop" if made >= whole else "length"


def _usage(prompt: int, made: int) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}


def chat(asked: dict[str, Any], model: str, behaviour: Behaviour, load: Load) -> Answer:
    """`POST /v1/chat/completions`."""
    head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}
    if asked.get("stream"):
        return Answer(200, kind="text/event-stream", stream=_chat_stream(asked, head, behaviour, load))
    load.begin()
    try:
        tokens = list(generate(asked, behaviour))
    finally:
        load.end()
    prompt = prompt_tokens(asked)
    load.count(prompt, len(tokens))
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "".join(tokens)},
        "finish_reason": _reason(asked, len(tokens), behaviour),
    }
    # An engine without a parser for the model's own format takes tools and never calls one.
    if asked.get("tools") and behaviour.value("calls_tools", False):
        called = {"name": asked["tools"][0]["function"]["name"], "arguments": "{}"}
        calls = [{"id": "call_0", "type": "function", "function": called}]
        choice["message"] = {"role": "assistant", "content": None, "tool_calls": calls}
        choice["finish_reason"] = "tool_calls"
    usage = _usage(prompt, len(tokens))
    return as_json({**head, "object": "chat.completion", "choices": [choice], "usage": usage})


def _chat_stream(
    asked: dict[str, Any], head: dict[str, Any], behaviour: Behaviour, load: Load
) -> Iterator[bytes]:
    def event(choices: list[dict[str, Any]], **more: Any) -> bytes:
        chunk = {**head, "object": "chat.completion.chunk", "choices": choices, **more}
        return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"

    made = 0
    load.begin()
    try:
        yield event([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
        for token in generate(asked, behaviour):
            made += 1
            yield event([{"index": 0, "delta": {"content": token}, "finish_reason": None}])
        yield event([{"index": 0, "delta": {}, "finish_reason": _reason(asked, made, behaviour)}])
    finally:
        load.end()
    prompt = prompt_tokens(asked)
    load.count(prompt, made)
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield event([], usage=_usage(prompt, made))
    yield b"data: [DONE]\n\n"


def embed(text: str, width: int) -> list[float]:
    """A unit vector that depends on TEXT and nothing else."""
    seed = sum(text.encode()) + 1
    raw = [math.sin(seed * (place + 1)) for place in range(width)]
    norm = math.sqrt(sum(value * value for value in raw))
    return [value / norm for value in raw]


def embeddings(asked: dict[str, Any], model: str, width: int = 1024) -> Answer:
    """`POST /v1/embeddings`."""
    given = asked.get("input", "")
    texts = [given] if isinstance(given, str) else [str(entry) for entry in given]
    rows = [
        {"object": "embedding", "index": place, "embedding": embed(text, width)}
        for place, text in enumerate(texts)
    ]
    count = sum(max(1, len(text.split())) for text in texts)
    usage = {
        "prompt_tokens": count,
        "total_tokens": count,
        "completion_tokens": 0,
        "prompt_tokens_details": None,
    }
    return as_json({"object": "list", "data": rows, "model": model, "usage": usage})
