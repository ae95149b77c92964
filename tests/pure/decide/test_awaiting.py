from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.awaiting import (
    APPEAR_SECONDS,
    NOTABLE_BYTES,
    QUIET_SECONDS,
    RECENT_SECONDS,
    RELEASE_SECONDS,
    Judgement,
    judge_wait,
)
from sparktray.decide.changing.headroom import HEADROOM_BYTES, headroom
from sparktray.decide.changing.steps import load, release, start
from sparktray.domain.action import AwaitRelease, AwaitServing
from sparktray.domain.asking import Health, Reading
from sparktray.domain.events import LogTailRead
from sparktray.domain.facts.vitals import Vitals
from tests.pure.decide.building import (
    GIB,
    NOW,
    OLLAMA,
    QWEN,
    SCOUT,
    SGLANG,
    Desk,
    box,
    connected,
    ended,
    ollama_box,
    ours,
    ready,
    rendered,
    serving,
    sglang_box,
)
from tests.pure.decide.planning import operation

OURS = ours(sglang_box(), "op-1")
START = start(SGLANG, "op-1", ("docker", "run"), makes_room=False)


def freed(
    available: int | None,
    *,
    at: float | None = NOW,
    waited: float = 1.0,
    needs: int | None = None,
    desk: Desk | None = None,
    **more: Any,
) -> Judgement:
    """What becomes of a wait for memory that has lasted WAITED seconds; the sample is from AT."""
    snapshot = replace((desk or connected()).snapshot, vitals=Vitals(at, 120 * GIB, available))
    waiting = operation(release(SGLANG, needs), since=NOW - waited, **more)
    return judge_wait(snapshot, waiting, AwaitRelease("sglang", 30000, needs), NOW).judgement


def test_name_and_port_must_be_free_first() -> None:
    for there in (box("sglang"), ended(sglang_box()), sglang_box("other")):
        desk = connected(there)
        assert freed(100 * GIB, needs=GIB, desk=desk) is Judgement.WAIT
        assert freed(100 * GIB, needs=GIB, desk=desk, waited=RELEASE_SECONDS + 1) is Judgement.FAILED
    assert freed(100 * GIB, needs=GIB, desk=connected(ended(sglang_box("sglang.previous")))) is Judgement.DONE


def test_what_fits_already_needs_no_wait() -> None:
    room = headroom(120 * GIB)
    assert freed(20 * GIB + room, needs=20 * GIB) is Judgement.DONE
    assert freed(20 * GIB + room - 1, needs=20 * GIB) is Judgement.WAIT
    recent = NOW - RECENT_SECONDS
    assert freed(100 * GIB, needs=GIB, at=recent) is Judgement.DONE
    assert freed(100 * GIB, needs=GIB, at=recent - 1) is Judgement.WAIT


def test_the_head_room_a_host_keeps() -> None:
    assert headroom(8 * GIB) == HEADROOM_BYTES
    assert headroom(100 * GIB) == 8 * GIB


def test_memory_that_still_rises_is_waited_for() -> None:
    quiet = (50 * GIB, NOW - QUIET_SECONDS)
    assert freed(50 * GIB, waited=20.0, memory_mark=quiet) is Judgement.DONE
    assert freed(50 * GIB + NOTABLE_BYTES, waited=20.0, memory_mark=quiet) is Judgement.DONE
    assert freed(50 * GIB + NOTABLE_BYTES + 1, waited=20.0, memory_mark=quiet) is Judgement.WAIT
    assert freed(50 * GIB, waited=20.0, memory_mark=(50 * GIB, NOW - 1)) is Judgement.WAIT
    assert freed(50 * GIB, waited=20.0) is Judgement.WAIT, "the first sample since"
    assert freed(50 * GIB, waited=RELEASE_SECONDS + 1) is Judgement.DONE


@pytest.mark.parametrize(("available", "at"), [(None, NOW), (GIB, None)])
def test_a_host_that_does_not_tell_is_given_a_moment(available: int | None, at: float | None) -> None:
    assert freed(available, at=at, waited=QUIET_SECONDS - 1) is Judgement.WAIT
    assert freed(available, at=at, waited=QUIET_SECONDS + 1) is Judgement.DONE


def test_a_sampler_that_died_does_not_hold_the_operation_up_for_ever() -> None:
    assert freed(GIB, at=NOW - 60, waited=50.0) is Judgement.WAIT
    assert freed(GIB, at=NOW - 200, waited=RELEASE_SECONDS + 1) is Judgement.DONE


def test_going_back_waits_until_as_much_is_free_as_before() -> None:
    level = {"free_level": 50 * GIB, "waited": 20.0}
    assert freed(50 * GIB - NOTABLE_BYTES, back=True, **level) is Judgement.DONE  # type: ignore[arg-type]
    assert freed(49 * GIB, back=True, **level) is Judgement.WAIT  # type: ignore[arg-type]
    assert freed(50 * GIB, back=False, **level) is Judgement.WAIT  # type: ignore[arg-type]


def served(
    desk: Desk,
    *,
    waited: float = 1.0,
    timeout: float | None = None,
    name: str | None = "scout",
    server: str = "sglang",
    started: bool = True,
    back: bool = False,
) -> str:
    steps = [START] if started else []
    waiting = operation(*steps, load(SGLANG, SCOUT, timeout), since=desk.now - waited, back=back)
    verdict = judge_wait(desk.snapshot, waiting, AwaitServing(server, name, timeout), desk.now)
    if verdict.failure is None:
        return verdict.judgement
    assert verdict.judgement is Judgement.FAILED
    assert rendered(verdict.failure.cause)
    assert rendered(verdict.failure.remedy)
    return verdict.failure.code


def test_a_model_serves_when_health_and_list_say_so() -> None:
    assert served(connected(OURS)) == "wait"
    assert served(serving(OURS, sglang=Reading(Health.REFUSED))) == "wait"
    assert served(serving(OURS, sglang=ready())) == "wait"
    assert served(serving(OURS, sglang=ready("other", "scout"))) == "done"
    assert served(serving(OURS, sglang=ready("gpt-4o-mini"))) == "wrong-id"
    assert served(serving(OURS, sglang=ready("gpt-4o-mini")), name=None) == "done"


def test_only_the_container_that_was_started_counts() -> None:
    other = serving(sglang_box(), sglang=ready("scout"))
    assert served(other) == "wait"
    assert served(other, waited=APPEAR_SECONDS + 1) == "vanished"
    assert served(other, started=False) == "done", "a load begun by somebody else"
    assert served(other, back=True, name=None) == "done"
    assert served(connected()) == "wait"
    assert served(connected(), waited=APPEAR_SECONDS + 1) == "vanished"


def test_an_end_is_judged_once_its_last_lines_are_read() -> None:
    desk = connected(ended(OURS, 0, ago=0))
    assert served(desk) == "wait"
    desk.take(LogTailRead(1, "sglang", OURS.id, ()))
    assert served(desk) == "exited"
    desk = connected(ended(OURS, 0, ago=0))
    desk.take(LogTailRead(1, "sglang", OURS.id, ("CUDA out of memory",)))
    assert served(desk) == "out-of-memory"
    assert served(connected(replace(OURS, oom_killed=True))) == "out-of-memory"


def test_a_timeout_counts_once_the_server_was_asked() -> None:
    desk = serving(OURS, sglang=Reading(Health.REFUSED))
    assert served(desk, waited=60.0) == "wait", "no limit"
    assert served(desk, waited=60.0, timeout=60.0) == "wait"
    assert served(desk, waited=61.0, timeout=60.0) == "not-ready-in-time"
    assert served(connected(OURS), waited=61.0, timeout=60.0) == "wait", "not asked since the link is back"


@pytest.mark.parametrize("there", [(ollama_box(),), (), (ended(ollama_box(), 2),)])
def test_ollama_serves_from_a_container_and_from_outside(there: tuple[Any, ...]) -> None:
    told = {"server": "ollama", "name": "bge-m3"}
    assert served(serving(*there, ollama=ready("bge-m3:latest")), **told) == "done"  # type: ignore[arg-type]
    assert served(serving(*there, ollama=ready("other")), **told) == "wait"  # type: ignore[arg-type]
    assert (OLLAMA.name, QWEN.ollama) == ("ollama", "qwen3:32b")


def test_a_server_that_is_not_in_the_catalogue_is_not_waited_for() -> None:
    assert served(connected(), server="unknown") == "done"
