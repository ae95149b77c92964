"""A forward of ours next to ``ssh -L``: bytes a second, and what it adds to one small request.

Run by ``make bench`` inside the rig's namespaces. Prints medians and the ratios; ends with 1 when the budget
is missed.
"""

from __future__ import annotations

import http.client
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparktray.handoff.forward import Forward
from sparktray.remote.contract import SshTarget
from sparktray.remote.host import open_host
from tests.rig.rig import Rig
from tests.rig.sshd import client_argv
from tests.waiting import wait_until

LEAST_MB_A_SECOND, MOST_MS = 50.0, 5.0
MB = 1_000_000
SIZE = 200 * MB
DOWNLOADS, REQUESTS = 5, 200


def free_port() -> int:
    """A port that nobody holds now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(argv: list[str], port: int) -> Iterator[None]:
    """A program, until its port listens and then to the end of the block."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port), f"port {port}")
        yield
    finally:
        process.terminate()
        process.wait()


def speed(port: int) -> float:
    """Megabytes a second of a large download, by curl: its own work is not ours."""
    url = f"http://127.0.0.1:{port}/large"
    found = []
    for _ in range(DOWNLOADS):
        told = subprocess.run(
            ["curl", "-sS", "-o", "/dev/null", "-w", "%{speed_download} %{size_download}", url],
            capture_output=True,
            text=True,
            check=True,
        )
        rate, size = told.stdout.split()
        if int(float(size)) != SIZE:
            raise RuntimeError(f"{size} bytes of {SIZE} came")
        found.append(float(rate) / MB)
    return statistics.median(found)


def delay(port: int) -> float:
    """Milliseconds of a small request on a connection of its own."""
    found = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/small")
        connection.getresponse().read()
        connection.close()
        found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


def main() -> int:
    """Measure, print, judge."""
    rig = Rig()
    try:
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            (Path(folder) / "large").write_bytes(bytes(SIZE))
            (Path(folder) / "small").write_bytes(b"ok")
            served, other = free_port(), free_port()
            serve = [sys.executable, "-m", "http.server", str(served), "-b", "127.0.0.1", "-d", folder]
            tunnel = [*client_argv(rig.server), "-N", "-L", f"127.0.0.1:{other}:127.0.0.1:{served}"]
            tunnel.append(f"{rig.user}@{rig.address}")
            target = SshTarget(rig.address, rig.port, rig.user, str(rig.client_key), rig.fingerprint)
            with running(serve, served), running(tunnel, other):
                remote = open_host(target)
                forward = Forward(lambda: remote, served)
                rows = [
                    (name, speed(port), delay(port))
                    for name, port in (("direct", served), ("ssh -L", other), ("forward", forward.port))
                ]
                forward.close()
                remote.close()
    finally:
        rig.close()
    for name, rate, milliseconds in rows:
        print(f"{name:<10} {rate:9.1f} MB/s {milliseconds:8.2f} ms a request")
    (_, _, plain), (_, ssh_rate, ssh_ms), (_, rate, ours) = rows
    added = ours - plain
    held = rate >= LEAST_MB_A_SECOND and added <= MOST_MS
    of_speed, of_delay = rate / ssh_rate, added / max(ssh_ms - plain, 0.01)
    print(f"ratio to ssh -L: {of_speed:.2f} of its speed, {of_delay:.1f} of its delay")
    budget = f"{LEAST_MB_A_SECOND:.0f} MB/s and {MOST_MS:.0f} ms"
    print(f"budget {budget}: {'held' if held else 'missed'} ({added:.2f} ms)")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
