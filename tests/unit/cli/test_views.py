"""The JSON that scripts rely on, and the lines that people read."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from sparktray.cli.output import Output
from sparktray.cli.tables import aligned, server_remarks, server_row, status_lines
from sparktray.cli.views import memory_view, operation_view, status_view, utc
from sparktray.decide.changing import steps
from sparktray.decide.changing.locking import unlock
from sparktray.domain.docker.container import LOCK_NAME, Container, ContainerState, PublishedPort
from sparktray.domain.facts.memory import Base, Footprint, MemorySum, Share
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    OperationKind,
    StepRun,
    StepState,
    SwitchWish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import Phase, Snapshot
from sparktray.wording import Wording
from tests.unit.cli.pictures import QWEN, failed, loading, picture, ready, serving, state_of

SAY = Wording("en")
OUT = Output(SAY)


def view(snapshot: Snapshot) -> dict[str, Any]:
    """The object as a script reads it."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(status_view(snapshot, SAY)))
    return found


def test_the_keys_are_the_contract() -> None:
    found = view(picture(ready()))
    assert list(found) == [
        "host",
        "link",
        "icon",
        "sentence",
        "observed_at",
        "operation",
        "interrupted",
        "servers",
        "conflicts",
        "other_containers",
        "memory",
        "gpu",
        "open_webui",
    ]
    assert [server["server"] for server in found["servers"]] == ["sglang", "sglang-main", "vllm", "ollama"]
    for server in found["servers"]:
        assert list(server) == [
            "server",
            "engine",
            "container",
            "container_state",
            "phase",
            "model",
            "model_id",
            "misnamed",
            "model_path",
            "image",
            "port",
            "base_url",
            "context_length",
            "requests_running",
            "requests_waiting",
            "tokens_per_second",
            "managed",
            "started_at",
            "failure",
            "progress",
            "note",
            "stays_until",
        ]


def test_a_ready_server() -> None:
    found = view(picture(ready()))
    assert (found["host"], found["link"], found["icon"]) == ("spark", "connected", "ready")
    assert found["sentence"] == f"{QWEN} is ready on spark."
    assert found["observed_at"] == "2023-11-14T22:15:00.000Z"
    assert found["operation"] is None
    server = found["servers"][1]
    assert server["phase"] == "ready"
    assert (server["model"], server["model_id"], server["misnamed"]) == (QWEN, QWEN, False)
    assert server["model_path"].startswith("/home/sparkuser/ai/models/")
    assert (server["container"], server["container_state"]) == ("sglang-main", "running")
    assert server["base_url"] == "http://10.0.0.2:30001/v1"
    assert (server["context_length"], server["requests_running"], server["requests_waiting"]) == (
        32768,
        0,
        None,
    )
    assert (server["tokens_per_second"], server["managed"], server["failure"]) == (31.5, True, None)
    assert server["started_at"] == "2023-11-14T22:13:20.250Z"
    assert found["memory"] == {"total_bytes": 128 << 30, "available_bytes": 64 << 30}
    assert found["gpu"] == {
        "name": "NVIDIA GB10",
        "utilization_percent": 12.0,
        "temperature_c": 45.0,
        "power_w": None,
    }


def test_an_idle_server_is_all_null() -> None:
    server = view(picture())["servers"][2]
    assert (server["phase"], server["container"], server["container_state"]) == ("idle", "vllm", None)
    unknown = [
        "model",
        "model_id",
        "model_path",
        "context_length",
        "requests_running",
        "started_at",
        "failure",
    ]
    assert {server[name] for name in unknown} == {None}
    assert (server["managed"], server["misnamed"]) == (False, False)


def test_a_misnamed_one_tells_both_names() -> None:
    snapshot = picture(ready(model_id="gpt-4o-mini"))
    server = view(snapshot)["servers"][1]
    assert (server["model"], server["model_id"], server["misnamed"]) == (QWEN, "gpt-4o-mini", True)
    text = "\n".join(status_lines(snapshot, OUT))
    assert f"Its model ID is gpt-4o-mini, but {QWEN} is what is loaded." in text


def test_a_failure_has_cause_and_remedy() -> None:
    snapshot = picture(failed())
    assert view(snapshot)["servers"][0]["failure"] == {
        "code": "out-of-memory",
        "cause": "Memory ran out.",
        "remedy": "Use less.",
        "log_tail": ["a line"],
    }
    assert view(snapshot)["icon"] == "failed"
    assert server_remarks(snapshot, snapshot.servers[0], SAY) == ["Memory ran out.", "Use less."]


def test_a_load_has_its_progress() -> None:
    snapshot = picture(loading())
    assert view(snapshot)["servers"][2]["progress"] == {"phase": "Loading weights", "fraction": 0.4}
    assert server_remarks(snapshot, snapshot.servers[2], SAY) == ["Loading weights 40 %"]


def test_who_holds_the_port_is_noted() -> None:
    snapshot = picture(state_of("vllm", None, stranger="jupyter\x1b[2J", phase=Phase.IDLE))
    assert view(snapshot)["servers"][2]["note"] == "Container jupyter [2J holds port 8000."


def test_conflicts_with_what_resolves_them() -> None:
    """JSON has the wish, people the command; a container that somebody else runs is for a person."""
    both = picture(ready(), ready("sglang", "phi4-reasoning"), others=(container("web", 8000),))
    both = replace(both, vitals=replace(both.vitals, available_bytes=1 << 30))
    low, held = view(both)["conflicts"]
    assert (low["code"], low["servers"]) == ("memory-low", ["sglang", "sglang-main"])
    assert low["sentence"].startswith("Memory is short")
    assert low["command"] == "sparktray stop sglang-main"
    assert low["wish"] == {"kind": "stop", "server": "sglang-main", "stay_down": False}
    assert held == {
        "code": "port-held",
        "sentence": "Container web holds port 8000 of vllm.",
        "servers": ["vllm"],
        "command": "docker stop web",
        "wish": None,
    }
    lines = status_lines(both, OUT)
    assert lines[0] == "phi4-reasoning, qwen3-32b-nvfp4 are ready on spark."
    place = lines.index(held["sentence"])
    assert lines[place - 1 : place + 2] == ["", held["sentence"], "     docker stop web"]
    assert "     sparktray stop sglang-main" in lines


def container(name: str, *ports: int, running: bool = True) -> Container:
    state = ContainerState.RUNNING if running else ContainerState.EXITED
    return Container(f"{name}-id", name, "image", state, tuple(PublishedPort(port, 80) for port in ports))


def test_other_containers_are_no_server_no_lock_and_not_open_webui() -> None:
    others = (container("db", 5433, 5432), container(LOCK_NAME), container("open-webui", 3000))
    found = view(picture(ready(), others=others))
    assert found["other_containers"] == [
        {"name": "db", "image": "image", "state": "running", "ports": [5432, 5433]}
    ]
    assert found["open_webui"] == {"container": "open-webui", "container_state": "running", "port": 3000}


@pytest.mark.parametrize(
    ("others", "state", "port"),
    [
        ((), None, 3000),
        ((container("open-webui", 8081),), "running", 8081),
        ((container("open-webui", running=False),), "exited", 3000),
    ],
)
def test_open_webui(others: tuple[Container, ...], state: str | None, port: int) -> None:
    found = view(picture(others=others))["open_webui"]
    assert (found["container_state"], found["port"]) == (state, port)


def test_an_operation() -> None:
    old = serving("sglang", 30000, QWEN)
    runs = (
        StepRun(steps.check_again(), StepState.DONE, started_at=10.0, ended_at=10.5),
        StepRun(steps.commit(replace(old, name="a b")), StepState.RUNNING, started_at=11.0),
        StepRun(unlock("op")),
    )
    operation = Operation(1, "op", SwitchWish("m"), OperationKind.SWITCH, 9.0, "sglang", "m", runs, 1)
    found = operation_view(operation, SAY)
    assert list(found) == ["id", "kind", "server", "model", "end", "steps", "failure", "memory"]
    assert found["steps"] == [
        {"name": "check", "command": None, "state": "done", "seconds": 0.5, "back": False},
        {
            "name": "commit",
            "command": "docker rm 'a b.previous'",
            "state": "running",
            "seconds": None,
            "back": False,
        },
        {
            "name": "unlock",
            "command": "docker rm sparktray-lock",
            "state": "waiting",
            "seconds": None,
            "back": False,
        },
    ]
    assert (found["id"], found["kind"], found["end"], found["failure"]) == ("op", "switch", None, None)
    failure = Failure("exited", phrase("It ended."), phrase("Look."))
    over = operation_view(replace(operation, end=OperationEnd.ROLLED_BACK, failure=failure), SAY)
    assert over["end"] == "rolled-back"
    assert over["failure"] == {"code": "exited", "cause": "It ended.", "remedy": "Look.", "log_tail": []}


def test_the_sum_of_a_switch() -> None:
    gib = 1 << 30
    parts = Footprint(18 * gib, 8 * gib, 3 * gib, 1 << 18, 32_768, Share(0.89, Base.AVAILABLE))
    found = MemorySum("m", "sglang", parts, 30 * gib, 122 * gib, 10 * gib, 60 * gib, ("sglang",))
    told = memory_view(found, SAY)
    assert told is not None
    sizes = {
        name: size // gib for name, size in told.items() if name.endswith("_bytes") and isinstance(size, int)
    }
    assert sizes == {
        **{"takes_bytes": 29, "weights_bytes": 18, "cache_bytes": 8, "overhead_bytes": 3, "token_bytes": 0},
        **{"available_bytes": 30, "freed_bytes": 60, "total_bytes": 122, "kept_bytes": 10},
        **{"room_bytes": 80, "left_bytes": 51},
    }
    assert (told["cache_tokens"], told["share"], told["share_of"]) == (32_768, 0.89, "available")
    assert (told["stops"], told["fits"], told["unknown"]) == (["sglang"], True, None)


def test_a_sum_that_nobody_can_make() -> None:
    unread = Footprint(1, tokens=9, unknown=phrase("config.json cannot be read."))
    told = memory_view(MemorySum("m", "sglang", unread, 2, 3, 1), SAY)
    assert told is not None and told["unknown"] == "config.json cannot be read."
    assert (told["takes_bytes"], told["left_bytes"], told["fits"], told["share"]) == (None, None, None, None)
    assert memory_view(None, SAY) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, None), (0.0, "1970-01-01T00:00:00.000Z"), (1e300, None), (float("nan"), None)],
)
def test_times(seconds: float | None, text: str | None) -> None:
    assert utc(seconds) == text


def test_lines_for_people() -> None:
    lines = status_lines(picture(ready(), failed(), others=(container("db"),)), OUT)
    assert lines[0].endswith(".")
    assert lines[1] == ""
    rows = [line for line in lines if ":3000" in line or ":8000" in line or ":11434" in line]
    assert len(rows) == 4
    assert len({row.index(next(x for x in ("SGLang", "vLLM", "Ollama") if x in row)) for row in rows}) == 1
    assert "Memory: 64 of 128 GiB free   GPU: NVIDIA GB10, 12 %, 45 °C" in lines
    assert lines[-1] == "Also running: db"


def test_every_phase_has_a_mark_and_a_word() -> None:
    base = state_of("vllm", None)
    rows = [server_row(picture(), replace(base, phase=phase), OUT) for phase in Phase]
    assert all(row[0] and row[3] for row in rows)


def test_names_from_outside_are_fit_to_show() -> None:
    snapshot = picture(ready(model_id="evil\x1b]0;title\x07\nname"), others=(container("a\x1b[31m\nb"),))
    assert not any(ord(c) < 32 for line in status_lines(snapshot, OUT) for c in line)


def test_without_vitals_it_says_so() -> None:
    assert "Memory and GPU: not known" in status_lines(replace(picture(), vitals=Vitals()), OUT)


def test_columns() -> None:
    assert aligned([["a", "bbb", "c"], ["aa", "b"]]) == ["a   bbb  c", "aa  b"]
    assert aligned([]) == []
