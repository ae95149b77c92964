"""What keeps Open WebUI from being touched, each before anything is changed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.webui.refusing import is_open_webui
from sparktray.domain.docker.container import Mount
from sparktray.domain.open_webui import Household, WipeScope
from sparktray.domain.operation import WipeWish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from tests.pure.decide.building import box, rendered
from tests.pure.decide.webui.houses import CONTENTS, house, planned, webui_box

CORRUPT = Problem("webui-corrupt", phrase("damaged"), phrase("none"))
FULL = replace(CONTENTS, free_bytes=100_000_000)
CASES: dict[str, tuple[Household, str]] = {
    "mistyped volume": (house(volume_there=False, mounted="open-webui-2"), "webui-volume-other"),
    "no volume at all": (house(volume_there=False, mounted=None), "webui-volume-missing"),
    "another container": (house(container=box("open-webui"), mounted=None), "webui-other"),
    "another volume": (house(mounted="open-webui-ollama"), "webui-volume-other"),
    "a host folder": (house(mounted=None), "webui-no-volume"),
    "shared": (house(sharers=("backup",)), "webui-shared"),
    "postgres": (house(external="postgresql"), "webui-external"),
    "--rm": (house(container=webui_box(auto_remove=True)), "webui-auto-remove"),
    "no image": (house(image=None, contents=None), "webui-image-missing"),
    "corrupt": (house(contents=CORRUPT), "webui-corrupt"),
    "disk full": (house(contents=FULL), "disk-short"),
}


@pytest.mark.parametrize("name", list(CASES))
def test_refused(name: str) -> None:
    found, code = CASES[name]
    refused = planned(found, WipeWish(WipeScope.EVERYTHING))
    assert isinstance(refused, Problem) and refused.code == code
    assert rendered(refused.cause) and rendered(refused.remedy)


def test_what_one_account_may_still_do() -> None:
    """Its chats go by the API, wherever the database lies and however the container was started."""
    for found in (house(external="postgresql"), house(container=webui_box(auto_remove=True))):
        assert isinstance(planned(found, WipeWish(WipeScope.CHATS)), list)


def test_a_full_disk_only_matters_for_a_copy() -> None:
    found = house(contents=FULL)
    assert isinstance(planned(found, WipeWish(WipeScope.ALL_CHATS, archive=False)), list)


def test_the_sum_is_told() -> None:
    refused = planned(house(contents=FULL), WipeWish(WipeScope.ALL_CHATS))
    assert isinstance(refused, Problem)
    assert rendered(refused.cause) == "The copy takes 0.1 GB, and the host's disk has 0.1 GB left."


def test_what_is_open_webui() -> None:
    assert is_open_webui(webui_box())
    assert is_open_webui(box("x", image="openwebui/open-webui:v0.6", mounts=()))
    assert is_open_webui(box("x", image="mine", mounts=(Mount("/x", "/app/backend/data/", "v"),)))
    assert not is_open_webui(box("x", image="open-webui-backup"))
