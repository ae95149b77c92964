"""Looks through a host's models folder: a few commands, however many models there are.

Names come from the host and may be anything; nothing of them is taken for an option or for shell text.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from sparktray.decide.finding.layout import (
    CONFIG,
    DEEPEST,
    INDEX,
    MOST_FOLDERS,
    PATTERNS,
    QUANTIZATION,
    READ,
    Candidate,
    candidates,
)
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.facts.discovery import Discovery, FoundFolder, Listed
from sparktray.domain.facts.survey import ModelFolder
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.remote.contract import MIB, Finished, Remote
from sparktray.remote.errors import CommandFailed
from sparktray.remote.link import Cancel

_SECONDS = 30.0
_LISTING_CAP = 16 * MIB  # some 100,000 files
_LARGEST = {CONFIG: MIB, QUANTIZATION: MIB, INDEX: 8 * MIB}  # a 400 B model's index has 8 MB
_AT_ONCE = 8 * MIB  # what one command brings of these files
_MOST_READ = 128 * MIB
_PATHS_AT_ONCE = 100  # of 300 characters: below the 128 KiB of one argument, as which sshd hands on a command
_PLAIN = ("env", "LC_ALL=C")  # what find complains of is read
_SIZE_DIGITS = 19  # of the largest file that a system of 64 bits knows
_NO_PROGRAM = 127
_BLOCK = 512  # of a tar archive


class FolderMissing(Exception):
    """The models folder of the host's profile is not there; ``problem`` says so."""

    def __init__(self, host: HostProfile) -> None:
        super().__init__(host.models_dir)
        self.problem = Problem(
            "folder-missing",
            phrase("There is no folder {path} on {host}.", path=host.models_dir, host=host.name),
            phrase(
                "Name the folder where its models lie: sparktray host add {host} --models-dir …",
                host=host.name,
            ),
        )


def discover(
    remote: Remote, host: HostProfile, catalogue: Catalogue, cancel: Cancel | None = None
) -> Discovery:
    """Read what lies in the host's models folder, down to four folders deep.

    Raises RemoteError, and FolderMissing. Blocks; called from a worker thread.
    """
    return _Look(remote, host, cancel).take(catalogue)


class _Look:
    """One look at one host."""

    def __init__(self, remote: Remote, host: HostProfile, cancel: Cancel | None) -> None:
        self._remote = remote
        self._host = host
        self._root = host.expand("{models}")
        self._cancel = cancel

    def take(self, catalogue: Catalogue) -> Discovery:
        listed = self._run(_find(self._root), cap=_LISTING_CAP)
        complaints = listed.stderr.decode(errors="replace").splitlines()
        if not listed.stdout:
            self._check_root(listed, complaints)
        found = candidates(_listing(listed))
        more = listed.cut or len(found) > MOST_FOLDERS
        found = found[:MOST_FOLDERS]
        texts = self._texts(found)
        outward = self._outward([each for each in found if each.linked])
        paths = [self._host.expand(model.path) for model in catalogue.models if model.path is not None]
        return Discovery(
            folders=tuple(self._folder(each, texts, outward.get(self._at(each), ())) for each in found),
            known=frozenset(self._identities(paths)),
            closed=sum(line.endswith(": Permission denied") for line in complaints),
            more=more,
        )

    def _check_root(self, listed: Finished, complaints: Sequence[str]) -> None:
        """Nothing was listed: is that all there is, or could it not be listed?"""
        if any(line.endswith(": No such file or directory") for line in complaints):
            raise FolderMissing(self._host)
        closed = any(line.endswith(": Permission denied") for line in complaints)
        if listed.exit_code != 0 and not closed:
            raise CommandFailed(exit_code=str(listed.exit_code), stderr="\n".join(complaints)[-2000:])

    def _at(self, each: Candidate) -> str:
        return f"{self._root.rstrip('/')}/{each.path}".rstrip("/")

    def _folder(self, each: Candidate, texts: Mapping[str, bytes], outward: tuple[str, ...]) -> FoundFolder:
        at = self._at(each)
        return FoundFolder(
            path=each.path,
            folder=ModelFolder(
                at, each.files, _json(texts.get(f"{at}/{CONFIG}")), _json(texts.get(f"{at}/{INDEX}"))
            ),
            quantization=_json(texts.get(f"{at}/{QUANTIZATION}")),
            identity=each.identity,
            outward=outward,
        )

    def _texts(self, found: Iterable[Candidate]) -> dict[str, bytes]:
        """The contents of the small files by path; what cannot be read is left out."""
        wanted = [
            (f"{self._at(each)}/{name}", each.files[name])
            for name in READ
            for each in found
            if each.files.get(name, _LARGEST[name] + 1) <= _LARGEST[name]
        ]
        texts: dict[str, bytes] = {}
        for batch in _batches(wanted):
            names = b"".join(path.encode(errors="surrogateescape") + b"\0" for path, _ in batch)
            argv = ["tar", "-c", "-h", "-P", "--hard-dereference", "--no-recursion", "--null", "-T", "-"]
            # Twice the room: a file may have grown, and a last record is filled up with zeros.
            room = sum(size + 4 * _BLOCK + 2 * len(path) for path, size in batch) + MIB
            told = self._run([*_PLAIN, *argv, "-f", "-"], stdin=names, cap=2 * room)
            if told.exit_code == _NO_PROGRAM:
                raise CommandFailed(exit_code=str(told.exit_code), stderr="tar")
            if not told.cut:
                texts.update(_unpacked(told.stdout))
        return texts

    def _outward(self, found: Sequence[Candidate]) -> dict[str, tuple[str, ...]]:
        """Names that are links out of their folder, by the folder's path."""
        leaving: dict[str, list[str]] = {}
        for part in _parts([self._at(each) for each in found]):
            argv = ["find", "-H", *part, "-maxdepth", "1", "-type", "l", "-printf", r"%h\0%f\0%l\0"]
            told = self._run([*_PLAIN, *argv], cap=_LISTING_CAP)
            fields = iter([] if told.cut else _fields(told.stdout))
            for folder, name, target in zip(fields, fields, fields, strict=False):
                if "/" in target:
                    leaving.setdefault(folder, []).append(name)
        linked = {self._at(each): set(each.linked) for each in found}
        return {at: tuple(sorted(names.intersection(leaving.get(at, ())))) for at, names in linked.items()}

    def _identities(self, paths: Sequence[str]) -> Iterator[str]:
        """Device and inode of those folders that are there."""
        for part in _parts(paths):
            argv = ["find", "-L", *part, "-maxdepth", "0", "-printf", r"%D:%i\0"]
            yield from _fields(self._run([*_PLAIN, *argv], cap=MIB).stdout)

    def _run(self, argv: Sequence[str], *, cap: int, stdin: bytes = b"") -> Finished:
        return self._remote.run(argv, stdin=stdin, deadline=_SECONDS, cancel=self._cancel, cap=cap)


def _find(root: str) -> list[str]:
    """Folders with their identity, and files that tell of a model; links are followed, hidden ones passed."""
    names = [word for pattern in PATTERNS for word in ("-o", "-name", pattern)][1:]
    return [
        *(*_PLAIN, "find", "-L", root, "-mindepth", "1", "-maxdepth", str(DEEPEST + 1)),
        *("-name", ".?*", "-prune", "-o"),
        *("-type", "d", "-printf", r"d %D:%i %P\0", "-o"),
        *("-type", "f", "(", *names, ")"),
        *("(", "-xtype", "l", "-printf", "l", "-o", "-printf", "f", ")", "-printf", r" %s %P\0"),
    ]


def _listing(listed: Finished) -> Iterator[Listed]:
    records = _fields(listed.stdout)
    for record in records[1:] if listed.cut else records:  # of too many the first one is torn
        kind, _, rest = record.partition(" ")
        number, _, path = rest.partition(" ")
        if kind == "d":
            yield Listed(path, identity=number)
        elif number.isdecimal() and len(number) <= _SIZE_DIGITS:
            yield Listed(path, int(number), linked=kind == "l")


def _fields(text: bytes) -> list[str]:
    return text.decode(errors="surrogateescape").split("\0")[:-1]


def _parts(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(paths), _PATHS_AT_ONCE):
        yield paths[begin : begin + _PATHS_AT_ONCE]


def _batches(wanted: Iterable[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """Files for one command each, until there is enough in all."""
    batch: list[tuple[str, int]] = []
    here = total = 0
    for path, size in wanted:
        if total + size > _MOST_READ:
            break
        if batch and here + size > _AT_ONCE:
            yield batch
            batch, here = [], 0
        batch.append((path, size))
        here, total = here + size, total + size
    if batch:
        yield batch


def _unpacked(archive: bytes) -> dict[str, bytes]:
    texts: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as opened:
            for member in opened:
                # A file with holes may claim any size; tar makes none of these without being asked to.
                whole = member.isreg() and not member.issparse()
                content = opened.extractfile(member) if whole else None
                if content is not None:
                    texts[member.name] = content.read()
    except (tarfile.TarError, ValueError, OverflowError):
        return texts  # no archive, or one that was broken off: what came before that is whole
    return texts


def _json(content: bytes | None) -> Mapping[str, object] | None:
    try:
        decoded = msgspec.json.decode(content or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None
