"""SGLang 0.5.4's HTTP answers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from http import HTTPStatus

from . import openai_api
from .behaviour import Behaviour
from .serving import Answer, Load, Request, as_json

VERSION = "0.5.4"
# SGLANG_HEALTH_CHECK_TIMEOUT's default.
HUNG_SECONDS = 20.0


def _refusal(message: str, code: int = 400) -> Answer:
    return as_json(
        {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": code}, code
    )


class Api:
    """Routes and what they know. `up` is SGLang's own status: set after the warm-up, cleared on SIGTERM."""

    def __init__(
        self,
        args: argparse.Namespace,
        behaviour: Behaviour,
        context: int,
        tokens: int,
        log: Callable[[str], None],
    ) -> None:
        """CONTEXT and TOKENS are what the start arrived at."""
        self.args = args
        self.behaviour = behaviour
        self.context = context
        self.tokens = tokens
        self.up = False
        self.load = Load()
        self._log = log

    @property
    def name(self) -> str:
        """The served name, or what a test says instead."""
        return str(self.behaviour.value("served_id", self.args.served_model_name))

    def running(self) -> int:
        """Requests running: the test's number plus the real ones."""
        return int(self.behaviour.value("running", 0)) + self.load.active

    def waiting(self) -> int:
        """Requests waiting."""
        return int(self.behaviour.value("waiting", 0))

    def speed(self) -> float:
        """Tokens a second, all requests together."""
        return float(self.behaviour.value("tokens_per_second", 23.4 * self.running()))

    def log_access(self, request: Request, status: int) -> None:
        """uvicorn's access line."""
        asked = f'"{request.method} {request.path} HTTP/1.1"'
        line = f"{request.client} - {asked} {status} {HTTPStatus(status).phrase}"
        self._log(f"INFO:     {line}")

    def route(self, request: Request) -> Answer:
        """The answer to one request."""
        if self._locked(request):
            return as_json({"error": "Unauthorized"}, 401)
        match request.method, request.path:
            case "GET", "/health" | "/health_generate":
                return self._health()
            case "GET", "/v1/models":
                if self.behaviour.value("models_html", False):
                    page = b"<!doctype html><title>Sign in</title>"
                    return Answer(200, page, "text/html")
                return as_json({"object": "list", "data": self._cards()})
            case "GET", path if path.startswith("/v1/models/"):
                return self._one_model(path.removeprefix("/v1/models/"))
            case "GET", "/get_model_info":
                return self._model_info()
            case "GET", "/get_server_info":
                return self._server_info()
            case "GET", "/get_load":
                return self._load()
            case "GET", "/ping":
                return Answer()
            case "POST", "/v1/chat/completions":
                return self._chat(request)
            case "POST", "/v1/embeddings":
                return self._embeddings(request)
            case _:
                return as_json({"detail": "Not Found"}, 404)

    def _locked(self, request: Request) -> bool:
        key = self.args.api_key
        if key is None or request.method == "OPTIONS" or request.path.startswith(("/health", "/metrics")):
            return False
        return request.headers.get("authorization") != f"Bearer {key}"

    def _health(self) -> Answer:
        if not self.up:
            return Answer(503)
        started = time.monotonic()
        limit = self.behaviour.seconds("hung_seconds", HUNG_SECONDS)
        while self.behaviour.value("hung", False):
            if time.monotonic() - started >= limit:
                return Answer(503)
            time.sleep(0.05)
        # The handler looks once a second whether a token arrived.
        time.sleep(self.behaviour.seconds("health_seconds", 1.0))
        return Answer(int(self.behaviour.value("health_status", 200)))

    def _cards(self) -> list[dict[str, object]]:
        if self.behaviour.value("models_unlisted", False):
            return []
        card = {
            "id": self.name,
            "object": "model",
            "created": int(time.time()),
            "owned_by": "sglang",
            "root": self.name,
            "max_model_len": self.context,
        }
        more = int(self.behaviour.value("models_more", 0))
        return [card, *({**card, "id": f"adapter-{number}"} for number in range(more))]

    def _one_model(self, name: str) -> Answer:
        for card in self._cards():
            if card["id"] == name:
                return as_json(card)
        problem = {
            "message": f"The model '{name}' does not exist",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
        return as_json({"error": problem}, 404)

    def _model_info(self) -> Answer:
        return as_json(
            {
                "model_path": self.args.model_path,
                "tokenizer_path": self.args.model_path,
                "is_generation": not self.args.is_embedding,
                "preferred_sampling_params": None,
                "weight_version": "default",
            }
        )

    def _server_info(self) -> Answer:
        memory = {"weight": 30.01, "kvcache": 40.02, "token_capacity": self.tokens, "graph": 0.12}
        state = {"last_gen_throughput": self.speed(), "memory_usage": memory}
        limits = {
            "status": "ready",
            "max_total_num_tokens": self.tokens,
            "max_req_input_len": self.context - 6,
        }
        return as_json({**vars(self.args), **limits, "internal_states": [state], "version": VERSION})

    def _load(self) -> Answer:
        if self.behaviour.value("no_get_load", False):
            return as_json({"detail": "Not Found"}, 404)
        running, waiting = self.running(), self.waiting()
        rank = {
            "dp_rank": 0,
            "num_reqs": running + waiting,
            "num_waiting_reqs": waiting,
            "num_tokens": 128 * running,
        }
        return as_json([rank])

    def _chat(self, request: Request) -> Answer:
        if self.args.is_embedding:
            return _refusal("The model is an embedding model and does not support chat completions.")
        if self.behaviour.value("chat_status"):
            return _refusal("Internal server error", int(self.behaviour.value("chat_status")))
        asked = request.json()
        return openai_api.chat(asked, str(asked.get("model") or self.name), self.behaviour, self.load)

    def _embeddings(self, request: Request) -> Answer:
        if not self.args.is_embedding:
            return _refusal(
                "This model does not appear to be an embedding model by default. Please add"
                " `--is-embedding` when"
                " launching the server or try another model."
            )
        asked = request.json()
        return openai_api.embeddings(asked, str(asked.get("model") or self.name))
