"""Wipes and restores of the real Open WebUI, by the command line over SSH, as a person does them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.rig.driving import Program
from tests.rig.webui import contents
from tests.rig.webui.api import Api
from tests.rig.webui.container import NAME, VOLUME, Container
from tests.rig.webui.people import CHATS, PEOPLE, Household, word

OLLAMA = "ollama/ollama"
# What Open WebUI writes by itself while it runs: when somebody was last seen, its own settings.
BY_ITSELF = {"user", "config", "auth"}
Property = Callable[[str, object], None]


@pytest.fixture
def program(webui: Container, tmp_path: Path) -> Program:
    made = Program(tmp_path / "config")
    made.add(webui.rig)
    return made


def volumes(webui: Container) -> set[str]:
    listed = webui.rig.docker("volume", "ls", "--quiet").split()
    return {name for name in listed if not name.startswith("sparktray-archive-")}


def others(webui: Container) -> dict[str, object]:
    """What is not Open WebUI's: each volume with its files, each container with its state and last start."""
    listed = webui.rig.docker("ps", "--all", "--format", "{{.Names}}").split()
    found: dict[str, object] = {
        name: webui.rig.inspect(name) for name in listed if name != NAME and not name.startswith("sparktray")
    }
    for name in volumes(webui) - {VOLUME}:
        folder = Path(webui.rig.docker("volume", "inspect", "--format", "{{.Mountpoint}}", name).strip())
        found[f"volume {name}"] = contents.files(folder, ".")
    return found


def changed(before: contents.Tables, after: contents.Tables) -> set[str]:
    return {table for table in contents.differences(before, after) if table not in BY_ITSELF}


def signed_in(webui: Container) -> None:
    for person in PEOPLE:
        with closing(Api(webui.url)) as session:
            session.sign_in(person)


@pytest.mark.fault("W6")
def test_all_chats_go_and_come_back(
    webui: Container, home: Household, program: Program, record_property: Property
) -> None:
    # Ollama's models lie in a volume of nearly that name.
    webui.rig.docker("run", "--rm", "-v", "open-webui-ollama:/x", "--entrypoint", "touch", OLLAMA, "/x/model")
    before, beside = webui.rows(), others(webui)
    told: dict[str, Any] = program.json("webui", "status")["open_webui"]
    assert told["healthy"] and told["version"] == "0.12.4" and told["sign_up"] is False
    assert told["contents"]["chats"] == 17 and len(told["contents"]["accounts"]) == 2
    shown = program.ok("webui", "wipe", "--all-chats", "--dry-run")
    assert "17 chats" in shown and "2 accounts" in shown and "docker stop" in shown
    assert changed(before, webui.rows()) == set(), "a preview changes nothing"

    done = program.json("webui", "wipe", "--all-chats", "--yes")["operation"]
    assert done["end"] == "done", done
    webui.wait_ready()
    wiped = webui.rows()
    assert not wiped["chat"] and not wiped["chat_message"] and not wiped["shared_chat"]
    for table in ("prompt", "knowledge", "knowledge_file", "memory", "note", "message", "tool", "model"):
        assert wiped[table] == before[table], table
    signed_in(webui)
    webui.stop()
    for person in PEOPLE:
        for kind in CHATS:
            # Chroma's own length.bin holds memory as it finds it.
            left = [f for f in contents.files_with(webui.folder, word(kind, person)) if "length.bin" not in f]
            assert left == [], (kind, person.name)
    webui.start()

    (kept,) = program.json("webui", "archives")["archives"]
    assert kept["scope"] == "all-chats" and kept["volume"] == NAME
    done = program.json("webui", "restore")["operation"]
    assert done["end"] == "done", done
    webui.wait_ready()
    back = webui.rows()
    missing = {
        table: set(rows) - set(back[table]) for table, rows in before.items() if set(rows) - set(back[table])
    }
    assert missing == {}
    assert back["chat"] == before["chat"] and back["chat_message"] == before["chat_message"]
    signed_in(webui)
    assert others(webui) == beside
    record_property("lost", "none")


@pytest.mark.fault("W6")
def test_everything_goes_but_the_downloaded_models_and_comes_back(
    webui: Container, home: Household, program: Program, record_property: Property
) -> None:
    before, models = webui.rows(), webui.files("cache/embedding", "cache/whisper", "cache/tiktoken")
    inspect = webui.rig.inspect(NAME)
    done = program.json("webui", "wipe", "--everything", "--yes")["operation"]
    assert done["end"] == "done", done
    webui.wait_ready()
    with closing(Api(webui.url)) as nobody:
        assert nobody.get("/api/config")["onboarding"] is True
    assert webui.files("cache/embedding", "cache/whisper", "cache/tiktoken") == models
    after = webui.rig.inspect(NAME)
    assert inspect is not None and after is not None and after["Id"] == inspect["Id"]
    done = program.json("webui", "restore")["operation"]
    assert done["end"] == "done", done
    webui.wait_ready()
    assert changed(before, webui.rows()) == set()
    signed_in(webui)
    record_property("lost", "none")
    assert len(program.json("webui", "archives")["archives"]) == 2, "what was there is kept too"
    assert program.refused(2, "webui", "forget", "--all")["code"] == "usage", "nobody said yes"
    program.ok("webui", "forget", "--all", "--yes")
    assert program.json("webui", "archives")["archives"] == []
    assert "sparktray-archive" not in webui.rig.docker("volume", "ls", "-q")
