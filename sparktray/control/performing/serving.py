"""Steps on what serves: a model's first answer, and loading and unloading by Ollama's API."""

from __future__ import annotations

import time

from sparktray.control import reading
from sparktray.control.performing.task import NotProven, Pace, Task, must
from sparktray.decide.changing.preflight import ollama_refusal
from sparktray.domain.action import FetchOllama, LoadOllama, ProveServing, UnloadOllama
from sparktray.domain.asking import Health, Reading
from sparktray.domain.catalogue import EngineKind
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_line
from sparktray.engines import ollama
from sparktray.engines.protocol import Depth
from sparktray.engines.registry import engine
from sparktray.remote.contract import Http

# Ollama waits for requests under way before it gives a model up.
_UNLOAD_SECONDS = 60.0
_UNLOAD_PAUSE = 0.2
# Ollama listens within a second of its start; a host short of memory is slower.
_OLLAMA_UP_SECONDS = 30.0
# The registry is asked for the manifest before the first line comes.
_FETCH_BEGINS_SECONDS = 60.0


def prove(task: Task, action: ProveServing) -> None:
    """Ask the model for one token, or one embedding."""
    server = task.catalogue.server(action.server)
    kind = server.engine if server is not None else EngineKind.SGLANG
    dialogue = engine(kind).prove(action.served_name, action.kind)
    key = task.secret(action.key) if action.key is not None else None
    must(reading.converse(task.remote.http, task.port(action.server), dialogue, key))


def fetch(task: Task, action: FetchOllama) -> None:
    """Have Ollama fetch a model, with its bytes shown. Broken off, it keeps what came for the next time."""
    port = task.port(action.server)
    told = _once_up(task, port)
    wanted = {action.name, f"{action.name}:latest"}
    if wanted & set(told.installed or ()):
        return
    reader, pace = ollama.FetchReader(), Pace()
    body = {"model": action.name, "stream": True}
    stream = task.remote.http.stream(
        port, "POST", "/api/pull", json=body, deadline=_FETCH_BEGINS_SECONDS, cancel=task.cancel
    )
    with stream:
        for chunk in stream:
            reader.feed(chunk)
            if task.cancel.is_set():
                break
            if pace.due(reader.done, reader.total):
                task.came(clean_line(reader.last), reader.done, reader.total)
    if task.cancel.is_set():
        raise NotProven(_not_fetched(action.name, ""))
    now = reading.converse(task.remote.http, port, engine(EngineKind.OLLAMA).probe(Depth.HEALTH))
    if not wanted & set(now.installed or ()):
        raise NotProven(_not_fetched(action.name, reader.error or reader.last))


def _not_fetched(name: str, said: str) -> Problem:
    detail = clean_line(said)
    if "file does not exist" in said:
        return Problem(
            "model-missing",
            phrase("Ollama's library has no model {model}.", model=name),
            phrase("Look for its name at ollama.com/library, and correct it in models.json."),
            detail,
        )
    if "no space left" in said:
        return Problem(
            "disk-full",
            phrase("The host's disk is full; {model} could not be fetched whole.", model=name),
            phrase("Make room on the host, for example by removing a model: ollama rm NAME"),
            detail,
        )
    return Problem(
        "fetch-failed",
        phrase("Ollama could not fetch {model}: {detail}", model=name, detail=detail or "-"),
        phrase("Try again; what has come already is not fetched twice."),
        detail,
    )


def load(task: Task, action: LoadOllama) -> None:
    """Load once Ollama is up; its container may have been started a moment ago."""
    port, http = task.port(action.server), task.remote.http
    told = _once_up(task, port)
    server = task.catalogue.server(action.server)
    lacking = ollama_refusal(action.name, told.installed or (), server) if server is not None else None
    if lacking is not None:
        raise NotProven(lacking)
    must(reading.converse(http, port, ollama.load(action.name)))


def _once_up(task: Task, port: int) -> Reading:
    """What it says once it answers, or says nothing any more."""
    known = engine(EngineKind.OLLAMA)
    until = time.monotonic() + _OLLAMA_UP_SECONDS
    while True:
        told = reading.converse(task.remote.http, port, known.probe(Depth.HEALTH))
        if told.health is Health.READY or time.monotonic() > until or task.cancel.is_set():
            return told
        task.cancel.wait(0.1)


def unload(task: Task, action: UnloadOllama) -> None:
    """Unload and watch it go; a server that is down, or does not hold the model, is fine as it is."""
    port, http = task.port(action.server), task.remote.http
    if not _holds(http, port, action.name):
        return
    must(reading.converse(http, port, ollama.unload(action.name)))
    until = time.monotonic() + _UNLOAD_SECONDS
    while _holds(http, port, action.name):
        if time.monotonic() > until:
            raise NotProven(
                Problem(
                    "still-loaded",
                    phrase("Ollama still holds {model}.", model=action.name),
                    phrase("It waits for requests under way. Try again in a minute."),
                )
            )
        time.sleep(_UNLOAD_PAUSE)


def _holds(http: Http, port: int, name: str) -> bool:
    """Whether Ollama on that port has the model in memory."""
    told = reading.converse(http, port, engine(EngineKind.OLLAMA).probe(Depth.WATCH))
    held = {model.id for model in told.served or ()}
    return bool({name, f"{name}:latest"} & held)
