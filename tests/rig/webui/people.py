"""Two people and what they keep in Open WebUI, made by its own interface as their browsers would.

Every thing holds a word of its own (`word`), so that a test can say of each whether it is still there.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.canary import CANARY
from tests.rig.rig import Rig
from tests.rig.webui.api import Api, Person
from tests.rig.webui.container import Container
from tests.rig.webui.image import GATEWAY
from tests.waiting import wait_until

ADA = Person("Ada", "ada@example.org", f"{CANARY} of ada")  # the first account: admin
BEN = Person("Ben", "ben@example.org", f"{CANARY} of ben")
PEOPLE = (ADA, BEN)

MODEL = "llama4-scout-17b-nvfp4"
OWN_MODEL = "household-helper"
# Long ago, for what looks at the age of a chat.
OLD_DAYS = 400

# What each of the two has; every chat is of one kind. Ada has one more, "automated": its question is the
# text of her automation.
CHATS = ("plain", "pinned", "archived", "foldered", "tagged", "shared", "old", "answered")
THINGS = ("folder", "tag", "memory", "note", "channel", "feedback", "file-in-chat", "file-alone")
# What only Ada has: an admin makes these.
ADAS_THINGS = ("file-of-knowledge", "knowledge", "prompt", "model", "tool", "automation")


def word(kind: str, person: Person) -> str:
    """The word that stands in that thing of that person and nowhere else."""
    return f"mk-{kind}-{person.name.lower()}-km"


def text(kind: str, person: Person) -> str:
    """Some pages of text that hold the word, in letters of many scripts."""
    return f"{word(kind, person)}: Grüße aus Köln, 你好, здравствуйте 🚀\n" * 200


@dataclass
class Belongings:
    """The IDs of what one person has, by kind."""

    person: Person
    user_id: str = ""
    chats: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)


@dataclass
class Household:
    """Everything that `move_in` made."""

    ada: Belongings
    ben: Belongings


def start_backends(rig: Rig) -> None:
    """The servers that answer chats (SGLang's port) and make embeddings (Ollama's)."""
    rig.behave(MODEL, load_seconds=0.1, warm_seconds=0.1, health_seconds=0.05)
    rig.start_sglang(MODEL)
    rig.start_ollama()
    rig.wait_http(30000, "/health")
    rig.wait_http(11434, "/")


def move_in(container: Container) -> Household:
    """Make the accounts and all they have; needs a running container with an empty volume, and back-ends."""
    ada, ben = Api(container.url), Api(container.url)
    try:
        ada.sign_up(ADA)
        ada.post("/api/v1/auths/add", name=BEN.name, email=BEN.email, password=BEN.password, role="user")
        ben.sign_in(BEN)
        _connect(ada)
        home = Household(Belongings(ADA, ada.user_id), Belongings(BEN, ben.user_id))
        _furnish(ada, home.ada, home.ben, MODEL)
        _furnish(ben, home.ben, home.ada, OWN_MODEL)
        _furnish_admin(ada, home.ada)
        _talk_in_channel(home, ada, ben)
    finally:
        ada.close()
        ben.close()
    return home


def _connect(admin: Api) -> None:
    """Point it at the servers and let everybody use the models, channels too."""
    admin.post(
        "/openai/config/update",
        ENABLE_OPENAI_API=True,
        OPENAI_API_BASE_URLS=[f"http://{GATEWAY}:30000/v1"],
        OPENAI_API_KEYS=[""],
        OPENAI_API_CONFIGS={},
    )
    admin.post(
        "/ollama/config/update",
        ENABLE_OLLAMA_API=True,
        OLLAMA_BASE_URLS=[f"http://{GATEWAY}:11434"],
        OLLAMA_API_CONFIGS={},
    )
    settings = admin.get("/api/v1/auths/admin/config")
    admin.post("/api/v1/auths/admin/config", **{**settings, "ENABLE_CHANNELS": True})
    for model, base in ((MODEL, None), (OWN_MODEL, MODEL)):
        admin.post(
            "/api/v1/models/create",
            id=model,
            base_model_id=base,
            name=model,
            meta={"description": word("model", ADA)},
            params={"system": text("model", ADA)} if base else {},
            access_grants=[_grant("*", "read")],
        )


def _grant(user_id: str, permission: str) -> dict[str, str]:
    return {"principal_type": "user", "principal_id": user_id, "permission": permission}


def _furnish(api: Api, own: Belongings, other: Belongings, model: str) -> None:
    """What each of the two has."""
    who = own.person
    folder = api.post(
        "/api/v1/folders/", name=word("folder", who), data={"system_prompt": text("folder", who)}
    )
    own.things["folder"] = folder["id"]
    for kind in ("plain", "pinned", "archived", "foldered", "tagged", "shared"):
        own.chats[kind] = _write_chat(api, who, kind, folder["id"] if kind == "foldered" else None)
    own.chats["old"] = _import_old_chat(api, who)
    api.post(f"/api/v1/chats/{own.chats['pinned']}/pin")
    api.post(f"/api/v1/chats/{own.chats['archived']}/archive")
    tags = api.post(f"/api/v1/chats/{own.chats['tagged']}/tags", name=word("tag", who))
    own.things["tag"] = tags[0]["id"]
    shared = api.post(f"/api/v1/chats/{own.chats['shared']}/share")
    own.things["share"] = shared["share_id"]
    grants = [_grant(other.user_id, "read")]
    api.post(f"/api/v1/chats/shared/{own.chats['shared']}/access/update", access_grants=grants)
    for kind in ("file-in-chat", "file-alone"):
        own.files[kind] = api.upload(f"{kind}.txt", text(kind, who))
    own.chats["answered"] = ask(api, text("answered", who), model, [own.files["file-in-chat"]])
    own.things["memory"] = api.post("/api/v1/memories/add", content=text("memory", who))["id"]
    content = {"md": text("note", who), "html": "", "json": None}
    own.things["note"] = api.post("/api/v1/notes/create", title="Note", data={"content": content})["id"]
    api.post(f"/api/v1/notes/{own.things['note']}/pin")
    own.things["feedback"] = _rate(api, own, model)


def _messages(who: Person, kind: str) -> dict[str, Any]:
    """A history of one question and one answer."""
    question, answer = str(uuid.uuid4()), str(uuid.uuid4())
    asked = {"parentId": None, "childrenIds": [answer], "role": "user", "content": text(kind, who)}
    said = f"Answer to {text(kind, who)}"
    answered = {"parentId": question, "childrenIds": [], "role": "assistant", "content": said, "done": True}
    messages = {question: {"id": question, **asked}, answer: {"id": answer, "model": MODEL, **answered}}
    return {"currentId": answer, "messages": messages}


def _chat(who: Person, kind: str) -> dict[str, Any]:
    return {"title": word(kind, who), "models": [MODEL], "history": _messages(who, kind)}


def _write_chat(api: Api, who: Person, kind: str, folder_id: str | None) -> str:
    return str(api.post("/api/v1/chats/new", chat=_chat(who, kind), folder_id=folder_id)["id"])


def _import_old_chat(api: Api, who: Person) -> str:
    """An import keeps the times of a chat."""
    then = int(time.time()) - OLD_DAYS * 86_400
    chat = {"chat": _chat(who, "old"), "created_at": then, "updated_at": then + 60}
    return str(api.post("/api/v1/chats/import", chats=[chat])[0]["id"])


def ask(api: Api, question: str, model: str = MODEL, files: Sequence[str] = ()) -> str:
    """Ask a model in a new chat, as the page does, and wait for the answer; the chat's id."""
    message, answer = str(uuid.uuid4()), str(uuid.uuid4())
    given = [{"type": "file", "id": file, "name": "file.txt", "url": file} for file in files]
    asked = {"id": message, "parentId": None, "childrenIds": [answer], "role": "user", "content": question}
    chat_id = api.post(
        "/api/chat/completions",
        model=model,
        stream=True,
        parent_id=None,
        id=answer,
        user_message={**asked, "timestamp": int(time.time()), "models": [model], "files": given},
        messages=[{"role": "user", "content": question}],
        session_id=str(uuid.uuid4()),
        files=given,
        background_tasks={},
    )["chat_id"]

    def answered() -> bool:
        messages = api.get(f"/api/v1/chats/{chat_id}")["chat"]["history"]["messages"]
        return bool(messages[answer].get("done"))

    wait_until(answered, "an answer in the chat", seconds=30, every=0.1)
    return str(chat_id)


def _rate(api: Api, own: Belongings, model: str) -> str:
    """Thumbs up: keeps a copy of the whole chat."""
    chat = api.get(f"/api/v1/chats/{own.chats['answered']}")
    current = chat["chat"]["history"]["currentId"]
    made = api.post(
        "/api/v1/evaluations/feedback",
        type="rating",
        data={"rating": 1, "model_id": model, "comment": word("feedback", own.person)},
        meta={"chat_id": chat["id"], "message_id": current, "model_id": model},
        snapshot={"chat": chat},
    )
    return str(made["id"])


def _furnish_admin(api: Api, own: Belongings) -> None:
    """What only an admin may make."""
    who = own.person
    own.files["file-of-knowledge"] = api.upload("handbook.txt", text("file-of-knowledge", who))
    knowledge = api.post("/api/v1/knowledge/create", name="Handbook", description=word("knowledge", who))
    own.things["knowledge"] = knowledge["id"]
    api.post(f"/api/v1/knowledge/{knowledge['id']}/file/add", file_id=own.files["file-of-knowledge"])
    prompt = api.post("/api/v1/prompts/create", command="greet", name="Greet", content=text("prompt", who))
    own.things["prompt"] = prompt["id"]
    code = (
        f'class Tools:\n    def now(self) -> str:\n        """{word("tool", who)}"""\n        return "noon"\n'
    )
    meta = {"description": "The time"}
    own.things["tool"] = api.post("/api/v1/tools/create", id="clock", name="Clock", content=code, meta=meta)[
        "id"
    ]
    rule = "DTSTART:20990101T080000\nRRULE:FREQ=DAILY;INTERVAL=1"
    automation = api.post(
        "/api/v1/automations/create",
        name="Daily",
        data={"prompt": text("automation", who), "model_id": MODEL, "rrule": rule},
    )
    own.things["automation"] = automation["id"]
    own.chats["automated"] = _run_automation(api, automation["id"])


def _run_automation(api: Api, automation_id: str) -> str:
    """Run it now; the chat it made."""
    api.post(f"/api/v1/automations/{automation_id}/run")

    def chat_of_run() -> str | None:
        runs = api.get(f"/api/v1/automations/{automation_id}/runs")
        done = [str(run["chat_id"]) for run in runs if run["status"] == "success"]
        return done[0] if done else None

    chat_id = wait_until(chat_of_run, "the automation's run", seconds=60, every=0.2)
    assert chat_id is not None
    return chat_id


def _talk_in_channel(home: Household, ada: Api, ben: Api) -> None:
    """A room of both, with a message of each."""
    grants = [_grant("*", "read"), _grant("*", "write")]
    room = ada.post("/api/v1/channels/create", name="kitchen", access_grants=grants)["id"]
    for api, own in ((ada, home.ada), (ben, home.ben)):
        said = api.post(f"/api/v1/channels/{room}/messages/post", content=text("channel", own.person))
        own.things["channel"] = said["id"]
        api.post(f"/api/v1/channels/{room}/messages/{said['id']}/reactions/add", name="tada")
