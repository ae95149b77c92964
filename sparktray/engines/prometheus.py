"""Reads numbers out of Prometheus' text format, version 0.0.4."""

from __future__ import annotations

import math
import re

# Label values may hold spaces, braces and escaped quotes.
_SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})?[ \t]+(\S+)')


def total(text: str, *names: str) -> float | None:
    """The sum over all series of the first of these names that has any, None when none has.

    NaN and infinities do not count: they are no number of requests.
    """
    found: dict[str, list[float]] = {name: [] for name in names}
    for line in text.splitlines():
        if not line.startswith(names):
            continue
        sample = _SAMPLE.match(line)
        value = _finite(sample[2]) if sample is not None else None
        if sample is not None and value is not None and sample[1] in found:
            found[sample[1]].append(value)
    return next((math.fsum(values) for values in found.values() if values), None)


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
