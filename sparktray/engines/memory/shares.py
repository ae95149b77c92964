"""The share of the memory that an engine takes when nobody told it how much, by its image's version."""

from __future__ import annotations

import re

from sparktray.domain.facts.memory import Base, Share

# NVIDIA's own advice for a GB10: older CUDA programs do not count as free what the page cache holds.
DROP_CACHES = "sudo sh -c 'sync; echo 3 > /proc/sys/vm/drop_caches'"

_RELEASE = re.compile(r"v?(?P<major>\d{1,3})\.(?P<minor>\d{1,3})(?:\.(?P<patch>\d{1,3}))?")
_NEWEST = ("latest", "nightly", "dev")
_NVIDIA = "nvcr.io/"  # numbered by year and month


def sglang_share(image: str, given: float | None) -> Share:
    """``--mem-fraction-static``, else what SGLang makes of a GB10's memory: all but 13 GB for its graphs
    (0.5.4), or all but 1.6 GB where the cache is sized after them (0.5.23).
    """
    late = _at_least(image, release=(0, 5, 23), month=(26, 11))
    return Share(given if given is not None else 0.98 if late else 0.89, Base.AVAILABLE)


def vllm_share(image: str, given: float | None) -> Share:
    """``--gpu-memory-utilization``, else its default: 0.9 up to 0.11, 0.92 in 0.33.

    Where the version between them is not told the larger one counts.
    """
    early = not _at_least(image, release=(0, 12, 0), month=(26, 1), otherwise=True)
    return Share(given if given is not None else 0.9 if early else 0.92, Base.TOTAL)


def _at_least(
    image: str, *, release: tuple[int, int, int], month: tuple[int, int], otherwise: bool = False
) -> bool:
    """Whether an image is of that version or newer; ``otherwise`` for one whose tag does not tell."""
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    if tag.startswith(_NEWEST):
        return True
    found = _RELEASE.match(tag)
    if found is None:
        return otherwise
    number = (int(found["major"]), int(found["minor"]), int(found["patch"] or 0))
    return number[:2] >= month if image.startswith(_NVIDIA) else number >= release
