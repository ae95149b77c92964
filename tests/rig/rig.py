"""The rig as tests see it: one object that holds the host's parts and the few verbs tests need."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.rig import engine, images, model_folders, namespace, people
from tests.rig.gb10 import Gpu, Machine
from tests.rig.sshd import ADDRESS, PORT, Sshd, path_without_docker, run_client
from tests.rig.sshd import start as start_sshd
from tests.waiting import scaled, wait_until

OLLAMA_VOLUME = "ollama"
OLLAMA_FOLDER = "/root/.ollama"


def _options(container: str, port: int, folder: Path, cache: Path, *, rm: bool) -> list[str]:
    """The options of the page's `docker run`."""
    options = [*(["--rm"] if rm else []), "--name", container, "--gpus", "all", "-p", f"{port}:{port}"]
    return [*options, "-v", f"{folder}:/model", "-v", f"{cache}:/root/.cache"]


def _names(served_name: str, port: int) -> list[str]:
    return ["--served-model-name", served_name, "--host", "0.0.0.0", "--port", str(port)]


class Rig:
    """A DGX Spark made of real parts. One a test run; `clean` runs between tests."""

    models_folder = model_folders.MODELS
    cache_folder = model_folders.CACHE
    images = (images.SGLANG, images.VLLM, images.OLLAMA)

    def __init__(self) -> None:
        """Start everything (about 3 s with a warm cache); `close` ends it."""
        namespace.require()
        self._stack = ExitStack()
        self._servers: list[Sshd] = []
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise

    def _start(self) -> None:
        people.settle()
        self.machine = Machine()
        data, lock = engine.take_slot()
        self._stack.enter_context(lock)
        self.engine = engine.Engine("dockerd", data)
        self._stack.callback(self.engine.stop)
        self.engine.start()
        self.engine.remove_containers()
        self.engine.remove_volumes()
        images.ensure(self.engine)
        self.server = start_sshd(port=PORT)
        self._stack.callback(self.server.stop)
        model_folders.reset()
        self._gpu = Gpu()

    def close(self) -> None:
        """End what was started, in reverse order."""
        self._stop_extra_servers()
        self._stack.close()

    def clean(self) -> None:
        """A host as new: no containers, volumes, extra sshds or behaviours; images and memory as at start."""
        self._stop_extra_servers()
        # A test that froze one of them may have failed before it let go.
        self.server.thaw()
        self.engine.thaw()
        self.engine.remove_containers()
        self.engine.remove_volumes()
        images.ensure(self.engine)
        self._gpu = Gpu()
        self.machine.reset()
        model_folders.reset()

    # SSH

    @property
    def address(self) -> str:
        """Address of the default sshd."""
        return self.server.address

    @property
    def port(self) -> int:
        """Port of the default sshd."""
        return self.server.port

    @property
    def user(self) -> str:
        """The user who may use Docker."""
        return self.server.user

    @property
    def client_key(self) -> Path:
        """A private key file (0600, no passphrase) that every user of the rig accepts."""
        return self.server.client_key

    @property
    def fingerprint(self) -> str:
        """`SHA256:…` of the default sshd's ed25519 host key."""
        return self.server.fingerprint

    def sshd(
        self,
        options: Mapping[str, str] | None = None,
        *,
        user: str = people.SPARKUSER.name,
        host_keys: Sequence[str] = ("ed25519", "ecdsa"),
        host_key_name: str = "main",
        without_docker: bool = False,
        port: int = 0,
        address: str = ADDRESS,
    ) -> Sshd:
        """Another sshd with other options; ended by its `stop()` or at the end of the test."""
        path = path_without_docker() if without_docker else None
        server = start_sshd(
            port=port,
            user=user,
            options=options,
            host_keys=host_keys,
            host_key_name=host_key_name,
            path=path,
            address=address,
        )
        self._servers.append(server)
        return server

    def _stop_extra_servers(self) -> None:
        while self._servers:
            self._servers.pop().stop()

    def ssh(
        self, command: str, *, user: str | None = None, server: Sshd | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run COMMAND on the host by the real `ssh` client; a failure raises unless CHECK is False."""
        return run_client(server or self.server, command, user=user, check=check)

    # Docker

    def docker(self, *arguments: str) -> str:
        """Run the docker command line as root; its stdout. A failure raises with its stderr."""
        return self.engine.docker(*arguments).stdout

    def try_docker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same, for commands that may fail."""
        return self.engine.docker(*arguments, check=False)

    def inspect(self, container: str) -> dict[str, Any] | None:
        """`GET /containers/NAME/json`, or None when there is no such container."""
        try:
            found: dict[str, Any] = engine.ask("GET", f"/containers/{container}/json")
        except RuntimeError as refusal:
            if " 404 " in str(refusal):
                return None
            raise
        return found

    def state(self, container: str) -> str | None:
        """`running`, `exited`, …; None without such a container."""
        found = self.inspect(container)
        return None if found is None else str(found["State"]["Status"])

    def logs(self, container: str) -> str:
        """The container's log, both streams, each in its own order."""
        done = self.engine.docker("logs", container)
        return done.stdout + done.stderr

    # Servers, started as a person would

    def start_sglang(
        self,
        model: str | Path = "llama4-scout-17b-nvfp4",
        *,
        container: str = "sglang",
        port: int = 30000,
        served_name: str | None = None,
        rm: bool = True,
        docker_args: Sequence[str] = (),
        args: Sequence[str] = ("--trust-remote-code", "--tp", "1"),
    ) -> str:
        """The page's `docker run` for SGLang, detached; the container's id."""
        folder = model_folders.folder_of(model)
        command = ["python3", "-m", "sglang.launch_server", "--model-path", "/model"]
        command += _names(served_name or folder.name, port)
        options = [*_options(container, port, folder, self.cache_folder / "sglang", rm=rm), *docker_args]
        return self.docker("run", "-d", *options, images.SGLANG, *command, *args).strip()

    def start_vllm(
        self,
        model: str | Path = "qwen3-32b-nvfp4",
        *,
        container: str = "vllm",
        port: int = 8000,
        served_name: str | None = None,
        rm: bool = True,
        docker_args: Sequence[str] = (),
        args: Sequence[str] = ("--max-model-len", "32768"),
    ) -> str:
        """A `docker run` for vLLM as its playbook shows it, detached; the container's id."""
        folder = model_folders.folder_of(model)
        command = ["vllm", "serve", "/model", *_names(served_name or folder.name, port)]
        options = [*_options(container, port, folder, self.cache_folder / "vllm", rm=rm), *docker_args]
        return self.docker("run", "-d", *options, images.VLLM, *command, *args).strip()

    def start_ollama(
        self, *, container: str = "ollama", port: int = 11434, docker_args: Sequence[str] = ()
    ) -> str:
        """Ollama's own `docker run`, detached; the container's id."""
        options = ["--name", container, "--gpus", "all", "-p", f"{port}:11434"]
        options += ["-v", f"{OLLAMA_VOLUME}:{OLLAMA_FOLDER}", *docker_args]
        return self.docker("run", "-d", *options, "ollama/ollama").strip()

    # Behaviour of the stand-ins

    def folder(self, model: str | Path) -> Path:
        """A model's folder on the host, by its catalogue ID."""
        return model_folders.folder_of(model)

    def behave(self, model: str | Path, **behaviour: Any) -> None:
        """Set how a server that mounts MODEL behaves, from its next look at the file on; None unsets a key.

        `sglang={…}` and `vllm={…}` hold for that engine only.
        """
        model_folders.change_behaviour(model_folders.folder_of(model), behaviour)

    def behave_live(self, port: int, **changes: Any) -> None:
        """The same for whatever runs behind a published port of the host (or Ollama on it)."""
        model_folders.change_behaviour(self._behaviour_folder(port), changes)

    def _behaviour_folder(self, port: int) -> Path:
        for listed in engine.ask("GET", "/containers/json"):
            if any(entry.get("PublicPort") == port for entry in listed["Ports"]):
                for mount in listed["Mounts"]:
                    if mount["Destination"] in ("/model", OLLAMA_FOLDER):
                        return Path(mount["Source"])
        raise AssertionError(f"no running container publishes port {port} with a model mounted")

    def ollama_installed(self, names: Sequence[str | Mapping[str, Any]], **behaviour: Any) -> None:
        """What Ollama has installed; a mapping holds `name`, maybe `size` (bytes) and `embedding`."""
        self.docker("volume", "create", OLLAMA_VOLUME)
        folder = Path(engine.ask("GET", f"/volumes/{OLLAMA_VOLUME}")["Mountpoint"])
        installed = [{"name": entry} if isinstance(entry, str) else dict(entry) for entry in names]
        model_folders.change_behaviour(folder, {"installed": installed, **behaviour})

    # The machine

    def set_memory(self, available_kib: int) -> None:
        """Let /proc/meminfo say so from the next read on."""
        self.machine.set_memory(available_kib)

    def set_gpu(self, **changes: Any) -> None:
        """Change what nvidia-smi prints; the names are those of `Gpu`."""
        self._gpu = replace(self._gpu, **changes)
        self.machine.set_gpu(self._gpu)

    # HTTP, for baselines and proofs

    def http(
        self,
        port: int,
        path: str,
        body: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> tuple[int, bytes] | None:
        """One request to a port of the host (POST with a BODY): status and body; None if refused or reset."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=scaled(timeout))
        try:
            sent = dict(headers or {})
            if body is not None:
                sent.setdefault("Content-Type", "application/json")
            connection.request("GET" if body is None else "POST", path, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (ConnectionError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def wait_http(self, port: int, path: str, status: int = 200, *, seconds: float = 20.0) -> bytes:
        """Wait until PATH answers STATUS; the body."""

        def answers() -> tuple[int, bytes] | None:
            found = self.http(port, path)
            return found if found is not None and found[0] == status else None

        found = wait_until(answers, f"{path} on port {port} to answer {status}", seconds=seconds, every=0.05)
        assert found is not None
        return found[1]

    def model_ids(self, port: int) -> list[str]:
        """The IDs of `/v1/models`, once it answers."""
        return [str(card["id"]) for card in json.loads(self.wait_http(port, "/v1/models"))["data"]]

    def wait_state(self, container: str, state: str | None, *, seconds: float = 20.0) -> None:
        """Wait until the container is in STATE (`exited`, …), or gone for None."""
        wait_until(lambda: self.state(container) == state, f"{container} to be {state}", seconds=seconds)
