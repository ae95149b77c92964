"""vLLM. Facts are those of 0.33, with the older spellings of 0.11 where they differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

from msgspec.structs import replace

from sparktray.domain.asking import Answer, Ask, Dialogue, Health, Proof, Reading, Silence
from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.memory import Footprint
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import LoadProgress
from sparktray.engines import commands, openai_answers, prometheus
from sparktray.engines.failures import GB10_RULES, GENERAL_RULES, PTXAS, PTXAS_SEEN, Signs, diagnose, rule
from sparktray.engines.memory import flags, footprints
from sparktray.engines.memory.shares import DROP_CACHES, vllm_share
from sparktray.engines.models import architectures
from sparktray.engines.phases import GRAPH_BAR, WEIGHTS_BAR, Milestone, follow
from sparktray.engines.protocol import Activity, Depth, Launch, Spelling

_PORT = 8000
_ENTRYPOINT_IMAGE = "vllm/vllm-openai"  # its entrypoint is already `vllm serve`; NVIDIA's images have none
_CACHE_FLAGS = ("--kv-cache-memory-bytes", "--kv-cache-memory")
_SHARE_FLAG = "--gpu-memory-utilization"
_HEALTH = Ask("GET", "/health", deadline=openai_answers.QUICK_DEADLINE)
_METRICS = Ask("GET", "/metrics", deadline=openai_answers.QUICK_DEADLINE)

_LOADING = phrase("Loading weights")
_COMPILING = phrase("Compiling the model")
_CACHE = phrase("Allocating the KV cache")
_GRAPHS = phrase("Capturing CUDA graphs")
_GRAPHS_COUNTED = phrase("Capturing CUDA graphs ({done}/{total})")
_WARMING = phrase("Warming up")
_CACHE_KNOWN = 0.78
_READY = r"Application startup complete\."
MILESTONES = (
    Milestone(
        re.compile(r"vLLM (?:API )?server version |non-default args: |Initializing a V1 LLM engine"),
        phrase("Starting"),
        0.0,
    ),
    Milestone(re.compile(r"Starting to load model "), _LOADING, 0.02),
    Milestone(WEIGHTS_BAR, _LOADING, 0.02, 0.60, phrase("Loading weights ({done}/{total})")),
    Milestone(re.compile(r"Loading weights took "), _LOADING, 0.60),
    Milestone(re.compile(r"Model loading took "), _COMPILING, 0.62),
    Milestone(re.compile(r"Dynamo bytecode transform time: "), _COMPILING, 0.65),
    Milestone(re.compile(r"Compiling a graph for .* takes "), _COMPILING, 0.70),
    Milestone(
        re.compile(r"Directly load (?:the compiled graph|AOT compilation)|torch\.compile (?:took|takes) "),
        _COMPILING,
        0.74,
    ),
    Milestone(re.compile(r"Available KV cache memory: |as specified by kv_cache_memory_bytes"), _CACHE, 0.76),
    Milestone(re.compile(r"KV cache size: [\d,]+ tokens"), _CACHE, _CACHE_KNOWN),
    Milestone(
        re.compile(r"Capturing CUDA graphs \((?:mixed prefill-decode, \w+|PIECEWISE)\)" + GRAPH_BAR),
        _GRAPHS,
        _CACHE_KNOWN,
        0.86,
        _GRAPHS_COUNTED,
        after=_CACHE_KNOWN,
    ),
    Milestone(
        re.compile(r"Capturing [\w -]*CUDA graphs \((?:decode, )?\w+\)" + GRAPH_BAR),
        _GRAPHS,
        _CACHE_KNOWN,
        0.94,
        _GRAPHS_COUNTED,
        after=_CACHE_KNOWN,
    ),
    # 0.33 captures some of them on trial first, to measure what they take, and sizes the cache by that.
    Milestone(
        re.compile(r"Profiling CUDA graph memory: |Capturing [\w -]*CUDA graphs \("),
        phrase("Measuring the memory"),
        0.75,
    ),
    Milestone(re.compile(r"Graph capturing finished in "), _WARMING, 0.94, after=_CACHE_KNOWN),
    Milestone(re.compile(r"init engine \(.*\) took "), _WARMING, 0.96),
    Milestone(re.compile(r"Starting vLLM (?:API )?server(?: \d+)? on "), _WARMING, 0.98),
    Milestone(re.compile(_READY), phrase("Ready"), 1.0),
)

RULES = (
    rule(
        "ptxas-sm121",
        PTXAS_SEEN,
        PTXAS,
        phrase("This vLLM image's toolchain does not know the GB10 (sm_121a)."),
        phrase("Start the same model on SGLang."),
    ),
    *GB10_RULES,
    rule(
        "memory-held",
        "Free memory on device cuda:0 (61.0/119.7 GiB) on startup is less than desired GPU memory utilization"
        " (0.92, 110.12 GiB).",
        r"Free memory on device (?:\S+ )?\((?P<free>[\d.]+)/[\d.]+ GiB\) on startup is less than"
        r" desired GPU memory utilization \([\d.]+, (?P<wanted>[\d.]+) GiB\)",
        phrase("Only {free} GiB of memory were free; vLLM wanted {wanted} GiB."),
        phrase(
            "Stop another server, or set context in the catalogue to make vLLM take less. Where enough is "
            "free, older vLLM takes the page cache for used; empty it on the host: {command}",
            command=DROP_CACHES,
        ),
    ),
    rule(
        "memory-moved",
        "Error in memory profiling. Initial free memory 60.1 GiB, current free memory 61.2 GiB.",
        r"Error in memory profiling\. Initial free memory",
        phrase("Memory was freed by another program while vLLM measured it."),
        phrase("Start the model again."),
    ),
    rule(
        "kv-too-small",
        "10.0 GiB KV cache is needed, which is larger than the available KV cache memory (8.0 GiB). Based on"
        " the available memory, the estimated maximum model length is 32768.",
        r"larger than the available KV cache memory \((?P<room>[\d.]+) GiB\)"
        r".*estimated maximum model length is (?P<most>\d+)",
        phrase("The memory for the context is enough for {most} tokens only."),
        phrase("Set the context to {most} tokens or less (--max-model-len {most})."),
    ),
    rule(
        "no-kv-memory",
        "No available memory for the cache blocks.",
        r"No available memory for the cache blocks|larger than the available KV cache memory",
        phrase("No memory was left for the context."),
        phrase("Stop another server or choose a shorter context."),
    ),
    rule(
        "warmup-memory",
        "CUDA out of memory occurred when warming up sampler with 1024 dummy requests.",
        r"CUDA out of memory occurred when warming up \S+ .*with (?P<count>\d+) dummy requests",
        phrase("The memory was not enough for {count} requests at once."),
        phrase("Lower --max-num-seqs in the model's arguments, for example to 16."),
    ),
    # With VLLM_ALLOW_LONG_MAX_MODEL_LEN the same text is only a warning.
    rule(
        "context-too-long",
        "User-specified max_model_len (65536) is greater than the derived max_model_len"
        " (max_position_embeddings=40960). To allow overriding this maximum, set the env var",
        r"max_model_len \((?P<asked>\d+)\) is greater than the derived max_model_len \(\D*(?P<most>\d+)"
        r".*To allow overriding",
        phrase("The model allows at most {most} tokens of context, {asked} were asked for."),
        phrase("Set the context to {most} tokens or less."),
    ),
    rule(
        "image-too-old",
        "error: unrecognized arguments: --kv-cache-memory-bytes 8589934592",
        r"unrecognized arguments: .*--kv-cache-memory-bytes",
        phrase(
            "This vLLM image is too old for --kv-cache-memory-bytes, which keeps it from taking all memory."
        ),
        phrase("Use a newer image, or add --gpu-memory-utilization 0.5 to the model's arguments instead."),
    ),
    rule(
        "architecture-dropped",
        "Model architecture OldForCausalLM was supported in vLLM until v0.10, and is not supported anymore.",
        r"was supported in vLLM until v?(?P<version>[\w.]+), and is not supported anymore",
        phrase("This image is too new for the model."),
        phrase("Use an image of vLLM {version}."),
    ),
    *GENERAL_RULES,
)
_WRAPPER = re.compile(r"Engine core initialization failed\. See root cause above")
_SIGNS = Signs(
    re.compile(
        _WRAPPER.pattern + r"|EngineCore failed to start|EngineCore encountered a fatal error|EngineDeadError"
        r"|(?:Engine core|Worker) proc \S+ died unexpectedly"
    ),
    _WRAPPER,
    re.compile(_READY),
)
_STATISTICS = re.compile(
    r"Avg generation throughput: (?P<speed>\d{1,9}(?:\.\d{1,9})?) tokens/s,"
    r" Running: (?P<running>\d{1,9}) reqs, Waiting: (?P<waiting>\d{1,9}) reqs"
)


class Vllm:
    """vLLM, one container a model."""

    kind = EngineKind.VLLM
    lives_outside_docker = False
    loads_by_api = False
    architectures = architectures.VLLM
    spelling = Spelling(
        starts=(("vllm", "serve"), ("vllm.entrypoints.openai.api_server",)),
        bare_image=_ENTRYPOINT_IMAGE,
        positional=True,
        model=("--model",),
        context=("--max-model-len",),
        embedding=frozenset({"--runner pooling", "--task embed", "--task embedding", "--convert embed"}),
    )
    key_variable: str | None = "VLLM_API_KEY"

    def recognises(self, container: Container) -> bool:
        """By ``vllm serve`` or its older module, else by an image named after it that does not idle."""
        words = commands.words_of(container)
        if _after_serve(words) is not None or any(w.startswith("vllm.entrypoints.") for w in words):
            return True
        name = commands.repository(container.image)
        foreign = any(word in name for word in ("open-webui", "router"))
        return "vllm" in name and not foreign and not commands.idles(words)

    def port_of(self, container: Container) -> int | None:
        """``--port``, else 8000."""
        return commands.port(container, _PORT)

    def model_path(self, container: Container) -> str | None:
        """The word after ``serve``, else ``--model``."""
        rest = _after_serve(commands.words_of(container))
        if rest and not rest[0].startswith("-"):
            return rest[0]
        return commands.option(container, "--model")

    def declared_name(self, container: Container) -> str | None:
        """``--served-model-name``; of several the first, which answers carry. vLLM takes underscores too."""
        return commands.option(container, "--served-model-name", "--served_model_name")

    def run_argv(self, launch: Launch) -> tuple[str, ...]:
        """``vllm serve`` in NVIDIA's images; the images whose entrypoint that is get its arguments only."""
        port, model = str(launch.server.port), launch.model
        args = model.args_for(self.kind)
        has_entrypoint = commands.repository(launch.server.image).endswith(_ENTRYPOINT_IMAGE)
        command = [] if has_entrypoint else ["vllm", "serve"]
        command += [commands.INSIDE, "--served-model-name", model.name_on(launch.server)]
        command += ["--host", commands.ANYWHERE, "--port", port, *args]
        if model.context is not None and not commands.has_any(args, "--max-model-len"):
            command += ["--max-model-len", str(model.context)]
        command += self._limits(launch)
        if model.kind is ModelKind.EMBEDDING and not commands.has_any(args, "--runner", "--task"):
            command += ["--runner", "pooling"]
        options = ("--ipc=host", *commands.published(launch.server, port), *commands.folders(launch, "vllm"))
        return commands.docker_run(launch, options, command)

    def _limits(self, launch: Launch) -> list[str]:
        """A cache of the size that the context asks for, and the share of the memory that it all comes to.

        vLLM does not start unless its share is free, also where the cache's size is given and the share means
        nothing else (``request_memory``, 0.11 to 0.33); on a GB10 the 92 % it would ask for never are.
        """
        found, args = self.footprint(launch), launch.model.args_for(self.kind)
        words = []
        if found.cache and not commands.has_any(args, *_CACHE_FLAGS):
            words += ["--kv-cache-memory-bytes", str(found.cache)]
        takes, total = found.takes(None, launch.total_bytes), launch.total_bytes
        if (
            found.cache is not None
            and takes is not None
            and total
            and not commands.has_any(args, _SHARE_FLAG)
        ):
            words += [_SHARE_FLAG, f"{min(92, ceil(100 * takes / total)) / 100:.2f}"]
        return words

    def footprint(self, launch: Launch) -> Footprint:
        """The cache's size as given or asked for by us, else all of its share of the host's memory.

        The cache that we ask for has all layers at full context, because vLLM refuses to start with less.
        """
        model, args = launch.model, launch.model.args_for(self.kind)
        given = flags.size_of(args, *_CACHE_FLAGS)
        if given is not None:
            return footprints.of_cache(launch, given)
        share = vllm_share(launch.server.image, flags.fraction_of(args, _SHARE_FLAG))
        if model.context is None or commands.has_any(args, _SHARE_FLAG):
            return footprints.of_share(launch, share)
        if model.kind is ModelKind.EMBEDDING:
            return footprints.of_cache(launch, 0)
        a_token = footprints.token_bytes(launch, self.kind)
        if isinstance(a_token, Phrase):
            return replace(footprints.of_share(launch, share), unknown=a_token)
        return footprints.of_tokens(launch, a_token, model.context * model.parallel, None)

    def probe(self, depth: Depth) -> Dialogue[Reading]:
        """``/health`` is a flag that costs nothing, so every depth asks the same.

        503 means that the engine behind the HTTP server is dead (``EngineDeadError``).
        """
        heard = yield _HEALTH
        if not openai_answers.succeeded(heard):
            return Reading(Health.REFUSED if heard is Silence.REFUSED else Health.SILENT)
        listed = yield openai_answers.ASK_LIST
        locked = isinstance(listed, Answer) and listed.status == 401
        measured = yield _METRICS
        text = ""
        if isinstance(measured, Answer) and measured.status == 200:
            text = measured.body.decode("utf-8", "replace")
        return Reading(
            Health.LOCKED if locked else Health.READY,
            openai_answers.served_models(listed),
            running=_count(text, "vllm:num_requests_running"),
            waiting=_count(text, "vllm:num_requests_waiting"),
            generated_tokens=prometheus.total(text, "vllm:generation_tokens_total"),
        )

    def prove(self, served_name: str, kind: ModelKind) -> Dialogue[Proof]:
        """One token, or one embedding."""
        return openai_answers.prove(served_name, kind)

    def progress(self, lines: Sequence[str], before: LoadProgress | None) -> LoadProgress | None:
        """By the table above."""
        return follow(MILESTONES, lines, before)

    def activity(self, lines: Sequence[str]) -> Activity:
        """By the last line of statistics, which comes every 10 s while there are requests."""
        found = next((f for line in reversed(lines) if (f := _STATISTICS.search(line)) is not None), None)
        if found is None:
            return Activity()
        return Activity(int(found["running"]), int(found["waiting"]), float(found["speed"]))

    def diagnose(self, lines: Sequence[str], *, died: bool = False) -> Failure | None:
        """By the rules above."""
        return diagnose(RULES, lines, _SIGNS, died=died)


def _after_serve(words: Sequence[str]) -> tuple[str, ...] | None:
    for index, word in enumerate(words[:-1]):
        if commands.base_name(word) == "vllm" and words[index + 1] == "serve":
            return tuple(words[index + 2 :])
    return None


def _count(text: str, name: str) -> int | None:
    value = prometheus.total(text, name)
    return None if value is None or not 0 <= value < 1 << 53 else round(value)
