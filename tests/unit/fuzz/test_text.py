"""Names and lines of anybody's, made fit to show."""

from __future__ import annotations

from hypothesis import strategies as st

from sparktray.domain.docker.answers import seconds
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import clean_line, clean_name, has_hidden, split_log
from sparktray.ui.labels import body, hint, label, tooltip
from tests.pure.domain.hostile import ANY_TEXT, HOSTILE
from tests.unit.fuzz.fuzzing import corpus, fuzz
from tests.unit.fuzz.looking import WORDINGS, plain
from tests.unit.fuzz.mutating import changed

TEXTS = [text.encode("utf-8", "surrogatepass") for text in HOSTILE if text] + corpus("logs", "serving-*")
ODD = [
    b"\x1b",
    b"\x1b[",
    b"\x1b]0;",
    b"api_key=",
    b"--api-key ",
    b"'",
    b'"',
    b"[",
    b"\xe2\x80\xae",
    b"\xcc\x81",
]


@fuzz(
    "names, lines and sentences",
    changed(TEXTS, ODD).map(lambda data: data.decode("utf-8", "surrogateescape")) | ANY_TEXT,
    examples=200,
    first=[*HOSTILE, "\u0323\u0301" * 100_000],
)
def test_texts(text: str) -> None:
    name, line = clean_name(text), clean_line(text)
    plain(name)
    plain(line)
    assert len(name) <= 64 and len(line) <= 2_000
    assert clean_name(name) == name
    assert clean_line(line) == line
    for each in split_log(text):
        plain(each)
    for say in WORDINGS:
        plain(say(phrase("{name} on {server}", name=text, server=[text, text])))
        say(Phrase(text, {"name": text}))
    for shown in (
        label(text, over_bus=True),
        label(text, over_bus=False),
        tooltip(text),
        hint(text),
        body(text),
    ):
        assert not has_hidden(shown)
    assert len(label(text, over_bus=False)) <= 200
    assert "<" not in body(text)


@fuzz(
    "times",
    st.text("0123456789-:.TZ+ ²٣", max_size=40)
    | changed([b"2026-11-23T10:00:00.123456789+01:00"]).map(lambda data: data.decode("utf-8", "replace")),
)
def test_times(text: str) -> None:
    at = seconds(text)
    assert at is None or -1e12 < at < 1e12
