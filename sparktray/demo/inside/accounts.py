"""What Open WebUI of the demo holds: accounts, chats and the rest, and what an archive keeps of them."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from sparktray.domain.host import HostProfile

_DAY = 24 * 3600.0
_EMPTY_DATABASE = 520_192
_CHAT_BYTES = 48_000
MODELS_BYTES = 967_000_000
"""What Open WebUI downloads for itself at its first start: its embedding and speech models."""
SCHEMA = "d31026856c01"
API_KEY = "sk-demo"
"""Whoever visits is signed in as the administrator by it."""
ADMIN, PASSWORD = "ada@demo.example", "demo"


class Person(msgspec.Struct, frozen=True):
    """An account."""

    id: str
    name: str
    email: str
    role: str


class Chat(msgspec.Struct, frozen=True):
    """A chat; times are seconds since 1970. ``file`` is the size of an upload that only it has."""

    id: str
    person: str
    title: str
    model: str
    touched: float
    file: int = 0
    shared: bool = False


@dataclass
class House:
    """The database and the files of one volume. ``fresh``: it has no database."""

    fresh: bool = True
    people: list[Person] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    folders: int = 0
    tags: int = 0
    feedback: int = 0
    knowledge: int = 0
    prompts: int = 0
    uploads: list[int] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    models_bytes: int = MODELS_BYTES

    def open(self) -> None:
        """What a start of Open WebUI makes of an empty volume."""
        if self.fresh:
            self.fresh = False
            self.urls = ["https://api.openai.com/v1"]

    def tables(self) -> dict[str, int]:
        """Rows by table."""
        return {
            "user": len(self.people),
            "auth": len(self.people),
            "chat": len(self.chats),
            "folder": self.folders,
            "tag": self.tags,
            "feedback": self.feedback,
            "knowledge": self.knowledge,
            "prompt": self.prompts,
            "shared_chat": sum(each.shared for each in self.chats),
            "file": len(self.uploads) + sum(bool(each.file) for each in self.chats),
        }

    def database_bytes(self) -> int:
        """The size of its database."""
        return 0 if self.fresh else _EMPTY_DATABASE + _CHAT_BYTES * len(self.chats)

    def upload_sizes(self) -> list[int]:
        """All uploads, those of chats too."""
        return [*self.uploads, *(each.file for each in self.chats if each.file)]

    def needed_bytes(self) -> int:
        """What an archive takes: all but the models."""
        return self.database_bytes() + sum(self.upload_sizes())

    def of_person(self) -> Counter[str]:
        """How many chats each has."""
        return Counter(each.person for each in self.chats)

    def without_chats(self, cutoff: float | None) -> dict[str, int]:
        """Take the chats that were not touched since then, all for None; the rows that went, by table."""
        before = self.tables()
        self.chats = [each for each in self.chats if cutoff is not None and each.touched >= cutoff]
        if not self.chats:
            self.folders = self.tags = self.feedback = 0
        after = self.tables()
        return {name: count - after[name] for name, count in before.items() if count != after[name]}

    def missing_from(self, kept: House) -> dict[str, int]:
        """Bring back chats that are not there, and what hangs on them; the rows that came, by table."""
        before = self.tables()
        there, known = {each.id for each in self.chats}, {each.id for each in self.people}
        self.chats += [each for each in kept.chats if each.id not in there and each.person in known]
        self.folders, self.tags = max(self.folders, kept.folders), max(self.tags, kept.tags)
        self.feedback = max(self.feedback, kept.feedback)
        after = self.tables()
        return {name: after[name] - count for name, count in before.items() if count != after[name]}

    def become(self, kept: House) -> None:
        """Hold what that one holds; the models stay as they are."""
        models = self.models_bytes
        for name, value in vars(copy.deepcopy(kept)).items():
            setattr(self, name, value)
        self.models_bytes = models


@dataclass
class Archived:
    """What an archive's volume keeps; ``house`` is None until it is complete."""

    operation: str = ""
    made: float = 0.0
    house: House | None = None


def furnished(host: HostProfile, now: float) -> House:
    """As somebody would have left it after some weeks: three people, 46 chats, some of them old."""
    people = [
        Person("ada", "Ada", ADMIN, "admin"),
        Person("ben", "Ben", "ben@demo.example", "user"),
        Person("eve", "Eve", "eve@demo.example", "user"),
    ]
    models = ("qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4", "llama4-scout-17b-nvfp4")
    chats = [
        Chat(
            id=f"chat-{number:02}",
            person=people[0 if number % 2 else 1 + number // 2 % 2].id,
            title=f"Chat {number}",
            model=models[number % len(models)],
            touched=now - number * 1.5 * _DAY,
            file=350_000 + 10_000 * number if number % 6 == 0 else 0,
            shared=number % 15 == 1,
        )
        for number in range(46)
    ]
    return House(
        fresh=False,
        people=people,
        chats=chats,
        folders=4,
        tags=9,
        feedback=3,
        knowledge=2,
        prompts=5,
        uploads=[1_200_000, 4_800_000, 730_000],
        urls=[f"http://{host.address}:30001/v1"],
    )
