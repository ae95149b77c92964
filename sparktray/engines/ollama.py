"""Ollama. Facts are those of 0.33: one server, models are loaded and unloaded by its API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from sparktray.domain.asking import Answer, Ask, Dialogue, Health, Heard, Proof, Reading, ServedModel, Silence
from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.domain.docker.answers import seconds
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.memory import Footprint
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import LoadProgress
from sparktray.engines import commands, openai_answers
from sparktray.engines.failures import GENERAL_RULES, Signs, diagnose, rule
from sparktray.engines.openai_answers import QUICK_DEADLINE, succeeded, verdict, whole
from sparktray.engines.protocol import Activity, Depth, Launch, Spelling

_PORT = 11434
# What its installer makes on the host; then the models lie in that service's folder, in no volume.
SERVICE = "ollama.service"
_VERSION = Ask("GET", "/api/version", deadline=QUICK_DEADLINE)
_LOADED = Ask("GET", "/api/ps", deadline=QUICK_DEADLINE)
_INSTALLED = Ask("GET", "/api/tags", deadline=openai_answers.LIST_DEADLINE)
# A model that is kept for ever expires in 292 years (the longest Go duration).
_NEVER = 4_102_444_800.0  # the year 2100
LOAD_DEADLINE = 600.0  # Ollama itself gives up when a load stands still for 5 min (OLLAMA_LOAD_TIMEOUT)
UNLOAD_DEADLINE = 30.0  # answered at once; the memory comes back later

RULES = (
    rule(
        "out-of-memory",
        "model requires more system memory (20.1 GiB) than is available (9.0 GiB)",
        r"model requires more system memory(?: \((?P<wanted>[^)]+)\))?",
        phrase("The memory of the host is not enough for this model."),
        phrase("Stop another server or choose a smaller model."),
    ),
    rule(
        "killed",
        "llama runner process has terminated: signal: killed",
        r"llama runner process has terminated: signal: killed",
        phrase("The system ended a part of the server, most likely because memory ran out."),
        phrase("Stop another server or choose a smaller model."),
    ),
    rule(
        "model-not-installed",
        "model 'qwen3:32b' not found",
        r"model '(?P<name>[^']+)' not found",
        phrase("Ollama has no model {name}."),
        phrase("Install it on the host: ollama pull {name}"),
    ),
    rule(
        "port-taken",
        "Error: listen tcp 0.0.0.0:11434: bind: address already in use",
        r"listen tcp \S+: bind: address already in use",
        phrase("The server's port is already in use."),
        phrase("Stop the program that holds the port, then start the model again."),
    ),
    *GENERAL_RULES,
)
_SIGNS = Signs(re.compile(r"llama runner process has terminated|^panic: |^fatal error: "))


class Ollama:
    """Ollama, as a container or as the host's own service."""

    kind = EngineKind.OLLAMA
    lives_outside_docker = True
    loads_by_api = True
    architectures: frozenset[str] = frozenset()  # it converts models when they are installed
    spelling = Spelling()
    key_variable: str | None = None

    def recognises(self, container: Container) -> bool:
        """By ``ollama serve``, else by its image, unless another ``ollama`` command runs there."""
        words = commands.words_of(container)
        verb = next((b for a, b in pairwise(words) if commands.base_name(a) == "ollama"), None)
        if verb is not None:
            return verb == "serve"
        name = commands.repository(container.image)
        return (name == "ollama" or name.endswith("/ollama")) and not commands.idles(words)

    def port_of(self, container: Container) -> int | None:
        """11434: another one is set in the environment, which is not read."""
        return _PORT

    def model_path(self, container: Container) -> str | None:
        """None: the command line names no model."""
        return None

    def declared_name(self, container: Container) -> str | None:
        """None: the command line names no model."""
        return None

    def run_argv(self, launch: Launch) -> tuple[str, ...]:
        """The server, without a model; models lie in the volume ``ollama``."""
        ports = commands.published(launch.server, str(_PORT))
        return commands.docker_run(launch, (*ports, "-v", "ollama:/root/.ollama"), ())

    def footprint(self, launch: Launch) -> Footprint | None:
        """None: Ollama decides by itself how much of a model it keeps where."""
        return None

    def probe(self, depth: Depth) -> Dialogue[Reading]:
        """Version, then what is loaded; what is installed only in ``HEALTH``.

        The version tells Ollama from an SGLang that speaks Ollama's other routes. Nothing asked here
        loads a model or prolongs its stay.
        """
        heard = yield _VERSION
        if isinstance(heard, Silence):
            return Reading(Health.REFUSED if heard is Silence.REFUSED else Health.SILENT)
        if not succeeded(heard) or not isinstance(heard.field("version"), str):
            return Reading(Health.SILENT)
        loaded = _models((yield _LOADED))
        served = None if loaded is None else tuple(_served(entry) for entry in loaded)
        if depth is not Depth.HEALTH:
            return Reading(Health.READY, served)
        listed = _models((yield _INSTALLED))
        if listed is None:
            return Reading(Health.READY, served)
        # Entries with a remote_host run in Ollama's cloud and take nothing of this host.
        installed = tuple(str(entry["name"]) for entry in listed if not entry.get("remote_host"))
        return Reading(Health.READY, served, installed)

    def prove(self, served_name: str, kind: ModelKind) -> Dialogue[Proof]:
        """One token, or one embedding, by the routes clients use; they leave ``keep_alive`` as it is."""
        return openai_answers.prove(served_name, kind)

    def progress(self, lines: Sequence[str], before: LoadProgress | None) -> LoadProgress | None:
        """Unchanged: the log does not tell how far a load is."""
        return before

    def activity(self, lines: Sequence[str]) -> Activity:
        """Nothing: the log tells of requests only when they are over."""
        return Activity()

    def diagnose(self, lines: Sequence[str], *, died: bool = False) -> Failure | None:
        """By the rules above; the text of an API error counts as a line."""
        return diagnose(RULES, lines, _SIGNS, died=died)


class FetchReader:
    """The lines that ``/api/pull`` streams: bytes by layer, and how it ends (server/download.go, 0.33)."""

    def __init__(self) -> None:
        self._rest = b""
        self._layers: dict[str, tuple[int, int]] = {}
        self.last = ""
        self.error: str | None = None
        self.succeeded = False

    @property
    def done(self) -> int:
        """Bytes that are here."""
        return sum(done for done, _ in self._layers.values())

    @property
    def total(self) -> int:
        """Bytes of the layers that began, so at least that many in all."""
        return sum(total for _, total in self._layers.values())

    def feed(self, chunk: bytes) -> None:
        """Take in what came; what is no JSON is passed over."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            self._rest = b""
        for line in lines:
            told = Answer(200, line).json()
            if isinstance(told, dict):
                self._take(told)

    def _take(self, told: Mapping[str, object]) -> None:
        if isinstance(told.get("error"), str):
            self.error = str(told["error"])
        if isinstance(told.get("status"), str):
            self.last = str(told["status"])
            self.succeeded = self.succeeded or self.last == "success"
        layer, total, done = told.get("digest"), told.get("total"), told.get("completed", 0)
        total, done = whole(total), whole(done)
        if isinstance(layer, str) and total is not None and done is not None and done <= total:
            if len(self._layers) >= _MOST_LAYERS and layer not in self._layers:
                return
            before = self._layers.get(layer, (0, 0))
            self._layers[layer] = (max(before[0], done), max(before[1], total))


_LONGEST_LINE = 65536
_MOST_LAYERS = 1000  # a model has a handful


def load(name: str) -> Dialogue[Proof]:
    """Load a model and keep it: a request without a prompt ends when it is loaded.

    Embedding models refuse ``/api/generate`` with 400; an empty input to ``/api/embed`` loads them.
    """
    body: Mapping[str, object] = {"model": name, "keep_alive": -1, "stream": False}
    heard = yield Ask("POST", "/api/generate", json=body, deadline=LOAD_DEADLINE)
    if isinstance(heard, Answer) and heard.status == 400:
        body = {"model": name, "keep_alive": -1, "input": ""}
        heard = yield Ask("POST", "/api/embed", json=body, deadline=LOAD_DEADLINE)
    return verdict(heard, _without_error(heard))


def unload(name: str) -> Dialogue[Proof]:
    """Let go of a model. It disappears from ``/api/ps`` once its last request is over."""
    body: Mapping[str, object] = {"model": name, "keep_alive": 0, "stream": False}
    heard = yield Ask("POST", "/api/generate", json=body, deadline=UNLOAD_DEADLINE)
    if isinstance(heard, Answer) and heard.status == 400:
        body = {"model": name, "keep_alive": 0, "input": ""}
        heard = yield Ask("POST", "/api/embed", json=body, deadline=UNLOAD_DEADLINE)
    return verdict(heard, _without_error(heard))


def _without_error(heard: Heard) -> bool:
    return isinstance(heard, Answer) and isinstance(heard.json(), dict) and heard.field("error") is None


def _models(heard: Heard) -> list[Mapping[str, object]] | None:
    if not isinstance(heard, Answer) or heard.status != 200:
        return None
    body = heard.json()
    if not isinstance(body, dict) or "models" not in body:
        return None
    entries = body["models"] or []
    if not isinstance(entries, list):
        return None
    return [e for e in entries if isinstance(e, dict) and isinstance(e.get("name"), str) and e["name"]]


def _served(entry: Mapping[str, object]) -> ServedModel:
    until = seconds(entry.get("expires_at"))
    stays = until is not None and until > _NEVER
    context = whole(entry.get("context_length"))
    return ServedModel(str(entry["name"]), context_length=context, until=None if stays else until)
