"""Forwards that a running tray keeps, the command's own through it, and what goes through one."""

from __future__ import annotations

import hashlib
import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from sparktray.handoff.forward import Forward
from sparktray.remote.contract import SshTarget
from sparktray.remote.host import open_host
from sparktray.store.paths import ConfigFolder
from sparktray.store.settings import SettingsFile
from tests.rig.desktop import Desktop
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.test_clients import opened
from tests.rig.tray_program import tray
from tests.unit.test_forwards import answers, free_port
from tests.waiting import scaled, wait_until

SCOUT = "llama4-scout-17b-nvfp4"
LARGE = 100_000_000


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    rig.start_sglang(SCOUT, rm=False)
    rig.wait_http(30000, "/health")
    return made


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


def serves(port: int) -> bool:
    """Whether the model is reached through that port of this computer."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/v1/models", timeout=scaled(5), trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and answer.json()["data"][0]["id"] == SCOUT


def keep(program: Program, port: int | None) -> None:
    """As the panel does when a person asks for a forward, or ends it."""
    SettingsFile(ConfigFolder(program.config)).change(lambda s: s.with_forward("spark", "sglang", port))


def test_a_forward_stays_with_the_tray_and_comes_back_with_it(
    rig: Rig, program: Program, desktop: Desktop
) -> None:
    port = free_port()
    with desktop.watcher() as watcher, tray(program, desktop):
        desktop.item(watcher)
        keep(program, port)
        wait_until(lambda: serves(port), "the forward", seconds=20)
        rig.server.drop_sessions()
        wait_until(lambda: serves(port), "the forward after a lost link", seconds=20)
        told = program.json("forward", "--port", str(port))
        assert told == {"server": "sglang", "base_url": f"http://127.0.0.1:{port}/v1"}, "open already"
    assert not answers(port), "it ends with the tray"
    with desktop.watcher() as watcher, tray(program, desktop):
        desktop.item(watcher)
        wait_until(lambda: serves(port), "the same port again", seconds=20)
        keep(program, None)
        wait_until(lambda: not answers(port), "its end", seconds=20)


def test_the_command_through_a_running_tray(rig: Rig, program: Program, desktop: Desktop) -> None:
    port = free_port()
    with desktop.watcher() as watcher, tray(program, desktop):
        item = desktop.item(watcher)
        wait_until(lambda: item.visible()[0].startswith(SCOUT), "the model", seconds=30)
        running, url = opened(program, "--port", str(port))
        try:
            assert url == f"http://127.0.0.1:{port}/v1" and serves(port)
            rig.server.drop_sessions()
            wait_until(lambda: serves(port), "the forward after a lost link", seconds=20)
        finally:
            running.terminate()
            running.communicate()
        wait_until(lambda: not answers(port), "its end with the command", seconds=10)


class _Large(http.server.BaseHTTPRequestHandler):
    """The same bytes each time, too many to be held up anywhere."""

    piece = bytes(range(256)) * 4096

    def do_GET(self) -> None:
        """LARGE bytes."""
        self.send_response(200)
        self.send_header("Content-Length", str(LARGE))
        self.end_headers()
        left = LARGE
        while left:
            self.wfile.write(self.piece[:left])
            left -= min(left, len(self.piece))

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def source() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Large)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_hundred_megabytes_arrive_whole(rig: Rig) -> None:
    at = rig.server
    target = SshTarget(at.address, at.port, at.user, str(at.client_key), at.fingerprint)
    expected = hashlib.sha256()
    left = LARGE
    while left:
        expected.update(_Large.piece[:left])
        left -= min(left, len(_Large.piece))
    with source() as port, closing(open_host(target)) as remote:
        forward = Forward(lambda: remote, port)
        try:
            came = subprocess.run(
                ["curl", "-sS", "--fail", f"http://127.0.0.1:{forward.port}/"],
                capture_output=True,
                check=True,
                timeout=scaled(60),
            ).stdout
        finally:
            forward.close()
    assert len(came) == LARGE and hashlib.sha256(came).digest() == expected.digest()
