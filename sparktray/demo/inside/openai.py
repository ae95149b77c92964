"""The OpenAI-shaped answers that the demo's engines share. Its models know one sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from sparktray.demo.serving import Answer, as_json

_WORDS = ("I", " am", " a", " demo", ";", " nothing", " here", " thinks", ".")
_WORD_SECONDS = 0.05
_NUMBERS = 1024
Busy = Callable[[int], None]


def chat(asked: dict[str, Any], name: str, busy: Busy) -> Answer:
    """A completion, at once or as a stream; ``busy`` is told +1 at its begin and -1 at its end."""
    most = asked.get("max_tokens") or asked.get("max_completion_tokens") or len(_WORDS)
    words = _WORDS[: most if isinstance(most, int) and most > 0 else len(_WORDS)]
    head = {"id": "chatcmpl-demo", "created": int(time.time()), "model": name}
    usage = {"prompt_tokens": 5, "completion_tokens": len(words), "total_tokens": 5 + len(words)}
    over = "stop" if len(words) == len(_WORDS) else "length"
    if asked.get("stream"):
        return Answer(kind="text/event-stream", stream=_streamed(head, words, over, busy))
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "".join(words)},
        "finish_reason": over,
    }
    return as_json({**head, "object": "chat.completion", "choices": [choice], "usage": usage})


def _streamed(head: dict[str, Any], words: tuple[str, ...], over: str, busy: Busy) -> Iterator[bytes]:
    busy(1)
    try:
        for number, word in enumerate(words, 1):
            time.sleep(_WORD_SECONDS)
            choice = {
                "index": 0,
                "delta": {"role": "assistant", "content": word},
                "finish_reason": over if number == len(words) else None,
            }
            told = {**head, "object": "chat.completion.chunk", "choices": [choice]}
            yield f"data: {json.dumps(told)}\n\n".encode()
        yield b"data: [DONE]\n\n"
    finally:
        busy(-1)


def embeddings(asked: dict[str, Any], name: str) -> Answer:
    """A vector for each text, which tells of its length alone."""
    given = asked.get("input", "")
    texts = given if isinstance(given, list) else [given]
    rows = [
        {"object": "embedding", "index": index, "embedding": vector(str(text))}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return as_json({"object": "list", "data": rows, "model": name, "usage": usage})


def vector(text: str) -> list[float]:
    """Numbers between 0 and 1."""
    return [((number + 1) * (len(text) + 1)) % 97 / 97 for number in range(_NUMBERS)]
