"""What a person reads before a wipe."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.webui.preview import Preview, preview
from sparktray.domain.host import HostProfile
from sparktray.domain.open_webui import Account, Files, WipeScope
from sparktray.domain.operation import WipeWish
from tests.pure.decide.building import rendered
from tests.pure.decide.webui.houses import CONTENTS, KNOWN, house

HOST = HostProfile("spark", "spark.local", fingerprint="SHA256:abcdefghijklmnop")
UNREAD = house(contents=None)


def shown(wish: WipeWish, *, account: str | None = None, read: bool = True) -> Preview:
    return preview(HOST, KNOWN, wish, house() if read else UNREAD, account)


def lines(wish: WipeWish, part: str, **more: object) -> list[str]:
    return [rendered(each) for each in getattr(shown(wish, **more), part)]  # type: ignore[arg-type]


ALL, EVERYTHING = WipeWish(WipeScope.ALL_CHATS), WipeWish(WipeScope.EVERYTHING)


def test_where_it_would_happen() -> None:
    assert lines(ALL, "where") == [
        "Host spark, host key …ijklmnop",
        "Container open-webui, volume open-webui",
    ]
    local = preview(HostProfile("here", "local"), KNOWN, ALL, house())
    assert rendered(local.where[0]) == "Host here"
    assert local.typed == "open-webui"


def test_all_chats() -> None:
    assert rendered(shown(ALL).title) == "Delete the chats of everybody in Open WebUI?"
    assert lines(ALL, "goes") == [
        "13 chats",
        "by account: anna@home 12, ben@home 1",
        "2 folders",
        "1 shared chat",
        "Tags, and ratings of answers: they hold a copy of the chat",
        "3 files that only chats have: 2.5 MB",
    ]
    assert lines(ALL, "stays") == [
        "2 accounts",
        "1 knowledge base with its files",
        "2 prompts",
        "Settings, connections, models, tools, notes, memories and channels",
    ]
    assert lines(ALL, "after") == [
        "Open WebUI is stopped for it and starts again.",
        "A copy is kept on the host for 7 days: it can be undone.",
    ]


def test_only_old_chats() -> None:
    wish = replace(ALL, older_than=30, archive=False)
    assert lines(wish, "goes")[0] == "4 chats not touched for 30 days, of 13"
    assert lines(wish, "after")[-1] == "No copy is kept: it cannot be undone."


def test_everything() -> None:
    assert lines(EVERYTHING, "goes")[:2] == ["2 accounts with their passwords", "13 chats"]
    assert lines(EVERYTHING, "goes")[-1] == "5 uploaded files: 9.0 MB"
    assert lines(EVERYTHING, "stays")[0].endswith("(embedding, speech): 0.9 GB")
    assert "Whoever opens it first afterwards becomes its administrator." in lines(EVERYTHING, "after")


def test_the_chats_of_one_account() -> None:
    wish = WipeWish(WipeScope.CHATS)
    assert lines(wish, "goes", account="anna@home") == ["12 chats of anna@home"]
    assert lines(wish, "goes") == ["All chats of your account"]
    assert lines(wish, "stays")[-1] == "The chats of all others"
    assert lines(replace(wish, older_than=1), "goes") == ["Chats of your account not touched for 1 day"]
    assert len(lines(wish, "after")) == 1


@pytest.mark.parametrize("scope", list(WipeScope))
def test_what_could_not_be_read_is_said_without_figures(scope: WipeScope) -> None:
    found = shown(WipeWish(scope), read=False)
    assert rendered(found.title) and found.goes and found.stays
    assert not any(c.isdigit() for line in (*found.goes, *found.stays) for c in rendered(line))


def test_many_accounts_are_cut_and_one_is_not_listed() -> None:
    many = tuple(Account(str(n), f"n{n}", "", "user", n + 1) for n in range(9))
    crowd = preview(HOST, KNOWN, ALL, house(contents=replace(CONTENTS, accounts=many)))
    assert rendered(crowd.goes[1]) == "by account: n8 9, n7 8, n6 7, n5 6, n4 5, n3 4 …"
    alone = replace(CONTENTS, accounts=CONTENTS.accounts[:1], chat_files=Files(0, 0))
    assert rendered(preview(HOST, KNOWN, ALL, house(contents=alone)).goes[1]) == "2 folders"
