"""Ollama of the demo: models that are loaded, given up and fetched by its API."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from sparktray.demo.docker.container import Held, stamp
from sparktray.demo.inside import openai
from sparktray.demo.inside.engine import Machine
from sparktray.demo.inside.guest import Guest
from sparktray.demo.serving import Answer, Request, as_json

_VERSION = "0.13.5"
_FOREVER = 10**10
_LOAD_SECONDS = 3.0
_UNLOAD_SECONDS = 0.3
_FETCH_SECONDS = 3.0
_STEPS = 12
_GIB = 1 << 30
LIBRARY = {
    "qwen3:32b": 20_201_253_588,
    "qwen3-coder:30b": 18_556_701_140,
    "phi4-reasoning:14b": 11_148_464_384,
    "bge-m3:latest": 1_157_672_605,
    "huihui_ai/deepseek-r1-abliterated:8b": 5_027_783_872,
}
INSTALLED = ("qwen3:32b", "bge-m3:latest")


class Ollama(Guest):
    """`ollama serve`: up at once."""

    def __init__(self, container: Held, machine: Machine, installed: list[str]) -> None:
        super().__init__(container)
        self._machine = machine
        self._installed = installed
        self._loaded: dict[str, float] = {}
        self._lock = threading.Lock()

    def live(self) -> int:
        """Listen until the end."""
        self.listens = True
        self.say(f'time={stamp(time.time())} level=INFO source=routes.go:1554 msg="Listening on [::]:11434"')
        self.up.set()
        self.rest(None)
        return 0

    def answer(self, request: Request) -> Answer:
        """See `Guest.answer`."""
        match request.method, request.path:
            case "GET" | "HEAD", "/":
                return Answer(200, b"Ollama is running", "text/plain; charset=utf-8")
            case "GET", "/api/version":
                return as_json({"version": _VERSION})
            case "GET", "/api/tags":
                return as_json({"models": [_entry(name) for name in self._installed]})
            case "GET", "/api/ps":
                return as_json({"models": self._running()})
            case "GET", "/v1/models":
                cards = [
                    {"id": name, "object": "model", "created": 1764000000, "owned_by": "library"}
                    for name in self._installed
                ]
                return as_json({"object": "list", "data": cards or None})
            case "POST", "/api/pull":
                return self._pull(str(request.json().get("model", "")))
            case "POST", path if path in _USING:
                return self._use(path, request.json())
            case _:
                return Answer(404, b"404 page not found", "text/plain")

    def _running(self) -> list[dict[str, object]]:
        now = time.time()
        with self._lock:
            loaded = {name: until for name, until in self._loaded.items() if until > now}
        return [
            {**_entry(name), "expires_at": stamp(until), "size_vram": LIBRARY[name], "context_length": 4096}
            for name, until in loaded.items()
        ]

    def _use(self, path: str, asked: dict[str, Any]) -> Answer:
        given = str(asked.get("model", ""))
        name = given if ":" in given.rpartition("/")[2] else f"{given}:latest"
        if name not in self._installed:
            return as_json({"error": f"model '{given}' not found"}, 404)
        if path == "/api/generate" and name.startswith("bge"):
            return as_json({"error": f'"{given}" does not support generate'}, 400)
        if asked.get("keep_alive") == 0 and not asked.get("prompt") and not asked.get("input"):
            threading.Thread(target=self._give_up, args=(name,), daemon=True).start()
            return as_json({"model": given, "response": "", "done": True, "done_reason": "unload"})
        problem = self._load(name, asked)
        if problem is not None:
            return problem
        match path:
            case "/v1/chat/completions":
                return openai.chat(asked, given, lambda _: None)
            case "/v1/embeddings":
                return openai.embeddings(asked, given)
            case "/api/embed":
                return as_json({"model": given, "embeddings": [openai.vector(str(asked.get("input", "")))]})
            case _:
                return as_json({"model": given, "response": "", "done": True, "done_reason": "load"})

    def _load(self, name: str, asked: dict[str, Any]) -> Answer | None:
        with self._lock:
            there = name in self._loaded
        if not there:
            size, free = LIBRARY[name], self._machine.available()
            if size > free:
                wants, has = size / _GIB, free / _GIB
                text = (
                    f"model requires more system memory ({wants:.1f} GiB) than is available ({has:.1f} GiB)"
                )
                return as_json({"error": text}, 500)
            time.sleep(_LOAD_SECONDS / self._machine.pace)
        keep = asked.get("keep_alive")
        seconds = 300.0 if keep is None else _FOREVER if str(keep).startswith("-") else float(keep)
        with self._lock:
            if not there or keep is not None:
                self._loaded[name] = time.time() + seconds
            self.held = sum(LIBRARY[each] for each in self._loaded)
        return None

    def _give_up(self, name: str) -> None:
        time.sleep(_UNLOAD_SECONDS / self._machine.pace)
        with self._lock:
            self._loaded.pop(name, None)
            self.held = sum(LIBRARY[each] for each in self._loaded)

    def _pull(self, name: str) -> Answer:
        return Answer(kind="application/x-ndjson", stream=self._fetched(name))

    def _fetched(self, given: str) -> Iterator[bytes]:
        name = given if ":" in given.rpartition("/")[2] else f"{given}:latest"
        yield _line({"status": "pulling manifest"})
        size = LIBRARY.get(name)
        if size is None:
            yield _line({"error": "pull model manifest: file does not exist"})
            return
        digest = f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
        for step in range(_STEPS + 1):
            yield _line(
                {
                    "status": f"pulling {digest[7:19]}",
                    "digest": digest,
                    "total": size,
                    "completed": size * step // _STEPS,
                }
            )
            time.sleep(_FETCH_SECONDS / _STEPS / self._machine.pace)
        if name not in self._installed:
            self._installed.append(name)
        yield _line({"status": "success"})


_USING = frozenset({"/api/generate", "/api/embed", "/v1/chat/completions", "/v1/embeddings"})


def _line(told: dict[str, object]) -> bytes:
    return json.dumps(told).encode() + b"\n"


def _entry(name: str) -> dict[str, object]:
    return {
        "name": name,
        "model": name,
        "modified_at": stamp(1764000000),
        "size": LIBRARY[name],
        "digest": hashlib.sha256(name.encode()).hexdigest(),
        "details": {"format": "gguf", "family": name.partition(":")[0], "quantization_level": "Q4_K_M"},
    }
