"""Files that are whole at every moment, whatever ends the program and however many of it write."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sparktray.store.paths import ConfigFolder, unreadable, unwritable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def write_file(path: Path, content: bytes) -> None:
    """Put ``content`` in place of the file, readable by its owner alone; all of it or nothing.

    A link is followed, so that a file kept elsewhere stays there. Raises `StoreError`.
    """
    target = Path(os.path.realpath(path))
    fresh = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, target)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
        _keep_name(target.parent)
    except OSError as error:
        raise unwritable(path, error) from error


def _keep_name(folder: Path) -> None:
    """Have the new name survive a power cut; Windows knows no such call and needs none."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def append_line(path: Path, line: bytes) -> None:
    """Add one line that is on the disk when this returns; a torn line before it stays one of its own.

    The caller holds the folder's lock. Raises `StoreError`.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    line = b"\n" + line
            left = memoryview(line + b"\n")
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from error


def read_file(path: Path) -> bytes | None:
    """The whole file, None when it is not there. Raises `StoreError`."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error


def claim(path: Path, *, make: bool = False) -> int | None:
    """Lock a file until the handle is closed or this process ends, however; None when another one has it.

    Raises `FileNotFoundError` for one that is not there, unless it is to be made, and `OSError`.
    """
    handle = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600)
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # PermissionError is what Windows says
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextlib.contextmanager
def sole_writer(folder: ConfigFolder) -> Iterator[None]:
    """Within, no other process or thread reads, changes and writes files of this folder.

    For the milliseconds that takes: never held while waiting for anything. Raises `StoreError`.
    """
    path = folder.made() / "lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        try:
            if sys.platform == "win32":
                msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
            else:
                fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise unwritable(path, error) from error
        try:
            yield
        finally:
            if sys.platform == "win32":
                msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
    finally:
        os.close(handle)  # gives flock's lock back
