from __future__ import annotations

import shlex

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.plan import Plan, changed
from sparktray.domain.action import LoadOllama, UnloadOllama
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.container import COMPOSE_LABEL
from sparktray.domain.events import Surveyed, Wished
from sparktray.domain.facts.survey import Survey
from sparktray.domain.operation import StopWish, SwitchWish
from sparktray.domain.problem import Problem
from tests.pure.decide.building import (
    OLLAMA_IMAGE,
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
from tests.pure.decide.planning import UNLOCK, asked, made, script, undoes


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
# It is asked what it has once it is up.
FETCH = "docker exec ollama ollama pull qwen3:32b"
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
    assert ollama_script(desk, ON_OLLAMA) == ["(check)", "docker start ollama", FETCH, *LOADING]


def test_an_ollama_that_is_missing_is_made() -> None:
    desk = serving(ollama=Reading(Health.REFUSED))
    told = survey(None, image_present=False, lock_image=None)
    steps = ollama_script(desk, ON_OLLAMA, told)
    assert steps[0] == f"docker pull {OLLAMA_IMAGE}"
    assert steps[2].startswith(
        "docker run -d --name ollama --gpus all -p 11434:11434 -v ollama:/root/.ollama"
    )
    assert steps[3:] == [FETCH, *LOADING]


def test_what_ollama_does_not_have_is_fetched_before_anything_is_given_up() -> None:
    desk = serving(ollama_box(), ollama=ready("a", installed=("a",)))
    assert ollama_script(desk, ON_OLLAMA) == ["(check)", FETCH, "unload a", *LOADING]
    service = serving(ollama=ready("a", installed=("a",)))
    assert ollama_script(service, ON_OLLAMA)[1] == "ollama pull qwen3:32b"


def test_an_ollama_service_that_went_away_is_not_taken_for_one_that_answers() -> None:
    desk = serving(ollama=ready(installed=HAVE))
    desk.now += 10
    desk.probe("ollama", Reading(Health.REFUSED))
    assert any(line.startswith("docker run") for line in ollama_script(desk, ON_OLLAMA))


def test_an_ollama_that_runs_and_is_not_up_yet_is_waited_for() -> None:
    desk = serving(ollama_box(), ollama=Reading(Health.REFUSED))
    assert ollama_script(desk, ON_OLLAMA) == ["(check)", FETCH, *LOADING]


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


def test_another_model_in_ollama_is_a_change_too() -> None:
    before = made(serving(ollama_box(), ollama=ready("a", installed=HAVE)), ON_OLLAMA, survey(None))
    now = made(serving(ollama_box(), ollama=ready("b", installed=HAVE)), ON_OLLAMA, survey(None))
    assert changed(before, now) is not None


def test_where_docker_needs_sudo_the_commands_are_shown_with_it() -> None:
    """Also those that take a step back; steps without a command keep none."""
    desk = connected()
    desk.snapshot = replace(desk.snapshot, host=replace(desk.snapshot.host, sudo=True))
    desk.take(Wished(SwitchWish("scout"), 1, "op-1"))
    desk.take(Surveyed(1, survey()))
    operation = desk.snapshot.operation
    assert operation is not None
    steps = [run.step for run in operation.runs]
    shown = [each.command for step in steps for each in (step, step.undo) if each is not None]
    assert all(not command or command[:2] == ("sudo", "docker") for command in shown)
    assert sum(bool(command) for command in shown) >= 4 and () in shown


def test_a_stop_for_good_takes_the_restart_policy_along() -> None:
    policy = replace(sglang_box(), restart_policy="always")
    wish = StopWish("sglang", stay_down=True)
    found = made(connected(policy), wish, survey(None)).steps
    stopped = "docker stop -t 30 sglang"
    assert script(found)[2:-1] == ["(record)", "docker update --restart=no sglang", stopped]
    assert "docker update --restart=always sglang" in undoes(found)
    plain = made(connected(policy), StopWish("sglang"), survey(None)).steps
    assert script(plain)[2:-1] == ["(record)", stopped]
    without = made(connected(sglang_box()), wish, survey(None)).steps
    assert script(without)[2:-1] == ["(record)", stopped]


def test_what_is_down_already_is_kept_down() -> None:
    """A stopped container whose policy is "always" comes back when Docker starts anew."""
    down = replace(ended(sglang_box()), restart_policy="always")
    found = made(connected(down), StopWish("sglang", stay_down=True), survey(None)).steps
    assert script(found)[2:-1] == ["(record)", "docker update --restart=no sglang"]
    assert made(connected(down), StopWish("sglang"), survey(None)).steps == ()


def test_a_service_of_the_host_that_rests_is_not_doubled_by_a_container() -> None:
    told = survey(None, resting="ollama.service")
    refused = asked(connected(), ON_OLLAMA, told)
    assert isinstance(refused, Problem) and refused.code == "service-stopped"
    assert "sudo systemctl start ollama.service" in rendered(refused.remedy)
    instead = made(connected(), replace(ON_OLLAMA, replace=True), told)
    assert any(step.command[:2] == ("docker", "run") for step in instead.steps)
    stopped = connected(ended(ollama_box()))
    assert isinstance(asked(stopped, ON_OLLAMA, told), Plan)
