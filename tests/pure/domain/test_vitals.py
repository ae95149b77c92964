from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.vitals import Vitals, read_vitals
from tests.pure.domain.hostile import ANY_TEXT, HOSTILE

MEMINFO = "MemTotal:       127535772 kB\nMemAvailable:   98303104 kB\n"
GB10 = "NVIDIA GB10, 37, 54, 31.52\n"
WHOLE = Vitals(7.0, 127535772 * 1024, 98303104 * 1024, "NVIDIA GB10", 37.0, 54.0, 31.52)


def test_a_sample_is_read_whole() -> None:
    assert read_vitals(MEMINFO, GB10, 7.0) == WHOLE


def test_the_whole_of_meminfo_gives_the_same_as_its_two_lines() -> None:
    whole = MEMINFO.replace("\n", "\nMemFree: 5 kB\nSwapTotal: 0 kB\n")

    assert read_vitals(whole, GB10, 7.0) == WHOLE


@pytest.mark.parametrize(
    ("meminfo", "total", "available"),
    [
        ("", None, None),
        ("MemTotal: 8 kB", 8192, None),
        ("MemAvailable: 0 kB", None, 0),
        ("XMemTotal: 8 kB\nMemTotalX: 8 kB", None, None),
        ("MemTotal: 8 MB", None, None),
        ("MemTotal: -8 kB", None, None),
        ("MemTotal: eight kB", None, None),
        ("MemTotal: 8 kB of it", None, None),
        (f"MemTotal: {'9' * 5000} kB", None, None),
    ],
)
def test_memory_that_is_not_told_is_none_and_not_nought(
    meminfo: str, total: int | None, available: int | None
) -> None:
    vitals = read_vitals(meminfo, "", 7.0)

    assert (vitals.total_bytes, vitals.available_bytes) == (total, available)


@pytest.mark.parametrize(
    ("gpu", "name", "numbers"),
    [
        ("", None, (None, None, None)),
        ("\n", None, (None, None, None)),
        ("NVIDIA GB10, 0, 41, 4.10", "NVIDIA GB10", (0.0, 41.0, 4.1)),
        ("NVIDIA GB10, [N/A], 41, [Not Supported]", "NVIDIA GB10", (None, 41.0, None)),
        ("[N/A], N/A, not supported, [Unknown Error]", None, (None, None, None)),
        ("NVIDIA GB10, ERR!, -3, nan", "NVIDIA GB10", (None, -3.0, None)),
        ("NVIDIA GB10, inf, 1e3, 0x10", "NVIDIA GB10", (None, None, None)),
        (f"NVIDIA GB10, {'9' * 400}, 41, 4.1", "NVIDIA GB10", (None, 41.0, 4.1)),
        ("first, 1, 2, 3\nsecond, 4, 5, 6", "first", (1.0, 2.0, 3.0)),
        # nvidia-smi writes these to its standard output and ends with a code other than 0.
        ("No devices were found", None, (None, None, None)),
        ("Failed to initialize NVML: Driver/library version mismatch", None, (None, None, None)),
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
            "Make sure that the latest NVIDIA driver is installed and running.\n",
            None,
            (None, None, None),
        ),
    ],
)
def test_what_the_gpu_does_not_tell_is_none(
    gpu: str, name: str | None, numbers: tuple[float | None, ...]
) -> None:
    vitals = read_vitals("", gpu, 7.0)

    assert vitals.gpu_name == name
    assert (vitals.gpu_percent, vitals.gpu_celsius, vitals.gpu_watt) == numbers


@given(ANY_TEXT, st.sampled_from(HOSTILE) | ANY_TEXT | st.lists(ANY_TEXT, max_size=6).map(",".join))
def test_no_text_of_a_host_raises(meminfo: str, gpu: str) -> None:
    assert read_vitals(meminfo, gpu, 7.0).at == 7.0
