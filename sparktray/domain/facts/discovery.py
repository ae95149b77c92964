"""What a look through a host's models folder brought."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sparktray.domain.facts.survey import ModelFolder


class Listed(msgspec.Struct, frozen=True):
    """A file or folder below the models folder. ``path`` is relative to that.

    ``size`` is a file's, in bytes. ``identity`` is a folder's device and inode: the same folder has the same
    one under each of its names. ``linked``: the name itself is a link, to a file.
    """

    path: str
    size: int | None = None
    identity: str = ""
    linked: bool = False


class FoundFolder(msgspec.Struct, frozen=True):
    """A folder with a model, or with a part of one. ``path`` is relative to the models folder.

    ``quantization`` is the parsed `hf_quant_config.json`. ``outward`` are files that are links to somewhere
    else: inside a container that sees this folder alone they lead nowhere.
    """

    path: str
    folder: ModelFolder
    quantization: Mapping[str, object] | None = None
    identity: str = ""
    outward: tuple[str, ...] = ()


class Discovery(msgspec.Struct, frozen=True):
    """``known`` are the identities of the folders that the catalogue has.

    ``closed`` is how many folders may not be read; ``more``: there is more than was looked at.
    """

    folders: tuple[FoundFolder, ...] = ()
    known: frozenset[str] = msgspec.field(default_factory=frozenset)
    closed: int = 0
    more: bool = False
