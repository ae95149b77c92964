from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.docker.answers import (
    DockerEvent,
    after_event,
    event,
    image_tags,
    inspected,
    listed,
    listed_volumes,
    seconds,
)
from sparktray.domain.docker.container import Container, ContainerState, Mount, PublishedPort

ID = "ab" * 32
INSPECT: dict[str, Any] = {
    "Id": ID,
    "Name": "/sglang",
    "RestartCount": 2,
    "State": {
        "Status": "exited",
        "ExitCode": 137,
        "OOMKilled": True,
        "Error": "",
        "StartedAt": "2026-01-02T03:04:05.5Z",
        "FinishedAt": "2026-01-02T04:04:05+01:00",
    },
    "Config": {
        "Image": "lmsysorg/sglang:spark",
        "Tty": True,
        "Entrypoint": ["python3"],
        "Cmd": ["-m", "sglang.launch_server"],
        "Labels": {"a": "b", "odd": 1},
        "Env": ["SECRET=x"],
    },
    "HostConfig": {
        "NetworkMode": "bridge",
        "AutoRemove": True,
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
        "PortBindings": {"30000/tcp": [{"HostIp": "", "HostPort": "30000"}]},
    },
    "NetworkSettings": {"Ports": {}},
    "Mounts": [
        {"Source": "/m/a", "Destination": "/model"},
        {"Source": "/v", "Destination": "/c", "Name": "cache"},
        {"Source": "/nowhere"},
    ],
}


def test_an_inspect_is_read_whole_but_for_the_environment() -> None:
    found = inspected(INSPECT)
    assert found == Container(
        id=ID,
        name="sglang",
        image="lmsysorg/sglang:spark",
        state=ContainerState.EXITED,
        ports=(PublishedPort(30000, 30000, ""),),
        labels={"a": "b"},
        argv=("python3", "-m", "sglang.launch_server"),
        mounts=(Mount("/m/a", "/model"), Mount("/v", "/c", "cache")),
        network="bridge",
        restart_policy="on-failure:3",
        auto_remove=True,
        exit_code=137,
        oom_killed=True,
        started_at=1767323045.5,
        finished_at=1767323045.0,
        restarts=2,
        tty=True,
        inspected=True,
    )
    assert "SECRET" not in repr(found)


def changed(part: str, **values: object) -> Container:
    found = inspected({**INSPECT, part: {**INSPECT[part], **values}})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("policy", "read"),
    [
        ({"Name": "always"}, "always"),
        ({"Name": "", "MaximumRetryCount": 0}, "no"),
        (None, "no"),
        ({"Name": "on-failure", "MaximumRetryCount": 0}, "on-failure"),
        ({"Name": "unless-stopped", "MaximumRetryCount": 3}, "unless-stopped"),
    ],
)
def test_a_restart_policy_as_docker_update_takes_it(policy: object, read: str) -> None:
    assert changed("HostConfig", RestartPolicy=policy).restart_policy == read


def test_an_exit_code_is_one_only_after_an_end() -> None:
    assert changed("State", Status="running", ExitCode=0).exit_code is None
    assert changed("State", Status="created", ExitCode=128, Error="no such device").exit_code == 128
    assert changed("State", Status="created", ExitCode=0).exit_code is None
    assert changed("State", Status="dead").exit_code == 137
    assert changed("State", Status="exited", ExitCode=None).exit_code is None
    assert changed("State", Status="a new word").state is ContainerState.DEAD


def test_bound_ports_come_before_wished_ones() -> None:
    ports = {
        "30000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "31000"}, {"HostPort": "x"}, "odd"],
        "8000/tcp": None,
        "odd/tcp": [{"HostPort": "1"}],
    }
    assert changed("NetworkSettings", Ports=ports).ports == (PublishedPort(31000, 30000, "0.0.0.0"),)


def test_the_list_of_containers() -> None:
    entry = {
        "Id": ID,
        "Names": ["/a", "/b/a"],
        "Image": "x",
        "State": "running",
        "Command": "python3 -m x",
        "Labels": None,
        "HostConfig": {"NetworkMode": "host"},
        "Ports": [
            {"IP": "0.0.0.0", "PrivatePort": 1, "PublicPort": 2, "Type": "tcp"},
            {"PrivatePort": 9},
            "odd",
        ],
    }
    (found,) = listed([entry, {"Id": ""}, "odd"])
    assert (found.name, found.state, found.argv) == ("a", ContainerState.RUNNING, ("python3", "-m", "x"))
    assert (found.ports, found.network, found.inspected) == ((PublishedPort(2, 1, "0.0.0.0"),), "host", False)
    (bare,) = listed([{"Id": ID}])
    assert (bare.name, bare.state, bare.ports) == (ID[:12], ContainerState.DEAD, ())
    assert listed(None) == ()


@pytest.mark.parametrize("answer", [None, [], {}, {"Id": ""}, {"Id": 5}, "text"])
def test_what_is_no_container(answer: object) -> None:
    assert inspected(answer) is None
    assert event(answer) is None


def test_the_names_of_images() -> None:
    named = {"RepoTags": ["<none>:<none>", 5, "a:1", "b:2"]}
    odd: list[object] = [None, "odd", 5, [], {"RepoTags": None}, {"RepoTags": 5}, {"RepoTags": "x:1"}]
    assert list(image_tags([*odd, named])) == ["a:1", "b:2"]
    nothing: list[object] = [None, {}, 5, "text"]
    for none in nothing:
        assert list(image_tags(none)) == []


def test_the_list_of_volumes() -> None:
    entry = {"Name": "open-webui"}
    assert listed_volumes({"Volumes": [None, entry, "odd"]}) == (entry,)
    nothing: list[object] = [{"Volumes": None}, {"Volumes": 5}, [], None]
    for none in nothing:
        assert listed_volumes(none) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.sampled_from([*INSPECT, "Names", "Ports", "Labels", "Command", "Image", "Actor"])


@given(st.dictionaries(PARTS, JSON))
def test_no_json_of_docker_raises(odd: dict[str, object]) -> None:
    inspected({**INSPECT, **odd})
    listed([{"Id": ID, **odd}, odd])
    event({"Type": "container", "Action": "die", **odd})


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("2026-11-23T19:00:00.25Z", 1795460400.25),
        ("2026-11-23T20:00:00+01:00", 1795460400.0),
        ("2026-11-23T18:30:00-00:30", 1795460400.0),
        ("0001-01-01T00:00:00Z", None),
        ("0000-01-01T00:00:00Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-11-23", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_docker_s_times(text: object, read: float | None) -> None:
    assert seconds(text) == read


@given(st.from_regex(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)\Z"))
def test_no_time_raises(text: str) -> None:
    seconds(text)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)))
def test_times_are_utc(moment: datetime) -> None:
    exact = moment.replace(microsecond=0, tzinfo=UTC)
    assert seconds(exact.isoformat().replace("+00:00", "Z")) == exact.timestamp()


TOLD = {
    "Type": "container",
    "Action": "die",
    "Actor": {"ID": ID, "Attributes": {"name": "sglang", "exitCode": "137"}},
    "timeNano": 1_500_000_000,
}


def test_events() -> None:
    assert event(TOLD) == DockerEvent("die", ID, "sglang", 137, 1.5)
    assert event({**TOLD, "Action": "health_status: healthy"}) == DockerEvent(
        "health_status", ID, "sglang", 137, 1.5
    )
    assert event({**TOLD, "Actor": {"ID": ID}}) == DockerEvent("die", ID, "", None, 1.5)
    assert event({**TOLD, "timeNano": 10**400}) == event({**TOLD, "timeNano": "x"})
    assert event({**TOLD, "timeNano": "x"}) == DockerEvent("die", ID, "sglang", 137, 0.0)
    for odd in ({"Type": "network"}, {"Action": ""}, {"Actor": {"ID": ""}}):
        assert event({**TOLD, **odd}) is None


def happened(action: str, name: str = "sglang") -> Container | None:
    container = Container(ID, "sglang", "x", ContainerState.RUNNING)
    return after_event(container, DockerEvent(action, ID, name, 9, 5.0), 7)


def test_a_container_after_an_event() -> None:
    died = happened("die")
    assert died is not None
    assert (died.state, died.exit_code, died.finished_at) == (ContainerState.EXITED, 9, 5.0)
    assert (died.confirmed, died.sequence) == (False, 7)
    assert happened("destroy") is None
    states = {a: c.state for a in ("pause", "unpause") if (c := happened(a)) is not None}
    assert states == {"pause": ContainerState.PAUSED, "unpause": ContainerState.RUNNING}
    starved = happened("oom")
    assert starved is not None
    assert (starved.oom_killed, starved.state) == (True, ContainerState.RUNNING)
    names = [c.name for name in ("new", "") if (c := happened("rename", name)) is not None]
    assert names == ["new", "sglang"]
