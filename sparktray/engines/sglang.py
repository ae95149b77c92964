"""SGLang. Facts are those of 0.5.4 (about the age of ``lmsysorg/sglang:spark``) and 0.5.23."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from sparktray.domain.asking import Answer, Ask, Dialogue, Health, Heard, Proof, Reading, Silence
from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.memory import Footprint
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import LoadProgress
from sparktray.engines import commands, openai_answers
from sparktray.engines.failures import GB10_RULES, GENERAL_RULES, PTXAS, PTXAS_SEEN, Signs, diagnose, rule
from sparktray.engines.memory import flags, footprints
from sparktray.engines.memory.shares import sglang_share
from sparktray.engines.models import architectures
from sparktray.engines.phases import GRAPH_BAR, WEIGHTS_BAR, Milestone, follow
from sparktray.engines.protocol import Activity, Depth, Launch, Spelling

# /health generates a token: about 1 s when well, 503 only after SGLANG_HEALTH_CHECK_TIMEOUT (20 s).
HEALTH_DEADLINE = 25.0
_PORT = 30000

_LOADS = Ask("GET", "/v1/loads?include=core,queues", deadline=openai_answers.QUICK_DEADLINE)
_OLD_LOADS = Ask("GET", "/get_load", deadline=openai_answers.QUICK_DEADLINE)  # all that 0.5.4 has

_LOADING = phrase("Loading weights")
_CACHE = phrase("Allocating the KV cache")
_GRAPHS = phrase("Capturing CUDA graphs")
_GRAPHS_COUNTED = phrase("Capturing CUDA graphs ({done}/{total})")
_WARMING = phrase("Warming up")
_READY = r"The server is fired up and ready to roll!"

MILESTONES = (
    Milestone(re.compile(r"server_args=(?:ServerArgs\(|\{)|Init torch distributed"), phrase("Starting"), 0.0),
    Milestone(WEIGHTS_BAR, _LOADING, 0.02, 0.70, phrase("Loading weights ({done}/{total})")),
    Milestone(re.compile(r"Load weight begin\."), _LOADING, 0.02),
    Milestone(re.compile(r"Load weight end\."), _CACHE, 0.70),
    Milestone(re.compile(r"KV Cache (?:is allocated|VA upper bound)\."), _CACHE, 0.74),
    Milestone(re.compile(r"Memory pool end\."), _CACHE, 0.78),
    Milestone(re.compile(r"Running FlashInfer autotune"), phrase("Tuning kernels"), 0.78),
    # Decode graphs first and then those for prefill (0.5.6 to 0.5.16, "num tokens"), or the other way
    # round (0.5.23, "prefill shape"); 0.5.4 captures decode graphs only.
    Milestone(
        re.compile(r"Capturing (?:prefill shape|num tokens)" + GRAPH_BAR),
        _GRAPHS,
        0.78,
        0.84,
        _GRAPHS_COUNTED,
    ),
    Milestone(re.compile(r"Capture (?:target|draft) prefill CUDA graph end"), _GRAPHS, 0.84),
    Milestone(re.compile(r"Capturing batches" + GRAPH_BAR), _GRAPHS, 0.78, 0.95, _GRAPHS_COUNTED),
    Milestone(re.compile(r"Capture .*graph begin"), _GRAPHS, 0.78),
    Milestone(re.compile(r"Capture .*graph end\."), _WARMING, 0.95),
    Milestone(re.compile(r"max_total_num_tokens=\d+, chunked"), _WARMING, 0.95),
    Milestone(re.compile(r"Uvicorn running on|Application startup complete"), _WARMING, 0.96),
    Milestone(re.compile(_READY), phrase("Ready"), 1.0),
)

RULES = (
    rule(
        "ptxas-sm121",
        PTXAS_SEEN,
        PTXAS,
        phrase("This SGLang image's toolchain does not know the GB10 (sm_121a)."),
        phrase("Use a newer image, or set TRITON_PTXAS_PATH=/usr/local/cuda/bin/ptxas in the model's env."),
    ),
    *GB10_RULES,
    rule(
        "weights-too-large",
        "Not enough memory. Please try to increase --mem-fraction-static.",
        r"Not enough memory\. Please try to increase --mem-fraction-static",
        phrase("The model did not fit into the memory that was free when it started."),
        phrase("Stop another server, or raise --mem-fraction-static in the model's arguments."),
    ),
    rule(
        "kv-full",
        "Prefill out of memory. Try to lower your batch size.",
        r"(?:Prefill|Decode) out of memory\.|alloc_req_slots runs out of memory",
        phrase("Requests needed more memory for their context than the server has."),
        phrase("Choose a shorter context, or allow fewer requests at once (--max-running-requests)."),
    ),
    # With SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN the same text is only a warning.
    rule(
        "context-too-long",
        "User-specified context_length (65536) is greater than the derived context_length (40960)."
        " To allow overriding this maximum, set the env var",
        r"context_length \((?P<asked>\d+)\) is greater than the derived context_length \((?P<most>\d+)\)"
        r".*To allow overriding",
        phrase("The model allows at most {most} tokens of context, {asked} were asked for."),
        phrase("Set the context to {most} tokens or less."),
    ),
    *GENERAL_RULES,
    rule(
        "graphs-failed",
        "Capture cuda graph failed: CUDA error: invalid argument",
        r"Capture .*graph failed",
        phrase("SGLang could not capture its CUDA graphs."),
        phrase("Lower --mem-fraction-static or --cuda-graph-max-bs in the model's arguments."),
    ),
)
# A crashed SGLang often exits with 0: its SIGKILL to itself has no effect on PID 1 (launch_server, 0.5.4).
_WRAPPER = re.compile(
    r"Received sigquit from a child process|scheduler (?:is dead|died during initialization)"
    r"|Subprocess \S+ \(pid=\d+\) crashed with exit code"
)
_SIGNS = Signs(
    re.compile(_WRAPPER.pattern + r"|hit an exception: Traceback|Initialization failed\. warmup error"),
    _WRAPPER,
    re.compile(_READY),
)

_MOST = 1e15  # beyond it no speed is one
_RUNNING = re.compile(r"#running-req: (\d{1,9})\b")
_WAITING = re.compile(r"#queue-req: (\d{1,9})\b")
_SPEED = re.compile(r"gen throughput \(token/s\): (\d{1,9}(?:\.\d{1,9})?)(?![\d.])")


class Sglang:
    """SGLang, one container a model."""

    kind = EngineKind.SGLANG
    lives_outside_docker = False
    loads_by_api = False
    architectures = architectures.SGLANG
    spelling = Spelling(
        starts=(("sglang.launch_server",), ("sglang", "serve")),
        model=("--model-path", "--model"),
        context=("--context-length",),
        tokens=("--max-total-tokens",),
        embedding=frozenset({"--is-embedding"}),
    )
    key_variable: str | None = None

    def recognises(self, container: Container) -> bool:
        """By its module or ``sglang serve``, else by an image named after it that does not idle."""
        words = commands.words_of(container)
        if "sglang.launch_server" in words or _is_serve(words):
            return True
        name = commands.repository(container.image)
        return "sglang" in name and "router" not in name and not commands.idles(words)

    def port_of(self, container: Container) -> int | None:
        """``--port``, else 30000."""
        return commands.port(container, _PORT)

    def model_path(self, container: Container) -> str | None:
        """``--model-path``, also spelt ``--model``."""
        return commands.option(container, "--model-path", "--model")

    def declared_name(self, container: Container) -> str | None:
        """``--served-model-name``."""
        return commands.option(container, "--served-model-name")

    def run_argv(self, launch: Launch) -> tuple[str, ...]:
        """The command of the user's page, with the model's flags and the limits its context asks for."""
        port, model = str(launch.server.port), launch.model
        args = model.args_for(self.kind)
        command = ["python3", "-m", "sglang.launch_server", "--model-path", commands.INSIDE]
        command += ["--served-model-name", model.name_on(launch.server)]
        command += ["--host", commands.ANYWHERE, "--port", port, *args]
        if model.context is not None and not commands.has_any(args, "--context-length"):
            command += ["--context-length", str(model.context)]
        if model.context is not None and not commands.has_any(args, "--max-total-tokens"):
            command += ["--max-total-tokens", str(model.context * model.parallel)]
        if model.kind is ModelKind.EMBEDDING and not commands.has_any(args, "--is-embedding"):
            command.append("--is-embedding")
        options = (*commands.published(launch.server, port), *commands.folders(launch, "sglang"))
        return commands.docker_run(launch, options, command)

    def footprint(self, launch: Launch) -> Footprint:
        """A cache for the tokens asked for, else all that its fraction allows."""
        model, args = launch.model, launch.model.args_for(self.kind)
        share = sglang_share(launch.server.image, flags.fraction_of(args, "--mem-fraction-static"))
        tokens = flags.size_of(args, "--max-total-tokens")
        if tokens is None and model.context is not None:
            tokens = model.context * model.parallel
        if tokens is None:
            return footprints.of_share(launch, share)
        if model.kind is ModelKind.EMBEDDING:
            return footprints.of_cache(launch, 0)
        return footprints.of_tokens(launch, footprints.token_bytes(launch, self.kind), tokens, share)

    def probe(self, depth: Depth) -> Dialogue[Reading]:
        """The list first: it is refused until HTTP is up, and only then ``/health`` is worth asking.

        ``WATCH`` leaves out ``/health``; its health is UNKNOWN then, which means: not asked.
        """
        listed = yield openai_answers.ASK_LIST
        served = openai_answers.served_models(listed)
        locked = isinstance(listed, Answer) and listed.status == 401
        if isinstance(listed, Silence):
            return Reading(Health.REFUSED if listed is Silence.REFUSED else Health.SILENT)
        if depth is Depth.WATCH and served is None:
            return Reading(Health.LOCKED if locked else Health.SILENT)
        health = Health.UNKNOWN
        if depth is not Depth.WATCH:
            health = _health((yield Ask("GET", "/health", deadline=HEALTH_DEADLINE)))
            if locked and health is Health.READY:
                health = Health.LOCKED
        if health in {Health.WARMING, Health.SILENT, Health.REFUSED}:
            return Reading(health, served)
        running, waiting, speed = yield from _requests()
        return Reading(health, served, running=running, waiting=waiting, tokens_per_second=speed)

    def prove(self, served_name: str, kind: ModelKind) -> Dialogue[Proof]:
        """One token, or one embedding."""
        return openai_answers.prove(served_name, kind)

    def progress(self, lines: Sequence[str], before: LoadProgress | None) -> LoadProgress | None:
        """By the table above."""
        return follow(MILESTONES, lines, before)

    def activity(self, lines: Sequence[str]) -> Activity:
        """By the last ``Decode batch`` line, which comes every 40 steps."""
        line = next((line for line in reversed(lines) if "Decode batch" in line), "")
        running, waiting, speed = _RUNNING.search(line), _WAITING.search(line), _SPEED.search(line)
        return Activity(
            running=int(running[1]) if running else None,
            waiting=int(waiting[1]) if waiting else None,
            tokens_per_second=float(speed[1]) if speed else None,
        )

    def diagnose(self, lines: Sequence[str], *, died: bool = False) -> Failure | None:
        """By the rules above."""
        return diagnose(RULES, lines, _SIGNS, died=died)


def _is_serve(words: Sequence[str]) -> bool:
    return any(
        commands.base_name(program) == "sglang" and verb == "serve" for program, verb in pairwise(words)
    )


def _health(heard: Heard) -> Health:
    match heard:
        case Answer(status=200):
            return Health.READY
        case Answer(status=503):
            return Health.WARMING
        case Silence.REFUSED:
            return Health.REFUSED
        case _:
            return Health.SILENT


def _requests() -> Dialogue[tuple[int | None, int | None, float | None]]:
    """Running, waiting and tokens a second over all ranks."""
    heard = yield _LOADS
    if openai_answers.succeeded(heard):
        loads = heard.field("loads") if isinstance(heard, Answer) else None
        return _sums(loads, "num_running_reqs")
    if not isinstance(heard, Answer) or heard.status != 404:
        return None, None, None
    heard = yield _OLD_LOADS
    loads = heard.json() if isinstance(heard, Answer) and heard.status == 200 else None
    all_requests, waiting, _ = _sums(loads, "num_reqs")
    if all_requests is None or waiting is None:
        return None, waiting, None
    return max(0, all_requests - waiting), waiting, None  # num_reqs counts the waiting ones too


def _sums(loads: object, requests: str) -> tuple[int | None, int | None, float | None]:
    ranks = loads if isinstance(loads, list) else []
    speeds = [rank.get("gen_throughput") for rank in ranks if isinstance(rank, dict)]
    numbers = [
        float(s) for s in speeds if isinstance(s, int | float) and not isinstance(s, bool) and abs(s) < _MOST
    ]
    return (
        openai_answers.summed(ranks, requests),
        openai_answers.summed(ranks, "num_waiting_reqs"),
        sum(numbers) if numbers else None,
    )
