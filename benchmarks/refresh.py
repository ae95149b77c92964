"""A full refresh on a warm connection with 10 containers, next to ``ssh host docker ps``.

Run by ``make bench`` inside the rig's namespaces. Prints medians, spread and the ratio; ends with 1
when the budget is missed and with 2 when the rig's parts are not there.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.figures import MISSING_PARTS, Figure, by_turns, missing, report
from sparktray.control.reading import containers_of
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.remote.contract import Remote, SshTarget
from sparktray.remote.host import open_host
from sparktray.store.shipped import shipped
from tests.rig.namespace import end
from tests.rig.rig import Rig
from tests.rig.sshd import client_argv
from tests.waiting import wait_until

CONTAINERS = 10
PARTS = ("dockerd", "sshd", "ssh", "unshare", "debootstrap")


def populate(rig: Rig) -> None:
    """The page's servers, loaded, and others that only keep Docker's list long."""
    rig.start_sglang()
    rig.start_sglang("qwen3-32b-nvfp4", container="sglang-main", port=30001)
    rig.start_vllm()
    rig.start_ollama()
    for number in range(CONTAINERS - 4):
        rig.docker("run", "-d", "--name", f"other-{number}", "--entrypoint", "sleep", "ollama/ollama", "600")
    for port in (30000, 30001, 8000):
        rig.wait_http(port, "/health", 200, seconds=30)


def refresh(remote: Remote, catalogue: Catalogue) -> None:
    """One full reading, as the program does it: the list, and the details of what may be a server."""
    found = containers_of(remote, catalogue)
    if len(found) != CONTAINERS:
        raise RuntimeError(f"{len(found)} containers instead of {CONTAINERS}")


def main() -> int:
    """Measure, print, judge."""
    if missing(PARTS):
        return MISSING_PARTS
    catalogue = read_catalogue(shipped("models.json").read_bytes(), "models.json")
    rig = Rig()
    try:
        populate(rig)
        target = SshTarget("127.0.0.1", rig.port, rig.user, str(rig.client_key), rig.fingerprint)
        remote = open_host(target)
        works: dict[str, Callable[[], object]] = {
            "full refresh, warm connection, 10 containers": lambda: refresh(remote, catalogue),
            "of it: the list alone": remote.docker.containers,
        }
        whole, one = by_turns(200, works)
        with multiplexed(rig) as again, over_ssh(rig) as by_docker:
            cold, warm, docker = by_turns(
                15,
                {
                    "ssh host docker ps": lambda: rig.ssh("docker ps"),
                    "the same, multiplexed": again,
                    "docker -H ssh:// ps": by_docker,
                },
            )
        remote.close()
    finally:
        rig.close()
    return report(
        "refresh",
        (
            Figure(whole, cold, most=15.0, ratio=0.1),
            Figure(whole, warm),
            Figure(whole, docker),
            Figure(one),
        ),
    )


@contextmanager
def multiplexed(rig: Rig) -> Iterator[Callable[[], object]]:
    """`docker ps` over one ssh connection that stays (ControlMaster)."""
    with tempfile.TemporaryDirectory() as folder:
        argv = [*client_argv(rig.server), "-o", f"ControlPath={folder}/master", f"{rig.user}@{rig.address}"]
        master = subprocess.Popen([*argv[:1], "-M", "-N", *argv[1:]], stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: Path(folder, "master").exists(), "the master connection")
            yield partial(_quietly, [*argv, "docker ps"])
        finally:
            end(master)


@contextmanager
def over_ssh(rig: Rig) -> Iterator[Callable[[], object]]:
    """`docker ps` by the client's own road over ssh, which runs `ssh` for each call."""
    with tempfile.TemporaryDirectory() as folder:
        ssh, real = Path(folder) / "ssh", shutil.which("ssh") or "ssh"
        login = shlex.join([real, *client_argv(rig.server)[1:]])
        ssh.write_text(f'#!/bin/sh\nexec {login} "$@"\n', encoding="utf-8")
        ssh.chmod(0o755)
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        argv = ["docker", "-H", f"ssh://{rig.user}@{rig.address}:{rig.port}", "ps"]
        yield partial(_quietly, argv, environment)


def _quietly(argv: list[str], environment: dict[str, str] | None = None) -> None:
    subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    raise SystemExit(main())
