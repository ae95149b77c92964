"""The pure packages meet neither interface, network, threads, disk nor clock while they are tested.

The import blocker is installed before any test module is collected, and so before the pure packages
are imported.
"""

from __future__ import annotations

import builtins
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

import pytest

PURE = ("sparktray.domain", "sparktray.engines", "sparktray.decide")
BLOCKED = frozenset(
    {
        "PySide6",
        "shiboken6",
        "paramiko",
        "httpx",
        "keyring",
        "platformdirs",
        "asyncio",
        "concurrent",
        "importlib",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "select",
        "selectors",
        "socket",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
    }
)
CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep")

_import = builtins.__import__


class NotPure(Exception):
    """A pure module reached for the outside world."""


def is_pure(module: str) -> bool:
    """True for the pure packages and everything in them."""
    return any(module == package or module.startswith(package + ".") for package in PURE)


def _guarded_import(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Any = (),
    level: int = 0,
) -> Any:
    importer = str((globals or {}).get("__name__", ""))
    if level == 0 and name.partition(".")[0] in BLOCKED and is_pure(importer):
        raise NotPure(f"{importer} imports {name}")
    return _import(name, globals, locals, fromlist, level)


if builtins.__import__ is _import:
    builtins.__import__ = _guarded_import


def _asked_by_pure(frame: FrameType | None) -> bool:
    while frame is not None:
        if is_pure(str(frame.f_globals.get("__name__", ""))):
            return True
        frame = frame.f_back
    return False


def _guarded_clock(name: str, clock: Callable[..., Any]) -> Callable[..., Any]:
    def ask(*arguments: float) -> Any:
        if _asked_by_pure(sys._getframe(1)):
            raise NotPure(f"time.{name} from a pure package")
        return clock(*arguments)

    return ask


class _NoSocket:
    """Stands in the place of ``socket.socket``."""

    def __init__(self, *arguments: object, **options: object) -> None:
        raise NotPure("a socket in a pure test")


@pytest.fixture(autouse=True, scope="module")
def _outside_world_blocked() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in CLOCKS:
            patch.setattr(time, name, _guarded_clock(name, getattr(time, name)))
        patch.setattr(socket, "socket", _NoSocket)
        yield
