"""Reading Docker: the same answers by every road, and the plain reason when there is none."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator

import pytest

from sparktray.remote.contract import Remote
from sparktray.remote.errors import (
    DockerAnswered,
    DockerForbidden,
    DockerMissing,
    DockerSilent,
)
from sparktray.remote.ssh import transport
from tests.rig.remote_hosts import ROADS, connect, open_road, sleeper
from tests.rig.rig import Rig
from tests.waiting import scaled, wait_until


@pytest.fixture(params=ROADS)
def remote(request: pytest.FixtureRequest, rig: Rig) -> Iterator[Remote]:
    host = open_road(rig, request.param)
    yield host
    host.close()


def test_containers_inspect_info_and_image(rig: Rig, remote: Remote) -> None:
    assert remote.docker.containers() == []
    ident = sleeper(rig, "one")
    assert [found["Names"] for found in remote.docker.containers()] == [["/one"]]
    inspected = remote.docker.inspect("one")
    assert inspected is not None
    assert inspected["Id"] == ident
    assert inspected["Config"]["Cmd"] == ["sh", "-c", "exec sleep 1000"]
    assert remote.docker.inspect("nobody") is None
    info = remote.docker.info()
    assert info["NCPU"] == os.cpu_count()
    assert info["ServerVersion"]
    image = remote.docker.image("nvcr.io/nvidia/vllm:26.05-py3")
    assert image is not None
    assert "nvcr.io/nvidia/vllm:26.05-py3" in image["RepoTags"]
    assert remote.docker.image("nvcr.io/nvidia/vllm:nowhere") is None


def test_a_refused_request_tells_status_and_message(remote: Remote) -> None:
    with pytest.raises(DockerAnswered) as caught:
        remote.docker.get("/containers/nobody/json")
    assert caught.value.status == 404
    assert "No such container" in caught.value.details["message"]


def test_create_container_from_an_inspect(rig: Rig, remote: Remote) -> None:
    sleeper(rig, "old", "exec sleep 1000", "--env", "A=b c", "--label", "x=y")
    inspected = remote.docker.inspect("old")
    assert inspected is not None
    body = {**inspected["Config"], "HostConfig": inspected["HostConfig"]}
    ident = remote.docker.create_container("again", body)
    made = rig.inspect("again")
    assert made is not None
    assert made["Id"] == ident
    assert made["Config"]["Env"] == inspected["Config"]["Env"]
    assert made["Config"]["Labels"]["x"] == "y"
    with pytest.raises(DockerAnswered) as caught:
        remote.docker.create_container("again", body)
    assert caught.value.status == 409


def test_logs_keep_lines_of_both_streams_apart(rig: Rig, remote: Remote) -> None:
    sleeper(rig, "talks", "for i in 1 2 3; do echo out $i; echo err $i >&2; done; exec sleep 1000")
    wait_until(lambda: len(remote.docker.logs("talks", tail=50)) == 6, "all lines")
    lines = remote.docker.logs("talks", tail=50)
    assert [line for line in lines if line.startswith(b"out")] == [b"out 1", b"out 2", b"out 3"]
    assert [line for line in lines if line.startswith(b"err")] == [b"err 1", b"err 2", b"err 3"]
    assert len(remote.docker.logs("talks", tail=2)) == 2
    assert remote.docker.logs("talks", tail=50, since=4_000_000_000.0) == []
    with pytest.raises(DockerAnswered):
        remote.docker.logs("nobody", tail=5)


def test_logs_of_a_terminal_are_raw(rig: Rig, remote: Remote) -> None:
    sleeper(rig, "tty", "echo one; echo two; exec sleep 1000", "-t")
    wait_until(lambda: remote.docker.logs("tty", tail=5) == [b"one", b"two"], "both lines")


def test_follow_logs_until_the_container_ends(rig: Rig, remote: Remote) -> None:
    sleeper(rig, "counts", "echo 1; read x; ", "-i")
    with remote.docker.follow_logs("counts") as lines:
        assert next(iter(lines)) == b"1"
        rig.docker("stop", "-t", "0", "counts")
        assert list(lines) == []


def test_follow_logs_is_closed_from_another_thread(rig: Rig, remote: Remote) -> None:
    sleeper(rig, "quiet")
    lines = remote.docker.follow_logs("quiet")
    seen: list[bytes] = []
    thread = threading.Thread(target=lambda: seen.extend(lines))
    thread.start()
    lines.close()
    thread.join(scaled(1.0))
    assert not thread.is_alive()
    assert seen == []


def test_events_come_as_they_happen_and_end_on_close(rig: Rig, remote: Remote) -> None:
    events = remote.docker.events()
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.extend(event["Action"] for event in events))
    thread.start()
    sleeper(rig, "one")
    rig.docker("kill", "one")
    wait_until(lambda: "die" in seen, "die")
    assert seen[:2] == ["create", "start"]
    events.close()
    thread.join(scaled(1.0))
    assert not thread.is_alive()


def test_events_since_an_instant_are_replayed(rig: Rig, remote: Remote) -> None:
    sleeper(rig, "one")
    created = next(found["Created"] for found in remote.docker.containers())
    with remote.docker.events(since=float(created)) as events:
        assert next(iter(events))["Actor"]["Attributes"]["name"] == "one"


def test_a_frozen_engine_is_silent_not_for_ever(rig: Rig, remote: Remote) -> None:
    assert remote.docker.containers() == []
    rig.engine.freeze()
    try:
        with pytest.raises(DockerSilent) as caught:
            remote.docker.get("/containers/json", deadline=0.5)
        assert caught.value.details["reason"] == "no-answer"
    finally:
        rig.engine.thaw()
    assert remote.docker.containers() == []


def test_dial_stdio_is_the_way_where_sockets_are_forbidden(rig: Rig) -> None:
    server = rig.sshd({"AllowStreamLocalForwarding": "no", "LogLevel": "DEBUG2"})
    host = connect(server)
    try:
        assert host.docker.containers() == []
        assert host.docker.info()["NCPU"] > 0
        assert server.log().count("Starting session: command") == 1
    finally:
        host.close()


def test_the_socket_needs_no_session(rig: Rig) -> None:
    server = rig.sshd({"MaxSessions": "1"})
    host = connect(server)
    try:
        host.sample()
        with host.docker.events(), host.docker.events():
            assert host.docker.containers() == []
        # The one session is the sampler's, which steps aside for a command and comes back afterwards.
        assert host.run(["true"], deadline=5).exit_code == 0
        assert "MemTotal" in host.sample().meminfo
        assert host.run(["true"], deadline=5).exit_code == 0
    finally:
        host.close()


@pytest.mark.parametrize("by_itself", [True, False])
def test_no_answer_waits_for_a_delayed_acknowledgement(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, by_itself: bool
) -> None:
    """sshd leaves Nagle's algorithm on until the first command: an inspect took 44 ms, not 1."""
    if not by_itself:
        monkeypatch.setattr(transport, "_QUICK_ACK", None)  # as on macOS and Windows
    sleeper(rig, "one")
    host = connect(rig.server)
    times = []
    for _ in range(30):
        began = time.monotonic()
        host.docker.inspect("one")
        times.append(time.monotonic() - began)
    host.close()
    assert statistics.median(times) < scaled(0.02)
    assert sum(taken > 0.035 for taken in times) < 10


def test_docker_missing(rig: Rig) -> None:
    server = rig.sshd({"AllowStreamLocalForwarding": "no"}, without_docker=True)
    host = connect(server)
    with pytest.raises(DockerMissing):
        host.docker.containers()
    host.close()


@pytest.mark.parametrize("forwarding", ["yes", "no"])
def test_docker_forbidden(rig: Rig, forwarding: str) -> None:
    server = rig.sshd({"AllowStreamLocalForwarding": forwarding}, user="nodocker")
    host = connect(server)
    with pytest.raises(DockerForbidden) as caught:
        host.docker.containers()
    assert "permission denied" in caught.value.details["stderr"].lower()
    host.close()


@pytest.mark.parametrize("road", ROADS)
def test_docker_not_running(rig: Rig, road: str) -> None:
    host = open_road(rig, road)
    os.rename("/run/docker.sock", "/run/docker.sock.away")
    try:
        with pytest.raises(DockerSilent) as caught:
            host.docker.containers()
        assert caught.value.details["reason"] == "not-running"
    finally:
        os.rename("/run/docker.sock.away", "/run/docker.sock")
    assert host.docker.containers() == []
    host.close()
