"""Why an engine died, by its last log lines: the kind of rule, and the rules that hold for every engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import msgspec
from msgspec.structs import replace

from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Failure
from sparktray.domain.text import clean_line, clean_name

TAIL = 20
_LONGEST_EXCEPTION = 300

# Engines print their arguments at start, "trust_remote_code=True" among them, and what people asked of
# them where that was switched on: no failure.
_ECHO = re.compile(
    r"server_args=|non-default args: |LLM engine \(v\S+\) with config"
    r"|Received request |(?:Receive|Finish): obj="
)
# Pydantic names the cause in a line of its own, below the exception.
_EXCEPTION = re.compile(
    r"(?:^|[\s|])((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)(?:: .*\S)?|Exception: .*\S)\s*$"
    r"|(?:^|\s)Value error, (.*?)(?: \[type=.*)?$"
)


class Rule(msgspec.Struct, frozen=True):
    """A text that names a cause. Named groups of the pattern, searched for without regard to case, are values
    of both sentences.

    ``seen`` is the text as people see it in the log. One that is ``common`` also comes as a warning in
    images that work: it is a cause only where something died.
    """

    code: str
    seen: str
    pattern: str
    cause: Phrase
    remedy: Phrase
    common: bool = False

    @property
    def compiled(self) -> re.Pattern[str]:
        """The pattern, ready to search."""
        return _compiled(self.pattern)

    def failure(self, found: re.Match[str]) -> Failure:
        """The failure for one match, without a log."""
        values = {name: clean_name(value or "") for name, value in found.groupdict().items()}
        return Failure(
            self.code,
            Phrase(self.cause.msgid, {**self.cause.values, **values}),
            Phrase(self.remedy.msgid, {**self.remedy.values, **values}),
        )


def rule(code: str, seen: str, pattern: str, cause: Phrase, remedy: Phrase, *, common: bool = False) -> Rule:
    """A rule whose pattern is searched without regard to case."""
    return Rule(code, seen, pattern, cause, remedy, common)


class Signs(msgspec.Struct, frozen=True):
    """What an engine's log says of its life.

    ``death`` matches lines that tell of a death without its cause; exceptions from the first ``wrapper``
    line on only repeat that something died. What was said before the last ``ready`` line ended no load.
    """

    death: re.Pattern[str]
    wrapper: re.Pattern[str] | None = None
    ready: re.Pattern[str] | None = None


def diagnose(rules: Sequence[Rule], lines: Sequence[str], signs: Signs, *, died: bool) -> Failure | None:
    """The failure the lines speak of: the first rule that matches any line, by its last such line.

    Without a rule it is ``engine-died`` with the last exception, where a line tells of a death; ``died``
    is that the container's exit code tells it, and then an exception is enough.
    """
    spoken = [line for line in _since_ready(lines, signs.ready) if _ECHO.search(line) is None]
    told = any(signs.death.search(line) for line in spoken)
    failure = first_match([r for r in rules if not r.common or told or died], spoken)
    if failure is None and (told or died):
        failure = _died(spoken, signs.wrapper, told=told)
    return None if failure is None else replace(failure, log_tail=tuple(lines[-TAIL:]))


def _since_ready(lines: Sequence[str], ready: re.Pattern[str] | None) -> Sequence[str]:
    last = max((i for i, line in enumerate(lines) if ready is not None and ready.search(line)), default=-1)
    return lines[last + 1 :]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Made when a server has failed: all of them at once would take 8 ms of each start."""
    return re.compile(pattern, re.IGNORECASE)


def first_match(rules: Sequence[Rule], lines: Sequence[str]) -> Failure | None:
    """The failure of the first rule that matches a line, by the last line it matches."""
    for candidate in rules:
        for line in reversed(lines):
            found = candidate.compiled.search(line)
            if found is not None:
                return candidate.failure(found)
    return None


def _died(lines: Sequence[str], wrapper: re.Pattern[str] | None, *, told: bool) -> Failure | None:
    wraps = (i for i, line in enumerate(lines) if wrapper is not None and wrapper.search(line))
    end = next(wraps, len(lines))
    exceptions = [found[1] or found[2] for line in lines[:end] if (found := _EXCEPTION.search(line))]
    remedy = phrase("Look at the log, then start the model again.")
    if exceptions:
        text = clean_line(exceptions[-1])[:_LONGEST_EXCEPTION]
        return Failure("engine-died", phrase("The server ended with an error: {error}", error=text), remedy)
    if told:
        return Failure("engine-died", phrase("The server ended by itself without naming a reason."), remedy)
    return None


_FREE_MEMORY = phrase("Stop another server or choose a shorter context.")
_CHECK_FOLDER = phrase("Check the model's path in the catalogue and download the model again if needed.")
_LOAD_AGAIN = phrase("Download the model again.")
_WRONG_GPU = phrase("This image is not built for the GPU of the DGX Spark (GB10).")
_OTHER_IMAGE = phrase("Use a newer image of this engine that is made for the DGX Spark.")
_NEWER_IMAGE = phrase("Use a newer image of this engine.")

PTXAS_SEEN = "ptxas fatal : Value 'sm_121a' is not defined for option 'gpu-name'"
# Triton 3.5 raises PTXASError with ptxas' text, older ones show the failed command with its --gpu-name;
# nvcc of a CUDA before 12.9 (FlashInfer compiles with it) names the architecture otherwise.
PTXAS = (
    r"Value 'sm_121a?' is not defined|PTXASError|ptxas\S*', .*sm_121a?.*non-zero exit status"
    r"|Unsupported gpu architecture 'compute_121a?'"
)

GB10_RULES = (
    rule(
        "wrong-gpu-image",
        "CUDA error: no kernel image is available for execution on the device",
        r"no kernel image is available for execution on the device",
        _WRONG_GPU,
        _OTHER_IMAGE,
    ),
    rule(
        "driver-too-old",
        "The NVIDIA driver on your system is too old",
        r"unsatisfied condition: |NVIDIA driver on your system is too old"
        r"|CUDA driver version is insufficient for CUDA runtime version",
        phrase("The NVIDIA driver of the host is too old for this image."),
        phrase("Update the DGX OS and restart the host, or use an older image."),
    ),
)
"""Image and driver do not fit this GPU: nothing else in the log matters then."""

_MEMORY_RULES = (
    rule(
        "out-of-memory",
        "torch.OutOfMemoryError: CUDA out of memory.",
        r"torch\.(?:cuda\.)?OutOfMemoryError|CUDA out of memory|CUDA error: out of memory|NV_ERR_NO_MEMORY"
        r"|std::bad_alloc|cudaErrorMemoryAllocation",
        phrase("The memory of the host is not enough for this model."),
        _FREE_MEMORY,
    ),
    rule(
        "killed",
        "exit code: -9",
        r"exit code:? -9\b|terminated with -9\b|Failed core proc\(s\): \{[^}]*: -9\b",
        phrase("The system ended a part of the server, most likely because memory ran out."),
        _FREE_MEMORY,
    ),
)
_MODEL_RULES = (
    rule(
        "gated",
        "You are trying to access a gated repo.",
        r"401 Client Error|Cannot access gated repo|\bgated repo\b|GatedRepoError|RepositoryNotFoundError",
        phrase("Hugging Face does not give access to a part of this model."),
        phrase("Accept the model's licence there and set HF_TOKEN in the catalogue."),
    ),
    rule(
        "remote-code",
        "The repository /model contains custom code which must be executed to correctly load the model.",
        r"custom code (?:contained in \S+ )?which must be executed"
        r"|(?:argument|option|setting) `?trust_remote_code=True",
        phrase("The model brings its own program code, which must be allowed."),
        phrase("Add --trust-remote-code to the model's arguments, if you trust it."),
    ),
    rule(
        "model-path-missing",
        "/model does not appear to have a file named config.json.",
        r"does not appear to have a file named config\.json|Repo id must be in the form|HFValidationError"
        r"|is not a local folder and is not a valid model identifier|No such file or directory: '/model/?'"
        r"|No such file or directory: '?/model/config\.json|Can't load the configuration of '/model"
        r"|Invalid repository ID or local directory specified",
        phrase("There is no model in the folder."),
        _CHECK_FOLDER,
    ),
    rule(
        "tokenizer-missing",
        "Can't load tokenizer for '/model'.",
        r"Can't load tokenizer for '",
        phrase("The model's folder has no tokenizer that this image can read."),
        _LOAD_AGAIN,
    ),
    rule(
        "model-damaged",
        "It looks like the config file at '/model/config.json' is not a valid JSON file.",
        r"config file at '(?P<path>[^']+)' is not a valid JSON file",
        phrase("A file of the model is damaged: {path}"),
        _LOAD_AGAIN,
    ),
    rule(
        "model-unreadable",
        "PermissionError: [Errno 13] Permission denied: '/model/config.json'",
        r"Permission denied: '?(?P<path>/model[^'\s]*)",
        phrase("The container may not read the model: {path}"),
        phrase("Make the folder on the host readable for everybody: chmod -R a+rX FOLDER"),
    ),
    rule(
        "weights-missing",
        "Cannot find any model weights with `/model`",
        r"Cannot find any model weights|No safetensors|No such file or directory: \S*\.safetensors"
        r"|Error while deserializing header|MetadataIncompleteBuffer|HeaderTooLarge",
        phrase("The model's weights are missing or incomplete."),
        _LOAD_AGAIN,
    ),
    rule(
        "hub-unreachable",
        "We couldn't connect to 'https://huggingface.co' to load the files",
        r"We couldn't connect to 'https?://huggingface\.co"
        r"|requested files in the disk cache and outgoing traffic has been disabled",
        phrase("A part of the model is to come from Hugging Face, which the container cannot reach."),
        phrase("Put all files into the model's folder, or check the host's internet connection."),
    ),
    rule(
        "quantization",
        "Unknown quantization method: nvfp4.",
        r"Unknown quantization method: (?P<method>\S+?)[.,;]?(?:\s|$)",
        phrase("This image does not know the quantization {method}."),
        _OTHER_IMAGE,
    ),
    rule(
        "quantization-conflict",
        "Quantization method specified in the model config (modelopt) does not match the quantization method"
        " specified in the `quantization` argument",
        r"Quantization method specified in the model config \((?P<method>[^)]+)\) does not match",
        phrase("The model is quantized with {method}, but the arguments ask for something else."),
        phrase("Remove --quantization from the model's arguments."),
    ),
    rule(
        "architecture",
        "Model architectures ['NewForCausalLM'] are not supported for now.",
        r"Model architectures? (?P<name>\[.*?\]|\S+) (?:are|is) not supported"
        r"|has no SGlang implementation and the Transformers implementation is not compatible"
        r"|model type `(?P<type>[^`]+)` but Transformers does not recognize this architecture",
        phrase("This image is too old for the model."),
        _NEWER_IMAGE,
    ),
    rule(
        "weights-mismatch",
        "Attempted to load weight (torch.Size([4096, 2048])) into parameter (torch.Size([4096, 4096]))",
        r"Attempted to load weight \(.*\) into parameter \(|Following weights were not initialized from"
        r"|assert param(?:_data|\.data)?\.(?:shape|size\(\)) == loaded_weight\.(?:shape|size\(\))",
        phrase("The model's files do not fit what the engine expects of such a model."),
        phrase(
            "Check --quantization in the model's arguments (modelopt_fp4 for NVFP4 files), or use a newer "
            "image of this engine."
        ),
    ),
)
_HOST_RULES = (
    rule(
        "port-taken",
        "[Errno 98] error while attempting to bind on address ('0.0.0.0', 30000): address already in use",
        r"\[Errno 98\].*address already in use|OSError: \[Errno 98\]",
        phrase("The server's port is already in use."),
        phrase("Stop the program that holds the port, then start the model again."),
    ),
    rule(
        "shared-memory",
        "Error while creating shared memory segment /dev/shm/nccl-0",
        r"creating shared memory segment|failed to extend /dev/shm|insufficient shared memory"
        r"|No space left on device: '/(?:dev/shm/|psm_)",
        phrase("The container has too little shared memory."),
        phrase("Add --ipc=host or --shm-size=16g to docker_args in the catalogue."),
    ),
    rule(
        "disk-full",
        "OSError: [Errno 28] No space left on device",
        r"no space left on device",
        phrase("A disk of the host is full."),
        phrase("Free some space on the host, then start the model again."),
    ),
    rule(
        "wrong-platform",
        "exec /usr/bin/python3: exec format error",
        r"exec format error",
        phrase("This image is made for another kind of processor."),
        phrase("Use an image for linux/arm64."),
    ),
    rule(
        "gpu-invisible",
        "RuntimeError: No CUDA GPUs are available",
        r"No CUDA GPUs are available|Found no NVIDIA driver on your system|Failed to infer device type"
        r"|No accelerator \(.*\) is available",
        phrase("The container sees no GPU."),
        phrase("Start it with --gpus all. If it was, look on the host whether nvidia-smi works."),
    ),
)
_ENGINE_RULES = (
    # A soft watchdog (SGLang 0.5.23) only writes this down.
    rule(
        "watchdog",
        "Watchdog timeout (self.watchdog_timeout=300)",
        r"watchdog (?:caught collective operation )?timeout(?!.*soft=True)",
        phrase("The model did not finish a step within the engine's time limit."),
        phrase("Start the model again; if it happens again, choose a shorter context."),
    ),
    rule(
        "arguments",
        "error: unrecognized arguments: --nonsense",
        r"error: (?:unrecognized arguments: (?P<argument>.*\S)|argument (?P<other>\S+?): )"
        r"|(?P<parser>(?:invalid tool call parser: |Reasoning parser ')[^\s']+)",
        phrase("The engine does not accept an argument: {argument}{other}{parser}"),
        phrase("Correct the model's arguments in the catalogue."),
    ),
    rule(
        "package-missing",
        "ModuleNotFoundError: No module named 'flashinfer'",
        r"(?:ModuleNotFoundError: |python3?: |ImportError: )No module named '?(?P<name>[\w.]+)",
        phrase("This image lacks a part that the model needs: {name}"),
        _NEWER_IMAGE,
        common=True,
    ),
    rule(
        "driver-mismatch",
        "Failed to initialize NVML: Driver/library version mismatch",
        r"Failed to initialize NVML|Driver/library version mismatch",
        phrase("The NVIDIA driver was updated but is not running yet."),
        phrase("Restart the host."),
        common=True,
    ),
    rule(
        "wrong-gpu-image",
        "NVIDIA GB10 with CUDA capability sm_121 is not compatible with the current PyTorch installation.",
        r"CUDA capability sm_121a? is not compatible",
        _WRONG_GPU,
        _OTHER_IMAGE,
        common=True,
    ),
)
GENERAL_RULES = (*_MEMORY_RULES, *_MODEL_RULES, *_HOST_RULES, *_ENGINE_RULES)
"""Causes that PyTorch, Hugging Face or the system name, whatever the engine; after the engine's own."""
