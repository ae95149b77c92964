"""From phrases to sentences: languages, numbers, and values that hold anything."""

import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.phrase import Phrase, phrase, phrase_n
from sparktray.domain.text import has_hidden
from sparktray.wording import Wording, environment_language
from tests.pseudo import pseudo_wording


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose German translation is the file that is returned."""
    file = tmp_path / "resources" / "locale" / "de" / "LC_MESSAGES" / "sparktray.mo"
    file.parent.mkdir(parents=True)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    catalog = Catalog(locale="de", domain="sparktray")
    catalog.add("{name} is ready.", "{name} ist bereit.")
    catalog.add("broken {name}", "kaputt {other}")
    catalog.add("brace {name}", "Klammer {")
    catalog.add(("{count} request", "{count} requests"), ("{count} Anfrage", "{count} Anfragen"))
    with file.open("wb") as out:
        write_mo(out, catalog)
    return file


def test_english_is_what_the_code_says() -> None:
    say = Wording("en")
    assert say(phrase("{name} is ready.", name="scout")) == "scout is ready."
    assert say(phrase_n("{count} request", "{count} requests", 1)) == "1 request"
    assert say(phrase_n("{count} request", "{count} requests", 0)) == "0 requests"
    assert say.language == "en"


def test_german(german: Path) -> None:
    say = Wording("de_AT.UTF-8")
    assert say(phrase("{name} is ready.", name="scout")) == "scout ist bereit."
    assert say(phrase_n("{count} request", "{count} requests", 1)) == "1 Anfrage"
    assert say(phrase_n("{count} request", "{count} requests", 5)) == "5 Anfragen"
    assert say(phrase("not translated {x}", x=1.5)) == "not translated 1,5"
    assert say.language == "de"


def test_a_translation_that_names_other_values_gives_way_to_english(german: Path) -> None:
    assert Wording("de")(phrase("broken {name}", name="x")) == "broken x"
    assert Wording("de")(phrase("brace {name}", name="x")) == "brace x"


@pytest.mark.parametrize("content", [None, b"", b"not a catalogue", struct.pack("<7I", 0x950412DE, *[9] * 6)])
def test_without_a_usable_translation_it_is_english(german: Path, content: bytes | None) -> None:
    german.unlink() if content is None else german.write_bytes(content)
    say = Wording("de")
    assert say(phrase("{name} is ready.", name="scout")) == "scout is ready."
    assert say.language == "en"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, ""),
        ({"LANG": "de_DE.UTF-8"}, "de_DE.UTF-8"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB"}, "en_GB"),
        ({"LANG": "de_DE", "LC_MESSAGES": "en_GB", "LC_ALL": "de_CH"}, "de_CH"),
        ({"LANG": "de_DE", "LC_ALL": ""}, "de_DE"),
        ({"LANG": "en_US", "LANGUAGE": "de:en"}, "de"),
        ({"LANGUAGE": "de"}, "de"),
        ({"LANG": "de_DE", "LC_ALL": "C", "LANGUAGE": "de"}, "en"),
    ],
)
def test_the_language_of_the_environment(environment: dict[str, str], language: str) -> None:
    assert environment_language(environment) == language


def test_the_environment_counts_when_none_is_given(german: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert Wording(None).language == "de"


@pytest.mark.parametrize("language", ["den", "", "fr", "delta_DE", "en_DE"])
def test_other_languages_are_english(german: Path, language: str) -> None:
    assert Wording(language).language == "en"


def test_phrases_within_phrases() -> None:
    inner = phrase("port {port}", port=30000)
    assert (
        Wording("en")(phrase("{what} is taken by {who}", what=inner, who="{x}"))
        == "port 30000 is taken by {x}"
    )
    assert Wording("en")(phrase("{all}", all=(inner, "b"))) == "port 30000, b"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (1.25, "1.2"), (99.96, "100"), (0.0, "0"), (0.034, "0.034"), (-2.5, "-2.5"), (12, "12")],
)
def test_numbers(value: float, text: str) -> None:
    assert Wording("en")(phrase("{value}", value=value)) == text


def test_values_are_fit_to_show() -> None:
    said = Wording("en")(phrase("{name} ended", name="\x1b[2Jevil\nname\u202e --api-key=abc"))
    assert said == "evil name --api-key=*** ended"


@given(st.text(), st.text())
def test_no_value_and_no_sentence_makes_it_raise(msgid: str, value: str) -> None:
    assert isinstance(Wording("en")(Phrase(msgid, {"value": value})), str)
    assert isinstance(Wording("en")(phrase("{value}", value=value)), str)


def test_english_does_not_load_gettext() -> None:
    code = (
        "import sys; from sparktray.wording import Wording; from sparktray.domain.phrase import phrase;"
        "Wording('en')(phrase('x')); sys.exit('gettext' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_language_is_switched_while_it_runs(german: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say, sentence = Wording("en"), phrase("{name} is ready.", name="scout")
    say.speak("de")
    assert (say(sentence), say.language) == ("scout ist bereit.", "de")
    say.speak("en")
    assert (say(sentence), say.language) == ("scout is ready.", "en")
    for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    say.speak(None)
    assert (say(sentence), say.language) == ("scout ist bereit.", "de")


def test_a_sentence_is_of_one_language_whoever_switches_meanwhile(german: Path) -> None:
    say, ended = Wording("de"), threading.Event()
    sentence = phrase("{a} {b}", a=phrase("{name} is ready.", name=1.5), b=phrase("{x}", x=2.5))

    def switch() -> None:
        for number in range(200):
            say.speak("en" if number % 2 else "de")
        ended.set()

    thread = threading.Thread(target=switch)
    thread.start()
    said = set()
    while not ended.is_set():
        said.add(say(sentence))
    thread.join()
    assert said <= {"1,5 ist bereit. 2,5", "1.5 is ready. 2.5"}


def test_the_language_of_tests_is_longer_accented_and_keeps_the_values() -> None:
    say = pseudo_wording()
    plain = phrase_n("{count} request of {name}", "{count} requests of {name}", 2, name="scout")
    assert say(plain) == "[2 ŕéqûéšţš öf scout~~~~~~~~~~]"
    assert say(phrase("{{x}} {inner}", inner=phrase("On"))) == "[{x} [Öñ~]~~~~~]"
    assert say.language == "x-pseudo"
    say.speak("en")
    assert say(plain) == "2 requests of scout"


def test_a_sentence_of_nothing_is_nothing() -> None:
    """gettext's translation of an empty text is the head of its catalogue."""
    for say in (Wording("en"), Wording("de")):
        assert say(Phrase("")) == say(Phrase("", {}, "", 2)) == ""


def test_values_of_any_kind_are_bounded_and_fit_to_show() -> None:
    many = ["name\u202e" * 20] * 1_000
    for value in (many, {"of": many}, 10**4_000):
        text = Wording("en")(Phrase("{value}", {"value": value}))
        assert 0 < len(text) <= 2_000 and not has_hidden(text)
