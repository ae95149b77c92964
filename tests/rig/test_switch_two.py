"""Two programs that want to change one host: one wins, the other is told who and since when."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from sparktray.decide.changing import locking
from sparktray.domain.operation import SwitchWish
from tests.rig.driving import Program, driven, profile, quicken
from tests.rig.holding import Holding
from tests.rig.rig import Rig
from tests.waiting import wait_until

SCOUT, QWEN, CODER = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"


def refused_by_name(error: dict[str, str]) -> None:
    """Who has the lock, and since when; a lock that came and went in between cannot be read any more."""
    assert error["code"] in {"locked", "host-changed"}, error
    if error["code"] == "locked":
        assert "since 20" in error["message"] or "at the same moment" in error["message"]


@pytest.mark.fault("C1")
def test_one_wins_and_the_other_is_told_who(rig: Rig, tmp_path: Path) -> None:
    """Two laptops, each with its own settings, switch at the same moment; five times."""
    quicken(rig)
    laptops = [Program(tmp_path / name) for name in ("anna", "bob")]
    for laptop in laptops:
        laptop.add(rig)
    for _ in range(5):
        racing = [
            laptop.start("--json", "switch", model)
            for laptop, model in zip(laptops, (SCOUT, CODER), strict=True)
        ]
        told = [each.communicate(timeout=90)[1] for each in racing]
        codes = [each.returncode for each in racing]
        assert 0 in codes and set(codes) <= {0, 7}, (codes, told)
        for stderr, code in zip(told, codes, strict=True):
            if code == 7:
                refused_by_name(json.loads(stderr.splitlines()[-1])["error"])
        running = [name for name in rig.docker("ps", "--format", "{{.Names}}").split() if "sglang" in name]
        assert running == ["sglang"], "never two on one server"
        assert rig.inspect("sparktray-lock") is None and rig.inspect("sglang.previous") is None
        for laptop in laptops:
            laptop.run("stop")


@pytest.mark.fault("C2")
def test_the_lock_of_a_program_that_died_frees_itself_in_time(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another laptop cannot know whether the owner lives; it waits for the time on the lock, not for ever."""
    quicken(rig)
    monkeypatch.setattr(locking, "LOCK_SECONDS", 4)
    holding = Holding(rig)
    rig.behave(CODER, fail="never")
    with driven(tmp_path / "anna", profile(rig, holding.server)) as anna:
        anna.controller.wish(SwitchWish(CODER))
        wait_until(lambda: rig.inspect("sparktray-lock") is not None, "the lock")
        anna.controller.close()  # without the way back: as a laptop that is shut
    since = time.monotonic()
    bob = Program(tmp_path / "bob")
    bob.add(rig)
    rig.behave(CODER, fail=None)
    assert bob.refused(7, "switch", QWEN)["code"] == "locked"
    wait_until(lambda: time.monotonic() - since > 5, "the time on the lock", seconds=10)
    bob.ok("switch", QWEN)
    assert rig.model_ids(30001) == [QWEN] and rig.inspect("sparktray-lock") is None
