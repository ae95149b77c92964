"""The Spark of the demo: its memory, its files, its containers, and what runs there at the start.

`tour` names what fails there, so that it can be tried. vLLM's image is not there and is fetched, as is every
model of Ollama but two.
"""

from __future__ import annotations

import hashlib
import threading
import time

from sparktray.demo import commands
from sparktray.demo.docker.api import api
from sparktray.demo.docker.command import DockerCommand
from sparktray.demo.docker.container import Held, Image
from sparktray.demo.docker.engine import Engine, Host, Refused
from sparktray.demo.docker.pulling import Registry
from sparktray.demo.folders import disk
from sparktray.demo.inside.accounts import House, furnished
from sparktray.demo.inside.engine import Machine
from sparktray.demo.inside.guest import Guest, Sleeper
from sparktray.demo.inside.ollama import INSTALLED, Ollama
from sparktray.demo.inside.open_webui import OpenWebUi
from sparktray.demo.inside.program import DataProgram
from sparktray.demo.inside.sglang import Sglang
from sparktray.demo.inside.vllm import Vllm
from sparktray.demo.process import Process
from sparktray.domain.host import DEFAULT_CACHE_DIR, DEFAULT_MODELS_DIR, DEMO_HOST

_KIB = 1024
MEMORY = 127_600_748 * _KIB
"""MemTotal of a GB10 with 128 GB."""
_SYSTEM = 9_600_748 * _KIB
"""What the desktop and the page tables take."""
_CACHE = 9_000_000 * _KIB
# What loads without a pause is up within milliseconds, on a machine that is busy a little later.
_BEGIN_SECONDS = 5.0
_RUNC = (
    "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create"
    " failed: unable to start container process"
)
_IDLE_WATT, _BUSY_WATT = 11.2, 64.0
_SGLANG, _VLLM = "lmsysorg/sglang:spark", "nvcr.io/nvidia/vllm:26.05-py3"
_WEBUI = "ghcr.io/open-webui/open-webui:main"
_IMAGES = (
    Image(_SGLANG, "", 22_400_000_000),
    Image(_VLLM, "", 21_300_000_000),
    Image("ollama/ollama:latest", "", 3_900_000_000, entrypoint=("/ollama",), command=("serve",)),
    Image(_WEBUI, "", 4_600_000_000, command=("bash", "start.sh")),
    Image("busybox:latest", "", 4_300_000, command=("sh",)),
)
_THERE = (_SGLANG, "ollama/ollama:latest", _WEBUI, "busybox:latest")
_AT_START = (
    (
        *("--name", "sglang-main", "--gpus", "all", "-p", "30001:30001"),
        *("-v", f"{DEFAULT_MODELS_DIR}/qwen3/qwen3-32b-nvfp4:/model"),
        *("-v", f"{DEFAULT_CACHE_DIR}/sglang:/root/.cache", _SGLANG),
        *("python3", "-m", "sglang.launch_server", "--model-path", "/model"),
        *("--served-model-name", "qwen3-32b-nvfp4", "--host", "0.0.0.0", "--port", "30001"),  # noqa: S104
        *("--trust-remote-code", "--tp", "1", "--context-length", "32768", "--max-total-tokens", "32768"),
    ),
    (
        *("--name", "sglang", "--gpus", "all", "-p", "30000:30000"),
        *("-v", f"{DEFAULT_MODELS_DIR}/phi4/phi4-reasoning:/model"),
        *("-v", f"{DEFAULT_CACHE_DIR}/sglang:/root/.cache", _SGLANG),
        *("python3", "-m", "sglang.launch_server", "--model-path", "/model"),
        *("--served-model-name", "phi4-reasoning", "--host", "0.0.0.0", "--port", "30000"),  # noqa: S104
        *("--trust-remote-code", "--tp", "1", "--context-length", "32768", "--max-total-tokens", "65536"),
    ),
    (
        *("--name", "ollama", "--gpus", "all", "--restart", "unless-stopped", "-p", "11434:11434"),
        *("-v", "ollama:/root/.ollama", "ollama/ollama"),
    ),
    (
        *("--name", "open-webui", "--restart", "unless-stopped", "-p", "3000:8080"),
        *("-v", "open-webui:/app/backend/data", _WEBUI),
    ),
)


class Spark:
    """One demo host. Any thread; ``pace`` is how many of its seconds go by in one."""

    def __init__(self, pace: float = 1.0) -> None:
        self.disk = disk()
        # Loaded at once: nobody waits for a demo.
        self._machine = Machine(self.disk, self.available, float("inf"))
        images = [Image(e.tag, _digest(e.tag), e.size, e.entrypoint, e.command) for e in _IMAGES]
        there = {image.tag: image for image in images if image.tag in _THERE}
        self.engine = Engine(Host(MEMORY, self._guest), there)
        self.docker = DockerCommand(self.engine, Registry(self.engine, images, pace))
        self.api = api(self.engine)
        self._installed = list(INSTALLED)
        self.engine.make_volume("open-webui", {}).holds = furnished(DEMO_HOST, time.time())
        self._begin()
        self._machine.pace = pace

    def _begin(self) -> None:
        """Start what runs at the start, and wait until it is up."""
        for words in _AT_START:
            process = Process(lambda _: None, terminal=False)
            process.close_stdin()
            self.docker.run(process, ("run", "-d", *words))
        for _, guest in self._guests():
            guest.up.wait(_BEGIN_SECONDS)

    def run(self, process: Process, argv: tuple[str, ...]) -> int:
        """Run a command on the host."""
        if argv[:1] == ("docker",):
            return self.docker.run(process, argv[1:])
        return commands.run(self, process, argv)

    # What its programs see of it.

    def available(self) -> int:
        """MemAvailable, in bytes."""
        return max(0, MEMORY - _SYSTEM - sum(guest.held for _, guest in self._guests()))

    def meminfo(self) -> str:
        """See `commands.Sights`."""
        available = self.available()
        free = max(0, available - _CACHE)
        values = {"MemTotal": MEMORY, "MemFree": free, "MemAvailable": available}
        return "".join(f"{name + ':':<16}{value // _KIB:>10} kB\n" for name, value in values.items())

    def listeners(self) -> str:
        """See `commands.Sights`."""
        ports = sorted({22, *(port for held, _ in self._guests() for port, _ in held.bindings)})
        return "".join(f"LISTEN 0      4096         0.0.0.0:{port}      0.0.0.0:*\n" for port in ports)

    def gpu(self) -> str:
        """See `commands.Sights`."""
        loading = any(guest.held and not guest.listens for _, guest in self._guests())
        percent, watt = (87, _BUSY_WATT) if loading else (0, _IDLE_WATT)
        return f"NVIDIA GB10, {percent}, {58 if loading else 41}, {watt:.2f}"

    def processes(self) -> tuple[str, str]:
        """See `commands.Sights`."""
        holding = [(held, guest.held) for held, guest in self._guests() if guest.held]
        rows = [f"{held.pid}, {size >> 20}" for held, size in holding]
        cgroups = [f"/proc/{held.pid}/cgroup:0::/system.slice/docker-{held.id}.scope" for held, _ in holding]
        return "\n".join(("pid, used_gpu_memory [MiB]", *rows)), "\n".join(cgroups)

    def _guests(self) -> list[tuple[Held, Guest]]:
        found = ((held, held.guest) for held in self.engine.containers())
        return [(held, guest) for held, guest in found if guest is not None]

    # What runs in its containers.

    def _guest(self, held: Held) -> Guest:
        """By the container's command line, as the image would find its program."""
        argv, image = held.argv, held.image.tag
        program = argv[0].rpartition("/")[2] if argv else ""
        machine = self._machine
        match program:
            case "python3" if image == _SGLANG and "sglang.launch_server" in argv:
                return Sglang(held, machine)
            case "vllm" if image == _VLLM:
                return Vllm(held, machine)
            case "ollama" if argv[1:2] == ("serve",):
                return Ollama(held, machine, self._installed)
            case "bash" if image == _WEBUI:
                return OpenWebUi(held, machine, self._house(held), self._models_at)
            case "python" if image == _WEBUI and argv[1:2] == ("-",) and len(argv) == 4:
                return DataProgram(held, machine, lambda name: self.engine.make_volume(name, {}))
            case "sleep":
                return Sleeper(held)
            case _:
                why = f'exec: "{program}": executable file not found in $PATH: unknown'
                raise Refused(400, f"{_RUNC}: {why}")

    def _house(self, held: Held) -> House:
        name = next((source for source, target, _ in held.binds if target == "/app/backend/data"), "")
        volume = self.engine.make_volume(name or held.id, {})
        if not isinstance(volume.holds, House):
            volume.holds = House()
        return volume.holds

    def _models_at(self, url: str) -> list[str]:
        """The IDs that a URL of this host serves."""
        port = url.rpartition(":")[2].partition("/")[0]
        guest = self.engine.serving(int(port)) if port.isdecimal() else None
        name = getattr(guest, "name", None)
        return [name] if isinstance(name, str) else []


_spark: Spark | None = None
_lock = threading.Lock()


def spark() -> Spark:
    """The one Spark of this program, made when it is first wanted; it ends with the program."""
    global _spark
    with _lock:
        if _spark is None:
            _spark = Spark()
        return _spark


def _digest(tag: str) -> str:
    return f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"
