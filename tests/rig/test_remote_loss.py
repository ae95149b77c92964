"""A link that dies: everything open ends at once, and a host that only looks alive is found out."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from sparktray.remote.contract import Remote
from sparktray.remote.errors import LinkLost, RemoteError
from tests.rig.driving import Program
from tests.rig.remote_hosts import connect, open_road, sleeper
from tests.rig.rig import Rig
from tests.waiting import scaled, wait_until


class Waiter:
    """Runs something that waits, in a thread, and keeps how it ended."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.error: RemoteError | None = None
        self.began = threading.Event()
        self._work = work
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        self.began.wait()

    def _run(self) -> None:
        self.began.set()
        try:
            self._work()
        except RemoteError as error:
            self.error = error


def everything_that_waits(rig: Rig, host: Remote) -> list[Waiter]:
    """One waiter for each kind of call, all of them waiting on the host."""
    sleeper(rig, "quiet")
    sleeper(rig, "deaf", "exec sleep 1000", "-p", "30000:30000")
    events, lines = host.docker.events(), host.docker.follow_logs("quiet")
    waiters = [
        Waiter(lambda: list(events)),
        Waiter(lambda: list(lines)),
        Waiter(lambda: host.run(["sleep", "1000"], deadline=600)),
        Waiter(lambda: host.run(["cat"], stdin=b"x" * 100, deadline=600)),
        Waiter(lambda: host.docker.get("/containers/quiet/stats", deadline=600)),
    ]
    host.sample()
    wait_until(lambda: rig.ssh("pgrep -f '^sleep 100[0]'", check=False).returncode == 0, "sleep to run")
    return waiters


def test_a_killed_session_ends_everything_within_a_second(rig: Rig) -> None:
    server = rig.sshd()
    host = connect(server)
    lost = threading.Event()
    host.on_lost(lost.set)
    waiters = everything_that_waits(rig, host)
    server.drop_sessions()
    began = time.monotonic()
    for waiter in waiters:
        waiter.thread.join(scaled(1.0))
    assert lost.wait(scaled(1.0))
    assert time.monotonic() - began < scaled(1.0)
    assert [type(waiter.error) for waiter in waiters if waiter is not waiters[3]] == [LinkLost] * 4
    for call in (host.docker.containers, host.sample, host.check, lambda: host.run(["true"], deadline=5)):
        with pytest.raises(LinkLost):
            call()
    at_once = threading.Event()
    host.on_lost(at_once.set)
    assert at_once.is_set()
    host.close()


@pytest.mark.parametrize("road", ["ssh", "local"])
def test_closing_ends_everything_within_a_second(rig: Rig, road: str) -> None:
    host = open_road(rig, road)
    waiters = everything_that_waits(rig, host)
    began = time.monotonic()
    host.close()
    for waiter in waiters:
        waiter.thread.join(scaled(1.0))
    assert time.monotonic() - began < scaled(1.0)
    assert not any(waiter.thread.is_alive() for waiter in waiters)


def test_a_frozen_host_is_found_out(rig: Rig) -> None:
    server = rig.sshd()
    host = connect(server)
    host.check(deadline=2)
    waiter = Waiter(lambda: list(host.docker.events()))
    server.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(LinkLost) as caught:
            host.check(deadline=0.5)
        assert time.monotonic() - began < scaled(1.0)
        assert caught.value.details["reason"] == "no answer"
        waiter.thread.join(scaled(1.0))
        assert isinstance(waiter.error, LinkLost)
    finally:
        server.thaw()
        host.close()


def test_a_check_costs_no_session_and_no_command(rig: Rig) -> None:
    server = rig.sshd({"LogLevel": "DEBUG2"})
    host = connect(server)
    for _ in range(3):
        host.check()
    assert "ctype session" not in server.log()
    host.close()


def test_new_keys_are_agreed_under_load(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels close on both sides while keys change: what made the link die before closes were postponed."""
    monkeypatch.setattr(paramiko.packet.Packetizer, "REKEY_BYTES", 64 * 1024)
    server = rig.sshd({"LogLevel": "DEBUG1"})
    host = connect(server)
    sleeper(rig, "one")
    errors: list[RemoteError] = []

    def load() -> None:
        try:
            for _ in range(12):
                assert len(host.run(["head", "-c", "60000", "/dev/zero"], deadline=20).stdout) == 60000
                assert len(host.docker.containers()) == 1
        except RemoteError as error:
            errors.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    host.close()
    assert server.log().count("SSH2_MSG_NEWKEYS received") > 10


def test_more_commands_than_sessions_wait_their_turn(rig: Rig) -> None:
    host = connect(rig.server)
    done: list[int | None] = []
    threads = [
        threading.Thread(target=lambda: done.append(host.run(["sleep", "0.1"], deadline=20).exit_code))
        for _ in range(14)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [0] * 14
    host.close()


def helpers() -> list[int]:
    """Samplers that run on the host."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[:2] == [b"sh", b"-c"] and b"==sparktray==" in words[2]:
                found.append(int(folder.name))
    return found


def test_a_killed_program_leaves_no_helper_on_the_host(rig: Rig, tmp_path: Path) -> None:
    """The sampler lives as long as its connection, however that ends."""
    program = Program(tmp_path / "config")
    program.add(rig)
    running = program.start("monitor", "--watch")
    try:
        wait_until(helpers, "the sampler", seconds=20)
    finally:
        running.kill()
        running.communicate()
    wait_until(lambda: not helpers(), "its end", seconds=5)
