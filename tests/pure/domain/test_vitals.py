from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.facts.vitals import Vitals, read_memory, read_unused, read_vitals
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


A, B, C = "a1" * 32, "b2" * 32, "c3" * 32
HEADER = "pid, used_gpu_memory [MiB]"
MIB = 1 << 20
CGROUPS = f"""\
/proc/11/cgroup:0::/system.slice/docker-{A}.scope
/proc/12/cgroup:0::/system.slice/docker-{A}.scope
/proc/21/cgroup:12:memory:/docker/{B}
/proc/31/cgroup:0::/a-parent/{C}/docker/{B}
"""


def shares(processes: str, cgroups: str = CGROUPS) -> tuple[tuple[str, int], ...] | None:
    return read_vitals("", "", 7.0, processes, cgroups).shares


def test_the_processes_of_a_container_are_its_share() -> None:
    processes = f"{HEADER}\n11, 40000\n21, 300\n12, 960\n31, 7\n"

    assert shares(processes) == ((A, 40960 * MIB), (B, 300 * MIB), (C, 7 * MIB))


def test_other_columns_between_and_commas_in_names_do_no_harm() -> None:
    assert shares("pid, process_name, used_gpu_memory [MiB]\n11, python, -c, 5, 40\n") == ((A, 40 * MIB),)


@pytest.mark.parametrize("row", ["99, 5", "1, 310", ", 5", "eleven, 5", "5", "", "11 11, 5", "-11, 5"])
def test_a_process_of_no_container_is_nobodys_share(row: str) -> None:
    assert shares(f"{HEADER}\n{row}\n21, 300") == ((B, 300 * MIB),)


@pytest.mark.parametrize(
    "figure", ["[N/A]", "[Not Supported]", "N/A", "", "-5", "1.5", "5 MiB", "9" * 10, "9" * 5000, "0x5", "٣"]
)
def test_a_container_of_which_a_figure_is_missing_has_no_share(figure: str) -> None:
    """A part of it would be shown as all of it."""
    assert shares(f"{HEADER}\n11, 40000\n12, {figure}\n21, 300") == ((B, 300 * MIB),)
    assert shares(f"{HEADER}\n12, {figure}\n11, 40000") is None, "nothing is known, which is not nothing"


@pytest.mark.parametrize(
    "processes",
    [
        "",
        "\n",
        "No devices were found",
        "11, 40000",
        'Field "used_memory" is not a valid field to query.',
        "pid_of_something, used_gpu_memory [MiB]\n11, 40000",
    ],
)
def test_what_is_no_answer_tells_of_no_share(processes: str) -> None:
    assert shares(processes) is None


def test_an_answer_without_processes_is_known_to_be_none() -> None:
    assert shares(HEADER) == () and shares(f"{HEADER}\n1, 310", "") == ()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docker/",
        "/docker/" + A[:-1],
        "/docker/" + A + "0",
        "/docker/" + A.upper(),
        f"/docker-{A}.slice",
        f"/docker{A}",
        f"/{A}x/",
    ],
)
def test_what_only_resembles_a_container_is_none(path: str) -> None:
    assert shares(f"{HEADER}\n11, 5", f"/proc/11/cgroup:0::{path}\n") == ()


@pytest.mark.parametrize("path", [f"/../{A}", f"/docker-{A}.scope/init.scope", f"/docker/{A}/", f"/x/{A}"])
def test_a_container_is_found_below_any_parent(path: str) -> None:
    assert shares(f"{HEADER}\n11, 5", f"/proc/11/cgroup:0::{path}\n") == ((A, 5 * MIB),)


@given(ANY_TEXT, st.sampled_from(HOSTILE) | ANY_TEXT | st.lists(ANY_TEXT, max_size=6).map(",".join))
def test_no_text_of_a_host_raises(meminfo: str, gpu: str) -> None:
    assert read_vitals(meminfo, gpu, 7.0).at == 7.0


@given(
    st.lists(st.sampled_from([*HOSTILE, "11", "[N/A]", "5"]) | ANY_TEXT, max_size=6).map(", ".join),
    st.lists(st.sampled_from([*HOSTILE, CGROUPS]) | ANY_TEXT, max_size=6).map("\n/proc/11/cgroup:".join),
)
def test_no_text_about_processes_raises(rows: str, cgroups: str) -> None:
    told = shares(f"{HEADER}\n{rows}", cgroups)

    assert told is None or all(size >= 0 and len(container) == 64 for container, size in told)


def test_memory_is_told_whole_or_not_at_all() -> None:
    assert read_memory(MEMINFO) == (WHOLE.available_bytes, WHOLE.total_bytes)
    assert read_memory(MEMINFO.replace("MemAvailable", "MemElse")) is None
    assert read_memory("") is None


def test_what_holds_nothing_at_all() -> None:
    assert read_unused("MemTotal: 100 kB\nMemFree: 7 kB\nMemAvailable: 50 kB\n") == 7 * 1024
    assert read_unused("") is None
