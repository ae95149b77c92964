"""What fits beside what, as a sum: two models side by side, no limit, files that do not tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sparktray.store.shipped import shipped
from tests.rig.driving import Program, quicken
from tests.rig.gb10 import AVAILABLE_KIB
from tests.rig.rig import Rig

SCOUT, QWEN, CODER = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"
SMALL = "deepseek-r1-8b-abliterated-bf16"
GIB = 1 << 30


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def change_entry(program: Program, name: str, **changes: Any) -> None:
    """The person's own list of models, with one entry of the shipped one changed."""
    held = json.loads(shipped("models.json").read_bytes())
    held.pop("$schema")
    for entry in held["models"]:
        if entry["id"] == name:
            entry.update(changes)
    (program.config / "models.json").write_text(json.dumps(held), encoding="utf-8")


def takes(program: Program, *words: str) -> dict[str, Any]:
    """The sum that a dry run of that switch tells."""
    found: dict[str, Any] = program.json("switch", *words, "--dry-run")["operation"]["memory"]
    return found


def load(rig: Rig, program: Program, name: str, *words: str) -> None:
    """Switch to a model; from then on the host has as much less as the sum said."""
    found = takes(program, name, *words)
    program.ok("switch", name, *words)
    rig.set_memory((found["available_bytes"] - found["takes_bytes"]) // 1024)


def test_two_models_run_side_by_side_when_they_fit(rig: Rig, program: Program) -> None:
    """The second is loaded beside the first, which is not touched; the sum of each says what is left."""
    load(rig, program, QWEN)
    before = rig.inspect("sglang-main")
    found = takes(program, SMALL)
    assert found["fits"] and found["stops"] == [] and found["freed_bytes"] == 0
    assert found["left_bytes"] == found["room_bytes"] - found["takes_bytes"] > 40 * GIB
    load(rig, program, SMALL)
    assert rig.model_ids(30000) == [SMALL] and rig.model_ids(30001) == [QWEN]
    after = rig.inspect("sglang-main")
    assert before is not None and after is not None and after["Id"] == before["Id"]


def test_what_does_not_fit_beside_it_is_refused_with_the_sum_and_a_context_that_fits(
    rig: Rig, program: Program
) -> None:
    load(rig, program, QWEN)
    refused = program.run("switch", SCOUT)
    assert refused.returncode == 7
    assert "takes 83.3 GiB: weights 56.3 + cache 24 + overhead 3." in refused.stdout
    assert "9.4 GiB are missing." in refused.stdout
    assert "Stop sglang-main for it: --make-room does that." in refused.stderr
    assert "With a context of 65536 tokens it fits: --context 65536." in refused.stderr
    told = program.run("--json", "switch", SCOUT)
    found = json.loads(told.stdout)["operation"]["memory"]
    assert found["fits"] is False and found["cache_bytes"] == 24 * GIB
    assert rig.model_ids(30001) == [QWEN] and rig.inspect("sglang") is None
    assert program.run("switch", SCOUT, "--context", "65536").returncode == 0
    started = rig.inspect("sglang")
    assert started is not None and "--context-length 65536" in " ".join(started["Args"])
    assert rig.model_ids(30000) == [SCOUT] and rig.model_ids(30001) == [QWEN], "with that it fits"


def test_room_is_made_by_stopping_the_other_server(rig: Rig, program: Program) -> None:
    load(rig, program, QWEN)
    planned = takes(program, SCOUT, "--make-room")
    assert planned["fits"] and planned["stops"] == ["sglang-main"]
    program.ok("switch", SCOUT, "--make-room")
    assert rig.model_ids(30000) == [SCOUT] and rig.state("sglang-main") == "exited"


def test_without_a_context_nothing_fits_beside_it_and_that_is_said(rig: Rig, program: Program) -> None:
    """The page's plain command: 89 % of what is available, on an empty host; beside another model refused."""
    change_entry(program, SCOUT, context=None)
    shown = program.ok("switch", SCOUT, "--dry-run")
    assert "89 % of what is available when it starts." in shown
    assert "Nothing fits beside it; with a context in models.json it would take less." in shown
    assert "--max-total-tokens" not in shown
    program.ok("switch", SCOUT)
    assert rig.model_ids(30000) == [SCOUT]
    program.ok("stop")
    rig.set_memory(AVAILABLE_KIB - 30 * 1024 * 1024)
    refused = program.refused(7, "switch", SCOUT)
    assert refused["code"] == "memory-short" and "give it a context in models.json" in refused["remedy"]


def test_fractions_in_the_entry_are_what_is_taken(rig: Rig, program: Program) -> None:
    own = {"sglang": ["--mem_fraction_static=0.5"], "vllm": ["--gpu-memory-utilization", "0.4"]}
    change_entry(program, SMALL, context=None, args=own)
    found = takes(program, SMALL)
    assert (found["share"], found["share_of"]) == (0.5, "available")
    assert found["takes_bytes"] == found["available_bytes"] // 2
    found = takes(program, SMALL, "--on", "vllm")
    assert (found["share"], found["share_of"]) == (0.4, "total")
    assert found["takes_bytes"] == int(0.4 * found["total_bytes"])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ("mode", "config.json cannot be read."),
        ("text", "config.json does not hold JSON."),
        ("large", "config.json is too large to be read."),
        ("new", "the architecture NewForCausalLM is not known."),
    ],
)
def test_a_config_that_does_not_tell(rig: Rig, program: Program, spoil: str, reason: str) -> None:
    """The sum is not guessed: what is not known is said with its reason, and refuses nothing."""
    config = rig.folder(QWEN) / "config.json"
    match spoil:
        case "mode":
            config.chmod(0)
        case "text":
            config.write_text("<html>404</html>")
        case "large":
            config.write_text('{"x": "' + "y" * (1 << 20) + '"}')
        case _:
            config.write_text('{"architectures": ["NewForCausalLM"], "blocks": 64}')
    found = takes(program, QWEN)
    assert found["takes_bytes"] is None and found["fits"] is None and found["unknown"].endswith(reason)
    assert found["weights_bytes"] == pytest.approx(19_300_000_000)
    shown = program.ok("switch", QWEN, "--dry-run")
    assert "What qwen3-32b-nvfp4 takes of the memory is not known." in shown and reason in shown
    listed = {each["model"]: each for each in program.json("models")["models"]}
    assert listed[QWEN]["fits"] is None and listed[QWEN]["memory"]["unknown"].endswith(reason)
    assert listed[SCOUT]["fits"] is True, "one file that does not tell hides no other model"


def test_vllm_starts_beside_another_model(rig: Rig, program: Program) -> None:
    """Its share must be free when it starts, so it is given one: what it takes, and not 92 % of all."""
    load(rig, program, SMALL)
    rig.behave(QWEN, vllm={"available_gib": 60})
    program.ok("switch", QWEN, "--on", "vllm")
    assert rig.model_ids(8000) == [QWEN] and rig.model_ids(30000) == [SMALL]


def test_a_vllm_that_finds_its_share_taken_tells_of_the_page_cache(rig: Rig, program: Program) -> None:
    change_entry(program, QWEN, args={"vllm": ["--gpu-memory-utilization", "0.6"]})
    rig.behave(QWEN, vllm={"available_gib": 60})
    failed = program.refused(1, "switch", QWEN, "--on", "vllm")
    assert failed["code"] == "memory-held" and "Only 60.00 GiB of memory were free" in failed["message"]
    assert "drop_caches" in failed["remedy"]
