"""Two people with something of everything, each thing with a word of its own."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.unit.open_webui.program import NOW, done
from tests.unit.open_webui.volume import NEWEST, Volume

SPEECH = "a" * 64
GOES = ("CHATWORD", "OLDWORD", "UPLOADWORD", "SHAREWORD", "RATEWORD", "SPOKENWORD", "BENWORD")
"""Words that are in chats and in what only chats have."""
STAYS = ("KNOWNWORD", "NOTEWORD", "MEMORYWORD", "CHANNELWORD", "PROMPTWORD")
"""Words that are in something else, some of them in chats as well."""


@dataclass
class World:
    """The volume, an empty place for its archive, and what is in it by name."""

    volume: Volume
    archive: Path
    chats: dict[str, str]
    files: dict[str, str]
    folders: dict[str, str]

    @property
    def data(self) -> Path:
        """The folder of the volume."""
        return self.volume.data

    def archived(self, operation: str = "op", **more: object) -> None:
        """Make the archive."""
        done("archive", data=self.data, archive=self.archive, operation=operation, container="open-webui",
             volume="open-webui", **more)  # fmt: skip

    def wiped(self, **more: object) -> dict[str, object]:
        """Wipe, with the archive."""
        return done("wipe", data=self.data, archive=self.archive, operation="op", **more)

    def restored(self, **more: object) -> dict[str, object]:
        """Restore from the archive."""
        return done("restore", data=self.data, archive=self.archive, **more)


def world(folder: Path, version: str = NEWEST) -> World:
    """Build it below a folder."""
    volume = Volume(folder / "volume", version)
    (folder / "archive").mkdir()
    ada, ben = volume.person("ada", "admin"), volume.person("ben")
    files = {
        "chat": volume.file(ada, "UPLOADWORD"),
        "known": volume.file(ada, "KNOWNWORD"),
        "note": volume.file(ben, "NOTEWORD"),
        "alone": volume.file(ben, "nobody speaks of it"),
    }
    folders = {"plain": volume.folder(ada), "own": volume.folder(ben, data={"system_prompt": "be kind"})}
    chats = {
        "new": volume.chat(ada, "CHATWORD", files=(files["chat"], files["known"]), tags=("work",)),
        "old": volume.chat(ada, "OLDWORD", days=100, folder=folders["plain"], tags=("past",)),
        "ben": volume.chat(ben, "BENWORD", days=50, folder=folders["own"], files=(files["note"],)),
        "shared": volume.chat(ben, "SHAREWORD", days=1),
    }
    volume.share(chats["shared"], ben, "SHAREWORD")
    volume.feedback(chats["new"], ada, "RATEWORD")
    volume.knowledge(ada, files["known"])
    volume.insert("note", id="n1", user_id=ben, title="note", data={"files": [{"id": files["note"]}]})
    volume.insert("memory", id="m1", user_id=ada, content="MEMORYWORD")
    volume.insert("message", id="c1", user_id=ada, channel_id="c", content="CHANNELWORD")
    volume.insert("prompt", id="p1", command="/p", user_id=ada, title="p", content="PROMPTWORD")
    volume.insert("automation", id="a1", user_id=ada, name="daily", data={}, folder_id=folders["plain"])
    volume.insert("automation_run", id="r1", automation_id="a1", chat_id=chats["old"], status="ok")
    volume.insert("config", id=1, data={"ui": 1}, version=0, key="ui", value=1)
    speech = volume.data / "cache/audio/speech"
    (speech / f"{SPEECH}.json").write_text('{"input": "SPOKENWORD"}')
    (speech / f"{SPEECH}.mp3").write_bytes(b"SPOKENWORD as sound")
    for path in speech.iterdir():
        os.utime(path, (NOW, NOW))
    (volume.data / "audit.log").write_text("who did what\n")
    volume.insert("chat_message", id=str(uuid.uuid4()), chat_id="gone", user_id=ada, role="user",
                  content="CHATWORD of a chat that is no more", created_at=1, updated_at=1)  # fmt: skip
    return World(volume, folder / "archive", chats, files, folders)
