"""Why an engine died, by its last log lines: the kind of rule, and the rules that hold for every engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Failure
from sparktray.domain.text import clean_line, clean_name

TAIL = 20
_LONGEST_EXCEPTION = 300

# Engines print their arguments at start, "trust_remote_code=True" among them: no failure.
_ECHO = re.compile(r"server_args=|non-default args: |LLM engine \(v\S+\) with config")
_EXCEPTION = re.compile(
    r"(?:^|[\s|])((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)(?:: .*\S)?|Exception: .*\S)\s*$"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A text that names a cause. Named groups of the pattern are values of both sentences."""

    code: str
    pattern: re.Pattern[str]
    cause: Phrase
    remedy: Phrase

    def failure(self, found: re.Match[str]) -> Failure:
        """The failure for one match, without a log."""
        values = {name: clean_name(value or "") for name, value in found.groupdict().items()}
        return Failure(
            self.code,
            Phrase(self.cause.msgid, {**self.cause.values, **values}),
            Phrase(self.remedy.msgid, {**self.remedy.values, **values}),
        )


def rule(code: str, pattern: str, cause: Phrase, remedy: Phrase) -> Rule:
    """A rule whose pattern is searched without regard to case."""
    return Rule(code, re.compile(pattern, re.IGNORECASE), cause, remedy)


def diagnose(
    rules: Sequence[Rule],
    lines: Sequence[str],
    death: re.Pattern[str],
    wrapper: re.Pattern[str] | None = None,
) -> Failure | None:
    """The failure the lines speak of: the first rule that matches any line, by its last such line.

    ``death`` matches lines that tell of a death without its cause; without a rule they become
    ``engine-died`` with the last exception. Exceptions from the first ``wrapper`` line on only
    repeat that something died.
    """
    spoken = [line for line in lines if _ECHO.search(line) is None]
    tail = tuple(lines[-TAIL:])
    failure = first_match(rules, spoken)
    if failure is None and any(death.search(line) for line in spoken):
        failure = _died(spoken, wrapper)
    if failure is None:
        return None
    return Failure(failure.code, failure.cause, failure.remedy, tail)


def first_match(rules: Sequence[Rule], lines: Sequence[str]) -> Failure | None:
    """The failure of the first rule that matches a line, by the last line it matches."""
    for candidate in rules:
        for line in reversed(lines):
            found = candidate.pattern.search(line)
            if found is not None:
                return candidate.failure(found)
    return None


def _died(lines: Sequence[str], wrapper: re.Pattern[str] | None) -> Failure:
    wraps = (i for i, line in enumerate(lines) if wrapper is not None and wrapper.search(line))
    end = next(wraps, len(lines))
    exceptions = [found[1] for line in lines[:end] if (found := _EXCEPTION.search(line)) is not None]
    remedy = phrase("Look at the log, then start the model again.")
    if not exceptions:
        return Failure("engine-died", phrase("The server ended by itself without naming a reason."), remedy)
    text = clean_line(exceptions[-1])[:_LONGEST_EXCEPTION]
    return Failure("engine-died", phrase("The server ended with an error: {error}", error=text), remedy)


_FREE_MEMORY = phrase("Stop another server or choose a shorter context.")
_CHECK_FOLDER = phrase("Check the model's path in the catalogue and download the model again if needed.")
_WRONG_GPU = phrase("This image is not built for the GPU of the DGX Spark (GB10).")
_OTHER_IMAGE = phrase("Use a newer image of this engine that is made for the DGX Spark.")

# Triton 3.5 raises PTXASError with ptxas' text, older ones show the failed command with its --gpu-name.
PTXAS = r"Value 'sm_121a?' is not defined|PTXASError|ptxas\S*', .*sm_121a?.*non-zero exit status"

GB10_RULES = (
    rule(
        "wrong-gpu-image",
        r"no kernel image is available for execution on the device",
        _WRONG_GPU,
        _OTHER_IMAGE,
    ),
    rule(
        "driver-too-old",
        r"unsatisfied condition: |NVIDIA driver on your system is too old"
        r"|CUDA driver version is insufficient for CUDA runtime version",
        phrase("The NVIDIA driver of the host is too old for this image."),
        phrase("Update the DGX OS and restart the host, or use an older image."),
    ),
)
"""Image and driver do not fit this GPU: nothing else in the log matters then."""

GENERAL_RULES = (
    rule(
        "out-of-memory",
        r"torch\.(?:cuda\.)?OutOfMemoryError|CUDA out of memory|CUDA error: out of memory|NV_ERR_NO_MEMORY"
        r"|std::bad_alloc|cudaErrorMemoryAllocation",
        phrase("The memory of the host is not enough for this model."),
        _FREE_MEMORY,
    ),
    rule(
        "killed",
        r"exit code:? -9\b",
        phrase("The system ended a part of the server, most likely because memory ran out."),
        _FREE_MEMORY,
    ),
    rule(
        "gated",
        r"401 Client Error|Cannot access gated repo|\bgated repo\b|GatedRepoError|RepositoryNotFoundError",
        phrase("Hugging Face does not give access to a part of this model."),
        phrase("Accept the model's licence there and set HF_TOKEN in the catalogue."),
    ),
    rule(
        "remote-code",
        r"custom code (?:contained in \S+ )?which must be executed"
        r"|(?:argument|option|setting) `?trust_remote_code=True",
        phrase("The model brings its own program code, which must be allowed."),
        phrase("Add --trust-remote-code to the model's arguments, if you trust it."),
    ),
    rule(
        "model-path-missing",
        r"does not appear to have a file named config\.json|Repo id must be in the form|HFValidationError"
        r"|is not a local folder and is not a valid model identifier|No such file or directory: '/model/?'"
        r"|No such file or directory: '?/model/config\.json",
        phrase("There is no model in the folder."),
        _CHECK_FOLDER,
    ),
    rule(
        "weights-missing",
        r"Cannot find any model weights|No safetensors|No such file or directory: \S*\.safetensors"
        r"|Error while deserializing header|MetadataIncompleteBuffer|HeaderTooLarge",
        phrase("The model's weights are missing or incomplete."),
        phrase("Download the model again."),
    ),
    rule(
        "quantization",
        r"Unknown quantization method: (?P<method>\S+?)[.,;]?(?:\s|$)",
        phrase("This image does not know the quantization {method}."),
        _OTHER_IMAGE,
    ),
    rule(
        "quantization-conflict",
        r"Quantization method specified in the model config \((?P<method>[^)]+)\) does not match",
        phrase("The model is quantized with {method}, but the arguments ask for something else."),
        phrase("Remove --quantization from the model's arguments."),
    ),
    rule(
        "architecture",
        r"Model architectures? (?P<name>\[.*?\]|\S+) (?:are|is) not supported|has no SGlang implementation"
        r"|model type `(?P<type>[^`]+)` but Transformers does not recognize this architecture",
        phrase("This image is too old for the model."),
        phrase("Use a newer image of this engine."),
    ),
    rule(
        "port-taken",
        r"\[Errno 98\].*address already in use|OSError: \[Errno 98\]",
        phrase("The server's port is already in use."),
        phrase("Stop the program that holds the port, then start the model again."),
    ),
    rule(
        "disk-full",
        r"no space left on device",
        phrase("A disk of the host is full."),
        phrase("Free some space on the host, then start the model again."),
    ),
    rule(
        "wrong-platform",
        r"exec format error",
        phrase("This image is made for another kind of processor."),
        phrase("Use an image for linux/arm64."),
    ),
    rule(
        "watchdog",
        r"watchdog (?:caught collective operation )?timeout",
        phrase("The model did not finish a step within the engine's time limit."),
        phrase("Start the model again; if it happens again, choose a shorter context."),
    ),
    rule(
        "arguments",
        r"error: (?:unrecognized arguments: (?P<argument>.*\S)|argument (?P<other>\S+?): )",
        phrase("The engine does not accept an argument: {argument}{other}"),
        phrase("Correct the model's arguments in the catalogue."),
    ),
    rule(
        "driver-mismatch",
        r"Failed to initialize NVML|Driver/library version mismatch",
        phrase("The NVIDIA driver was updated but is not running yet."),
        phrase("Restart the host."),
    ),
    # PyTorch prints this as a warning in images that work, so every other cause goes before it.
    rule("wrong-gpu-image", r"CUDA capability sm_121a? is not compatible", _WRONG_GPU, _OTHER_IMAGE),
)
"""Causes that PyTorch, Hugging Face or the system name, whatever the engine; after the engine's own."""
