"""Memory and GPU of the host. A value the host does not give is None, never 0."""

from __future__ import annotations

import re

import msgspec

_MISSING = {"", "[n/a]", "n/a", "[not supported]", "not supported", "[unknown error]"}
_MIB = 1 << 20
# A path of cgroups names a Docker container as "/docker/ID", "/docker-ID.scope" (systemd's driver) or by
# any other parent; the first id is the outermost, which is the one this host's Docker knows.
_OF_CONTAINER = re.compile(r"^/proc/([0-9]+)/cgroup:.*?[/-]([0-9a-f]{64})(?:\.scope)?(?:/|$)", re.MULTILINE)


class Vitals(msgspec.Struct, frozen=True):
    """One sample. Bytes, percent, degrees Celsius, watt; ``at`` is seconds since 1970.

    On a GB10 the GPU shares the host's memory and nvidia-smi's memory fields read N/A, so used
    memory is ``total_bytes - available_bytes`` of ``/proc/meminfo``. What a process holds of it for
    the GPU it does tell: ``shares`` are containers' ids and their processes' bytes, None when not known;
    a container with a process whose figure is missing is not among them.
    """

    at: float | None = None
    total_bytes: int | None = None
    available_bytes: int | None = None
    gpu_name: str | None = None
    gpu_percent: float | None = None
    gpu_celsius: float | None = None
    gpu_watt: float | None = None
    shares: tuple[tuple[str, int], ...] | None = None


def read_vitals(meminfo: str, gpu: str, now: float, processes: str = "", cgroups: str = "") -> Vitals:
    """A sample from the texts of ``/proc/meminfo`` and ``nvidia-smi``.

    ``gpu`` is a CSV line of name, utilization.gpu, temperature.gpu, power.draw without units,
    ``processes`` CSV with a header whose first column is pid and whose last is used_memory in MiB,
    ``cgroups`` lines of the processes' ``/proc/PID/cgroup`` behind that name and a colon.
    """
    fields = [field.strip() for field in (gpu.splitlines() or [""])[0].split(",")]
    # What nvidia-smi writes when it finds no GPU or no driver is a sentence on its standard output.
    name, percent, celsius, watt = fields[:4] if len(fields) >= 4 else [""] * 4
    return Vitals(
        at=now,
        total_bytes=_meminfo(meminfo, "MemTotal"),
        available_bytes=_meminfo(meminfo, "MemAvailable"),
        gpu_name=None if name.lower() in _MISSING else name,
        gpu_percent=_decimal(percent),
        gpu_celsius=_decimal(celsius),
        gpu_watt=_decimal(watt),
        shares=_shares(processes, dict(_OF_CONTAINER.findall(cgroups))),
    )


def read_memory(meminfo: str) -> tuple[int, int] | None:
    """Available and total bytes by ``/proc/meminfo``, None when it does not tell both."""
    available, total = _meminfo(meminfo, "MemAvailable"), _meminfo(meminfo, "MemTotal")
    return None if available is None or total is None else (available, total)


def read_unused(meminfo: str) -> int | None:
    """Bytes that hold nothing at all by ``/proc/meminfo``; the page cache is no part of them."""
    return _meminfo(meminfo, "MemFree")


def _shares(processes: str, containers: dict[str, str]) -> tuple[tuple[str, int], ...] | None:
    header, *rows = processes.splitlines() or [""]
    if header.partition(",")[0].strip() != "pid":  # a sentence about what is wrong has no header
        return None
    held: dict[str, int] = {}
    unread: set[str] = set()
    for row in rows:
        size = row.rpartition(",")[2].strip()
        container = containers.get(row.partition(",")[0].strip())
        if container is None:
            continue
        if re.fullmatch(r"[0-9]{1,9}", size):
            held[container] = held.get(container, 0) + int(size) * _MIB
        else:
            unread.add(container)
    known = tuple((container, size) for container, size in held.items() if container not in unread)
    return None if unread and not known else known


def _meminfo(text: str, name: str) -> int | None:
    found = re.search(rf"^{name}:\s+(\d{{1,15}}) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _decimal(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", text) else None
