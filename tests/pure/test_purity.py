from __future__ import annotations

import ast
import builtins
import importlib
import pkgutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

import sparktray
from tests.pure.conftest import BLOCKED, CLOCKS, PURE, NotPure, is_pure

ROOT = Path(sparktray.__file__).parent
PACKAGES = [ROOT / package.rpartition(".")[2] for package in PURE]
FILES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
FORBIDDEN_CALLS = {
    "now",
    "utcnow",
    "today",
    "open",
    "print",
    "input",
    "eval",
    "exec",
    "__import__",
    "breakpoint",
}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@contextmanager
def _forgotten() -> Iterator[None]:
    """The pure packages as never imported; afterwards the ones that other tests hold are back."""
    kept = {name: module for name, module in sys.modules.items() if is_pure(name)}
    holders = {name: getattr(sparktray, name.rpartition(".")[2], None) for name in PURE}
    for name in kept:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if is_pure(name)]:
            del sys.modules[name]
        sys.modules.update(kept)
        for name, module in holders.items():
            if module is not None:
                setattr(sparktray, name.rpartition(".")[2], module)


def _module(name: str, text: str) -> ModuleType:
    module = ModuleType(name)
    exec(compile(text, "<made>", "exec"), module.__dict__)  # noqa: S102  a module made on the fly
    return module


def test_every_pure_module_is_found() -> None:
    walked = {
        found.name
        for package in PURE
        for found in pkgutil.walk_packages([str(ROOT / package.rpartition(".")[2])], package + ".")
    }
    assert walked | set(PURE) == {_name(path) for path in FILES}
    assert len(FILES) > 30


@pytest.mark.parametrize("name", [_name(path) for path in FILES])
def test_a_pure_module_is_imported_first_and_alone_under_the_blocker(name: str) -> None:
    with _forgotten():
        assert importlib.import_module(name).__name__ == name


@pytest.mark.parametrize("blocked", sorted(BLOCKED))
@pytest.mark.parametrize("package", PURE)
def test_the_blocker_refuses_what_a_pure_module_must_not_know(package: str, blocked: str) -> None:
    for line in (f"import {blocked}", f"import {blocked}.x", f"from {blocked} import x"):
        with pytest.raises(NotPure, match=f"{package}.x imports {blocked}"):
            _module(f"{package}.x", line)


def test_the_blocker_also_refuses_an_import_inside_a_function() -> None:
    made = _module("sparktray.domain.x", "def clock():\n    import time\n    return time.time()")
    with pytest.raises(NotPure, match="imports time"):
        made.clock()


def test_the_blocker_leaves_everybody_else_alone() -> None:
    assert builtins.__import__.__name__ == "_guarded_import"
    for name in ("sparktray.control.x", "sparktray.domainlike", "tests.x"):
        assert _module(name, "import time").time is time


@pytest.mark.parametrize("clock", CLOCKS)
def test_no_clock_answers_below_a_pure_function(clock: str) -> None:
    made = _module("sparktray.decide.x", "def ask(clock):\n    return clock(0)\n")
    with pytest.raises(NotPure, match=f"time.{clock} "):
        made.ask(getattr(time, clock))
    if clock != "sleep":
        assert getattr(time, clock)() > 0


def test_no_socket_is_made() -> None:
    with pytest.raises(NotPure):
        socket.socket()


def forbidden(text: str) -> list[str]:
    """What a module's text calls that asks a clock, opens a file or prints."""
    found = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                found.append(name)
    return found


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_pure_module_asks_a_clock_opens_a_file_or_prints(path: Path) -> None:
    assert forbidden(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "text", ["datetime.now(UTC)", "date.today()", "datetime.utcnow()", "open('x')", "print(1)"]
)
def test_the_reading_of_the_text_finds_them(text: str) -> None:
    assert len(forbidden(f"def f():\n    return {text}\n")) == 1
    assert datetime.__module__ == "datetime"
