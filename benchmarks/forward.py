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

from benchmarks.figures import Figure, Measured, report
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


def speed(port: int) -> tuple[float, ...]:
    """Megabytes a second of each a large download, by curl: its own work is not ours."""
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
    return tuple(found)


def delay(port: int) -> tuple[float, ...]:
    """Milliseconds of each small request on a connection of its own."""
    found = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/small")
        connection.getresponse().read()
        connection.close()
        found.append((time.perf_counter() - began) * 1000)
    return tuple(found)


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
    (_, direct_rate, direct), (_, ssh_rate, by_ssh), (_, rate, ours) = rows
    plain = statistics.median(direct)
    fast = Measured("a large download through a forward", rate, "MB/s")
    added = Measured("added to a small request by a forward", tuple(each - plain for each in ours))
    return report(
        "forward",
        (
            Figure(fast, Measured("ssh -L", ssh_rate, "MB/s"), most=LEAST_MB_A_SECOND, at_least=True),
            Figure(added, Measured("ssh -L", tuple(each - plain for each in by_ssh)), most=MOST_MS),
            Figure(Measured("the same download without either", direct_rate, "MB/s")),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main())
