"""Whose memory it is: what nvidia-smi tells of each process becomes a segment a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sparktray.decide.showing.memory import memory_bar
from sparktray.domain.facts.vitals import Vitals, read_vitals
from sparktray.domain.snapshot import Snapshot
from sparktray.remote.contract import Remote
from tests.rig.driving import Driver, driven, profile, quicken
from tests.rig.gb10 import AVAILABLE_KIB, running_apps
from tests.rig.remote_hosts import open_road
from tests.rig.rig import Rig

SCOUT, QWEN = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4"
MIB = 1 << 20


@pytest.fixture(params=["ssh", "local"])
def remote(request: pytest.FixtureRequest, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    with monkeypatch.context() as here:
        # The stub's folder is on the PATH of SSH's sessions; on this computer it is the program's own PATH.
        here.setenv("PATH", str(rig.machine.bin), prepend=":")
        host = open_road(rig, request.param)
        yield host
        host.close()


def two_models(rig: Rig) -> dict[str, int]:
    """Scout on SGLang beside Qwen on vLLM, with the memory both take; by container id the MiB of each."""
    quicken(rig)
    rig.start_sglang(SCOUT)
    rig.start_vllm(QWEN)
    apps = running_apps()
    rig.set_gpu(apps=list(apps.values()))
    rig.set_memory(AVAILABLE_KIB - 1024 * sum(mib for _, _, mib in apps.values()))
    return {container: mib for container, (_, _, mib) in apps.items()}


def taken(remote: Remote) -> Vitals:
    """One sample, read."""
    sample = remote.sample()
    return read_vitals(sample.meminfo, sample.gpu, 1.0, sample.processes, sample.cgroups)


def in_bytes(mibs: dict[str, int]) -> dict[str, int]:
    return {container: mib * MIB for container, mib in mibs.items()}


def test_a_sample_names_the_container_of_each_process(remote: Remote, rig: Rig) -> None:
    """The pids are the host's; their cgroups name the containers. A desktop's process belongs to none."""
    mibs = two_models(rig)
    assert len(mibs) == 2
    rig.set_gpu(apps=[*running_apps().values(), (1, "/usr/bin/gnome-shell, the one", 310), (999_999, "x", 5)])
    assert dict(taken(remote).shares or ()) == in_bytes(mibs)


def test_processes_are_asked_for_when_memory_moves(remote: Remote, rig: Rig) -> None:
    """A second call of nvidia-smi doubles a sample's price: at rest it is made once in twelve samples."""
    mibs = two_models(rig)
    (sglang, (pid, name, mib)), _ = running_apps().items()
    available = AVAILABLE_KIB - 1024 * sum(mibs.values())
    assert dict(taken(remote).shares or ()) == in_bytes(mibs)
    rig.set_gpu(apps=[(pid, name, mib + 7)])
    rig.set_memory(available - 200 * 1024)
    kept = [dict(taken(remote).shares or ()) for _ in range(11)]
    assert kept == [in_bytes(mibs)] * 11
    assert dict(taken(remote).shares or ()) == {sglang: (mib + 7) * MIB}
    rig.set_gpu(apps=[(pid, name, mib + 300)])
    rig.set_memory(available - 500 * 1024)
    assert dict(taken(remote).shares or ()) == {sglang: (mib + 300) * MIB}
    rig.set_gpu(apps=[])
    rig.set_memory(available + 500 * 1024)
    assert taken(remote).shares == ()


def test_an_ill_driver_tells_of_nobody(remote: Remote, rig: Rig) -> None:
    """It fails or is missing: not known, and the rest of the sample is there; asked at once when well."""
    mibs = two_models(rig)
    assert taken(remote).shares is not None
    for ill in ({"fails": True}, {"fails": False, "missing": True}):
        rig.set_gpu(**ill)
        vitals = taken(remote)
        assert vitals.shares is None and vitals.total_bytes is not None
    rig.set_gpu(missing=False)
    assert dict(taken(remote).shares or ()) == in_bytes(mibs)


def test_two_models_side_by_side_are_two_segments(rig: Rig, tmp_path: Path) -> None:
    """The whole way, to the bar: each server's segment is what nvidia-smi reported of it."""
    mibs = two_models(rig)
    with driven(tmp_path, profile(rig)) as program:
        program.until_ready("sglang")
        program.until_ready("vllm")
        snapshot = program.until(lambda s: len(s.vitals.shares or ()) == 2, "both shares")
        assert dict(snapshot.vitals.shares or ()) == in_bytes(mibs)
        view = memory_bar(snapshot)
        assert view is not None
        assert {s.labels[0].values["name"]: s.size for s in view.servers} == {
            SCOUT: segment_of(program, "sglang", mibs),
            QWEN: segment_of(program, "vllm", mibs),
        }
        assert sum(s.size for s in view.servers) + view.rest.size + view.free.size == view.total
        assert view.rest.size > 0

        rig.docker("stop", "vllm")
        program.until(lambda s: bar_names(s) == [SCOUT], "one segment as soon as the container is gone")


def segment_of(program: Driver, server: str, mibs: dict[str, int]) -> int:
    """The bytes reported for a server's container."""
    container = program.state(server).container
    assert container is not None
    return mibs[container.id] * MIB


def bar_names(snapshot: Snapshot) -> list[object]:
    """Whose segments the bar shows."""
    view = memory_bar(snapshot)
    return [] if view is None else [segment.labels[0].values["name"] for segment in view.servers]
