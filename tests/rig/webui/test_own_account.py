"""What goes by one account's own key: its chats, its page, its connections."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.rig.driving import Program
from tests.rig.keyring import secret_service
from tests.rig.webui.api import Api, Person
from tests.rig.webui.container import Container
from tests.rig.webui.image import GATEWAY
from tests.rig.webui.people import ADA, BEN, MODEL, Household, ask
from tests.waiting import scaled, wait_until

CODER = "qwen3-coder-30b-nvfp4"


@pytest.fixture
def program(webui: Container, tmp_path: Path) -> Iterator[Program]:
    (tmp_path / "home").mkdir()
    with secret_service(tmp_path / "home"):
        made = Program(tmp_path / "config")
        made.add(webui.rig)
        yield made


def typed(program: Program, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command with that text on its stdin."""
    return subprocess.run(
        program.argv("--json", "webui", *words),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env=program.environment,
        timeout=scaled(60),
    )


def sign_in(program: Program, person: Person) -> None:
    done = typed(program, person.password, "sign-in", "--email", person.email, "--password-stdin")
    assert done.returncode == 0, done.stderr
    assert person.password not in done.stdout + done.stderr


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0, done.stdout
    return str(json.loads(done.stderr.splitlines()[-1])["error"]["code"])


def owners(webui: Container) -> dict[str, int]:
    """How many chats each account has, by its user id."""
    with webui.opened() as connection:
        found = connection.execute("SELECT user_id, count(*) FROM chat GROUP BY user_id").fetchall()
    return {str(user): int(count) for user, count in found}


def test_one_accounts_chats_go_and_nobody_elses(webui: Container, home: Household, program: Program) -> None:
    wrong = typed(program, "wrong\n", "sign-in", "--email", BEN.email, "--password-stdin")
    assert refusal(wrong) == "webui-wrong-login"
    assert program.refused(4, "webui", "wipe", "--chats", "--yes")["code"] == "webui-not-signed-in"
    sign_in(program, BEN)
    before = webui.rows()
    assert owners(webui) == {home.ada.user_id: 9, home.ben.user_id: 8}

    old = program.json("webui", "wipe", "--chats", "--older-than", "100", "--yes")["operation"]
    assert old["end"] == "done", old
    assert owners(webui) == {home.ada.user_id: 9, home.ben.user_id: 7}
    with webui.opened() as connection:
        assert not connection.execute("SELECT 1 FROM chat WHERE id = ?", (home.ben.chats["old"],)).fetchall()

    done = program.json("webui", "wipe", "--chats", "--yes")["operation"]
    assert done["end"] == "done", done
    assert owners(webui) == {home.ada.user_id: 9}
    after = webui.rows()
    for table in ("prompt", "knowledge", "memory", "note", "message", "tool", "model", "file"):
        assert after[table] == before[table], table

    with closing(Api(webui.url)) as ben:
        ben.sign_in(BEN)
        since = ask(ben, "A chat after the wipe", MODEL)
    newest, first = program.json("webui", "archives")["archives"][:2]
    assert {newest["scope"], first["scope"]} == {"chats"}
    for archive in (newest, first):
        restored = program.json("webui", "restore", archive["name"])["operation"]
        assert restored["end"] == "done", restored
    webui.wait_ready()
    assert owners(webui) == {home.ada.user_id: 9, home.ben.user_id: 9}, (
        "its own eight, and the one made since"
    )
    with webui.opened() as connection:
        assert connection.execute("SELECT 1 FROM chat WHERE id = ?", (since,)).fetchall()
    back = webui.rows()
    assert set(before["chat_message"]) <= set(back["chat_message"])
    program.ok("webui", "sign-out")
    assert program.refused(4, "webui", "wipe", "--chats", "--yes")["code"] == "webui-not-signed-in"


def test_its_connection_leads_to_what_runs(webui: Container, home: Household, program: Program) -> None:
    sign_in(program, BEN)
    assert program.run("webui", "connect").returncode != 0, "an administrator's matter"
    sign_in(program, ADA)
    told = program.json("webui", "connect")["connection"]
    url = f"http://{GATEWAY}:30000/v1"
    same = {"host": "spark", "url": url, "model_id": MODEL, "changed": False, "missed_models": {}}
    assert told == same
    with closing(Api(webui.url)) as ada:
        ada.sign_in(ADA)
        config = ada.get("/openai/config")
        # As it is left behind by a server that moved from vLLM's port to SGLang's.
        wrong: dict[str, Any] = {**config, "OPENAI_API_BASE_URLS": [f"http://{GATEWAY}:8000/v1"]}
        ada.post("/openai/config/update", **wrong)
        told = program.json("webui", "connect")["connection"]
        assert told["changed"] and told["url"] == f"http://{GATEWAY}:30000/v1"
        assert ada.get("/openai/config")["OPENAI_API_BASE_URLS"] == [f"http://{GATEWAY}:30000/v1"]
        assert MODEL in {each["id"] for each in ada.get("/api/models?refresh=true")["data"]}
    assert program.json("webui", "connect")["connection"]["changed"] is False
    # Another model in its place: what the old chats chose is missing now.
    program.ok("switch", CODER, "--replace")
    told = program.json("webui", "connect")["connection"]
    assert told["model_id"] == CODER and told["missed_models"].get(MODEL, 0) >= 10
    assert f"does not offer any more: {MODEL}" in program.ok("webui", "connect")


def test_its_page_is_opened_and_an_api_key_is_refused_where_they_are_off(
    webui: Container, home: Household, program: Program
) -> None:
    opening = program.start("--json", "webui", "open")
    try:
        assert opening.stdout is not None
        url = json.loads(opening.stdout.readline())["url"]
        answer = None

        def answers() -> bool:
            nonlocal answer
            with closing(Api(url.rstrip("/"))) as nobody:
                answer = nobody.raw("GET", "/api/version")
            return answer.status_code == 200

        wait_until(answers, "the page", seconds=20)
    finally:
        opening.terminate()
        opening.communicate()
    refused = typed(program, "sk-0123456789abcdef\n", "sign-in", "--api-key-stdin")
    assert refused.returncode != 0 and "sk-0123" not in refused.stdout + refused.stderr
