"""The JSON of the command line: keys and codes are a contract and never follow the language."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

from sparktray.decide.clients.reach import direct_url
from sparktray.decide.conflicts import Conflict, conflicts
from sparktray.decide.identity import running_on
from sparktray.decide.showing.present import sentence
from sparktray.decide.truth import icon_of
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.memory import MemorySum
from sparktray.domain.operation import Operation, OperationEnd, StepRun
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.domain.text import clean_name
from sparktray.wording import Wording

Json = dict[str, object]


def utc(seconds: float | None) -> str | None:
    """A time as ISO 8601 in UTC to the millisecond."""
    if seconds is None:
        return None
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status_view(snapshot: Snapshot, say: Wording) -> Json:
    """The whole picture. An operation that is over is left out: only a tray would still know it."""
    operation, last = snapshot.active, snapshot.operation
    broken = last if last is not None and last.end is OperationEnd.INTERRUPTED else None
    return {
        "host": snapshot.host.name,
        "link": snapshot.link,
        "icon": icon_of(snapshot),
        "sentence": say(sentence(snapshot)),
        "observed_at": utc(snapshot.observed_at),
        "operation": None if operation is None else operation_view(operation, say),
        "interrupted": None if broken is None else operation_view(broken, say),
        "servers": [server_view(snapshot, state, say) for state in snapshot.servers],
        "conflicts": [conflict_view(each, say) for each in conflicts(snapshot)],
        "other_containers": [container_view(each) for each in other_containers(snapshot)],
        **vitals_view(snapshot),
        "open_webui": _open_webui(snapshot),
    }


def server_view(snapshot: Snapshot, state: ServerState, say: Wording) -> Json:
    """One server of the catalogue."""
    running = running_on(snapshot, state)
    container = state.container
    progress = state.progress
    return {
        "server": state.name,
        "engine": state.server.engine,
        "container": state.server.container if container is None else container.name,
        "container_state": None if container is None else container.state,
        "phase": state.phase,
        "model": None if running.model is None else running.model.id,
        "model_id": running.model_id,
        "misnamed": running.misnamed,
        "model_path": running.model_path,
        "image": state.server.image if container is None else container.image,
        "port": state.server.port,
        "base_url": direct_url(snapshot.host, state),
        "context_length": running.context_length,
        "requests_running": state.running,
        "requests_waiting": state.waiting,
        "tokens_per_second": state.tokens_per_second,
        "managed": container is not None and container.managed,
        "started_at": None if container is None else utc(container.started_at),
        "failure": failure_view(state.failure, say),
        "progress": None
        if progress is None
        else {"phase": say(progress.phase), "fraction": progress.fraction},
        "note": server_note(state, say),
        "stays_until": utc(running.until),
    }


def conflict_view(conflict: Conflict, say: Wording) -> Json:
    """What stands in each other's way; ``wish`` is null where only a person can do the command."""
    wish = conflict.way_out.wish
    return {
        "code": conflict.code,
        "sentence": say(conflict.sentence),
        "servers": list(conflict.servers),
        "command": conflict.way_out.command,
        "wish": None
        if wish is None
        else {"kind": "stop", "server": wish.server, "stay_down": wish.stay_down},
    }


def server_note(state: ServerState, say: Wording) -> str | None:
    """What a person should know of a server's container or of who holds its port."""
    if state.contradiction is not None:
        return say(state.contradiction)
    if state.stranger is None:
        return None
    name, port = clean_name(state.stranger), state.server.port
    return say(phrase("Container {name} holds port {port}.", name=name, port=port))


def failure_view(failure: Failure | None, say: Wording) -> Json | None:
    """Why a server or an operation failed."""
    if failure is None:
        return None
    return {
        "code": failure.code,
        "cause": say(failure.cause),
        "remedy": say(failure.remedy),
        "log_tail": list(failure.log_tail),
    }


def operation_view(operation: Operation, say: Wording) -> Json:
    """An operation, under way or over."""
    return {
        "id": operation.id,
        "kind": operation.kind,
        "server": operation.server,
        "model": operation.model,
        "end": operation.end,
        "steps": [_step(run) for run in operation.runs],
        "failure": failure_view(operation.failure, say),
        "memory": memory_view(operation.memory, say),
    }


def memory_view(found: MemorySum | None, say: Wording) -> Json | None:
    """The sum by which a model fits or not, in bytes; a part that is not known is null."""
    if found is None:
        return None
    what = found.footprint
    return {
        "takes_bytes": found.takes,
        "weights_bytes": what.weights,
        "cache_bytes": what.cache,
        "cache_tokens": what.tokens,
        "token_bytes": what.a_token,
        "overhead_bytes": what.overhead,
        "share": None if what.share is None else what.share.fraction,
        "share_of": None if what.share is None else what.share.of,
        "available_bytes": found.available,
        "freed_bytes": found.at_start - found.available,
        "stops": list(found.stops),
        "total_bytes": found.total,
        "kept_bytes": found.kept,
        "room_bytes": found.room,
        "left_bytes": found.left,
        "fits": None if found.short is None else not found.short,
        "unknown": None if what.unknown is None else say(what.unknown),
    }


def _step(run: StepRun) -> Json:
    return {
        "name": run.step.name,
        "command": shlex.join(run.step.command) or None,
        "state": run.state,
        "seconds": step_seconds(run),
        "back": run.back,
    }


def step_seconds(run: StepRun) -> float | None:
    """How long a step took, None before its end."""
    if run.started_at is None or run.ended_at is None:
        return None
    return round(run.ended_at - run.started_at, 3)


def other_containers(snapshot: Snapshot) -> list[Container]:
    """Containers that are no server, not the lock, and not Open WebUI."""
    ours = {state.container.id for state in snapshot.servers if state.container is not None}
    webui = snapshot.catalogue.open_webui.container
    return [c for c in snapshot.containers if c.id not in ours and not c.is_lock and c.name != webui]


def container_view(container: Container) -> Json:
    """A container that is listed and never touched."""
    return {
        "name": container.name,
        "image": container.image,
        "state": container.state,
        "ports": sorted({each.port for each in container.ports}),
    }


def vitals_view(snapshot: Snapshot) -> Json:
    """Memory and GPU; a value that the host does not give is null."""
    vitals = snapshot.vitals
    return {
        "memory": {"total_bytes": vitals.total_bytes, "available_bytes": vitals.available_bytes},
        "gpu": {
            "name": vitals.gpu_name,
            "utilization_percent": vitals.gpu_percent,
            "temperature_c": vitals.gpu_celsius,
            "power_w": vitals.gpu_watt,
        },
    }


def _open_webui(snapshot: Snapshot) -> Json:
    known = snapshot.catalogue.open_webui
    container = snapshot.container_named(known.container)
    published = sorted({each.port for each in container.ports}) if container is not None else []
    return {
        "container": known.container,
        "container_state": None if container is None else container.state,
        "port": known.port if known.port in published or not published else published[0],
    }
