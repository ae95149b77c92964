"""What the loader says of a missing library."""

import pytest

from sparktray.decide.libraries import missing_library


@pytest.mark.parametrize(
    ("library", "package"),
    [("libEGL.so.1", "libegl1"), ("libxcb-cursor.so.0", "libxcb-cursor0"), ("libstdc++.so.6", "libstdc++6")],
)
def test_it_is_named_with_its_package(library: str, package: str) -> None:
    said = f"{library}: cannot open shared object file: No such file or directory"
    problem = missing_library(said)
    assert problem is not None
    assert (problem.code, problem.technical) == ("library-missing", said)
    assert problem.cause.values == {"library": library}
    assert problem.remedy.values == {"command": f"sudo apt install {package}"}


def test_one_that_no_table_knows_is_named_all_the_same() -> None:
    problem = missing_library("/x/libqxcb.so: libfancy-2.so.7: cannot open shared object file: Fehler")
    assert problem is not None
    assert problem.cause.values == {"library": "libfancy-2.so.7"}
    assert "holds it" in problem.remedy.msgid


@pytest.mark.parametrize("said", ["", "No module named 'PySide6'", "libEGL.so.1: file too short"])
def test_another_trouble_is_not_a_missing_library(said: str) -> None:
    assert missing_library(said) is None
