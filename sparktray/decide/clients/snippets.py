"""Settings of clients for one live server, ready to be pasted.

Field names and files are those of the clients' own documentation (Continue's config.yaml, schema v1; Open
WebUI 0.12); only curl, the shell and the OpenAI client were run. A key is never written: its place holds a
variable.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import assert_never

import msgspec

from sparktray.decide.clients.client import Client
from sparktray.decide.clients.endpoint import Endpoint
from sparktray.domain.catalogue import ModelKind
from sparktray.domain.phrase import Phrase, phrase

KEY_VARIABLE = "SPARK_API_KEY"
# Clients refuse an empty key, also where the server asks for none.
NO_KEY = "not-needed"
# Windows of a coding agent's own prompt are larger than this.
_LEAST_FOR_AGENTS = 32_000


class Snippet(msgspec.Struct, frozen=True):
    """``text`` is to be pasted; ``where`` says into what. ``notes`` are what to know before it works."""

    client: Client
    where: Phrase
    text: str
    notes: tuple[Phrase, ...] = ()


def snippet(client: Client, at: Endpoint) -> Snippet:
    """The settings of that client for that server."""
    match client:
        case Client.CURSOR:
            return _cursor(at)
        case Client.CONTINUE:
            return _continue(at)
        case Client.CLINE:
            return _cline(at)
        case Client.CLAUDE_CODE:
            return _claude_code(at)
        case Client.OPEN_WEBUI:
            return _open_webui(at)
        case Client.CURL:
            return _curl(at)
        case Client.PYTHON:
            return _python(at)
        case Client.ENV:
            return _env(at)
        case _:  # pragma: no cover
            assert_never(client)


def _fields(*rows: tuple[str, str]) -> str:
    width = max(len(name) for name, _ in rows) + 1
    return "\n".join(f"{name + ':':<{width}} {value}" for name, value in rows)


def _key(at: Endpoint) -> str:
    return f"<{KEY_VARIABLE}>" if at.locked else NO_KEY


def _cursor(at: Endpoint) -> Snippet:
    rows = (
        ("Add Custom Model", at.model_id),
        ("OpenAI API Key", _key(at)),
        ("Override OpenAI Base URL", at.base_url),
    )
    notes = [
        phrase(
            "Cursor's own servers call this URL, so one of your network is refused: "
            "sparktray check-cursor tells what is needed."
        ),
        phrase("The URL holds for all models of the type OpenAI, and Cursor's Tab never uses it."),
    ]
    return Snippet(
        Client.CURSOR, phrase("Cursor: Settings > Models > API Keys"), _fields(*rows), (*notes, *_small(at))
    )


def _continue(at: Endpoint) -> Snippet:
    """YAML takes JSON's strings as they are."""
    embeds = at.kind is ModelKind.EMBEDDING
    lines = [
        "name: DGX Spark",
        "version: 1.0.0",
        "schema: v1",
        "models:",
        f"  - name: {_quoted(at.model_id)}",
        "    provider: openai",
        f"    model: {_quoted(at.model_id)}",
        f"    apiBase: {_quoted(at.base_url)}",
        f"    apiKey: {_quoted('${{ secrets.' + KEY_VARIABLE + ' }}' if at.locked else NO_KEY)}",
        f"    roles: {'[embed]' if embeds else '[chat, edit, apply]'}",
    ]
    if at.context is not None and not embeds:
        lines += ["    defaultCompletionOptions:", f"      contextLength: {at.context}"]
    where = phrase("Continue: ~/.continue/config.yaml")
    note = phrase("Its secrets lie in ~/.continue/.env: {name}=…", name=KEY_VARIABLE)
    return Snippet(Client.CONTINUE, where, "\n".join(lines), (note,) if at.locked else ())


def _cline(at: Endpoint) -> Snippet:
    rows = [
        ("API Provider", "OpenAI Compatible"),
        ("Base URL", at.base_url),
        ("OpenAI Compatible API Key", _key(at)),
        ("Model ID", at.model_id),
    ]
    if at.context is not None:
        rows.append(("Context Window Size", str(at.context)))
    return Snippet(
        Client.CLINE, phrase("Cline: Settings > API Configuration"), _fields(*rows), tuple(_small(at))
    )


def _claude_code(at: Endpoint) -> Snippet:
    """It speaks Anthropic's API: vLLM, SGLang and Ollama have it in their newer versions.

    Its header that changes with each request would make every prompt a new one for the prefix cache (SGLang's
    documentation of that API).
    """
    values = [
        ("ANTHROPIC_BASE_URL", at.root),
        ("ANTHROPIC_AUTH_TOKEN", None if at.locked else NO_KEY),
        ("ANTHROPIC_MODEL", at.model_id),
        ("ANTHROPIC_DEFAULT_HAIKU_MODEL", at.model_id),
        ("CLAUDE_CODE_ATTRIBUTION_HEADER", "0"),
    ]
    notes = [
        phrase("It needs /v1/messages, which older images of the engines do not have."),
        phrase("It works with tools only: start the model with its --tool-call-parser."),
        *_small(at),
    ]
    where = phrase("In the shell from which claude is started")
    return Snippet(Client.CLAUDE_CODE, where, _exports(values), tuple(notes))


def _open_webui(at: Endpoint) -> Snippet:
    rows = (
        ("URL", f"http://host.docker.internal:{at.port}/v1"),
        ("Auth", f"Bearer {_key(at)}" if at.locked else "None"),
        ("Model IDs", at.model_id),
    )
    note = phrase("sparktray webui connect enters it by itself, and looks whether Open WebUI gets through.")
    where = phrase("Open WebUI: Admin Panel > Settings > Connections > OpenAI API > +")
    return Snippet(Client.OPEN_WEBUI, where, _fields(*rows), (note,))


def _curl(at: Endpoint) -> Snippet:
    path, body = ("/embeddings", _embedding(at)) if at.kind is ModelKind.EMBEDDING else _question(at)
    words = ["curl", "--fail-with-body", at.base_url + path, "-H", "Content-Type: application/json"]
    lines = [shlex.join(words)]
    if at.locked:
        lines.append(f'-H "Authorization: Bearer ${KEY_VARIABLE}"')
    lines.append(shlex.join(["-d", json.dumps(body, ensure_ascii=False)]))
    return Snippet(Client.CURL, phrase("In a shell"), " \\\n  ".join(lines), _with_key(at))


def _question(at: Endpoint) -> tuple[str, dict[str, object]]:
    asked = [{"role": "user", "content": "Say hello."}]
    return "/chat/completions", {"model": at.model_id, "messages": asked, "max_tokens": 32}


def _embedding(at: Endpoint) -> dict[str, object]:
    return {"model": at.model_id, "input": "hello"}


def _python(at: Endpoint) -> Snippet:
    key = f'os.environ["{KEY_VARIABLE}"]' if at.locked else _quoted(NO_KEY)
    made = f"client = OpenAI(base_url={_quoted(at.base_url)}, api_key={key})"
    head = ["import os", "", "from openai import OpenAI"] if at.locked else ["from openai import OpenAI"]
    if at.kind is ModelKind.EMBEDDING:
        use = [
            f"answer = client.embeddings.create(model={_quoted(at.model_id)}, input='hello')",
            "print(len(answer.data[0].embedding))",
        ]
    else:
        use = [
            "answer = client.chat.completions.create(",
            f"    model={_quoted(at.model_id)},",
            '    messages=[{"role": "user", "content": "Say hello."}],',
            "    max_tokens=32,",
            ")",
            "print(answer.choices[0].message.content)",
        ]
    text = "\n".join([*head, "", made, *use])
    return Snippet(Client.PYTHON, phrase("A Python program; pip install openai"), text, _with_key(at))


def _env(at: Endpoint) -> Snippet:
    values = [
        ("OPENAI_BASE_URL", at.base_url),
        ("OPENAI_API_KEY", None if at.locked else NO_KEY),
        ("OPENAI_MODEL", at.model_id),
    ]
    return Snippet(
        Client.ENV, phrase("In a shell, for programs that read these"), _exports(values), _with_key(at)
    )


def _exports(values: Sequence[tuple[str, str | None]]) -> str:
    """Lines for a shell; a value of None is the key's variable."""
    return "\n".join(
        f'export {name}="${KEY_VARIABLE}"' if value is None else f"export {name}={shlex.quote(value)}"
        for name, value in values
    )


def _with_key(at: Endpoint) -> tuple[Phrase, ...]:
    return (phrase("Its key belongs into the variable {name}.", name=KEY_VARIABLE),) if at.locked else ()


def _small(at: Endpoint) -> list[Phrase]:
    if at.context is None or at.context >= _LEAST_FOR_AGENTS:
        return []
    return [
        phrase(
            "{count} tokens of context are few for a coding agent, whose own instructions fill much of them.",
            count=at.context,
        )
    ]


def _quoted(text: str) -> str:
    """A string as JSON, Python and YAML all read it."""
    return json.dumps(text, ensure_ascii=False)
