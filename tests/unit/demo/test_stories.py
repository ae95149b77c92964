"""What can be tried on the demo, through the real controller."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sparktray.control.reading import converse
from sparktray.decide.ways_on import ways_on
from sparktray.decide.webui import api
from sparktray.decide.webui.account import key_name
from sparktray.demo.inside.accounts import ADMIN, PASSWORD
from sparktray.demo.spark import Spark
from sparktray.demo.tour import DIES, SWITCHES, TOO_LARGE
from sparktray.domain.host import DEMO_HOST
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import OperationEnd, RestoreWish, StopWish, SwitchWish, WipeWish
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.domain.snapshot import Phase
from sparktray.wiring import Program
from tests.unit.demo.visitor import Visitor, visiting
from tests.waiting import wait_until

BEN = "ben@demo.example"
AT_START = {"sglang": "phi4-reasoning", "sglang-main": "qwen3-32b-nvfp4"}


@pytest.fixture
def visitor(spark: Spark, program: Program) -> Iterator[Visitor]:
    with visiting(program) as made:
        yield made


def test_what_runs_at_the_start(visitor: Visitor) -> None:
    assert visitor.serving() == AT_START
    now = visitor.controller.snapshot
    assert now.vitals.gpu_name == "NVIDIA GB10"
    assert now.vitals.shares is not None
    assert {name for name, _ in now.vitals.shares} == {
        each.container.id
        for each in now.servers
        if each.container is not None and each.server.name in AT_START
    }


def test_a_switch_with_its_progress(visitor: Visitor) -> None:
    before = visitor.controller.snapshot.vitals.available_bytes
    operation = visitor.do(SwitchWish(SWITCHES))
    assert (operation.end, operation.failure) == (OperationEnd.DONE, None)
    assert visitor.serving() == AT_START | {"sglang": SWITCHES}
    fractions = [
        state.progress.fraction
        for picture in visitor.pictures
        for state in picture.servers
        if state.server.name == "sglang"
        and state.progress is not None
        and state.progress.fraction is not None
    ]
    assert len(set(fractions)) > 3
    now = visitor.wait(lambda s: s.vitals.available_bytes not in {None, before})
    assert now.vitals.available_bytes is not None
    assert before is not None
    assert now.vitals.available_bytes > before  # the one before was larger
    assert {c.name for c in now.containers} == {"sglang", "sglang-main", "ollama", "open-webui"}


def test_the_model_that_dies_on_vllm_and_the_way_on(visitor: Visitor) -> None:
    operation = visitor.do(SwitchWish(DIES, on="vllm"))
    assert operation.end is OperationEnd.FAILED
    assert operation.failure is not None
    assert operation.failure.code == "ptxas-sm121"
    assert any("sm_121a" in line for line in operation.failure.log_tail)
    ways = ways_on(visitor.controller.snapshot, operation, operation.end)
    wish = next(way for _, way in ways if isinstance(way, SwitchWish) and way.on == "sglang")
    assert visitor.do(wish).end is OperationEnd.DONE
    assert visitor.serving()["sglang"] == DIES


def test_what_ran_before_comes_back(visitor: Visitor) -> None:
    assert visitor.do(StopWish("sglang")).end is OperationEnd.DONE
    assert visitor.do(SwitchWish(SWITCHES, on="vllm")).end is OperationEnd.DONE
    before = visitor.controller.snapshot.state_of("vllm")
    operation = visitor.do(SwitchWish(DIES, on="vllm"))
    assert operation.end is OperationEnd.ROLLED_BACK
    assert visitor.serving()["vllm"] == SWITCHES
    after = visitor.controller.snapshot.state_of("vllm")
    assert before is not None and after is not None
    assert before.container is not None and after.container is not None
    assert after.container.id == before.container.id


def test_the_model_that_does_not_fit_until_another_makes_room(visitor: Visitor) -> None:
    operation = visitor.do(SwitchWish(TOO_LARGE))
    assert operation.end is OperationEnd.REFUSED
    assert operation.failure is not None
    assert operation.failure.code == "memory-short"
    assert visitor.serving() == AT_START
    ways = ways_on(visitor.controller.snapshot, operation, operation.end)
    wish = next(way for _, way in ways if isinstance(way, SwitchWish) and way.make_room)
    assert visitor.do(wish).end is OperationEnd.DONE
    assert visitor.serving() == {"sglang": TOO_LARGE}


def test_a_shorter_context_is_what_the_sum_says(visitor: Visitor) -> None:
    operation = visitor.do(SwitchWish(TOO_LARGE))
    ways = ways_on(visitor.controller.snapshot, operation, OperationEnd.REFUSED)
    wish = next(way for _, way in ways if isinstance(way, SwitchWish) and way.context is not None)
    assert visitor.do(wish).end is OperationEnd.DONE
    assert visitor.serving() == AT_START | {"sglang": TOO_LARGE}


def test_stop_and_start_again(visitor: Visitor) -> None:
    assert visitor.do(StopWish("sglang-main")).end is OperationEnd.DONE
    assert visitor.serving() == {"sglang": "phi4-reasoning"}
    assert visitor.do(SwitchWish("qwen3-32b-nvfp4")).end is OperationEnd.DONE
    assert visitor.serving() == AT_START


def test_cancelled_in_the_middle(visitor: Visitor) -> None:
    identity = visitor.begin(SwitchWish(SWITCHES))

    def loads(server: str) -> bool:
        state = visitor.controller.snapshot.state_of(server)
        return state is not None and state.phase is Phase.LOADING and state.progress is not None

    visitor.wait(lambda _: loads("sglang"))
    visitor.controller.cancel(identity)
    assert visitor.over(identity).end is OperationEnd.CANCELLED
    assert visitor.serving() == AT_START


def test_ollama_fetches_loads_and_gives_up(visitor: Visitor) -> None:
    operation = visitor.do(SwitchWish("phi4-reasoning", on="ollama"))
    assert (operation.end, operation.failure) == (OperationEnd.DONE, None)
    bytes_told = {
        run.fetched
        for picture in visitor.pictures
        if picture.operation is not None
        for run in picture.operation.runs
        if run.fetched is not None
    }
    assert len(bytes_told) > 1
    assert visitor.serving()["ollama"] == "phi4-reasoning:14b"
    assert visitor.do(SwitchWish("bge-m3", on="ollama")).end is OperationEnd.DONE
    assert visitor.serving()["ollama"] == "bge-m3:latest"


def test_somebody_else_removes_a_container(visitor: Visitor) -> None:
    told = visitor.remote.run(["docker", "rm", "-f", "sglang"], deadline=10)
    assert told.exit_code == 0
    visitor.wait(lambda s: all(c.name != "sglang" for c in s.containers))
    assert visitor.serving() == {"sglang-main": "qwen3-32b-nvfp4"}


def test_all_chats_go_and_come_back(visitor: Visitor) -> None:
    before = visitor.contents()
    assert (len(before.accounts), before.chats) == (3, 46)
    assert visitor.do(WipeWish(WipeScope.ALL_CHATS)).end is OperationEnd.DONE
    after = visitor.contents()
    assert (len(after.accounts), after.chats, after.folders) == (3, 0, 0)
    assert after.tables["knowledge"] == before.tables["knowledge"]
    assert visitor.do(RestoreWish()).end is OperationEnd.DONE
    assert visitor.contents() == before


def test_only_the_old_chats(visitor: Visitor) -> None:
    assert visitor.do(WipeWish(WipeScope.ALL_CHATS, older_than=30)).end is OperationEnd.DONE
    assert 0 < visitor.contents().chats < 46


def test_everything_goes_and_comes_back(visitor: Visitor) -> None:
    before = visitor.contents()
    assert visitor.do(WipeWish(WipeScope.EVERYTHING)).end is OperationEnd.DONE
    after = visitor.contents()
    assert (after.accounts, after.chats) == ((), 0)
    assert after.models_bytes == before.models_bytes
    about = converse(visitor.remote.http, 3000, api.about())
    assert about is not None
    assert (about.empty, about.sign_up) == (True, True)
    # An archive is named by the second it was made in, and this restore makes one too.
    second = int(time.time())
    wait_until(lambda: int(time.time()) > second, "another second")
    assert visitor.do(RestoreWish()).end is OperationEnd.DONE
    assert visitor.contents() == before


def test_ones_own_chats_as_who_is_signed_in(visitor: Visitor) -> None:
    assert visitor.do(WipeWish(WipeScope.CHATS)).end is OperationEnd.DONE
    left = {each.email: each.chats for each in visitor.contents().accounts}
    assert left[ADMIN] == 0
    assert left[BEN] > 0
    assert visitor.do(RestoreWish()).end is OperationEnd.DONE
    assert visitor.contents().chats == 46


def test_signing_in_as_somebody_else_and_out(visitor: Visitor, program: Program) -> None:
    keyring, name = program.vault.keyring, key_name(DEMO_HOST.name)
    keyring.forget_named(name)
    assert visitor.do(WipeWish(WipeScope.CHATS)).end is OperationEnd.REFUSED
    wrong = converse(visitor.remote.http, 3000, api.sign_in(BEN, Secret("wrong")))
    assert not isinstance(wrong, api.SignedIn)
    signed_in = converse(visitor.remote.http, 3000, api.sign_in(BEN, Secret(PASSWORD)))
    assert isinstance(signed_in, api.SignedIn)
    assert (signed_in.email, signed_in.admin) == (BEN, False)
    assert isinstance(converse(visitor.remote.http, 3000, api.connections(signed_in.key)), Problem)
    keyring.set_named(name, signed_in.key)
    assert visitor.do(WipeWish(WipeScope.CHATS, older_than=30)).end is OperationEnd.DONE
    left = {each.email: each.chats for each in visitor.contents().accounts}
    assert left[ADMIN] == 23
    assert 0 < left[BEN] < 12


def test_open_webui_is_connected_to_what_runs(visitor: Visitor) -> None:
    signed_in = converse(visitor.remote.http, 3000, api.sign_in(ADMIN, Secret(PASSWORD)))
    assert isinstance(signed_in, api.SignedIn)
    known = converse(visitor.remote.http, 3000, api.connections(signed_in.key))
    assert isinstance(known, api.Connections)
    url = "http://172.17.0.1:30000/v1"
    assert converse(visitor.remote.http, 3000, api.reaches(signed_in.key, url)) == ("phi4-reasoning",)
    assert converse(visitor.remote.http, 3000, api.reaches(signed_in.key, "http://x:8000/v1")) == ()
    wanted = api.with_url(known, url, None)
    assert converse(visitor.remote.http, 3000, api.connect(signed_in.key, wanted)) is None
    offered = converse(visitor.remote.http, 3000, api.models(signed_in.key))
    assert isinstance(offered, tuple)
    assert "phi4-reasoning" in offered
