"""The programs of the demo's host: those that this program runs there to read something.

Each knows the command lines that are used and refuses any other, so that nothing seems to work that does not.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from typing import Protocol

from sparktray.demo.folders import Disk, File
from sparktray.demo.process import Process
from sparktray.remote import sampler

_BELOW = r"%f\0%s\0%y\0"
_DISCOVERING = r"d %D:%i %P\0"
_IDENTITY = r"%D:%i\0"
_DEVICE = 66306
_NOT_FOUND = 127


class Sights(Protocol):
    """What these programs see of the host."""

    @property
    def disk(self) -> Disk:
        """Its files."""
        ...

    def meminfo(self) -> str:
        """``/proc/meminfo``."""
        ...

    def listeners(self) -> str:
        """``ss -Hltnp``."""
        ...

    def gpu(self) -> str:
        """nvidia-smi's line of name, utilization, temperature and power."""
        ...

    def processes(self) -> tuple[str, str]:
        """nvidia-smi's processes, and the lines of their cgroups."""
        ...


def run(sights: Sights, process: Process, argv: Sequence[str]) -> int:
    """Run one; its exit code, 127 for a program that is not there."""
    words = list(argv)
    if words[:2] == ["env", "LC_ALL=C"]:
        del words[:2]
    match words:
        case ["true"]:
            return 0
        case ["sh", "-c", script] if script == sampler.SCRIPT:
            return _sample(sights, process)
        case ["head", "-c", count, "--", path]:
            return _head(sights, process, path, int(count))
        case ["find", *rest]:
            return _find(sights.disk, process, rest)
        case ["tar", *_, "-T", "-", "-f", "-"]:
            return _tar(sights.disk, process)
        case ["ss", "-Hltnp"]:
            process.out(sights.listeners())
            return 0
        case ["systemctl", "show", *_]:
            process.out("LoadState=not-found\nActiveState=inactive\n")
            return 0
        case _:
            process.err(f"bash: {words[0] if words else ''}: command not found\n")
            return _NOT_FOUND


def _sample(sights: Sights, process: Process) -> int:
    """The long-lived sampler: a line in, a sample out."""
    separator = sampler.SEPARATOR
    while process.line() is not None:
        memory = "".join(
            f"{line}\n"
            for line in sights.meminfo().splitlines()
            if line.startswith(("MemTotal:", "MemAvailable:"))
        )
        processes, cgroups = sights.processes()
        parts = (memory, f"{sights.gpu()}\n", f"{processes}\n", f"{cgroups}\n")
        process.out(f"{separator}\n".join(parts) + f"{separator}end\n")
    return 0


def _head(sights: Sights, process: Process, path: str, count: int) -> int:
    content: bytes | None
    if path == "/proc/meminfo":
        content = sights.meminfo().encode()
    elif sights.disk.is_folder(path):
        process.err(f"head: error reading '{path}': Is a directory\n")
        return 1
    else:
        file = sights.disk.files.get(path)
        content = None if file is None else file.content or bytes(min(count, file.size))
    if content is None:
        process.err(f"head: cannot open '{path}' for reading: No such file or directory\n")
        return 1
    process.out(content[:count])
    return 0


def _find(disk: Disk, process: Process, words: Sequence[str]) -> int:
    """The five uses of find, told apart by what they print."""
    first = next((index for index, word in enumerate(words[1:], 1) if word.startswith("-")), len(words))
    roots, rest = words[1:first], words[first:]
    code = 0
    for root in roots:
        if not disk.is_folder(root):
            process.err(f"find: '{root}': No such file or directory\n")
            code = 1
            continue
        told = _told(disk, root, rest)
        if told is None:
            process.err(f"find: the demo does not know this use: {' '.join(rest)}\n")
            return 1
        process.out("".join(told))
    return code


def _told(disk: Disk, root: str, rest: Sequence[str]) -> Iterator[str] | None:
    """What find prints of one of its folders; None for a use that is not known."""
    depth = int(rest[rest.index("-maxdepth") + 1]) if "-maxdepth" in rest else 99
    match rest[-1]:
        case "-print0":
            return iter((f"{root}\0",))
        case last if last == _BELOW:
            return (f"{name}\0{size}\0{kind}\0" for name, size, kind in _entries(disk, root, 1))
        case last if last == _IDENTITY:
            return iter((f"{_DEVICE}:{_inode(root)}\0",))
        case r" %s %P\0" if _DISCOVERING in rest:
            return _discovered(disk, root, depth)
        case r"%h\0%f\0%l\0":
            return iter(())  # no links are here
        case _:
            return None


def _entries(disk: Disk, root: str, depth: int) -> Iterator[tuple[str, int, str]]:
    for path, file in disk.below(root, depth):
        yield path, 4096 if file is None else file.size, "d" if file is None else "f"


def _discovered(disk: Disk, root: str, depth: int) -> Iterator[str]:
    for path, size, kind in _entries(disk, root, depth):
        if kind == "d":
            yield f"d {_DEVICE}:{_inode(f'{root}/{path}')} {path}\0"
        else:
            yield f"f {size} {path}\0"


def _inode(path: str) -> int:
    return 1000 + sum(path.rstrip("/").encode()) * 31 + len(path)


def _tar(disk: Disk, process: Process) -> int:
    """The files named on stdin, as far as they can be read."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in process.all_input().decode().split("\0")[:-1]:
            file = disk.files.get(name)
            if isinstance(file, File) and file.content is not None:
                member = tarfile.TarInfo(name)
                member.size = file.size
                archive.addfile(member, io.BytesIO(file.content))
    process.out(packed.getvalue())
    return 0
