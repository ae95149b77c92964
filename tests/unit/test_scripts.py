"""The project's own checks refuse what they are there to refuse."""

from pathlib import Path

import pytest

from scripts import check_sizes, debian_packages
from scripts.check_translations import faults
from scripts.messages import NotLiteral, Sentence, merged, read_german, sentences_of

MODULE = """
from sparktray.domain.phrase import phrase, phrase_n
A = phrase("Outer {inner}", inner=phrase("Inner"))
B = phrase_n("{count} model", "{count} models", 2)
C = phrase(
    "Two parts "
    "of one {thing}",
    thing=1,
)
"""


HEAD = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

"""


def write_german(path: Path, text: str) -> Path:
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def test_sentences_are_found_nested_plural_and_in_parts() -> None:
    found = [(sentence.msgid, sentence.plural) for sentence in sentences_of(MODULE, "m.py")]
    assert sorted(found, key=str) == [
        ("Inner", None),
        ("Outer {inner}", None),
        ("Two parts of one {thing}", None),
        ("{count} model", "{count} models"),
    ]


@pytest.mark.parametrize(
    "call", ['phrase(f"a {b}")', "phrase(text)", 'phrase("a" + b)', 'phrase_n("one", many, 2)', "phrase()"]
)
def test_a_sentence_made_at_run_time_is_refused(call: str) -> None:
    with pytest.raises(NotLiteral, match=r"m\.py:1: "):
        sentences_of(call, "m.py")


@pytest.mark.parametrize(
    ("german", "fault"),
    [
        ("", "not in the German catalogue"),
        ('msgid "Stop {name}"\nmsgstr ""\n', "no German translation"),
        ('#, fuzzy\nmsgid "Stop {name}"\nmsgstr "{name} stoppen"\n', "fuzzy"),
        ('msgid "Stop {name}"\nmsgstr "Stoppen"\n', "other placeholders"),
        ('msgid "Stop {name}"\nmsgstr "{name} stoppen}"\n', "braces"),
        (
            'msgid "Stop {name}"\nmsgid_plural "x"\nmsgstr[0] "{name} stoppen"\nmsgstr[1] "y"\n',
            "singular and plural",
        ),
    ],
)
def test_an_unfinished_translation_is_named(german: str, fault: str, tmp_path: Path) -> None:
    catalogue = read_german(write_german(tmp_path / "de.po", german))
    (said,) = faults([Sentence("Stop {name}", None, "m.py:3")], catalogue)
    assert said.startswith("m.py:3: ")
    assert fault in said


def test_finished_translations_pass_and_left_over_ones_do_not(tmp_path: Path) -> None:
    catalogue = read_german(
        write_german(
            tmp_path / "de.po",
            'msgid "Stop {name}"\nmsgstr "{name} stoppen"\n\n'
            'msgid "{count} model"\nmsgid_plural "{count} models"\n'
            'msgstr[0] "{count} Modell"\nmsgstr[1] "{count} Modelle"\n',
        )
    )
    stop = Sentence("Stop {name}", None, "m.py:3")
    models = Sentence("{count} model", "{count} models", "m.py:4")
    assert faults([stop, models], catalogue) == []
    (left_over,) = faults([stop], catalogue)
    assert "run make messages" in left_over


def test_a_refresh_keeps_translations_and_is_repeatable(tmp_path: Path) -> None:
    german = read_german(
        write_german(tmp_path / "de.po", 'msgid "Inner"\nmsgstr "Innen"\n\nmsgid "Gone"\nmsgstr "Weg"\n')
    )
    once = merged(german, sentences_of(MODULE, "m.py"))
    (tmp_path / "again.po").write_text(once, encoding="utf-8")
    again = read_german(tmp_path / "again.po")
    assert merged(again, sentences_of(MODULE, "m.py")) == once
    inner = again.get("Inner")
    assert inner is not None
    assert inner.string == "Innen"
    assert "Gone" not in once


def test_sizes_and_names_are_held(tmp_path: Path) -> None:
    package = tmp_path / "sparktray" / "common"
    package.mkdir(parents=True)
    (package / "host_utils.py").write_text("x = 1\n" * 401, encoding="utf-8")
    (package / "long.py").write_text("def f():\n" + "    x = 1\n" * 60, encoding="utf-8")
    (package / "fitting.py").write_text("def f():\n" + "    x = 1\n" * 59, encoding="utf-8")
    for number in range(10):
        (package / f"part{number}.py").write_text("", encoding="utf-8")
    assert check_sizes.faults(tmp_path) == [
        "sparktray/common/host_utils.py: 'utils' does not say what is inside",
        "sparktray/common/host_utils.py: 401 lines, more than 400",
        "sparktray/common/long.py:1: f has 61 lines, more than 60",
        "sparktray/common: 'common' does not say what is inside",
        "sparktray/common: 13 modules, more than 12",
    ]


def test_an_unknown_set_of_packages_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert debian_packages.main(["everything"]) == 2
    assert "usage" in capsys.readouterr().err


def test_without_dpkg_a_program_does_as_well_as_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "strip").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "strip").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian_packages.main(["frozen"]) == 0


def test_without_dpkg_the_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian_packages.main(["rig"]) == 1
    assert "docker.io" in capsys.readouterr().err
