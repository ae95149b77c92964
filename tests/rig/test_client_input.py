"""What servers may say that no client can use, and IDs of every kind: exact, or refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sparktray.store.paths import ConfigFolder
from sparktray.store.settings import SettingsFile
from tests.rig.desktop import Desktop
from tests.rig.driving import Program, quicken
from tests.rig.keyring import SecretService, secret_service
from tests.rig.rig import Rig
from tests.rig.screen import Screen, at_rest
from tests.rig.test_model_secrets import store
from tests.rig.tray_program import pasted, tray
from tests.waiting import wait_until

# Looked at after a change of the page; `make clean` takes them away.
PICTURES = Path("build/clients")
SCOUT, QWEN = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4"
KEY = "of-the-spark-9d1f"
ODD = ["a b  c", "ünï–模型", "a&b<c>'d\"e$(f)", "x" * 10_000, "--help", "%s{0}\\n"]


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


def started(rig: Rig) -> None:
    rig.start_sglang(SCOUT, rm=False)
    rig.wait_http(30000, "/health")


def serves(program: Program, model_id: str) -> bool:
    return program.ok("model-id") == model_id + "\n"


def holds(desktop: Desktop, text: str) -> bool:
    return pasted(desktop) == text.encode()


def test_odd_ids_go_through_exactly(rig: Rig, program: Program, desktop: Desktop) -> None:
    """By the command line, and by the tray onto the clipboard."""
    started(rig)
    with desktop.watcher() as watcher, tray(program, desktop):
        item = desktop.item(watcher)
        wait_until(lambda: item.visible()[0].startswith(SCOUT), "the model", seconds=30)
        for odd in ODD:
            rig.behave_live(30000, served_id=odd)
            wait_until(partial(serves, program, odd), "the ID", seconds=30)
            item.click("Copy model ID")
            wait_until(partial(holds, desktop, odd), "the ID on the clipboard")
            told = program.json("snippet", "python")["text"]
            assert json.dumps(odd, ensure_ascii=False) in told
        file = SettingsFile(ConfigFolder(program.config))
        wait_until(lambda: [c.model_id for c in file.load()[0].copies] == [ODD[-1]], "it to be kept")


def test_ids_that_cannot_be_seen_are_refused_with_the_reason(
    rig: Rig, program: Program, desktop: Desktop
) -> None:
    started(rig)
    with desktop.watcher() as watcher, tray(program, desktop):
        item = desktop.item(watcher)
        wait_until(lambda: item.visible()[0].startswith(SCOUT), "the model", seconds=30)
        item.click("Copy model ID")
        wait_until(lambda: pasted(desktop) == SCOUT.encode(), "the ID on the clipboard")
        for sneaky in ("a\nb", "scout\u200b", "\u202etuocs"):
            rig.behave_live(30000, served_id=sneaky)
            code = "id-hidden-characters"
            wait_until(lambda: program.run("model-id").returncode == 1, "the ID", seconds=30)
            for words in (("model-id",), ("snippet", "curl"), ("check-cursor",)):
                assert program.refused(1, *words)["code"] == code
            item.click("Copy model ID")
            wait_until(lambda: item.find("Not copied"), "the reason")
            wait_until(lambda: item.find("Copy model ID"), "the row itself again")
        assert pasted(desktop) == SCOUT.encode()


def test_a_server_that_answers_with_a_page_is_not_ready(rig: Rig, program: Program) -> None:
    rig.behave(SCOUT, models_html=True)
    started(rig)
    for words in (("model-id",), ("snippet", "curl"), ("check-cursor",)):
        assert program.refused(1, *words)["code"] == "nothing-running"
    servers = {each["server"]: each["phase"] for each in program.json("status")["servers"]}
    assert servers["sglang"] == "loading"


def test_a_hundred_thousand_ids(rig: Rig, program: Program) -> None:
    rig.behave(SCOUT, models_more=100_000)
    started(rig)
    assert program.ok("model-id") == f"{SCOUT}\n"
    assert program.json("status")["servers"][0]["model_id"] == SCOUT


def test_ollama_with_nothing_loaded(rig: Rig, program: Program) -> None:
    rig.ollama_installed(["qwen3:32b"])
    rig.start_ollama()
    rig.wait_http(11434, "/api/version")
    for words in (("model-id",), ("snippet", "cline"), ("forward",)):
        assert program.refused(1, *words)["code"] == "nothing-running"


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[tuple[Desktop, SecretService]]:
    home = tmp_path / "home"
    home.mkdir()
    with secret_service(home) as made:
        yield made


def test_a_key_that_somebody_else_gave_a_server(
    rig: Rig, program: Program, keyring: tuple[Desktop, SecretService]
) -> None:
    """It is said, asked for and kept; then clients get all they need, and the tray is ready by itself."""
    desktop, service = keyring
    rig.start_sglang(SCOUT, rm=False, args=("--tp", "1", "--api-key", KEY))
    rig.wait_http(30000, "/health")
    for words in (("model-id",), ("snippet", "curl"), ("check-cursor",), ("forward",)):
        told = program.refused(4, *words)
        assert told["code"] == "key-needed" and "sparktray secret set spark/sglang-api-key" in told["remedy"]
    assert program.json("status")["servers"][0]["phase"] == "degraded"
    with desktop.watcher() as watcher, tray(program, desktop):
        item = desktop.item(watcher)
        wait_until(lambda: item.visible()[0] == "sglang asks for a key.", "the sentence", seconds=30)
        assert item.find("Enter the key of sglang…")
        assert store(program, "spark/sglang-api-key", KEY).returncode == 0
        item.open()
        wait_until(lambda: item.visible()[0].startswith(SCOUT), "the model", seconds=30)
    assert KEY in service.values().values()
    assert program.ok("model-id") == f"{SCOUT}\n"
    snippet = program.ok("snippet", "curl")
    assert "$SPARK_API_KEY" in snippet and KEY not in snippet
    done = program.run("--json", "check-cursor", "--public-url", "https://spark.example.org/v1")
    found = {line["code"]: line["verdict"] for line in json.loads(done.stdout)["lines"]}
    assert found["key"] == found["listed"] == found["streaming"] == "good"


def test_one_name_for_all_models_of_a_server_and_a_port_on_the_host_alone(rig: Rig, program: Program) -> None:
    """The catalogue's keys `served_name` and `bind`: clients are set up once, and by a forward alone."""
    shipped = json.loads(Path("models.json").read_text(encoding="utf-8"))
    shipped["servers"]["sglang"] |= {"bind": "127.0.0.1", "served_name": "spark"}
    next(each for each in shipped["models"] if each["id"] == QWEN)["server"] = ["sglang", "sglang-main"]
    (program.config / "models.json").write_text(json.dumps(shipped), encoding="utf-8")
    for model in (SCOUT, QWEN):
        program.ok("switch", model)
        assert program.ok("model-id") == "spark\n"
        (running,) = [each for each in program.json("status")["servers"] if each["phase"] == "ready"]
        assert (running["model"], running["misnamed"], running["base_url"]) == (model, False, None)
    found = rig.inspect("sglang")
    assert found is not None
    assert found["HostConfig"]["PortBindings"]["30000/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "30000"}]
    for words in (("base-url",), ("snippet", "curl"), ("check-cursor",)):
        told = program.refused(1, *words)
        assert told["code"] == "only-on-host" and "sparktray forward sglang" in told["remedy"]
    assert "http://127.0.0.1:18125/v1" in program.ok("snippet", "curl", "--url", "http://127.0.0.1:18125/v1")


def test_the_menu_brings_a_client_s_settings_and_the_check(
    rig: Rig, program: Program, desktop: Desktop
) -> None:
    """The window comes with them, and the check asks the real server."""
    started(rig)
    screen = Screen(desktop.environment)
    with desktop.watcher() as watcher, tray(program, desktop, silent=False):
        item = desktop.item(watcher)
        wait_until(lambda: item.visible()[0].startswith(SCOUT), "the model", seconds=30)
        item.click("Settings for Continue…")
        wait_until(lambda: screen.windows("sparktray"), "the window", seconds=20)
        settings = at_rest(screen.look)
        settings.save(PICTURES / "settings.png")
        item.click("Check for Cursor…")
        wait_until(lambda: "/v1/chat/completions" in rig.logs("sglang"), "the check's questions", seconds=20)
        at_rest(screen.look, settings).save(PICTURES / "check.png")
