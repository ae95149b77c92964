"""Memory and GPU of the host. A value the host does not give is None, never 0."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MISSING = {"", "[n/a]", "n/a", "[not supported]", "not supported", "[unknown error]"}


@dataclass(frozen=True, slots=True)
class Vitals:
    """One sample. Bytes, percent, degrees Celsius, watt; ``at`` is seconds since 1970.

    On a GB10 the GPU shares the host's memory and nvidia-smi's memory fields read N/A, so used
    memory is ``total_bytes - available_bytes`` of ``/proc/meminfo``.
    """

    at: float | None = None
    total_bytes: int | None = None
    available_bytes: int | None = None
    gpu_name: str | None = None
    gpu_percent: float | None = None
    gpu_celsius: float | None = None
    gpu_watt: float | None = None


def read_vitals(meminfo: str, gpu: str, now: float) -> Vitals:
    """A sample from the texts of ``/proc/meminfo`` and ``nvidia-smi``.

    ``gpu`` is a CSV line of name, utilization.gpu, temperature.gpu, power.draw without units.
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
    )


def _meminfo(text: str, name: str) -> int | None:
    found = re.search(rf"^{name}:\s+(\d{{1,15}}) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _decimal(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", text) else None
