"""What makes the rig's host look like a DGX Spark: /proc/meminfo and nvidia-smi."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig import engine
from tests.rig.namespace import RUN, put_in_front

TOTAL_KIB = 127_600_748
AVAILABLE_KIB = 118_000_000
STUB = Path(__file__).with_name("nvidia_smi.sh")
# Context and buffers of an engine beside its weights, and the names its processes give themselves.
OVERHEAD_MIB = 1024
PROCESS_NAMES = {"sglang.launch_server": "sglang::scheduler", "vllm": "VLLM::EngineCore"}

# Every line has a fixed width, so that a rewrite in place is one write of the same length: a reader never
# meets an empty or half-written file.
_MEMINFO = """\
MemTotal:       {total:>12d} kB
MemFree:        {free:>12d} kB
MemAvailable:   {available:>12d} kB
Buffers:        {buffers:>12d} kB
Cached:         {cached:>12d} kB
SwapCached:                0 kB
Active:         {cached:>12d} kB
Inactive:       {cached:>12d} kB
Dirty:                   128 kB
Shmem:                 41220 kB
SwapTotal:          16777212 kB
SwapFree:           16777212 kB
HugePages_Total:           0
HugePages_Free:            0
Hugepagesize:           2048 kB
"""


def _meminfo(available_kib: int) -> str:
    free = max(0, available_kib - 9_000_000)
    cached = max(0, min(9_000_000, available_kib) // 2)
    return _MEMINFO.format(
        total=TOTAL_KIB,
        free=free,
        available=available_kib,
        buffers=min(210_000, available_kib),
        cached=cached,
    )


@dataclass(slots=True)
class Gpu:
    """What the stub nvidia-smi prints; units as the real one's."""

    utilization: int | None = 0
    temperature: int | None = 35
    power: float | None = 11.17
    clock: int | None = 208
    apps: list[tuple[int, str, int]] = field(default_factory=list)
    hangs: bool = False
    fails: bool = False
    missing: bool = False


class Machine:
    """The host's memory and GPU, as the rig shows them."""

    def __init__(self) -> None:
        """Put our meminfo in front of the kernel's, and the stub in its folder."""
        self._meminfo = put_in_front(Path("/proc/meminfo"), _meminfo(AVAILABLE_KIB))
        self.bin = RUN / "bin"
        self.bin.mkdir(exist_ok=True)
        self._state = RUN / "gpu"
        self._state.mkdir(exist_ok=True)
        self.reset()

    def reset(self) -> None:
        """Back to a Spark at rest."""
        self.set_memory(AVAILABLE_KIB)
        self.set_gpu(Gpu())

    def set_memory(self, available_kib: int) -> None:
        """Let /proc/meminfo say that AVAILABLE_KIB are available, from the next read on."""
        text = _meminfo(available_kib).encode()
        handle = os.open(self._meminfo, os.O_WRONLY)
        try:
            os.pwrite(handle, text, 0)
        finally:
            os.close(handle)

    def set_gpu(self, gpu: Gpu) -> None:
        """Let nvidia-smi print GPU from the next call on."""

        def word(value: float | None) -> str:
            return "[N/A]" if value is None else str(value)

        mode = "hang" if gpu.hangs else "fail" if gpu.fails else "run"
        values = {
            "mode": mode,
            "utilization": word(gpu.utilization),
            "temperature": word(gpu.temperature),
            "power": word(gpu.power),
            "clock": word(gpu.clock),
            "apps": "".join(f"{pid}\t{name}\t{mib}\n" for pid, name, mib in gpu.apps),
        }
        for name, value in values.items():
            unfinished = self._state / f".{name}"
            unfinished.write_text(value, encoding="utf-8")
            unfinished.rename(self._state / name)
        stub = self.bin / "nvidia-smi"
        stub.unlink(missing_ok=True)
        if not gpu.missing:
            stub.write_text(STUB.read_text(encoding="utf-8"), encoding="utf-8")
            stub.chmod(0o755)


def running_apps() -> dict[str, tuple[int, str, int]]:
    """What nvidia-smi would list of the containers that run now with a model mounted, by container id.

    The pid is that of the container's own process on this host; the MiB are those of the model's weights
    and what an engine needs besides.
    """
    found: dict[str, tuple[int, str, int]] = {}
    for listed in engine.ask("GET", "/containers/json"):
        folder = next((Path(m["Source"]) for m in listed["Mounts"] if m["Destination"] == "/model"), None)
        if folder is None:
            continue
        told = engine.ask("GET", f"/containers/{listed['Id']}/json")
        words = [told["Path"], *told["Args"]]
        name = next((shown for word, shown in PROCESS_NAMES.items() if word in words), words[0])
        weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        found[listed["Id"]] = (told["State"]["Pid"], name, (weights >> 20) + OVERHEAD_MIB)
    return found
