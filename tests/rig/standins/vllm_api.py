"""vLLM's HTTP answers."""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from http import HTTPStatus

from . import openai_api
from .behaviour import Behaviour
from .serving import Answer, Load, Request, as_json

VERSION = "0.14.1"
GUARDED = ("/v1", "/v2", "/inference", "/cohere")
PERMISSION = {
    "object": "model_permission",
    "allow_create_engine": False,
    "allow_sampling": True,
    "allow_logprobs": True,
    "allow_search_indices": False,
    "allow_view": True,
    "allow_fine_tuning": False,
    "organization": "*",
    "group": None,
    "is_blocking": False,
}


def _refusal(message: str, kind: str, code: int) -> Answer:
    return as_json({"error": {"message": message, "type": kind, "param": None, "code": code}}, code)


class Api:
    """Routes and what they know."""

    def __init__(self, args: argparse.Namespace, behaviour: Behaviour, context: int) -> None:
        """CONTEXT is what the start arrived at."""
        self.args = args
        self.behaviour = behaviour
        self.context = context
        self.load = Load()

    @property
    def names(self) -> list[str]:
        """The served names, or what a test says instead."""
        said = self.behaviour.value("served_id")
        return [str(said)] if said is not None else list(self.args.served_model_name)

    def log_access(self, request: Request, status: int) -> None:
        """uvicorn's access line."""
        asked = f'"{request.method} {request.path} HTTP/1.1"'
        line = f"{request.client} - {asked} {status} {HTTPStatus(status).phrase}"
        print(f"(APIServer pid=1) INFO:     {line}", file=sys.stderr, flush=True)

    def route(self, request: Request) -> Answer:
        """The answer to one request."""
        keys = self.args.api_key
        if keys and request.method != "OPTIONS" and request.path.startswith(GUARDED):
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if given not in keys:
                return as_json({"error": "Unauthorized"}, 401)
        match request.method, request.path:
            case "GET", "/health":
                return Answer(int(self.behaviour.value("health_status", 200)))
            case "GET" | "POST", "/ping":
                return Answer()
            case "GET", "/version":
                return as_json({"version": VERSION})
            case "GET", "/v1/models":
                return as_json({"object": "list", "data": self._cards()})
            case "GET", "/metrics":
                return self._metrics()
            case "POST", "/v1/chat/completions":
                return self._chat(request)
            case "POST", "/v1/embeddings":
                return self._embeddings(request)
            case _:
                return as_json({"detail": "Not Found"}, 404)

    def _cards(self) -> list[dict[str, object]]:
        if self.behaviour.value("models_unlisted", False):
            return []
        now = int(time.time())
        return [
            {
                "id": name,
                "object": "model",
                "created": now,
                "owned_by": "vllm",
                "root": self.args.model,
                "parent": None,
                "max_model_len": self.context,
                "permission": [{"id": f"modelperm-{uuid.uuid4().hex}", "created": now, **PERMISSION}],
            }
            for name in self.names
        ]

    def _metrics(self) -> Answer:
        labels = f'{{engine="0",model_name="{self.args.served_model_name[0]}"}}'
        running = int(self.behaviour.value("running", 0)) + self.load.active
        gauges = {
            "num_requests_running": ("Number of requests in model execution batches.", float(running)),
            "num_requests_waiting": (
                "Number of requests waiting to be processed.",
                float(self.behaviour.value("waiting", 0)),
            ),
            "kv_cache_usage_perc": ("KV-cache usage. 1 means 100 percent usage.", 0.01 * running),
        }
        counters = {
            "prompt_tokens": ("Number of prefill tokens processed.", float(self.load.prompt_tokens)),
            "generation_tokens": (
                "Number of generation tokens processed.",
                float(self.load.generated_tokens),
            ),
        }
        lines = []
        for name, (text, value) in gauges.items():
            lines += [
                f"# HELP vllm:{name} {text}",
                f"# TYPE vllm:{name} gauge",
                f"vllm:{name}{labels} {value}",
            ]
        for name, (text, value) in counters.items():
            lines += [f"# HELP vllm:{name}_total {text}", f"# TYPE vllm:{name}_total counter"]
            lines += [f"vllm:{name}_total{labels} {value}"]
        return Answer(200, ("\n".join(lines) + "\n").encode(), "text/plain; version=0.0.4; charset=utf-8")

    def _unknown(self, asked: dict[str, object]) -> Answer | None:
        name = str(asked.get("model") or self.names[0])
        if name in self.names:
            return None
        return _refusal(f"The model `{name}` does not exist.", "NotFoundError", 404)

    def _chat(self, request: Request) -> Answer:
        if self.args.pooling:
            return _refusal("The model does not support Chat Completions API", "BadRequestError", 400)
        if self.behaviour.value("chat_status"):
            return _refusal(
                "EngineDeadError", "InternalServerError", int(self.behaviour.value("chat_status"))
            )
        asked = request.json()
        return self._unknown(asked) or openai_api.chat(
            asked, str(asked.get("model") or self.names[0]), self.behaviour, self.load
        )

    def _embeddings(self, request: Request) -> Answer:
        if not self.args.pooling:
            return _refusal("The model does not support Embeddings API", "BadRequestError", 400)
        asked = request.json()
        return self._unknown(asked) or openai_api.embeddings(asked, str(asked.get("model") or self.names[0]))
