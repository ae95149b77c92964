"""Names and texts as somebody who means harm, or a careless program, would write them."""

from __future__ import annotations

from hypothesis import strategies as st

ANY_TEXT = st.text(st.characters())  # lone surrogates too, which JSON's \ud800 can bring

JsonValue = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None


def _json(text: st.SearchStrategy[str], integers: st.SearchStrategy[int]) -> st.SearchStrategy[JsonValue]:
    return st.recursive(
        st.none() | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False) | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=20,
    )


JSON = _json(ANY_TEXT, st.integers())  # what any decoder may return
PLAIN_JSON = _json(st.text(), st.integers(-(2**63), 2**64 - 1))  # what msgspec reads

BIDI = "safe\u202egnp.exe"
ZERO_WIDTH = "qwen\u200b3\u200d-32b\ufeff"
ANSI = "\x1b[2J\x1b[31mred\x1b[0m\x1b]0;title\x07"
NUL = "a\x00b"
EMOJI = "🦙 llama"
LONG = "x" * 10_240
NEWLINES = "first\nsecond\r\nthird\u2028fourth\x85fifth"
QUOTES = '\'; rm -rf "$(HOME)" `id` \\'
MARKUP = "<b>bold</b>&amp;{placeholder}%s"
ISOLATES = "\u2066left\u2069\u061c"
TAGS = "model\U000e0041\U000e0042"
FILLERS = "gpt\u3164-4o\u115f-mini\u034f"
VARIANT = "llama\ufe0f"
SURROGATE = "half\ud800"
PRIVATE = "own\ue000"

HOSTILE = (
    BIDI,
    ZERO_WIDTH,
    ANSI,
    NUL,
    EMOJI,
    LONG,
    NEWLINES,
    QUOTES,
    MARKUP,
    ISOLATES,
    TAGS,
    FILLERS,
    VARIANT,
    SURROGATE,
    PRIVATE,
    "",
)
HIDING = (BIDI, ZERO_WIDTH, ANSI, NUL, NEWLINES, ISOLATES, TAGS, FILLERS, VARIANT, SURROGATE, PRIVATE)
OPEN = (EMOJI, LONG, QUOTES, MARKUP, "llama3:8b", "qwen3-32b-nvfp4", "größe", "模型", "a b", "")
