"""Fetching images and models: real bytes of a real `docker pull`, and Ollama's own stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparktray.domain.operation import Fetched, Operation, OperationEnd, StepName, SwitchWish
from sparktray.domain.snapshot import Snapshot
from tests.rig.driving import Driver, Program, driven, profile, quicken
from tests.rig.registry import Registry
from tests.rig.rig import Rig

SCOUT, NEW = "llama4-scout-17b-nvfp4", "llama3.2:3b"


@pytest.fixture
def registry(rig: Rig) -> Iterator[Registry]:
    made = Registry()
    yield made
    made.close()
    rig.try_docker("rmi", "-f", made.reference)


def catalogue(folder: Path, image: str) -> None:
    """The shipped one with that image for the first server, and a model that Ollama does not have."""
    shipped = json.loads(Path("models.json").read_text(encoding="utf-8"))
    shipped["servers"]["sglang"]["image"] = image
    shipped["models"].append({"id": "small", "server": "ollama", "ollama": NEW})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models.json").write_text(json.dumps(shipped), encoding="utf-8")


def fetched(snapshot: Snapshot) -> Fetched | None:
    operation = snapshot.operation
    current = None if operation is None else operation.current
    return current.fetched if current is not None and current.step.name is StepName.PULL else None


def ended(program: Driver, identity: str) -> Operation:
    found = program.until(
        lambda s: s.operation is not None and s.operation.id == identity and s.operation.end is not None,
        "the end",
        90,
    ).operation
    assert found is not None
    return found


def test_an_image_comes_with_its_bytes(rig: Rig, tmp_path: Path, registry: Registry) -> None:
    quicken(rig)
    catalogue(tmp_path, registry.reference)
    registry.pace = 4_000_000
    with driven(tmp_path, profile(rig)) as program:
        seen: list[Fetched] = []
        program.controller.subscribe(lambda s: seen.append(f) if (f := fetched(s)) is not None else None)
        ended(program, program.controller.wish(SwitchWish(SCOUT)))
        assert [each.done for each in seen] == sorted(each.done for each in seen), "never back"
        assert [each.total for each in seen] == sorted(each.total for each in seen)
        halves = [each for each in seen if 0 < each.done < registry.total]
        assert len(halves) >= 3, seen
        assert abs(seen[-1].total - registry.total) < 0.02 * registry.total
    assert rig.try_docker("image", "inspect", registry.reference).returncode == 0


def test_one_that_stalls_can_be_cancelled_and_changes_nothing(
    rig: Rig, tmp_path: Path, registry: Registry
) -> None:
    quicken(rig)
    catalogue(tmp_path, registry.reference)
    registry.stall_after = 1_000_000
    registry.open.clear()
    with driven(tmp_path, profile(rig)) as program:
        identity = program.controller.wish(SwitchWish(SCOUT))
        program.until(lambda s: (f := fetched(s)) is not None and f.done > 0, "bytes")
        program.controller.cancel(identity)
        assert ended(program, identity).end is OperationEnd.CANCELLED
    assert rig.inspect("sglang") is None and rig.inspect("sparktray-lock") is None


def test_a_registry_that_refuses(rig: Rig, tmp_path: Path, registry: Registry) -> None:
    catalogue(tmp_path, registry.reference)
    registry.refuse = 401
    with driven(tmp_path, profile(rig)) as program:
        operation = ended(program, program.controller.wish(SwitchWish(SCOUT)))
        assert operation.end is OperationEnd.REFUSED and operation.failure is not None
        assert operation.failure.code == "registry-login"


def test_an_image_for_another_processor(rig: Rig, tmp_path: Path) -> None:
    foreign = Registry(architecture="s390x")
    try:
        catalogue(tmp_path, foreign.reference)
        with driven(tmp_path, profile(rig)) as program:
            operation = ended(program, program.controller.wish(SwitchWish(SCOUT)))
            assert operation.end is OperationEnd.REFUSED and operation.failure is not None
            assert operation.failure.code == "image-architecture"
    finally:
        foreign.close()
        rig.try_docker("rmi", "-f", foreign.reference)


def test_the_command_line_tells_the_bytes(rig: Rig, tmp_path: Path) -> None:
    program = Program(tmp_path / "config")
    catalogue(program.config, "lmsysorg/sglang:spark")
    program.add(rig)
    rig.ollama_installed(["bge-m3"])
    rig.start_ollama()
    rig.wait_http(11434, "/api/version")
    planned = program.ok("switch", "small", "--dry-run")
    assert f"docker exec ollama ollama pull {NEW}" in planned
    done = program.json("switch", "small")
    assert done["operation"]["end"] == "done"
    assert [step["name"] for step in done["operation"]["steps"]][2:5] == ["pull", "start", "load"]


def test_ollama_fetches_before_it_gives_anything_up(rig: Rig, tmp_path: Path) -> None:
    catalogue(tmp_path, "lmsysorg/sglang:spark")
    rig.ollama_installed(["bge-m3"], pull_seconds=1.5)
    rig.start_ollama()
    with driven(tmp_path, profile(rig)) as program:
        assert program.switch("bge-m3", "ollama").end is OperationEnd.DONE
        seen: list[Fetched] = []
        program.controller.subscribe(lambda s: seen.append(f) if (f := fetched(s)) is not None else None)
        done = program.switch("small")
        assert done.end is OperationEnd.DONE, done.failure
        names = [run.step.name for run in done.runs]
        assert names.index(StepName.PULL) < names.index(StepName.UNLOAD)
        assert len({each.done for each in seen}) >= 4 and seen[-1].total > 4_000_000_000


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("pull model manifest: file does not exist", "model-missing"),
        ("later:write /root/.ollama/models/blobs/x: no space left on device", "disk-full"),
        ("later:max retries exceeded: EOF", "fetch-failed"),
    ],
)
def test_a_fetch_that_fails_leaves_what_ran(rig: Rig, tmp_path: Path, error: str, code: str) -> None:
    catalogue(tmp_path, "lmsysorg/sglang:spark")
    rig.ollama_installed(["bge-m3"], fail_pull={NEW: error}, pull_seconds=0.1)
    rig.start_ollama()
    with driven(tmp_path, profile(rig)) as program:
        assert program.switch("bge-m3", "ollama").end is OperationEnd.DONE
        failed = program.switch("small")
        assert failed.end is OperationEnd.REFUSED and failed.failure is not None
        assert failed.failure.code == code
        assert [m.id for m in program.state("ollama").served or ()] == ["bge-m3:latest"]


def test_a_stalled_fetch_is_cancelled_and_goes_on_from_there(rig: Rig, tmp_path: Path) -> None:
    catalogue(tmp_path, "lmsysorg/sglang:spark")
    rig.ollama_installed(["bge-m3"], stall_pull=True, pull_seconds=0.2)
    rig.start_ollama()
    with driven(tmp_path, profile(rig)) as program:
        identity = program.controller.wish(SwitchWish("small"))
        program.until(lambda s: (f := fetched(s)) is not None and f.done > 0, "bytes")
        program.controller.cancel(identity)
        assert ended(program, identity).end is OperationEnd.CANCELLED
        rig.behave_live(11434, stall_pull=None)
        assert program.switch("small").end is OperationEnd.DONE
