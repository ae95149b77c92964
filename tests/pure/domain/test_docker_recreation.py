from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from sparktray.domain.docker.recreation import recreation
from tests.pure.domain.docker_json import ID, INSPECTED_20, INSPECTED_29, inspect
from tests.pure.domain.hostile import JSON, JsonValue

ENDPOINT: dict[str, Any] = INSPECTED_29["NetworkSettings"]["Networks"]["bridge"] | {"DNSNames": ["sglang"]}
WISHED: dict[str, Any] = {
    "IPAMConfig": {"IPv4Address": "10.9.0.7"},
    "Links": ["db:db"],
    "Aliases": ["llm", ID[:12]],
    "DriverOpts": {"com.docker.network.endpoint.sysctls": "x"},
    "GwPriority": 5,
}


def on_network(mode: str, networks: object) -> dict[str, Any]:
    return inspect(HostConfig={"NetworkMode": mode}, NetworkSettings={"Networks": networks})


def body_of(whole: dict[str, Any]) -> dict[str, Any]:
    body = recreation(whole)
    assert body is not None
    return body


@pytest.mark.parametrize("whole", [INSPECTED_20, INSPECTED_29], ids=["20.10", "29"])
def test_the_body_is_the_configuration_with_nothing_lost(whole: dict[str, Any]) -> None:
    body = body_of(whole)

    kept = {key: value for key, value in whole["Config"].items() if value is not None and key != "Hostname"}
    assert body == kept | {"HostConfig": whole["HostConfig"]}
    assert body["Image"] == "lmsysorg/sglang:spark" and "HF_TOKEN=hf_secret" in body["Env"]


def test_the_inspect_itself_is_not_changed() -> None:
    whole = on_network("ai", {"ai": ENDPOINT | WISHED})
    before = copy.deepcopy(whole)
    recreation(whole)

    assert whole == before


@pytest.mark.parametrize(
    ("mode", "hostname", "kept"),
    [
        ("bridge", ID[:12], False),  # Docker made it from the id
        ("bridge", "spark-llm", True),
        ("ai", "spark-llm", True),
        ("none", "spark-llm", True),
        ("host", "spark", False),  # the host's own; Docker refuses it beside that network
        ("container:abc", "other", False),
    ],
)
def test_only_a_host_name_that_somebody_chose_is_given_back(mode: str, hostname: str, kept: bool) -> None:
    body = body_of(inspect(Config={"Hostname": hostname}, HostConfig={"NetworkMode": mode}))

    assert body.get("Hostname") == (hostname if kept else None)


@pytest.mark.parametrize(
    ("mode", "kept"),
    [("bridge", True), ("ai", True), ("none", True), ("host", False), ("container:x", False)],
)
def test_exposed_ports_need_a_network_of_ones_own(mode: str, kept: bool) -> None:
    assert ("ExposedPorts" in body_of(inspect(HostConfig={"NetworkMode": mode}))) is kept


@pytest.mark.parametrize("mode", ["bridge", "default", "host", "none", ""])
def test_docker_connects_its_built_in_networks_itself(mode: str) -> None:
    assert "NetworkingConfig" not in body_of(on_network(mode, {"bridge": ENDPOINT | WISHED}))


def test_a_network_without_a_mode_is_a_built_in_one() -> None:
    whole = INSPECTED_29 | {"HostConfig": {}}

    assert "NetworkingConfig" not in body_of(whole)


def test_a_network_of_the_user_comes_back_with_its_wishes_and_without_what_docker_assigned() -> None:
    body = body_of(on_network("ai", {"ai": ENDPOINT | WISHED, "back": ENDPOINT}))

    assert body["NetworkingConfig"] == {
        "EndpointsConfig": {"ai": WISHED | {"Aliases": ["llm"]}, "back": {"GwPriority": 0}}
    }


@pytest.mark.parametrize("networks", [None, {}, [], {"ai": None}])
def test_a_network_of_which_nothing_is_told(networks: object) -> None:
    body = body_of(on_network("ai", networks))

    assert "NetworkingConfig" not in body and body["HostConfig"]["NetworkMode"] == "ai"


@pytest.mark.parametrize("missing", ["Config", "HostConfig", "Id"])
@pytest.mark.parametrize("value", [None, 7, []])
def test_half_an_inspect_makes_no_container(missing: str, value: object) -> None:
    assert recreation(INSPECTED_29 | {missing: value}) is None
    assert recreation({key: told for key, told in INSPECTED_29.items() if key != missing}) is None


@given(JSON, JSON, JSON)
def test_no_json_raises(config: JsonValue, host: JsonValue, settings: JsonValue) -> None:
    recreation(INSPECTED_29 | {"Config": config})
    recreation(INSPECTED_29 | {"HostConfig": host})
    recreation(INSPECTED_29 | {"HostConfig": {"NetworkMode": host}, "NetworkSettings": settings})
    recreation(on_network("ai", {"ai": settings}))
