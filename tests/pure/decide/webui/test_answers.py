"""What the program inside tells, and what of it is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.decide.webui.answers import contents_of, problem_of, result_of, silent
from sparktray.domain.open_webui import Account, Contents, Files, WipeScope, archive_of
from sparktray.domain.text import clean_name
from tests.pure.decide.building import rendered

LABELS = {
    "org.sparktray.archive": "open-webui",
    "org.sparktray.archive.volume": "open-webui",
    "org.sparktray.archive.scope": "all-chats",
    "org.sparktray.archive.made": "2027-01-15T08:00:00Z",
    "org.sparktray.archive.operation": "op-1",
}


def test_contents() -> None:
    told = {
        "users": [{"id": "u", "name": "A\u202eB", "email": "a@b", "role": "admin", "chats": 3}, "odd"],
        "chats": 3,
        "chats_older": True,
        "uploads": {"count": 2, "bytes": 10},
        "cache": {"models_bytes": 7},
        "tables": {"chat": 3, "odd": "x"},
        "free_bytes": -1,
    }
    found = contents_of(told)
    assert found.accounts == (Account("u", clean_name("A\u202eB"), "a@b", "admin", 3),)
    assert (found.chats, found.chats_older, found.free_bytes) == (3, 0, 0)
    assert (found.uploads, found.chat_files, found.models_bytes) == (Files(2, 10), Files(0, 0), 7)
    assert dict(found.tables) == {"chat": 3, "odd": 0}


KEYS = st.sampled_from(["users", "chats", "uploads", "cache", "tables", "count", "bytes"])
PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
NESTED = st.recursive(PLAIN, lambda c: st.lists(c, max_size=3) | st.dictionaries(KEYS, c), max_leaves=8)


@given(st.dictionaries(KEYS, NESTED))
def test_whatever_it_tells_is_survived(told: dict[str, object]) -> None:
    assert isinstance(contents_of(told), Contents)


@pytest.mark.parametrize(
    ("command", "told", "words"),
    [
        ("wipe", {"removed": {"chat": 1, "chat_message": 9}}, "1 chat deleted."),
        ("wipe", {}, "0 chats deleted."),
        ("restore", {"restored": {"chat": 12}}, "12 chats brought back."),
        ("archive", {}, None),
    ],
)
def test_results(command: str, told: dict[str, object], words: str | None) -> None:
    found = result_of(command, told)
    assert (None if found is None else rendered(found)) == words


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("no-database", "webui-no-database"),
        ("database-corrupt", "webui-corrupt"),
        ("database-locked", "webui-locked"),
        ("no-space", "disk-short"),
        ("archive-incomplete", "archive-damaged"),
        ("unexpected", "webui-unexpected"),
        ("", "webui-program"),
        ("a b\n", "webui-program"),
    ],
)
def test_problems(code: str, ours: str) -> None:
    found = problem_of(code, "row 7\x1b[31m")
    assert found.code == ours
    assert "\x1b" not in rendered(found.cause) + rendered(found.remedy) + found.technical


def test_an_end_without_a_word() -> None:
    assert silent("Killed\n").technical == "Killed"


def test_an_archive_is_a_volume_with_all_its_labels() -> None:
    name = "sparktray-archive-open-webui-20270115T080000Z"
    found = archive_of({"Name": name, "Labels": LABELS})
    assert found is not None and (found.scope, found.operation) == (WipeScope.ALL_CHATS, "op-1")
    assert found.made_at == 1_800_000_000
    for odd in (
        {"Name": "open-webui", "Labels": LABELS},
        {"Name": name, "Labels": None},
        {"Name": 7, "Labels": LABELS},
        {"Name": name, "Labels": {**LABELS, "org.sparktray.archive.scope": "more"}},
        {"Name": name, "Labels": {**LABELS, "org.sparktray.archive.made": "soon"}},
    ):
        assert archive_of(odd) is None
