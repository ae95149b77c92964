"""HTTP to a port of the host, by every road."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sparktray.remote.contract import Remote
from sparktray.remote.errors import ConnectionRefused, ForwardingForbidden
from tests.rig.remote_hosts import connect, open_road, sleeper
from tests.rig.rig import Rig
from tests.waiting import wait_until


@pytest.fixture(params=["ssh", "local"])
def remote(request: pytest.FixtureRequest, rig: Rig) -> Iterator[Remote]:
    host = open_road(rig, request.param)
    yield host
    host.close()


def test_an_engine_from_refusal_to_ready(rig: Rig, remote: Remote) -> None:
    with pytest.raises(ConnectionRefused):
        remote.http.ask(30000, "GET", "/health", deadline=5)
    rig.behave("llama4-scout-17b-nvfp4", load_seconds=0.3, warm_seconds=0.2, health_seconds=0.05)
    rig.start_sglang()
    seen: list[int] = []

    def ready() -> bool:
        try:
            answer = remote.http.ask(30000, "GET", "/health", deadline=10)
        except ConnectionRefused:
            answer = None
        status = answer.status if answer else 0
        if not seen or seen[-1] != status:
            seen.append(status)
        return status == 200

    wait_until(ready, "health", seconds=20)
    assert seen[0] == 0
    assert 503 in seen
    models = remote.http.ask(30000, "GET", "/v1/models", deadline=5)
    assert b'"id"' in models.body
    question = {"model": "x", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    said = remote.http.ask(30000, "POST", "/v1/chat/completions", json=question, deadline=10)
    assert said.status == 200
    assert b'"choices"' in said.body


def test_a_published_port_behind_which_nothing_listens(rig: Rig, remote: Remote) -> None:
    sleeper(rig, "deaf", "exec sleep 1000", "-p", "30000:30000")
    with pytest.raises(ConnectionRefused):
        remote.http.ask(30000, "GET", "/health", deadline=5)


def test_forwarding_forbidden_is_its_own_answer(rig: Rig) -> None:
    server = rig.sshd({"AllowTcpForwarding": "no"})
    host = connect(server)
    with pytest.raises(ForwardingForbidden):
        host.http.ask(30000, "GET", "/", deadline=5)
    host.check()
    host.close()
