"""`python3 -m sglang.launch_server …` as SGLang 0.5.4 behaves: log on stderr, port bound only when loaded."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from . import failures
from .behaviour import Behaviour, Stopped, child_killed_by_kernel, leave, on_sigterm, run, silence
from .checkpoint import GB, Checkpoint, Unloadable, read
from .serving import Server
from .sglang_api import Api

AVAILABLE_GB = 112.40
GRAPH_BATCHES = (8, 4, 2, 1)


def log(message: str) -> None:
    """One line as SGLang's logger writes it."""
    print(f"[{time.strftime('%Y-%m-%d %H:%M:%S')}] {message}", file=sys.stderr, flush=True)


def log_lines(text: str, lines: Sequence[str]) -> None:
    """A record of several lines: only the first has the prefix."""
    log("\n".join((text, *lines)))


def parse(argv: Sequence[str], unknown_flags: Sequence[str]) -> argparse.Namespace:
    """The flags that matter here; every other one is taken, unless the test calls it unknown."""
    parser = argparse.ArgumentParser(prog="launch_server.py", allow_abbrev=False)
    parser.add_argument("--model-path", "--model", dest="model_path", required=True)
    parser.add_argument("--served-model-name")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=30000)
    parser.add_argument("--context-length", type=int)
    parser.add_argument("--max-total-tokens", type=int)
    parser.add_argument("--mem-fraction-static", type=float, default=0.89)
    parser.add_argument("--is-embedding", action="store_true")
    parser.add_argument("--api-key")
    known, rest = parser.parse_known_args(argv)
    refused = [word for word in rest if word.partition("=")[0] in unknown_flags]
    if refused:
        parser.error(f"unrecognized arguments: {' '.join(refused)}")
    known.served_model_name = known.served_model_name or known.model_path
    return known


class Launch:
    """One start of the server, phase by phase."""

    def __init__(self, args: argparse.Namespace, behaviour: Behaviour) -> None:
        """Nothing happens yet."""
        self.args = args
        self.behaviour = behaviour
        self.api: Api | None = None

    def serve(self) -> int:
        """Load, warm up, serve until told to stop; the exit code."""
        log(
            f"server_args=ServerArgs(model_path='{self.args.model_path}',"
            f" tokenizer_path='{self.args.model_path}',"
            f" host='{self.args.host}', port={self.args.port},"
            f" served_model_name='{self.args.served_model_name}',"
            f" api_key={self.args.api_key!r}, context_length={self.args.context_length},"
            f" is_embedding={self.args.is_embedding}, max_total_tokens={self.args.max_total_tokens},"
            " tp_size=1)"
        )
        try:
            checkpoint = read(Path(self.args.model_path))
        except Unloadable as problem:
            if problem.early:
                print(
                    "\n".join(failures.traceback(f"{problem.kind}: {problem}")), file=sys.stderr, flush=True
                )
                return 1
            log("Init torch distributed begin.")
            log(f"Load weight begin. avail mem={AVAILABLE_GB:.2f} GB")
            self._scheduler_died(f"{problem.kind}: {problem}")
        context = self._context(checkpoint)
        tokens = self._load(checkpoint, context)
        return self._serve(context, tokens)

    def _context(self, checkpoint: Checkpoint) -> int:
        asked: int | None = self.args.context_length
        if asked is not None and asked > checkpoint.context:
            cause = (
                f"ValueError: User-specified context_length ({asked}) is greater than the derived"
                " context_length"
                f" ({checkpoint.context}). This may lead to incorrect model outputs or CUDA errors."
                " Note that the"
                " derived context_length may differ from max_position_embeddings in the model's"
                " config. To allow"
                " overriding this maximum, set the env var SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN=1"
            )
            print("\n".join(failures.traceback(cause)), file=sys.stderr, flush=True)
            leave(1)
        return asked or checkpoint.context

    def _load(self, checkpoint: Checkpoint, context: int) -> int:
        seconds = self.behaviour.seconds("load_seconds", 0.6)
        log("Init torch distributed begin.")
        log("Init torch distributed ends. mem usage=0.00 GB")
        log(f"Load weight begin. avail mem={AVAILABLE_GB:.2f} GB")
        self._shards(checkpoint.shards, seconds * 0.7)
        left = AVAILABLE_GB - checkpoint.gigabytes
        log(
            f"Load weight end. type={checkpoint.architecture}, dtype=torch.bfloat16, avail mem={left:.2f} GB,"
            f" mem usage={checkpoint.gigabytes:.2f} GB."
        )
        pool = left - AVAILABLE_GB * (1 - self.args.mem_fraction_static)
        if pool <= 0:
            self._scheduler_died(
                "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static."
            )
        tokens = int(pool * GB / checkpoint.kv_bytes)
        tokens = min(tokens, self.args.max_total_tokens or tokens)
        half = tokens * checkpoint.kv_bytes / GB / 2
        log(f"KV Cache is allocated. #tokens: {tokens}, K size: {half:.2f} GB, V size: {half:.2f} GB")
        left -= 2 * half
        log(f"Memory pool end. avail mem={left:.2f} GB")
        if not self.args.is_embedding:
            self._graphs(left, seconds * 0.3)
        limit = max(1, min(2048, tokens // 128))
        log(
            f"max_total_num_tokens={tokens}, chunked_prefill_size=8192, max_prefill_tokens=16384,"
            f" max_running_requests={limit}, context_len={context}, available_gpu_mem={left:.2f} GB"
        )
        return tokens

    def _shards(self, count: int, seconds: float) -> None:
        for done in range(count + 1):
            if done == (count + 1) // 2:
                self._perhaps_fail()
            percent, spent = 100 * done // count, int(seconds * done / count)
            rate = "?it/s" if done == 0 else f"{count / max(seconds, 0.01):5.2f}it/s"
            eta = "?" if done == 0 else f"00:{int(seconds) - spent:02d}"
            bar = f"Loading safetensors checkpoint shards: {percent:>3}% Completed | {done}/{count}"
            print(f"\r{bar} [00:{spent:02d}<{eta}, {rate}]", file=sys.stderr, flush=True)
            if done < count:
                time.sleep(seconds / count)
        print(file=sys.stderr, flush=True)

    def _graphs(self, left: float, seconds: float) -> None:
        log(f"Capture cuda graph begin. This can take up to several minutes. avail mem={left:.2f} GB")
        log(f"Capture cuda graph bs {sorted(GRAPH_BATCHES)}")
        count = len(GRAPH_BATCHES)
        for done, size in enumerate(GRAPH_BATCHES):
            percent = 100 * done // count
            bar = (
                f"Capturing batches (bs={size} avail_mem={left:.2f} GB): {percent:>3}%|##        |"
                f" {done}/{count}"
            )
            print(f"\r{bar} [00:00<00:00, 9.1it/s]", end="", file=sys.stderr, flush=True)
            time.sleep(seconds / count)
        print(file=sys.stderr, flush=True)
        log(
            f"Capture cuda graph end. Time elapsed: {seconds:.2f} s. mem usage=0.12 GB. avail"
            f" mem={left - 0.12:.2f} GB"
        )

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
                silence()
            case "lines":
                print("\n".join(wishes["fail_lines"]), file=sys.stderr, flush=True)
                leave(int(wishes.get("fail_exit_code", 1)))
            case _:
                cause = failures.CAUSES[fail]
                code = int(wishes.get("fail_exit_code", 1 if fail == "oom" else 0))
                self._scheduler_died(*cause, code=code)

    def _scheduler_died(self, *cause: str, code: int = 0) -> NoReturn:
        # As process 1 of its container SGLang survives the SIGKILL it sends itself, and exits with 0.
        lines = failures.traceback(*cause)
        log_lines(f"Scheduler hit an exception: {lines[0]}", [*lines[1:], ""])
        log("Received sigquit from a child process. It usually means the child failed.")
        leave(code)

    def _serve(self, context: int, tokens: int) -> int:
        self.api = Api(self.args, self.behaviour, context, tokens, log)
        log("INFO:     Started server process [1]")
        log("INFO:     Waiting for application startup.")
        log("INFO:     Application startup complete.")
        try:
            server = Server(self.args.host, self.args.port, self.api.route, self.api.log_access, "uvicorn")
        except OSError:
            address = f"('{self.args.host}', {self.args.port})"
            log(
                f"ERROR:    [Errno 98] error while attempting to bind on address {address}: address"
                " already in use"
            )
            return 1
        server.start()
        log(f"INFO:     Uvicorn running on http://{self.args.host}:{self.args.port} (Press CTRL+C to quit)")
        self._warm_up()
        return self._watch(self.api)

    def _warm_up(self) -> None:
        assert self.api is not None
        time.sleep(self.behaviour.seconds("warm_seconds", 0.4))
        if self.behaviour.value("fail_warm_up", False):
            log_lines(
                "Initialization failed. warmup error:",
                failures.traceback("AssertionError: res=<Response [500]>"),
            )
            leave(0)
        log(
            "Prefill batch, #new-seq: 1, #new-token: 6, #cached-token: 0, token usage: 0.00, #running-req: 0,"
            " #queue-req: 0, "
        )
        log('INFO:     127.0.0.1:41236 - "POST /generate HTTP/1.1" 200 OK')
        log("The server is fired up and ready to roll!")
        self.api.up = True

    def _watch(self, api: Api) -> int:
        ready_at = told_at = time.monotonic()
        while True:
            time.sleep(0.05)
            now = time.monotonic()
            wishes = self.behaviour.all()
            limit = wishes.get("crash_after_ready_seconds")
            if wishes.get("crash") or (limit is not None and now - ready_at >= float(limit)):
                self._scheduler_died(*failures.CAUSES["exit0"], code=int(wishes.get("crash_exit_code", 0)))
            running, waiting = api.running(), api.waiting()
            if running and now - told_at >= 0.25 and not wishes.get("hung"):
                told_at = now
                log(
                    f"Decode batch, #running-req: {running}, #token: {running * 128}, token usage: 0.01,"
                    f" cuda graph: True, gen throughput (token/s): {api.speed():.2f}, #queue-req: {waiting}, "
                )

    def drain(self) -> None:
        """Answer /health with 503, wait for what is running, as long as the test says."""
        if self.api is not None:
            self.api.up = False
            log("INFO:     Shutting down")
        time.sleep(self.behaviour.seconds("sigterm_seconds", 0.1))
        log("INFO:     Finished server process [1]")


def main() -> NoReturn:
    """Run as SGLang's module does."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        words = sys.argv[1:]
        place = words.index("--model-path") + 1 if "--model-path" in words else 0
        behaviour = Behaviour(Path(words[place]) if 0 < place < len(words) else Path("/model"), "sglang")
        on_sigterm(behaviour)
        launch = Launch(parse(words, behaviour.value("unknown_flags", ())), behaviour)
    except Stopped:
        leave(0)
    run(launch.serve, launch.drain)
