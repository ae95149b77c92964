"""`ollama serve`: up at once, models loaded on demand, several at a time."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from . import openai_api
from .behaviour import Behaviour, Stopped, leave, on_sigterm, run
from .ollama_pull import Pulls
from .serving import Answer, Load, Request, Server, as_json

VERSION = "0.13.5"
HOME = Path("/root/.ollama")
FOREVER = 10**10
DEFAULT_KEEP_ALIVE = 300.0
INSTALLED_AT = 1764000000
NATIVE = ("/api/generate", "/api/chat")
POSTED = (*NATIVE, "/api/embed", "/api/show", "/v1/chat/completions", "/v1/embeddings")
SIZES = {"qwen3:32b": 20_201_253_588, "bge-m3:latest": 1_157_672_605, "deepseek-r1:8b": 5_225_376_047}
DEFAULTS = ({"name": "qwen3:32b"}, {"name": "bge-m3", "embedding": True}, {"name": "deepseek-r1:8b"})


def stamp(seconds: float) -> str:
    """A time as Go writes it in JSON, in UTC."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1e9):09d}Z"


def keep_alive_seconds(asked: object) -> float:
    """`keep_alive` in any of its forms: seconds, "30m", "1h30m", -1 for ever, absent for the default."""
    if asked is None:
        return DEFAULT_KEEP_ALIVE
    if isinstance(asked, int | float):
        return float(asked) if asked >= 0 else FOREVER
    text = str(asked)
    if text.startswith("-"):
        return FOREVER
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)([hms]?)", text))


@dataclass(frozen=True, slots=True)
class Installed:
    """A model on Ollama's disk."""

    name: str
    size: int
    embedding: bool

    @property
    def digest(self) -> str:
        """A stable digest."""
        return hashlib.sha256(self.name.encode()).hexdigest()

    def details(self) -> dict[str, object]:
        """The `details` object of several answers."""
        family = "bert" if self.embedding else re.split(r"[:\-.]", self.name)[0]
        return {
            "parent_model": "", "format": "gguf", "family": family, "families": [family],
            "parameter_size": "566.70M" if self.embedding else "32.8B",
            "quantization_level": "F16" if self.embedding else "Q4_K_M",
        }  # fmt: skip


def full_name(name: str) -> str:
    """Ollama's own spelling: a name without a tag means `latest`."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


class Api:
    """Routes, and which models are loaded until when."""

    def __init__(self, behaviour: Behaviour) -> None:
        """Nothing loaded."""
        self.behaviour = behaviour
        self.load = Load()
        self._lock = threading.Lock()
        self._loaded: dict[str, float] = {}
        self._pulled: list[str] = []
        self._pulls = Pulls(behaviour, self._pulled.append)

    def installed(self) -> dict[str, Installed]:
        """By full name, in the order given."""
        found = {}
        pulled = [{"name": name} for name in self._pulled]
        for entry in [*self.behaviour.value("installed", DEFAULTS), *pulled]:
            name = full_name(str(entry["name"]))
            embedding = bool(entry.get("embedding", name.startswith(("bge", "nomic-embed"))))
            size = int(entry.get("size", SIZES.get(name, 9_000_000_000)))
            found[name] = Installed(name, size, embedding)
        return found

    def log_access(self, request: Request, status: int) -> None:
        """gin's access line."""
        now = time.strftime("%Y/%m/%d - %H:%M:%S")
        client = request.client.rpartition(":")[0]
        line = f'[GIN] {now} | {status} | {"1.2ms":>12} | {client:>15} | {request.method:<8} "{request.path}"'
        print(line, file=sys.stderr, flush=True)

    def route(self, request: Request) -> Answer:
        """The answer to one request."""
        match request.method, request.path:
            case "GET" | "HEAD", "/":
                return Answer(200, b"Ollama is running", "text/plain; charset=utf-8")
            case "GET", "/api/version":
                return as_json({"version": VERSION})
            case "GET", "/api/tags":
                return as_json({"models": [self._tag(model) for model in self.installed().values()]})
            case "GET", "/api/ps":
                return as_json({"models": self._running()})
            case "GET", "/v1/models":
                return self._openai_models()
            case "POST", path:
                return self._post(path, request.json())
            case _:
                return Answer(404, b"404 page not found", "text/plain")

    def _post(self, path: str, asked: dict[str, Any]) -> Answer:
        if path == "/api/pull":
            return Answer(
                200, kind="application/x-ndjson", stream=self._pulls.stream(str(asked.get("model")))
            )
        if path not in POSTED:
            return Answer(404, b"404 page not found", "text/plain")
        name = str(asked.get("model", ""))
        model = self.installed().get(full_name(name))
        if model is None:
            return self._missing(name, openai=path.startswith("/v1/"))
        if path == "/api/show":
            return self._show(model)
        empty = path in NATIVE and not asked.get("prompt") and not asked.get("messages")
        if empty and asked.get("keep_alive") in (0, "0", "0s"):
            return self._unload(model, asked, path)
        problem = self._ensure_loaded(model, asked)
        if problem is not None:
            return problem
        match path:
            case "/v1/chat/completions":
                return openai_api.chat(asked, name, self.behaviour, self.load)
            case "/v1/embeddings":
                return openai_api.embeddings(asked, name)
            case "/api/embed":
                given = asked.get("input", "")
                texts = [given] if isinstance(given, str) else given
                vectors = [openai_api.embed(str(text), 1024) for text in texts]
                return as_json({"model": name, "embeddings": vectors, "total_duration": 9_000_000})
            case _:
                return self._native(model, asked, path)

    def _missing(self, name: str, *, openai: bool) -> Answer:
        if openai:
            message = f'model "{name}" not found, try pulling it first'
            problem = {"message": message, "type": "not_found_error", "param": None, "code": None}
            return as_json({"error": problem}, 404)
        return as_json({"error": f"model '{name}' not found"}, 404)

    def _ensure_loaded(self, model: Installed, asked: dict[str, Any]) -> Answer | None:
        refusals = self.behaviour.value("fail_load", {})
        for name in (model.name, model.name.removesuffix(":latest")):
            if name in refusals:
                return as_json({"error": refusals[name]}, 500)
        with self._lock:
            fresh = self._loaded.get(model.name, 0.0) <= time.time()
        if fresh:
            time.sleep(self.behaviour.seconds("load_seconds", 0.3))
        with self._lock:
            self._loaded[model.name] = time.time() + keep_alive_seconds(asked.get("keep_alive"))
        return None

    def _unload(self, model: Installed, asked: dict[str, Any], path: str) -> Answer:
        def release() -> None:
            time.sleep(self.behaviour.seconds("unload_seconds", 0.2))
            with self._lock:
                self._loaded.pop(model.name, None)

        threading.Thread(target=release, daemon=True).start()
        return self._done(asked, path, "", "unload")

    def _native(self, model: Installed, asked: dict[str, Any], path: str) -> Answer:
        if not asked.get("prompt") and not asked.get("messages"):
            return self._done(asked, path, "", "load")
        if model.embedding:
            return as_json({"error": f'"{asked["model"]}" does not support chat'}, 400)
        options = asked.get("options") or {}
        self.load.begin()
        try:
            limit = {**asked, "max_tokens": options.get("num_predict")}
            tokens = list(openai_api.generate(limit, self.behaviour))
        finally:
            self.load.end()
        if asked.get("stream", True):
            return self._streamed(asked, path, tokens)
        return self._done(asked, path, "".join(tokens), "stop", eval_count=len(tokens))

    def _line(self, asked: dict[str, Any], path: str, text: str) -> dict[str, object]:
        head: dict[str, object] = {"model": asked["model"], "created_at": stamp(time.time())}
        if path == "/api/chat":
            return {**head, "message": {"role": "assistant", "content": text}}
        return {**head, "response": text}

    def _done(self, asked: dict[str, Any], path: str, text: str, reason: str, **more: object) -> Answer:
        return as_json({**self._line(asked, path, text), "done": True, "done_reason": reason, **more})

    def _streamed(self, asked: dict[str, Any], path: str, tokens: list[str]) -> Answer:
        lines = [as_json({**self._line(asked, path, token), "done": False}).body + b"\n" for token in tokens]
        lines.append(self._done(asked, path, "", "stop", eval_count=len(tokens)).body + b"\n")
        return Answer(200, kind="application/x-ndjson", stream=iter(lines))

    def _tag(self, model: Installed) -> dict[str, object]:
        return {
            "name": model.name, "model": model.name, "modified_at": stamp(INSTALLED_AT), "size": model.size,
            "digest": model.digest, "details": model.details(),
        }  # fmt: skip

    def _running(self) -> list[dict[str, object]]:
        now = time.time()
        with self._lock:
            self._loaded = {name: until for name, until in self._loaded.items() if until > now}
            loaded = sorted(self._loaded.items(), key=lambda entry: -entry[1])
        installed = self.installed()
        return [
            {
                "name": name, "model": name, "size": installed[name].size, "digest": installed[name].digest,
                "details": installed[name].details(), "expires_at": stamp(until),
                "size_vram": installed[name].size, "context_length": 4096,
            }
            for name, until in loaded if name in installed
        ]  # fmt: skip

    def _openai_models(self) -> Answer:
        cards = [
            {"id": model.name, "object": "model", "created": INSTALLED_AT, "owned_by": "library"}
            for model in self.installed().values()
        ]
        return as_json({"object": "list", "data": cards or None})

    def _show(self, model: Installed) -> Answer:
        family = str(model.details()["family"])
        info = {
            "general.architecture": family, f"{family}.context_length": 8192 if model.embedding else 40960,
            f"{family}.block_count": 64, f"{family}.attention.head_count": 64,
            f"{family}.attention.head_count_kv": 8, f"{family}.embedding_length": 5120,
        }  # fmt: skip
        can = ["embedding"] if model.embedding else ["completion", "tools"]
        return as_json({"details": model.details(), "model_info": info, "capabilities": can})


def main() -> NoReturn:
    """Run as the `ollama` program does."""
    if sys.argv[1:] in (["--version"], ["-v"]):
        print(f"ollama version is {VERSION}")
        leave(0)
    if sys.argv[1:] != ["serve"]:
        print(f'Error: unknown command "{" ".join(sys.argv[1:])}" for "ollama"', file=sys.stderr)
        leave(1)
    behaviour = Behaviour(HOME, "ollama")
    host, _, port = os.environ.get("OLLAMA_HOST", "127.0.0.1").partition(":")
    api = Api(behaviour)

    def serve() -> int:
        server = Server(host, int(port or 11434), api.route, api.log_access, "ollama")
        server.start()
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        message = f"Listening on [::]:{server.server_port} (version {VERSION})"
        print(f'time={now} level=INFO source=routes.go:1554 msg="{message}"', file=sys.stderr, flush=True)
        while True:
            time.sleep(0.1)
            if behaviour.value("crash", False):
                return int(behaviour.value("crash_exit_code", 2))

    try:
        on_sigterm(behaviour)
    except Stopped:
        leave(0)
    run(serve, lambda: time.sleep(behaviour.seconds("sigterm_seconds", 0.05)))
