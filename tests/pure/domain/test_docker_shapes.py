from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sparktray.domain.docker.answers import inspected, listed, seconds
from sparktray.domain.docker.container import Container, ContainerState, Mount, PublishedPort
from tests.pure.domain.docker_json import (
    COMMAND,
    ID,
    INSPECTED_20,
    INSPECTED_29,
    LISTED_20,
    LISTED_29,
    MODEL_FOLDER,
    NEVER,
    STARTED_AT,
    inspect,
)
from tests.pure.domain.hostile import HOSTILE, JSON

PORTS = (PublishedPort(30000, 30000, "0.0.0.0"), PublishedPort(30000, 30000, "::"))
IN_LIST = Container(
    id=ID,
    name="sglang",
    image="lmsysorg/sglang:spark",
    state=ContainerState.RUNNING,
    ports=PORTS,
    labels={"org.opencontainers.image.version": "22.04"},
    argv=("python3", "-m", "sglang.launch_server", *COMMAND),
    network="bridge",
)
INSPECTED = Container(
    id=ID,
    name="sglang",
    image="lmsysorg/sglang:spark",
    state=ContainerState.RUNNING,
    ports=PORTS,
    labels={"org.sparktray.server": "sglang", "org.sparktray.operation": "op1"},
    argv=("python3", "-m", "sglang.launch_server", *COMMAND),
    mounts=(
        Mount(MODEL_FOLDER, "/model"),
        Mount("/var/lib/docker/volumes/cache/_data", "/root/.cache", "cache"),
    ),
    network="bridge",
    started_at=STARTED_AT,
    inspected=True,
)


@pytest.mark.parametrize(
    ("entry", "network"), [(LISTED_20, "default"), (LISTED_29, "bridge")], ids=["20.10", "29"]
)
def test_the_list_is_read_the_same_from_old_and_new_engines(entry: dict[str, Any], network: str) -> None:
    assert listed([entry]) == (replace(IN_LIST, network=network),)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Names": ["/web/model", "/sglang"]}, {}),  # the first is the alias of a legacy link
        ({"Names": ["/web/model"]}, {"name": "web/model"}),
        ({"Names": []}, {"name": ID[:12]}),
        ({"Names": None}, {"name": ID[:12]}),
        ({"State": "paused"}, {"state": ContainerState.PAUSED}),
        ({"State": "of a later engine"}, {"state": ContainerState.DEAD}),
        ({"Ports": None}, {"ports": ()}),
        ({"Ports": [{"PrivatePort": 1, "PublicPort": 2}]}, {"ports": (PublishedPort(2, 1, ""),)}),
        ({"Ports": [{"PrivatePort": "1", "PublicPort": 2}, 7]}, {"ports": ()}),
        ({"Labels": None}, {"labels": {}}),
        ({"Labels": {"a": "1", "b": 2}}, {"labels": {"a": "1"}}),
        ({"Command": ""}, {"argv": ()}),
        ({"HostConfig": {"NetworkMode": "host"}, "Ports": []}, {"network": "host", "ports": ()}),
        ({"HostConfig": None}, {"network": ""}),
    ],
)
def test_odd_entries_of_the_list(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert listed([LISTED_29 | changes]) == (replace(IN_LIST, **expected),)


@pytest.mark.parametrize("answer", [None, {}, "x", [], [None, 1, "x", []], [{}], [{"Id": ""}], [{"Id": 7}]])
def test_a_list_without_containers(answer: object) -> None:
    assert listed(answer) == ()


def test_one_odd_entry_does_not_hide_the_others() -> None:
    assert [found.id for found in listed([{"Id": None}, LISTED_20, "x", LISTED_29 | {"Id": "b"}])] == [
        ID,
        "b",
    ]


@pytest.mark.parametrize(
    ("answer", "network"), [(INSPECTED_20, "default"), (INSPECTED_29, "bridge")], ids=["20.10", "29"]
)
def test_an_inspect_is_read_the_same_from_old_and_new_engines(answer: dict[str, Any], network: str) -> None:
    assert inspected(answer) == replace(INSPECTED, network=network)


def test_no_environment_value_is_kept() -> None:
    assert "hf_secret" not in repr(inspected(INSPECTED_29))


S = ContainerState
PUBLISHED = PublishedPort(30000, 30000, "")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            inspect(State={"Status": "exited", "ExitCode": 137, "FinishedAt": "2026-11-23T10:00:00.5Z"}),
            {"state": S.EXITED, "exit_code": 137, "finished_at": STARTED_AT},
        ),
        (inspect(State={"Status": "dead", "ExitCode": 0}), {"state": S.DEAD, "exit_code": 0}),
        (inspect(State={"Status": "paused"}), {"state": S.PAUSED}),
        # The code of a running container is the one of its last run, or 0.
        (inspect(State={"Status": "restarting", "ExitCode": 1}), {"state": S.RESTARTING}),
        (inspect(State={"Status": "running", "ExitCode": 1}), {}),
        # A container that could not be started stays "created" and tells why.
        (
            inspect(State={"Status": "created", "ExitCode": 128, "Error": "no gpu", "StartedAt": NEVER}),
            {"state": S.CREATED, "exit_code": 128, "error": "no gpu", "started_at": None},
        ),
        (
            inspect(State={"Status": "created", "StartedAt": NEVER}),
            {"state": S.CREATED, "started_at": None},
        ),
        (inspect(State={"OOMKilled": True}), {"oom_killed": True}),
        (inspect(State={"OOMKilled": "true"}), {}),
        (inspect(Config={"Tty": True}), {"tty": True}),
        (INSPECTED_29 | {"RestartCount": 4}, {"restarts": 4}),
        (INSPECTED_29 | {"RestartCount": None}, {}),
        (inspect(HostConfig={"AutoRemove": True}), {"auto_remove": True}),
        (inspect(HostConfig={"NetworkMode": "host"}), {"network": "host"}),
        # A stopped one has only the ports it would like to have.
        (inspect(NetworkSettings={"Ports": {}}), {"ports": (PUBLISHED,)}),
        (inspect(NetworkSettings={"Ports": None}), {"ports": (PUBLISHED,)}),
        (
            inspect(NetworkSettings={"Ports": {}}, HostConfig={"PortBindings": None}),
            {"ports": ()},
        ),
        (inspect(Config={"Entrypoint": None}), {"argv": COMMAND}),
        (inspect(Config={"Cmd": None}), {"argv": ("python3", "-m", "sglang.launch_server")}),
        (inspect(Config={"Labels": None}), {"labels": {}}),
        (INSPECTED_29 | {"Mounts": None}, {"mounts": ()}),
        (INSPECTED_29 | {"Mounts": [None, {"Source": "/x"}, "y"]}, {"mounts": ()}),
        (
            INSPECTED_29 | {"Mounts": [{"Type": "tmpfs", "Source": "", "Destination": "/scratch"}]},
            {"mounts": (Mount("", "/scratch"),)},
        ),
        (INSPECTED_29 | {"Name": None}, {"name": ""}),
    ],
)
def test_what_an_inspect_tells(answer: dict[str, Any], expected: dict[str, Any]) -> None:
    assert inspected(answer) == replace(INSPECTED, **expected)


@pytest.mark.parametrize(
    ("bindings", "ports"),
    [
        ({"30000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}, [(8080, 30000, "127.0.0.1")]),
        ({"30000": [{"HostPort": "8080"}]}, [(8080, 30000, "")]),
        ({"1/tcp": [{"HostPort": "2"}, {"HostPort": "3"}], "4/udp": [{"HostPort": "5"}]}, None),
        ({"30000/tcp": [{"HostPort": ""}]}, []),  # any free port, chosen at the start
        ({"30000/tcp": [{"HostPort": "8000-8010"}]}, []),
        ({"30000/tcp": [{"HostPort": "9" * 5000}], "9" * 5000: [{"HostPort": "1"}]}, []),
        ({"x/tcp": [{"HostPort": "1"}], "2/tcp": None, "3/tcp": ["1"], "4/tcp": {"HostPort": "1"}}, []),
    ],
)
def test_bound_ports(bindings: dict[str, Any], ports: list[tuple[int, int, str]] | None) -> None:
    found = inspected(inspect(HostConfig={"PortBindings": bindings}, NetworkSettings={"Ports": {}}))

    wanted = [(2, 1, ""), (3, 1, ""), (5, 4, "")] if ports is None else ports
    assert found is not None and found.ports == tuple(PublishedPort(*port) for port in wanted)


def test_an_inspect_with_nothing_but_an_id_is_a_container_that_does_not_run() -> None:
    assert inspected({"Id": "i"}) == Container("i", "", "", ContainerState.DEAD, inspected=True)


def _places(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*at, key)
        yield from _places(inner, (*at, key))


def _changed(value: dict[str, Any], at: tuple[str | int, ...], new: object) -> dict[str, Any]:
    whole = copy.deepcopy(value)
    place: Any = whole
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = new
    return whole


@given(JSON)
def test_no_json_raises(answer: object) -> None:
    listed(answer)
    listed([answer])
    inspected(answer)
    seconds(answer)


ODD = JSON | st.sampled_from(HOSTILE)


@given(st.sampled_from([*_places(INSPECTED_20), *_places(INSPECTED_29)]), ODD)
def test_no_value_anywhere_in_an_inspect_raises(at: tuple[str | int, ...], value: object) -> None:
    base = INSPECTED_20 if at in set(_places(INSPECTED_20)) else INSPECTED_29
    found = inspected(_changed(base, at, value))

    assert found is not None or at == ("Id",)


@given(st.sampled_from([*_places(LISTED_29)]), ODD)
def test_no_value_anywhere_in_the_list_raises(at: tuple[str | int, ...], value: object) -> None:
    assert listed([_changed(LISTED_29, at, value), LISTED_20])[-1].id == ID
