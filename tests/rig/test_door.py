"""The door: commands answered by the tray that runs, and done alone when there is none, or it hangs."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop, Item
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.tray_program import TrayProgram, pasted, tray
from tests.waiting import scaled, wait_until

SCOUT, QWEN, CODER = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"
ANSWERED = "The running tray answers."


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


@contextmanager
def answering(
    program: Program, desktop: Desktop, *, silent: bool = True
) -> Iterator[tuple[TrayProgram, Item]]:
    """A tray that answers commands."""
    with desktop.watcher() as watcher, tray(program, desktop, silent=silent) as running:
        item = desktop.item(watcher)
        wait_until(lambda: answered(program, "status"), "an answer", seconds=30)
        yield running, item


def answered(program: Program, *words: str) -> bool:
    """Whether the tray answers that command line."""
    done = program.run("--verbose", *words)
    assert done.returncode == 0, done.stderr
    return ANSWERED in done.stderr.splitlines()


def steady(text: str) -> str:
    """Without times, and the ids of operations that begin with one."""
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d{8}T\d{6}-\d+-\d+", "", text)


def following(process: subprocess.Popen[str], part: str) -> str:
    """The next line of its stdout with this in it."""
    assert process.stdout is not None
    return next(line for line in process.stdout if part in line)


def test_the_same_answers_with_and_without_it(rig: Rig, program: Program, desktop: Desktop) -> None:
    """Byte for byte, for people and as JSON, exit codes and errors too."""
    rig.start_sglang(served_name="org/model&x")
    rig.start_ollama()
    rig.docker("run", "-d", "--name", "other", "--entrypoint", "sleep", "ollama/ollama", "600")
    rig.start_vllm(rm=False)
    for port in (30000, 8000):
        rig.wait_http(port, "/health", 200)
    rig.docker("stop", "vllm")
    commands = [
        *(["status"], ["models"], ["monitor"], ["model-id"], ["base-url"], ["model-id", "vllm"]),
        *(["logs", "vllm", "--tail", "5"], ["logs", "sglang-main"], ["logs", "nobody"]),
        *(["switch", "nothing"], ["switch", QWEN, "--dry-run"], ["stop", "--dry-run"], ["stop", "vllm"], []),
    ]
    lines = [[*words, *extra] for words in commands for extra in ([], ["--json"])]

    def told() -> list[tuple[int, str, str]]:
        done = [program.run(*words) for words in lines]
        return [(each.returncode, steady(each.stdout), steady(each.stderr)) for each in done]

    alone = told()
    with answering(program, desktop):
        through = told()
    for words, one, other in zip(lines, alone, through, strict=True):
        assert other == one, words
    assert {code for code, _, _ in alone} == {0, 1, 2}


def test_a_switch_is_one_operation_for_all(rig: Rig, program: Program, desktop: Desktop) -> None:
    """Seen in the tray's menu, by another command and in the one journal entry; progress goes to stderr."""
    rig.behave(QWEN, load_seconds=2.0)
    with answering(program, desktop) as (_, item), program.start("--json", "status", "--watch") as watching:
        with program.start("switch", QWEN) as switching:
            wait_until(lambda: item.visible()[0].startswith(f"Switching to {QWEN}: "), "the menu", seconds=20)
            seen = json.loads(following(watching, '"kind":"switch"'))["operation"]
            # More than a pipe holds may come (53 of 64 kB did), and a full one keeps the command from ending.
            assert watching.stdout is not None
            drain = threading.Thread(target=watching.stdout.read)
            drain.start()
            refused = program.refused(7, "switch", SCOUT)
            assert refused["code"] == "operation-running"
            out, err = switching.communicate(timeout=scaled(60))
        assert switching.returncode == 0
        assert f"Model ID: {QWEN}\n" in out and "Base URL: http://127.0.0.1:30001/v1\n" in out
        assert f"✓ Load {QWEN}  " in err
        wait_until(lambda: item.visible()[0].startswith(f"{QWEN} is ready"), "the menu")
        (entry,) = program.json("journal")["operations"]
        assert (entry["id"], entry["end"], entry["model"]) == (seen["id"], "done", QWEN)
        assert program.ok("model-id") == f"{QWEN}\n"
        watching.send_signal(signal.SIGINT)
        assert watching.wait(scaled(10)) == 130
        drain.join()
        assert program.json("stop")["operation"]["end"] == "done"
    assert rig.inspect("sparktray-lock") is None


def test_progress_is_drawn_in_the_commands_terminal(rig: Rig, program: Program, desktop: Desktop) -> None:
    """Which the tray does not have."""
    rig.behave(QWEN, load_seconds=1.0)
    with answering(program, desktop):
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            program.argv("switch", QWEN), stderr=theirs, stdout=subprocess.PIPE, env=program.environment
        ) as switching:
            os.close(theirs)
            drawn = b""
            while switching.poll() is None:
                try:
                    drawn += os.read(ours, 4096)
                except OSError:  # the other end is closed
                    switching.wait(scaled(30))
        os.close(ours)
    assert switching.returncode == 0
    assert f"\r\x1b[2K… Load {QWEN}  0:0".encode() in drawn


def test_ctrl_c_takes_the_switch_back(rig: Rig, program: Program, desktop: Desktop) -> None:
    """As without the tray: what ran before runs again, and the command tells the end with 130."""
    program.ok("switch", SCOUT)
    rig.behave(CODER, fail="never")
    with answering(program, desktop) as (_, item):
        with program.start("switch", CODER) as switching:
            wait_until(lambda: rig.inspect("sglang.previous") is not None, "the old one aside", seconds=30)
            rig.wait_state("sglang", "running")
            switching.send_signal(signal.SIGINT)
            out, err = switching.communicate(timeout=scaled(60))
        assert switching.returncode == 130, (out, err)
        assert "Cancelling: what was begun is taken back. Ctrl-C again ends only this command.\n" in err
        assert "Going back" in err and "cancelled" in out
        assert rig.model_ids(30000) == [SCOUT]
        wait_until(lambda: item.visible()[0].startswith(f"{SCOUT} is ready"), "the menu")
    assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None


def test_a_command_that_is_killed_leaves_the_switch_to_the_tray(
    rig: Rig, program: Program, desktop: Desktop
) -> None:
    rig.behave(QWEN, load_seconds=1.5)
    with answering(program, desktop) as (_, item):
        with program.start("switch", QWEN) as switching:
            wait_until(lambda: rig.state("sglang-main") == "running", "the container", seconds=20)
            switching.kill()
        wait_until(lambda: item.visible()[0].startswith(f"{QWEN} is ready"), "the menu", seconds=30)
        (entry,) = program.json("journal")["operations"]
        assert entry["end"] == "done"


def test_logs_go_on_and_end(rig: Rig, program: Program, desktop: Desktop) -> None:
    """With the container, with Ctrl-C, and with whoever reads them."""
    rig.start_sglang()
    rig.wait_http(30000, "/health", 200)
    with answering(program, desktop):
        with program.start("logs", "sglang", "-f") as shown:
            following(shown, "fired up")
            shown.send_signal(signal.SIGINT)
            assert shown.wait(scaled(5)) == 130
        with program.start("logs", "sglang", "-f") as shown:
            following(shown, "fired up")
            assert shown.stdout is not None
            shown.stdout.close()
            rig.http(30000, "/v1/models")
            rig.docker("stop", "sglang")
            assert shown.wait(scaled(20)) == 0
        rig.start_sglang(rm=False)
        rig.wait_http(30000, "/health", 200)
        with program.start("logs", "sglang", "-f") as shown:
            following(shown, "fired up")
            rig.docker("stop", "sglang")
            _, err = shown.communicate(timeout=scaled(20))
            assert (shown.returncode, err) == (0, "")


def test_a_killed_tray_is_no_hindrance(rig: Rig, program: Program, desktop: Desktop) -> None:
    """Its command is told; the next one does its work alone; the next tray answers again."""
    with answering(program, desktop, silent=False) as (running, _):
        with program.start("status", "--watch") as watching:
            following(watching, "No model")
            running.process.kill()
            _, err = watching.communicate(timeout=scaled(10))
        assert watching.returncode == 1
        assert err.startswith("The running tray ended before its answer was complete.\n")
        assert not answered(program, "status")
    with answering(program, desktop):
        assert answered(program, "status")


def test_a_hanging_tray_is_no_hindrance(rig: Rig, program: Program, desktop: Desktop) -> None:
    """Stopped: at most 2 s are lost to it. Then it goes on as if nothing had been."""
    alone = _seconds(program)
    with answering(program, desktop) as (running, _):
        running.process.send_signal(signal.SIGSTOP)
        try:
            taken = _seconds(program)
            assert not answered(program, "status")
        finally:
            running.process.send_signal(signal.SIGCONT)
        assert taken < scaled(2.5 + alone) and taken < scaled(4.0), f"{taken:.1f} s, {alone:.1f} s alone"
        assert answered(program, "status")


def _seconds(program: Program) -> float:
    began = time.monotonic()
    program.ok("status")
    return time.monotonic() - began


def test_another_host_is_not_the_trays(rig: Rig, program: Program, desktop: Desktop) -> None:
    """Until it is the one in use, which the tray then follows."""
    program.add(rig, "second")
    with answering(program, desktop) as (_, item):
        assert not answered(program, "status", "--host", "second")
        assert program.json("status", "--host", "second")["host"] == "second"
        assert not answered(program, "host", "list") and not answered(program, "journal")
        program.ok("host", "use", "second")
        assert program.json("status")["host"] == "second"
        wait_until(lambda: item.visible()[0].endswith("on second."), "the tray to follow", seconds=20)
        wait_until(lambda: answered(program, "status"), "its answers", seconds=20)
        assert program.json("status")["host"] == "second"


def test_quitting_the_tray_ends_its_answers(rig: Rig, program: Program, desktop: Desktop) -> None:
    """With a sentence, and without holding up the end."""
    with answering(program, desktop) as (running, _), program.start("status", "--watch") as watching:
        following(watching, "No model")
        assert running.quit() <= scaled(2.0)
        _, err = watching.communicate(timeout=scaled(5))
        assert watching.returncode == 1
        assert err.startswith("The tray that answered was quit.\n")
    assert not {"door", "door.json"} & set(os.listdir(program.config))


def test_the_clipboard_is_the_trays(rig: Rig, program: Program, desktop: Desktop) -> None:
    """The exact bytes; without a tray by xclip, and without either the ID is printed and the code is 1."""
    name = "org/a&b <img>"
    rig.start_sglang(served_name=name)
    rig.wait_http(30000, "/health", 200)
    with answering(program, desktop):
        assert program.json("model-id", "--copy")["copied"]
        assert pasted(desktop) == name.encode()
        assert program.ok("base-url", "--copy") == "http://127.0.0.1:30000/v1\n"
        assert pasted(desktop) == b"http://127.0.0.1:30000/v1"
    done = program.run("model-id", "--copy", environment=desktop.environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{name}\n", "")
    assert pasted(desktop) == name.encode()
    nowhere = {"DISPLAY": "", "WAYLAND_DISPLAY": ""}
    done = program.run("model-id", "--copy", environment=nowhere)
    assert (done.returncode, done.stdout) == (1, f"{name}\n")
    assert done.stderr.startswith("It could not be put on the clipboard.\n")
