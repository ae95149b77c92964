"""Open WebUI's API as dialogues, each answer played from a table as the real program gives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest

from sparktray.decide.webui import api
from sparktray.decide.webui.api import About, Connections, SignedIn
from sparktray.domain.asking import Answer, Ask, Dialogue, Heard, Silence
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from tests.pure.decide.building import rendered

T = TypeVar("T")
KEY = Secret("token-1")
Script = Callable[[Ask], Heard]


def carried(dialogue: Dialogue[T], script: Script) -> tuple[T, list[Ask]]:
    """The result, and what was asked."""
    asks: list[Ask] = []
    try:
        ask = next(dialogue)
        while True:
            asks.append(ask)
            ask = dialogue.send(script(ask))
    except StopIteration as end:
        result: T = end.value
        return result, asks


def says(body: object, status: int = 200) -> Answer:
    return Answer(status, msgspec.json.encode(body))


def always(heard: Heard) -> Script:
    return lambda ask: heard


def by_path(**answers: Heard) -> Script:
    """By the last word of the path."""
    return lambda ask: answers[ask.path.partition("?")[0].rstrip("/").rpartition("/")[2]]


@pytest.mark.parametrize(
    ("version", "config", "found"),
    [
        (
            says({"version": "0.12.4"}),
            says({"onboarding": True, "features": {"enable_signup": True}}),
            About("0.12.4", sign_up=True, empty=True),
        ),
        (
            says({"version": "0.12.4"}),
            says({"features": {"enable_signup": False}}),
            About("0.12.4", sign_up=False, empty=False),
        ),
        (says({"version": "0.12.4"}), Silence.LATE, About("0.12.4", sign_up=False, empty=False)),
        (says({"detail": "no"}, 404), None, None),
        (Answer(200, b"<html>"), None, None),
        (Silence.REFUSED, None, None),
    ],
)
def test_how_it_is_without_signing_in(version: Heard, config: Heard | None, found: About | None) -> None:
    script = by_path(version=version, config=config or Silence.BROKEN)
    assert carried(api.about(), script)[0] == found


def test_signing_in() -> None:
    told = says({"token": "t", "email": "a@b", "role": "admin"})
    found, asks = carried(api.sign_in("a@b", Secret("pw")), always(told))
    assert isinstance(found, SignedIn) and (found.email, found.admin) == ("a@b", True)
    assert found.key.reveal() == "t"
    assert asks[0].json is not None and "pw" not in repr(asks[0])


@pytest.mark.parametrize(
    ("heard", "code"),
    [
        (says({"detail": "incorrect"}, 400), "webui-wrong-login"),
        (says({"detail": "disabled"}, 403), "webui-forbidden"),
        (says({"detail": "slow down"}, 429), "webui-too-often"),
        (says({"next_step": "totp", "challenge_token": "x"}), "webui-factors"),
        (says({"detail": "x"}, 500), "webui-odd-answer"),
        (says({"token": ""}), "webui-odd-answer"),
        (Silence.REFUSED, "webui-silent"),
    ],
)
def test_a_login_that_is_refused(heard: Heard, code: str) -> None:
    found, _ = carried(api.sign_in("a@b", Secret("pw")), always(heard))
    assert isinstance(found, Problem) and found.code == code
    assert rendered(found.cause) and rendered(found.remedy)


def test_whose_key_it_is() -> None:
    session, _ = carried(api.who(KEY), by_path(auths=says({"email": "a@b", "role": "user"})))
    assert session == SignedIn("a@b", False, KEY)
    lists, asks = carried(api.who(KEY), by_path(auths=says({}, 401), chats=says([])))
    assert lists == SignedIn("", False, KEY) and asks[1].bearer is KEY
    refused, _ = carried(api.who(KEY), always(says({"detail": "x"}, 401)))
    assert isinstance(refused, Problem) and refused.code == "webui-not-allowed"
    silent, _ = carried(api.who(KEY), by_path(auths=says({}, 401), chats=Silence.LATE))
    assert isinstance(silent, Problem) and silent.code == "webui-silent"


def test_my_chats_over_several_pages_archived_ones_too() -> None:
    pages = {
        "/api/v1/chats/?include_pinned=true&include_folders=true&page=1": [
            {"id": "c1", "updated_at": 10},
            {"id": "../x"},
            {"id": 7},
            "odd",
        ],
        "/api/v1/chats/?include_pinned=true&include_folders=true&page=2": [{"id": "c2", "updated_at": None}],
        "/api/v1/chats/archived?page=1": [{"id": "c3", "updated_at": 12.5}, {"id": "c1"}],
    }
    found, asks = carried(api.my_chats(KEY), lambda ask: says(pages.get(ask.path, [])))
    assert found == (("c1", 10.0), ("c2", 0.0), ("c3", 12.5))
    assert len(asks) == 5 and all(ask.bearer is KEY for ask in asks)


def test_a_server_that_repeats_its_page_is_asked_no_more() -> None:
    same = says([{"id": "c1", "updated_at": 1}])
    _, asks = carried(api.my_chats(KEY), always(same))
    assert len(asks) == 3


@pytest.mark.parametrize("heard", [Silence.LATE, says({"detail": "x"}, 401), says({"odd": 1})])
def test_chats_that_cannot_be_listed(heard: Heard) -> None:
    assert isinstance(carried(api.my_chats(KEY), always(heard))[0], Problem)


@pytest.mark.parametrize(
    ("heard", "code"),
    [
        (says(True), None),
        (says(False), "webui-odd-answer"),
        (says({"detail": "x"}, 401), "webui-not-allowed"),
        (Silence.BROKEN, "webui-silent"),
    ],
)
def test_deleting_all(heard: Heard, code: str | None) -> None:
    found, asks = carried(api.delete_all(KEY), always(heard))
    assert (None if found is None else found.code) == code
    assert (asks[0].method, asks[0].path) == ("DELETE", "/api/v1/chats/")


@pytest.mark.parametrize(
    ("heard", "code"),
    [
        (says(True), None),
        (says({}, 404), None),
        (says({}, 500), "webui-odd-answer"),
        (Silence.LATE, "webui-silent"),
    ],
)
def test_deleting_one(heard: Heard, code: str | None) -> None:
    found, _ = carried(api.delete_one(KEY, "c1"), always(heard))
    assert (None if found is None else found.code) == code


CONFIG = {
    "ENABLE_OPENAI_API": True,
    "OPENAI_API_BASE_URLS": ["http://a/v1", "http://b"],
    "OPENAI_API_KEYS": ["k"],
    "OPENAI_API_CONFIGS": {"0": {"enable": True}},
}


def test_connections_are_read_changed_in_one_place_and_read_again() -> None:
    known, _ = carried(api.connections(KEY), always(says(CONFIG)))
    assert isinstance(known, Connections) and known.urls == ("http://a/v1", "http://b")
    wanted = api.with_url(known, "http://b/v1", "http://b")
    assert wanted.urls == ("http://a/v1", "http://b/v1")
    assert wanted.raw["OPENAI_API_KEYS"] == ["k", ""] and wanted.raw["OPENAI_API_CONFIGS"] == {
        "0": {"enable": True}
    }
    more = api.with_url(known, "http://c/v1", None)
    assert more.urls[-1] == "http://c/v1" and api.with_url(known, "http://a/v1", None).urls == known.urls

    def script(ask: Ask) -> Heard:
        return says(wanted.raw)

    done, asks = carried(api.connect(KEY, wanted), script)
    assert done is None and [ask.method for ask in asks] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("update", "config", "code"),
    [
        (Silence.LATE, None, "webui-silent"),
        (says({"detail": "x"}, 401), None, "webui-not-allowed"),
        (says({}), says(CONFIG), "webui-unchanged"),
        (says({}), Silence.LATE, "webui-silent"),
        (says({}), says([]), "webui-odd-answer"),
    ],
)
def test_a_connection_that_is_not_taken(update: Heard, config: Heard | None, code: str) -> None:
    wanted = Connections(True, ("http://z/v1",), {})
    found, _ = carried(api.connect(KEY, wanted), by_path(update=update, config=config or Silence.BROKEN))
    assert isinstance(found, Problem) and found.code == code


def test_models_that_it_offers() -> None:
    listed = says({"data": [{"id": "scout"}, "odd", {"name": "x"}]})
    assert carried(api.models(KEY), always(listed))[0] == ("scout",)
    assert isinstance(carried(api.models(KEY), always(says([])))[0], Problem)
    assert isinstance(carried(api.models(KEY), always(Silence.LATE))[0], Problem)


def test_keys_that_are_no_list() -> None:
    known = Connections(False, (), {"OPENAI_API_KEYS": None})
    assert api.with_url(known, "http://a/v1", None).raw["OPENAI_API_KEYS"] == [""]
    odd, _ = carried(api.connections(KEY), always(says({"OPENAI_API_BASE_URLS": None})))
    assert isinstance(odd, Connections) and odd.urls == ()


def test_what_open_webui_itself_finds_at_an_address() -> None:
    found, asks = carried(api.reaches(KEY, "http://a/v1"), always(says({"data": [{"id": "scout"}]})))
    assert found == ("scout",) and asks[0].json == {"url": "http://a/v1", "key": ""}
    assert carried(api.reaches(KEY, "http://a/v1"), always(says({"detail": "no"}, 500)))[0] == ()
    assert carried(api.reaches(KEY, "http://a/v1"), always(Silence.LATE))[0] == ()
