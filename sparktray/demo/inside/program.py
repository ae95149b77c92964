"""The program for Open WebUI's data, as the demo answers for it: the commands of resources/open_webui.

That program works on files and SQLite; here is no disk. So what it prints is made from `House`, with the same
keys, and refusals with the same codes.
"""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping

from sparktray.demo.docker.container import Held
from sparktray.demo.docker.engine import Volume
from sparktray.demo.inside.accounts import SCHEMA, Archived, House
from sparktray.demo.inside.engine import Machine
from sparktray.demo.inside.guest import Guest

_DAY = 24 * 3600.0
_FREE_BYTES = 1_650_000_000_000
_STEPS = 5
_SECONDS = 0.5
_STDOUT = 1
Json = dict[str, object]


class _Problem(Exception):
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class DataProgram(Guest):
    """`python - COMMAND JSON` in Open WebUI's image, the program itself on stdin."""

    after_term = 143

    def __init__(self, container: Held, machine: Machine, volume: Callable[[str], Volume]) -> None:
        super().__init__(container)
        self._machine = machine
        self._volume = volume

    def live(self) -> int:
        """Do the command; the last line is its result or its problem."""
        _, command, given = self.container.argv[-3:]
        try:
            if not self.container.stdin:
                raise _Problem("bad-request", "no program came")
            done = self._done(command, json.loads(given))
        except _Problem as problem:
            self._tell({"problem": {"code": problem.code, "detail": problem.detail}})
            return 1
        self._tell(done)
        return 0

    def _done(self, command: str, options: Mapping[str, object]) -> Json:
        house = self._at("/data").holds
        if not isinstance(house, House):
            raise _Problem("no-database", "webui.db is not there, or no file")
        match command:
            case "look":
                return _look(_whole(house), _cutoff(options))
            case "archive":
                return self._archive(_whole(house), str(options.get("operation", "")))
            case "wipe":
                return self._wipe(house, options)
            case "restore":
                return self._restore(house, everything=options.get("scope") == "everything")
            case _:
                raise _Problem("bad-request", "one of look, archive, wipe, restore, and its options as JSON")

    def _at(self, place: str) -> Volume:
        source = next((source for source, target, _ in self.container.binds if target == place), None)
        if source is None:
            raise _Problem("bad-request", f"{place} is not mounted")
        return self._volume(source)

    def _archive(self, house: House, operation: str) -> Json:
        volume = self._at("/archive")
        kept = volume.holds if isinstance(volume.holds, Archived) else Archived(operation)
        if kept.operation != operation:
            raise _Problem("archive-taken", f"it is the archive of {kept.operation}")
        volume.holds = kept
        if kept.house is None:
            self._work("copy")
            kept.house, kept.made = copy.deepcopy(house), time.time()
        return {
            "created_at": kept.made,
            "schema": SCHEMA,
            "counts": kept.house.tables(),
            "files": 1 + len(kept.house.upload_sizes()),
            "bytes": kept.house.needed_bytes(),
            "unsettled": 0,
        }

    def _wipe(self, house: House, options: Mapping[str, object]) -> Json:
        everything, before = options.get("scope") == "everything", _volume_bytes(house)
        if not everything:
            _whole(house)
        if options.get("archive") is not False:
            self._kept()
        self._work("delete")
        if everything:
            removed = {} if house.fresh else house.tables()
            house.become(House())
            left: Json = {"models_bytes": house.models_bytes}
        else:
            removed = house.without_chats(_cutoff(options))
            left = dict(house.tables())
        return {
            "removed": removed,
            "bytes": {"before": before, "after": _volume_bytes(house)},
            "left": left,
            "integrity": "ok",
        }

    def _restore(self, house: House, *, everything: bool) -> Json:
        kept = self._kept()
        self._work("bring back")
        if everything:
            house.become(kept)
            restored = kept.tables()
        else:
            restored = _whole(house).missing_from(kept)
        return {"restored": restored, "integrity": "ok"}

    def _kept(self) -> House:
        found = self._at("/archive").holds
        if not isinstance(found, Archived) or found.house is None:
            raise _Problem("no-archive", "there is no manifest")
        return found.house

    def _work(self, what: str) -> None:
        for done in range(_STEPS):
            self._tell({"progress": {"what": what, "done": done + 1, "of": _STEPS}})
            self.rest(_SECONDS / _STEPS / self._machine.pace)

    def _tell(self, line: Mapping[str, object]) -> None:
        self.say(json.dumps(line, ensure_ascii=False), _STDOUT)


def _whole(house: House) -> House:
    if house.fresh:
        raise _Problem("no-database", "webui.db is not there, or no file")
    return house


def _cutoff(options: Mapping[str, object]) -> float | None:
    days = options.get("older_than_days")
    return time.time() - days * _DAY if isinstance(days, int) else None


def _look(house: House, cutoff: float | None) -> Json:
    each = house.of_person()
    old = [chat for chat in house.chats if cutoff is not None and chat.touched < cutoff]
    going = [chat.file for chat in (house.chats if cutoff is None else old) if chat.file]
    return {
        "integrity": "ok",
        "schema": SCHEMA,
        "tables": house.tables(),
        "users": [
            {"id": p.id, "name": p.name, "email": p.email, "role": p.role, "chats": each[p.id]}
            for p in house.people
        ],
        "chats": len(house.chats),
        "models": dict(Counter(chat.model for chat in house.chats).most_common()),
        "chats_older": len(old),
        "folders": house.folders,
        "tags": house.tags,
        "shared": sum(chat.shared for chat in house.chats),
        "feedback": house.feedback,
        "database_bytes": house.database_bytes(),
        "wal_bytes": 0,
        "volume_bytes": _volume_bytes(house),
        "uploads": _sum(house.upload_sizes()),
        "cache": {"models_bytes": house.models_bytes, "other_bytes": 0},
        "vectors": "none",
        "chat_files": _sum(going),
        "free_bytes": _FREE_BYTES,
        "needed_bytes": house.needed_bytes(),
    }


def _volume_bytes(house: House) -> int:
    return house.needed_bytes() + house.models_bytes


def _sum(sizes: list[int]) -> Json:
    return {"count": len(sizes), "bytes": sum(sizes)}
