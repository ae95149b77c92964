from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from sparktray.decide.changing.plan import Asker, Plan, changed, plan
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.container import COMPOSE_LABEL, LABEL_OPERATION, Container, ContainerState
from sparktray.domain.operation import (
    AwaitRelease,
    AwaitServing,
    LoadOllama,
    ProveServing,
    RecordContainer,
    RecreateContainer,
    RunDocker,
    Step,
    StepName,
    StopWish,
    SwitchWish,
    UnloadOllama,
    Wish,
)
from sparktray.domain.problem import Problem
from sparktray.domain.survey import Survey
from tests.pure.decide.building import (
    BGE,
    CATALOGUE,
    CODER,
    OLLAMA_IMAGE,
    QWEN,
    SCOUT,
    SPARK_IMAGE,
    Desk,
    connected,
    ended,
    lock_box,
    ollama_box,
    ready,
    rendered,
    serving,
    sglang_box,
    survey,
    vllm_box,
)

ME = Asker("op-1", "anna@laptop")
LOCK = (
    "docker create --name sparktray-lock"
    " --label org.sparktray.lock.expires=2027-01-15T09:00:00Z --label org.sparktray.lock.owner=anna@laptop"
    " --label org.sparktray.lock.since=2027-01-15T08:00:00Z --label org.sparktray.operation=op-1"
    f" {SPARK_IMAGE} true"
)
UNLOCK = "docker rm sparktray-lock"
SCOUT_RUN = (
    "docker run -d --name sglang --gpus all -p 30000:30000"
    " -v /home/sparkuser/ai/models/scout:/model -v /home/sparkuser/ai/cache/sglang:/root/.cache"
    " --label org.sparktray.model=scout --label org.sparktray.operation=op-1 --label org.sparktray.server=sglang"
    f" {SPARK_IMAGE} python3 -m sglang.launch_server --model-path /model --served-model-name scout"
    " --host 0.0.0.0 --port 30000 --context-length 131072 --max-total-tokens 131072"
)
REPLACED = ["(release)", SCOUT_RUN, "(load)", "(prove)"]


def made(desk: Desk, wish: Wish, told: Survey) -> Plan:
    found = plan(desk.snapshot, wish, told, ME)
    assert isinstance(found, Plan), found
    return found


def script(steps: tuple[Step, ...]) -> list[str]:
    """Each step as its command, one that only reads or calls an API as its name."""
    return [shlex.join(s.command) if s.command else f"({s.name})" for s in steps]


def undoes(steps: tuple[Step, ...]) -> list[str]:
    return [
        shlex.join(s.undo.command) if s.undo.command else f"({s.undo.name})"
        for s in steps
        if s.undo is not None
    ]


def between(desk: Desk, wish: Wish, told: Survey) -> list[str]:
    """The plan without lock, second look and unlocking, which always frame it."""
    steps = script(made(desk, wish, told).steps)
    assert steps[:2] == [LOCK, "(check)"]
    assert steps[-1] == UNLOCK
    return steps[2:-1]


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


def ollama_script(desk: Desk, wish: SwitchWish, told: Survey | None = None) -> list[str]:
    steps = made(desk, wish, told or survey(None)).steps
    found = []
    for step in steps:
        match step.action:
            case LoadOllama(name=name):
                found.append(f"load {name}")
            case UnloadOllama(name=name):
                found.append(f"unload {name}")
            case _:
                found.append(shlex.join(step.command) if step.command else f"({step.name})")
    return [line for line in found if not line.startswith(("docker create", UNLOCK))]


ON_OLLAMA = SwitchWish("qwen", on="ollama")
LOADING = ["load qwen3:32b", "(load)", "(prove)"]
HAVE = ("qwen3:32b", "bge-m3:latest")


def test_ollama_loads_beside_nothing_and_instead_of_others() -> None:
    desk = serving(ollama_box(), ollama=ready(installed=HAVE))
    assert ollama_script(desk, ON_OLLAMA) == ["(check)", *LOADING]
    desk = serving(ollama_box(), ollama=ready("a", "b", installed=HAVE))
    assert ollama_script(desk, ON_OLLAMA) == ["(check)", "unload a", "unload b", *LOADING]
    undone = [s.undo.action for s in made(desk, ON_OLLAMA, survey(None)).steps[2:5] if s.undo is not None]
    assert undone == [
        LoadOllama("ollama", "a"),
        LoadOllama("ollama", "b"),
        UnloadOllama("ollama", "qwen3:32b"),
    ]


def test_a_model_ollama_lists_with_its_tag_is_not_given_up_for_itself() -> None:
    desk = serving(ollama_box(), ollama=ready("a", "bge-m3:latest", installed=HAVE))
    wish = SwitchWish("bge-m3", on="ollama")
    assert ollama_script(desk, wish) == ["(check)", "unload a", "load bge-m3", "(load)", "(prove)"]
    desk = serving(ollama_box(), ollama=ready("bge-m3:latest", installed=HAVE))
    assert made(desk, wish, survey(None)).steps == ()


def test_ollama_as_a_system_service_needs_neither_container_nor_image() -> None:
    desk = serving(ollama=ready("a", installed=HAVE))
    told = survey(None, image_present=False)
    assert ollama_script(desk, ON_OLLAMA, told) == ["(check)", "unload a", *LOADING]


@pytest.mark.parametrize("compose", [False, True])
def test_a_stopped_ollama_is_started_as_it_is(compose: bool) -> None:
    labels = {COMPOSE_LABEL: "x"} if compose else {}
    desk = serving(ended(ollama_box(labels=labels)), ollama=Reading(Health.REFUSED))
    assert ollama_script(desk, ON_OLLAMA) == ["(check)", "docker start ollama", *LOADING]


def test_an_ollama_that_is_missing_is_made() -> None:
    desk = serving(ollama=Reading(Health.REFUSED))
    told = survey(None, image_present=False, lock_image=None)
    steps = ollama_script(desk, ON_OLLAMA, told)
    assert steps[0] == f"docker pull {OLLAMA_IMAGE}"
    assert steps[2].startswith(
        "docker run -d --name ollama --gpus all -p 11434:11434 -v ollama:/root/.ollama"
    )
    assert steps[3:] == LOADING


def test_an_ollama_service_that_went_away_is_not_taken_for_one_that_answers() -> None:
    desk = serving(ollama=ready(installed=HAVE))
    desk.now += 10
    desk.probe("ollama", Reading(Health.REFUSED))
    assert any(line.startswith("docker run") for line in ollama_script(desk, ON_OLLAMA))


def test_an_ollama_that_runs_and_is_not_up_yet_is_waited_for() -> None:
    desk = serving(ollama_box(), ollama=Reading(Health.REFUSED))
    assert ollama_script(desk, ON_OLLAMA) == ["(check)", *LOADING]


STOP = "docker stop -t 30 "


def test_stopping_leaves_the_container_under_its_name() -> None:
    one, two = sglang_box(), vllm_box(auto_remove=True)
    told = made(connected(one, two), StopWish("sglang"), survey(None))
    assert script(told.steps)[2:-1] == ["(record)", STOP + "sglang"]
    assert undoes(told.steps) == [UNLOCK]
    everything = made(connected(one, two), StopWish(), survey(None))
    assert script(everything.steps)[2:-1] == ["(record)", STOP + "sglang", "(record)", STOP + "vllm"]


def test_stopping_ollama_gives_up_its_models_and_keeps_it_running() -> None:
    desk = serving(ollama_box(), ollama=ready("a", "b"))
    steps = made(desk, StopWish("ollama"), survey(None)).steps
    assert [s.action for s in steps[2:-1]] == [UnloadOllama("ollama", "a"), UnloadOllama("ollama", "b")]


def test_stopping_what_does_not_run_needs_no_steps() -> None:
    for desk in (connected(), connected(ended(sglang_box())), connected(lock_box())):
        assert made(desk, StopWish(), survey(None)).steps == ()


def test_a_host_without_any_image_is_changed_without_a_lock() -> None:
    desk = serving(sglang_box(), ollama_box(), ollama=ready("a", installed=HAVE))
    told = survey(None, lock_image=None)
    assert script(made(desk, StopWish("sglang"), told).steps) == ["(check)", "(record)", STOP + "sglang"]
    told = survey(None, image_present=False, lock_image=None)
    assert script(made(desk, ON_OLLAMA, told).steps)[0] == "(check)"


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


def test_another_model_in_ollama_is_a_change_too() -> None:
    before = made(serving(ollama_box(), ollama=ready("a", installed=HAVE)), ON_OLLAMA, survey(None))
    now = made(serving(ollama_box(), ollama=ready("b", installed=HAVE)), ON_OLLAMA, survey(None))
    assert changed(before, now) is not None


def test_every_step_says_what_it_does_what_proves_it_and_what_takes_it_back() -> None:
    desk = connected(sglang_box(model="coder", restart_policy="always"))
    for step in made(desk, SwitchWish("scout"), survey()).steps:
        for said in (step, step.undo):
            if said is not None:
                assert rendered(said.title)
                assert said.proof is None or rendered(said.proof)
    assert CATALOGUE.server("sglang") is not None
