"""A Docker Engine of the rig's own: data root in the cache folder, socket where Docker's is."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from tests.rig import namespace
from tests.rig.base_image import cache_folder
from tests.waiting import scaled, wait_until

# The one Debian ships with its engine: other clients in /usr/local/bin word their errors otherwise.
CLIENT = "/usr/bin/docker"
SOCKET = Path("/run/docker.sock")
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
MOST_RIGS_AT_ONCE = 8


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=scaled(60))
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(method: str, path: str, socket_path: Path = SOCKET) -> Any:
    """One request to a Docker Engine: the decoded JSON, or None if empty. Raises on 4xx and 5xx."""
    connection = _UnixConnection(socket_path)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status >= 400:
        raise RuntimeError(
            f"Docker answered {answer.status} to {method} {path}: {body.decode(errors='replace')}"
        )
    if not body or body == b"OK":
        return None
    return json.loads(body)


def take_slot() -> tuple[Path, IO[str]]:
    """A data root that no other rig uses, and the open lock that keeps it ours."""
    for number in range(MOST_RIGS_AT_ONCE):
        slot = cache_folder() / f"slot-{number}"
        slot.mkdir(exist_ok=True)
        lock = (slot / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        return slot / "data", lock
    raise RuntimeError(f"{MOST_RIGS_AT_ONCE} rigs run already; each needs a Docker data root of its own")


class Engine:
    """One dockerd. With GPU_HOOK it accepts `--gpus all`, as a host with NVIDIA's toolkit does."""

    def __init__(
        self,
        name: str,
        data: Path,
        *,
        socket_path: Path = SOCKET,
        gpu_hook: bool = True,
        own_network: bool = False,
        options: tuple[str, ...] = (),
    ) -> None:
        """Prepare; `start` runs it."""
        self.folder = namespace.RUN / name
        self.folder.mkdir(exist_ok=True)
        self.socket_path = socket_path
        self.log_path = self.folder / "log"
        self._data = data
        # A dockerd without a bridge deletes docker0 at its start, also another one's.
        self._prefix = ["unshare", "--net"] if own_network else []
        self._options = options
        # One for each data root, so that the sweep of one rig never meets the start of another.
        self._cgroup = f"sparktray-rig-{data.parent.name}"
        self._path = SYSTEM_PATH
        if gpu_hook:
            hooks = self.folder / "hooks"
            hooks.mkdir(exist_ok=True)
            hook = hooks / "nvidia-container-runtime-hook"
            # dockerd only asks whether it is there; runc runs it before each start with a GPU.
            hook.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
            hook.chmod(0o755)
            self._path = f"{hooks}:{SYSTEM_PATH}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of dockerd, for tests that freeze or kill it."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start dockerd and wait until it answers (about 1 s)."""
        _remove_cgroups(self._cgroup)
        command = [
            *self._prefix,
            "dockerd",
            "--data-root",
            str(self._data),
            "--exec-root",
            str(self.folder / "exec"),
        ]
        command += ["--pidfile", str(self.folder / "pid"), "-H", f"unix://{self.socket_path}", "-G", "docker"]
        command += ["--cgroup-parent", f"/{self._cgroup}", *self._options]
        (self.folder / "pid").unlink(missing_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": self._path},
            )
        wait_until(self._answers, f"dockerd to answer (log: {self.log_path})", seconds=30)

    def freeze(self) -> None:
        """Stop dockerd without closing anything: a Docker that takes connections and never answers."""
        namespace.freeze(self.pid)

    def thaw(self) -> None:
        """Undo `freeze`."""
        namespace.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End dockerd as a crash does; its containers live on until `start`, which stops them."""
        assert self._process is not None
        self.thaw()
        self._process.kill()
        self._process.wait()

    def revive(self) -> None:
        """Undo `freeze` and `kill`, whichever it was."""
        assert self._process is not None
        if self._process.poll() is None:
            self.thaw()
        else:
            self.start()

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"dockerd ended:\n{self.log_path.read_text(errors='replace')[-2000:]}")
        try:
            ask("GET", "/_ping", self.socket_path)
        except (OSError, RuntimeError):
            return False
        return True

    def stop(self) -> None:
        """End dockerd and the containers it runs."""
        if self._process is not None:
            with suppress(OSError, RuntimeError):
                self.remove_containers()
            namespace.end(self._process, grace=scaled(20))
            self._process = None
        _remove_cgroups(self._cgroup)

    def halt(self) -> None:
        """End dockerd, and with it the containers, as a shutdown does; nothing is removed."""
        assert self._process is not None
        namespace.end(self._process, grace=scaled(60))

    def reboot(self) -> None:
        """As a host does: dockerd ends, with it all containers, and starts those with a restart policy."""
        self.halt()
        self.start()

    def docker(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the docker command line against this engine."""
        command = [CLIENT, "-H", f"unix://{self.socket_path}", *arguments]
        raw = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        # Decoded here and not by text=True, which would turn the \r of progress bars into \n.
        out, err = raw.stdout.decode(errors="replace"), raw.stderr.decode(errors="replace")
        if check and raw.returncode != 0:
            raise AssertionError(f"docker {' '.join(arguments)} ended with {raw.returncode}:\n{err}")
        return subprocess.CompletedProcess(command, raw.returncode, out, err)

    def remove_containers(self) -> None:
        """Remove every container, running or not."""
        for container in ask("GET", "/containers/json?all=1", self.socket_path):
            try:
                ask("DELETE", f"/containers/{container['Id']}?force=1&v=1", self.socket_path)
            except RuntimeError as refusal:
                # 404: gone in between. 409: a --rm container is being removed already.
                if " 404 " not in str(refusal) and " 409 " not in str(refusal):
                    raise
        wait_until(
            lambda: not ask("GET", "/containers/json?all=1", self.socket_path), "containers to go", seconds=10
        )

    def remove_volumes(self) -> None:
        """Remove every volume."""
        for volume in ask("GET", "/volumes", self.socket_path)["Volumes"] or ():
            ask("DELETE", f"/volumes/{volume['Name']}?force=1", self.socket_path)


def _remove_cgroups(name: str) -> None:
    """Remove the control groups that containers left, also those of a run that was killed."""
    mounted = Path("/sys/fs/cgroup")
    for parent in (*mounted.glob(name), *mounted.glob(f"*/{name}")):
        groups = [entry for entry in parent.rglob("*") if entry.is_dir()]
        for group in (*sorted(groups, reverse=True), parent):
            with suppress(OSError):
                group.rmdir()
