"""Values that only the keyring holds: where they are asked for, and that a plan never holds them."""

from __future__ import annotations

from msgspec import structs
from msgspec.structs import replace

from sparktray.decide.changing.plan import Plan, plan
from sparktray.decide.effects import Probe
from sparktray.domain.action import ProveServing, RunDocker
from sparktray.domain.catalogue import Catalogue, Secret
from sparktray.domain.operation import StepName, SwitchWish
from sparktray.engines.commands import secret_variables
from tests.pure.decide.building import CATALOGUE, GATED, QWEN, connected, only, survey, vllm_box
from tests.pure.decide.planning import ME


def test_the_start_names_them_and_reads_their_values_from_stdin() -> None:
    found = plan(connected().snapshot, SwitchWish("gated"), survey(GATED), ME)
    assert isinstance(found, Plan)
    start = next(s.action for s in found.steps if s.name is StepName.START)
    assert isinstance(start, RunDocker) and start.secrets == (("HF_TOKEN", "hf"),)
    assert "--env-file" in start.argv and "/dev/stdin" in start.argv
    assert secret_variables(QWEN) == ()


LOCKED = structs.replace(QWEN, env={"VLLM_API_KEY": Secret(name="qwen-key"), "HF_TOKEN": "plain"})
KNOWN = Catalogue(servers=CATALOGUE.servers, models=(LOCKED,))


def test_an_engine_that_asks_for_a_key_is_asked_with_it() -> None:
    desk = connected(vllm_box(), catalogue=KNOWN)
    probes = [p for p in only(Probe, desk.effects) if p.server.name == "vllm"]
    assert [probe.key for probe in probes] == ["qwen-key"]
    found = plan(
        replace(connected(catalogue=KNOWN).snapshot), SwitchWish("qwen", on="vllm"), survey(LOCKED), ME
    )
    assert isinstance(found, Plan)
    prove = next(s.action for s in found.steps if s.name is StepName.PROVE)
    assert isinstance(prove, ProveServing) and prove.key == "qwen-key"


def test_sglang_takes_its_key_by_a_flag_alone() -> None:
    found = plan(connected(catalogue=KNOWN).snapshot, SwitchWish("qwen"), survey(LOCKED), ME)
    assert isinstance(found, Plan)
    prove = next(s.action for s in found.steps if s.name is StepName.PROVE)
    assert isinstance(prove, ProveServing) and prove.key is None
