"""Bytes of a pull, as docker draws them on a terminal and as it says them without one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.docker.pulling import PullReader

ONE, TWO = "4f4fb700ef54", "a3ed95caeb02"
UP, ERASE, DOWN = "\x1b[1A", "\x1b[2K\r", "\x1b[1B"


def read(*texts: str) -> PullReader:
    reader = PullReader()
    for text in texts:
        reader.feed(text.encode())
    return reader


def test_layers_on_a_terminal() -> None:
    reader = read(
        "spark: Pulling from lmsysorg/sglang\r\n",
        f"{ONE}: Pulling fs layer \r\n{TWO}: Pulling fs layer \r\n",
        f"{UP}{UP}{ERASE}{ONE}: Downloading  12.3MB/1.045GB\r{DOWN}{DOWN}",
        f"{UP}{ERASE}{TWO}: Downloading [==>      ]  512kB/2MB\r{DOWN}",
    )
    assert (reader.done, reader.total) == (12_812_000, 1_047_000_000)
    assert reader.layers == (0, 2)
    reader.feed(f"{UP}{ERASE}{TWO}: Download complete \r{DOWN}".encode())
    assert (reader.done, reader.layers) == (14_300_000, (1, 2))
    reader.feed(f"{ERASE}{ONE}: Downloading  9MB/1.045GB\r".encode())
    assert reader.done == 14_300_000, "a layer that is tried again does not take back what was shown"
    reader.feed(f"{ERASE}{ONE}: Extracting  99MB/1.045GB\r".encode())
    assert (reader.done, reader.layers) == (1_047_000_000, (2, 2))


def test_without_a_terminal_layers_are_counted() -> None:
    reader = read(f"{ONE}: Pulling fs layer\n{TWO}: Already exists\n{ONE}: Pull complete\n", "Digest: x\n")
    assert reader.layers == (2, 2) and (reader.done, reader.total) == (0, 0)
    assert reader.last == "Digest: x"


def test_a_line_without_end_is_not_kept_for_ever() -> None:
    reader = read("x" * 10_000, f"\n{ONE}: Downloading  1MB/2MB\r")
    assert reader.done == 1_000_000


def test_layers_without_end_are_not_kept() -> None:
    reader = read(*(f"{number:012x}: Downloading  1MB/2MB\n" for number in range(1_500)))
    assert reader.layers == (0, 1_000)
    reader.feed(b"000000000000: Pull complete\n")
    assert reader.layers == (1, 1_000)


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_nothing_breaks_it_and_nothing_goes_back(chunks: list[bytes]) -> None:
    reader, before = PullReader(), (0, 0)
    for chunk in chunks:
        reader.feed(chunk)
        assert (reader.done, reader.total) >= before
        before = (reader.done, reader.total)
