"""Docker's log frames as lines, however the chunks are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.remote.errors import BadAnswer
from sparktray.remote.log_lines import LogLines


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def lines_of(chunks: list[bytes], *, tty: bool = False) -> list[bytes]:
    lines = LogLines(tty)
    return [line for chunk in chunks for line in lines.feed(chunk)] + lines.rest()


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")))),
    st.integers(1, 9),
)
def test_lines_do_not_depend_on_how_chunks_are_cut(said: list[tuple[int, bytes]], step: int) -> None:
    body = b"".join(frame(stream, text + b"\n") for stream, text in said)
    cut = [body[at : at + step] for at in range(0, len(body), step)]
    assert lines_of(cut) == lines_of([body]) == [text.removesuffix(b"\r") for _, text in said]


def test_a_line_in_several_frames_and_two_streams_between() -> None:
    body = frame(1, b"out ") + frame(2, b"err\n") + frame(1, b"more\nrest")
    assert lines_of([body]) == [b"err", b"out more", b"rest"]


def test_a_terminal_is_raw() -> None:
    assert lines_of([b"one\r\ntw", b"o\r\n"], tty=True) == [b"one", b"two"]


@pytest.mark.parametrize("body", [b"\x07\0\0\0\0\0\0\x01x", b"plain text without frames\n"])
def test_a_broken_frame(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        lines_of([body])


def test_a_line_without_end_is_handed_out_in_pieces() -> None:
    lines = LogLines(tty=True)
    pieces = [piece for _ in range(50) for piece in lines.feed(b"x" * 10_000)]
    assert {len(piece) for piece in pieces} == {64 * 1024}
    assert sum(map(len, pieces + lines.rest())) == 500_000
