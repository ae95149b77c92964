"""The rig's users: `sparkuser`, who may use Docker, and `nodocker`, who may not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.canary import CANARY
from tests.rig.namespace import put_in_front


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the rig's host."""

    name: str
    uid: int
    in_docker_group: bool

    @property
    def home(self) -> Path:
        """The home folder, on a tmpfs of the rig."""
        return Path("/home") / self.name


PASSWORD = f"{CANARY} of sparkuser"
# Of PASSWORD: openssl passwd -6 -salt rigrigrig
_HASH = "$6$rigrigrig$UCRkMh3simBjk4Nsfj26y.Ic0zuxpgx/5H5KLQw.vGaySFILG.i2EhGxglIvL60.PHGOdZfvfdlde8HJbB2p3/"

SPARKUSER = Person("sparkuser", 1717, in_docker_group=True)
NODOCKER = Person("nodocker", 1718, in_docker_group=False)
PEOPLE = (SPARKUSER, NODOCKER)


def _without(text: str, names: set[str]) -> list[str]:
    return [line for line in text.splitlines() if line.partition(":")[0] not in names]


def settle() -> None:
    """Add the users to this namespace's copies of the account files, and make their homes."""
    names = {person.name for person in PEOPLE}
    passwd = _without(Path("/etc/passwd").read_text(encoding="utf-8"), names)
    shadow = _without(Path("/etc/shadow").read_text(encoding="utf-8"), names)
    group = _without(Path("/etc/group").read_text(encoding="utf-8"), names | {"docker"})
    for person in PEOPLE:
        passwd.append(f"{person.name}:x:{person.uid}:{person.uid}::{person.home}:/bin/bash")
        shadow.append(f"{person.name}:{_HASH}:20000:0:99999:7:::")
        group.append(f"{person.name}:x:{person.uid}:")
        person.home.mkdir(mode=0o755)
        os.chown(person.home, person.uid, person.uid)
    members = ",".join(person.name for person in PEOPLE if person.in_docker_group)
    group.append(f"docker:x:1799:{members}")
    put_in_front(Path("/etc/passwd"), "\n".join(passwd) + "\n")
    put_in_front(Path("/etc/shadow"), "\n".join(shadow) + "\n", mode=0o600)
    put_in_front(Path("/etc/group"), "\n".join(group) + "\n")
