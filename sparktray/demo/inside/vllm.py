"""vLLM of the demo: log and answers as of 0.14, and the start that dies on a GB10 with an old toolchain."""

from __future__ import annotations

import time
from http import HTTPStatus

from sparktray.demo.folders import Weights
from sparktray.demo.inside import openai
from sparktray.demo.inside.engine import OVERHEAD, Serving
from sparktray.demo.inside.guest import Ended
from sparktray.demo.serving import Answer, Request, as_json
from sparktray.demo.tour import DIES

_VERSION = "0.14.1"
_API, _CORE = "(APIServer pid=1)", "(EngineCore pid=87)"
_PTXAS = (
    "RuntimeError: Internal Triton PTX codegen error",
    "`ptxas` stderr:",
    "ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'",
)


class Vllm(Serving):
    """`vllm serve`: refuses connections until it is ready."""

    def live(self) -> int:
        """Load and serve."""
        words = self.argv[self.argv.index("serve") + 1 :] if "serve" in self.argv else self.argv
        path = words[0] if words else ""
        self.name = self.option("--served-model-name") or path
        self.path, self.pooling = path, self.option("--runner") == "pooling"
        self._log(_API, f"vLLM API server version {_VERSION}")
        model = self.weights(path)
        if model is None:
            self.say(f"{_API} OSError: Can't load the configuration of '{path}'.")
            return 1
        self.context = self.number("--max-model-len") or model.context
        self._load(model)
        self._log(_API, f"Starting vLLM server on http://0.0.0.0:{self.option('--port')}")
        self.listens = True
        self.say(f"{_API} INFO:     Application startup complete.")
        self.up.set()
        self.rest(None)
        return 0

    def _load(self, model: Weights) -> None:
        self._log(_CORE, f"Initializing a V1 LLM engine (v{_VERSION}) with config: model='{self.path}'")
        self._log(_CORE, f"Starting to load model {self.path}...")
        self.shards(model, f"{_CORE} ")
        self._log(_CORE, "Loading weights took 2.00 seconds")
        self._log(_CORE, f"Model loading took {model.size / 2**30:.4f} GiB memory and 2.100000 seconds")
        cache = self.number("--kv-cache-memory-bytes") or self.context * model.token_bytes
        self.held = model.size + cache + OVERHEAD
        if model.path.endswith(f"/{DIES}"):
            self._died()
        self._log(_CORE, f"Available KV cache memory: {cache / 2**30:.2f} GiB")
        tokens = cache // model.token_bytes if model.token_bytes else self.context
        self._log(_CORE, f"GPU KV cache size: {tokens:,} tokens")
        if not self.pooling:
            self._log(_CORE, "Dynamo bytecode transform time: 4.25 s")
            self._log(_CORE, "torch.compile took 9.12 s in total")
            title = f"{_CORE} Capturing CUDA graphs (mixed prefill-decode, PIECEWISE)"
            self.graphs(model, lambda _: title)
            self._log(_CORE, "Graph capturing finished in 1 secs, took 0.12 GiB")
        self._log(_CORE, "init engine (profile, create kv cache, warmup model) took 2.00 seconds")

    def _died(self) -> None:
        lines = ("EngineCore failed to start.", "Traceback (most recent call last):", *_PTXAS)
        for line in lines:
            self._log(_CORE, line, level="ERROR")
        cause = (
            "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"
        )
        self.say(f"{_API} {cause}")
        raise Ended(1)

    def answer(self, request: Request) -> Answer:
        """See `Guest.answer`."""
        told = self._answer(request)
        phrase = HTTPStatus(told.status).phrase
        asked = f'"{request.method} {request.path} HTTP/1.1" {told.status} {phrase}'
        self.say(f"{_API} INFO:     127.0.0.1:41236 - {asked}")
        return told

    def _answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "GET", "/health" | "/ping":
                return Answer()
            case "GET", "/version":
                return as_json({"version": _VERSION})
            case "GET", "/v1/models":
                return as_json({"object": "list", "data": [self._card()]})
            case "GET", "/metrics":
                return self._metrics()
            case "POST", "/v1/chat/completions" if not self.pooling:
                return self._named(request) or openai.chat(request.json(), self.name, self.busy)
            case "POST", "/v1/embeddings" if self.pooling:
                return self._named(request) or openai.embeddings(request.json(), self.name)
            case "POST", "/v1/chat/completions" | "/v1/embeddings":
                return _refusal("The model does not support this API", "BadRequestError", 400)
            case _:
                return as_json({"detail": "Not Found"}, 404)

    def _card(self) -> dict[str, object]:
        return {
            "id": self.name,
            "object": "model",
            "created": int(time.time()),
            "owned_by": "vllm",
            "root": self.path,
            "parent": None,
            "max_model_len": self.context,
        }

    def _named(self, request: Request) -> Answer | None:
        asked = request.json().get("model") or self.name
        if asked == self.name:
            return None
        return _refusal(f"The model `{asked}` does not exist.", "NotFoundError", 404)

    def _metrics(self) -> Answer:
        labels = f'{{engine="0",model_name="{self.name}"}}'
        values = {"num_requests_running": self.running, "num_requests_waiting": 0}
        lines = [f"vllm:{name}{labels} {float(value)}\n" for name, value in values.items()]
        return Answer(200, "".join(lines).encode(), "text/plain; version=0.0.4; charset=utf-8")

    def _log(self, who: str, line: str, level: str = "INFO") -> None:
        self.say(f"{who} {level} {time.strftime('%m-%d %H:%M:%S')} [core.py:93] {line}")


def _refusal(message: str, kind: str, code: int) -> Answer:
    return as_json({"error": {"message": message, "type": kind, "param": None, "code": code}}, code)
