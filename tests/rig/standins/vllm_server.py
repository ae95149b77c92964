"""`vllm serve MODEL …` as vLLM's recent versions behave: connections refused until the engine is ready."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from . import failures
from .behaviour import Behaviour, Stopped, child_killed_by_kernel, leave, on_sigterm, run, silence
from .checkpoint import GB, Checkpoint, Unloadable, read
from .serving import Server
from .vllm_api import VERSION, Api

TOTAL_GIB = 119.7
AVAILABLE_GIB = 112.4
UNITS = {"": 1, "k": 10**3, "K": 2**10, "m": 10**6, "M": 2**20, "g": 10**9, "G": 2**30}


def log(
    message: str, process: str = "APIServer", level: str = "INFO", source: str = "api_server.py:1977"
) -> None:
    """One record as vLLM's logger writes it: the prefix stands before each of its lines."""
    pid = 1 if process == "APIServer" else 87
    for line in message.splitlines() or [""]:
        now = time.strftime("%m-%d %H:%M:%S")
        print(f"({process} pid={pid}) {level} {now} [{source}] {line}", file=sys.stderr, flush=True)


def engine(message: str, source: str = "core.py:93") -> None:
    """A line of the engine's process."""
    log(message, process="EngineCore", source=source)


def whole_number(text: str) -> int:
    """A number as vLLM's flags take it: 32768, 32k, 25G, 1.5g."""
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)([kKmMgG]?)(?:i?B)?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(float(found[1]) * UNITS[found[2]])


def parse(argv: Sequence[str], unknown_flags: Sequence[str]) -> argparse.Namespace:
    """The flags that matter here; every other one is taken, unless the test calls it unknown."""
    parser = argparse.ArgumentParser(prog="vllm serve", allow_abbrev=False)
    parser.add_argument("model_tag", nargs="?")
    parser.add_argument("--model")
    parser.add_argument("--served-model-name", nargs="+")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--max-model-len", type=whole_number)
    parser.add_argument("--kv-cache-memory-bytes", "--kv-cache-memory", type=whole_number)
    parser.add_argument("--gpu-memory-utilization", type=float, default=0.92)
    parser.add_argument("--runner", default="auto")
    parser.add_argument("--task", default="auto")
    parser.add_argument("--api-key", nargs="+")
    known, rest = parser.parse_known_args(argv)
    refused = [word for word in rest if word.partition("=")[0] in unknown_flags]
    if refused:
        parser.error(f"unrecognized arguments: {' '.join(refused)}")
    known.model = known.model_tag or known.model or "Qwen/Qwen3-0.6B"
    known.served_model_name = known.served_model_name or [known.model]
    known.pooling = known.runner == "pooling" or known.task in ("embed", "embedding")
    if known.api_key is None and os.environ.get("VLLM_API_KEY"):
        known.api_key = [os.environ["VLLM_API_KEY"]]
    return known


class Launch:
    """One start of the server, phase by phase."""

    def __init__(self, args: argparse.Namespace, behaviour: Behaviour) -> None:
        """Nothing happens yet."""
        self.args = args
        self.behaviour = behaviour

    def serve(self) -> int:
        """Load and serve until told to stop; the exit code."""
        log(f"vLLM API server version {VERSION}", source="utils.py:325")
        shown = {"model_tag": self.args.model, "served_model_name": self.args.served_model_name}
        log(f"non-default args: {shown}", source="utils.py:261")
        try:
            checkpoint = read(Path(self.args.model))
            context = self._context(checkpoint)
            self._load(checkpoint, context)
        except Unloadable as problem:
            if not problem.early:
                self._engine_died(f"{problem.kind}: {problem}")
            print("\n".join(failures.traceback(f"{problem.kind}: {problem}")), file=sys.stderr, flush=True)
            return 1
        return self._serve(context)

    def _context(self, checkpoint: Checkpoint) -> int:
        asked: int | None = self.args.max_model_len
        if asked is not None and asked > checkpoint.context:
            cause = (
                "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n"
                f"  Value error, User-specified max_model_len ({asked}) is greater than the derived"
                " max_model_len"
                f" (max_position_embeddings={checkpoint.context} or model_max_length=None in model's"
                " config.json)."
                " To allow overriding this maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1."
            )
            print("\n".join(failures.traceback(cause)), file=sys.stderr, flush=True)
            leave(1)
        return asked if asked is not None and asked > 0 else checkpoint.context

    def _load(self, checkpoint: Checkpoint, context: int) -> None:
        seconds = self.behaviour.seconds("load_seconds", 0.6)
        weights = checkpoint.gigabytes
        engine(f"Initializing a V1 LLM engine (v{VERSION}) with config: model='{self.args.model}'")
        self._ask_for_memory()
        engine(f"Starting to load model {self.args.model}...", source="gpu_model_runner.py:3550")
        engine(
            f"Filesystem type for checkpoints: EXT4. Checkpoint size: {weights:.2f} GiB. Available"
            " RAM: 112.40 GiB.",
            source="weight_utils.py:890",
        )
        self._shards(checkpoint.shards, seconds * 0.7)
        engine(f"Loading weights took {seconds * 0.7:.2f} seconds", source="default_loader.py:291")
        engine(
            f"Model loading took {weights:.4f} GiB memory and {seconds * 0.7:.6f} seconds",
            source="gpu_model_runner.py:3590",
        )
        self._cache(checkpoint, context)
        if not self.args.pooling:
            self._compile(seconds * 0.3)
        engine(f"init engine (profile, create kv cache, warmup model) took {seconds:.2f} seconds")

    def _ask_for_memory(self) -> None:
        """The share must be free, whether or not the size of the cache is given."""
        available = float(self.behaviour.value("available_gib", AVAILABLE_GIB))
        share = self.args.gpu_memory_utilization
        if available < TOTAL_GIB * share:
            self._engine_died(
                f"ValueError: Free memory on device cuda:0 ({available:.2f}/{TOTAL_GIB:.2f} GiB) on startup"
                f" is less than desired GPU memory utilization ({share}, {TOTAL_GIB * share:.2f} GiB)."
                " Decrease GPU memory utilization or reduce GPU memory used by other processes."
            )

    def _shards(self, count: int, seconds: float) -> None:
        for done in range(count + 1):
            if done == (count + 1) // 2:
                self._perhaps_fail()
            percent, spent = 100 * done // count, int(seconds * done / count)
            rate = "?it/s" if done == 0 else f"{count / max(seconds, 0.01):5.2f}it/s"
            eta = "?" if done == 0 else f"00:{int(seconds) - spent:02d}"
            bar = f"Loading safetensors checkpoint shards: {percent:>3}% Completed | {done}/{count}"
            line = f"\r(EngineCore pid=87) {bar} [00:{spent:02d}<{eta}, {rate}]"
            print(line, file=sys.stderr, flush=True)
            if done < count:
                time.sleep(seconds / count)
        print("(EngineCore pid=87) ", file=sys.stderr, flush=True)

    def _cache(self, checkpoint: Checkpoint, context: int) -> None:
        asked: int | None = self.args.kv_cache_memory_bytes
        budget = TOTAL_GIB * self.args.gpu_memory_utilization - checkpoint.gigabytes - 2.5
        room = asked / GB if asked is not None else budget
        if room <= 0:
            self._engine_died(
                "ValueError: No available memory for the cache blocks. Try increasing"
                " `gpu_memory_utilization` when"
                " initializing the engine."
            )
        needed = context * checkpoint.kv_bytes / GB
        if needed > room and not self.args.pooling:
            fits = int(room * GB / checkpoint.kv_bytes)
            self._engine_died(
                f"ValueError: To serve at least one request with the models's max seq len ({context}),"
                f" ({needed:.2f} GiB KV cache is needed, which is larger than the available KV cache memory"
                f" ({room:.2f} GiB). Based on the available memory, the estimated maximum model"
                f" length is {fits}."
                " Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when"
                " initializing the engine."
            )
        tokens = int(room * GB / checkpoint.kv_bytes)
        engine(f"Available KV cache memory: {room:.2f} GiB", source="gpu_worker.py:349")
        engine(
            f"GPU KV cache size: {tokens:,} tokens; Maximum concurrency for {context:,} tokens per request:"
            f" {tokens / context:.2f}x",
            source="kv_cache_utils.py:1229",
        )

    def _compile(self, seconds: float) -> None:
        engine("Dynamo bytecode transform time: 4.25 s", source="backends.py:608")
        engine("torch.compile took 9.12 s in total", source="monitor.py:34")
        for done in range(3):
            bar = f"Capturing CUDA graphs (mixed prefill-decode, PIECEWISE): {50 * done:>3}%|#####| {done}/2"
            print(f"\r(EngineCore pid=87) {bar} [00:00<00:00, 9.9it/s]", end="", file=sys.stderr, flush=True)
            time.sleep(seconds / 3)
        print(file=sys.stderr, flush=True)
        engine("Graph capturing finished in 1 secs, took 0.12 GiB", source="gpu_model_runner.py:4244")

    def _perhaps_fail(self) -> None:
        wishes = self.behaviour.all()
        fail = wishes.get("fail")
        if fail is None:
            return
        time.sleep(float(wishes.get("fail_seconds", 0.2)))
        match fail:
            case "never":
                silence()
            case "oom-kill":
                child_killed_by_kernel()
                self._engine_died("RuntimeError: process EngineCore died with exit code -9", code=1)
            case "lines":
                print("\n".join(wishes["fail_lines"]), file=sys.stderr, flush=True)
                leave(int(wishes.get("fail_exit_code", 1)))
            case _:
                code = int(wishes.get("fail_exit_code", 0 if fail == "exit0" else 1))
                self._engine_died(*failures.CAUSES[fail], code=code)

    def _engine_died(self, *cause: str, code: int = 1) -> NoReturn:
        lines = "\n".join(("EngineCore failed to start.", *failures.traceback(*cause)))
        log(lines, process="EngineCore", level="ERROR", source="core.py:1006")
        wrapper = (
            "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"
        )
        lines = "\n".join(f"(APIServer pid=1) {line}" for line in failures.traceback(wrapper))
        print(lines, file=sys.stderr, flush=True)
        leave(code)

    def _serve(self, context: int) -> int:
        self.api = Api(self.args, self.behaviour, context)
        log(f"Starting vLLM server on http://{self.args.host}:{self.args.port}")
        print("(APIServer pid=1) INFO:     Started server process [1]", file=sys.stderr, flush=True)
        print("(APIServer pid=1) INFO:     Waiting for application startup.", file=sys.stderr, flush=True)
        # vLLM binds before it loads and finds a taken port at once; here the difference is half a second.
        server = Server(self.args.host, self.args.port, self.api.route, self.api.log_access, "uvicorn")
        server.start()
        print("(APIServer pid=1) INFO:     Application startup complete.", file=sys.stderr, flush=True)
        ready_at = time.monotonic()
        while True:
            time.sleep(0.05)
            wishes = self.behaviour.all()
            limit = wishes.get("crash_after_ready_seconds")
            if wishes.get("crash") or (limit is not None and time.monotonic() - ready_at >= float(limit)):
                cause = failures.traceback(*failures.CAUSES["exit0"])
                lines = "\n".join(("EngineCore encountered a fatal error.", *cause))
                log(lines, process="EngineCore", level="ERROR", source="core.py:1015")
                return int(wishes.get("crash_exit_code", 1))

    def drain(self) -> None:
        """Finish, as long as the test says."""
        print("(APIServer pid=1) INFO:     Shutting down", file=sys.stderr, flush=True)
        time.sleep(self.behaviour.seconds("sigterm_seconds", 0.1))
        print("(APIServer pid=1) INFO:     Application shutdown complete.", file=sys.stderr, flush=True)


def main() -> NoReturn:
    """Run as the `vllm` program does."""
    words = sys.argv[1:]
    if words[:1] != ["serve"]:
        print("usage: vllm [-h] [-v] {chat,complete,serve,bench,collect-env,run-batch} ...", file=sys.stderr)
        leave(2)
    try:
        named = [word for word in words[1:] if word.startswith("/")]
        behaviour = Behaviour(Path(named[0] if named else "/model"), "vllm")
        on_sigterm(behaviour)
        launch = Launch(parse(words[1:], behaviour.value("unknown_flags", ())), behaviour)
    except Stopped:
        leave(0)
    run(launch.serve, launch.drain)
