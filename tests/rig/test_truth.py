"""What is shown is what is the case, whoever started it."""

from __future__ import annotations

import json
import queue
import subprocess
import time
from pathlib import Path

from sparktray.decide.identity import base_url, running_on
from sparktray.decide.truth import icon_of
from sparktray.domain.operation import SwitchWish
from sparktray.domain.snapshot import Icon, LinkPhase, Phase, Snapshot
from tests.rig.driving import driven, profile, quicken
from tests.rig.rig import Rig

SCOUT, QWEN = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4"


def test_a_server_started_by_hand_is_adopted(rig: Rig, tmp_path: Path) -> None:
    """The page's own docker run: shown with the mounted path and the ID, not as ours."""
    quicken(rig)
    rig.start_sglang()
    with driven(tmp_path, profile(rig)) as program:
        state = program.until_ready("sglang")
        running = running_on(program.snapshot, state)
        assert running.model is not None and running.model.id == SCOUT
        assert running.model_id == SCOUT and not running.misnamed
        assert running.model_path == str(rig.folder(SCOUT))
        assert running.context_length is not None
        assert state.container is not None and not state.container.managed
        assert base_url(program.snapshot.host, state) == "http://127.0.0.1:30000/v1"
        assert icon_of(program.snapshot) is Icon.READY


def test_misnamed_shows_both_names(rig: Rig, tmp_path: Path) -> None:
    """An ID gpt-4o-mini says nothing about what is mounted: both are read and shown."""
    quicken(rig)
    rig.start_sglang(served_name="gpt-4o-mini")
    with driven(tmp_path, profile(rig)) as program:
        state = program.until_ready("sglang")
        running = running_on(program.snapshot, state)
        assert running.misnamed and running.model_id == "gpt-4o-mini"
        assert running.model is not None and running.model.id == SCOUT
        assert running.model_path == str(rig.folder(SCOUT))


def test_never_ready_before_health(rig: Rig, tmp_path: Path) -> None:
    """While SGLang warms up /v1/models already answers; only /health 200 makes it ready, and soon."""
    rig.behave(SCOUT, load_seconds=0.3, warm_seconds=2.0, health_seconds=0.05)
    first: dict[str, float] = {}

    def health() -> int | None:
        answer = rig.http(30000, "/health")
        return None if answer is None else answer[0]

    with driven(tmp_path, profile(rig)) as program:
        seen: list[tuple[float, Phase]] = []
        program.controller.subscribe(lambda s: seen.append((time.monotonic(), s.servers[0].phase)))
        rig.start_sglang()
        rig.wait_http(30000, "/v1/models")
        first["listed"] = time.monotonic()
        while health() != 200:
            assert time.monotonic() - first["listed"] < 30
        first["healthy"] = time.monotonic()
        program.until_ready("sglang")
        ready = next(at for at, phase in seen if phase in {Phase.READY, Phase.BUSY})
        assert first["listed"] < first["healthy"], "the stand-in lists before it is healthy"
        # The program may notice a moment before this test's own slower poll does.
        assert ready > first["listed"] + 1.0
        assert abs(ready - first["healthy"]) < 0.3, f"{(ready - first['healthy']) * 1000:.0f} ms"


def test_log_phases_are_shown_while_loading(rig: Rig, tmp_path: Path) -> None:
    """Loading shows what the log tells: phases in words, and a fraction that only grows."""
    rig.behave(SCOUT, load_seconds=2.0, warm_seconds=0.3)
    with driven(tmp_path, profile(rig)) as program:
        seen: list[tuple[str, float]] = []

        def note(snapshot: Snapshot) -> None:
            progress = snapshot.servers[0].progress
            if progress is not None:
                seen.append((progress.phase.msgid, progress.fraction or 0.0))

        program.controller.subscribe(note)
        rig.start_sglang()
        program.until_ready("sglang")
        fractions = [fraction for _, fraction in seen]
        assert fractions == sorted(fractions) and fractions[-1] > 0.5
        assert len({name for name, _ in seen}) >= 3


def test_a_model_loaded_into_ollama_from_outside_appears(rig: Rig, tmp_path: Path) -> None:
    """Somebody else loads a model: it is seen within 5 s, and its end too."""
    rig.ollama_installed(["qwen3:32b"])
    rig.start_ollama()
    with driven(tmp_path, profile(rig)) as program:
        program.until(lambda s: s.servers[3].phase is Phase.IDLE, "Ollama idle")
        rig.http(11434, "/api/generate", json.dumps({"model": "qwen3:32b", "keep_alive": -1}))
        began = time.monotonic()
        program.until_ready("ollama")
        assert time.monotonic() - began < 5.0
        assert [each.until for each in program.state("ollama").served or ()] == [None], "it stays"
        rig.http(11434, "/api/generate", json.dumps({"model": "qwen3:32b", "keep_alive": 8}))
        program.until(lambda s: any(m.until for m in s.servers[3].served or ()), "when it leaves", 8.0)
        program.until(lambda s: s.servers[3].phase is Phase.IDLE, "Ollama idle again", 20.0)


def test_strangers_are_listed_and_named(rig: Rig, tmp_path: Path) -> None:
    """Who holds a server's port without being its engine is named, and never taken for it."""
    sleeper = ("python3", "-m", "http.server", "30000")
    rig.docker(
        "run",
        "-d",
        "--name",
        "web",
        "-p",
        "30000:30000",
        "--entrypoint",
        sleeper[0],
        "ollama/ollama",
        *sleeper[1:],
    )
    with driven(tmp_path, profile(rig)) as program:
        state = program.state("sglang")
        assert state.container is None and state.stranger == "web" and state.phase is Phase.IDLE
        assert program.snapshot.container_named("web") is not None


def test_host_network_and_other_names(rig: Rig, tmp_path: Path) -> None:
    """Under host networking the port of the command counts; another name is shown as contradiction."""
    quicken(rig)
    command = ("python3", "-m", "sglang.launch_server", "--model-path", "/model", "--host", "0.0.0.0")
    rig.docker(
        *("run", "-d", "--name", "my-own", "--network", "host", "-v", f"{rig.folder(QWEN)}:/model"),
        *("lmsysorg/sglang:spark", *command, "--port", "30001", "--served-model-name", QWEN),
    )
    with driven(tmp_path, profile(rig)) as program:
        state = program.until_ready("sglang-main")
        assert state.container is not None and state.container.name == "my-own"
        assert state.contradiction is not None
        assert running_on(program.snapshot, state).model_id == QWEN


def test_busy_and_crash(rig: Rig, tmp_path: Path) -> None:
    """Requests make it busy; a crash with exit code 0 is a failure with its cause."""
    quicken(rig)
    rig.start_sglang(rm=False)
    with driven(tmp_path, profile(rig)) as program:
        program.until_ready("sglang")
        rig.behave_live(30000, running=3)
        program.until(lambda s: s.servers[0].phase is Phase.BUSY and s.servers[0].running == 3, "busy", 15)
        rig.behave_live(30000, running=None, crash=True)
        state = program.until(lambda s: s.servers[0].phase is Phase.FAILED, "failed").servers[0]
        assert state.failure is not None and state.container is not None
        assert state.container.exit_code == 0 and state.failure.code == "engine-died"
        assert icon_of(program.snapshot) is Icon.FAILED


def test_an_end_on_request_is_no_failure(rig: Rig, tmp_path: Path) -> None:
    """docker stop by somebody leaves the server idle."""
    quicken(rig)
    rig.start_sglang(rm=False)
    with driven(tmp_path, profile(rig)) as program:
        program.until_ready("sglang")
        rig.docker("stop", "sglang")
        program.until(lambda s: s.servers[0].phase is Phase.IDLE, "idle")


def test_the_local_host_is_the_same_program(rig: Rig, tmp_path: Path) -> None:
    """This computer itself: no SSH, local processes, the local Docker socket."""
    quicken(rig)
    with driven(
        tmp_path, profile(rig, address="local", user=None, key_file=None, fingerprint=None)
    ) as program:
        assert program.switch(SCOUT).end == "done"
        assert rig.model_ids(30000) == [SCOUT]
        assert program.snapshot.vitals.gpu_name is not None or program.snapshot.vitals.total_bytes
        assert program.stop().end == "done"


def test_sampler_shows_what_a_gb10_gives(rig: Rig, tmp_path: Path) -> None:
    """Memory from /proc/meminfo, N/A fields as missing and never as 0."""
    rig.set_memory(61_000_000)
    rig.set_gpu(utilization=None, temperature=41, power=12.5)
    with driven(tmp_path, profile(rig)) as program:
        vitals = program.snapshot.vitals
        assert vitals.available_bytes == 61_000_000 * 1024
        assert vitals.gpu_percent is None and vitals.gpu_celsius == 41 and vitals.gpu_watt == 12.5


def test_a_lost_link_comes_back_by_itself(rig: Rig, tmp_path: Path) -> None:
    """The session is killed: offline, then connected again, and the picture is right."""
    quicken(rig)
    rig.start_sglang(rm=False)
    with driven(tmp_path, profile(rig)) as program:
        program.until_ready("sglang")
        phases: list[LinkPhase] = []
        program.controller.subscribe(lambda s: phases.append(s.link))
        rig.server.drop_sessions()
        program.until(lambda s: s.link is LinkPhase.OFFLINE, "offline")
        assert program.state("sglang").phase is Phase.UNKNOWN, "nothing is claimed without a link"
        program.until_ready("sglang")


def test_a_switch_survives_a_lost_link(rig: Rig, tmp_path: Path) -> None:
    """The link breaks while a model loads: the operation goes on when it is back."""
    rig.behave(SCOUT, load_seconds=2.0)
    with driven(tmp_path, profile(rig)) as program:
        program.controller.wish(SwitchWish(SCOUT))
        program.until(lambda s: s.servers[0].phase is Phase.LOADING, "loading")
        rig.server.drop_sessions()
        program.until(lambda s: s.link is LinkPhase.OFFLINE, "offline")
        ended = program.until(
            lambda s: s.operation is not None and s.operation.end is not None, "the end", 40
        )
        assert ended.operation is not None and ended.operation.end == "done"


def test_events_reach_the_picture_quickly(rig: Rig, tmp_path: Path) -> None:
    """Docker's die is in the snapshot within 50 ms, median of 20."""
    watch = ["docker", "events", "--filter", "event=die", "--format", "{{.TimeNano}}"]
    with (
        driven(tmp_path, profile(rig)) as program,
        subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as events,
    ):
        assert events.stdout is not None
        ended: queue.SimpleQueue[float] = queue.SimpleQueue()
        alive = [False]

        def note(snapshot: Snapshot) -> None:
            running = any(c.running for c in snapshot.containers)
            if alive[0] and not running:
                ended.put(time.time())
            alive[0] = running

        program.controller.subscribe(note)
        delays = []
        for _ in range(20):
            rig.docker("run", "-d", "--rm", "--name", "sglang", "lmsysorg/sglang:spark", "sleep", "600")
            program.until(lambda s: any(c.running for c in s.containers), "a running container")
            rig.docker("kill", "sglang")
            delays.append((ended.get(timeout=10) - int(events.stdout.readline()) / 1e9) * 1000)
            rig.wait_state("sglang", None)
        events.terminate()
    delays.sort()
    assert delays[len(delays) // 2] <= 50, [round(d, 1) for d in delays]
