"""The main job as a person does it: the command line on real parts."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.waiting import scaled, wait_until

SCOUT, QWEN, CODER = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    """The command line with the rig set up as its host."""
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def server(status: dict[str, Any], name: str) -> dict[str, Any]:
    """One server of a status object."""
    found: dict[str, Any] = next(s for s in status["servers"] if s["server"] == name)
    return found


def test_switch_status_id_and_stop(rig: Rig, program: Program) -> None:
    """A model switched, its exact ID printed, the next one in its place, all stopped."""
    quicken(rig)
    done = program.json("switch", QWEN)["operation"]
    assert done["end"] == "done" and done["failure"] is None
    assert [s["name"] for s in done["steps"]] == ["lock", "check", "start", "load", "prove", "unlock"]
    assert all(s["state"] == "done" and s["seconds"] is not None for s in done["steps"])

    listed = json.loads(rig.wait_http(30001, "/v1/models"))["data"][0]["id"]
    raw = subprocess.run(
        program.argv("model-id"), capture_output=True, env=program.environment, check=True
    ).stdout
    assert raw == listed.encode() + b"\n", "byte for byte, and a newline"
    assert program.ok("base-url") == "http://127.0.0.1:30001/v1\n"

    status = program.json("status")
    main = server(status, "sglang-main")
    assert status["icon"] == "ready" and status["link"] == "connected" and status["host"] == "spark"
    assert main["phase"] == "ready" and main["managed"] and main["model"] == QWEN
    assert main["model_path"] == str(rig.folder(QWEN)) and main["context_length"] == 32768
    assert status["memory"]["total_bytes"] == 127600748 * 1024
    assert status["gpu"]["name"] == "NVIDIA GB10"
    assert QWEN in program.ok("status")

    program.json("switch", SCOUT)
    assert program.run("model-id").returncode == 0, "the one last switched to"
    assert program.ok("model-id") == SCOUT + "\n"
    assert program.ok("model-id", "sglang-main") == QWEN + "\n"
    stopped = program.json("stop")["operation"]
    assert stopped["end"] == "done" and stopped["kind"] == "stop"
    assert program.run("model-id").returncode == 1, "nothing is running"
    assert "switch" in program.ok("journal") and "stop" in program.ok("journal")


def test_dry_run_changes_nothing(rig: Rig, program: Program) -> None:
    """--dry-run shows every step with its command, and the host is as before."""
    quicken(rig)
    rig.start_sglang(rm=False)
    rig.wait_http(30000, "/health", 200)
    names = ("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.State}}")
    before = rig.docker(*names)
    shown = program.json("switch", CODER, "--dry-run")["operation"]
    commands = [s["command"] for s in shown["steps"] if s["command"]]
    assert any(c.startswith("docker stop") for c in commands) and any("rename" in c for c in commands)
    assert all(s["seconds"] is None for s in shown["steps"])
    assert "docker run -d --name sglang" in program.ok("switch", CODER, "--dry-run")
    assert rig.docker(*names) == before
    assert rig.inspect("sparktray-lock") is None
    assert program.ok("stop", "--dry-run")
    assert rig.state("sglang") == "running"


def test_a_container_started_by_hand(rig: Rig, program: Program) -> None:
    """The page's own command, and the same with another served name: both names are shown."""
    quicken(rig)
    rig.start_sglang(served_name="gpt-4o-mini")
    rig.wait_http(30000, "/health", 200)
    shown = server(program.json("status"), "sglang")
    assert shown["misnamed"] and shown["model_id"] == "gpt-4o-mini" and shown["model"] == SCOUT
    assert shown["model_path"] == str(rig.folder(SCOUT)) and not shown["managed"]
    human = program.ok("status")
    assert "gpt-4o-mini" in human and SCOUT in human
    assert program.ok("model-id") == "gpt-4o-mini\n"


def test_watch_shows_a_killed_container_at_once(rig: Rig, program: Program) -> None:
    """status --watch prints a killed container within 50 ms of Docker's die, median of 20."""
    rig.behave(SCOUT, load_seconds=30)
    watch = ["docker", "events", "--filter", "event=die", "--format", "{{.TimeNano}}"]
    lines: queue.SimpleQueue[tuple[float, dict[str, Any]]] = queue.SimpleQueue()
    with (
        program.start("--json", "status", "--watch") as shown,
        subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as events,
    ):
        assert shown.stdout is not None and events.stdout is not None
        reader = threading.Thread(target=_timed, args=(shown.stdout, lines), daemon=True)
        reader.start()
        delays = []
        lines.get(timeout=scaled(30))
        for _ in range(20):
            rig.start_sglang()
            _until_state(lines, "running")
            rig.docker("kill", "sglang")
            seen = _until_state(lines, "exited", None)
            delays.append((seen - int(events.stdout.readline()) / 1e9) * 1000)
            rig.wait_state("sglang", None)
            _until_state(lines, None)
        events.terminate()
        shown.send_signal(signal.SIGTERM)
        assert shown.wait(scaled(10)) == 130
        reader.join(scaled(10))
    delays.sort()
    print(f"die to line: median {delays[10]:.1f} ms, worst {delays[-1]:.1f} ms")
    assert delays[len(delays) // 2] <= 50, [round(d, 1) for d in delays]


def _timed(stream: Any, lines: queue.SimpleQueue[tuple[float, dict[str, Any]]]) -> None:
    for line in stream:
        lines.put((time.time(), json.loads(line)))


def _until_state(lines: queue.SimpleQueue[tuple[float, dict[str, Any]]], *states: str | None) -> float:
    """When the first line with one of these states of the server came."""
    deadline = time.monotonic() + scaled(20)
    while True:
        at, status = lines.get(timeout=max(0.1, deadline - time.monotonic()))
        if server(status, "sglang")["container_state"] in states:
            return at


def test_ctrl_c_takes_a_switch_back(rig: Rig, program: Program) -> None:
    """Ctrl-C in the middle: what ran before runs again, exit code 130."""
    quicken(rig)
    rig.behave(CODER, fail="never")
    program.ok("switch", SCOUT)
    with program.start("switch", CODER) as switching:
        wait_until(lambda: rig.inspect("sglang.previous") is not None, "the old one aside", seconds=30)
        rig.wait_state("sglang", "running")
        switching.send_signal(signal.SIGINT)
        out, err = switching.communicate(timeout=scaled(60))
    assert switching.returncode == 130, (out, err)
    assert rig.model_ids(30000) == [SCOUT]
    assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None


def test_a_killed_program_leaves_what_the_next_one_mends(rig: Rig, program: Program) -> None:
    """kill -9 in the middle of a switch: the next switch takes the dead lock and tidies up."""
    quicken(rig)
    rig.behave(CODER, fail="never")
    program.ok("switch", SCOUT)
    with program.start("switch", CODER) as switching:
        wait_until(lambda: rig.inspect("sglang.previous") is not None, "the old one aside", seconds=30)
        rig.wait_state("sglang", "running")
        switching.kill()
        switching.communicate()
    assert rig.inspect("sparktray-lock") is not None, "the lock is left behind"
    rig.behave(CODER, fail=None)
    done = program.json("switch", QWEN)["operation"]
    assert done["end"] == "done"
    again = program.json("switch", "phi4-reasoning")["operation"]
    assert again["end"] == "done", "the half-done server is treated as the old one"
    assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None


def test_two_switches_at_once(rig: Rig, tmp_path: Path) -> None:
    """Two laptops: one wins, the other is told who changes the host."""
    quicken(rig)
    rig.behave(QWEN, load_seconds=3.0)
    first, second = Program(tmp_path / "anna"), Program(tmp_path / "ben")
    for each in (first, second):
        each.add(rig)
    with first.start("--json", "switch", QWEN) as switching:
        wait_until(lambda: rig.inspect("sparktray-lock") is not None, "the lock", seconds=30)
        error = second.refused(7, "switch", SCOUT)
        assert error["code"] == "locked" and os.uname().nodename in error["message"]
        out, _ = switching.communicate(timeout=scaled(60))
    assert json.loads(out)["operation"]["end"] == "done"
    assert rig.state("sglang") is None, "the loser changed nothing"


def test_timeout_and_failure_codes(rig: Rig, program: Program) -> None:
    """6 not ready in time, 1 failed, and the failure with its last lines."""
    quicken(rig)
    rig.behave(SCOUT, fail="never")
    late = program.run("--json", "switch", SCOUT, "--timeout", "2")
    assert late.returncode == 6
    assert json.loads(late.stdout)["operation"]["failure"]["code"] == "not-ready-in-time"
    rig.behave(SCOUT, fail=None)
    rig.behave(QWEN, vllm={"fail": "ptxas"})
    failed = program.run("--json", "switch", QWEN, "--on", "vllm")
    assert failed.returncode == 1
    failure = json.loads(failed.stdout)["operation"]["failure"]
    assert failure["code"] == "ptxas-sm121" and "--on sglang-main" in failure["remedy"]
    shown = server(program.json("status"), "vllm")
    assert shown["phase"] == "failed" and shown["failure"]["code"] == "ptxas-sm121"
    assert any("ptxas" in line for line in shown["failure"]["log_tail"])


def test_logs_follow_and_monitor(rig: Rig, program: Program) -> None:
    """logs -f ends with the container; monitor lists every container."""
    quicken(rig)
    rig.start_sglang()
    rig.wait_http(30000, "/health", 200)
    assert "The server is fired up" in program.ok("logs", "sglang", "--tail", "50")
    with program.start("logs", "sglang", "-f") as following:
        assert following.stdout is not None
        assert following.stdout.readline()
        rig.docker("stop", "sglang")
        following.communicate(timeout=scaled(20))
    assert following.returncode == 0
    rig.docker("run", "-d", "--name", "other", "lmsysorg/sglang:spark", "sleep", "100")
    assert "other" in program.ok("monitor")
