"""On what Cursor fails with a server of one's own, each as a line with a remedy. Never a promise.

Facts: Cursor's servers call the URL and refuse addresses of private networks; its requests stream and carry
tools; a name equal to a built-in model's goes to that model's provider.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from sparktray.decide.clients.endpoint import Endpoint
from sparktray.decide.clients.reach import BIND
from sparktray.domain.asking import Answer, Ask, Dialogue, Heard
from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.secret import Secret
from sparktray.domain.text import clean_name, has_hidden
from sparktray.engines.openai_answers import ASK_LIST

# A long prompt on a large model; the answer itself is short.
_ANSWER_SECONDS = 120.0
# Cursor's own instructions and an open file fill this; an agent needs more.
_LEAST_CONTEXT = 32_000
_BUILT_IN = ("gpt-", "chatgpt-", "o1", "o3", "o4", "claude-", "gemini-", "grok-", "cursor-", "composer-")
_LOCAL_ENDINGS = (".local", ".lan", ".home", ".internal", ".localhost", ".home.arpa")
_TOOL = "get_weather"


LAST_WORD = phrase("Nothing here speaks against it. Cursor's own Verify has the last word.")


class Verdict(StrEnum):
    """How a line came out."""

    GOOD = "good"
    DOUBTFUL = "doubtful"  # it may work, or costs something
    BAD = "bad"
    UNKNOWN = "unknown"  # it could not be found out from here


class Line(msgspec.Struct, frozen=True):
    """One thing looked at; ``remedy`` is None for a good one. ``code`` is a fixed word."""

    code: str
    verdict: Verdict
    sentence: Phrase
    remedy: Phrase | None = None


def of_the_name(at: Endpoint) -> tuple[Line, ...]:
    """What the ID itself tells, and the kind of the model."""
    lines = []
    shown = clean_name(at.model_id)
    if has_hidden(at.model_id):
        lines.append(
            Line(
                "id-plain",
                Verdict.BAD,
                phrase("The ID {name} holds characters that cannot be seen.", name=shown),
                phrase("Start the model with another --served-model-name."),
            )
        )
    else:
        lines.append(Line("id-plain", Verdict.GOOD, phrase("The ID to enter is {name}.", name=shown)))
    if at.model_id.lower().startswith(_BUILT_IN):
        lines.append(_clash(shown))
    else:
        lines.append(
            Line(
                "name-clash", Verdict.GOOD, phrase("The name does not read like one of Cursor's own models.")
            )
        )
    if at.kind is ModelKind.EMBEDDING:
        lines.append(
            Line(
                "kind",
                Verdict.BAD,
                phrase("{name} makes embeddings and cannot chat.", name=shown),
                phrase("Switch to a chat model."),
            )
        )
    return tuple(lines)


def _clash(name: str) -> Line:
    return Line(
        "name-clash",
        Verdict.DOUBTFUL,
        phrase("{name} reads like a model that Cursor has built in, and may be sent there.", name=name),
        phrase("Give the entry another served_name in models.json, such as spark-{name}.", name=name),
    )


def of_the_context(at: Endpoint) -> Line:
    """Whether there is room for what Cursor sends."""
    if at.context is None:
        return Line(
            "context",
            Verdict.UNKNOWN,
            phrase("The server does not tell how long its context is."),
            phrase("Cursor needs {least} tokens and more.", least=_LEAST_CONTEXT),
        )
    if at.context < _LEAST_CONTEXT:
        return Line(
            "context",
            Verdict.DOUBTFUL,
            phrase("{count} tokens of context are soon full with what Cursor sends.", count=at.context),
            phrase("Give the entry a larger context, or switch with --context."),
        )
    return Line("context", Verdict.GOOD, phrase("The context holds {count} tokens.", count=at.context))


def of_the_url(at: Endpoint, public: str | None) -> tuple[Line, ...]:
    """What the address tells that Cursor would be given; nothing is contacted."""
    url = public or at.base_url
    parts = urlsplit(url)
    host = parts.hostname or ""
    path = Line("v1", Verdict.GOOD, phrase("The URL ends in /v1."))
    if parts.path.rstrip("/") != "/v1" and not parts.path.rstrip("/").endswith("/v1"):
        path = Line(
            "v1",
            Verdict.BAD,
            phrase("The URL {url} does not end in /v1.", url=clean_name(url)),
            phrase("Cursor adds /chat/completions to it: append /v1."),
        )
    if parts.scheme == "https" and host and not _is_private(host):
        reach = Line("public-https", Verdict.GOOD, phrase("{host} is a public HTTPS address.", host=host))
    else:
        reach = Line(
            "public-https",
            Verdict.BAD,
            phrase("Cursor's servers call the URL, and refuse {url}.", url=clean_name(url)),
            _routes(),
        )
    return path, reach


def _routes() -> Phrase:
    return phrase(
        "Give the server a public HTTPS address and a key: a tunnel (cloudflared, ngrok) or a VPN's funnel "
        "exposes this one port, a reverse proxy of your own whatever it forwards. Then have it checked: "
        "--public-url URL, or the public URL in the window. Continue, Cline and Claude Code call from this "
        "computer and need none of it."
    )


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith(_LOCAL_ENDINGS)


def of_the_port(exposed: Phrase) -> Line:
    """That everybody in the host's network can use it; ``exposed`` says so."""
    return Line("port-open", Verdict.DOUBTFUL, exposed, BIND)


# What the server itself does, asked through the connection.


def asks_for_a_key() -> Dialogue[Line]:
    """Whether anybody who reaches the port may use it."""
    heard = yield ASK_LIST
    if isinstance(heard, Answer) and heard.status in {401, 403}:
        return Line("key", Verdict.GOOD, phrase("The server asks for a key."))
    return Line(
        "key",
        Verdict.DOUBTFUL,
        phrase("The server asks for no key: whoever knows a public address of it can use it."),
        phrase(
            "Put a key in front of it, in the tunnel, or with vLLM its own: VLLM_API_KEY in the entry's env."
        ),
    )


def lists(at: Endpoint, key: Secret | None) -> Dialogue[Line]:
    """Whether the ID is in the list, byte for byte."""
    heard = yield replace(ASK_LIST, bearer=key)
    told = heard.field("data") if isinstance(heard, Answer) and heard.status == 200 else None
    rows = told if isinstance(told, list) else []
    if any(isinstance(row, dict) and row.get("id") == at.model_id for row in rows):
        return Line("listed", Verdict.GOOD, phrase("/v1/models lists exactly this ID."))
    return Line(
        "listed",
        Verdict.BAD,
        phrase("/v1/models does not list {name}.", name=clean_name(at.model_id)),
        phrase("Look at the status and try again."),
    )


def streams(at: Endpoint, key: Secret | None) -> Dialogue[Line]:
    """Whether an answer comes in pieces, as Cursor wants it."""
    body = {**_question(at, "Say OK."), "stream": True, "max_tokens": 8}
    heard = yield Ask("POST", "/v1/chat/completions", json=body, deadline=_ANSWER_SECONDS, bearer=key)
    text = heard.body.decode("utf-8", "replace") if isinstance(heard, Answer) else ""
    pieces = [line for line in text.splitlines() if line.startswith("data:")]
    if isinstance(heard, Answer) and heard.status == 200 and "[DONE]" in text and len(pieces) > 1:
        return Line("streaming", Verdict.GOOD, phrase("It streams its answers."))
    return Line(
        "streaming",
        Verdict.BAD,
        phrase("A streamed answer did not come: {detail}", detail=_detail(heard)),
        phrase("Look at the log of the server."),
    )


def calls_a_tool(at: Endpoint, key: Secret | None) -> Dialogue[Line]:
    """Whether a tool is called; Cursor's agent does nothing without."""
    function = {
        "name": _TOOL,
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    }
    tools = [{"type": "function", "function": function}]
    body = {**_question(at, "What is the weather in Paris? Use the tool."), "tools": tools, "max_tokens": 256}
    heard = yield Ask("POST", "/v1/chat/completions", json=body, deadline=_ANSWER_SECONDS, bearer=key)
    if _called(heard):
        return Line("tools", Verdict.GOOD, phrase("It calls tools."))
    return Line(
        "tools",
        Verdict.DOUBTFUL,
        phrase("It called no tool when asked to: Cursor's agent needs that, its chat does not."),
        _parser_for(at.engine),
    )


def _question(at: Endpoint, text: str) -> Mapping[str, object]:
    return {"model": at.model_id, "messages": [{"role": "user", "content": text}], "temperature": 0}


def _called(heard: Heard) -> bool:
    choices = heard.field("choices") if isinstance(heard, Answer) and heard.status == 200 else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    return isinstance(calls, list) and any(
        isinstance(call, dict)
        and isinstance(call.get("function"), dict)
        and call["function"].get("name") == _TOOL
        for call in calls
    )


def _parser_for(engine: EngineKind) -> Phrase:
    match engine:
        case EngineKind.SGLANG:
            return phrase("Add --tool-call-parser with the model's format to the entry's args (qwen25).")
        case EngineKind.VLLM:
            return phrase(
                "Add --enable-auto-tool-choice --tool-call-parser with the model's format to the entry's "
                "args (hermes)."
            )
        case EngineKind.OLLAMA:
            return phrase("Take a model that ollama.com/library marks with tools.")


def _detail(heard: Heard) -> str:
    if not isinstance(heard, Answer):
        return str(heard)
    told = heard.field("error", "message") or heard.field("message") or ""
    return clean_name(f"HTTP {heard.status} {told}".strip())


def from_outside(status: int | None, url: str) -> Line:
    """What the public address answered to this computer without a key; None for no answer."""
    shown = clean_name(url)
    if status in {401, 403}:
        return Line("outside", Verdict.GOOD, phrase("{url} answers and asks for a key.", url=shown))
    if status == 200:
        return Line(
            "outside",
            Verdict.DOUBTFUL,
            phrase("{url} answers everybody: anyone who finds it can use your Spark.", url=shown),
            phrase("Put a key in front of it, and enter it in Cursor as the OpenAI API key."),
        )
    if status is None:
        return Line(
            "outside",
            Verdict.UNKNOWN,
            phrase("{url} does not answer this computer.", url=shown),
            phrase("Look whether the tunnel or proxy runs, from another network too."),
        )
    return Line(
        "outside",
        Verdict.BAD,
        phrase("{url} answers with HTTP {status}.", url=shown, status=status),
        phrase("Look at the tunnel or proxy: /v1/models has to lead to the server."),
    )
