from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.text import clean_line, clean_name, has_hidden, split_log
from tests.pure.domain import hostile
from tests.pure.domain.hostile import ANY_TEXT, HIDING, HOSTILE, OPEN

# Pieces that the rules of clean_line are about, so that their borders meet.
WORDS = ("api_key", "--api-key", "API-KEY", "***", "\x1b", "[31m", "\x1b[0m", "\x1b]0;t\x07", "x" * 900)
PIECES = st.sampled_from((*WORDS, *"=:'\"[](), \\ké\t\r\n\x00\u200b\u202e"))
LINES = ANY_TEXT | st.lists(PIECES, max_size=24).map("".join)
KEYS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=60)

NAMES = [
    ("qwen3-32b", "qwen3-32b"),
    ("  two   words ", "two words"),
    ("one\nline\tonly", "one line only"),
    (hostile.BIDI, "safe gnp.exe"),
    (hostile.ZERO_WIDTH, "qwen 3 -32b"),
    (hostile.ANSI, "[2J [31mred [0m ]0;title"),
    (hostile.NUL, "a b"),
    (hostile.EMOJI, "🦙 llama"),
    (hostile.FILLERS, "gpt -4o -mini"),
    (hostile.TAGS, "model"),
    ("e\u0301", "é"),
    ("x" * 64, "x" * 64),
    ("x" * 65, "x" * 63 + "…"),
    (hostile.LONG, "x" * 63 + "…"),
    ("", ""),
    ("\u200b", ""),
]

CLEANED = [
    ("\x1b[32mINFO\x1b[0m ready", "INFO ready"),
    ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x07", "link"),
    ("\x1bMup \x1b[1;31;4mred", "up red"),
    ("a\tb", "a b"),
    ("a\x00b\x08c\u202ed\u200be", "abcde"),
    ("tail \t ", "tail"),
    ("  indented", "  indented"),
    ("y" * 10_240, "y" * 2000),
    ("server_args=ServerArgs(api_key='sk-1', port=30000)", "server_args=ServerArgs(api_key=***, port=30000)"),
    ('{"api_key": "sk-1", "port": 1}', '{"api_key": ***, "port": 1}'),
    ("non-default args: {'api_key': ['sk-1', 'sk-2'], 'port': 1}", None),
    ("VLLM_API_KEY=sk-1 vllm serve", "VLLM_API_KEY=*** vllm serve"),
    ("admin_api_key=None, x=1", "admin_api_key=***, x=1"),
    ("--api-key=sk-1 --port 1", "--api-key=*** --port 1"),
    ("api\u200b_key=sk-1", "api_key=***"),
    ("api\x1b[0m_key=sk-1", "api_key=***"),
    ("API key is required", "API key is required"),
    ("api_key=", "api_key="),
]


@pytest.mark.parametrize(("text", "shown"), NAMES)
def test_a_name_is_one_short_line_without_hidden_characters(text: str, shown: str) -> None:
    assert clean_name(text) == shown


@given(ANY_TEXT)
def test_any_name_becomes_fit_to_show_and_stays_so(text: str) -> None:
    shown = clean_name(text)

    assert not has_hidden(shown) and len(shown) <= 64 and shown == shown.strip()
    assert clean_name(shown) == shown


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_becomes_fit_to_show(text: str) -> None:
    shown = clean_name(text)

    assert not has_hidden(shown) and len(shown) <= 64 and shown.isprintable()
    assert clean_name(shown) == shown


@pytest.mark.parametrize(("text", "shown"), CLEANED)
def test_a_log_line_loses_terminal_codes_and_keys(text: str, shown: str | None) -> None:
    assert clean_line(text) == (shown or "non-default args: {'api_key': ***, 'port': 1}")


@given(LINES)
def test_any_log_line_becomes_fit_to_show_and_stays_so(text: str) -> None:
    shown = clean_line(text)

    assert not has_hidden(shown) and len(shown) <= 2000 and shown == shown.rstrip()
    assert clean_line(shown) == shown


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_log_line_becomes_fit_to_show(text: str) -> None:
    shown = clean_line(text)

    assert not has_hidden(shown) and len(shown) <= 2000 and clean_line(shown) == shown


@given(KEYS)
def test_no_part_of_a_key_is_shown_as_sglang_prints_it(key: str) -> None:
    line = f"server_args=ServerArgs(model_path='/model', api_key={key!r}, port=30000)"

    assert clean_line(line) == "server_args=ServerArgs(model_path='/model', api_key=***, port=30000)"


@given(st.lists(KEYS, min_size=1, max_size=3))
def test_no_part_of_a_key_is_shown_as_vllm_prints_it(keys: list[str]) -> None:
    line = f"non-default args: {{'api_key': {keys!r}, 'port': 8000}}"

    assert clean_line(line) == "non-default args: {'api_key': ***, 'port': 8000}"


@pytest.mark.parametrize("text", HIDING)
def test_text_that_hides_something_is_told(text: str) -> None:
    assert has_hidden(text)


@pytest.mark.parametrize("text", OPEN)
def test_text_that_hides_nothing_is_left_alone(text: str) -> None:
    assert not has_hidden(text)


@pytest.mark.parametrize(
    ("chunk", "lines"),
    [
        ("", ()),
        ("\n\r\n \n", ()),
        ("one\ntwo\r\nthree", ("one", "two", "three")),
        ("Loading: 0%\rLoading: 50%\rLoading: 100%\n", ("Loading: 0%", "Loading: 50%", "Loading: 100%")),
        ("\x1b[2K\rdone", ("done",)),
        ("form\x0cfeed and\u2028separator stay one line", ("formfeed andseparator stay one line",)),
    ],
)
def test_a_log_chunk_is_split_at_line_ends_and_bare_returns(chunk: str, lines: tuple[str, ...]) -> None:
    assert split_log(chunk) == lines


@given(LINES)
def test_no_line_of_a_log_chunk_is_empty_or_unclean(chunk: str) -> None:
    assert all(line and clean_line(line) == line for line in split_log(chunk))


def test_a_name_is_not_read_to_its_end() -> None:
    """Marks in an order that Unicode has otherwise take the square of their number."""
    assert len(clean_name("\u0323\u0301" * 500_000)) <= 64
    assert clean_name("a" + "\u200b" * 2_000 + "b") == "a…"
