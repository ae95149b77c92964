"""How Open WebUI's container reaches a server of its host."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from msgspec.structs import replace

from sparktray.decide.webui.connecting import missed, urls_for, wrong_url
from tests.pure.decide.webui.houses import CONTENTS

NETWORKS = {
    "NetworkSettings": {"Networks": {"bridge": {"Gateway": "172.17.0.1"}, "own": {"Gateway": ""}, "odd": 7}}
}


@pytest.mark.parametrize(
    ("inspect", "urls"),
    [
        ({"HostConfig": {"NetworkMode": "host"}}, ("http://127.0.0.1:30000/v1",)),
        (NETWORKS, ("http://172.17.0.1:30000/v1", "http://[fe80::1]:30000/v1")),
        (
            {"HostConfig": {"ExtraHosts": ["host.docker.internal:host-gateway"]}, **NETWORKS},
            (
                "http://host.docker.internal:30000/v1",
                "http://172.17.0.1:30000/v1",
                "http://[fe80::1]:30000/v1",
            ),
        ),
        ({}, ("http://[fe80::1]:30000/v1",)),
    ],
)
def test_the_likeliest_way_first(inspect: dict[str, object], urls: tuple[str, ...]) -> None:
    assert urls_for(inspect, 30000, "fe80::1") == urls


def test_without_an_address_of_its_own() -> None:
    assert urls_for({}, 30000, "") == ()


@pytest.mark.parametrize(
    ("urls", "wrong"),
    [
        (["http://a:30000"], "http://a:30000"),
        (["http://a:30001/v1", "http://a:30000"], "http://a:30000"),
        (["http://a:30001/v1"], "http://a:30001/v1"),
        (["https://api.openai.com/v1", "http://a:99999/v1", "http://a:30000/v1"], None),
        ([], None),
    ],
)
def test_the_connection_that_was_meant(urls: list[str], wrong: str | None) -> None:
    assert wrong_url(urls, 30000, [30000, 30001, 8000]) == wrong


def test_models_of_chats_that_are_not_offered_are_counted() -> None:
    contents = replace(CONTENTS, models=MappingProxyType({"scout": 12, "qwen": 1}))
    assert missed(contents, ("qwen", "coder")) == {"scout": 12}
    assert missed(contents, ("qwen", "scout")) == {} == missed(None, ())
