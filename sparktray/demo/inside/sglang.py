"""SGLang of the demo: log, refusals and answers as of 0.5.4."""

from __future__ import annotations

import time
from http import HTTPStatus

from sparktray.demo.folders import Weights
from sparktray.demo.inside import openai
from sparktray.demo.inside.engine import OVERHEAD, Serving
from sparktray.demo.serving import Answer, Request, as_json

_VERSION = "0.5.4"
_WARM_SECONDS = 0.4
# The real one looks once a second whether its token came.
_HEALTH_SECONDS = 0.2
_BATCHES = (8, 4, 2, 1, 1)


class Sglang(Serving):
    """`python3 -m sglang.launch_server`: refuses connections until it is loaded, then 503 until warm."""

    def live(self) -> int:
        """Load, warm up, serve."""
        path = self.option("--model-path", "--model") or ""
        self.name = self.option("--served-model-name") or path
        self.context = self.number("--context-length") or 0
        self.warm = False
        self._log(f"server_args=ServerArgs(model_path='{path}', served_model_name='{self.name}', tp_size=1)")
        model = self.weights(path)
        if model is None:
            self.say(f"OSError: Can't load the configuration of '{path}'.")
            return 1
        self.context = self.context or model.context
        self._load(model)
        self.listens = True
        for line in ("Started server process [1]", "Application startup complete."):
            self._log(f"INFO:     {line}")
        self._log(
            f"INFO:     Uvicorn running on http://0.0.0.0:{self.option('--port')} (Press CTRL+C to quit)"
        )
        self.pause(_WARM_SECONDS)
        self._log("The server is fired up and ready to roll!")
        self.warm = True
        self.up.set()
        self.rest(None)
        return 0

    def _load(self, model: Weights) -> None:
        available = self.machine.available() / 1e9
        self._log("Init torch distributed begin.")
        self._log(f"Load weight begin. avail mem={available:.2f} GB")
        self.shards(model, "")
        left = available - model.size / 1e9
        self._log(
            f"Load weight end. type={model.architecture}, dtype=torch.bfloat16, avail mem={left:.2f} GB,"
            f" mem usage={model.size / 1e9:.2f} GB."
        )
        fits = int(0.85 * available * 1e9 - model.size)
        if fits <= 0:
            self._died("RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.")
        tokens = self.number("--max-total-tokens") or self.context
        tokens = min(tokens, fits // model.token_bytes) if model.token_bytes else tokens
        half = tokens * model.token_bytes / 2e9
        self._log(f"KV Cache is allocated. #tokens: {tokens}, K size: {half:.2f} GB, V size: {half:.2f} GB")
        self.held = model.size + tokens * model.token_bytes + OVERHEAD
        left -= 2 * half
        self._log(f"Memory pool end. avail mem={left:.2f} GB")
        if not self._embeds:
            self._log(
                f"Capture cuda graph begin. This can take up to several minutes. avail mem={left:.2f} GB"
            )
            self.graphs(
                model, lambda done: f"Capturing batches (bs={_BATCHES[done]} avail_mem={left:.2f} GB)"
            )
            self._log(
                f"Capture cuda graph end. Time elapsed: 1.00 s. mem usage=0.12 GB. avail mem={left:.2f} GB."
            )
        self._log(
            f"max_total_num_tokens={tokens}, chunked_prefill_size=8192, max_prefill_tokens=16384,"
            f" max_running_requests=256, context_len={self.context}, available_gpu_mem={left:.2f} GB"
        )

    @property
    def _embeds(self) -> bool:
        return "--is-embedding" in self.argv

    def answer(self, request: Request) -> Answer:
        """See `Guest.answer`."""
        told = self._answer(request)
        phrase = HTTPStatus(told.status).phrase
        self._log(
            f'INFO:     127.0.0.1:41236 - "{request.method} {request.path} HTTP/1.1" {told.status} {phrase}'
        )
        return told

    def _answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "GET", "/health" | "/health_generate":
                if not self.warm:
                    return Answer(503)
                time.sleep(_HEALTH_SECONDS / self.machine.pace)
                return Answer()
            case "GET", "/v1/models":
                card = {
                    "id": self.name,
                    "object": "model",
                    "created": int(time.time()),
                    "owned_by": "sglang",
                    "root": self.name,
                    "max_model_len": self.context,
                }
                return as_json({"object": "list", "data": [card]})
            case "GET", "/get_load":
                running = self.running
                return as_json([{"dp_rank": 0, "num_reqs": running, "num_waiting_reqs": 0, "num_tokens": 0}])
            case "GET", "/get_server_info":
                return as_json({"status": "ready", "version": _VERSION})
            case "POST", "/v1/chat/completions" if not self._embeds:
                asked = request.json()
                return openai.chat(asked, str(asked.get("model") or self.name), self.busy)
            case "POST", "/v1/embeddings" if self._embeds:
                asked = request.json()
                return openai.embeddings(asked, str(asked.get("model") or self.name))
            case "POST", "/v1/chat/completions" | "/v1/embeddings":
                message = "The model does not support this kind of request."
                return as_json({"object": "error", "message": message, "code": 400}, 400)
            case _:
                return as_json({"detail": "Not Found"}, 404)

    def _died(self, cause: str) -> None:
        """As process 1 of its container it ends with 0 all the same."""
        self._log(f"Scheduler hit an exception: Traceback (most recent call last):\n{cause}\n")
        self._log("Received sigquit from a child process. It usually means the child failed.")
        self.end(0)
        self.rest(None)

    def _log(self, line: str) -> None:
        self.say(f"[{time.strftime('%Y-%m-%d %H:%M:%S')}] {line}")
