"""Two programs on one host, and programs that end in the middle, row by row of the fault matrix."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from tests.rig.driving import Program, quicken
from tests.rig.faults.laptop import SPARK, WITHIN
from tests.rig.faults.scene import SCOUT, Scene, Stage
from tests.rig.holding import Holding
from tests.rig.rig import Rig
from tests.rig.test_switch_steps import HELD, RUNS, STEPS, quick, slow
from tests.rig.tray_program import tray
from tests.waiting import wait_until

QWEN, CODER = "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"


@pytest.fixture
def holding(rig: Rig) -> Iterator[Holding]:
    made = Holding(rig, SPARK)
    yield made
    made.let_go()


def other_laptop(stage: Stage) -> Program:
    """Another program with settings of its own."""
    made = Program(stage.folder / "anna")
    made.add(stage.rig)
    return made


def told_who(scene: Scene) -> None:
    """A click is refused by the name of who has the lock, and nothing was changed."""
    before = scene.rig.inspect("sglang")
    scene.item.click(CODER)
    wait_until(lambda: any("refused" in each.title for each in scene.theirs.told), "the refusal", seconds=20)
    told = next(each for each in scene.theirs.told if "refused" in each.title)
    assert "has been changing this host since 20" in told.body, told
    after = scene.rig.inspect("sglang")
    assert before is not None and after is not None and after["Id"] == before["Id"]


@pytest.mark.fault("C1")
def test_a_click_while_another_laptop_switches(stage: Stage) -> None:
    """Who is at it and since when; the other's switch is not disturbed, and then this one can."""
    anna = other_laptop(stage)
    with stage.scene() as scene:
        stage.rig.behave(QWEN, load_seconds=8.0)
        with anna.start("switch", QWEN) as switching:
            wait_until(lambda: stage.rig.inspect("sglang-main"), "her container", seconds=20)
            told_who(scene)
            assert switching.wait(60) == 0
        assert stage.rig.model_ids(30001) == [QWEN] and stage.rig.model_ids(30000) == [SCOUT]
        scene.well_again(notifications=2, begins=f"{SCOUT}, {QWEN} are ready")


@pytest.mark.fault("C2")
def test_a_lock_whose_holder_was_killed(stage: Stage) -> None:
    """Named with its age; nothing breaks it but time or a person, by the command that is told."""
    anna = other_laptop(stage)
    with stage.scene() as scene:
        stage.rig.behave(QWEN, fail="never")
        with anna.start("switch", QWEN) as switching:
            wait_until(lambda: stage.rig.inspect("sglang-main"), "her container", seconds=20)
            switching.kill()
        told_who(scene)
        assert stage.rig.inspect("sparktray-lock") is not None
        assert any("docker rm sparktray-lock" in each.body for each in scene.theirs.told)
        stage.rig.docker("rm", "sparktray-lock")
        stage.rig.docker("rm", "--force", "sglang-main")
        scene.well_again(notifications=2)
        scene.item.click(CODER)
        scene.well_again(notifications=3, begins=f"{CODER} is ready", seconds=60.0)


@pytest.mark.fault("C5")
@pytest.mark.parametrize("step", [step for step in STEPS if step != "busy"])
def test_a_cancel_in_each_step(stage: Stage, holding: Holding, step: str) -> None:
    """The very container that ran before runs again, whatever had been done, and the end is told once."""
    rig = stage.rig
    quicken(rig)
    rig.start_sglang(SCOUT, rm=False)
    rig.wait_http(30000, "/v1/models")
    with stage.scene(holding.server) as scene:
        before = rig.inspect("sglang")
        slow(rig, holding, step)
        if step == "release":
            wait_until(
                lambda: available(scene.program) < 20 * 2**30, "the short memory", seconds=20, every=0.5
            )
        scene.item.click(CODER)
        if step in HELD:
            holding.reached()
        else:
            wait_until(lambda: under_way(scene.program) == RUNS[step], step, seconds=30)
        scene.item.click("Cancel")
        wait_until(lambda: "Cancel" not in scene.item.visible(), "the cancel taken in")
        quick(rig, holding)
        scene.well_again(notifications=1, seconds=60.0)
        after = rig.inspect("sglang")
        assert before is not None and after is not None and after["Id"] == before["Id"]
        assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None


def available(program: Program) -> int:
    """The memory that the tray knows to be free, by its door."""
    return int(program.json("status")["memory"]["available_bytes"])


def under_way(program: Program) -> str | None:
    """The step that the journal's last line has running."""
    file = program.config / "journal" / "operations.jsonl"
    lines = file.read_bytes().splitlines() if file.exists() else []
    try:
        steps = json.loads(lines[-1]).get("steps", ()) if lines else ()
    except ValueError:
        return None  # it is just being written
    return next((step["name"] for step in steps if step["state"] == "running"), None)


@pytest.mark.fault("C7")
def test_the_session_ends_in_mid_switch(stage: Stage) -> None:
    """The tray ends in time, the host goes on with what was begun; the next start says so and finishes it."""
    rig = stage.rig
    quicken(rig)
    rig.start_sglang(SCOUT, rm=False)
    rig.wait_http(30000, "/health")
    server = stage.sshd()
    with stage.scene(server) as scene:
        rig.behave(CODER, fail="never")
        scene.item.click(CODER)
        wait_until(lambda: under_way(scene.program) == RUNS["load"], "the load", seconds=40)
        began = rig.inspect("sglang")
        assert scene.running.quit(signal.SIGTERM) <= 2.0
        now = rig.inspect("sglang")
        assert began is not None and now is not None and now["Id"] == began["Id"]
        assert now["State"]["Running"] and rig.state("sglang.previous") == "exited"
        told = scene.program.json("status")["interrupted"]
        assert told["model"] == CODER and told["failure"]["code"] == "interrupted"
        program = scene.program
    rig.docker("kill", "sglang")
    rig.behave(CODER, fail=None)
    with stage.desktop.watcher() as watcher, tray(program, stage.desktop, within=WITHIN):
        item = stage.desktop.item(watcher)
        wait_until(lambda: "Finish" in item.visible(), "the ways on", seconds=30)
        item.click("Finish")
        wait_until(lambda: item.visible()[0] == f"{CODER} is ready on spark.", CODER, seconds=60)
    assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None
