"""Every code word and every end has its number."""

import ast
from pathlib import Path

import pytest

from sparktray.cli.problems import exit_of, exit_of_operation
from sparktray.domain.operation import Operation, OperationEnd, OperationKind, SwitchWish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.remote import errors

ROOT = Path(__file__).resolve().parents[3]

REMOTE = {
    "host-unreachable": 3,
    "port-closed": 3,
    "host-silent": 3,
    "name-not-found": 3,
    "ssh-silent": 3,
    "ssh-broken": 3,
    "link-lost": 3,
    "forwarding-forbidden": 3,
    "session-refused": 3,
    "docker-missing": 3,
    "docker-forbidden": 3,
    "docker-silent": 3,
    "docker-error": 3,
    "login-refused": 4,
    "key-unusable": 4,
    "key-not-accepted": 4,
    "agent-unusable": 4,
    "secret-missing": 4,
    "login-cancelled": 4,
    "host-key-unknown": 5,
    "host-key-changed": 5,
    "host-key-revoked": 5,
    # Of one command or answer, not of the connection: failed.
    "cancelled": 1,
    "deadline": 1,
    "refused": 1,
    "bad-answer": 1,
    "too-large": 1,
    "command-failed": 1,
}
BASES = {"remote", "host-key", "login", "docker"}  # of classes that are never raised themselves


def test_every_error_of_the_road_has_its_number() -> None:
    known = {each.code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "code")}
    assert known - BASES == set(REMOTE)


@pytest.mark.parametrize(("code", "number"), REMOTE.items())
def test_the_number_of_an_error_of_the_road(code: str, number: int) -> None:
    assert exit_of(code) == number
    assert exit_of(code, 7) == (number if number != 1 else 7)


def codes_written_in(folder: str, begin: str) -> set[str]:
    """Every string of a package's source that is a code word of that family."""
    found = set()
    for path in (ROOT / "sparktray" / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value.startswith(begin)
            ):
                found.add(node.value)
    return {code for code in found if code.replace("-", "").isalpha() and code != begin}


@pytest.mark.parametrize(
    ("folder", "begin"), [("domain", "catalogue-"), ("store", "store-"), ("store", "usage-")]
)
def test_errors_of_files_and_of_use_are_code_2(folder: str, begin: str) -> None:
    codes = codes_written_in(folder, begin)
    assert codes
    assert {exit_of(code) for code in codes} == {2}


@pytest.mark.parametrize("code", ["usage", "no-host", "usage-unknown-model", "usage-several-servers"])
def test_use(code: str) -> None:
    assert exit_of(code) == 2


@pytest.mark.parametrize("code", ["id-hidden-characters", "nothing-running", "never-heard-of", ""])
def test_all_else_has_failed(code: str) -> None:
    assert exit_of(code) == 1


@pytest.mark.parametrize(
    ("end", "code", "number"),
    [
        (OperationEnd.DONE, None, 0),
        (OperationEnd.DONE, "command-failed", 0),  # it serves; something could not be tidied up
        (OperationEnd.PLANNED, None, 0),
        (OperationEnd.REFUSED, "port-taken", 7),
        (OperationEnd.REFUSED, "locked", 7),
        (OperationEnd.REFUSED, "model-missing", 7),
        (OperationEnd.REFUSED, "not-ready-in-time", 7),
        (OperationEnd.REFUSED, "usage-unknown-model", 2),
        (OperationEnd.REFUSED, "link-lost", 3),
        (OperationEnd.REFUSED, "docker-silent", 3),
        (OperationEnd.REFUSED, "login-refused", 4),
        (OperationEnd.REFUSED, "host-key-changed", 5),
        (OperationEnd.ROLLED_BACK, "out-of-memory", 1),
        (OperationEnd.ROLLED_BACK, "not-ready-in-time", 6),
        (OperationEnd.FAILED, "exited", 1),
        (OperationEnd.FAILED, "link-lost", 1),
        (OperationEnd.FAILED, "not-ready-in-time", 6),
        (OperationEnd.NEEDS_YOU, "out-of-memory", 8),
        (OperationEnd.NEEDS_YOU, "not-ready-in-time", 8),
        (OperationEnd.CANCELLED, None, 130),
    ],
)
def test_ends(end: OperationEnd, code: str | None, number: int) -> None:
    failure = None if code is None else Failure(code, phrase("x"), phrase("y"))
    over = Operation(1, "op", SwitchWish("m"), OperationKind.SWITCH, 0.0, end=end, failure=failure)
    assert exit_of_operation(over) == number


def test_every_end_is_in_the_table() -> None:
    for end in OperationEnd:
        over = Operation(1, "op", SwitchWish("m"), OperationKind.SWITCH, 0.0, end=end)
        assert exit_of_operation(over) in {0, 1, 7, 8, 130}
