"""The rig itself: its parts are real, and the page's own commands work on it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import namespace
from tests.rig.engine import SYSTEM_PATH, Engine
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd
from tests.waiting import wait_until

SCOUT = "llama4-scout-17b-nvfp4"
QUICK = {"load_seconds": 0.1, "warm_seconds": 0.1, "health_seconds": 0.05}
PAGE = """\
docker rm -f sglang >/dev/null 2>&1 || true
docker run --rm --name sglang --gpus all \\
  -p 30000:30000 \\
  -v /home/sparkuser/ai/models/llama4/llama4-scout-17b-nvfp4:/model \\
  -v /home/sparkuser/ai/cache/sglang:/root/.cache \\
  lmsysorg/sglang:spark \\
  python3 -m sglang.launch_server \\
    --model-path /model \\
    --served-model-name llama4-scout-17b-nvfp4 \\
    --host 0.0.0.0 \\
    --port 30000 \\
    --trust-remote-code \\
    --tp 1
"""


def ssh_argv(rig: Rig, server: Sshd, command: str) -> list[str]:
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    options += ["-i", str(rig.client_key), "-p", str(server.port)]
    return ["ssh", "-F", "none", *options, f"{server.user}@{server.address}", command]


@pytest.fixture
def page_server(rig: Rig) -> Iterator[subprocess.Popen[bytes]]:
    """The page's own commands, typed into a shell of the host and left in the foreground."""
    with namespace.running(ssh_argv(rig, rig.server, PAGE)) as typed:
        yield typed


def test_the_pages_command_goes_from_refused_over_503_to_ready(
    rig: Rig, page_server: subprocess.Popen[bytes]
) -> None:
    seen: list[tuple[str, int | None]] = []

    def look() -> bool:
        # The model list is asked second: where it is listed, /health was asked earlier.
        for path in ("/health", "/v1/models"):
            answer = rig.http(30000, path)
            step = (path, None if answer is None else answer[0])
            if step not in seen:
                seen.append(step)
        return ("/health", 200) in seen

    wait_until(look, "the page's server to be ready", seconds=20, every=0.02)
    assert seen.index(("/health", None)) < seen.index(("/health", 503)) < seen.index(("/health", 200))
    assert seen.index(("/v1/models", 200)) < seen.index(("/health", 200))
    assert rig.model_ids(30000) == [SCOUT]
    rig.ssh("docker rm -f sglang")
    assert page_server.wait(10) == 137
    assert rig.state("sglang") is None


def test_sigterm_ends_each_engine_in_time(rig: Rig) -> None:
    rig.behave(SCOUT, **QUICK)
    rig.start_sglang(rm=False)
    rig.start_vllm(rm=False)
    rig.start_ollama()
    rig.wait_http(30000, "/health")
    rig.wait_http(8000, "/health")
    rig.wait_http(11434, "/")
    for container in ("sglang", "vllm", "ollama"):
        started = time.monotonic()
        rig.docker("stop", "-t", "10", container)
        assert time.monotonic() - started < 2
        found = rig.inspect(container)
        assert found is not None
        assert found["State"]["ExitCode"] == 0


def test_a_deaf_server_is_killed_after_the_grace(rig: Rig) -> None:
    rig.behave(SCOUT, **QUICK, ignore_sigterm=True)
    rig.start_sglang(rm=False)
    rig.wait_http(30000, "/health")
    rig.docker("stop", "-t", "1", "sglang")
    found = rig.inspect("sglang")
    assert found is not None
    assert found["State"]["ExitCode"] == 137


def test_gpus_are_refused_without_nvidias_hook(rig: Rig) -> None:
    folder = namespace.RUN / "plain"
    options = ("--bridge", "none", "--iptables=false", "--storage-driver", "vfs")
    plain = Engine(
        "plain",
        folder / "data",
        socket_path=folder / "docker.sock",
        gpu_hook=False,
        own_network=True,
        options=options,
    )
    plain.start()
    try:
        archive = folder / "one-file.tar"
        subprocess.run(["tar", "-C", "/usr/bin", "-cf", str(archive), "true"], check=True)
        plain.docker("import", str(archive), "one-file")
        refused = plain.docker("run", "--gpus", "all", "one-file", "/true", check=False)
    finally:
        plain.stop()
    assert refused.returncode == 125
    assert 'could not select device driver "" with capabilities: [[gpu]]' in refused.stderr


def test_docker_over_ssh_needs_the_group(rig: Rig) -> None:
    assert rig.ssh("docker ps --format '{{.Names}}'").stdout == ""
    refused = rig.ssh("docker ps", user="nodocker", check=False)
    assert refused.returncode == 1
    assert "permission denied while trying to connect to the Docker daemon socket" in refused.stderr
    missing = rig.ssh("docker ps", server=rig.sshd(without_docker=True), check=False)
    assert missing.returncode == 127
    assert "docker: command not found" in missing.stderr


def test_the_host_looks_like_a_gb10(rig: Rig) -> None:
    query = "nvidia-smi --query-gpu=name,memory.total,utilization.gpu,power.draw,temperature.gpu --format=csv"
    assert rig.ssh(query).stdout.splitlines() == [
        "name, memory.total [MiB], utilization.gpu [%], power.draw [W], temperature.gpu",
        "NVIDIA GB10, [N/A], 0 %, 11.17 W, 35",
    ]
    rig.set_gpu(utilization=96, power=61.5, apps=[(4242, "sglang::scheduler", 63931)])
    assert rig.ssh(f"{query},noheader,nounits").stdout == "NVIDIA GB10, [N/A], 96, 61.5, 35\n"
    apps = "nvidia-smi --query-compute-apps=pid,process_name,used_memory --format=csv,noheader,nounits"
    assert rig.ssh(apps).stdout == "4242, sglang::scheduler, 63931\n"
    assert "Not Supported" in rig.ssh("nvidia-smi").stdout
    rig.set_memory(50_000_000)
    assert re.findall(r"Mem(?:Total|Available): +(\d+) kB", rig.ssh("cat /proc/meminfo").stdout) == [
        "127600748", "50000000",
    ]  # fmt: skip
    rig.set_gpu(hangs=True)
    assert rig.ssh("timeout 0.3 nvidia-smi", check=False).returncode == 124
    rig.set_gpu(missing=True)
    assert rig.ssh("nvidia-smi", check=False).returncode == 127


def test_another_sshd_has_its_own_identity_and_rules(rig: Rig) -> None:
    other = rig.sshd({"AllowStreamLocalForwarding": "no"}, host_key_name="other")
    assert other.fingerprint.startswith("SHA256:")
    assert other.fingerprint not in rig.server.fingerprints.values()
    assert rig.ssh("echo $PATH", server=other).stdout.strip().endswith(SYSTEM_PATH)
    with namespace.running(ssh_argv(rig, other, "sleep 1000")) as session:
        # The first one was the command above; its processes may still be on their way out.
        wait_until(lambda: other.log().count("Starting session") == 2, "the second session")
        other.drop_sessions()
        assert session.wait(5) == 255


def test_the_rig_has_a_network_and_processes_of_its_own() -> None:
    assert "entered" in {entry.name for entry in namespace.RUN.iterdir()}
    assert Path("/proc/1/cmdline").read_bytes().split(b"\0")[1].endswith(b"rig/enter")
    routes = subprocess.run(["ip", "route"], check=True, capture_output=True, text=True).stdout
    assert "default" not in routes


def test_enter_says_what_it_needs() -> None:
    nobody = ["setpriv", "--reuid=1718", "--regid=1718", "--clear-groups"]
    with tempfile.TemporaryDirectory() as folder:  # the checkout may lie where only root looks
        shutil.copytree(Path(__file__).parent, f"{folder}/rig")
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [*nobody, "/usr/bin/python3", f"{folder}/rig/enter", "true"],
            check=False,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 77
    assert done.stderr.count("\n") == 1
    assert "needs root" in done.stderr
