"""Inputs as a broken or hostile program would send them: real ones, changed in one to six places."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.pure.domain.hostile import ANY_TEXT, HOSTILE, JSON

Draw = Callable[[st.SearchStrategy[Any]], Any]
Seeds = Sequence[bytes]

_MOST_CHANGES = 6
_LONG = 100_000
_DEEP = 3_000

# What no decoder's value can hold, or what two decoders read differently; put into the text as it is.
_RAW = (
    *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e308", "-0", "-0.0", "1E5", "0.1", "5e-324"),
    *("9" * 400, "9" * 5_000, "-" + "9" * 400, str(2**31), str(2**63), str(2**64), str(-(2**63) - 1), "-1"),
    *('"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\u202e"', '"\ufeff"', '"\\u200b"', '"\\ud83d\\ude00"'),
    *("null", "true", "false", "[]", "{}", '""', "0", "1", "65536", "[[]]", '[""]', '{"":""}', "[null]"),
    *("[" * _DEEP + "]" * _DEEP, '{"a":' * _DEEP + "1" + "}" * _DEEP, "[" * _DEEP),
    *(f'"{text}"' for text in ("x" * _LONG, "e\u0301" * 5_000, " " * _LONG, "/../" * 2_000)),
    *("", ",", "]", "}", '"', "\\", "nul", "01", "'x'", "//", "\0", "\ufeff"),
)
_BYTES = (
    *(b"\0", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80\xae", b"\xef\xbb\xbf"),
    *(b"\n", b"\r", b"\r\n", b"\t", b" ", b"\x1b[", b"\x1b]0;", b"\x07", b"\x85", b"\xe2\x80\xa8", b"\x1b"),
    *(b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"=", b"#", b"%", b"|", b"*", b"!", b"~", b"$"),
    *(b"-1", b"0", b"NaN", b"1e400", b"9" * 400, b"\xd9\xa3", b"\xc2\xb2", b"N/A", b"[N/A]", b"--", b"null"),
    *(b"x" * _LONG, b" " * _LONG, b"[" * _DEEP, b"\n" * _DEEP, b"9" * 5_000, b"\xcc\x81" * 5_000),
    *(text.encode("utf-8", "surrogatepass") for text in HOSTILE),
)


@st.composite
def changed(draw: Draw, seeds: Seeds, pieces: Seeds = ()) -> bytes:
    """One of the seeds with bytes flipped, cut out, doubled or put in; ``pieces`` are words of the format."""
    data: bytes = draw(st.sampled_from(list(seeds)))
    for _ in range(draw(st.integers(0, _MOST_CHANGES))):
        data = _one_change(draw, data, seeds, pieces)
    return data


def _one_change(draw: Draw, data: bytes, seeds: Seeds, pieces: Seeds) -> bytes:
    begin = draw(st.integers(0, len(data)))
    end = min(len(data), begin + draw(st.integers(0, 40)))
    there: bytes = b""
    match draw(st.integers(0, 8)):
        case 0:
            return data[:begin]
        case 1:
            pass
        case 2:
            there = data[begin:end] * draw(st.sampled_from([2, 3, 50, 2_000]))
        case 3:
            there = draw(st.binary(min_size=1, max_size=4))
        case 4:
            return data[:begin] + bytes(draw(st.sampled_from(list(seeds))))[begin:]
        case 5 if pieces:
            there, end = draw(st.sampled_from(list(pieces))), begin
        case 6:
            there = draw(ANY_TEXT).encode("utf-8", "surrogatepass")
        case _:
            there = draw(st.sampled_from(_BYTES))
    return data[:begin] + there + data[end:]


class _Texts:
    """Marks in a tree that stand for text which is no value of JSON."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def mark(self, text: str) -> str:
        """A string that becomes that text."""
        self._texts.append(text)
        return f"@@{len(self._texts) - 1}@@"

    def written(self, tree: object) -> bytes:
        """The tree as JSON with the texts in it."""
        text = json.dumps(tree, ensure_ascii=False)
        for number, raw in enumerate(self._texts):
            text = text.replace(f'"@@{number}@@"', raw)
        return re.sub("@@twice[0-9]*@@", "", text).encode("utf-8", "surrogatepass")


@st.composite
def changed_json(draw: Draw, seeds: Seeds) -> bytes:
    """One of the seeds as a tree in which values have changed type, place, name or number; in one of eight
    its bytes are changed too.
    """
    tree = json.loads(draw(st.sampled_from(list(seeds))))
    texts = _Texts()
    for _ in range(draw(st.integers(0, _MOST_CHANGES))):
        tree = _changed_tree(draw, tree, texts)
    data = texts.written(tree)
    return _one_change(draw, data, seeds, ()) if draw(st.integers(0, 7)) == 0 else data


_Place = tuple[Any, Any]  # a list or an object, and the index or key in it


def _places(tree: object) -> Iterator[_Place]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield tree, key
            yield from _places(value)
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield tree, index
            yield from _places(value)


def _changed_tree(draw: Draw, tree: object, texts: _Texts) -> object:
    places = list(_places(tree))
    if not places:
        return _any_value(draw, tree, texts)
    holder, key = draw(st.sampled_from(places))
    match draw(st.integers(0, 6)):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[f"{key}@@twice{len(holder)}@@"] = _any_value(draw, tree, texts)
        case 2 if isinstance(holder, dict):
            holder[draw(st.sampled_from(HOSTILE) | ANY_TEXT)] = holder.pop(key)
        case 3 if isinstance(holder, list):
            holder[key:key] = [holder[key]] * draw(st.sampled_from([1, 3, 300]))
        case _:
            holder[key] = _any_value(draw, tree, texts)
    return tree


def _any_value(draw: Draw, tree: object, texts: _Texts) -> object:
    match draw(st.integers(0, 3)):
        case 0:
            return texts.mark(draw(st.sampled_from(_RAW)))
        case 1:
            return draw(JSON)
        case 2:
            holder, key = draw(st.sampled_from([*_places(tree)] or [([None], 0)]))
            return json.loads(json.dumps(holder[key]))  # a copy: a tree in itself has no end
        case _:
            return draw(st.sampled_from(HOSTILE))
