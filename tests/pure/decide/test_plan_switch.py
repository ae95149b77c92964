from __future__ import annotations

import shlex

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.plan import Plan, changed
from sparktray.domain.action import (
    AwaitRelease,
    AwaitServing,
    ProveServing,
    RecordContainer,
    RecreateContainer,
    RunDocker,
)
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.container import COMPOSE_LABEL, LABEL_OPERATION, Container, ContainerState
from sparktray.domain.operation import StepName, SwitchWish
from sparktray.domain.problem import Problem
from tests.pure.decide.building import (
    BGE,
    CATALOGUE,
    CODER,
    QWEN,
    SCOUT,
    SPARK_IMAGE,
    connected,
    ended,
    lock_box,
    ready,
    rendered,
    serving,
    sglang_box,
    survey,
)
from tests.pure.decide.planning import LOCK, REPLACED, SCOUT_RUN, UNLOCK, between, made, script, undoes


def test_a_switch_from_nothing() -> None:
    told = made(connected(), SwitchWish("scout"), survey())
    assert (told.server, told.model) == ("sglang", "scout")
    assert script(told.steps) == [LOCK, "(check)", SCOUT_RUN, "(load)", "(prove)", UNLOCK]
    assert undoes(told.steps) == [UNLOCK, "docker stop -t 10 sglang"]
    load, prove = told.steps[3].action, told.steps[4].action
    assert load == AwaitServing("sglang", "scout", None)
    assert prove == ProveServing("sglang", "scout", SCOUT.kind)


def test_a_missing_image_is_fetched_before_the_lock_is_made_from_it() -> None:
    wish = SwitchWish("scout", timeout=90.0)
    told = made(connected(), wish, survey(image_present=False, lock_image=None))
    assert script(told.steps)[:2] == [f"docker pull {SPARK_IMAGE}", LOCK]
    assert told.steps[4].action == AwaitServing("sglang", "scout", 90.0)
    other = made(connected(), wish, survey(image_present=False, lock_image="debian:12"))
    assert script(other.steps)[1].endswith(" debian:12 true")


CASES: list[tuple[str, Container, list[str], list[str]]] = [
    (
        "running",
        sglang_box(model="coder"),
        [
            "(record)",
            "docker stop -t 30 sglang",
            "docker rename sglang sglang.previous",
            *REPLACED,
            "docker rm sglang.previous",
        ],
        ["docker start sglang", "docker rename sglang.previous sglang", "docker rm -f sglang"],
    ),
    (
        "stopped",
        ended(sglang_box(model="coder")),
        [
            "(record)",
            "docker rename sglang sglang.previous",
            *REPLACED[1:],
            "docker rm sglang.previous",
        ],
        ["docker rename sglang.previous sglang", "docker rm -f sglang"],
    ),
    (
        "stopped, ran with --rm but was kept",
        ended(sglang_box(model="coder", auto_remove=True)),
        ["(record)", "docker rename sglang sglang.previous", *REPLACED[1:], "docker rm sglang.previous"],
        ["docker rename sglang.previous sglang", "docker rm -f sglang"],
    ),
    (
        "runs with --rm",
        sglang_box(model="coder", auto_remove=True),
        ["(record)", "docker stop -t 30 sglang", *REPLACED],
        ["(start)", "docker rm -f sglang"],
    ),
    (
        "compose, of another name",
        sglang_box("stack-llm-1", model="coder", labels={COMPOSE_LABEL: "stack"}),
        ["(record)", "docker stop -t 30 stack-llm-1", *REPLACED],
        ["docker start stack-llm-1", "docker rm -f sglang"],
    ),
    (
        "of another name, by port",
        sglang_box("llama", model="coder"),
        [
            "(record)",
            "docker stop -t 30 llama",
            "docker rename llama llama.previous",
            *REPLACED,
            "docker rm llama.previous",
        ],
        ["docker start llama", "docker rename llama.previous llama", "docker rm -f sglang"],
    ),
    *(
        (
            policy,
            sglang_box(model="coder", restart_policy=policy),
            [
                "(record)",
                "docker update --restart=no sglang",
                "docker stop -t 30 sglang",
                "docker rename sglang sglang.previous",
                *REPLACED,
                "docker rm sglang.previous",
            ],
            [
                f"docker update --restart={policy} sglang",
                "docker start sglang",
                "docker rename sglang.previous sglang",
                "docker rm -f sglang",
            ],
        )
        for policy in ("always", "unless-stopped", "on-failure:3")
    ),
]


@pytest.mark.parametrize(("old", "expected", "back"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_switch_that_replaces(old: Container, expected: list[str], back: list[str]) -> None:
    desk, wish = connected(old), SwitchWish("scout", replace=True)
    assert between(desk, wish, survey()) == expected
    assert undoes(made(desk, wish, survey()).steps) == [UNLOCK, *back]


def test_every_command_that_touches_a_container_is_guarded_by_its_id() -> None:
    old = sglang_box(model="coder", restart_policy="always")
    steps = made(connected(old), SwitchWish("scout"), survey()).steps
    touching = [s for s in steps if s.name not in {StepName.LOCK, StepName.UNLOCK, StepName.START}]
    guards = [s.action.guard for s in touching if isinstance(s.action, RunDocker)]
    assert [g.container for g in guards if g is not None] == [old.id] * 4
    begun = [s.undo.action for s in steps if s.undo is not None and isinstance(s.undo.action, RunDocker)]
    assert all(action.guard is not None for action in begun)


def test_one_with_rm_is_made_again_from_its_description() -> None:
    old = sglang_box(model="coder", auto_remove=True)
    steps = made(connected(old), SwitchWish("scout"), survey()).steps
    assert steps[2].action == RecordContainer(old.id)
    assert steps[3].undo is not None
    assert steps[3].undo.action == RecreateContainer(old.id, "sglang")


def test_the_wait_for_memory_knows_what_the_next_model_takes() -> None:
    steps = made(connected(sglang_box(model="coder")), SwitchWish("scout"), survey()).steps
    release = next(s.action for s in steps if isinstance(s.action, AwaitRelease))
    assert (release.name, release.port) == ("sglang", 30000)
    assert release.needs is not None
    assert release.needs > 8 << 30


def test_two_containers_in_the_way_are_both_put_aside() -> None:
    stopped = ended(sglang_box("sglang", model="qwen"))
    desk = connected(sglang_box("llama", model="coder"), stopped)
    steps = between(desk, SwitchWish("scout", replace=True), survey())
    assert "docker rename llama llama.previous" in steps
    assert "docker rename sglang sglang.previous" in steps
    assert steps[-2:] == ["docker rm llama.previous", "docker rm sglang.previous"]


def test_a_switch_on_the_second_server() -> None:
    told = made(connected(), SwitchWish("qwen", on="vllm"), survey(QWEN))
    run = shlex.join(told.steps[2].command)
    assert "docker run -d --name vllm --gpus all --ipc=host -p 8000:8000" in run
    assert "vllm serve /model --served-model-name qwen --host 0.0.0.0 --port 8000" in run
    assert told.server == "vllm"


def test_an_embedding_model_starts_as_one_and_is_proven_by_an_embedding() -> None:
    steps = made(connected(), SwitchWish("bge-m3"), survey(BGE)).steps
    assert steps[2].command[-1] == "--is-embedding"
    assert steps[4].action == ProveServing("sglang", "bge-m3", BGE.kind)


def test_what_is_left_of_an_earlier_operation_of_ours_is_swept_first() -> None:
    aside = ended(sglang_box("sglang.previous", model="qwen"))
    other = ended(sglang_box("vllm.previous"))
    desk = connected(sglang_box(model="coder"), aside, other)
    steps = between(desk, SwitchWish("scout"), survey(abandoned=frozenset({aside.id, other.id})))
    assert steps[:2] == ["docker rm sglang.previous", "(record)"]
    assert sum(s == "docker rm vllm.previous" for s in steps) == 0


def test_a_model_that_is_ready_needs_no_steps_and_no_lock() -> None:
    desk = serving(sglang_box(), lock_box(), sglang=ready("scout"))
    assert made(desk, SwitchWish("scout"), survey()) == Plan((), "sglang", "scout")


def test_the_same_folder_under_another_id_is_started_anew() -> None:
    desk = serving(sglang_box(served="gpt-4o-mini"), sglang=ready("gpt-4o-mini"))
    assert SCOUT_RUN in between(desk, SwitchWish("scout"), survey())


def test_a_model_on_its_way_is_only_watched_even_without_its_image_by_that_name() -> None:
    desk = serving(sglang_box(), sglang=Reading(Health.REFUSED))
    told = survey(image_present=False)
    assert between(desk, SwitchWish("scout"), told) == ["(load)", "(prove)"]
    assert between(desk, SwitchWish("coder"), survey(CODER))[0] == "(record)"


def test_an_expired_and_an_abandoned_lock_are_broken_first() -> None:
    expired = lock_box(expires="2020-01-01T00:00:00Z")
    steps = script(made(connected(expired), SwitchWish("scout"), survey()).steps)
    assert steps[:3] == [UNLOCK, LOCK, "(check)"]
    abandoned = lock_box()
    told = survey(abandoned=frozenset({abandoned.id}))
    assert script(made(connected(abandoned), SwitchWish("scout"), told).steps)[:2] == [UNLOCK, LOCK]


def test_our_own_lock_is_no_obstacle() -> None:
    own = replace(lock_box(), labels={LABEL_OPERATION: "op-1"})
    assert script(made(connected(own), SwitchWish("scout"), survey()).steps)[0] == LOCK


def test_a_plan_made_again_says_the_same_or_the_host_was_changed() -> None:
    desk = connected(sglang_box(model="coder"))
    wish = SwitchWish("scout")
    before = made(desk, wish, survey())
    locked = connected(sglang_box(model="coder"), replace(lock_box(), labels={LABEL_OPERATION: "op-1"}))
    assert changed(before, made(locked, wish, survey())) is None
    refusal = Problem("x", before.steps[0].title, before.steps[0].title)
    assert changed(before, refusal) is refusal
    for other in (
        connected(),
        connected(replace(sglang_box(model="coder"), id="other")),
        connected(replace(sglang_box(model="coder"), state=ContainerState.EXITED)),
    ):
        found = changed(before, made(other, wish, survey()))
        assert found is not None
        assert found.code == "host-changed"


def test_every_step_says_what_it_does_what_proves_it_and_what_takes_it_back() -> None:
    desk = connected(sglang_box(model="coder", restart_policy="always"))
    for step in made(desk, SwitchWish("scout"), survey()).steps:
        for said in (step, step.undo):
            if said is not None:
                assert rendered(said.title)
                assert said.proof is None or rendered(said.proof)
    assert CATALOGUE.server("sglang") is not None
